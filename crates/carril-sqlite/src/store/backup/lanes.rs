//! Workspaces beside a backup: each lane's file copied as it is now, and put back where it is missing.
//!
//! They are copied after the store's snapshot: a workspace that is further than the store says is gone on with, because its own
//! fence rows say what is done; one that is behind would have lost effects. Whatever disappears meanwhile had settled.

use super::{BackupError, Progress, faults, sync_folder_of, with_end};
use crate::store::examine::workspaces;
use rusqlite::backup::Backup as Copying;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages of a workspace that are copied under one lock.
const STEP_PAGES: i32 = 1_024;

/// Copies all workspaces below `from` to `to`, which takes the place of what is there; says how many, and their bytes.
pub(super) fn keep(
    from: &Path,
    to: &Path,
    progress: Progress<'_>,
) -> Result<(u64, u64), BackupError> {
    let part = with_end(to, ".part");
    let unwritable = |error: io::Error| BackupError::unwritable(to, &error);
    remove_all(&part).map_err(unwritable)?;
    fs::create_dir_all(&part).map_err(unwritable)?;
    let kept = copy_all(from, &part, progress);
    if kept.is_err() {
        let _ = remove_all(&part);
    }
    let kept = kept?;
    let placed = remove_all(to)
        .and_then(|()| fs::rename(&part, to))
        .and_then(|()| sync_folder_of(to));
    placed.map_err(unwritable)?;
    Ok(kept)
}

/// Puts back the workspaces of a backup that are not there; one that is there is at least as far. Says how many were put back.
pub(super) fn put_back(from: &Path, to: &Path) -> Result<u64, BackupError> {
    let mut count = 0;
    for file in files(from).map_err(|error| BackupError::Unreadable {
        path: from.to_owned(),
        why: error.to_string(),
    })? {
        let place = to.join(file.strip_prefix(from).unwrap_or(&file));
        if place.exists() {
            continue;
        }
        let put = || -> io::Result<()> {
            let folder = place.parent().unwrap_or(to);
            fs::create_dir_all(folder)?;
            let part = with_end(&place, ".part");
            fs::copy(&file, &part)?;
            File::options().write(true).open(&part)?.sync_all()?;
            fs::rename(&part, &place)?;
            sync_folder_of(&place)?;
            sync_folder_of(folder)
        };
        put().map_err(|error| BackupError::unwritable(&place, &error))?;
        count += 1;
    }
    Ok(count)
}

fn copy_all(from: &Path, to: &Path, progress: Progress<'_>) -> Result<(u64, u64), BackupError> {
    let found = files(from).map_err(|error| BackupError::Unreadable {
        path: from.to_owned(),
        why: error.to_string(),
    })?;
    let all = found.len() as u64;
    let (mut count, mut bytes) = (0, 0);
    for (done, file) in found.iter().enumerate() {
        if !progress(done as u64, all) {
            return Err(BackupError::Stopped);
        }
        let place = to.join(file.strip_prefix(from).unwrap_or(file));
        if let Some(size) = copy_one(file, &place)? {
            count += 1;
            bytes += size;
        }
    }
    Ok((count, bytes))
}

/// Copies one workspace; `None` when it has disappeared. A damaged one is not kept: nobody could go on with it.
fn copy_one(from: &Path, to: &Path) -> Result<Option<u64>, BackupError> {
    let unwritable = |error: &dyn std::fmt::Display| BackupError::Unwritable {
        path: to.to_owned(),
        why: error.to_string(),
    };
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(|error| unwritable(&error))?;
    match image(from, to) {
        Ok(()) => {}
        Err(_) if !from.exists() => {
            // Its lane removed it with its log; what we opened since must not be left behind.
            for path in [
                with_end(from, "-wal"),
                with_end(from, "-shm"),
                to.to_owned(),
            ] {
                let _ = fs::remove_file(path);
            }
            return Ok(None);
        }
        Err(error) => return Err(unwritable(&error)),
    }
    let synced = File::options().write(true).open(to).and_then(|file| {
        file.sync_all()?;
        Ok(file.metadata()?.len())
    });
    let bytes = synced.map_err(|error| unwritable(&error))?;
    sync_folder_of(to).map_err(|error| unwritable(&error))?;
    Ok(Some(bytes))
}

fn image(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(Duration::from_secs(5))?;
    // The log is the lane's own business.
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    source.execute_batch("BEGIN")?;
    source.query_row("PRAGMA user_version", [], |_| Ok(()))?;
    let mut target = Connection::open(to)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
    Copying::new(&source, &mut target)?.run_to_completion(STEP_PAGES, Duration::ZERO, None)?;
    let found = faults(&target)?;
    if let Some(fault) = found.into_iter().next() {
        return Err(rusqlite::Error::ToSqlConversionFailure(fault.into()));
    }
    target.close().map_err(|(_, error)| error)
}

/// The lanes' files below a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let found = workspaces(folder)?;
    Ok(found.into_iter().map(|file| file.path).collect())
}

fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
