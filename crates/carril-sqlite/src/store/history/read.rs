//! Rows of the history's queries as the model's types.

use crate::store::fault::{OrFault, damaged};
use crate::store::rows::{
    count, execution_state, flag, from_json, get, json, process, run, small, step_id, step_state,
    time, to_json, until,
};
use carril_model::account::CauseKind;
use carril_model::contract::{
    AttemptRow, BottleneckRow, ExecutionFilter, ExecutionRow, Fault, LockCostRow, LockRow, LogRow,
    ProcessFilter, ProcessRow, SignalRow, StageRow, StageState, StepStateRow, TimelineRow, WaitRow,
};
use carril_model::definition::Definition;
use carril_model::figures::FailedAttempts;
use carril_model::id::{ExecutionId, NodeId, ProcessId, Run};
use carril_model::state::StepState;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

/// All rows that a query gives.
pub(super) fn all<T>(
    connection: &Connection,
    query: &str,
    values: &[&dyn ToSql],
    read: fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut rows = statement.query(values).or_fault()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The definition of a process.
pub(super) fn definition(connection: &Connection, process: ProcessId) -> Result<Definition, Fault> {
    let body: Option<String> = connection
        .query_row(sql!("history_definition"), [process.0], |row| row.get(0))
        .optional()
        .or_fault()?;
    from_json(&body.ok_or_else(|| Fault::Conflict(format!("there is no process {process}")))?)
}

pub(super) fn processes(
    connection: &Connection,
    filter: &ProcessFilter,
) -> Result<Vec<ProcessRow>, Fault> {
    let states = codes(filter.states.iter().map(|state| state.code()));
    let before = filter.before.map(|process| process.0);
    all(
        connection,
        sql!("history_processes"),
        params![filter.pipeline, states, before, filter.max],
        process,
    )
}

pub(super) fn executions(
    connection: &Connection,
    process: ProcessId,
    filter: &ExecutionFilter,
) -> Result<Vec<ExecutionRow>, Fault> {
    let states = codes(filter.states.iter().map(|state| state.code()));
    let after = filter.after.map_or(0, |execution| execution.0);
    all(
        connection,
        sql!("history_executions"),
        params![process.0, states, filter.entity, after, filter.max],
        execution,
    )
}

/// State numbers as a JSON list; none at all means every state.
fn codes(codes: impl Iterator<Item = i64>) -> Option<String> {
    let codes: Vec<i64> = codes.collect();
    (!codes.is_empty()).then(|| to_json(&codes))
}

/// From the columns of the view `execution_row`.
pub(super) fn execution(row: &Row<'_>) -> Result<ExecutionRow, Fault> {
    let since: i64 = get(row, 10)?;
    Ok(ExecutionRow {
        id: ExecutionId(get(row, 0)?),
        process: ProcessId(get(row, 1)?),
        entity: get(row, 2)?,
        attributes: json(row, 3)?.unwrap_or_default(),
        run: run(row, 4)?,
        state: execution_state(get(row, 5)?)?,
        segment: small(row, 6)?,
        behind: get::<Option<i64>>(row, 7)?.map(ExecutionId),
        rolling_back: flag(row, 8)?,
        cancelling: flag(row, 9)?,
        account: account_of(row, Timestamp(since))?,
        launched_at: Timestamp(get(row, 14)?),
        started_at: time(row, 15)?,
        ended_at: time(row, 16)?,
        failed_step: get(row, 17)?,
        error: json(row, 18)?,
        warnings: small(row, 19)?,
    })
}

/// The view has `since` before the cause; the account's reader takes it after.
fn account_of(
    row: &Row<'_>,
    since: Timestamp,
) -> Result<carril_model::account::TimeAccount, Fault> {
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
pub(super) fn attempt(row: &Row<'_>) -> Result<AttemptRow, Fault> {
    let state = step_state(get(row, 5)?)?;
    Ok(AttemptRow {
        execution: ExecutionId(get(row, 0)?),
        run: run(row, 1)?,
        stage: get(row, 2)?,
        step: get(row, 3)?,
        attempt: small(row, 4)?,
        state,
        began: Timestamp(get(row, 6)?),
        ended: time(row, 7)?,
        retry_at: until(state, time(row, 8)?),
        fallback: flag(row, 9)?,
        carried_from: get::<Option<u32>>(row, 10)?.map(Run),
        reason: get(row, 11)?,
        rows: json(row, 12)?.unwrap_or_default(),
        output: json(row, 13)?,
        error: json(row, 14)?,
        waits: json(row, 15)?.unwrap_or_default(),
        node: get::<Option<i64>>(row, 21)?.map(NodeId),
    })
}

/// From the columns of `history_signals.sql`.
pub(super) fn signal(row: &Row<'_>) -> Result<SignalRow, Fault> {
    let taken: Option<u32> = get(row, 6)?;
    let step: Option<String> = get(row, 7)?;
    let at = time(row, 8)?;
    Ok(SignalRow {
        number: small(row, 0)?,
        key: get(row, 1)?,
        data: json(row, 2)?.unwrap_or_default(),
        sent_by: get(row, 3)?,
        sent_at: Timestamp(get(row, 4)?),
        run: run(row, 5)?,
        taken: taken.map(|run| {
            let at = at.unwrap_or_default();
            (Run(run), step.unwrap_or_default(), at)
        }),
    })
}

/// One point in time.
pub(super) fn moment(row: &Row<'_>) -> Result<Timestamp, Fault> {
    get(row, 0).map(Timestamp)
}

pub(super) fn log(row: &Row<'_>) -> Result<LogRow, Fault> {
    Ok((run(row, 0)?, get(row, 1)?, small(row, 2)?, get(row, 3)?))
}

pub(super) fn step_of(row: &Row<'_>) -> Result<StepStateRow, Fault> {
    Ok(StepStateRow {
        execution: ExecutionId(get(row, 0)?),
        step: step_id(get(row, 1)?)?,
        state: step_state(get(row, 2)?)?,
    })
}

pub(super) fn timeline(row: &Row<'_>) -> Result<TimelineRow, Fault> {
    let worst: i64 = get(row, 6)?;
    Ok(TimelineRow {
        execution: ExecutionId(get(row, 0)?),
        entity: get(row, 1)?,
        stage: get(row, 2)?,
        began: Timestamp(get(row, 3)?),
        ended: time(row, 4)?,
        busy_micros: get(row, 5)?,
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
pub(super) fn stage(row: &Row<'_>) -> Result<StageRow, Fault> {
    let code: i64 = get(row, 2)?;
    let state = StageState::from_code(code);
    Ok(StageRow {
        execution: ExecutionId(get(row, 0)?),
        stage: get(row, 1)?,
        state: state.ok_or_else(|| damaged(format!("no stage has the state {code}")))?,
    })
}

pub(super) fn bottleneck(row: &Row<'_>) -> Result<BottleneckRow, Fault> {
    Ok(BottleneckRow {
        resource: get(row, 0)?,
        accesses: count(row, 1)?,
        mean_micros: get(row, 2)?,
        max_micros: get(row, 3)?,
        waits: count(row, 4)?,
        waited_micros: get(row, 5)?,
        locks: count(row, 6)?,
    })
}

pub(super) fn lock(row: &Row<'_>) -> Result<LockRow, Fault> {
    let (stage, step): (Option<String>, Option<String>) = (get(row, 3)?, get(row, 4)?);
    Ok(LockRow {
        execution: ExecutionId(get(row, 0)?),
        entity: get(row, 1)?,
        run: run(row, 2)?,
        step: format!("{}/{}", stage.unwrap_or_default(), step.unwrap_or_default()),
        began: Timestamp(get(row, 5)?),
        micros: get(row, 6)?,
        lock: json(row, 7)?
            .ok_or_else(|| damaged("a wait for a lock does not say whose".to_owned()))?,
    })
}

pub(super) fn lock_cost(row: &Row<'_>) -> Result<LockCostRow, Fault> {
    Ok(LockCostRow {
        about: get(row, 0)?,
        blocker: get(row, 1)?,
        foreign: get(row, 2)?,
        waits: count(row, 3)?,
        total_micros: get(row, 4)?,
        max_micros: get(row, 5)?,
        worst: ExecutionId(get(row, 6)?),
    })
}

pub(super) fn wait(row: &Row<'_>) -> Result<WaitRow, Fault> {
    Ok(WaitRow {
        cause: cause_kind(row, 0)?,
        executions: count(row, 1)?,
        total_micros: get(row, 2)?,
        max_micros: get(row, 3)?,
        worst: get::<Option<i64>>(row, 4)?.map(ExecutionId),
    })
}

pub(super) fn cause_count(row: &Row<'_>) -> Result<(CauseKind, u64), Fault> {
    Ok((cause_kind(row, 0)?, count(row, 1)?))
}

fn cause_kind(row: &Row<'_>, column: usize) -> Result<CauseKind, Fault> {
    let name: String = get(row, column)?;
    CauseKind::from_name(&name).ok_or_else(|| damaged(format!("there is no cause {name}")))
}

/// Failed attempts with the same codes.
pub(super) fn failed_attempts(row: &Row<'_>) -> Result<FailedAttempts, Fault> {
    Ok(FailedAttempts {
        code: get(row, 0)?,
        native: get(row, 1)?,
        attempts: count(row, 2)?,
        retried: count(row, 3)?,
    })
}
