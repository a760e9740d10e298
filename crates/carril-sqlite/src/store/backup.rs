//! Keeping a copy of a store while an engine works on it, and putting one back.
//!
//! [`backup`] reads one snapshot over a connection of its own: in WAL mode that holds up no writer, however long it takes. The
//! copy is made under another name, read whole, counted, synced and only then given its own name, so that a backup is there
//! whole or not at all. [`restore`] is next door. Both block; whoever calls them lends a thread.
//!
//! ```text
//! carril.db ──one snapshot, by pages──▶ FILE.part ──checked, synced──▶ FILE
//! ```

mod header;
mod lanes;
mod restore;

pub use restore::{Restored, restore};

use super::open::{self, OpenError};
use rusqlite::backup::{Backup as Copying, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Pages that are copied between two looks whether to go on: 2 to 4 MiB.
const STEP_PAGES: i32 = 1_024;
/// Faults that are told of a damaged file; the first says most of it.
const FAULTS_TOLD: usize = 3;

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// The version of its tables.
    pub version: i32,
    /// Processes, settled or not.
    pub processes: u64,
    /// Executions of entities.
    pub executions: u64,
    /// Executions that have not settled, the processes' own included.
    pub unfinished: u64,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What it holds.
    pub contents: Contents,
    /// Bytes of the file.
    pub bytes: u64,
    /// Workspaces beside it and their bytes, where they were asked for.
    pub workspaces: Option<(u64, u64)>,
}

/// How a backup is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep<'a> {
    /// Take the place of a backup that is there; false by default.
    pub replace: bool,
    /// The folder of the lanes' workspaces, where they are to be kept too: beside the file, with `.lanes` added to its name.
    pub workspaces: Option<&'a Path>,
}

/// How far a backup is: pages copied, and pages in all. The answer says whether to go on.
pub type Progress<'a> = &'a dyn Fn(u64, u64) -> bool;

/// Why there is no backup, or why none was put back. What was there before is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The store cannot be read, or the one put back cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// There is something of that name.
    #[error("{path:?} exists; name another file, or say --force to replace it")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another backup is under way to the same file.
    #[error("another backup is being written to {path:?}; wait for its end, or name another file")]
    UnderWay {
        /// The file.
        path: PathBuf,
    },
    /// The copy cannot be written.
    #[error(
        "the copy {path:?} cannot be written: {why}; its folder must exist, be writable and have room for all of the store"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The backup cannot be read.
    #[error("the backup {path:?} cannot be read: {why}; check its name and its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Its contents are not whole.
    #[error(
        "the copy {path:?} is damaged: {found}; take another backup, and look at the disk it lies on"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first things that are wrong.
        found: String,
    },
    /// It is shorter than it was.
    #[error(
        "the backup {path:?} was cut: it has {bytes} of {expected} bytes; copy it again from where it was made, or take another"
    )]
    Cut {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        bytes: u64,
        /// The bytes it should have, at least.
        expected: u64,
    },
    /// It is some other file.
    #[error(
        "{path:?} is no backup of a Carril store: {found}; name a file that `carril backup` made"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// A newer program made it.
    #[error(
        "the backup {path:?} has version {found}, this program knows versions up to {known}; restore it with the carril that made it, or a newer one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// The file to write is the one to read.
    #[error("{path:?} is the store itself; name another file")]
    Same {
        /// The file.
        path: PathBuf,
    },
    /// Whoever asked for it asked to stop.
    #[error("it was stopped before it was whole, and nothing of it was kept")]
    Stopped,
}

impl BackupError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Exists { .. } | Self::UnderWay { .. } => "CAR0612",
            Self::Unwritable { .. } => "CAR0613",
            Self::Damaged { .. } => "CAR0614",
            Self::Cut { .. } => "CAR0615",
            Self::Foreign { .. } => "CAR0616",
            Self::Newer { .. } => "CAR0617",
            Self::Same { .. } => "CAR0618",
            Self::Unreadable { .. } => "CAR0619",
            Self::Stopped => "CAR0807",
        }
    }

    fn unwritable(path: &Path, why: &impl ToString) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }

    /// What a database error means while `path` is written.
    fn writing(path: &Path, error: &rusqlite::Error) -> Self {
        Self::unwritable(path, error)
    }
}

/// Makes a backup of the store at `store`, beside an engine or without one, and says what it holds.
///
/// # Errors
/// As [`BackupError`]; then there is no new file, and an older one of the name is as it was.
pub fn backup(
    store: &Path,
    to: &Path,
    keep: Keep<'_>,
    progress: Progress<'_>,
) -> Result<Backup, BackupError> {
    refuse_same(store, to)?;
    refuse_existing(to, keep)?;
    let part = with_end(to, ".part");
    let _mine = reserve(&part, to)?;
    let copied = open::any_version(store)
        .map_err(BackupError::from)
        .and_then(|(source, version)| {
            let snapshot = begin(&source, store, version)?;
            // At once: a lane that ends from now on takes its workspace with it.
            let workspaces = match keep.workspaces {
                Some(folder) => Some(lanes::keep(folder, &lanes_beside(to), progress)?),
                None => None,
            };
            copy(&source, store, &part, progress, snapshot)?;
            Ok((snapshot, workspaces))
        });
    let finished = copied.and_then(|(contents, workspaces)| {
        let bytes = settle(&part, to)?;
        Ok(Backup {
            contents,
            bytes,
            workspaces,
        })
    });
    if finished.is_err() {
        // What is left has a name that nobody takes for a backup, and the next one writes over it.
        let _ = fs::remove_file(&part);
    }
    finished
}

