//! Forgetting settled processes, a bounded piece at a time, so that nobody waits long for the store.
//!
//! The first piece hides the process from everybody, as a launch that was not finished is hidden: what is half forgotten is
//! never shown, run again or counted. A crash in between leaves it hidden, and whoever asks again goes on.

use super::fault::OrFault;
use super::hot;
use super::rows;
use super::session::{Session, execute, write};
use carril_model::contract::{Fault, Forgotten, ProcessRow};
use carril_model::id::ProcessId;
use carril_model::time::Timestamp;
use rusqlite::{Connection, Transaction, params};

/// Processes that ended before a time, and those that are half forgotten.
pub(crate) fn ended(
    connection: &Connection,
    before: Timestamp,
    above: Option<ProcessId>,
    max: u32,
) -> Result<Vec<ProcessRow>, Fault> {
    let mut statement = connection
        .prepare_cached(sql!("processes_ended"))
        .or_fault()?;
    let values = params![before.0, above.map_or(-1, |id| id.0), max];
    let mut found = statement.query(values).or_fault()?;
    let mut processes = Vec::new();
    while let Some(row) = found.next().or_fault()? {
        processes.push(rows::process(row)?);
    }
    Ok(processes)
}

/// Forgets a piece of a process, at most `max` executions; with the last of them the process is gone.
pub(crate) fn forget(
    connection: &mut Connection,
    session: &Session,
    process: ProcessId,
    max: u32,
) -> Result<Forgotten, Fault> {
    write(connection, |transaction| {
        session.alive(transaction)?;
        let Some((first, last)) = hot::range(transaction, process)? else {
            return Err(Fault::Conflict(format!("there is no process {process}")));
        };
        if execute(transaction, sql!("forget_begin"), params![process.0])? != 1 {
            return Err(Fault::Conflict(format!(
                "process {process} is not settled, is being rolled back, or another waits for it"
            )));
        }
        execute(transaction, sql!("forget_import"), params![process.0])?;
        execute(transaction, sql!("forget_lanes"), params![process.0])?;
        piece(transaction, process, first - 1, last, max)
    })
}

fn piece(
    transaction: &Transaction<'_>,
    process: ProcessId,
    above: i64,
    last: i64,
    max: u32,
) -> Result<Forgotten, Fault> {
    let mut statement = transaction.prepare_cached(sql!("forget_upto")).or_fault()?;
    let upto: Option<i64> = statement
        .query_row(params![process.0, above, last, max], |row| row.get(0))
        .or_fault()?;
    let Some(upto) = upto else {
        execute(
            transaction,
            sql!("launch_remove_process"),
            params![process.0],
        )?;
        return Ok(Forgotten {
            executions: 0,
            whole: true,
        });
    };
    for statement in [
        sql!("forget_step"),
        sql!("forget_step_detail"),
        sql!("forget_step_log"),
        sql!("forget_wait"),
        sql!("forget_signal"),
        sql!("forget_run_history"),
        sql!("forget_entity"),
    ] {
        execute(transaction, statement, params![process.0, above, upto])?;
    }
    let values = params![process.0, above, upto];
    let executions = execute(transaction, sql!("forget_execution"), values)?;
    Ok(Forgotten {
        executions: u64::try_from(executions).unwrap_or(u64::MAX),
        whole: false,
    })
}
