//! Rows of the history's queries as the model's types.

use crate::store::fault::damaged;
use crate::store::rows::{
    count, execution_state, flag, from_json, get, int, json, maybe, process, run, small, step_id,
    step_state, text, time, until,
};
use crate::store::session::{Tx, Values};
use carril_model::account::CauseKind;
use carril_model::contract::{
    AttemptRow, BottleneckRow, ExecutionFilter, ExecutionRow, Fault, LockCostRow, LockRow, LogRow,
    NodeRow, ProcessFilter, ProcessRow, SignalRow, StageRow, StageState, StepStateRow, TimelineRow,
    WaitRow,
};
use carril_model::definition::Definition;
use carril_model::figures::FailedAttempts;
use carril_model::id::{ExecutionId, NodeId, ProcessId, Run};
use carril_model::state::StepState;
use carril_model::time::Timestamp;
use tokio_postgres::Row;

/// All rows that a query gives.
pub(super) async fn all<T>(
    tx: &Tx<'_>,
    query: &'static str,
    values: Values<'_>,
    read: fn(&Row) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    tx.rows(query, values).await?.iter().map(read).collect()
}

/// The definition of a process.
pub(super) async fn definition(tx: &Tx<'_>, process: ProcessId) -> Result<Definition, Fault> {
    match tx.row(sql!("history_definition"), &[&process.0]).await? {
        Some(row) => from_json(get(&row, 0)?),
        None => Err(Fault::Conflict(format!("there is no process {process}"))),
    }
}

pub(super) async fn processes(
    tx: &Tx<'_>,
    filter: &ProcessFilter,
) -> Result<Vec<ProcessRow>, Fault> {
    let states = codes(filter.states.iter().map(|state| state.code()));
    let pipeline = filter.pipeline.as_deref().map(text);
    let (before, max) = (
        filter.before.map(|process| process.0),
        i64::from(filter.max),
    );
    let query = sql!("history_processes");
    all(tx, query, &[&pipeline, &states, &before, &max], process).await
}

pub(super) async fn executions(
    tx: &Tx<'_>,
    process: ProcessId,
    filter: &ExecutionFilter,
) -> Result<Vec<ExecutionRow>, Fault> {
    let states = codes(filter.states.iter().map(|state| state.code()));
    let entity = filter.entity.as_deref().map(text);
    let after = filter.after.map_or(0, |execution| execution.0);
    let max = i64::from(filter.max);
    let values: Values<'_> = &[&process.0, &states, &entity, &after, &max];
    all(tx, sql!("history_executions"), values, execution).await
}

/// State numbers; none at all means every state.
fn codes(codes: impl Iterator<Item = i64>) -> Option<Vec<i64>> {
    let codes: Vec<i64> = codes.collect();
    (!codes.is_empty()).then_some(codes)
}

/// The number of a run, if there is one.
fn maybe_run(row: &Row, column: usize) -> Result<Option<Run>, Fault> {
    maybe(row, column)?.map(|_| run(row, column)).transpose()
}

/// From the columns of the view `execution_row`.
pub(super) fn execution(row: &Row) -> Result<ExecutionRow, Fault> {
    let since = int(row, 10)?;
    Ok(ExecutionRow {
        id: ExecutionId(int(row, 0)?),
        process: ProcessId(int(row, 1)?),
        entity: get(row, 2)?,
        attributes: json(row, 3)?.unwrap_or_default(),
        run: run(row, 4)?,
        state: execution_state(int(row, 5)?)?,
        segment: small(row, 6)?,
        behind: maybe(row, 7)?.map(ExecutionId),
        rolling_back: flag(row, 8)?,
        cancelling: flag(row, 9)?,
        account: account_of(row, Timestamp(since))?,
        launched_at: Timestamp(int(row, 14)?),
        started_at: time(row, 15)?,
        ended_at: time(row, 16)?,
        failed_step: get(row, 17)?,
        error: json(row, 18)?,
        warnings: small(row, 19)?,
    })
}

/// The view has `since` before the cause; the account's reader takes it after.
fn account_of(row: &Row, since: Timestamp) -> Result<carril_model::account::TimeAccount, Fault> {
    use carril_model::account::{Cause, TimeAccount};
    let kind = cause_kind(row, 11)?;
    let cause = Cause {
        kind,
        about: get(row, 12)?,
    };
    Ok(TimeAccount::resume(
        json(row, 13)?.unwrap_or_default(),
        cause,
        since,
    ))
}

/// From the columns of the view `attempt_row`.
pub(super) fn attempt(row: &Row) -> Result<AttemptRow, Fault> {
    let state = step_state(int(row, 5)?)?;
    Ok(AttemptRow {
        execution: ExecutionId(int(row, 0)?),
        run: run(row, 1)?,
        stage: get(row, 2)?,
        step: get(row, 3)?,
        attempt: small(row, 4)?,
        state,
        began: Timestamp(int(row, 6)?),
        ended: time(row, 7)?,
        retry_at: until(state, time(row, 8)?),
        fallback: flag(row, 9)?,
        carried_from: maybe_run(row, 10)?,
        reason: get(row, 11)?,
        rows: json(row, 12)?.unwrap_or_default(),
        output: json(row, 13)?,
        error: json(row, 14)?,
        waits: json(row, 15)?.unwrap_or_default(),
        node: maybe(row, 21)?.map(NodeId),
    })
}

