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
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

/// One column of a row.
pub(crate) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Fault> {
    row.try_get(column)
        .map_err(|error| damaged(super::fault::told(&error)))
}

/// A whole number, whatever its width, if there is one.
pub(crate) fn maybe(row: &Row, column: usize) -> Result<Option<i64>, Fault> {
    let kind = row.columns().get(column).map(tokio_postgres::Column::type_);
    Ok(match kind {
        Some(&Type::INT2) => get::<Option<i16>>(row, column)?.map(i64::from),
        Some(&Type::INT4) => get::<Option<i32>>(row, column)?.map(i64::from),
        _ => get::<Option<i64>>(row, column)?,
    })
}

/// A whole number, whatever its width.
pub(crate) fn int(row: &Row, column: usize) -> Result<i64, Fault> {
    maybe(row, column)?.ok_or_else(|| damaged(format!("column {column} holds no number")))
}

/// A count that cannot be negative.
pub(crate) fn count(row: &Row, column: usize) -> Result<u64, Fault> {
    let value = int(row, column)?;
    u64::try_from(value).map_err(|_| damaged(format!("column {column} counts {value}")))
}

/// A small number that cannot be negative.
pub(crate) fn small(row: &Row, column: usize) -> Result<u32, Fault> {
    let value = int(row, column)?;
    u32::try_from(value).map_err(|_| damaged(format!("column {column} holds {value}")))
}

/// The same, if there is one.
pub(crate) fn maybe_small(row: &Row, column: usize) -> Result<Option<u32>, Fault> {
    maybe(row, column)?
        .map(|value| {
            u32::try_from(value).map_err(|_| damaged(format!("column {column} holds {value}")))
        })
        .transpose()
}

/// A yes or no.
pub(crate) fn flag(row: &Row, column: usize) -> Result<bool, Fault> {
    get(row, column)
}

/// A point in time, if there is one.
pub(crate) fn time(row: &Row, column: usize) -> Result<Option<Timestamp>, Fault> {
    Ok(maybe(row, column)?.map(Timestamp))
}

/// The number of a run.
pub(crate) fn run(row: &Row, column: usize) -> Result<Run, Fault> {
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
pub(crate) fn json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>, Fault> {
    let text: Option<&str> = get(row, column)?;
    text.map(from_json).transpose()
}

/// A value as JSON text that PostgreSQL can read: its texts have no NUL, not even one that JSON has escaped, and a log or an error
/// of a stranger's program may. It is kept as the sign for what cannot be shown.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    let text =
        serde_json::to_string(value).expect("the model's types hold only values that JSON has");
    if text.contains("\\u0000") {
        without_escaped_nul(&text)
    } else {
        text
    }
}

/// JSON text with U+FFFD for every escaped NUL. A backslash that is itself escaped escapes nothing.
fn without_escaped_nul(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (kept, length) = if escape.starts_with("\\u0000") {
            ("\\ufffd", 6)
        } else {
            // The letter after a backslash is ASCII, whatever follows it.
            (&escape[..2], 2)
        };
        out.push_str(kept);
        rest = &escape[length..];
    }
    out.push_str(rest);
    out
}

/// A list as JSON text, and an empty one as null.
pub(crate) fn list_json<T: Serialize>(list: &[T]) -> Option<String> {
    (!list.is_empty()).then(|| to_json(list))
}

/// A text that PostgreSQL takes: without NUL, for which the sign stands that shows what cannot be shown.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same, owned.
pub(crate) fn owned_text(given: &str) -> String {
    text(given).into_owned()
}

/// An account from four neighbouring columns: `cause`, `about`, `since`, `sums`.
pub(crate) fn account(row: &Row, first: usize) -> Result<TimeAccount, Fault> {
    let cause = Cause {
        kind: cause_kind(get(row, first)?)?,
        about: get(row, first + 1)?,
    };
    let since = Timestamp(int(row, first + 2)?);
    let sums: BTreeMap<CauseKind, i64> = json(row, first + 3)?.unwrap_or_default();
    Ok(TimeAccount::resume(sums, cause, since))
}

/// A cause by its name.
pub(crate) fn cause_kind(name: &str) -> Result<CauseKind, Fault> {
    CauseKind::from_name(name).ok_or_else(|| damaged(format!("there is no cause {name}")))
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
pub(crate) fn process(row: &Row) -> Result<ProcessRow, Fault> {
    let priority = int(row, 25)?;
    Ok(ProcessRow {
        id: ProcessId(int(row, 0)?),
        pipeline: get(row, 1)?,
        version: Version(get(row, 2)?),
        params: json(row, 3)?.unwrap_or_default(),
        state: process_state(int(row, 4)?)?,
        reason: get(row, 5)?,
        cancelling: maybe(row, 6)?.map(process_state).transpose()?,
        segment: small(row, 7)?,
        open: count(row, 8)?,
        lanes: small(row, 9)?,
        after: maybe(row, 10)?.map(ProcessId),
        own_state: maybe(row, 11)?.map(execution_state).transpose()?,
        tally: Tally {
            total: count(row, 12)?,
            succeeded: count(row, 13)?,
            failed: count(row, 14)?,
            skipped: count(row, 15)?,
            cancelled: count(row, 16)?,
            rolled_back: count(row, 17)?,
        },
        launched_by: get(row, 18)?,
        launched_at: Timestamp(int(row, 19)?),
        ended_at: time(row, 20)?,
        own: maybe(row, 21)?.map(ExecutionId),
        targets: json(row, 22)?.unwrap_or_default(),
        reopened: flag(row, 23)?,
        folder: get(row, 24)?,
        priority: i8::try_from(priority)
            .map_err(|_| damaged(format!("a process has priority {priority}")))?,
        waiting: count(row, 26)?,
        own_segment: maybe_small(row, 27)?,
    })
}

/// An attempt from `step, attempt, failures, state, retry_at, fallback, output, error, table_rows, began, ended`, from this column on.
pub(crate) fn step(row: &Row, first: usize) -> Result<StepRow, Fault> {
    let state = step_state(int(row, first + 3)?)?;
    Ok(StepRow {
        step: step_id(int(row, first)?)?,
        attempt: small(row, first + 1)?,
        failures: small(row, first + 2)?,
        state,
        retry_at: until(state, time(row, first + 4)?),
        fallback: flag(row, first + 5)?,
        output: json(row, first + 6)?,
        error: json(row, first + 7)?,
        rows: json(row, first + 8)?.unwrap_or_default(),
        began: Timestamp(int(row, first + 9)?),
        ended: time(row, first + 10)?,
    })
}

/// When an attempt is tried again, or its wait ends. What is over has no such time, whatever it once waited for: its end may
/// have had nothing to say, and left what was kept.
pub(crate) fn until(state: StepState, kept: Option<Timestamp>) -> Option<Timestamp> {
    kept.filter(|_| matches!(state, StepState::Failed | StepState::Waiting))
}

/// A breaker from `resource, change, state, failures, successes, since, until, forced, reason`.
pub(crate) fn breaker(row: &Row) -> Result<BreakerRow, Fault> {
    let state: String = get(row, 2)?;
    Ok(BreakerRow {
        resource: get(row, 0)?,
        change: count(row, 1)?,
        state: BreakerState::from_name(&state)
            .ok_or_else(|| damaged(format!("a breaker has state {state}")))?,
        failures: small(row, 3)?,
        successes: small(row, 4)?,
        since: Timestamp(int(row, 5)?),
        until: time(row, 6)?,
        forced: flag(row, 7)?,
        reason: get(row, 8)?,
    })
}

#[cfg(test)]
mod tests;
