//! Writing the records of a group: each is fenced by its claim, and answered with a verdict.
//!
//! The executions are read once, changed in memory in the order of the records, and written back together; so are attempts.
//! Nobody but this engine changes what it runs while the group is written: whoever would is kept out by the turnstile.

use super::changes::cancelled_error;
use super::desk::Desk;
use super::rows::{close, list_json, to_json};
use super::session::Tx;
use super::steps::Steps;
use super::wake;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Change, Fault, Owned, Record, StepError, TableRows, Until, Verdict};
use carril_model::id::StepId;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use std::collections::HashMap;

/// How a claimed run ended.
struct End<'a> {
    state: ExecutionState,
    at: Timestamp,
    account: &'a TimeAccount,
    error: Option<&'a (StepId, StepError)>,
    warnings: u32,
}

/// Writes records in order and tells what became of each. Lane keys that they freed are on the desk.
pub(crate) async fn write(
    tx: &Tx<'_>,
    desk: &mut Desk,
    records: &[Record],
    at: Timestamp,
) -> Result<Vec<Verdict>, Fault> {
    let ids = records.iter().map(|record| record.owned.execution.0);
    desk.load(tx, ids).await?;
    let covered = covered(records);
    let mut needless = covered.iter().rev().map(|(at, _)| *at).peekable();
    let mut steps = Steps::default();
    let mut verdicts = vec![Verdict::Lost; records.len()];
    for (place, record) in records.iter().enumerate() {
        let is_needless = needless.next_if_eq(&place).is_some();
        if !is_needless && apply(tx, desk, &mut steps, place, record, at).await? {
            verdicts[place] = Verdict::Done;
        }
    }
    for place in steps.write(tx).await? {
        verdicts[place] = Verdict::Done;
    }
    // From the last to the first: what covers may itself be covered by a later one.
    for (place, by) in covered {
        verdicts[place] = verdicts[by];
    }
    desk.flush(tx).await?;
    Ok(verdicts)
}

/// Applies one record; of attempts it is only told when they are written whether they were accepted.
async fn apply<'a>(
    tx: &Tx<'_>,
    desk: &mut Desk,
    steps: &mut Steps<'a>,
    place: usize,
    record: &'a Record,
    at: Timestamp,
) -> Result<bool, Fault> {
    let owned = record.owned;
    let id = owned.execution.0;
    if let Change::RolledBack { at, rows } = &record.change {
        return Ok(rolled_back(desk, owned, *at, rows));
    }
    if !desk.get(id).is_some_and(|hot| hot.is_run_by(owned)) {
        return Ok(false);
    }
    match &record.change {
        Change::StepEnded(_) | Change::StepBegan { .. } | Change::StepWaits { .. } => {
            gather(steps, place, owned, &record.change);
            return Ok(false);
        }
        Change::Waited {
            step,
            cause,
            from,
            until,
            lock,
        } => steps.waited(owned, (*step, cause), (*from, *until), lock.as_deref()),
        Change::Cause { account } => {
            if let Some(hot) = desk.change(id) {
                hot.account = account.clone();
            }
        }
        Change::SignalTaken { signal, step } => {
            return wake::take(tx, desk, owned, *signal, *step, at).await;
        }
        Change::Parked { until, account } => match until {
            Until::Segment(segment) => parked(tx, desk, owned, *segment, account).await?,
            Until::Woken { at, keys } => waits(tx, desk, owned, *at, keys, account).await?,
        },
        Change::Settled {
            state,
            at,
            account,
            error,
            warnings,
        } => settled(
            desk,
            owned,
            &End {
                state: *state,
                at: *at,
                account,
                error: error.as_ref(),
                warnings: *warnings,
            },
        ),
        Change::Released { account } => released(tx, desk, owned, account).await?,
        Change::RolledBack { .. } => {}
    }
    Ok(true)
}

/// Gathers what a record says about an attempt.
fn gather<'a>(steps: &mut Steps<'a>, place: usize, owned: Owned, change: &'a Change) {
    match change {
        Change::StepEnded(end) => steps.ended(place, owned, end),
        Change::StepBegan { step, attempt, at } => {
            steps.began(place, owned, *step, *attempt, *at);
        }
        Change::StepWaits {
            step,
            attempt,
            began,
            until,
            question,
        } => {
            let more = (*until, question.as_deref());
            steps.waits(place, owned, (*step, *attempt), *began, more);
        }
        _ => {}
    }
}

fn settled(desk: &mut Desk, owned: Owned, end: &End<'_>) {
    let Some(hot) = desk.change(owned.execution.0) else {
        return;
    };
    hot.state = end.state;
    hot.cancelling = false;
    hot.ended_at = Some(end.at);
    hot.account = end.account.clone();
    hot.failed_step = end.error.map(|(step, _)| i64::from(step.0));
    hot.error = end.error.map(|(_, error)| to_json(error));
    hot.warnings = end.warnings;
    let lane_hash = hot.lane_hash;
    desk.deltas.open(owned.process.0, -1);
    if !owned.per_process {
        desk.deltas.settled(owned.process.0, end.state, 1);
    }
    if let Some(lane_hash) = lane_hash {
        desk.freed.insert(lane_hash, end.at);
    }
}

