//! Rows as the model's types, and back: states, accounts, JSON columns.
//!
//! Every value that a row may hold and a type may not is damage, and said so with the column. Nothing here runs a statement.

use super::fault::damaged;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::breaker::{BreakerRow, BreakerState};
use carril_model::contract::{Fault, ProcessRow, StepRow, Tally};
use carril_model::definition::Version;
use carril_model::id::{ExecutionId, ProcessId, Run, StepId};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One column of a row.
pub(crate) fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, Fault> {
    row.get(column).map_err(|error| damaged(error.to_string()))
}

/// A count that cannot be negative.
pub(crate) fn count(row: &Row<'_>, column: usize) -> Result<u64, Fault> {
    let value: i64 = get(row, column)?;
    u64::try_from(value).map_err(|_| damaged(format!("column {column} counts {value}")))
}

/// A small number that cannot be negative.
pub(crate) fn small(row: &Row<'_>, column: usize) -> Result<u32, Fault> {
    let value: i64 = get(row, column)?;
    u32::try_from(value).map_err(|_| damaged(format!("column {column} holds {value}")))
}

/// A yes or no.
pub(crate) fn flag(row: &Row<'_>, column: usize) -> Result<bool, Fault> {
    Ok(get::<i64>(row, column)? != 0)
}

/// A point in time, if there is one.
pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Fault> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp))
}

/// The number of a run.
pub(crate) fn run(row: &Row<'_>, column: usize) -> Result<Run, Fault> {
    small(row, column).map(Run)
}

/// The number of a step.
pub(crate) fn step_id(value: i64) -> Result<StepId, Fault> {
    u16::try_from(value)
        .map(StepId)
        .map_err(|_| damaged(format!("there is no step {value}")))
}

/// The state of an execution.
pub(crate) fn execution_state(code: i64) -> Result<ExecutionState, Fault> {
    ExecutionState::from_code(code).ok_or_else(|| damaged(format!("an execution has state {code}")))
}

/// The state of a process.
pub(crate) fn process_state(code: i64) -> Result<ProcessState, Fault> {
    ProcessState::from_code(code).ok_or_else(|| damaged(format!("a process has state {code}")))
}

/// The state of a step.
pub(crate) fn step_state(code: i64) -> Result<StepState, Fault> {
    StepState::from_code(code).ok_or_else(|| damaged(format!("a step has state {code}")))
}

/// A value kept as JSON.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text)
        .map_err(|error| damaged(format!("stored JSON does not read: {error}")))
}

/// A value kept as JSON in a column that may be null.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>, Fault> {
    let value = row
        .get_ref(column)
        .map_err(|error| damaged(error.to_string()))?;
    match value
        .as_str_or_null()
        .map_err(|error| damaged(error.to_string()))?
    {
        Some(text) => from_json(text).map(Some),
        None => Ok(None),
    }
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("the model's types hold only values that JSON has")
}

/// A list as JSON text, and an empty one as null.
pub(crate) fn list_json<T: Serialize>(list: &[T]) -> Option<String> {
    (!list.is_empty()).then(|| to_json(list))
}

/// An account from four neighbouring columns: `cause`, `about`, `since`, `sums`.
pub(crate) fn account(row: &Row<'_>, first: usize) -> Result<TimeAccount, Fault> {
    let name: &str = row
        .get_ref(first)
        .ok()
        .and_then(|value| value.as_str().ok())
        .ok_or_else(|| damaged("an account has no cause"))?;
    let kind =
        CauseKind::from_name(name).ok_or_else(|| damaged(format!("there is no cause {name}")))?;
    let cause = Cause {
        kind,
        about: get(row, first + 1)?,
    };
    let since = Timestamp(get(row, first + 2)?);
    let sums: BTreeMap<CauseKind, i64> = json(row, first + 3)?.unwrap_or_default();
    Ok(TimeAccount::resume(sums, cause, since))
}

