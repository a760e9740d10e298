//! One engine per store: a kernel lock on `<store>.lock`, which the kernel releases when its holder dies.
//!
//! The file's contents are for messages only; the lock is the truth. The file is never removed: a lock on a removed file
//! keeps nobody out.

use carril_model::contract::NodeInfo;
use carril_model::time::Timestamp;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Most bytes of the file that are read for a message.
const HOLDER_BYTES_MAX: u64 = 4_096;

/// This program is the store's engine until this value is dropped or the program dies.
#[derive(Debug)]
pub struct EngineLock {
    _file: File,
    path: PathBuf,
}

/// Why this program did not become the store's engine.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another engine is at work.
    #[error("another engine holds {}", .0.path.display())]
    Held(Held),
    /// The lock file cannot be made or locked.
    #[error("the lock file {} cannot be used: {source}", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Who holds a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The lock file.
    pub path: PathBuf,
    /// Who wrote it last; `None` in the instant between locking and writing.
    pub holder: Option<NodeInfo>,
    /// Since when.
    pub since: Option<Timestamp>,
}

impl EngineLock {
    /// Takes the lock of the store at `path`, or tells at once who has it.
    ///
    /// # Errors
    /// As [`LockError`].
    pub fn acquire(path: &Path, info: &NodeInfo) -> Result<Self, LockError> {
        let path = lock_path(path);
        let unusable = |source| LockError::Unusable {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(held(&path, &mut file))),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        write_holder(&mut file, info).map_err(unusable)?;
        Ok(Self { _file: file, path })
    }

    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Who holds the store at `path`, without taking it; `None` when nobody does or it cannot be told.
///
/// Asking takes a shared lock for an instant, so it never keeps an engine from starting for longer than that.
#[must_use]
pub fn holder(path: &Path) -> Option<Held> {
    let path = lock_path(path);
    let mut file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(held(&path, &mut file)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn write_holder(file: &mut File, info: &NodeInfo) -> std::io::Result<()> {
    let text = serde_json::to_string(info)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

fn held(path: &Path, file: &mut File) -> Held {
    let mut text = String::new();
    let read = file.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    let holder = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    let since = file.metadata().ok().and_then(|data| data.modified().ok());
    let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let since = since
        .and_then(|age| i64::try_from(age.as_micros()).ok())
        .map(Timestamp);
    Held {
        path: path.to_owned(),
        holder,
        since,
    }
}

#[cfg(test)]
mod tests;