async fn parked(
    tx: &Tx<'_>,
    desk: &mut Desk,
    owned: Owned,
    segment: u32,
    account: &TimeAccount,
) -> Result<(), Fault> {
    let id = owned.execution.0;
    let Some(hot) = desk.change(id) else {
        return Ok(());
    };
    hot.state = ExecutionState::Waiting;
    hot.segment = segment;
    hot.node = None;
    hot.account = account.clone();
    let (cancelling, lane_hash) = (hot.cancelling, hot.lane_hash);
    desk.deltas.open(owned.process.0, -1);
    if cancelling {
        // It was asked to stop on its way to the barrier: waiting ones settle at once, so this one does now.
        let state = ExecutionState::Cancelled;
        return desk.end(tx, id, state, None, account.since()).await;
    }
    if let Some(lane_hash) = lane_hash {
        desk.freed.insert(lane_hash, account.since());
    }
    Ok(())
}

/// Nothing is left but waiting, in the middle of the segment: the lane key is kept, and what is there already wakes it again.
async fn waits(
    tx: &Tx<'_>,
    desk: &mut Desk,
    owned: Owned,
    wake_at: Option<Timestamp>,
    keys: &[String],
    account: &TimeAccount,
) -> Result<(), Fault> {
    let id = owned.execution.0;
    let Some(hot) = desk.change(id) else {
        return Ok(());
    };
    hot.state = ExecutionState::Waiting;
    hot.parked = true;
    hot.node = None;
    hot.wake_at = wake_at;
    hot.account = account.clone();
    let (cancelling, unread) = (hot.cancelling, hot.unread);
    for key in keys {
        desk.wake_key(id, key);
    }
    desk.deltas.waiting(owned.process.0, 1);
    if cancelling {
        // It was asked to stop on its way here: those that wait settle at once, so this one does now.
        let error = cancelled_error("cancelled while it was about to wait");
        let state = ExecutionState::Cancelled;
        return desk.end(tx, id, state, Some(&error), account.since()).await;
    }
    if unread > 0 && wake::is_called(tx, owned, keys).await? {
        wake::go_on(tx, desk, id, account.since()).await?;
    }
    Ok(())
}

async fn released(
    tx: &Tx<'_>,
    desk: &mut Desk,
    owned: Owned,
    account: &TimeAccount,
) -> Result<(), Fault> {
    let (_, paused) = desk.place(tx, owned.process.0).await?;
    let Some(hot) = desk.change(owned.execution.0) else {
        return Ok(());
    };
    hot.state = ExecutionState::Pending;
    hot.node = None;
    hot.account = account.clone();
    if paused {
        // While its process is paused, that is what it waits for.
        hot.account
            .switch(Cause::plain(CauseKind::Paused), account.since());
    }
    let hot = hot.clone();
    desk.interrupt(&hot, account.since());
    Ok(())
}

fn rolled_back(desk: &mut Desk, owned: Owned, at: Timestamp, rows: &[TableRows]) -> bool {
    let id = owned.execution.0;
    let mine = desk
        .get(id)
        .filter(|hot| hot.rolling_back && hot.run == owned.run && hot.token == owned.token.0);
    let Some(before) = mine.cloned() else {
        return false;
    };
    desk.keep_run(&before, Some(at), list_json(rows));
    if let Some(hot) = desk.change(id) {
        close(&mut hot.account, at);
        hot.state = ExecutionState::RolledBack;
        hot.rolling_back = false;
        hot.cancelling = false;
        hot.ended_at = Some(before.ended_at.unwrap_or(at));
    }
    desk.deltas.touch(before.process);
    if !before.per_process {
        desk.deltas.settled(before.process, before.state, -1);
        desk.deltas
            .settled(before.process, ExecutionState::RolledBack, 1);
    }
    true
}

/// Records that a later one of the same group makes needless, and which: a beginning whose end is there, a cause that is
/// followed by a newer account. They share the later one's verdict.
fn covered(records: &[Record]) -> Vec<(usize, usize)> {
    let mut covered = Vec::new();
    let mut later: HashMap<(Owned, Option<(StepId, u32)>), usize> = HashMap::new();
    for (at, record) in records.iter().enumerate().rev() {
        let owned = record.owned;
        match &record.change {
            Change::StepEnded(end) => {
                // The first end after a beginning covers it; a second one is for the statement to refuse.
                later.insert((owned, Some((end.step, end.attempt))), at);
            }
            Change::StepBegan { step, attempt, .. } => {
                // A second beginning of the same attempt is for the statement to refuse.
                let by = later.remove(&(owned, Some((*step, *attempt))));
                covered.extend(by.map(|by| (at, by)));
            }
            Change::Cause { .. } => {
                let by = later.insert((owned, None), at);
                covered.extend(by.map(|by| (at, by)));
            }
            Change::Parked { .. } | Change::Settled { .. } | Change::Released { .. } => {
                later.insert((owned, None), at);
            }
            Change::Waited { .. }
            | Change::StepWaits { .. }
            | Change::SignalTaken { .. }
            | Change::RolledBack { .. } => {}
        }
    }
    covered
}
