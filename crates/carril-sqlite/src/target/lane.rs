//! A lane's own file: where it lies, how it is made and opened, how it goes.
//!
//! `<workspaces>/p<process>/e<execution>-r<run>.db`, never used again by another run. A file is written under another name,
//! synced and then given its own, so it is there whole or not at all, whenever the engine is killed. Everything here
//! blocks and runs on the lane's database thread.

use super::guard::Guard;
use super::name::{SHARED, read_only_uri};
use super::template::{Templates, WHOLE, unmade, unwritable};
use super::{fault, lock};
use carril_model::contract::{StepError, Whose};
use carril_model::definition::{Synchronous, Workspace};
use carril_model::id::{ExecutionId, ProcessId, Run, StepId};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long SQLite itself waits for a lock before we look whether we still want it.
pub(crate) const BUSY_SLICE: Duration = Duration::from_millis(20);
/// How often a folder that is removed as soon as it is made is made again.
const FOLDER_TRIES: u32 = 100;
/// What a damaged lane file is renamed to have at its end.
const QUARANTINE: &str = ".corrupt";

/// Which lane file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LaneKey {
    pub(crate) process: ProcessId,
    pub(crate) execution: ExecutionId,
    pub(crate) run: Run,
}

/// What a lane's file holds and how it is written.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) tables: Vec<String>,
    pub(crate) synchronous: Synchronous,
    /// Whether steps have worked in it: a file that is not there is then lost, and not made anew.
    pub(crate) expected: bool,
    /// Steps whose fence rows must be in it.
    pub(crate) worked: Vec<StepId>,
}

impl Shape {
    pub(crate) fn of(workspace: &Workspace, expected: bool, worked: &[StepId]) -> Self {
        Self {
            tables: workspace.tables.clone(),
            synchronous: workspace.synchronous,
            expected,
            worked: worked.to_vec(),
        }
    }
}

/// The folder of all lane files of one target.
pub(crate) struct Lanes {
    shared: PathBuf,
    folder: PathBuf,
    templates: Templates,
    /// Lanes that this engine has made and not removed: one of them that is gone was removed by somebody else.
    made: Mutex<HashSet<LaneKey>>,
    copies: AtomicU64,
}

impl Lanes {
    pub(crate) fn new(shared: PathBuf, folder: PathBuf) -> Self {
        Self {
            shared,
            folder,
            templates: Templates::default(),
            made: Mutex::default(),
            copies: AtomicU64::new(0),
        }
    }

    /// Where a lane's file is.
    pub(crate) fn path(&self, lane: LaneKey) -> PathBuf {
        self.folder_of(lane.process)
            .join(format!("e{}-r{}.db", lane.execution, lane.run))
    }

    fn folder_of(&self, process: ProcessId) -> PathBuf {
        self.folder.join(format!("p{process}"))
    }

    /// Opens a lane's file for its steps, making it first if it is not there, with the shared file attached for reading.
    ///
    /// # Errors
    /// `CAR0516` when it cannot be made, is damaged or has disappeared; `CAR0511` and `CAR0517` as their pages say.
    pub(crate) fn open(
        &self,
        lane: LaneKey,
        shape: &Shape,
        guard: &Arc<Guard>,
    ) -> Result<Connection, StepError> {
        let path = self.path(lane);
        // A file that another engine left, without ever syncing it: only a look at all of it tells whether it is whole.
        let is_doubtful = shape.synchronous == Synchronous::Normal
            && !lock(&self.made).contains(&lane)
            && is_whole(&path);
        self.ensure(lane, shape, &path)?;
        let connection = self.connect(&path, shape, guard).and_then(|connection| {
            if is_doubtful && !is_sound(&connection) {
                return Err(damage());
            }
            Ok(connection)
        });
        match connection {
            Err(error) if fault::is_damage(&error) => Err(self.quarantine(lane, &error)),
            Err(error) => Err(fault::step(
                &error,
                &format!("opening {}: ", path.display()),
            )),
            Ok(connection) => {
                all_there(&connection, lane, shape, &path)?;
                self.attach_shared(connection)
            }
        }
    }

    fn ensure(&self, lane: LaneKey, shape: &Shape, path: &Path) -> Result<(), StepError> {
        let damaged = with_end(path, QUARANTINE);
        if damaged.exists() {
            return Err(unmade(format!(
                "the workspace of this run was damaged and lies in {}; retry the execution from its beginning",
                damaged.display()
            )));
        }
        if is_whole(path) {
            lock(&self.made).insert(lane);
            return Ok(());
        }
        if shape.expected || lock(&self.made).contains(&lane) {
            return Err(unmade(format!(
                "{} has disappeared while its execution ran; retry the execution from its beginning",
                path.display()
            )));
        }
        let bytes = self.templates.image(&self.shared, &shape.tables)?;
        // A lane has one thread, so one name will do; the file that a killed engine left half made is written over.
        let part = with_end(path, ".part");
        self.place(path, &part, shape.synchronous, |file| {
            file.write_all(&bytes)
        })?;
        lock(&self.made).insert(lane);
        fail::fail_point!("target::workspace::made");
        Ok(())
    }

