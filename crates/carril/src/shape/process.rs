//! Processes as programs read them, with their numbers and where they came from.

use super::rfc3339;
use carril_model::contract::{ImportRow, ProcessRow, Tally};
use carril_model::lanes::LanesRow;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A process.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessShape<'a> {
    id: i64,
    pipeline: &'a str,
    version: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, String>))]
    targets: &'a BTreeMap<String, String>,
    folder: Option<&'a str>,
}

impl<'a> ProcessShape<'a> {
    /// Processes, each with the microseconds that it took so far.
    pub fn all(rows: &'a [(ProcessRow, i64)]) -> Vec<Self> {
        let shape = |(row, worked): &'a (ProcessRow, i64)| Self::of(row, *worked);
        rows.iter().map(shape).collect()
    }

    /// The process, and the microseconds that it took so far.
    pub fn of(row: &'a ProcessRow, worked_micros: i64) -> Self {
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LanesShape<'a> {
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

/// The numbers of a process.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TallyShape {
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

/// Where an imported process came from.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportedShape<'a> {
    source: &'a str,
    key: &'a str,
    at: String,
}

impl<'a> ImportedShape<'a> {
    /// Where it came from.
    #[must_use]
    pub fn of(row: &'a ImportRow) -> Self {
        Self {
            source: &row.source,
            key: &row.key,
            at: rfc3339(row.at),
        }
    }
}
