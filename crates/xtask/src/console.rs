//! The packages of the console: what builds it, checks it and drives a browser over it. Whoever changes nothing in `console/` needs none
//! of them, so nothing here is done before it is asked for.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::command::succeeds;

/// Where the console's sources are.
pub(crate) const SOURCES: &str = "console";

/// Runs npm there, without its words but for what goes wrong.
///
/// # Errors
///
/// When it cannot be started.
pub(crate) fn npm(root: &Path, words: &[&str]) -> Result<bool> {
    let mut command = Command::new("npm");
    command.args(words).current_dir(root.join(SOURCES));
    succeeds(command.stdout(Stdio::null())).context("the console needs Node")
}

/// Installs the packages of the lock file, unless they are there.
///
/// # Errors
///
/// When they cannot be had.
pub(crate) fn install(root: &Path) -> Result<()> {
    if are_installed(root) {
        return Ok(());
    }
    let done = npm(root, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    ensure!(done, "`npm ci` does not work in {SOURCES}/");
    Ok(())
}

/// Whether the packages are those of the lock file: npm writes down what it installed, after it did.
fn are_installed(root: &Path) -> bool {
    let age = |name: &str| {
        let file = root.join(SOURCES).join(name);
        file.metadata().and_then(|about| about.modified()).ok()
    };
    let installed = age("node_modules/.package-lock.json");
    installed.is_some() && installed >= age("package-lock.json")
}
