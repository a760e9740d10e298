//! Opening the state file: safely, or not at all.
//!
//! Every setting is read back and refused when it did not take; the library's version, the file system, the kind of file
//! and its version are looked at before anything is written. What is wrong is told with a code and with what would be right.

use super::filesystem;
use super::migrate;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks a file as a Carril store ("CRRL"), in SQLite's own header.
pub(crate) const APPLICATION_ID: i32 = 0x4352_524c;
/// The oldest library without the bug that corrupts a WAL when it is reset (fixed in 3.51.3).
const LIBRARY_VERSION_MIN: i32 = 3_051_003;
/// How long a statement waits for another program's write transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache: enough for the hot ends of every table, and a bound on memory.
const CACHE_KIB: i64 = 8 * 1024;
/// Bytes of a page. A group touches few bytes in each of about ten pages, and every touched page is written whole: with 2 KiB a
/// step costs 550 bytes of writing, with 4 KiB 820, for the same work.
const PAGE_BYTES: i64 = 2_048;
/// Pages in the WAL before a commit copies them into the file: 4 MiB. A commit into a WAL that still grows takes 0.4 ms instead of
/// 0.25, so it should soon be written over; with 1,000 pages a copy serves too few commits to a page.
const CHECKPOINT_PAGES: i64 = 2_000;
/// The WAL is cut back to this after a burst.
const WAL_BYTES_MAX: i64 = 64 * 1024 * 1024;
/// Prepared statements that are kept; there are fewer than this many.
const STATEMENTS_MAX: usize = 128;

/// How commits of the store survive a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Every commit is on disk when it is acknowledged.
    #[default]
    Full,
    /// About three times faster; a power failure (not a crash) may take the last commits with it.
    Normal,
}

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreOptions {
    /// How commits survive a power failure; `Full` by default.
    pub synchronous: Durability,
    /// Open it on a network file system too; false by default, because file locks there do not keep engines apart.
    pub network_file_system: bool,
}

/// Why a store was not opened. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A newer program made it.
    #[error(
        "the store {path:?} has version {found}, this program knows versions up to {known}; use a newer carril, or another --store"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The newest that this program knows.
        known: i32,
    },
    /// It is some other file.
    #[error(
        "{path:?} is not a Carril store: {found}; name another file, it is made when it does not exist"
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        found: String,
    },
    /// It cannot be written.
    #[error(
        "the store {path:?} is read-only; it needs write permission for the file and its folder"
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Its contents are damaged.
    #[error("the store {path:?} is damaged: {found}; restore a backup, or save what is readable with `sqlite3 {} .recover`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first thing that is wrong.
        found: String,
    },
    /// File locks on its file system do not keep programs apart.
    #[error(
        "the store {path:?} lies on a network file system ({kind}), where file locks do not keep engines apart; put it on a local disk"
    )]
    NetworkFileSystem {
        /// The file.
        path: PathBuf,
        /// The file system's type.
        kind: String,
    },
    /// The SQLite library has a bug that corrupts files.
    #[error(
        "the SQLite library is version {found}, which can corrupt a store; 3.51.3 or newer is needed (build with the bundled one)"
    )]
    Library {
        /// Its version.
        found: String,
    },
    /// SQLite did not accept a setting that safety rests on.
    #[error(
        "the store {path:?} does not take `{setting} = {wanted}`, it stays `{found}`; another program may hold it open in another mode"
    )]
    Setting {
        /// The file.
        path: PathBuf,
        /// The setting.
        setting: &'static str,
        /// What it should be.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// There is no such file, or it cannot be reached.
    #[error(
        "the store {path:?} cannot be opened: {why}; check the path and that its folder exists"
    )]
    Unreachable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Somebody holds a write transaction open.
    #[error(
        "the store {path:?} is locked by another program for more than 5 s; wait for it, or end it"
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// An older program made it, and it is opened for reading only.
    #[error(
        "the store {path:?} has version {found}, this program reads version {known}; `carril run` brings it up to date"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// What this program reads.
        known: i32,
    },
    /// There is no room to open or upgrade it.
    #[error("the store {path:?} cannot be opened: the disk is full; free some space")]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
}

