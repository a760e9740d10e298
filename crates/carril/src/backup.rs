//! Backups of a store and putting them back, off the runtime's threads: the doors of `carril backup` and `carril restore`.
//!
//! How it is done is the store's business; here are the paths, the engine's lock and the threads.

use crate::location::{self, Location};
use crate::open::OpenError;
use carril_engine::clock::SystemClock;
use carril_engine::task;
use carril_model::contract::{Clock as _, NodeInfo};
use carril_sqlite::store::{self, EngineLock, Keep};
use std::path::Path;
use std::sync::Arc;

pub use carril_sqlite::store::{Backup, BackupError, Contents, Restored};

/// How far a backup is: pieces copied, and pieces in all. The answer says whether to go on.
pub type BackupProgress = Arc<dyn Fn(u64, u64) -> bool + Send + Sync>;

/// How a backup is made.
#[derive(Clone)]
pub struct BackupOptions {
    /// Take the place of a backup that is there; false by default.
    pub replace: bool,
    /// Keep the lanes' workspaces too, in a folder beside the file, with `.lanes` added to its name; false by default.
    pub workspaces: bool,
    /// Told again and again how far it is; by default nobody is, and it goes on to its end.
    pub progress: BackupProgress,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            replace: false,
            workspaces: false,
            progress: Arc::new(|_, _| true),
        }
    }
}

impl std::fmt::Debug for BackupOptions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("BackupOptions")
            .field("replace", &self.replace)
            .field("workspaces", &self.workspaces)
            .finish_non_exhaustive()
    }
}

/// Why a backup was not put back. The store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The store cannot be had: above all, an engine is at work on it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The backup cannot take its place.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// Makes a backup of a store, beside an engine or without one. Relative paths are relative to `folder`.
///
/// # Errors
/// As [`BackupError`]; then there is no new file.
///
/// # Cancel safety
/// Dropping the future leaves the backup to end by itself; the progress's answer stops it.
pub async fn backup(
    store: &str,
    to: &Path,
    folder: &Path,
    options: BackupOptions,
) -> Result<Backup, RestoreError> {
    let path = location::store_path(store, folder, "a backup").map_err(OpenError::from)?;
    let (to, folder) = (folder.join(to), folder.to_owned());
    let made = task::blocking(move || {
        let lanes = Location::File(path.clone()).lanes(&folder);
        let keep = Keep {
            replace: options.replace,
            workspaces: options.workspaces.then_some(lanes.as_path()),
        };
        store::backup(&path, &to, keep, &*options.progress)
    });
    Ok(made.await.map_err(|_| OpenError::Panicked)??)
}

/// Puts a backup in the place of a store, which is kept under another name. Relative paths are relative to `folder`; `host` and
/// `command` are who says so, for whoever wants the store meanwhile.
///
/// # Errors
/// [`OpenError::Held`] when an engine has the store, else as [`BackupError`]; then the store is as it was.
pub async fn restore(
    from: &Path,
    store: &str,
    folder: &Path,
    host: &str,
    command: &str,
) -> Result<Restored, RestoreError> {
    let path =
        location::store_path(store, folder, "restoring a backup").map_err(OpenError::from)?;
    let from = folder.join(from);
    let node = NodeInfo {
        host: host.to_owned(),
        pid: std::process::id(),
        command: command.to_owned(),
        lanes: None,
    };
    let lanes = Location::File(path.clone()).lanes(folder);
    let now = SystemClock::new().now();
    let done = task::blocking(move || -> Result<Restored, RestoreError> {
        let _alone = EngineLock::acquire(&path, &node).map_err(OpenError::from)?;
        Ok(store::restore(&from, &path, &lanes, now)?)
    });
    done.await.map_err(|_| OpenError::Panicked)?
}