/// An account's closed sums as JSON text; null while there are none.
pub(crate) fn sums_json(account: &TimeAccount) -> Option<String> {
    if account.sums().is_empty() {
        return None;
    }
    let mut text = String::with_capacity(24 * account.sums().len());
    for (kind, micros) in account.sums() {
        let opening = if text.is_empty() { '{' } else { ',' };
        write!(text, "{opening}\"{kind}\":{micros}").expect("writing to a string cannot fail");
    }
    text.push('}');
    Some(text)
}

/// Charges an account up to `at` and leaves its cause as it is: what a settled run's account looks like.
pub(crate) fn close(account: &mut TimeAccount, at: Timestamp) {
    let cause = account.cause().clone();
    account.switch(cause, at);
}

/// A process from the columns of the view `process_row`.
pub(crate) fn process(row: &Row<'_>) -> Result<ProcessRow, Fault> {
    Ok(ProcessRow {
        id: ProcessId(get(row, 0)?),
        pipeline: get(row, 1)?,
        version: Version(get(row, 2)?),
        params: json(row, 3)?.unwrap_or_default(),
        state: process_state(get(row, 4)?)?,
        reason: get(row, 5)?,
        cancelling: get::<Option<i64>>(row, 6)?.map(process_state).transpose()?,
        segment: small(row, 7)?,
        open: count(row, 8)?,
        lanes: small(row, 9)?,
        after: get::<Option<i64>>(row, 10)?.map(ProcessId),
        own_state: get::<Option<i64>>(row, 11)?
            .map(execution_state)
            .transpose()?,
        tally: Tally {
            total: count(row, 12)?,
            succeeded: count(row, 13)?,
            failed: count(row, 14)?,
            skipped: count(row, 15)?,
            cancelled: count(row, 16)?,
            rolled_back: count(row, 17)?,
        },
        launched_by: get(row, 18)?,
        launched_at: Timestamp(get(row, 19)?),
        ended_at: time(row, 20)?,
        own: get::<Option<i64>>(row, 21)?.map(ExecutionId),
        targets: json(row, 22)?.unwrap_or_default(),
        reopened: flag(row, 23)?,
        folder: get(row, 24)?,
        priority: get(row, 25)?,
        waiting: count(row, 26)?,
        own_segment: get(row, 27)?,
    })
}

/// An attempt from `step, attempt, failures, state, retry_at, fallback, output, error, table_rows, began, ended`.
pub(crate) fn step(row: &Row<'_>) -> Result<StepRow, Fault> {
    let state = step_state(get(row, 3)?)?;
    Ok(StepRow {
        step: step_id(get(row, 0)?)?,
        attempt: small(row, 1)?,
        failures: small(row, 2)?,
        state,
        retry_at: until(state, time(row, 4)?),
        fallback: flag(row, 5)?,
        output: json(row, 6)?,
        error: json(row, 7)?,
        rows: json(row, 8)?.unwrap_or_default(),
        began: Timestamp(get(row, 9)?),
        ended: time(row, 10)?,
    })
}

/// When an attempt is tried again, or its wait ends. What is over has no such time, whatever it once waited for: its end may
/// have had nothing to say, and left what was kept.
pub(crate) fn until(state: StepState, kept: Option<Timestamp>) -> Option<Timestamp> {
    kept.filter(|_| matches!(state, StepState::Failed | StepState::Waiting))
}

/// A breaker from `resource, change, state, failures, successes, since, until, forced, reason`.
pub(crate) fn breaker(row: &Row<'_>) -> Result<BreakerRow, Fault> {
    let state: String = get(row, 2)?;
    Ok(BreakerRow {
        resource: get(row, 0)?,
        change: count(row, 1)?,
        state: BreakerState::from_name(&state)
            .ok_or_else(|| damaged(format!("a breaker has state {state}")))?,
        failures: small(row, 3)?,
        successes: small(row, 4)?,
        since: Timestamp(get(row, 5)?),
        until: time(row, 6)?,
        forced: flag(row, 7)?,
        reason: get(row, 8)?,
    })
}

#[cfg(test)]
mod tests;
