//! `cargo xtask test`: installs what the tests need and runs all of them.
//!
//! The workspace's tests by nextest, or by `cargo test` where that is missing; then the doc tests; then the tests
//! behind features. One that fails does not keep the others from running.

use std::path::Path;

use anyhow::Result;

use crate::command::{cargo, is_there, shown, succeeds};
use crate::console;
use crate::needs::{BROWSER, NEEDS, install};
use crate::workspace::Workspace;

#[cfg(test)]
mod tests;

/// Packages with tests that only a feature compiles.
const BEHIND_FEATURES: &[(&str, &str)] = &[("carril-cli", "failpoints")];

/// Runs the tests; `arguments` go to the test runner and select, and then the doc tests are left out.
///
/// Returns whether all passed.
///
/// # Errors
///
/// When a need cannot be met or a command cannot be started.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<bool> {
    install(root, NEEDS)?;
    if let Err(error) = install(root, BROWSER).and_then(|()| console::install(root)) {
        eprintln!("test: the console will not be tested in a browser: {error:#}");
    }
    let workspace = Workspace::read(root)?;
    let has_nextest = is_there(&["cargo", "nextest", "--version"]);
    if !has_nextest {
        eprintln!(
            "test: cargo-nextest is not installed; `cargo test` runs the tests instead, without their time limits"
        );
    }
    let mut failed = Vec::new();
    for line in lines(&workspace, has_nextest, arguments) {
        eprintln!("test: cargo {}", line.join(" "));
        let mut command = cargo(root);
        command.args(&line);
        if !succeeds(&mut command)? {
            failed.push(shown(&command));
        }
    }
    for line in &failed {
        eprintln!("test: this failed: {line}");
    }
    Ok(failed.is_empty())
}

/// Returns the cargo commands that run all tests.
fn lines(workspace: &Workspace, has_nextest: bool, arguments: &[String]) -> Vec<Vec<String>> {
    let runner: &[&str] = if has_nextest {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    // The documentation's examples run in one line of their own, which nextest cannot do.
    let targets: &[&str] = if has_nextest { &[] } else { &["--all-targets"] };
    // A selection may hit nothing in one of the lines; the runner then says so and goes on.
    let selected: &[&str] = if has_nextest && !arguments.is_empty() {
        &["--no-tests=warn"]
    } else {
        &[]
    };
    let line = |scope: &[&str]| -> Vec<String> {
        let words = runner
            .iter()
            .chain(scope)
            .chain(targets)
            .chain(selected)
            .chain(&["--locked"]);
        words
            .map(|word| (*word).to_owned())
            .chain(arguments.iter().cloned())
            .collect()
    };
    let mut lines = vec![line(&["--workspace"])];
    if arguments.is_empty() {
        lines.push(
            ["test", "--doc", "--workspace", "--locked"]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    for (name, feature) in BEHIND_FEATURES {
        if workspace
            .find(name)
            .is_some_and(|ours| ours.features.contains(*feature))
        {
            lines.push(line(&["--package", name, "--features", feature]));
        }
    }
    lines
}
