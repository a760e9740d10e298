//! Stopping, undoing and repeating single executions, from outside their claims.

use super::changes;
use super::commit::process_row;
use super::deltas::Deltas;
use super::fault::OrFault;
use super::hot::{Hot, one, segment_of};
use super::lanes::{self, Coming, pending_cause};
use super::session::{Session, execute, write};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Fault, Owned, ProcessRow, Rerun};
use carril_model::id::{ExecutionId, ProcessId, Token};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::{Connection, Transaction, params};
use std::collections::BTreeSet;

/// Marks executions for cancelling: pending and waiting ones settle, running ones are given back for the engine to stop.
pub(crate) fn cancel(
    connection: &mut Connection,
    session: &mut Session,
    executions: &[ExecutionId],
    reason: &str,
    now: Timestamp,
) -> Result<(Vec<Owned>, Vec<ProcessRow>), Fault> {
    write(connection, |transaction| {
        session.alive(transaction)?;
        let mut deltas = Deltas::default();
        let error = changes::cancelled_error(reason);
        let (mut running, mut freed) = (Vec::new(), BTreeSet::new());
        for id in executions {
            let hot = existing(transaction, *id)?;
            deltas.touch(hot.process);
            let key = hot.lane_hash;
            match changes::stop(transaction, session, &mut deltas, hot, &error, now)? {
                Some(hot) => running.push(hot.owned()),
                None => freed.extend(key),
            }
        }
        lanes::elect_all(transaction, &mut deltas, &freed, now)?;
        deltas.write(transaction)?;
        // Whoever was behind a cancelled one is ready now; its process is reported too, so that the engine looks there.
        for process in deltas.woken().to_vec() {
            deltas.touch(process);
        }
        let processes = deltas
            .touched()
            .map(|process| process_row(transaction, ProcessId(process)))
            .collect::<Result<_, _>>()?;
        Ok((running, processes))
    })
}

/// Raises tokens and marks executions as rolling back (P7); a live one is settled as cancelled first. One that is rolled back
/// already has nothing to remove and is left out of the answer.
pub(crate) fn begin_rollback(
    connection: &mut Connection,
    session: &mut Session,
    executions: &[ExecutionId],
    now: Timestamp,
) -> Result<Vec<Owned>, Fault> {
    write(connection, |transaction| {
        session.alive(transaction)?;
        let mut deltas = Deltas::default();
        let error = changes::cancelled_error("rolled back");
        let mut begun = Vec::with_capacity(executions.len());
        let mut freed = BTreeSet::new();
        for id in executions {
            let mut hot = existing(transaction, *id)?;
            if hot.state == ExecutionState::RolledBack && !hot.rolling_back {
                continue;
            }
            if !hot.state.is_settled() {
                hot.end(
                    transaction,
                    session,
                    &mut deltas,
                    ExecutionState::Cancelled,
                    Some(&error),
                    now,
                )?;
                freed.extend(hot.lane_hash);
            }
            let mut statement = transaction
                .prepare_cached(sql!("execution_begin_rollback"))
                .or_fault()?;
            let token = statement
                .query_row(params![hot.id, now.0], |row| row.get(0).map(Token))
                .or_fault()?;
            begun.push(Owned {
                token,
                ..hot.owned()
            });
        }
        lanes::elect_all(transaction, &mut deltas, &freed, now)?;
        deltas.write(transaction)?;
        Ok(begun)
    })
}

/// Starts the next run of settled executions, all or none.
pub(crate) fn rerun(
    connection: &mut Connection,
    session: &Session,
    process: ProcessId,
    reruns: &[Rerun],
    now: Timestamp,
) -> Result<ProcessRow, Fault> {
    write(connection, |transaction| {
        session.alive(transaction)?;
        let segment = reopen(transaction, process, reruns)?;
        let mut deltas = Deltas::default();
        let mut keys = BTreeSet::new();
        for rerun in reruns {
            let hot = begin_run(transaction, &session.coming, process, segment, rerun, now)?;
            if rerun.segment == segment {
                deltas.open(process.0, 1);
            }
            if !hot.per_process {
                deltas.settled(process.0, hot.state, -1);
            }
            keys.extend(hot.lane_hash);
        }
        deltas.write(transaction)?;
        // Only now is it known who of this process wants a key: one that is pending goes before one that waits.
        lanes::elect_all(transaction, &mut deltas, &keys, now)?;
        process_row(transaction, process)
    })
}

