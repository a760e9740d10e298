//! Executions, their time, their attempts and their signals, as programs read them.

use super::rfc3339;
use carril_model::account::{Cause, TimeAccount};
use carril_model::contract::{AttemptRow, ExecutionRow, SignalRow, StepError, TableRows};
use carril_model::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An execution.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutionShape<'a> {
    id: i64,
    process: i64,
    entity: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    attributes: &'a Map<String, Value>,
    run: u32,
    state: &'static str,
    cause: Option<CauseShape<'a>>,
    behind: Option<i64>,
    rolling_back: bool,
    cancelling: bool,
    launched_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    failed_step: Option<&'a str>,
    error: Option<StepErrorShape<'a>>,
    warnings: u32,
    account: AccountShape,
}

impl<'a> ExecutionShape<'a> {
    /// The execution as it is `now`.
    pub fn of(row: &'a ExecutionRow, now: Timestamp) -> Self {
        let open = is_open(row);
        Self {
            id: row.id.0,
            process: row.process.0,
            entity: row.entity.as_deref(),
            attributes: &row.attributes,
            run: row.run.0,
            state: row.state.name(),
            cause: open.then(|| CauseShape::of(row.account.cause(), row.account.since())),
            behind: row.behind.map(|id| id.0),
            rolling_back: row.rolling_back,
            cancelling: row.cancelling,
            launched_at: rfc3339(row.launched_at),
            started_at: row.started_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
            failed_step: row.failed_step.as_deref(),
            error: row.error.as_ref().map(StepErrorShape::from),
            warnings: row.warnings,
            account: AccountShape::of(&row.account, if open { Some(now) } else { None }),
        }
    }
}

/// Whether an execution's account is still being charged.
pub const fn is_open(row: &ExecutionRow) -> bool {
    !row.state.is_settled() || row.rolling_back
}

/// What an execution's time is being spent on.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CauseShape<'a> {
    kind: &'static str,
    about: Option<&'a str>,
    since: String,
}

impl<'a> CauseShape<'a> {
    pub(super) fn of(cause: &'a Cause, since: Timestamp) -> Self {
        Self {
            kind: cause.kind.name(),
            about: cause.about.as_deref(),
            since: rfc3339(since),
        }
    }
}

/// A time account: microseconds by cause, and their sum.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountShape {
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, i64>))]
    micros: BTreeMap<&'static str, i64>,
    total_micros: i64,
}

impl AccountShape {
    /// The closed sums and, with `now`, the open interval too.
    pub fn of(account: &TimeAccount, now: Option<Timestamp>) -> Self {
        let mut micros: BTreeMap<&'static str, i64> = account
            .sums()
            .iter()
            .map(|(kind, spent)| (kind.name(), *spent))
            .collect();
        if let Some(now) = now {
            *micros.entry(account.cause().kind.name()).or_insert(0) +=
                now.micros_since(account.since());
        }
        let total_micros = micros.values().sum();
        Self {
            micros,
            total_micros,
        }
    }

    /// Causes with their microseconds, the largest first.
    pub fn largest_first(&self) -> Vec<(&'static str, i64)> {
        let mut spent: Vec<(&'static str, i64)> = self
            .micros
            .iter()
            .map(|(kind, micros)| (*kind, *micros))
            .collect();
        spent.sort_by_key(|(_, micros)| std::cmp::Reverse(*micros));
        spent
    }

    /// All of it.
    pub const fn total_micros(&self) -> i64 {
        self.total_micros
    }
}

/// Why a step failed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepErrorShape<'a> {
    code: &'a str,
    class: &'static str,
    message: &'a str,
    native: Option<&'a str>,
    place: Option<&'a str>,
}

impl<'a> From<&'a StepError> for StepErrorShape<'a> {
    fn from(error: &'a StepError) -> Self {
        Self {
            code: &error.code,
            class: error.class.name(),
            message: &error.message,
            native: error.native.as_deref(),
            place: error.place.as_deref(),
        }
    }
}

/// One attempt of a step.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttemptShape<'a> {
    run: u32,
    stage: &'a str,
    step: &'a str,
    attempt: u32,
    state: &'static str,
    began: String,
    ended: Option<String>,
    duration_micros: Option<i64>,
    retry_at: Option<String>,
    fallback: bool,
    carried_from: Option<u32>,
    reason: Option<&'a str>,
    rows: Vec<RowsShape<'a>>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<serde_json::Value>))]
    output: Option<&'a Value>,
    error: Option<StepErrorShape<'a>>,
    waits: Vec<WaitShape<'a>>,
}

/// Microseconds waited before a step began.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitShape<'a> {
    kind: &'static str,
    about: Option<&'a str>,
    micros: i64,
}

impl<'a> From<&'a AttemptRow> for AttemptShape<'a> {
    fn from(row: &'a AttemptRow) -> Self {
        let wait = |(cause, micros): &'a (Cause, i64)| WaitShape {
            kind: cause.kind.name(),
            about: cause.about.as_deref(),
            micros: *micros,
        };
        Self {
            run: row.run.0,
            stage: &row.stage,
            step: &row.step,
            attempt: row.attempt,
            state: row.state.name(),
            began: rfc3339(row.began),
            ended: row.ended.map(rfc3339),
            duration_micros: row.ended.map(|ended| ended.micros_since(row.began)),
            retry_at: row.retry_at.map(rfc3339),
            fallback: row.fallback,
            carried_from: row.carried_from.map(|run| run.0),
            reason: row.reason.as_deref(),
            rows: rows(&row.rows),
            output: row.output.as_ref(),
            error: row.error.as_ref().map(StepErrorShape::from),
            waits: row.waits.iter().map(wait).collect(),
        }
    }
}

/// Rows changed in one table.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowsShape<'a> {
    table: &'a str,
    inserted: u64,
    updated: u64,
    deleted: u64,
}

/// Rows changed, per table.
pub fn rows(rows: &[TableRows]) -> Vec<RowsShape<'_>> {
    rows.iter()
        .map(|row| RowsShape {
            table: &row.table,
            inserted: row.inserted,
            updated: row.updated,
            deleted: row.deleted,
        })
        .collect()
}

/// A signal that came to an execution.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalShape<'a> {
    number: u32,
    key: &'a str,
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    data: &'a Value,
    sent_by: &'a str,
    sent_at: String,
    run: u32,
    taken_by: Option<&'a str>,
    taken_in_run: Option<u32>,
    taken_at: Option<String>,
}

impl<'a> From<&'a SignalRow> for SignalShape<'a> {
    fn from(row: &'a SignalRow) -> Self {
        let taken = row.taken.as_ref();
        Self {
            number: row.number,
            key: &row.key,
            data: &row.data,
            sent_by: &row.sent_by,
            sent_at: rfc3339(row.sent_at),
            run: row.run.0,
            taken_by: taken.map(|(_, step, _)| step.as_str()),
            taken_in_run: taken.map(|(run, _, _)| run.0),
            taken_at: taken.map(|(_, _, at)| rfc3339(*at)),
        }
    }
}
