//! `cargo xtask simulate` and `cargo xtask fuzz`: builds the simulator or the fuzzer, optimised, and starts it.
//!
//! Both are examples of `carril-testkit`, which need no other program. Nothing is simulated or fuzzed here.

use std::path::Path;

use anyhow::Result;

use crate::command::{PROFILE, cargo, succeeds};

/// Runs the simulator with `arguments`.
///
/// Returns whether every promise held.
///
/// # Errors
///
/// When it cannot be built or started.
pub(crate) fn simulate(root: &Path, arguments: &[String]) -> Result<bool> {
    start(root, "simulate", arguments)
}

/// Runs the fuzzer with `arguments`.
///
/// Returns whether it found nothing.
///
/// # Errors
///
/// When it cannot be built or started.
pub(crate) fn fuzz(root: &Path, arguments: &[String]) -> Result<bool> {
    start(root, "fuzz", arguments)
}

fn start(root: &Path, example: &str, arguments: &[String]) -> Result<bool> {
    let mut command = cargo(root);
    let run = ["run", "--profile", PROFILE, "--quiet", "--locked"];
    let what = ["--package", "carril-testkit", "--example", example, "--"];
    command.args(run).args(what).args(arguments);
    succeeds(&mut command)
}
