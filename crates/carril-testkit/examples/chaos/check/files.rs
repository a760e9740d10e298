//! What must be true outside of the databases: of the lanes' own files, and of the commands that were started.

use super::super::world::Failure;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// No file outlives its use.
const LEFT: &str = "no workspace is left behind";
/// What failed can be looked at.
const KEPT: &str = "a failed lane's workspace is kept";
/// Lines of commands never mix.
const LINES: &str = "commands note one line each";
/// At least once.
const STARTED: &str = "a command's success was a start";
/// By the key that it was told.
const KNOWN: &str = "a command's start is known";
/// The rules of this file.
pub(super) const NAMES: [&str; 5] = [LEFT, KEPT, LINES, STARTED, KNOWN];

/// Files that should have gone: all but those of executions that failed or were cancelled.
///
/// # Errors
/// When the folder or the store cannot be read.
pub(crate) fn workspaces(
    connection: &Connection,
    lanes: &Path,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut statement =
        connection.prepare("select id from x where state in ('failed', 'cancelled')")?;
    let kept: BTreeSet<i64> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut files = Vec::new();
    walk(lanes, &mut files)?;
    let is_left = |file: &&PathBuf| execution_of(file).is_none_or(|id| !kept.contains(&id));
    let told = |file: &PathBuf| (LEFT, format!("{} is still there", file.display()));
    let mut found: Vec<_> = files.iter().filter(is_left).map(told).collect();
    let have: BTreeSet<i64> = files.iter().filter_map(|file| execution_of(file)).collect();
    for missing in kept.difference(&have) {
        found.push((KEPT, format!("execution {missing} has none")));
    }
    Ok(found)
}

/// `p7/e12-r1.db` is of execution 12; a file of any other name is nobody's.
fn execution_of(file: &Path) -> Option<i64> {
    let name = file.file_name()?.to_str()?;
    let (execution, rest) = name.strip_prefix('e')?.split_once("-r")?;
    let (run, end) = rest.split_once(".db")?;
    let whole =
        run.bytes().all(|digit| digit.is_ascii_digit()) && matches!(end, "" | "-wal" | "-shm");
    execution.parse().ok().filter(|_| whole)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Commands: every success was started at least once, by the key that it was told, and nothing else was started.
///
/// # Errors
/// When the note or the store cannot be read.
pub(crate) fn commands(
    connection: &Connection,
    calls: &Path,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut found = Vec::new();
    let mut starts: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    let text = if calls.exists() {
        std::fs::read_to_string(calls)?
    } else {
        String::new()
    };
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [key, _, attempt] = words[..] else {
            found.push((LINES, format!("`{line}`")));
            continue;
        };
        starts
            .entry(key.to_owned())
            .or_default()
            .insert(attempt.parse()?);
    }
    let mut statement = connection.prepare("select execution, run, attempt, state from s where path = 'gather/told' and carried_from is null")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (execution, run, attempt, state): (i64, i64, i64, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let key = format!("{execution}.{run}.gather.told");
        if state == "succeeded"
            && !starts
                .get(&key)
                .is_some_and(|attempts| attempts.contains(&attempt))
        {
            found.push((
                STARTED,
                format!("attempt {attempt} of {key} was never started"),
            ));
        }
    }
    // That an attempt began is noted with the next commit of its lane: a kill right after the start may leave no trace of it,
    // and a rollback then ends the run. Whose it was is known all the same.
    let known = "with recursive runs (id, run) as (
           select id, run from x where not is_own union all select id, run - 1 from runs where run > 1
         ) select id || '.' || run || '.gather.told' from runs";
    let mut statement = connection.prepare(known)?;
    let known: BTreeSet<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for key in starts.keys().filter(|key| !known.contains(*key)) {
        found.push((KNOWN, format!("{key} was started and there is no such run")));
    }
    Ok(found)
}