/// The workspaces that belong to a backup, or to a store.
pub(crate) fn lanes_beside(path: &Path) -> PathBuf {
    with_end(path, ".lanes")
}

/// Pins the snapshot that is copied, and says what it holds.
fn begin(source: &Connection, store: &Path, version: i32) -> Result<Contents, BackupError> {
    // All pages are read in this one transaction: what the engine commits meanwhile neither waits nor makes us begin again.
    source
        .execute_batch("BEGIN")
        .and_then(|()| counted(source, version))
        .map_err(|error| OpenError::of(store, &error).into())
}

/// Copies the pinned snapshot of an open store and looks whether the copy is it.
fn copy(
    source: &Connection,
    store: &Path,
    part: &Path,
    progress: Progress<'_>,
    wanted: Contents,
) -> Result<(), BackupError> {
    let mut target = Connection::open_with_flags(
        part,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| BackupError::writing(part, &error))?;
    // It is synced once, when it is whole; until then nobody relies on it.
    target
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        .map_err(|error| BackupError::writing(part, &error))?;
    pages(source, &mut target, part, progress)?;
    source
        .execute_batch("COMMIT")
        .map_err(|error| OpenError::of(store, &error))?;
    drop(target);
    let found = whole(part)?;
    if found == wanted {
        return Ok(());
    }
    Err(BackupError::Damaged {
        path: part.to_owned(),
        found: format!("it holds {found:?} and should hold {wanted:?}"),
    })
}

fn pages(
    source: &Connection,
    target: &mut Connection,
    part: &Path,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    let writing = |error: rusqlite::Error| BackupError::writing(part, &error);
    let copying = Copying::new(source, target).map_err(writing)?;
    loop {
        let step = copying.step(STEP_PAGES).map_err(writing)?;
        let all = u64::try_from(copying.progress().pagecount).unwrap_or(0);
        let left = u64::try_from(copying.progress().remaining).unwrap_or(0);
        if !progress(all.saturating_sub(left), all) {
            return Err(BackupError::Stopped);
        }
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // Nobody else has the copy open, and a reader of a WAL never waits; a store in another mode may be being changed.
            _ => std::thread::yield_now(),
        }
    }
}

/// Reads every page of a store's copy, and says what it holds. Leaves it as one file, without a log beside it.
pub(super) fn whole(path: &Path) -> Result<Contents, BackupError> {
    let damaged = |error: rusqlite::Error| BackupError::Damaged {
        path: path.to_owned(),
        found: error.to_string(),
    };
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(damaged)?;
    // A log beside it would have to travel with it.
    connection
        .query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
        .map_err(damaged)?;
    let faults = faults(&connection).map_err(damaged)?;
    if !faults.is_empty() {
        return Err(BackupError::Damaged {
            path: path.to_owned(),
            found: faults.join("; "),
        });
    }
    let version = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(damaged)?;
    let contents = counted(&connection, version).map_err(damaged)?;
    connection.close().map_err(|(_, error)| damaged(error))?;
    Ok(contents)
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FAULTS_TOLD})"))?;
    let found: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

fn counted(connection: &Connection, version: i32) -> rusqlite::Result<Contents> {
    connection.query_row(sql!("backup_counts"), [], |row| {
        let number = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok(Contents {
            version,
            processes: number(0)?,
            executions: number(1)?,
            unfinished: number(2)?,
        })
    })
}

/// A backup over the store, or over a file that belongs to it, would be the end of it.
fn refuse_same(store: &Path, to: &Path) -> Result<(), BackupError> {
    let real = |path: &Path| {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        let whole = path.canonicalize();
        Some(whole.unwrap_or_else(|_| folder.join(path.file_name().unwrap_or_default())))
    };
    let Some(to_real) = real(to) else {
        return Ok(());
    };
    let of_store = ["", "-wal", "-shm", ".lock"];
    let mine = of_store.map(|end| real(&with_end(store, end)));
    if mine.contains(&Some(to_real)) {
        return Err(BackupError::Same {
            path: to.to_owned(),
        });
    }
    Ok(())
}

fn refuse_existing(to: &Path, keep: Keep<'_>) -> Result<(), BackupError> {
    let beside = lanes_beside(to);
    let names = [Some(to), keep.workspaces.map(|_| beside.as_path())];
    for path in names.into_iter().flatten() {
        let there = path.symlink_metadata();
        if there
            .as_ref()
            .is_ok_and(|data| !keep.replace || data.is_dir() == (path == to))
        {
            return Err(BackupError::Exists {
                path: path.to_owned(),
            });
        }
    }
    Ok(())
}

/// The file in the making is ours until this value is dropped; the kernel gives it back when we die.
fn reserve(part: &Path, to: &Path) -> Result<File, BackupError> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(part)
        .map_err(|error| BackupError::unwritable(to, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(BackupError::UnderWay {
                path: to.to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(BackupError::unwritable(to, &error)),
    }
    file.set_len(0)
        .map_err(|error| BackupError::unwritable(to, &error))?;
    for end in ["-wal", "-shm", "-journal"] {
        // What a killed backup left would be taken for this one's.
        let _ = fs::remove_file(with_end(part, end));
    }
    Ok(file)
}

/// Has the copy on disk, then gives it its name; the name is on disk too before this returns.
fn settle(part: &Path, to: &Path) -> Result<u64, BackupError> {
    let settled = || -> io::Result<u64> {
        let file = File::options().read(true).write(true).open(part)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        fs::rename(part, to)?;
        sync_folder_of(to)?;
        Ok(bytes)
    };
    settled().map_err(|error| BackupError::unwritable(to, &error))
}

/// Has the names in a file's folder on disk.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
