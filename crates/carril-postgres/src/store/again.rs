//! Stopping, undoing and repeating single executions, from outside their claims: alone in the store, because other engines may be
//! running them.

use super::changes;
use super::commit::{find_process, process_rows};
use super::desk::Desk;
use super::lanes;
use super::session::{Session, Turn, Tx};
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Fault, Owned, ProcessRow, Rerun, Stopped};
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use std::collections::BTreeMap;

/// Marks executions for cancelling: pending and waiting ones settle, running ones are given back for the engine to stop.
pub(crate) async fn cancel(
    session: &mut Session,
    executions: &[ExecutionId],
    reason: &str,
    now: Timestamp,
) -> Result<Stopped, Fault> {
    session
        .write(Turn::Alone, async |tx| {
            let mut desk = Desk::default();
            desk.load(tx, executions.iter().map(|id| id.0)).await?;
            let error = changes::cancelled_error(reason);
            let mut running = Vec::new();
            for id in executions {
                let process = existing(&desk, *id)?;
                desk.deltas.touch(process);
                if changes::stop(tx, &mut desk, id.0, &error, now).await? {
                    running.extend(desk.get(id.0).map(super::hot::Hot::owned));
                }
            }
            lanes::elect(tx, &mut desk).await?;
            desk.flush(tx).await?;
            // Whoever was behind a cancelled one is ready now; its process is reported too, so that the engine looks there.
            for process in desk.deltas.woken().to_vec() {
                desk.deltas.touch(process);
            }
            let processes = process_rows(tx, desk.deltas.touched()).await?;
            Ok((running, processes))
        })
        .await
}

/// Raises tokens and marks executions as rolling back (P7); a live one is settled as cancelled first. One that is rolled back
/// already has nothing to remove and is left out of the answer.
pub(crate) async fn begin_rollback(
    session: &mut Session,
    executions: &[ExecutionId],
    now: Timestamp,
) -> Result<Vec<Owned>, Fault> {
    session
        .write(Turn::Alone, async |tx| {
            let mut desk = Desk::default();
            desk.load(tx, executions.iter().map(|id| id.0)).await?;
            let error = changes::cancelled_error("rolled back");
            let mut begun = Vec::with_capacity(executions.len());
            for id in executions {
                existing(&desk, *id)?;
                let state = desk.get(id.0).map(|hot| (hot.state, hot.rolling_back));
                if state == Some((ExecutionState::RolledBack, false)) {
                    continue;
                }
                if state.is_some_and(|(state, _)| !state.is_settled()) {
                    let cancelled = ExecutionState::Cancelled;
                    desk.end(tx, id.0, cancelled, Some(&error), now).await?;
                }
                let Some(hot) = desk.change(id.0) else {
                    continue;
                };
                hot.token += 1;
                hot.rolling_back = true;
                // Whoever removes its effects; another engine goes on with that only when this one is dead.
                hot.node = Some(tx.node.0);
                let sums = hot.account.sums().clone();
                let cause = Cause::plain(CauseKind::RollingBack);
                hot.account = TimeAccount::resume(sums, cause, now);
                begun.push(hot.owned());
            }
            lanes::elect(tx, &mut desk).await?;
            desk.flush(tx).await?;
            Ok(begun)
        })
        .await
}

/// Starts the next run of settled executions, all or none.
pub(crate) async fn rerun(
    session: &mut Session,
    process: ProcessId,
    reruns: &[Rerun],
    now: Timestamp,
) -> Result<ProcessRow, Fault> {
    session
        .write(Turn::Alone, async |tx| {
            let segment = reopen(tx, process, reruns).await?;
            let mut desk = Desk::default();
            let ids = reruns.iter().map(|rerun| rerun.execution.0);
            desk.load(tx, ids).await?;
            let mut carried = BTreeMap::new();
            for rerun in reruns {
                begin_run(tx, &mut desk, process, segment, rerun, now).await?;
                let run = i64::from(rerun.expected.0);
                for step in &rerun.carried {
                    carried.insert((rerun.execution.0, i64::from(step.0)), run);
                }
            }
            desk.flush(tx).await?;
            carry(tx, &carried).await?;
            // Only now is it known who of this process wants a key: one that is pending goes before one that waits.
            lanes::elect(tx, &mut desk).await?;
            desk.flush(tx).await?;
            let row = find_process(tx, process).await?;
            row.ok_or_else(|| no_process(process))
        })
        .await
}

