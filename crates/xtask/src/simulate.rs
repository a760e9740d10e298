//! `cargo xtask simulate`: builds the simulator for release and starts it.
//!
//! It is the example `simulate` of `carril-testkit`, which needs no other program. Nothing is simulated here.

use std::path::Path;

use anyhow::Result;

use crate::command::{cargo, succeeds};

/// Runs the simulator with `arguments`.
///
/// Returns whether every promise held.
///
/// # Errors
///
/// When it cannot be built or started.
pub(crate) fn simulate(root: &Path, arguments: &[String]) -> Result<bool> {
    let mut command = cargo(root);
    let run = ["run", "--release", "--quiet", "--locked"];
    let what = ["--package", "carril-testkit", "--example", "simulate", "--"];
    command.args(run).args(what).args(arguments);
    succeeds(&mut command)
}