/// From the columns of `history_signals.sql`.
pub(super) fn signal(row: &Row) -> Result<SignalRow, Fault> {
    let taken = maybe_run(row, 6)?;
    let step: Option<String> = get(row, 7)?;
    let at = time(row, 8)?;
    Ok(SignalRow {
        number: small(row, 0)?,
        key: get(row, 1)?,
        data: json(row, 2)?.unwrap_or_default(),
        sent_by: get(row, 3)?,
        sent_at: Timestamp(int(row, 4)?),
        run: run(row, 5)?,
        taken: taken.map(|run| {
            let at = at.unwrap_or_default();
            (run, step.unwrap_or_default(), at)
        }),
    })
}

/// One point in time.
pub(super) fn moment(row: &Row) -> Result<Timestamp, Fault> {
    int(row, 0).map(Timestamp)
}

pub(super) fn log(row: &Row) -> Result<LogRow, Fault> {
    Ok((run(row, 0)?, get(row, 1)?, small(row, 2)?, get(row, 3)?))
}

pub(super) fn step_of(row: &Row) -> Result<StepStateRow, Fault> {
    Ok(StepStateRow {
        execution: ExecutionId(int(row, 0)?),
        step: step_id(int(row, 1)?)?,
        state: step_state(int(row, 2)?)?,
    })
}

pub(super) fn timeline(row: &Row) -> Result<TimelineRow, Fault> {
    let worst = int(row, 6)?;
    Ok(TimelineRow {
        execution: ExecutionId(int(row, 0)?),
        entity: get(row, 1)?,
        stage: get(row, 2)?,
        began: Timestamp(int(row, 3)?),
        ended: time(row, 4)?,
        busy_micros: int(row, 5)?,
        state: match worst {
            6 => StepState::Failed,
            5 => StepState::Running,
            4 => StepState::Cancelled,
            3 => StepState::Interrupted,
            2 => StepState::Succeeded,
            _ => StepState::Skipped,
        },
    })
}

/// From the columns of `history_stages.sql`.
pub(super) fn stage(row: &Row) -> Result<StageRow, Fault> {
    let code = int(row, 2)?;
    let state = StageState::from_code(code);
    Ok(StageRow {
        execution: ExecutionId(int(row, 0)?),
        stage: get(row, 1)?,
        state: state.ok_or_else(|| damaged(format!("no stage has the state {code}")))?,
    })
}

pub(super) fn bottleneck(row: &Row) -> Result<BottleneckRow, Fault> {
    Ok(BottleneckRow {
        resource: get(row, 0)?,
        accesses: count(row, 1)?,
        mean_micros: int(row, 2)?,
        max_micros: int(row, 3)?,
        waits: count(row, 4)?,
        waited_micros: int(row, 5)?,
        locks: count(row, 6)?,
    })
}

pub(super) fn lock(row: &Row) -> Result<LockRow, Fault> {
    let (stage, step): (Option<String>, Option<String>) = (get(row, 3)?, get(row, 4)?);
    Ok(LockRow {
        execution: ExecutionId(int(row, 0)?),
        entity: get(row, 1)?,
        run: run(row, 2)?,
        step: format!("{}/{}", stage.unwrap_or_default(), step.unwrap_or_default()),
        began: Timestamp(int(row, 5)?),
        micros: int(row, 6)?,
        lock: json(row, 7)?
            .ok_or_else(|| damaged("a wait for a lock does not say whose".to_owned()))?,
    })
}

pub(super) fn lock_cost(row: &Row) -> Result<LockCostRow, Fault> {
    Ok(LockCostRow {
        about: get(row, 0)?,
        blocker: get(row, 1)?,
        foreign: flag(row, 2)?,
        waits: count(row, 3)?,
        total_micros: int(row, 4)?,
        max_micros: int(row, 5)?,
        worst: ExecutionId(int(row, 6)?),
    })
}

pub(super) fn wait(row: &Row) -> Result<WaitRow, Fault> {
    Ok(WaitRow {
        cause: cause_kind(row, 0)?,
        executions: count(row, 1)?,
        total_micros: int(row, 2)?,
        max_micros: int(row, 3)?,
        worst: maybe(row, 4)?.map(ExecutionId),
    })
}

pub(super) fn cause_count(row: &Row) -> Result<(CauseKind, u64), Fault> {
    Ok((cause_kind(row, 0)?, count(row, 1)?))
}

fn cause_kind(row: &Row, column: usize) -> Result<CauseKind, Fault> {
    super::super::rows::cause_kind(get(row, column)?)
}

/// Failed attempts with the same codes.
pub(super) fn failed_attempts(row: &Row) -> Result<FailedAttempts, Fault> {
    Ok(FailedAttempts {
        code: get(row, 0)?,
        native: get(row, 1)?,
        attempts: count(row, 2)?,
        retried: count(row, 3)?,
    })
}

/// From the columns of `history_nodes.sql`.
pub(crate) fn node(row: &Row) -> Result<NodeRow, Fault> {
    let pid = int(row, 2)?;
    Ok(NodeRow {
        id: Some(NodeId(int(row, 0)?)),
        host: get(row, 1)?,
        pid: u32::try_from(pid).map_err(|_| damaged(format!("an engine has process id {pid}")))?,
        command: get(row, 3)?,
        since: time(row, 4)?,
        last_seen: time(row, 5)?,
        lanes_busy: Some(count(row, 6)?),
        lease_left: maybe(row, 7)?,
    })
}
