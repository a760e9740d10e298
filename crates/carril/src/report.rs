//! The report of a process: what its database did to it, how fast it was, beside its goal and its pipeline's baseline, and whether
//! its version is still launched. Only reads; what is slow or bad is decided in the model.

use carril_engine::event::Rail;
use carril_model::baseline::{self, Baseline, Comparison, PastRun, RUNS_MAX};
use carril_model::contract::{Fault, History, ProcessRow, Tally};
use carril_model::definition::Goal;
use carril_model::figures::Figures;
use carril_model::guard::{self, OTHERS_MAX, Refusal};
use carril_model::time::Timestamp;

const HOUR_MICROS: i128 = 3_600_000_000;

/// What there is to report of one process.
#[derive(Debug)]
pub struct Report {
    figures: Figures,
    worked: i64,
    per_hour: Option<u64>,
    goal: Goal,
    has_ended: bool,
    beside: Option<Beside>,
    refusal: Option<Refusal>,
}

/// A pipeline's baseline and how runs stand beside it.
#[derive(Debug)]
pub struct Beside {
    baseline: Baseline,
    /// The ratio of the process that is reported, where it can be compared.
    own: Option<u64>,
    /// All of the pipeline, where the process that is reported is its newest.
    pipeline: Option<Comparison>,
}

/// Something that somebody should look at, as a sentence.
#[derive(Debug)]
pub struct Alert {
    /// Which rail says so.
    pub rail: Rail,
    /// The sentence.
    pub message: String,
}

impl Report {
    /// Reads what there is to report.
    ///
    /// # Errors
    /// As the store.
    pub async fn of(
        history: &dyn History,
        row: &ProcessRow,
        worked: i64,
        now: Timestamp,
    ) -> Result<Self, Fault> {
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

    /// Whether the goal's time was kept; one that has not ended can only be late.
    #[must_use]
    pub fn is_in_time(&self) -> Option<bool> {
        let longest = self.goal.duration_micros?;
        let is_late = self.worked > longest;
        (self.has_ended || is_late).then_some(!is_late)
    }

    /// Whether the goal's pace was kept; known when it has ended.
    #[must_use]
    pub fn is_at_pace(&self) -> Option<bool> {
        let least = self.goal.entities_per_hour?;
        self.has_ended.then(|| self.per_hour.unwrap_or(0) >= least)
    }

    /// What of it somebody should look at.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
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

    /// What its databases did to it.
    #[must_use]
    pub const fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Microseconds in which runs of it were under way.
    #[must_use]
    pub const fn worked_micros(&self) -> i64 {
        self.worked
    }

    /// Entities an hour.
    #[must_use]
    pub const fn per_hour(&self) -> Option<u64> {
        self.per_hour
    }

    /// How fast its pipeline says that it should be.
    #[must_use]
    pub const fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Its pipeline's baseline, if one was set.
    #[must_use]
    pub const fn beside(&self) -> Option<&Beside> {
        self.beside.as_ref()
    }

    /// Why its version is not launched any more, if it is not.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }
}

impl Beside {
    /// A baseline and how all of its pipeline stands beside it.
    ///
    /// # Errors
    /// As the store.
    pub async fn of(
        history: &dyn History,
        baseline: Baseline,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let runs = history.past_runs(&baseline.pipeline, baseline.process, RUNS_MAX);
        let told = baseline::compare(&baseline, &runs.await?, now);
        Ok(Self {
            baseline,
            own: None,
            pipeline: Some(told),
        })
    }

    /// The baseline.
    #[must_use]
    pub const fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// How the process that is reported stands, in thousandths of the baseline's time per entity; where it can be compared.
    #[must_use]
    pub const fn own(&self) -> Option<u64> {
        self.own
    }

    /// How all of its pipeline stands, where the process that is reported is its newest.
    #[must_use]
    pub const fn pipeline(&self) -> Option<Comparison> {
        self.pipeline
    }
}

async fn beside(
    history: &dyn History,
    row: &ProcessRow,
    worked: i64,
    now: Timestamp,
) -> Result<Option<Beside>, Fault> {
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
pub async fn refusal(history: &dyn History, row: &ProcessRow) -> Result<Option<Refusal>, Fault> {
    let own = history.versions(&row.pipeline, &row.version, 0).await?;
    if guard::refusal(&own, &row.version).is_none() {
        return Ok(None);
    }
    let records = history.versions(&row.pipeline, &row.version, OTHERS_MAX);
    Ok(guard::refusal(&records.await?, &row.version))
}

/// Entities an hour, at the pace of a process that took so many microseconds. Only those that went through and still stand
/// count: what was cancelled or undone is no output.
#[must_use]
pub fn per_hour(tally: &Tally, worked: i64) -> Option<u64> {
    let through = tally.succeeded + tally.failed + tally.skipped;
    if through == 0 || worked <= 0 {
        return None;
    }
    u64::try_from(i128::from(through) * HOUR_MICROS / i128::from(worked)).ok()
}
