//! What `--json` prints: shapes of our own, documented in `docs/reference/cli.md`, so that a change inside the model is no
//! change for programs that read them. Times are RFC 3339 in UTC, spans whole microseconds, absent things `null`.

use crate::output::time::rfc3339;
use carril::event::Rail;
use carril::model::account::{Cause, TimeAccount};
use carril::model::contract::{
    AttemptRow, ExecutionRow, ImportRow, ProcessRow, SignalRow, StepError, TableRows, Tally,
};
use carril::model::id::ProcessId;
use carril::model::lanes::LanesRow;
use carril::model::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A process.
#[derive(Debug, Serialize)]
pub(crate) struct ProcessShape<'a> {
    id: i64,
    pipeline: &'a str,
    version: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    params: &'a Map<String, Value>,
    entities: TallyShape,
    waiting: u64,
    lanes: u32,
    launched_by: &'a str,
    launched_at: String,
    ended_at: Option<String>,
    duration_micros: i64,
    waits_for_process: Option<i64>,
    cancelling: bool,
    targets: &'a BTreeMap<String, String>,
    folder: Option<&'a str>,
}

impl<'a> ProcessShape<'a> {
    /// Processes, each with the microseconds that it took so far.
    pub(crate) fn all(rows: &'a [(ProcessRow, i64)]) -> Vec<Self> {
        let shape = |(row, worked): &'a (ProcessRow, i64)| Self::of(row, *worked);
        rows.iter().map(shape).collect()
    }

    /// The process, and the microseconds that it took so far.
    pub(crate) fn of(row: &'a ProcessRow, worked_micros: i64) -> Self {
        Self {
            id: row.id.0,
            pipeline: &row.pipeline,
            version: &row.version.0,
            state: row.state.name(),
            reason: row.reason.as_deref(),
            params: &row.params,
            entities: TallyShape::from(row.tally),
            waiting: row.waiting,
            lanes: row.lanes,
            launched_by: &row.launched_by,
            launched_at: rfc3339(row.launched_at),
            ended_at: row.ended_at.map(rfc3339),
            duration_micros: worked_micros,
            waits_for_process: row.after.map(|id| id.0),
            cancelling: row.cancelling.is_some(),
            targets: &row.targets,
            folder: row.folder.as_deref(),
        }
    }
}

/// How the number of a process's lanes is found out: where it stands, and why.
#[derive(Debug, Serialize)]
pub(crate) struct LanesShape<'a> {
    most: u32,
    reason: &'static str,
    detail: &'a str,
    at: String,
}

impl<'a> From<&'a LanesRow> for LanesShape<'a> {
    fn from(row: &'a LanesRow) -> Self {
        Self {
            most: row.most,
            reason: row.change.reason.name(),
            detail: &row.change.detail,
            at: rfc3339(row.at),
        }
    }
}

/// A guard rail's sentence, as an event.
#[derive(Debug, Serialize)]
pub(crate) struct AlertShape {
    event: &'static str,
    rail: &'static str,
    process: Option<i64>,
    pipeline: String,
    message: String,
    at: String,
}

impl AlertShape {
    /// What a rail says about a process, or about a launch that made none.
    pub(crate) fn of(
        rail: Rail,
        process: Option<ProcessId>,
        pipeline: &str,
        message: String,
        at: Timestamp,
    ) -> Self {
        Self {
            event: "alert",
            rail: rail.name(),
            process: process.map(|process| process.0),
            pipeline: pipeline.to_owned(),
            message,
            at: rfc3339(at),
        }
    }
}

/// The numbers of a process.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct TallyShape {
    total: u64,
    succeeded: u64,
    failed: u64,
    skipped: u64,
    cancelled: u64,
    rolled_back: u64,
}

impl From<Tally> for TallyShape {
    fn from(tally: Tally) -> Self {
        let Tally {
            total,
            succeeded,
            failed,
            skipped,
            cancelled,
            rolled_back,
        } = tally;
        Self {
            total,
            succeeded,
            failed,
            skipped,
            cancelled,
            rolled_back,
        }
    }
}

/// An execution.
#[derive(Debug, Serialize)]
pub(crate) struct ExecutionShape<'a> {
    id: i64,
    process: i64,
    entity: Option<&'a str>,
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
    pub(crate) fn of(row: &'a ExecutionRow, now: Timestamp) -> Self {
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
pub(crate) const fn is_open(row: &ExecutionRow) -> bool {
    !row.state.is_settled() || row.rolling_back
}

/// What an execution's time is being spent on.
#[derive(Debug, Serialize)]
pub(crate) struct CauseShape<'a> {
    kind: &'static str,
    about: Option<&'a str>,
    since: String,
}

impl<'a> CauseShape<'a> {
    fn of(cause: &'a Cause, since: Timestamp) -> Self {
        Self {
            kind: cause.kind.name(),
            about: cause.about.as_deref(),
            since: rfc3339(since),
        }
    }
}

/// A time account: microseconds by cause, and their sum.
#[derive(Debug, Serialize)]
pub(crate) struct AccountShape {
    micros: BTreeMap<&'static str, i64>,
    total_micros: i64,
}

impl AccountShape {
    /// The closed sums and, with `now`, the open interval too.
    pub(crate) fn of(account: &TimeAccount, now: Option<Timestamp>) -> Self {
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
    pub(crate) fn largest_first(&self) -> Vec<(&'static str, i64)> {
        let mut spent: Vec<(&'static str, i64)> = self
            .micros
            .iter()
            .map(|(kind, micros)| (*kind, *micros))
            .collect();
        spent.sort_by_key(|(_, micros)| std::cmp::Reverse(*micros));
        spent
    }

    /// All of it.
    pub(crate) const fn total_micros(&self) -> i64 {
        self.total_micros
    }
}

/// Why a step failed.
#[derive(Debug, Serialize)]
pub(crate) struct StepErrorShape<'a> {
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
pub(crate) struct AttemptShape<'a> {
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
    output: Option<&'a Value>,
    error: Option<StepErrorShape<'a>>,
    waits: Vec<WaitShape<'a>>,
}

/// Microseconds waited before a step began.
#[derive(Debug, Serialize)]
struct WaitShape<'a> {
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
pub(crate) struct RowsShape<'a> {
    table: &'a str,
    inserted: u64,
    updated: u64,
    deleted: u64,
}

/// Rows changed, per table.
pub(crate) fn rows(rows: &[TableRows]) -> Vec<RowsShape<'_>> {
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
pub(crate) struct SignalShape<'a> {
    number: u32,
    key: &'a str,
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

/// Where an imported process came from.
#[derive(Debug, Serialize)]
pub(crate) struct ImportedShape<'a> {
    source: &'a str,
    key: &'a str,
    at: String,
}

impl<'a> ImportedShape<'a> {
    pub(crate) fn of(row: &'a ImportRow) -> Self {
        Self {
            source: &row.source,
            key: &row.key,
            at: rfc3339(row.at),
        }
    }
}
