//! What a machine can do to a program: end it before any system call, or lose power and with it what was not synced yet. Both
//! are done to short runs of the real `carril` over a tiny pipeline, and each world is then driven to its end and looked at.
//!
//! `cargo xtask chaos --syscalls` and `--power` do all of it; the command line's tests a sample. It needs `strace`, which
//! shows the calls and injects the kills. Nothing of Carril is linked in.

mod disk;
mod power;
mod recording;
mod syscalls;
mod tiny;

pub(crate) use power::{Lie, PowerSettings, power};
pub(crate) use syscalls::{SyscallSettings, syscalls};

use std::fmt;

/// Whatever goes wrong with the driver itself.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Kills, or images.
    pub(crate) count: u32,
    /// Runs that nothing was done to, and other things worth saying.
    pub(crate) notes: Vec<String>,
    /// What was wrong, each with where.
    pub(crate) wrong: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(out, "  {note}")?;
        }
        for wrong in &self.wrong {
            writeln!(out, "wrong: {wrong}")?;
        }
        let held = if self.wrong.is_empty() {
            "every promise held"
        } else {
            "promises were broken"
        };
        write!(out, "{}: {held}", self.count)
    }
}
