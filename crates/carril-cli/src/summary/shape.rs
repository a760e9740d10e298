//! The summary as `--json` has it, documented in `docs/reference/cli.md`. Only shapes: what is in them is decided by the summary.

use super::Group;
use carril::model::contract::DoubtRow;
use carril::shape::ProcessShape;
use carril::shape::ReportShape;
use serde::Serialize;
use std::collections::BTreeMap;

/// The summary as `--json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct SummaryShape<'a> {
    pub(super) event: &'static str,
    pub(super) how: &'static str,
    pub(super) exit: u8,
    pub(super) process: ProcessShape<'a>,
    pub(super) entities_per_hour: Option<u64>,
    pub(super) report: ReportShape<'a>,
    pub(super) slowest: Vec<LaneShape<'a>>,
    pub(super) time_micros: BTreeMap<&'static str, i64>,
    pub(super) failures: Vec<GroupShape<'a>>,
    pub(super) fallbacks: Vec<DoubtShape<'a>>,
    pub(super) warnings: u64,
    pub(super) warned: Vec<DoubtShape<'a>>,
    pub(super) unfinished: Vec<ProcessShape<'a>>,
    pub(super) next: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct DoubtShape<'a> {
    pub(super) step: &'a str,
    pub(super) instead: Option<&'a str>,
    pub(super) executions: u64,
    pub(super) examples: Vec<i64>,
}

impl<'a> From<&'a DoubtRow> for DoubtShape<'a> {
    fn from(row: &'a DoubtRow) -> Self {
        Self {
            step: &row.step,
            instead: row.instead.as_deref(),
            executions: row.executions,
            examples: row.examples.iter().map(|(id, _)| id.0).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct LaneShape<'a> {
    pub(super) execution: i64,
    pub(super) entity: Option<&'a str>,
    pub(super) state: &'static str,
    pub(super) micros: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct GroupShape<'a> {
    pub(super) step: &'a str,
    pub(super) code: &'a str,
    pub(super) message: &'a str,
    pub(super) executions: u64,
    pub(super) examples: Vec<i64>,
}

impl<'a> From<&'a Group> for GroupShape<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            step: &group.step,
            code: &group.code,
            message: &group.message,
            executions: group.count,
            examples: group.examples.iter().map(|(id, _)| *id).collect(),
        }
    }
}