/// The segment that the process goes on in; a settled process is running again.
fn reopen(
    transaction: &Transaction<'_>,
    process: ProcessId,
    reruns: &[Rerun],
) -> Result<u32, Fault> {
    let row = super::commit::find_process(transaction, process)?
        .ok_or_else(|| Fault::Conflict(format!("there is no process {process}")))?;
    let earliest = reruns.iter().map(|rerun| rerun.segment).min();
    let Some(earliest) = earliest else {
        return Err(Fault::Conflict(
            "no execution was named to be run again".to_owned(),
        ));
    };
    if row.state == carril_model::state::ProcessState::Launching {
        return Err(Fault::Conflict(format!(
            "process {process} is still being launched"
        )));
    }
    if row.state.is_settled() {
        one(
            transaction,
            sql!("process_reopen"),
            params![process.0, earliest, 0],
        )?;
        execute(transaction, sql!("process_let_go"), params![process.0])?;
        return Ok(earliest);
    }
    if row.cancelling.is_some() {
        return Err(Fault::Conflict(format!(
            "process {process} is being cancelled; retry when it has settled"
        )));
    }
    let segment = segment_of(transaction, process.0)?;
    if earliest < segment {
        return Err(Fault::Conflict(format!(
            "process {process} is still running and past the stages to be run again; retry when it has settled"
        )));
    }
    Ok(segment)
}

/// Leaves an execution's settled run behind and starts the next; gives it as it was before.
fn begin_run(
    transaction: &Transaction<'_>,
    coming: &Coming,
    process: ProcessId,
    segment: u32,
    rerun: &Rerun,
    now: Timestamp,
) -> Result<Hot, Fault> {
    let hot = existing(transaction, rerun.execution)?;
    if let Some(why) = not_now(&hot, process, rerun) {
        return Err(Fault::Conflict(format!(
            "execution {} {why}",
            rerun.execution
        )));
    }
    let values = params![hot.id, hot.state.code(), None::<i64>, None::<String>];
    execute(transaction, sql!("run_history_write"), values)?;
    for step in &rerun.carried {
        for statement in [sql!("steps_carry"), sql!("steps_carry_detail")] {
            execute(transaction, statement, params![hot.id, hot.run.0, step.0])?;
        }
    }
    let ready = match hot.lane_hash {
        Some(lane_hash) => lanes::join(transaction, coming, lane_hash, hot.id)?,
        None => true,
    };
    let (state, cause) = if rerun.segment == segment {
        (ExecutionState::Pending, pending_cause(ready))
    } else {
        (ExecutionState::Waiting, Cause::plain(CauseKind::Barrier))
    };
    let values = params![
        hot.id,
        state.code(),
        rerun.segment,
        ready,
        cause.kind.name(),
        now.0
    ];
    one(transaction, sql!("execution_rerun"), values)?;
    Ok(hot)
}

/// Why an execution cannot be run again as it was asked for.
fn not_now(hot: &Hot, process: ProcessId, rerun: &Rerun) -> Option<String> {
    if hot.process != process.0 {
        return Some(format!(
            "belongs to process {}, not to {process}",
            hot.process
        ));
    }
    if !hot.state.is_settled() {
        return Some(format!(
            "is {} and must be settled before it can be run again",
            hot.state
        ));
    }
    if hot.rolling_back {
        return Some("is being rolled back; retry when that is done".to_owned());
    }
    (hot.run != rerun.expected).then(|| {
        format!(
            "is in run {}, not in run {}: somebody retried it meanwhile",
            hot.run, rerun.expected
        )
    })
}

/// An execution that somebody named; there must be one, and its launch must be finished.
fn existing(transaction: &Transaction<'_>, id: ExecutionId) -> Result<Hot, Fault> {
    Hot::read(transaction, id)?
        .ok_or_else(|| Fault::Conflict(format!("there is no execution {id}")))
}