fn no_process(process: ProcessId) -> Fault {
    Fault::Conflict(format!("there is no process {process}"))
}

/// The segment that the process goes on in; a settled process is running again.
async fn reopen(tx: &Tx<'_>, process: ProcessId, reruns: &[Rerun]) -> Result<u32, Fault> {
    let row = find_process(tx, process)
        .await?
        .ok_or_else(|| no_process(process))?;
    let earliest = reruns.iter().map(|rerun| rerun.segment).min();
    let Some(earliest) = earliest else {
        return Err(Fault::Conflict(
            "no execution was named to be run again".to_owned(),
        ));
    };
    if row.state == ProcessState::Launching {
        return Err(Fault::Conflict(format!(
            "process {process} is still being launched"
        )));
    }
    if row.state.is_settled() {
        let segment = i64::from(earliest);
        tx.exactly(1, sql!("process_reopen"), &[&process.0, &segment])
            .await?;
        tx.execute(sql!("process_let_go"), &[&process.0]).await?;
        return Ok(earliest);
    }
    if row.cancelling.is_some() {
        return Err(Fault::Conflict(format!(
            "process {process} is being cancelled; retry when it has settled"
        )));
    }
    if earliest < row.segment {
        return Err(Fault::Conflict(format!(
            "process {process} is still running and past the stages to be run again; retry when it has settled"
        )));
    }
    Ok(row.segment)
}

/// Leaves an execution's settled run behind and starts the next.
async fn begin_run(
    tx: &Tx<'_>,
    desk: &mut Desk,
    process: ProcessId,
    segment: u32,
    rerun: &Rerun,
    now: Timestamp,
) -> Result<(), Fault> {
    let id = rerun.execution.0;
    existing(desk, rerun.execution)?;
    let before = desk.get(id).cloned();
    let Some(before) = before else {
        return Ok(());
    };
    if let Some(why) = not_now(&before, process, rerun) {
        return Err(Fault::Conflict(format!(
            "execution {} {why}",
            rerun.execution
        )));
    }
    desk.keep_run(&before, None, None);
    let (_, paused) = desk.place(tx, process.0).await?;
    let Some(hot) = desk.change(id) else {
        return Ok(());
    };
    // Without a lane key nobody is before it; with one, the election says who is.
    hot.ready = hot.lane_hash.is_none();
    let cause = if rerun.segment != segment {
        hot.state = ExecutionState::Waiting;
        Cause::plain(CauseKind::Barrier)
    } else {
        hot.state = ExecutionState::Pending;
        if paused {
            Cause::plain(CauseKind::Paused)
        } else {
            lanes::pending_cause(hot.ready)
        }
    };
    hot.account = TimeAccount::resume(BTreeMap::new(), cause, now);
    hot.run = Run(hot.run.0 + 1);
    hot.segment = rerun.segment;
    hot.node = None;
    hot.cancelling = false;
    hot.warnings = 0;
    hot.started_at = None;
    hot.ended_at = None;
    hot.failed_step = None;
    hot.error = None;
    if let Some(lane_hash) = hot.lane_hash {
        desk.freed.insert(lane_hash, now);
    }
    if rerun.segment == segment {
        desk.deltas.open(process.0, 1);
    }
    if !before.per_process {
        desk.deltas.settled(process.0, before.state, -1);
    }
    Ok(())
}

/// Takes steps' latest attempts over from the run before: by execution and step, which run that is.
async fn carry(tx: &Tx<'_>, carried: &BTreeMap<(i64, i64), i64>) -> Result<(), Fault> {
    if carried.is_empty() {
        return Ok(());
    }
    let executions: Vec<i64> = carried.keys().map(|key| key.0).collect();
    let steps: Vec<i64> = carried.keys().map(|key| key.1).collect();
    let runs: Vec<i64> = carried.values().copied().collect();
    for query in [sql!("steps_carry"), sql!("steps_carry_detail")] {
        tx.execute(query, &[&executions, &runs, &steps]).await?;
    }
    Ok(())
}

/// Why an execution cannot be run again as it was asked for.
fn not_now(hot: &super::hot::Hot, process: ProcessId, rerun: &Rerun) -> Option<String> {
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

/// The process of an execution that somebody named; there must be one.
fn existing(desk: &Desk, id: ExecutionId) -> Result<i64, Fault> {
    desk.get(id.0)
        .map(|hot| hot.process)
        .ok_or_else(|| Fault::Conflict(format!("there is no execution {id}")))
}
