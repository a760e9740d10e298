//! Changes of a whole process: open the next segment, settle, cancel. Each is done only if the process is as it was seen.
//!
//! A group with one of these is alone in the store: the numbers of all engines are looked at, and executions that other engines
//! run are asked to stop.

use super::adapt;
use super::desk::Desk;
use super::lanes::{self, pending_cause};
use super::rows::{int, text, to_json};
use super::session::Tx;
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{ErrorClass, Fault, ProcessChange, StepError};
use carril_model::id::ProcessId;
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;

/// The code of a step or execution that was stopped on purpose.
const CANCELLED: &str = "CAR0505";

/// Makes one change, or none if the process is not as it was seen; either way the process is reported. Whether it cancelled or
/// settled the process.
pub(crate) async fn change(
    tx: &Tx<'_>,
    desk: &mut Desk,
    change: &ProcessChange,
) -> Result<bool, Fault> {
    match change {
        ProcessChange::Advance {
            process,
            from,
            to,
            at,
        } => {
            desk.deltas.touch(process.0);
            advance(tx, desk, *process, (*from, *to), *at).await?;
            Ok(false)
        }
        ProcessChange::Settle {
            process,
            state,
            reason,
            at,
        } => {
            desk.deltas.touch(process.0);
            settle(tx, desk, *process, *state, reason.as_deref(), *at).await
        }
        ProcessChange::Pause { process, at } => {
            desk.deltas.touch(process.0);
            let query = sql!("process_pause");
            if tx.execute(query, &[&process.0]).await? > 0 {
                charge(tx, desk, *process, true, *at).await?;
            }
            Ok(false)
        }
        ProcessChange::Resume { process, at } => {
            desk.deltas.touch(process.0);
            let query = sql!("process_resume");
            if tx.execute(query, &[&process.0]).await? > 0 {
                desk.deltas.wake(process.0);
                charge(tx, desk, *process, false, *at).await?;
            }
            Ok(false)
        }
        ProcessChange::Cancel {
            process,
            state,
            reason,
            at,
        } => {
            desk.deltas.touch(process.0);
            cancel(tx, desk, *process, *state, reason, *at).await
        }
        ProcessChange::Lanes {
            process,
            change,
            at,
        } => {
            desk.deltas.touch(process.0);
            adapt::set(tx, *process, change, *at).await?;
            Ok(false)
        }
    }
}

async fn settle(
    tx: &Tx<'_>,
    desk: &mut Desk,
    process: ProcessId,
    state: ProcessState,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<bool, Fault> {
    let (code, reason) = (state.code(), reason.map(text));
    let settled = tx
        .execute(sql!("process_settle"), &[&process.0, &code, &reason, &at.0])
        .await?;
    desk.forget_places();
    if settled == 0 {
        return Ok(false);
    }
    for row in tx.rows(sql!("process_followers"), &[&process.0]).await? {
        desk.deltas.wake(int(&row, 0)?);
    }
    Ok(true)
}

async fn advance(
    tx: &Tx<'_>,
    desk: &mut Desk,
    process: ProcessId,
    (from, to): (u32, u32),
    at: Timestamp,
) -> Result<(), Fault> {
    let (from, to) = (i64::from(from), i64::from(to));
    let moved = tx
        .execute(sql!("process_advance"), &[&process.0, &from, &to])
        .await?;
    desk.forget_places();
    if moved == 0 {
        return Ok(());
    }
    let mut open = 0_i64;
    let query = sql!("execution_waiting_for");
    desk.for_each(tx, query, process, Some(to), async |desk, id| {
        open += 1;
        if let Some(hot) = desk.change(id) {
            hot.account.switch(pending_cause(hot.ready), at);
            hot.state = ExecutionState::Pending;
            if let Some(lane_hash) = hot.lane_hash {
                desk.freed.insert(lane_hash, at);
            }
        }
        Ok(())
    })
    .await?;
    if open > 0 {
        desk.deltas.wake(process.0);
    }
    lanes::elect(tx, desk).await?;
    desk.flush(tx).await?;
    tx.exactly(1, sql!("process_open"), &[&process.0, &open])
        .await
}

/// Charges everybody who is pending for being paused, or no longer.
async fn charge(
    tx: &Tx<'_>,
    desk: &mut Desk,
    process: ProcessId,
    paused: bool,
    at: Timestamp,
) -> Result<(), Fault> {
    desk.forget_places();
    let query = sql!("executions_pending");
    desk.for_each(tx, query, process, None, async |desk, id| {
        if let Some(hot) = desk.change(id) {
            let cause = if paused {
                Cause::plain(CauseKind::Paused)
            } else {
                pending_cause(hot.ready)
            };
            hot.account.switch(cause, at);
        }
        Ok(())
    })
    .await
}

async fn cancel(
    tx: &Tx<'_>,
    desk: &mut Desk,
    process: ProcessId,
    state: ProcessState,
    reason: &str,
    at: Timestamp,
) -> Result<bool, Fault> {
    let (code, told) = (state.code(), text(reason));
    let marked = tx
        .execute(sql!("process_cancel"), &[&process.0, &code, &told])
        .await?;
    desk.forget_places();
    if marked == 0 {
        return Ok(false);
    }
    let error = cancelled_error(reason);
    let query = sql!("execution_hot_range");
    desk.for_each(tx, query, process, None, async |desk, id| {
        stop(tx, desk, id, &error, at).await?;
        Ok(())
    })
    .await?;
    lanes::elect(tx, desk).await?;
    Ok(true)
}

/// Settles a pending or waiting execution as cancelled; marks a running one and says so.
pub(crate) async fn stop(
    tx: &Tx<'_>,
    desk: &mut Desk,
    id: i64,
    error: &str,
    at: Timestamp,
) -> Result<bool, Fault> {
    match desk.get(id).map(|hot| hot.state) {
        Some(ExecutionState::Pending | ExecutionState::Waiting) => {
            let state = ExecutionState::Cancelled;
            desk.end(tx, id, state, Some(error), at).await?;
            Ok(false)
        }
        Some(ExecutionState::Running) => {
            if let Some(hot) = desk.change(id) {
                hot.cancelling = true;
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// What a cancelled execution says about itself.
pub(crate) fn cancelled_error(reason: &str) -> String {
    to_json(&StepError::new(CANCELLED, ErrorClass::Cancelled, reason))
}
