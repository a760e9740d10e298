//! A look at a store and at the disk it lies on, for whoever wants to know whether all is well. Changes nothing, and opens it for reading only.

use super::filesystem;
use super::migrate;
use super::open::{self, OpenError};
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::time::Timestamp;
use rusqlite::Connection;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Faults that are told of a damaged file.
const FAULTS_TOLD: usize = 3;

/// What a look at a store found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The version of its tables.
    pub version: i32,
    /// The version that this program reads and writes.
    pub newest: i32,
    /// What `quick_check` says against it; empty when it is sound.
    pub faults: Vec<String>,
    /// When an engine was last alive in it.
    pub last_seen: Option<Timestamp>,
    /// Wishes of other programs that nobody has answered.
    pub unanswered: u64,
    /// When the oldest of them was left.
    pub oldest_wish: Option<Timestamp>,
}

/// What can be told of a file and its disk without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Bytes of the file, if it is there.
    pub bytes: Option<u64>,
    /// Bytes of the write-ahead log beside it.
    pub log_bytes: u64,
    /// Bytes that are free for this user on its disk, where the system tells.
    pub free_bytes: Option<u64>,
    /// The kind of its file system, where the system tells.
    pub file_system: Option<String>,
    /// Whether that is one over a network, where locks do not keep engines apart.
    pub network: bool,
    /// Whether this user may write it, and its folder.
    pub writable: bool,
}

/// A lane's own file on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceFile {
    /// Where.
    pub path: PathBuf,
    /// The process in its name.
    pub process: ProcessId,
    /// The execution in its name.
    pub execution: ExecutionId,
    /// The run in its name.
    pub run: Run,
    /// Its bytes.
    pub bytes: u64,
}

/// Looks at a store of any version that this program knows. Reads all of it once.
///
/// # Errors
/// As [`OpenError`].
pub fn examine(path: &Path) -> Result<Examined, OpenError> {
    let (connection, version) = open::any_version(path)?;
    let of = |error: rusqlite::Error| OpenError::of(path, &error);
    let faults = faults(&connection).map_err(of)?;
    let last_seen = connection
        .query_row(sql!("examine_last_seen"), [], |row| row.get(0))
        .map_err(of)?;
    let (unanswered, oldest): (i64, Option<i64>) = connection
        .query_row(sql!("examine_wishes"), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(of)?;
    let last_seen: Option<i64> = last_seen;
    Ok(Examined {
        version,
        newest: migrate::NEWEST,
        faults,
        last_seen: last_seen.map(Timestamp),
        unanswered: unanswered.unsigned_abs(),
        oldest_wish: oldest.map(Timestamp),
    })
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({FAULTS_TOLD})"))?;
    let found: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Looks at a file and its disk.
#[must_use]
pub fn disk(path: &Path) -> Disk {
    let size = |path: &Path| path.metadata().ok().map(|data| data.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let kind = filesystem::kind(path);
    let folder = filesystem::existing_folder(path);
    let place = folder.as_deref().unwrap_or(path);
    Disk {
        bytes: size(path),
        log_bytes: size(Path::new(&log)).unwrap_or(0),
        free_bytes: free_bytes(place),
        network: kind.as_deref().is_some_and(filesystem::is_network),
        file_system: kind,
        writable: is_writable(path),
    }
}

#[cfg(unix)]
fn free_bytes(place: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(place).ok()?;
    told.f_bavail.checked_mul(told.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// A file's folder has to be writable too: the log lies in it.
#[cfg(unix)]
fn is_writable(path: &Path) -> bool {
    let may = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    (!path.exists() || may(path)) && may(folder.unwrap_or(Path::new(".")))
}

#[cfg(not(unix))]
fn is_writable(path: &Path) -> bool {
    path.metadata()
        .map_or(true, |data| !data.permissions().readonly())
}

/// The lanes' own files below a folder, `<target>/p<process>/e<execution>-r<run>.db`, in order of their paths; without the folder, none.
///
/// # Errors
/// As the system says.
pub fn workspaces(folder: &Path) -> io::Result<Vec<WorkspaceFile>> {
    let mut found = Vec::new();
    for target in entries(folder)? {
        for process in entries(&target)? {
            for file in entries(&process)? {
                if let Some((process, execution, run)) = of_name(&process, &file) {
                    let bytes = file.metadata().map_or(0, |data| data.len());
                    found.push(WorkspaceFile {
                        path: file,
                        process,
                        execution,
                        run,
                        bytes,
                    });
                }
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn of_name(folder: &Path, file: &Path) -> Option<(ProcessId, ExecutionId, Run)> {
    let process = folder.file_name()?.to_str()?.strip_prefix('p')?;
    let name = file.file_name()?.to_str()?.strip_suffix(".db")?;
    let (execution, run) = name.strip_prefix('e')?.split_once("-r")?;
    Some((
        ProcessId(process.parse().ok()?),
        ExecutionId(execution.parse().ok()?),
        Run(run.parse().ok()?),
    ))
}

/// What is in a folder; nothing when it is none, or has just gone.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
