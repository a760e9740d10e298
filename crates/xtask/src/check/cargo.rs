//! The parts of the check that other programs do: formatting, lints, documentation, and cargo-deny where it is.
//!
//! Their own words go straight to the terminal, because they are better than ours; the finding says which command
//! failed and how to see it again.

use std::path::Path;

use anyhow::Result;

use crate::command::{cargo, is_there, succeeds};
use crate::finding::Finding;

/// Mends what tools can mend: formatting, and the lints that know their own cure.
///
/// # Errors
///
/// When a tool cannot be started.
pub(super) fn fix(root: &Path) -> Result<()> {
    let mut lints = clippy_of_everything();
    lints.splice(1..1, ["--fix", "--allow-dirty", "--allow-staged"]);
    succeeds(cargo(root).args(lints))?;
    succeeds(cargo(root).args(["fmt", "--all"]))?;
    Ok(())
}

/// Checks the formatting.
pub(super) fn fmt(root: &Path) -> Result<Vec<Finding>> {
    run(
        root,
        "fmt/rustfmt",
        &["fmt", "--all", "--check"],
        "cargo xtask check --fix",
    )
}

/// Runs the lints twice: everything first, and then what ships, under the calls that only tests may make.
pub(super) fn clippy(root: &Path) -> Result<Vec<Finding>> {
    let right = "mend each of them, or `#[expect(the_lint, reason = \"…\")]` where it is wrong";
    let mut found = run(root, "clippy/everything", &clippy_of_everything(), right)?;
    found.extend(run(root, "clippy/shipped", &clippy_of_what_ships(), right)?);
    Ok(found)
}

/// Builds the documentation. The binary `carril` goes first: the library of that name then takes its page.
pub(super) fn doc(root: &Path) -> Result<Vec<Finding>> {
    let right = "every link in a doc comment resolves, and none is redundant";
    let binary = [
        "doc",
        "--no-deps",
        "--locked",
        "--keep-going",
        "-p",
        "carril-cli",
        "--bins",
    ];
    let libraries = [
        "doc",
        "--no-deps",
        "--locked",
        "--keep-going",
        "--workspace",
        "--exclude",
        "carril-cli",
    ];
    let mut found = run(root, "docs/rustdoc", &binary, right)?;
    found.extend(run(root, "docs/rustdoc", &libraries, right)?);
    Ok(found)
}

/// Applies `deny.toml` by cargo-deny, where that is installed; the same file is also read by `policy`.
pub(super) fn deny(root: &Path) -> Result<Vec<Finding>> {
    if !is_there(&["cargo", "deny", "--version"]) {
        eprintln!("check: cargo-deny is not installed; its file deny.toml is applied without it");
        return Ok(Vec::new());
    }
    let arguments = ["deny", "--locked", "check", "bans", "licenses", "sources"];
    run(
        root,
        "policy/cargo-deny",
        &arguments,
        "the dependencies keep to deny.toml",
    )
}

/// Test code may unwrap, ask the time, spawn and read the environment; the second run looks at the rest.
fn clippy_of_everything() -> Vec<&'static str> {
    let mut arguments = vec![
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--keep-going",
        "--",
    ];
    arguments.extend(["-D", "warnings"]);
    arguments.extend([
        "-A",
        "clippy::disallowed_methods",
        "-A",
        "clippy::unwrap_used",
    ]);
    arguments
}

/// The test kit and these checks do not ship.
fn clippy_of_what_ships() -> Vec<&'static str> {
    let mut arguments = vec![
        "clippy",
        "--workspace",
        "--lib",
        "--bins",
        "--locked",
        "--keep-going",
    ];
    arguments.extend(["--exclude", "carril-testkit", "--exclude", "xtask"]);
    arguments.extend(["--", "-D", "warnings"]);
    arguments
}

fn run(root: &Path, rule: &'static str, arguments: &[&str], right: &str) -> Result<Vec<Finding>> {
    let mut command = cargo(root);
    command.args(arguments);
    if rule == "docs/rustdoc" {
        command.env("RUSTDOCFLAGS", "-D warnings");
    }
    if succeeds(&mut command)? {
        return Ok(Vec::new());
    }
    let line = format!("cargo {}", arguments.join(" "));
    Ok(vec![Finding::error(
        rule,
        line,
        "the command failed; its own words are above",
        right,
    )])
}
