//! Which executions may have rows in shared tables: a note per execution, written with its first step.
//!
//! Rows know their execution and not its process, and a table that holds none may be one whose rows have been removed; the
//! note tells both apart.

use crate::target::{fault, shared, stop::Stop, transaction};
use carril_model::contract::{StepError, Whose};
use carril_model::id::{ExecutionId, ProcessId};
use rusqlite::{Connection, params};

const TABLE: &str = "carril_workspace";

/// Makes the table of notes where it is missing.
pub(crate) fn create(connection: &Connection, stop: &Stop) -> Result<(), StepError> {
    let failed = |error: rusqlite::Error| fault::step(&error, "making Carril's tables: ");
    if is_there(connection).map_err(failed)? {
        return Ok(());
    }
    let transaction = transaction::begin(connection, true, stop)?;
    transaction
        .execute_batch(include_str!("../../../sql/target/create_workspace.sql"))
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Notes that an execution has rows.
pub(crate) fn note(connection: &Connection, whose: Whose) -> rusqlite::Result<()> {
    connection
        .prepare_cached(include_str!("../../../sql/target/workspace_note.sql"))?
        .execute(params![whose.process.0, whose.execution.0])
        .map(|_| ())
}

/// Whether an execution is noted.
pub(crate) fn is_noted(connection: &Connection, whose: Whose) -> rusqlite::Result<bool> {
    if !is_there(connection)? {
        return Ok(false);
    }
    connection.query_row(
        include_str!("../../../sql/target/workspace_exists.sql"),
        params![whose.process.0, whose.execution.0],
        |row| row.get(0),
    )
}

/// Takes the note away.
pub(super) fn forget(connection: &Connection, whose: Whose) -> rusqlite::Result<()> {
    connection
        .execute(
            include_str!("../../../sql/target/workspace_remove.sql"),
            params![whose.process.0, whose.execution.0],
        )
        .map(|_| ())
}

/// Executions of a process that are noted.
pub(crate) fn executions(
    connection: &Connection,
    process: ProcessId,
) -> rusqlite::Result<Vec<ExecutionId>> {
    if !is_there(connection)? {
        return Ok(Vec::new());
    }
    connection
        .prepare(include_str!("../../../sql/target/workspace_list.sql"))?
        .query_map([process.0], |row| row.get(0).map(ExecutionId))?
        .collect()
}

fn is_there(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(shared::object(connection, TABLE)?.is_some())
}
