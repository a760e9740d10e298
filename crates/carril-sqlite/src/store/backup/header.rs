//! What the first bytes of a file say: whether it is a Carril store at all, of which version, and whether it is whole.
//!
//! Looks before SQLite does, so that a file that is cut, foreign or too new is told as what it is, and no file beside it is made.

use super::BackupError;
use crate::store::migrate;
use crate::store::open::APPLICATION_ID;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How many bytes a SQLite file's header has.
const HEADER_BYTES: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Looks at a file that should be a backup.
///
/// # Errors
/// [`BackupError::Unreadable`], [`BackupError::Cut`], [`BackupError::Foreign`] or [`BackupError::Newer`].
pub(super) fn look(path: &Path) -> Result<(), BackupError> {
    let unreadable = |error: std::io::Error| BackupError::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let file = File::open(path).map_err(unreadable)?;
    let data = file.metadata().map_err(unreadable)?;
    if !data.is_file() {
        return Err(BackupError::Unreadable {
            path: path.to_owned(),
            why: "it is not a file".to_owned(),
        });
    }
    let mut start = Vec::with_capacity(HEADER_BYTES);
    file.take(HEADER_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(unreadable)?;
    judge(path, &start, data.len())
}

/// What the first bytes of a file of this length say.
pub(super) fn judge(path: &Path, start: &[u8], bytes: u64) -> Result<(), BackupError> {
    let path = || path.to_owned();
    let foreign = |found: String| BackupError::Foreign {
        path: path(),
        found,
    };
    let cut = |expected: u64| BackupError::Cut {
        path: path(),
        bytes,
        expected,
    };
    if bytes == 0 {
        return Err(cut(HEADER_BYTES as u64));
    }
    let known = start.len().min(MAGIC.len());
    if start[..known] != MAGIC[..known] {
        return Err(foreign("not a SQLite database".to_owned()));
    }
    if start.len() < HEADER_BYTES {
        return Err(cut(HEADER_BYTES as u64));
    }
    let application = word(start, 68);
    if application != APPLICATION_ID.cast_unsigned() {
        return Err(foreign(format!(
            "a SQLite database of another application (id {application:#010x})"
        )));
    }
    let version = word(start, 60).cast_signed();
    if version > migrate::NEWEST {
        return Err(BackupError::Newer {
            path: path(),
            found: version,
            known: migrate::NEWEST,
        });
    }
    if version < 1 {
        return Err(foreign(format!("it has store version {version}")));
    }
    // The number of pages is true where the two counters agree, as every SQLite of these years writes them.
    let pages = u64::from(word(start, 28));
    let size = match (start[16], start[17]) {
        (0, 1) => 65_536,
        (high, low) => u64::from(u16::from_be_bytes([high, low])),
    };
    if word(start, 24) == word(start, 92) && bytes < pages * size {
        return Err(cut(pages * size));
    }
    Ok(())
}

fn word(start: &[u8], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&start[at..at + 4]);
    u32::from_be_bytes(bytes)
}
