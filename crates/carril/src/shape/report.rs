//! Reports, baselines and refused versions as programs read them.

use super::rfc3339;
use crate::report::{Beside, Report};
use carril_model::baseline::Baseline;
use carril_model::guard::Refusal;
use serde::Serialize;

/// A report as `--json` has it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportShape<'a> {
    deadlocks: u64,
    lock_timeouts: u64,
    escalations: u64,
    serialisation_failures: u64,
    timeouts: u64,
    uncommittable: u64,
    retries: u64,
    duration_micros: i64,
    entities_per_hour: Option<u64>,
    goal: Option<GoalShape>,
    baseline: Option<BesideShape<'a>>,
    version_refused: Option<RefusalShape<'a>>,
}

/// How a process stands beside its goal.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GoalShape {
    duration_micros: Option<i64>,
    entities_per_hour: Option<u64>,
    duration_reached: Option<bool>,
    entities_per_hour_reached: Option<bool>,
}

/// A baseline and what is compared with it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BesideShape<'a> {
    #[serde(flatten)]
    baseline: BaselineShape<'a>,
    ratio: Option<f64>,
    newest: Option<NewestShape>,
    mean_ratio: Option<f64>,
    mean_runs: u64,
    alert: bool,
    slow_since: Option<String>,
    escalated: bool,
}

/// How the newest run stands beside a baseline.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewestShape {
    process: i64,
    ratio: f64,
}

/// A baseline.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BaselineShape<'a> {
    pipeline: &'a str,
    process: i64,
    version: &'a str,
    entities: u64,
    worked_micros: i64,
    set_by: &'a str,
    set_at: String,
}

impl<'a> From<&'a Baseline> for BaselineShape<'a> {
    fn from(baseline: &'a Baseline) -> Self {
        Self {
            pipeline: &baseline.pipeline,
            process: baseline.process.0,
            version: &baseline.version.0,
            entities: baseline.entities,
            worked_micros: baseline.worked_micros,
            set_by: &baseline.set_by,
            set_at: rfc3339(baseline.set_at),
        }
    }
}

/// Why a version is not launched.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusalShape<'a> {
    version: &'a str,
    failed: u64,
    settled: u64,
    since: String,
    go_back_to: Option<&'a str>,
}

impl<'a> From<&'a Refusal> for RefusalShape<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self {
            version: &refusal.version.0,
            failed: refusal.failed,
            settled: refusal.settled,
            since: rfc3339(refusal.since),
            go_back_to: refusal
                .go_back_to
                .as_ref()
                .map(|version| version.0.as_str()),
        }
    }
}

impl<'a> From<&'a Report> for ReportShape<'a> {
    fn from(report: &'a Report) -> Self {
        let figures = report.figures();
        let goal = (!report.goal().is_none()).then(|| GoalShape {
            duration_micros: report.goal().duration_micros,
            entities_per_hour: report.goal().entities_per_hour,
            duration_reached: report.is_in_time(),
            entities_per_hour_reached: report.is_at_pace(),
        });
        Self {
            deadlocks: figures.deadlocks,
            lock_timeouts: figures.lock_timeouts,
            escalations: figures.escalations,
            serialisation_failures: figures.serialisation_failures,
            timeouts: figures.timeouts,
            uncommittable: figures.uncommittable,
            retries: figures.retries,
            duration_micros: report.worked_micros(),
            entities_per_hour: report.per_hour(),
            goal,
            baseline: report.beside().map(BesideShape::from),
            version_refused: report.refusal().map(RefusalShape::from),
        }
    }
}

impl<'a> From<&'a Beside> for BesideShape<'a> {
    fn from(beside: &'a Beside) -> Self {
        let told = beside.pipeline().unwrap_or_default();
        Self {
            baseline: BaselineShape::from(beside.baseline()),
            ratio: beside.own().map(ratio),
            newest: told.run.map(|(process, own)| NewestShape {
                process: process.0,
                ratio: ratio(own),
            }),
            mean_ratio: told.mean.map(ratio),
            mean_runs: told.mean_runs,
            alert: told.is_alert(),
            slow_since: told.slow_since.map(rfc3339),
            escalated: told.escalated,
        }
    }
}

/// Thousandths as a number of programs.
fn ratio(permille: u64) -> f64 {
    permille as f64 / 1_000.0
}
