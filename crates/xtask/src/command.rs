//! Starting other programs: cargo mostly.
//!
//! `cargo run` puts variables of this very package into the environment; they are taken out again for the programs
//! started from here, since build scripts that look at them would run again for nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

/// How programs are built that measure and break: optimised, and quick to link.
pub(crate) const PROFILE: &str = "quick";

/// Returns a cargo that will run at `root`.
#[expect(
    clippy::disallowed_methods,
    reason = "this program is a binary, and cargo tells it where cargo is"
)]
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let ours = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ];
        if ours.iter().any(|start| name.starts_with(start)) {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// Runs a command with our terminal and tells whether it succeeded.
///
/// # Errors
///
/// When it cannot be started.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command
        .status()
        .with_context(|| format!("starting {}", shown(command)))?;
    Ok(status.success())
}

/// Runs a command with our terminal.
///
/// # Errors
///
/// When it cannot be started or does not succeed.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    anyhow::ensure!(succeeds(command)?, "this failed: {}", shown(command));
    Ok(())
}

/// Tells whether a program answers, silently.
pub(crate) fn is_there(probe: &[&str]) -> bool {
    let Some((program, arguments)) = probe.split_first() else {
        return false;
    };
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns a command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
