//! `cargo xtask bench` and `cargo xtask chaos`: builds and starts the programs that measure and that break.
//!
//! They are examples of `carril-testkit`: a file `examples/bench-NAME.rs` is the benchmark NAME, and
//! `examples/chaos.rs` the chaos run. Both are handed the release binaries by path, in `CARRIL_BIN` and
//! `FUNDS_LOAD_BIN`, because an example cannot ask cargo for another package's binary. Nothing is measured here.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::command::{PROFILE, cargo, must, succeeds};
use crate::tree::Tree;
use crate::workspace::Workspace;

#[cfg(test)]
mod tests;

const FOLDER: &str = "crates/carril-testkit/examples/";
const PREFIX: &str = "bench-";
const CHAOS: &str = "chaos";
/// The benchmark of the program that people run.
const COLD: &str = "cold";
const RELEASE: &str = "release";

/// What has to be built beside an example.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    /// `carril`, as people get it.
    Released,
    /// `carril` with its failpoints, and the loader of the funds.
    Failpoints,
}

/// Runs the benchmark `name` with `arguments`; without a name, lists what there is.
///
/// Returns whether it succeeded; its standard output is the benchmark's alone.
///
/// # Errors
///
/// When there is no such benchmark or it cannot be built.
pub(crate) fn bench(root: &Path, name: Option<&str>, arguments: &[String]) -> Result<bool> {
    let names = names(&Tree::read(root)?);
    let Some(name) = name else {
        println!("{}", listed(&names));
        return Ok(true);
    };
    if !names.iter().any(|known| known == name) {
        bail!("there is no benchmark `{name}`\n{}", listed(&names));
    }
    let beside = if name == COLD {
        Beside::Released
    } else {
        Beside::Nothing
    };
    start(root, &format!("{PREFIX}{name}"), beside, arguments)
}

/// Runs the chaos program with `arguments`, against a `carril` with its failpoints.
///
/// Returns whether it succeeded.
///
/// # Errors
///
/// When it does not exist or cannot be built.
pub(crate) fn chaos(root: &Path, arguments: &[String]) -> Result<bool> {
    if !Tree::read(root)?.has(&format!("{FOLDER}{CHAOS}.rs")) {
        bail!("there is no chaos program: `{FOLDER}{CHAOS}.rs` does not exist");
    }
    start(root, CHAOS, Beside::Failpoints, arguments)
}

/// Builds what an example of the test kit needs, and runs it.
fn start(root: &Path, example: &str, beside: Beside, arguments: &[String]) -> Result<bool> {
    let target = Workspace::read(root)?.target;
    let build = |profile: &str, package: &[&str]| {
        let command = ["build", "--profile", profile, "--quiet", "--locked"];
        must(cargo(root).args(command).arg("--package").args(package))
    };
    let run = ["run", "--profile", PROFILE, "--quiet", "--locked"];
    let mut command = cargo(root);
    command.args(run).args(["--package", "carril-testkit"]);
    command.args(["--example", example, "--"]).args(arguments);
    match beside {
        Beside::Nothing => {}
        Beside::Released => {
            build(RELEASE, &["carril-cli"])?;
            command.env("CARRIL_BIN", binary(&target.join(RELEASE), "carril"));
        }
        Beside::Failpoints => {
            build(PROFILE, &["carril-cli", "--features", "failpoints"])?;
            build(PROFILE, &["funds-example"])?;
            let built = target.join(PROFILE);
            command.env("CARRIL_BIN", binary(&built, "carril"));
            command.env("FUNDS_LOAD_BIN", binary(&built, "funds-load"));
        }
    }
    succeeds(&mut command)
}

fn binary(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Returns the benchmarks that the repository has.
fn names(tree: &Tree) -> Vec<String> {
    let name = |path: &String| {
        let file = path.strip_prefix(FOLDER)?.strip_prefix(PREFIX)?;
        let name = file
            .strip_suffix("/main.rs")
            .or_else(|| file.strip_suffix(".rs"))?;
        (!name.contains('/')).then(|| name.to_owned())
    };
    tree.paths.iter().filter_map(name).collect()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return format!("no benchmarks: {FOLDER} has no file `{PREFIX}NAME.rs`");
    }
    let lines = names
        .iter()
        .map(|name| format!("cargo xtask bench {name} [--json]"));
    lines.collect::<Vec<_>>().join("\n")
}
