//! Changes of a whole process: open the next segment, settle, cancel. Each is done only if the process is as it was seen.

use super::adapt;
use super::deltas::Deltas;
use super::fault::OrFault;
use super::hot::{self, Hot, one};
use super::lanes;
use super::rows::{close, get, sums_json, to_json};
use super::session::{Session, execute};
use carril_model::contract::{ErrorClass, Fault, ProcessChange, StepError};
use carril_model::id::ProcessId;
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// The code of a step or execution that was stopped on purpose.
const CANCELLED: &str = "CAR0505";

/// Makes one change, or none if the process is not as it was seen; either way the process is reported.
pub(crate) fn change(
    connection: &Connection,
    session: &mut Session,
    deltas: &mut Deltas,
    change: &ProcessChange,
) -> Result<(), Fault> {
    match change {
        ProcessChange::Advance {
            process,
            from,
            to,
            at,
        } => {
            deltas.touch(process.0);
            advance(connection, deltas, *process, *from, *to, *at)
        }
        ProcessChange::Settle {
            process,
            state,
            reason,
            at,
        } => {
            deltas.touch(process.0);
            settle(connection, deltas, *process, *state, reason.as_deref(), *at)
        }
        ProcessChange::Pause { process, at } => {
            deltas.touch(process.0);
            pause(connection, *process, *at)
        }
        ProcessChange::Resume { process, at } => {
            deltas.touch(process.0);
            resume(connection, deltas, *process, *at)
        }
        ProcessChange::Cancel {
            process,
            state,
            reason,
            at,
        } => {
            deltas.touch(process.0);
            cancel(connection, session, deltas, *process, *state, reason, *at)
        }
        ProcessChange::Lanes {
            process,
            change,
            at,
        } => {
            deltas.touch(process.0);
            let node = session.node.ok_or(Fault::LostLease)?;
            adapt::set(connection, node.0, *process, change, *at)
        }
    }
}

fn settle(
    connection: &Connection,
    deltas: &mut Deltas,
    process: ProcessId,
    state: ProcessState,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), Fault> {
    let values = params![process.0, state.code(), reason, at.0];
    let settled = execute(connection, sql!("process_settle"), values)?;
    if settled == 0 {
        return Ok(());
    }
    let mut statement = connection
        .prepare_cached(sql!("process_followers"))
        .or_fault()?;
    let mut rows = statement.query([process.0]).or_fault()?;
    while let Some(row) = rows.next().or_fault()? {
        deltas.wake(get(row, 0)?);
    }
    Ok(())
}

fn advance(
    connection: &Connection,
    deltas: &mut Deltas,
    process: ProcessId,
    from: u32,
    to: u32,
    at: Timestamp,
) -> Result<(), Fault> {
    let moved = execute(
        connection,
        sql!("process_advance"),
        params![process.0, from, to],
    )?;
    if moved == 0 {
        return Ok(());
    }
    let mut open = 0_i64;
    let mut keys = BTreeSet::new();
    hot::for_each(
        connection,
        sql!("execution_waiting_for"),
        process,
        &[&to],
        |hot| {
            open += 1;
            keys.extend(hot.lane_hash);
            wake(connection, hot, at)
        },
    )?;
    if open > 0 {
        deltas.wake(process.0);
    }
    lanes::elect_all(connection, deltas, &keys, at)?;
    one(connection, sql!("process_open"), params![process.0, open])
}

fn pause(connection: &Connection, process: ProcessId, at: Timestamp) -> Result<(), Fault> {
    if execute(connection, sql!("process_pause"), params![process.0])? == 0 {
        return Ok(());
    }
    charge(connection, process, true, at)
}

fn resume(
    connection: &Connection,
    deltas: &mut Deltas,
    process: ProcessId,
    at: Timestamp,
) -> Result<(), Fault> {
    if execute(connection, sql!("process_resume"), params![process.0])? == 0 {
        return Ok(());
    }
    deltas.wake(process.0);
    charge(connection, process, false, at)
}

/// Charges everybody who is pending for being paused, or no longer.
fn charge(
    connection: &Connection,
    process: ProcessId,
    paused: bool,
    at: Timestamp,
) -> Result<(), Fault> {
    hot::for_each(
        connection,
        sql!("executions_pending"),
        process,
        &[],
        |mut hot| {
            close(&mut hot.account, at);
            let values = params![
                hot.id,
                paused,
                hot.account.since().0,
                sums_json(&hot.account)
            ];
            one(connection, sql!("execution_paused"), values)
        },
    )
}

/// A waiting execution becomes pending.
fn wake(connection: &Connection, mut hot: Hot, at: Timestamp) -> Result<(), Fault> {
    close(&mut hot.account, at);
    let values = params![hot.id, hot.account.since().0, sums_json(&hot.account)];
    one(connection, sql!("execution_wake"), values)
}

fn cancel(
    connection: &Connection,
    session: &mut Session,
    deltas: &mut Deltas,
    process: ProcessId,
    state: ProcessState,
    reason: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let marked = execute(
        connection,
        sql!("process_cancel"),
        params![process.0, state.code(), reason],
    )?;
    if marked == 0 {
        return Ok(());
    }
    let error = cancelled_error(reason);
    let mut freed = BTreeSet::new();
    // Records of the same group come first and have moved the segment's numbers in `deltas` only; those are sums, so the
    // order in which they are written does not matter.
    hot::for_each(
        connection,
        sql!("execution_hot_range"),
        process,
        &[],
        |hot| {
            let key = hot.lane_hash;
            if stop(connection, session, deltas, hot, &error, at)?.is_none() {
                freed.extend(key);
            }
            Ok(())
        },
    )?;
    lanes::elect_all(connection, deltas, &freed, at)
}

/// Settles a pending or waiting execution as cancelled, whose lane key is then the caller's to pass on; marks a running one
/// and gives it back.
pub(crate) fn stop(
    connection: &Connection,
    session: &mut Session,
    deltas: &mut Deltas,
    mut hot: Hot,
    error: &str,
    at: Timestamp,
) -> Result<Option<Hot>, Fault> {
    match hot.state {
        ExecutionState::Pending | ExecutionState::Waiting => {
            hot.end(
                connection,
                session,
                deltas,
                ExecutionState::Cancelled,
                Some(error),
                at,
            )?;
            Ok(None)
        }
        ExecutionState::Running => {
            one(connection, sql!("execution_cancel_mark"), params![hot.id])?;
            Ok(Some(hot))
        }
        _ => Ok(None),
    }
}

/// What a cancelled execution says about itself.
pub(crate) fn cancelled_error(reason: &str) -> String {
    to_json(&StepError::new(CANCELLED, ErrorClass::Cancelled, reason))
}
