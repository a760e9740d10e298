//! Putting a backup in the place of a store.
//!
//! The backup is copied beside the store and read whole first; then the copy is made fit for a time that it knows nothing of, and only
//! then it takes the store's name, in one rename. What was there is kept under another name.
//!
//! A restored store is behind: targets hold effects that it knows nothing of. So it gives out no id that may have been given out since, its tokens
//! are above all that targets may have seen, and nothing it holds is taken for untried: every step looks at its fence first, and finds what is done.

use super::{
    BackupError, Contents, counted, header, lanes, lanes_beside, reserve, sync_folder_of, whole,
    with_end,
};
use crate::store::migrate;
use crate::store::open;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// By how much tokens are raised: more claims than one execution has in a lifetime. `token * 65,536` stays in 64 bits for a hundred million restores.
const TOKENS: i64 = 1_000_000;
/// By how much ids are raised where nobody can tell how many were given out since the backup: more than a store gives out in years, and
/// still far below 2^53.
const IDS: i64 = 1_000_000_000;

/// A store that was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What it holds.
    pub contents: Contents,
    /// Its first new id.
    pub next_id: i64,
    /// What was in its place, where something was.
    pub replaced: Option<PathBuf>,
    /// Wishes of other programs that nobody had answered, and that are gone.
    pub wishes_dropped: u64,
    /// Workspaces put back from beside the backup.
    pub workspaces: u64,
}

/// Puts the backup in the place of the store, and its workspaces, if it has any, below `workspaces` where they are missing.
///
/// Whoever calls this holds the [`super::super::EngineLock`] of the store.
///
/// # Errors
/// As [`BackupError`]; then the store is as it was.
pub fn restore(
    from: &Path,
    store: &Path,
    workspaces: &Path,
    now: Timestamp,
) -> Result<Restored, BackupError> {
    header::look(from)?;
    if from
        .canonicalize()
        .ok()
        .is_some_and(|real| store.canonicalize().ok() == Some(real))
    {
        return Err(BackupError::Same {
            path: from.to_owned(),
        });
    }
    let part = with_end(store, ".restoring");
    let mine = reserve(&part, store)?;
    let made = prepare(from, store, &part).and_then(|(contents, next_id, wishes_dropped)| {
        // Before the store itself: a store without its workspaces could lose work, workspaces without their store are only files.
        let workspaces = lanes::put_back(&lanes_beside(from), workspaces)?;
        let replaced =
            exchange(&part, store, now).map_err(|error| BackupError::unwritable(store, &error))?;
        Ok(Restored {
            contents,
            next_id,
            replaced,
            wishes_dropped,
            workspaces,
        })
    });
    if made.is_err() {
        let _ = fs::remove_file(&part);
    }
    drop(mine);
    made
}

/// The copy that will be the store: whole, of this program's version, and fit for a later time.
fn prepare(from: &Path, store: &Path, part: &Path) -> Result<(Contents, i64, u64), BackupError> {
    copy(from, part)?;
    let found = whole(part).map_err(|error| of_backup(error, part, from))?;
    let mut connection = Connection::open_with_flags(
        part,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| BackupError::writing(part, &error))?;
    migrate::up(&mut connection, part, found.version)?;
    let contents = counted(&connection, migrate::NEWEST)
        .map_err(|error| BackupError::writing(part, &error))?;
    let (next_id, dropped) =
        raise(&mut connection, store).map_err(|error| BackupError::writing(part, &error))?;
    connection
        .close()
        .map_err(|(_, error)| BackupError::writing(part, &error))?;
    Ok((contents, next_id, dropped))
}

/// What is wrong with the copy was wrong with the backup.
fn of_backup(error: BackupError, part: &Path, from: &Path) -> BackupError {
    match error {
        BackupError::Damaged { path, found } if path == part => BackupError::Damaged {
            path: from.to_owned(),
            found,
        },
        other => other,
    }
}

