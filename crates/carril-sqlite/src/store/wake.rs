//! What parked executions wait for, and what wakes them: their time, and signals that are kept until a step takes them.
//!
//! Whoever is woken is ready for a lane and nothing more; the claim brings the signals, and the lane that takes one says so in
//! the commit that ends its step.

use super::deltas::Deltas;
use super::fault::OrFault;
use super::hot::{self, Hot, one};
use super::rows::{close, get, json, run, small, sums_json, to_json};
use super::session::{Session, execute, write};
use carril_model::contract::{Delivery, Fault, NewSignal, Owned, SIGNALS_UNREAD_MAX, Sent, Signal};
use carril_model::id::{ExecutionId, ProcessId, StepId};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

/// A step that waits from now on.
pub(crate) struct StepWait<'a> {
    pub(crate) step: StepId,
    pub(crate) attempt: u32,
    pub(crate) began: Timestamp,
    pub(crate) until: Option<Timestamp>,
    pub(crate) question: Option<&'a str>,
}

/// Keeps that a step waits, until when, and what it asks.
pub(crate) fn step_waits(
    connection: &Connection,
    owned: Owned,
    wait: &StepWait<'_>,
) -> Result<bool, Fault> {
    let (execution, run) = (owned.execution.0, owned.run.0);
    let values = params![
        execution,
        run,
        wait.step.0,
        wait.attempt,
        wait.began.0,
        owned.token.0
    ];
    if execute(connection, sql!("step_wait"), values)? != 1 {
        return Ok(false);
    }
    let none = None::<String>;
    let until = wait.until.map(|at| at.0);
    let values = params![
        execution,
        run,
        wait.step.0,
        wait.attempt,
        0,
        false,
        until,
        wait.question,
        none,
        none,
        none,
        none
    ];
    hot::one(connection, sql!("step_detail_write"), values)?;
    Ok(true)
}

/// A step takes a signal.
pub(crate) fn take(
    connection: &Connection,
    owned: Owned,
    signal: u32,
    step: StepId,
    at: Timestamp,
) -> Result<bool, Fault> {
    let values = params![
        owned.execution.0,
        owned.run.0,
        owned.token.0,
        signal,
        step.0,
        at.0
    ];
    if execute(connection, sql!("signal_take"), values)? != 1 {
        return Ok(false);
    }
    let values = params![owned.execution.0, -1];
    one(connection, sql!("signal_count"), values)?;
    Ok(true)
}

/// Whether a signal that no step has taken is there for one of the keys that an execution is parked for.
pub(crate) fn is_called(connection: &Connection, hot: &Hot) -> Result<bool, Fault> {
    exists(
        connection,
        sql!("signal_waited_for"),
        params![hot.id, hot.run.0],
    )
}

/// An execution that was parked in the middle of its segment is ready for a lane.
pub(crate) fn go_on(
    connection: &Connection,
    deltas: &mut Deltas,
    mut hot: Hot,
    at: Timestamp,
) -> Result<(), Fault> {
    close(&mut hot.account, at);
    let values = params![hot.id, hot.account.since().0, sums_json(&hot.account)];
    one(connection, sql!("execution_go_on"), values)?;
    execute(connection, sql!("wake_key_remove"), params![hot.id])?;
    deltas.waiting(hot.process, -1);
    deltas.wake(hot.process);
    Ok(())
}

/// Wakes at most `max` that are due; how many that were, and when the next one is.
pub(crate) fn due(
    connection: &Connection,
    deltas: &mut Deltas,
    max: u32,
    at: Timestamp,
) -> Result<(u32, Option<Timestamp>), Fault> {
    let mut found = Vec::new();
    {
        let mut statement = connection
            .prepare_cached(sql!("executions_due"))
            .or_fault()?;
        let mut rows = statement.query(params![at.0, max]).or_fault()?;
        while let Some(row) = rows.next().or_fault()? {
            found.push(Hot::of(row)?);
        }
    }
    let woken = u32::try_from(found.len()).unwrap_or(u32::MAX);
    for hot in found {
        go_on(connection, deltas, hot, at)?;
    }
    let next: Option<i64> = connection
        .prepare_cached(sql!("next_due"))
        .or_fault()?
        .query_row([], |row| row.get(0))
        .or_fault()?;
    Ok((woken, next.map(Timestamp)))
}

/// The signals that no step of an execution has taken, oldest first.
pub(crate) fn unread(connection: &Connection, execution: i64) -> Result<Vec<Signal>, Fault> {
    let mut statement = connection
        .prepare_cached(sql!("signals_unread"))
        .or_fault()?;
    let mut rows = statement.query([execution]).or_fault()?;
    let mut signals = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        signals.push(Signal {
            number: small(row, 0)?,
            key: get(row, 1)?,
            data: json(row, 2)?.unwrap_or_default(),
            run: run(row, 3)?,
            sent_by: get(row, 4)?,
            sent_at: Timestamp(get(row, 5)?),
        });
    }
    Ok(signals)
}

/// Sends a signal to each of these executions.
pub(crate) fn signal(
    connection: &mut Connection,
    session: &Session,
    executions: &[ExecutionId],
    signal: &NewSignal,
) -> Result<Sent, Fault> {
    write(connection, |transaction| {
        session.alive(transaction)?;
        let mut deltas = Deltas::default();
        let data = (!signal.data.is_null()).then(|| to_json(&signal.data));
        let mut deliveries = Vec::with_capacity(executions.len());
        for id in executions {
            let delivery = deliver(transaction, &mut deltas, *id, signal, data.as_deref())?;
            deliveries.push((*id, delivery));
        }
        deltas.write(transaction)?;
        let woken = deltas.woken().iter().copied().map(ProcessId).collect();
        Ok(Sent { deliveries, woken })
    })
}

fn deliver(
    connection: &Connection,
    deltas: &mut Deltas,
    id: ExecutionId,
    signal: &NewSignal,
    data: Option<&str>,
) -> Result<Delivery, Fault> {
    let Some(hot) = Hot::read(connection, id)? else {
        return Ok(Delivery::Unknown);
    };
    if let Some(key) = &signal.idempotency_key
        && exists(connection, sql!("signal_repeated"), params![id.0, key])?
    {
        return Ok(Delivery::Repeated);
    }
    if hot.state.is_settled() || hot.rolling_back {
        return Ok(Delivery::Settled(hot.state));
    }
    if let Some(step) = signal.answers
        && (!exists(
            connection,
            sql!("step_waits"),
            params![id.0, hot.run.0, step.0],
        )? || exists(
            connection,
            sql!("signal_answered"),
            params![id.0, signal.key, hot.run.0],
        )?)
    {
        return Ok(Delivery::NotAwaited);
    }
    if hot.unread >= SIGNALS_UNREAD_MAX {
        return Ok(Delivery::Full);
    }
    let values = params![
        id.0,
        signal.key,
        hot.run.0,
        signal.at.0,
        signal.sent_by,
        data,
        signal.idempotency_key
    ];
    one(connection, sql!("signal_insert"), values)?;
    one(connection, sql!("signal_count"), params![id.0, 1])?;
    let waits = hot.state == ExecutionState::Waiting && hot.parked;
    if waits && exists(connection, sql!("wake_key_find"), params![id.0, signal.key])? {
        go_on(connection, deltas, hot, signal.at)?;
    }
    Ok(Delivery::Delivered)
}

fn exists(connection: &Connection, query: &str, values: &[&dyn ToSql]) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let found = statement.query_row(values, |_| Ok(())).optional();
    Ok(found.or_fault()?.is_some())
}
