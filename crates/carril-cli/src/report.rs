//! The report of a process: what its database did to it, how fast it was, beside its goal and its pipeline's baseline, and whether
//! its version is still launched. Only reads; what is slow or bad is decided in the model.

use crate::failure::Failure;
use crate::output::time::{self, rfc3339};
use crate::output::{number, paint};
use carril::event::Rail;
use carril::model::baseline::{self, Baseline, Comparison, PastRun, RUNS_MAX};
use carril::model::contract::{History, ProcessRow, Tally};
use carril::model::definition::Goal;
use carril::model::figures::Figures;
use carril::model::guard::{self, OTHERS_MAX, Refusal};
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use serde::Serialize;

const HOUR_MICROS: i128 = 3_600_000_000;

/// What there is to report of one process.
pub(crate) struct Report {
    figures: Figures,
    worked: i64,
    per_hour: Option<u64>,
    goal: Goal,
    has_ended: bool,
    beside: Option<Beside>,
    refusal: Option<Refusal>,
}

/// A pipeline's baseline and how runs stand beside it.
pub(crate) struct Beside {
    baseline: Baseline,
    /// The ratio of the process that is reported, where it can be compared.
    own: Option<u64>,
    /// All of the pipeline, where the process that is reported is its newest.
    pipeline: Option<Comparison>,
}

/// Something that somebody should look at, as a sentence.
pub(crate) struct Alert {
    pub(crate) rail: Rail,
    pub(crate) message: String,
}

impl Report {
    /// Reads what there is to report.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn of(
        history: &dyn History,
        row: &ProcessRow,
        worked: i64,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        Ok(Self {
            figures: Figures::of(&history.failed_attempts(row.id).await?),
            worked,
            per_hour: per_hour(&row.tally, worked),
            goal: history.definition_of(row.id).await?.goal,
            has_ended: row.state.is_settled(),
            beside: beside(history, row, worked, now).await?,
            refusal: refusal(history, row).await?,
        })
    }

    /// Lines for people, each with its name; `all` also tells that there was nothing.
    pub(crate) fn lines(&self, all: bool) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if !self.goal.is_none() {
            lines.push(("goal", self.goal_line()));
        }
        if let Some(line) = self.beside.as_ref().and_then(Beside::line) {
            lines.push(("baseline", line));
        }
        if let Some(line) = self.figures_line(all) {
            lines.push(("troubles", line));
        }
        if let Some(refusal) = &self.refusal {
            let text = format!("refused from now on: {refusal}");
            lines.push(("launches", paint::error(&text)));
        }
        lines
    }

    fn goal_line(&self) -> String {
        let said = |reached: Option<bool>| match reached {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "not known yet",
        };
        let mut parts = Vec::new();
        if let Some(longest) = self.goal.duration_micros {
            let (longest, took) = (time::span(longest), time::span(self.worked));
            let reached = self.is_in_time();
            parts.push(format!("{longest} {} ({took})", said(reached)));
        }
        if let Some(least) = self.goal.entities_per_hour {
            let pace = self
                .per_hour
                .map_or_else(|| "none".to_owned(), number::count);
            let (least, reached) = (number::count(least), self.is_at_pace());
            parts.push(format!(
                "{least} entities an hour {} ({pace})",
                said(reached)
            ));
        }
        parts.join(", ")
    }

    /// Whether the goal's time was kept; one that has not ended can only be late.
    fn is_in_time(&self) -> Option<bool> {
        let longest = self.goal.duration_micros?;
        let is_late = self.worked > longest;
        (self.has_ended || is_late).then_some(!is_late)
    }

    fn is_at_pace(&self) -> Option<bool> {
        let least = self.goal.entities_per_hour?;
        self.has_ended.then(|| self.per_hour.unwrap_or(0) >= least)
    }

    fn figures_line(&self, all: bool) -> Option<String> {
        let figures = &self.figures;
        let named = [
            (figures.deadlocks, "deadlock", "deadlocks"),
            (figures.lock_timeouts, "lock timeout", "lock timeouts"),
            (figures.escalations, "escalation", "escalations"),
            (
                figures.serialisation_failures,
                "serialisation failure",
                "serialisation failures",
            ),
            (figures.timeouts, "timeout", "timeouts"),
            (
                figures.uncommittable,
                "uncommittable transaction",
                "uncommittable transactions",
            ),
            (figures.retries, "retry", "retries"),
        ];
        if figures.is_zero() && !all {
            return None;
        }
        let told: Vec<String> = named
            .iter()
            .filter(|(count, ..)| *count > 0 || figures.is_zero())
            .map(|(count, one, many)| number::of(*count, one, many))
            .collect();
        Some(told.join(", "))
    }

    /// What of it somebody should look at.
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let mut add = |rail, message| alerts.push(Alert { rail, message });
        if let Some(refusal) = &self.refusal {
            add(Rail::BadVersion, refusal.to_string());
        }
        let told = self.beside.as_ref().and_then(|beside| beside.pipeline);
        if let Some(told) = told.filter(Comparison::is_alert) {
            add(Rail::Baseline, told.to_string());
        }
        alerts
    }

    /// For programs.
    pub(crate) fn shape(&self) -> ReportShape<'_> {
        let figures = &self.figures;
        let goal = (!self.goal.is_none()).then(|| GoalShape {
            duration_micros: self.goal.duration_micros,
            entities_per_hour: self.goal.entities_per_hour,
            duration_reached: self.is_in_time(),
            entities_per_hour_reached: self.is_at_pace(),
        });
        ReportShape {
            deadlocks: figures.deadlocks,
            lock_timeouts: figures.lock_timeouts,
            escalations: figures.escalations,
            serialisation_failures: figures.serialisation_failures,
            timeouts: figures.timeouts,
            uncommittable: figures.uncommittable,
            retries: figures.retries,
            duration_micros: self.worked,
            entities_per_hour: self.per_hour,
            goal,
            baseline: self.beside.as_ref().map(Beside::shape),
            version_refused: self.refusal.as_ref().map(RefusalShape::from),
        }
    }
}

