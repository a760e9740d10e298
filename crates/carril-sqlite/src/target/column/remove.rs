//! How an execution's rows leave tables that executions share: counted first, then in batches, each its own transaction.
//!
//! Killed in between, a second call goes on; the note that there may be rows goes last. Whoever else writes the file gets at
//! it between two batches.

use super::facts::{Facts, Found, children_first};
use super::note;
use crate::target::name::{quoted, quoted_list, same};
use crate::target::stop::Stop;
use crate::target::{fault, transaction};
use carril_model::contract::{StepError, TableRows, TargetError, Whose};
use carril_model::definition::Workspace;
use rusqlite::Connection;

/// Most rows that one transaction removes.
const BATCH_ROWS: u32 = 10_000;

/// An execution's rows per table; tables that have none, or no such column, are left out.
pub(crate) fn count(
    connection: &Connection,
    workspace: &Workspace,
    whose: Whose,
) -> Result<Vec<TableRows>, TargetError> {
    let mut found = Vec::new();
    for (table, column) in tables_of(connection, workspace, &workspace.tables)? {
        let query = format!(
            "select count(*) from main.{} where {} = ?1",
            quoted(&table.name),
            quoted(&column)
        );
        let deleted: i64 = connection
            .query_row(&query, [whose.execution.0], |row| row.get(0))
            .map_err(|error| counting(&error, &table.name))?;
        if deleted > 0 {
            found.push(TableRows {
                table: table.name.clone(),
                inserted: 0,
                updated: 0,
                deleted: deleted.unsigned_abs(),
            });
        }
    }
    found.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(found)
}

/// Whether an execution may have rows: false once they have been removed.
pub(crate) fn exists(connection: &Connection, whose: Whose) -> Result<bool, TargetError> {
    note::is_noted(connection, whose).map_err(|error| counting(&error, "carril_workspace"))
}

/// Removes all rows of an execution, looks that none is left, and takes its note away.
pub(crate) fn remove(
    connection: &Connection,
    workspace: &Workspace,
    whose: Whose,
    stop: &Stop,
) -> Result<(), TargetError> {
    clear(connection, workspace, &workspace.tables, whose, stop)?;
    let left: u64 = count(connection, workspace, whose)?
        .iter()
        .map(|rows| rows.deleted)
        .sum();
    if left > 0 {
        return Err(TargetError::Busy(format!(
            "{left} rows of execution {} came back while they were removed; remove them again",
            whose.execution
        )));
    }
    if exists(connection, whose)? {
        write(connection, stop, |connection| {
            note::forget(connection, whose)
        })?;
    }
    Ok(())
}

/// Removes the rows of an execution from some of the workspace's tables.
pub(crate) fn clear(
    connection: &Connection,
    workspace: &Workspace,
    tables: &[String],
    whose: Whose,
    stop: &Stop,
) -> Result<(), TargetError> {
    for (table, column) in tables_of(connection, workspace, tables)? {
        clear_table(connection, &table, &column, whose, stop)?;
    }
    Ok(())
}

fn clear_table(
    connection: &Connection,
    table: &Facts,
    column: &str,
    whose: Whose,
    stop: &Stop,
) -> Result<(), TargetError> {
    let (name, column) = (quoted(&table.name), quoted(column));
    let failed = |error: rusqlite::Error| counting(&error, &table.name);
    let any_left = format!("select exists (select 1 from main.{name} where {column} = ?1)");
    let delete = batch(table, &name, &column);
    while connection
        .query_row(&any_left, [whose.execution.0], |row| row.get::<_, bool>(0))
        .map_err(failed)?
    {
        write(connection, stop, |connection| {
            connection.execute(&delete, [whose.execution.0]).map(|_| ())
        })?;
        fail::fail_point!("target::column::half");
    }
    Ok(())
}

/// The newest rows first: rows that refer to others of their table are mostly newer than those.
fn batch(table: &Facts, name: &str, column: &str) -> String {
    let (key, order) = if table.has_rowids {
        ("rowid".to_owned(), "rowid desc".to_owned())
    } else {
        let parts = quoted_list(table.primary.iter().map(String::as_str));
        (format!("({parts})"), parts)
    };
    let chosen = key.trim_start_matches('(').trim_end_matches(')');
    format!(
        "delete from main.{name} where {column} = ?1 and {key} in (select {chosen} from main.{name} where {column} = ?1 order by {order} limit {BATCH_ROWS})"
    )
}

/// The tables that are there and have the column, with the column as each writes it; those that refer to others come first.
fn tables_of(
    connection: &Connection,
    workspace: &Workspace,
    wanted: &[String],
) -> Result<Vec<(Facts, String)>, TargetError> {
    let column = workspace.column().unwrap_or_default();
    let ordered = children_first(connection, &workspace.tables)
        .map_err(|error| fault::target(&error, "reading the tables of the workspace: "))?;
    let mut found = Vec::new();
    for table in ordered
        .iter()
        .filter(|table| wanted.iter().any(|name| same(name, table)))
    {
        let facts =
            Facts::of(connection, table, column).map_err(|error| counting(&error, table))?;
        if let Found::Table(facts) = facts
            && let Some(column) = facts.column.clone()
        {
            found.push((*facts, column));
        }
    }
    Ok(found)
}

fn write(
    connection: &Connection,
    stop: &Stop,
    work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<(), TargetError> {
    let failed = |error: rusqlite::Error| fault::step(&error, "removing the execution's rows: ");
    let written = || -> Result<(), StepError> {
        let transaction = transaction::begin(connection, true, stop)?;
        work(&transaction).map_err(failed)?;
        transaction.commit().map_err(failed)
    };
    written().map_err(fault::as_target)
}

fn counting(error: &rusqlite::Error, table: &str) -> TargetError {
    fault::target(error, &format!("looking at the rows of `{table}`: "))
}
