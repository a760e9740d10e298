//! Whether a pipeline has become slower than it was when somebody said "this is how fast it is".
//!
//! A baseline is one settled process, kept with its numbers so that it outlives the process. What is compared is the time
//! at work per entity that went through, of processes about as large. A run that is a fifth slower is an alert, and so is a
//! mean of seven days; an alert of 48 hours is escalated. All of it follows from the processes that ended and the time:
//! nothing is remembered between two looks, so that a crash loses no alert and a retry corrects one.

use crate::contract::ProcessRow;
use crate::definition::Version;
use crate::id::ProcessId;
use crate::time::Timestamp;
use std::fmt;
use std::time::Duration;

/// From which ratio on, in thousandths of the baseline, a run or a mean is slow.
pub const SLOW_PERMILLE: u64 = 1_200;
/// How far back the mean goes.
pub const MEAN_OVER: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How long an alert lasts before it is escalated.
pub const ESCALATED_AFTER: Duration = Duration::from_secs(48 * 3_600);
/// Newest runs that are looked at: one every five minutes over the seven days of the mean. Alerts that began earlier than
/// the oldest of them read as beginning there.
pub const RUNS_MAX: u32 = 2_016;

/// What later runs of a pipeline are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The pipeline's name.
    pub pipeline: String,
    /// The process that it was taken from.
    pub process: ProcessId,
    /// That process's version.
    pub version: Version,
    /// How many entities went through.
    pub entities: u64,
    /// How long the process was at work, in microseconds.
    pub worked_micros: i64,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

impl Baseline {
    /// The baseline that a process makes.
    ///
    /// # Errors
    /// A sentence when it makes none: it has not ended, or no entity went through it.
    pub fn of(
        row: &ProcessRow,
        worked_micros: i64,
        by: &str,
        at: Timestamp,
    ) -> Result<Self, String> {
        let run = PastRun::of(row, worked_micros).ok_or_else(|| {
            format!(
                "process {} is {}; a baseline is a process that has ended, and in which an entity went through",
                row.id, row.state
            )
        })?;
        Ok(Self {
            pipeline: row.pipeline.clone(),
            process: row.id,
            version: row.version.clone(),
            entities: run.entities,
            worked_micros: run.worked_micros,
            set_by: by.to_owned(),
            set_at: at,
        })
    }

    /// Whether a run is about as large: at least half of its entities and at most double.
    #[must_use]
    pub fn is_comparable(&self, run: &PastRun) -> bool {
        let (own, other) = (u128::from(self.entities), u128::from(run.entities));
        own > 0 && other * 2 >= own && other <= own * 2
    }

    /// How long work took, in thousandths of what the baseline would have taken for as many entities.
    fn permille(&self, worked_micros: i128, entities: u64) -> Option<u64> {
        let own = i128::from(self.worked_micros.max(1)) * i128::from(entities);
        if own == 0 {
            return None;
        }
        let ratio = worked_micros * i128::from(self.entities) * 1_000 / own;
        Some(u64::try_from(ratio).unwrap_or(u64::MAX))
    }
}

/// A process that has ended, as far as its pace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRun {
    /// The process.
    pub process: ProcessId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How many entities went through: succeeded, failed or skipped, and not rolled back.
    pub entities: u64,
    /// How long it was at work, in microseconds.
    pub worked_micros: i64,
}

impl PastRun {
    /// The run of a process, if it has ended and an entity went through it.
    #[must_use]
    pub fn of(row: &ProcessRow, worked_micros: i64) -> Option<Self> {
        let ended_at = row.ended_at.filter(|_| row.state.is_settled())?;
        let entities = row.tally.succeeded + row.tally.failed + row.tally.skipped;
        (entities > 0).then_some(Self {
            process: row.id,
            ended_at,
            entities,
            worked_micros: worked_micros.max(0),
        })
    }
}

/// How the newest runs stand beside the baseline. Ratios are thousandths: 1,200 is a fifth slower.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The newest run about as large as the baseline, and its ratio.
    pub run: Option<(ProcessId, u64)>,
    /// The ratio of all such runs that ended in the last seven days, weighted by their entities.
    pub mean: Option<u64>,
    /// How many those are.
    pub mean_runs: u64,
    /// Since when the newest runs, or the means, were slow without one that was not; `None` when neither is now.
    pub slow_since: Option<Timestamp>,
    /// Whether that has lasted for 48 hours.
    pub escalated: bool,
}

impl Comparison {
    /// Whether the newest run is slow.
    #[must_use]
    pub fn is_run_slow(&self) -> bool {
        self.run.is_some_and(|(_, ratio)| is_slow(ratio))
    }

    /// Whether the mean is slow.
    #[must_use]
    pub fn is_mean_slow(&self) -> bool {
        self.mean.is_some_and(is_slow)
    }

    /// Whether somebody should look.
    #[must_use]
    pub const fn is_alert(&self) -> bool {
        self.slow_since.is_some()
    }
}