    /// Has a file written under another name, synced, and gives it its own.
    fn place(
        &self,
        path: &Path,
        part: &Path,
        synchronous: Synchronous,
        fill: impl FnOnce(&mut fs::File) -> io::Result<()>,
    ) -> Result<(), StepError> {
        let written = self.make_file(part).and_then(|mut file| {
            fill(&mut file)?;
            if synchronous == Synchronous::Full {
                file.sync_all()
            } else {
                Ok(())
            }
        });
        let placed = written.and_then(|()| {
            remove_files(path)?;
            fs::rename(part, path)
        });
        placed.map_err(|error| {
            // The half file has a name that nobody opens, and goes with its execution.
            let _ = fs::remove_file(part);
            unwritable(path, &error)
        })
    }

    /// Makes a file, and its folder where that is missing. Whoever removes the last file of a process removes the folder with
    /// it, which may be just after it was looked for here; from the first file on it stays.
    fn make_file(&self, path: &Path) -> io::Result<fs::File> {
        let make = || {
            self.make_folder_of(path)?;
            fs::File::create(path)
        };
        for _ in 0..FOLDER_TRIES {
            match make() {
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {}
                made => return made,
            }
        }
        make()
    }

    /// The name of a new folder is on disk before anything in it is relied on; SQLite does the same for the folder's files.
    fn make_folder_of(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        if folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        fs::File::open(&self.folder)?.sync_all()
    }

