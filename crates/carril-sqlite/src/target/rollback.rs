//! Rolling an execution back: its published rows, its bookkeeping, its workspaces, and a count that nothing is left.
//!
//! The first transaction takes back that the execution has published, which hides all its rows from the `current` views at
//! once and shows what stood there before; then the rows go in batches. Killed in between, a second call goes on. The caller has raised
//! the execution's token before, and every write of this target goes over one thread, in order, so nobody writes after it.

use super::lane::Lanes;
use super::name::{quoted, read_only_uri};
use super::publish::history_tables;
use super::stop::Stop;
use super::template::has_rowids;
use super::{fault, shared, transaction};
use carril_model::contract::{StepError, TableRows, TargetError, Whose};
use carril_model::definition::Workspace;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// Most rows that one transaction removes: others get at the file in between.
const BATCH_ROWS: u32 = 10_000;

/// Rows of an execution in the shared file, per history table that exists.
pub(crate) fn published(
    connection: &Connection,
    workspace: &Workspace,
    whose: Whose,
) -> Result<Vec<TableRows>, TargetError> {
    let mut found = Vec::new();
    for table in history_tables(workspace) {
        if !is_history(connection, &table)? {
            continue;
        }
        let count = format!(
            "select count(*) from main.{} where execution_id = ?1",
            quoted(&table)
        );
        let deleted: i64 = connection
            .query_row(&count, [whose.execution.0], |row| row.get(0))
            .map_err(|error| counting(&error, &table))?;
        found.push(TableRows {
            table,
            inserted: 0,
            updated: 0,
            deleted: deleted.unsigned_abs(),
        });
    }
    Ok(found)
}

/// Rows in the lane files of an execution, of all runs together, per workspace table that has any.
///
/// A file that cannot be read has no rows that could be counted; it is removed all the same.
pub(crate) fn in_workspaces(
    lanes: &Lanes,
    workspace: &Workspace,
    whose: Whose,
) -> Result<Vec<TableRows>, TargetError> {
    let files = lanes
        .files_of(whose)
        .map_err(|error| TargetError::Unreachable(format!("listing workspaces: {error}")))?;
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "db"))
    {
        for table in &workspace.tables {
            if let Ok(count) = rows_in(file, table) {
                *rows.entry(table).or_default() += count;
            }
        }
    }
    let found = rows.into_iter().filter(|(_, deleted)| *deleted > 0);
    Ok(found
        .map(|(table, deleted)| TableRows {
            table: table.to_owned(),
            inserted: 0,
            updated: 0,
            deleted,
        })
        .collect())
}

fn rows_in(file: &Path, table: &str) -> rusqlite::Result<u64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(read_only_uri(file), flags)?;
    connection
        .query_row(
            &format!("select count(*) from main.{}", quoted(table)),
            [],
            |row| row.get::<_, i64>(0),
        )
        .map(i64::unsigned_abs)
}

/// Removes an execution from the shared file, then counts that nothing of it is left there.
pub(crate) fn remove(
    connection: &Connection,
    workspace: Option<&Workspace>,
    whose: Whose,
    stop: &Stop,
) -> Result<(), TargetError> {
    let execution = whose.execution.0;
    let removals = [
        (
            "carril_publication",
            include_str!("../../sql/target/publication_count.sql"),
            include_str!("../../sql/target/publication_remove.sql"),
        ),
        (
            "carril_fence",
            include_str!("../../sql/target/fence_count.sql"),
            include_str!("../../sql/target/fence_remove.sql"),
        ),
    ];
    let [publication, fence] = removals;
    remove_own(connection, publication, execution, stop)?;
    let tables = workspace.map(history_tables).unwrap_or_default();
    for table in &tables {
        if is_history(connection, table)? {
            remove_rows(connection, table, execution, stop)?;
        }
    }
    if let Some(workspace) = workspace.filter(|workspace| workspace.column().is_some()) {
        super::column::remove(connection, workspace, whose, stop)?;
    }
    remove_own(connection, fence, execution, stop)?;
    let left: u64 = workspace
        .map_or(Ok(Vec::new()), |workspace| {
            published(connection, workspace, whose)
        })?
        .iter()
        .map(|rows| rows.deleted)
        .sum();
    if left > 0 {
        return Err(TargetError::Busy(format!(
            "{left} rows of execution {} came back while it was rolled back; roll it back again",
            whose.execution
        )));
    }
    Ok(())
}

/// Removes rows of one of Carril's own tables; where there are none, nothing is locked.
fn remove_own(
    connection: &Connection,
    (table, count, delete): (&str, &str, &str),
    execution: i64,
    stop: &Stop,
) -> Result<(), TargetError> {
    let failed = |error: rusqlite::Error| counting(&error, table);
    if shared::object(connection, table).map_err(failed)?.is_none() {
        return Ok(());
    }
    let there: i64 = connection
        .query_row(count, [execution], |row| row.get(0))
        .map_err(failed)?;
    if there > 0 {
        write(connection, stop, |connection| {
            connection.execute(delete, [execution]).map(|_| ())
        })
        .map_err(fault::as_target)?;
    }
    Ok(())
}

fn remove_rows(
    connection: &Connection,
    table: &str,
    execution: i64,
    stop: &Stop,
) -> Result<(), TargetError> {
    let name = quoted(table);
    let mut delete = format!("delete from main.{name} where execution_id = ?1");
    if has_rowids(connection, table) {
        let batch = format!(
            "select rowid from main.{name} where execution_id = ?1 order by rowid limit {BATCH_ROWS}"
        );
        delete = format!("delete from main.{name} where rowid in ({batch})");
    }
    let count = format!("select exists (select 1 from main.{name} where execution_id = ?1)");
    let any_left = || {
        connection
            .query_row(&count, [execution], |row| row.get::<_, bool>(0))
            .map_err(|error| counting(&error, table))
    };
    while any_left()? {
        write(connection, stop, |connection| {
            connection.execute(&delete, [execution]).map(|_| ())
        })
        .map_err(fault::as_target)?;
        fail::fail_point!("target::rollback::half");
    }
    Ok(())
}

fn write(
    connection: &Connection,
    stop: &Stop,
    work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<(), StepError> {
    let failed =
        |error: rusqlite::Error| fault::step(&error, "removing what the execution published: ");
    let transaction = transaction::begin(connection, true, stop)?;
    work(&transaction).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Whether a table is there and has the column by which its rows are an execution's.
fn is_history(connection: &Connection, table: &str) -> Result<bool, TargetError> {
    let columns = super::template::columns_of(connection, "main", table)
        .map_err(|error| counting(&error, table))?;
    Ok(columns
        .iter()
        .any(|column| super::name::same(&column.name, "execution_id")))
}

fn counting(error: &rusqlite::Error, table: &str) -> TargetError {
    fault::target(error, &format!("counting rows of `{table}`: "))
}