impl fmt::Display for Comparison {
    /// `process 12 took 1.34 times the baseline, the last 7 days 1.21 times (5 runs), slow since … (escalated)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = |ratio: u64| format!("{}.{:02} times", ratio / 1_000, ratio % 1_000 / 10);
        let Some((process, ratio)) = self.run else {
            return out.write_str("no run about as large as the baseline yet");
        };
        write!(out, "process {process} took {} the baseline", times(ratio))?;
        if let Some(mean) = self.mean {
            let runs = if self.mean_runs == 1 { "run" } else { "runs" };
            write!(
                out,
                ", the last 7 days {} ({} {runs})",
                times(mean),
                self.mean_runs
            )?;
        }
        if let Some(since) = self.slow_since {
            write!(out, "; slow since {since}")?;
        }
        if self.escalated {
            out.write_str(", unmended for 48 hours")?;
        }
        Ok(())
    }
}

/// Whether a ratio is an alert.
#[must_use]
pub const fn is_slow(permille: u64) -> bool {
    permille >= SLOW_PERMILLE
}

/// The ratio of one run, if it is about as large as the baseline and is not the baseline itself.
#[must_use]
pub fn ratio(baseline: &Baseline, run: &PastRun) -> Option<u64> {
    if run.process == baseline.process || !baseline.is_comparable(run) {
        return None;
    }
    baseline.permille(i128::from(run.worked_micros), run.entities)
}

/// Compares runs, in any order, with a baseline. Those that are too small, too large, the baseline itself, older than it or
/// ended after `now` do not count.
#[must_use]
pub fn compare(baseline: &Baseline, runs: &[PastRun], now: Timestamp) -> Comparison {
    let mut counted: Vec<(PastRun, u64)> = runs
        .iter()
        .filter(|run| run.process > baseline.process && run.ended_at <= now)
        .filter_map(|run| Some((*run, ratio(baseline, run)?)))
        .collect();
    counted.sort_by_key(|(run, _)| (run.ended_at, run.process));
    let Some((newest, newest_ratio)) = counted.last().copied() else {
        return Comparison::default();
    };
    let slow_run = streak(
        counted
            .iter()
            .map(|(run, ratio)| (run.ended_at, Some(*ratio))),
    );
    let means = means(baseline, &counted, now);
    let slow_mean = streak(means.iter().map(|point| (point.at, point.ratio)));
    let slow_mean = slow_mean.filter(|_| means.last().is_some_and(|now| now.ratio.is_some()));
    let slow_since = match (slow_run, slow_mean) {
        (Some(run), Some(mean)) => Some(run.min(mean)),
        (run, mean) => run.or(mean),
    };
    let lasted = micros(ESCALATED_AFTER);
    let present = means.last();
    Comparison {
        run: Some((newest.process, newest_ratio)),
        mean: present.and_then(|point| point.ratio),
        mean_runs: present.map_or(0, |point| point.runs),
        slow_since,
        escalated: slow_since.is_some_and(|since| now.micros_since(since) >= lasted),
    }
}

/// When the slow ones at the end began; `None` when the last that is known is not slow. What is not known changes nothing.
fn streak(points: impl DoubleEndedIterator<Item = (Timestamp, Option<u64>)>) -> Option<Timestamp> {
    let known = points.rev().filter_map(|(at, ratio)| Some((at, ratio?)));
    known
        .take_while(|(_, ratio)| is_slow(*ratio))
        .last()
        .map(|(at, _)| at)
}

/// A mean at a time: of the runs that ended in the seven days before.
struct Mean {
    at: Timestamp,
    ratio: Option<u64>,
    runs: u64,
}

/// The means at every time at which one changes (a run ends, or falls out of it), in order, and the present one last.
fn means(baseline: &Baseline, counted: &[(PastRun, u64)], now: Timestamp) -> Vec<Mean> {
    let falls_out = |(run, _): &(PastRun, u64)| run.ended_at.after(MEAN_OVER);
    let mut times: Vec<Timestamp> = counted.iter().map(|(run, _)| run.ended_at).collect();
    times.extend(counted.iter().map(falls_out).filter(|at| *at <= now));
    times.push(now);
    times.sort_unstable();
    times.dedup();
    let (mut from, mut upto) = (0, 0);
    let (mut worked, mut entities) = (0_i128, 0_u64);
    let mut means = Vec::with_capacity(times.len());
    for at in times {
        while let Some((run, _)) = counted.get(upto).filter(|(run, _)| run.ended_at <= at) {
            worked += i128::from(run.worked_micros);
            entities += run.entities;
            upto += 1;
        }
        while let Some(old) = counted[from..upto]
            .first()
            .filter(|old| falls_out(old) <= at)
        {
            worked -= i128::from(old.0.worked_micros);
            entities -= old.0.entities;
            from += 1;
        }
        means.push(Mean {
            at,
            ratio: baseline.permille(worked, entities),
            runs: (upto - from) as u64,
        });
    }
    means
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
