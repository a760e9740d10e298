//! What the driver did and what came of it, one JSON object a line: written outside of the system under test, so that what it
//! was told can be compared with what it has.

use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// The history file.
#[derive(Debug)]
pub(crate) struct History {
    file: File,
    entries: u64,
}

impl History {
    /// Opens the file, after what is in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, entries: 0 })
    }

    /// Notes one operation.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn note(&mut self, world: &str, operation: &str, details: &Value) -> io::Result<()> {
        self.entries += 1;
        let line = json!({ "entry": self.entries, "world": world, "operation": operation, "details": details });
        writeln!(self.file, "{line}")
    }
}