    fn connect(
        &self,
        path: &Path,
        shape: &Shape,
        guard: &Arc<Guard>,
    ) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_SLICE)?;
        connection.execute_batch(include_str!("../../sql/target/lane_settings.sql"))?;
        let synchronous = match shape.synchronous {
            Synchronous::Full => "full",
            Synchronous::Normal => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // A lane's file is removed soon after its connection is closed; moving its log into it first would be work for nothing.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // Reads the first page, so that damage shows here.
        connection.query_row("pragma schema_version", [], |_| Ok(()))?;
        guard.watch(&mut connection, false)?;
        Ok(connection)
    }

    fn attach_shared(&self, connection: Connection) -> Result<Connection, StepError> {
        let attach = format!("attach ?1 as {SHARED}");
        match connection.execute(&attach, [read_only_uri(&self.shared)]) {
            Ok(_) => Ok(connection),
            Err(error) => Err(fault::step(
                &error,
                &format!("attaching {}: ", self.shared.display()),
            )),
        }
    }

    /// Puts a damaged file out of the way, for whoever wants to look at it.
    pub(crate) fn quarantine(&self, lane: LaneKey, error: &rusqlite::Error) -> StepError {
        let path = self.path(lane);
        let to = with_end(&path, QUARANTINE);
        for suffix in ["-wal", "-shm", ""] {
            // A file that cannot be moved is met again, damaged, by the next attempt, and told again.
            let _ = fs::rename(with_end(&path, suffix), with_end(&to, suffix));
        }
        let mut fault = unmade(format!(
            "the workspace {} is damaged ({}); it was moved to {}; retry the execution from its beginning",
            path.display(),
            fault::words(error),
            to.display()
        ));
        fault.native = fault::native_text(error);
        fault
    }

    /// Copies the workspace of one run to another, which must not have begun; says whether there was one.
    ///
    /// A copy that is already there was made for a run that never came to be, perhaps with other rows: it goes first.
    /// `prepare` may change the copy before anybody sees it.
    pub(crate) fn copy(
        &self,
        from: LaneKey,
        to: LaneKey,
        synchronous: Synchronous,
        prepare: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
    ) -> Result<bool, StepError> {
        let (source, target) = (self.path(from), self.path(to));
        self.forget(to)?;
        if !source.exists() {
            return Ok(false);
        }
        self.make_folder_of(&target)
            .map_err(|error| unwritable(&target, &error))?;
        let copy = self.copies.fetch_add(1, Ordering::Relaxed);
        let image = with_end(&target, &format!(".copy{copy}"));
        let copied = copy_into(&source, &image, prepare).map_err(|error| {
            if fault::is_damage(&error) {
                unmade(format!(
                    "the workspace {} is damaged: {}",
                    source.display(),
                    fault::words(&error)
                ))
            } else {
                fault::step(&error, &format!("copying {}: ", source.display()))
            }
        });
        let placed = copied.and_then(|()| {
            self.place(&target, &with_end(&image, ".part"), synchronous, |file| {
                io::copy(&mut fs::File::open(&image)?, file).map(|_| ())
            })
        });
        // What cannot be removed has a name that nobody opens, and goes with its execution.
        let _ = remove_files(&image);
        placed.map(|()| {
            lock(&self.made).insert(to);
            true
        })
    }

    /// Gives a run that has not begun a new file, whatever was prepared for it before.
    pub(crate) fn renew(&self, lane: LaneKey, shape: &Shape) -> Result<(), StepError> {
        self.forget(lane)?;
        self.ensure(lane, shape, &self.path(lane))
    }

    /// Removes what was prepared for a run that has not begun.
    fn forget(&self, lane: LaneKey) -> Result<(), StepError> {
        let path = self.path(lane);
        remove_files(&path).map_err(|error| unwritable(&path, &error))?;
        lock(&self.made).remove(&lane);
        Ok(())
    }

    /// All lane files of an execution, of whatever run, in order of run.
    pub(crate) fn files_of(&self, whose: Whose) -> io::Result<Vec<PathBuf>> {
        let start = format!("e{}-r", whose.execution);
        let mut files: Vec<PathBuf> = self
            .entries(whose.process)?
            .into_iter()
            .filter(|(name, _)| name.starts_with(&start))
            .map(|(_, path)| path)
            .collect();
        files.sort();
        Ok(files)
    }

    /// Executions of a process that have a file, or what is left of one.
    pub(crate) fn executions(&self, process: ProcessId) -> io::Result<Vec<ExecutionId>> {
        let mut found: Vec<ExecutionId> = self
            .entries(process)?
            .iter()
            .filter_map(|(name, _)| execution_of(name))
            .collect();
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn entries(&self, process: ProcessId) -> io::Result<Vec<(String, PathBuf)>> {
        let folder = match fs::read_dir(self.folder_of(process)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        folder
            .map(|entry| {
                entry.map(|entry| {
                    (
                        entry.file_name().to_string_lossy().into_owned(),
                        entry.path(),
                    )
                })
            })
            .collect()
    }

    /// Removes all files of an execution, and the process's folder when it is empty. No connection may be open on them.
    pub(crate) fn remove(&self, whose: Whose) -> io::Result<()> {
        for file in self.files_of(whose)? {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        lock(&self.made).retain(|lane| lane.execution != whose.execution);
        // It stays while other executions are in it.
        let _ = fs::remove_dir(self.folder_of(whose.process));
        Ok(())
    }
}

/// The execution in a file name `e<execution>-r…`.
fn execution_of(name: &str) -> Option<ExecutionId> {
    let (execution, _) = name.strip_prefix('e')?.split_once("-r")?;
    execution.parse().ok().map(ExecutionId)
}

/// Whether a lane file is there and was finished: a machine that lost power may leave a name with nothing behind it.
fn is_whole(path: &Path) -> bool {
    if !path.exists() {
        return false;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let version = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.query_row("pragma user_version", [], |row| row.get::<_, i64>(0))
    });
    // A damaged file is not made again silently: opening it says so.
    version.map_or(true, |version| version == WHOLE)
}

fn copy_into(
    source: &Path,
    image: &Path,
    prepare: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let from = Connection::open_with_flags(
        source,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    from.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let mut to = Connection::open(image)?;
    to.pragma_update(None, "synchronous", "off")?;
    rusqlite::backup::Backup::new(&from, &mut to)?.run_to_completion(
        1_024,
        Duration::ZERO,
        None,
    )?;
    prepare(&mut to)?;
    to.close().map_err(|(_, error)| error)
}

/// A database file with its log and index.
fn remove_files(path: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", ""] {
        match fs::remove_file(with_end(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;

/// What is known to have been done in a lane's file must be in it: a power failure may have taken what was not synced.
fn all_there(
    connection: &Connection,
    lane: LaneKey,
    shape: &Shape,
    path: &Path,
) -> Result<(), StepError> {
    for step in &shape.worked {
        let done: Result<bool, rusqlite::Error> = connection.query_row(
            include_str!("../../sql/target/fence_done.sql"),
            rusqlite::params![lane.execution.0, lane.run.0, step.0],
            |row| row.get(0),
        );
        if !matches!(done, Ok(true)) {
            return Err(unmade(format!(
                "{} has lost what was done in it, as a power failure may where workspaces are not synced; retry the execution from its beginning",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Whether a lane's own file, not one that is attached to it, holds together.
pub(crate) fn is_sound(connection: &Connection) -> bool {
    connection
        .query_row("pragma main.quick_check(1)", [], |row| {
            row.get::<_, String>(0)
        })
        .is_ok_and(|found| found == "ok")
}

/// What SQLite says of a file that does not hold together.
fn damage() -> rusqlite::Error {
    let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(error, None)
}