impl Beside {
    /// A baseline and how all of its pipeline stands beside it.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn of(
        history: &dyn History,
        baseline: Baseline,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let runs = history.past_runs(&baseline.pipeline, baseline.process, RUNS_MAX);
        let told = baseline::compare(&baseline, &runs.await?, now);
        Ok(Self {
            baseline,
            own: None,
            pipeline: Some(told),
        })
    }

    fn line(&self) -> Option<String> {
        let of = self.baseline.process;
        if let Some(told) = self.pipeline.filter(|told| told.run.is_some()) {
            let text = format!("{told} (process {of})");
            return Some(if told.is_alert() {
                paint::warning(&text)
            } else {
                text
            });
        }
        self.own
            .map(|own| format!("{} the time per entity of process {of}", times(own)))
    }

    /// How the pipeline stands, as a sentence for people.
    pub(crate) fn standing(&self) -> String {
        let told = self.pipeline.unwrap_or_default();
        let text = told.to_string();
        if told.is_alert() {
            paint::warning(&text)
        } else {
            text
        }
    }

    pub(crate) const fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// For programs.
    pub(crate) fn shape(&self) -> BesideShape<'_> {
        let told = self.pipeline.unwrap_or_default();
        BesideShape {
            baseline: BaselineShape::from(&self.baseline),
            ratio: self.own.map(ratio),
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

async fn beside(
    history: &dyn History,
    row: &ProcessRow,
    worked: i64,
    now: Timestamp,
) -> Result<Option<Beside>, Failure> {
    let kept = history.baselines(Some(&row.pipeline), 1).await?.pop();
    let Some(kept) = kept else { return Ok(None) };
    let mut beside = Beside::of(history, kept, now).await?;
    let run = PastRun::of(row, worked);
    beside.own = run.and_then(|run| baseline::ratio(&beside.baseline, &run));
    let is_newest = |told: &Comparison| told.run.is_some_and(|(process, _)| process == row.id);
    beside.pipeline = beside.pipeline.filter(is_newest);
    Ok(Some(beside))
}

/// Why new launches of a process's version are refused, if they are.
///
/// # Errors
/// As the store.
pub(crate) async fn refusal(
    history: &dyn History,
    row: &ProcessRow,
) -> Result<Option<Refusal>, Failure> {
    let own = history.versions(&row.pipeline, &row.version, 0).await?;
    if guard::refusal(&own, &row.version).is_none() {
        return Ok(None);
    }
    let records = history.versions(&row.pipeline, &row.version, OTHERS_MAX);
    Ok(guard::refusal(&records.await?, &row.version))
}

/// Entities an hour, at the pace of a process that took so many microseconds. Only those that went through and still stand
/// count: what was cancelled or undone is no output.
pub(crate) fn per_hour(tally: &Tally, worked: i64) -> Option<u64> {
    let through = tally.succeeded + tally.failed + tally.skipped;
    if through == 0 || worked <= 0 {
        return None;
    }
    u64::try_from(i128::from(through) * HOUR_MICROS / i128::from(worked)).ok()
}

/// The pace of a process as people are told it: not of one that was stopped, that rests, or of which nothing came to a good end,
/// where the same figure would read as if it were fast.
pub(crate) fn pace(row: &ProcessRow, worked: i64) -> Option<u64> {
    let tells = matches!(
        row.state,
        ProcessState::Running | ProcessState::Succeeded | ProcessState::CompletedWithErrors
    );
    let has_results = row.tally.succeeded + row.tally.skipped > 0;
    per_hour(&row.tally, worked).filter(|_| tells && has_results)
}

/// `1.34 times`.
fn times(permille: u64) -> String {
    format!("{}.{:02} times", permille / 1_000, permille % 1_000 / 10)
}

/// Thousandths as a number of programs.
fn ratio(permille: u64) -> f64 {
    permille as f64 / 1_000.0
}

/// A report as `--json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct ReportShape<'a> {
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

#[derive(Debug, Serialize)]
struct GoalShape {
    duration_micros: Option<i64>,
    entities_per_hour: Option<u64>,
    duration_reached: Option<bool>,
    entities_per_hour_reached: Option<bool>,
}

/// A baseline and what is compared with it.
#[derive(Debug, Serialize)]
pub(crate) struct BesideShape<'a> {
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

#[derive(Debug, Serialize)]
struct NewestShape {
    process: i64,
    ratio: f64,
}

/// A baseline.
#[derive(Debug, Serialize)]
pub(crate) struct BaselineShape<'a> {
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
pub(crate) struct RefusalShape<'a> {
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