impl OpenError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "CAR0601",
            Self::NotOurs { .. } => "CAR0602",
            Self::ReadOnly { .. } => "CAR0603",
            Self::Damaged { .. } => "CAR0604",
            Self::NetworkFileSystem { .. } => "CAR0605",
            Self::Library { .. } => "CAR0606",
            Self::Setting { .. } => "CAR0607",
            Self::Unreachable { .. } => "CAR0608",
            Self::Busy { .. } => "CAR0609",
            Self::Older { .. } => "CAR0610",
            Self::DiskFull { .. } => "CAR0611",
        }
    }

    /// A database error met while opening `path`.
    pub(crate) fn of(path: &Path, error: &Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotOurs {
                path,
                found: "not a SQLite database".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                found: error.to_string(),
            },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            _ => Self::Unreachable {
                path,
                why: error.to_string(),
            },
        }
    }
}

/// Opens the store for the engine: made if it is missing, brought up to date if it is older.
pub(crate) fn for_engine(path: &Path, options: StoreOptions) -> Result<Connection, OpenError> {
    refuse_old_library()?;
    if !options.network_file_system {
        refuse_network(path)?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connect(path, flags)?;
    let version = look(&connection, path, true)?;
    if connection
        .is_readonly("main")
        .map_err(|error| OpenError::of(path, &error))?
    {
        return Err(OpenError::ReadOnly {
            path: path.to_owned(),
        });
    }
    if version == 0 {
        let bytes = PAGE_BYTES.to_string();
        set(&connection, path, "page_size", &bytes, &bytes)?;
    }
    configure(&connection, path, options)?;
    migrate::up(&mut connection, path, version)?;
    if is_short(&connection, path)?
        || was_left_open(&connection).map_err(|error| OpenError::of(path, &error))?
    {
        check(&connection, path)?;
    }
    Ok(connection)
}

/// Takes a store back to an older version, so that an older program can use it again; 0 leaves an empty file.
///
/// What only newer versions keep is lost. Whoever calls this holds the [`super::EngineLock`] of the same path.
///
/// # Errors
/// As [`OpenError`].
pub fn downgrade(path: &Path, to: i32) -> Result<(), OpenError> {
    refuse_old_library()?;
    let mut connection = connect(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let from = look(&connection, path, false)?;
    migrate::down(&mut connection, path, from, to)
}

/// Opens the store for reading, beside an engine or without one; never makes or changes it.
pub(crate) fn for_reading(path: &Path) -> Result<Connection, OpenError> {
    open_existing(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens the store for one short write, beside an engine or without one.
pub(crate) fn for_posting(path: &Path) -> Result<Connection, OpenError> {
    open_existing(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

/// Opens a store of any version this program knows, to copy it or look at it; gives its version.
pub(crate) fn any_version(path: &Path) -> Result<(Connection, i32), OpenError> {
    refuse_old_library()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect_leaving_the_log(path, flags)?;
    let version = look(&connection, path, false)?;
    Ok((connection, version))
}

/// The same, to tidy it.
pub(crate) fn any_version_for_writing(path: &Path) -> Result<Connection, OpenError> {
    refuse_old_library()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect_leaving_the_log(path, flags)?;
    look(&connection, path, false)?;
    Ok(connection)
}

/// Closing it does nothing to a log, which may be the only whole part of a damaged store.
fn connect_leaving_the_log(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let connection = connect(path, flags)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(|error| OpenError::of(path, &error))?;
    Ok(connection)
}

fn open_existing(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    refuse_old_library()?;
    let connection = connect(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let found = look(&connection, path, false)?;
    if found != migrate::NEWEST {
        return Err(OpenError::Older {
            path: path.to_owned(),
            found,
            known: migrate::NEWEST,
        });
    }
    set(&connection, path, "trusted_schema", "OFF", "0")?;
    set(&connection, path, "cache_size", "-2048", "-2048")?;
    set(&connection, path, "mmap_size", "0", "0")?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| OpenError::of(path, &error))?;
    let of = |error: Error| OpenError::of(path, &error);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(of)?;
    // Plans must not depend on values: otherwise SQLite prepares hot statements anew for each value, at 40 % of all cost.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(of)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

fn refuse_old_library() -> Result<(), OpenError> {
    if rusqlite::version_number() >= LIBRARY_VERSION_MIN {
        return Ok(());
    }
    Err(OpenError::Library {
        found: rusqlite::version().to_owned(),
    })
}

fn refuse_network(path: &Path) -> Result<(), OpenError> {
    match filesystem::network_kind(path) {
        Some(kind) => Err(OpenError::NetworkFileSystem {
            path: path.to_owned(),
            kind,
        }),
        None => Ok(()),
    }
}

/// Looks at what kind of file it is and tells its version; 0 is a new one, which only an engine may make.
fn look(connection: &Connection, path: &Path, may_be_new: bool) -> Result<i32, OpenError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| OpenError::of(path, &error))
    };
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables =
        number("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    let known = migrate::NEWEST;
    let not_ours = |found: String| {
        Err(OpenError::NotOurs {
            path: path.to_owned(),
            found,
        })
    };
    if application == i64::from(APPLICATION_ID) {
        return match i32::try_from(version) {
            Ok(version) if (1..=known).contains(&version) => Ok(version),
            Ok(found) if found > known => Err(OpenError::Newer {
                path: path.to_owned(),
                found,
                known,
            }),
            _ => not_ours(format!("it has store version {version}")),
        };
    }
    match (tables, version, application) {
        (0, 0, 0) if may_be_new => Ok(0),
        (0, 0, 0) => not_ours("an empty file".to_owned()),
        (_, _, 0) => not_ours(format!(
            "a SQLite database with {tables} tables, views and indexes of its own"
        )),
        _ => not_ours(format!(
            "a SQLite database of another application (id {application:#010x})"
        )),
    }
}

fn configure(connection: &Connection, path: &Path, options: StoreOptions) -> Result<(), OpenError> {
    let (synchronous, synchronous_code) = match options.synchronous {
        Durability::Full => ("FULL", "2"),
        Durability::Normal => ("NORMAL", "1"),
    };
    set(connection, path, "journal_mode", "WAL", "wal")?;
    set(
        connection,
        path,
        "synchronous",
        synchronous,
        synchronous_code,
    )?;
    set(connection, path, "foreign_keys", "ON", "1")?;
    set(connection, path, "trusted_schema", "OFF", "0")?;
    set(connection, path, "cell_size_check", "ON", "1")?;
    set(connection, path, "mmap_size", "0", "0")?;
    let cache = format!("-{CACHE_KIB}");
    set(connection, path, "cache_size", &cache, &cache)?;
    let pages = CHECKPOINT_PAGES.to_string();
    set(connection, path, "wal_autocheckpoint", &pages, &pages)?;
    let bytes = WAL_BYTES_MAX.to_string();
    set(connection, path, "journal_size_limit", &bytes, &bytes)?;
    Ok(())
}

/// Sets a PRAGMA and reads it back.
fn set(
    connection: &Connection,
    path: &Path,
    setting: &'static str,
    value: &str,
    wanted: &str,
) -> Result<(), OpenError> {
    let read = |sql: &str| -> Result<Option<String>, OpenError> {
        let of = |error: Error| OpenError::of(path, &error);
        let mut statement = connection.prepare(sql).map_err(of)?;
        let mut rows = statement.query([]).map_err(of)?;
        let Some(row) = rows.next().map_err(of)? else {
            return Ok(None);
        };
        let value: rusqlite::types::Value = row.get(0).map_err(of)?;
        Ok(Some(match value {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        }))
    };
    read(&format!("PRAGMA {setting} = {value}"))?;
    let found = read(&format!("PRAGMA {setting}"))?.unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    // Without a -mmap build SQLite has no such setting and answers with nothing: off is what we want.
    if setting == "mmap_size" && found.is_empty() {
        return Ok(());
    }
    Err(OpenError::Setting {
        path: path.to_owned(),
        setting,
        wanted: wanted.to_owned(),
        found,
    })
}

/// Whether the file is shorter than its own header says: pages that were never copied out of the WAL, or a file that was cut.
fn is_short(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let number = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| OpenError::of(path, &error))
    };
    let said = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let found = std::fs::metadata(path).map_or(0, |data| data.len());
    Ok(i64::try_from(found).is_ok_and(|found| found < said))
}

/// Whether the last engine did not say goodbye.
fn was_left_open(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(sql!("node_left_open"), [], |row| row.get(0))
}

/// Reads every page once, after an unclean stop.
fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| OpenError::of(path, &error))?;
    if found == "ok" {
        return Ok(());
    }
    Err(OpenError::Damaged {
        path: path.to_owned(),
        found,
    })
}

#[cfg(test)]
mod tests;
