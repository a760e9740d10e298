//! What parked executions wait for, and what wakes them: their time, and signals that are kept until a step takes them.
//!
//! Whoever is woken is ready for a lane and nothing more; the claim brings the signals, and the lane that takes one says so in
//! the commit that ends its step.

use super::desk::Desk;
use super::hot;
use super::lanes::pending_cause;
use super::rows::{get, int, json, owned_text, run, small, text, to_json};
use super::session::{Session, Turn, Tx};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Delivery, Fault, NewSignal, Owned, SIGNALS_UNREAD_MAX, Sent, Signal};
use carril_model::id::{ExecutionId, ProcessId, StepId};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use std::collections::HashMap;

/// A step takes a signal.
pub(crate) async fn take(
    tx: &Tx<'_>,
    desk: &mut Desk,
    owned: Owned,
    signal: u32,
    step: StepId,
    at: Timestamp,
) -> Result<bool, Fault> {
    let (id, run) = (owned.execution.0, i64::from(owned.run.0));
    let (signal, step) = (i64::from(signal), i64::from(step.0));
    let taken = tx
        .execute(sql!("signal_take"), &[&id, &run, &signal, &step, &at.0])
        .await?;
    if taken != 1 {
        return Ok(false);
    }
    if let Some(hot) = desk.change(id) {
        hot.unread = hot.unread.saturating_sub(1);
    }
    Ok(true)
}

/// Whether a signal that no step has taken is there for one of the keys that an execution parks for.
pub(crate) async fn is_called(tx: &Tx<'_>, owned: Owned, keys: &[String]) -> Result<bool, Fault> {
    let keys: Vec<String> = keys.iter().map(|key| owned_text(key)).collect();
    let (id, run) = (owned.execution.0, i64::from(owned.run.0));
    let found = tx
        .row(sql!("signal_waited_for"), &[&id, &run, &keys])
        .await?;
    Ok(found.is_some())
}

/// An execution that was parked in the middle of its segment is ready for a lane.
pub(crate) async fn go_on(
    tx: &Tx<'_>,
    desk: &mut Desk,
    id: i64,
    at: Timestamp,
) -> Result<(), Fault> {
    let Some(process) = desk.get(id).map(|hot| hot.process) else {
        return Ok(());
    };
    let (_, paused) = desk.place(tx, process).await?;
    if let Some(hot) = desk.change(id) {
        let cause = if paused {
            Cause::plain(CauseKind::Paused)
        } else {
            pending_cause(true)
        };
        hot.account.switch(cause, at);
        hot.state = ExecutionState::Pending;
        hot.wake_at = None;
    }
    desk.wake_no_more(id);
    desk.deltas.waiting(process, -1);
    desk.deltas.wake(process);
    Ok(())
}

/// Wakes at most `max` that are due; how many that were, and when the next one is.
pub(crate) async fn due(
    tx: &Tx<'_>,
    desk: &mut Desk,
    max: u32,
    at: Timestamp,
) -> Result<(u32, Option<Timestamp>), Fault> {
    let max = i64::from(max);
    let found = hot::all(tx, sql!("executions_due"), &[&at.0, &max]).await?;
    let woken = u32::try_from(found.len()).unwrap_or(u32::MAX);
    for id in desk.adopt(found) {
        go_on(tx, desk, id, at).await?;
    }
    desk.flush(tx).await?;
    Ok((woken, next_due(tx).await?))
}

/// When the next parked execution is due.
pub(crate) async fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, Fault> {
    match tx.row(sql!("next_due"), &[]).await? {
        Some(row) => super::rows::time(&row, 0),
        None => Ok(None),
    }
}

/// The signals that no step of these executions has taken, oldest first.
pub(crate) async fn unread(
    tx: &Tx<'_>,
    executions: &[i64],
) -> Result<HashMap<i64, Vec<Signal>>, Fault> {
    let mut signals: HashMap<i64, Vec<Signal>> = HashMap::new();
    if executions.is_empty() {
        return Ok(signals);
    }
    for row in tx.rows(sql!("signals_unread"), &[&executions]).await? {
        signals.entry(int(&row, 0)?).or_default().push(Signal {
            number: small(&row, 1)?,
            key: get(&row, 2)?,
            data: json(&row, 3)?.unwrap_or_default(),
            run: run(&row, 4)?,
            sent_by: get(&row, 5)?,
            sent_at: Timestamp(int(&row, 6)?),
        });
    }
    Ok(signals)
}

/// Sends a signal to each of these executions.
pub(crate) async fn signal(
    session: &mut Session,
    executions: &[ExecutionId],
    signal: &NewSignal,
) -> Result<Sent, Fault> {
    session
        .write(Turn::Alone, async |tx| {
            let mut desk = Desk::default();
            desk.load(tx, executions.iter().map(|id| id.0)).await?;
            let data = (!signal.data.is_null()).then(|| to_json(&signal.data));
            let mut deliveries = Vec::with_capacity(executions.len());
            for id in executions {
                let delivery = deliver(tx, &mut desk, *id, signal, data.as_deref()).await?;
                deliveries.push((*id, delivery));
            }
            desk.flush(tx).await?;
            let woken = desk.deltas.woken().iter().copied().map(ProcessId).collect();
            Ok(Sent { deliveries, woken })
        })
        .await
}

async fn deliver(
    tx: &Tx<'_>,
    desk: &mut Desk,
    id: ExecutionId,
    signal: &NewSignal,
    data: Option<&str>,
) -> Result<Delivery, Fault> {
    let Some(hot) = desk.get(id.0).cloned() else {
        return Ok(Delivery::Unknown);
    };
    let run = i64::from(hot.run.0);
    let wake_key = text(&signal.key);
    let idempotency_key = signal.idempotency_key.as_deref().map(text);
    if let Some(key) = &idempotency_key
        && tx
            .row(sql!("signal_repeated"), &[&id.0, key])
            .await?
            .is_some()
    {
        return Ok(Delivery::Repeated);
    }
    if hot.state.is_settled() || hot.rolling_back {
        return Ok(Delivery::Settled(hot.state));
    }
    if let Some(step) = signal.answers {
        let step = i64::from(step.0);
        let waits = tx.row(sql!("step_waits"), &[&id.0, &run, &step]).await?;
        let answered = tx
            .row(sql!("signal_answered"), &[&id.0, &wake_key, &run])
            .await?;
        if waits.is_none() || answered.is_some() {
            return Ok(Delivery::NotAwaited);
        }
    }
    if hot.unread >= SIGNALS_UNREAD_MAX {
        return Ok(Delivery::Full);
    }
    let sent_by = text(&signal.sent_by);
    tx.exactly(
        1,
        sql!("signal_insert"),
        &[
            &id.0,
            &wake_key,
            &run,
            &signal.at.0,
            &sent_by,
            &data,
            &idempotency_key,
        ],
    )
    .await?;
    if let Some(hot) = desk.change(id.0) {
        hot.unread += 1;
    }
    let waits = hot.state == ExecutionState::Waiting && hot.parked;
    let is_awaited = waits
        && tx
            .row(sql!("wake_key_find"), &[&id.0, &wake_key])
            .await?
            .is_some();
    if is_awaited {
        go_on(tx, desk, id.0, signal.at).await?;
    }
    Ok(Delivery::Delivered)
}