/// Copies the backup; by SQLite where a log lies beside it, so that the log is part of it.
fn copy(from: &Path, part: &Path) -> Result<(), BackupError> {
    if !with_end(from, "-wal").exists() {
        let copied = File::open(from).and_then(|mut source| {
            let mut target = File::options().write(true).truncate(true).open(part)?;
            io::copy(&mut source, &mut target)
        });
        return match copied {
            Ok(_) => Ok(()),
            Err(error) => Err(BackupError::unwritable(part, &error)),
        };
    }
    let unreadable = |error: rusqlite::Error| BackupError::Unreadable {
        path: from.to_owned(),
        why: error.to_string(),
    };
    let source = Connection::open_with_flags(
        from,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(unreadable)?;
    source.execute_batch("BEGIN").map_err(unreadable)?;
    source
        .query_row("PRAGMA user_version", [], |_| Ok(()))
        .map_err(unreadable)?;
    let mut target = Connection::open(part).map_err(|error| BackupError::writing(part, &error))?;
    super::pages(&source, &mut target, part, &|_, _| true)
}

/// Makes the copy fit for a time that it knows nothing of; its next id, and how many wishes were dropped.
fn raise(connection: &mut Connection, store: &Path) -> rusqlite::Result<(i64, u64)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let own: i64 = transaction.query_row(sql!("restore_next"), [], |row| row.get(0))?;
    let next = later_life(&transaction, store).unwrap_or_else(|| own.saturating_add(IDS));
    transaction.execute(sql!("restore_ids"), [next])?;
    transaction.execute(sql!("restore_tried"), [])?;
    transaction.execute(sql!("restore_tokens"), [TOKENS])?;
    let dropped = transaction.execute(sql!("restore_requests"), params![])?;
    let next = transaction.query_row(sql!("restore_next"), [], |row| row.get(0))?;
    transaction.commit()?;
    Ok((next, dropped as u64))
}

/// The next id of the store that is replaced, where it can be read and is a later life of the backup: it knows the backup's newest engine.
///
/// Any other store may be younger than what the targets have seen.
fn later_life(copy: &Connection, store: &Path) -> Option<i64> {
    let newest: Option<(i64, String, i64, i64)> = copy
        .query_row(sql!("restore_newest_node"), [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()
        .ok()?;
    let (id, host, pid, entered_at) = newest?;
    let (present, _) = open::any_version(store).ok()?;
    let knows: bool = present
        .query_row(
            sql!("restore_knows_node"),
            params![id, host, pid, entered_at],
            |row| row.get(0),
        )
        .ok()?;
    if !knows {
        return None;
    }
    present
        .query_row(sql!("restore_next"), [], |row| row.get(0))
        .ok()
}

/// Gives the copy the store's name, and what was there another; its name, if there was something.
fn exchange(part: &Path, store: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
    File::options().write(true).open(part)?.sync_all()?;
    let replaced = if store.symlink_metadata().is_ok() {
        Some(put_aside(store, now)?)
    } else {
        None
    };
    // A log without its file would be taken for the new one's.
    for end in ["-wal", "-shm", "-journal"] {
        gone(fs::remove_file(with_end(store, end)))?;
    }
    fs::rename(part, store)?;
    sync_folder_of(store)?;
    Ok(replaced)
}

/// Keeps the present store under another name, with its log where that cannot be moved into it.
///
/// The store keeps its own name too (by a second link) until the new one takes it, so that at every instant there is a store; where the file
/// system knows no links, there is none for an instant.
fn put_aside(store: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let moved_in = empty_log(store);
    let aside = free_name(store, now);
    if !moved_in {
        let log = with_end(store, "-wal");
        gone(fs::copy(&log, with_end(&aside, "-wal")).map(|_| ()))?;
    }
    if fs::hard_link(store, &aside).is_err() {
        fs::rename(store, &aside)?;
    }
    sync_folder_of(store)?;
    Ok(aside)
}

/// Moves the store's log into it, as far as it is sound; says whether nothing is left in the log.
fn empty_log(store: &Path) -> bool {
    let emptied = open::any_version_for_writing(store).is_ok_and(|connection| {
        let told = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        told.is_ok_and(|busy: i64| busy == 0)
    });
    emptied && fs::metadata(with_end(store, "-wal")).map_or(true, |log| log.len() == 0)
}

fn free_name(store: &Path, now: Timestamp) -> PathBuf {
    let time = jiff::Timestamp::from_microsecond(now.0).unwrap_or_default();
    let base = with_end(
        store,
        &format!(".replaced-{}", time.strftime("%Y%m%dT%H%M%SZ")),
    );
    let mut name = base.clone();
    let mut number = 1;
    while name.symlink_metadata().is_ok() {
        number += 1;
        name = with_end(&base, &format!("-{number}"));
    }
    name
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
