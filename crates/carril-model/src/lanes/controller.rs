//! The decision: from what windows saw to the next number of lanes.
//!
//! It climbs the hill of work done. At a number that it knows it tries another one, a quarter more or a fifth less, and keeps it
//! when it pays: more lanes must bring a part of what they would bring if nothing were shared, fewer must not cost as much. So it comes to rest
//! where the curve of throughput over concurrency bends, at the fewest lanes that do nearly all that can be done. Which way it tries first is
//! told by what Vegas goes by: time beyond the best that was seen is time in queues. After a try that failed it rests, twice as long each time.
//!
//! Sources: throughput as what decides, with tries that are kept or taken back, as in J. L. Hellerstein, V. Morrison and E. Eilebrecht,
//! "Applying Control Theory in the Real World" (2009; the hill climbing of .NET's thread pool). The gradient of best to present latency, bounded to a half, which says
//! how far to go down, as `Gradient2Limit` of Netflix's `concurrency-limits`. Its idea that the best latency tells the queue from L. S. Brakmo and L. L. Peterson,
//! "TCP Vegas" (1995): queue = lanes × (1 − best / now). Multiplicative decrease where attempts fail from D.-M. Chiu and R. Jain, "Analysis of the Increase and Decrease
//! Algorithms for Congestion Avoidance" (1989).

use super::{LanesChange, LanesReason, Window};
use crate::id::StepId;
use std::collections::BTreeMap;

/// Of what so many more lanes would bring if nothing were shared, the part that they must bring to be kept; and the part that fewer may cost.
const WORTH: f64 = 0.3;
/// From this share of failed attempts on it goes down at once.
const CONFLICTS: f64 = 0.05;
/// So many of them are a coincidence.
const CONFLICTS_MIN: u32 = 3;
/// From this share of time in locks on fewer lanes are tried first.
const LOCKS: f64 = 0.25;
/// From so many times the best latency on fewer lanes are tried first.
const SLOW: f64 = 2.0;
/// How much is done must differ by this much for the target to be another than it was.
const SHIFT: f64 = 0.25;
/// The longest rest after tries that failed, in windows.
const REST_MAX: u32 = 16;
/// How many windows nothing is tried after somebody else changed the number, who may be about to try again.
const FOREIGN_REST: u32 = 3;
/// How long failures are not heard, in windows, that fewer lanes did not mend.
const DEAF: u32 = 32;
/// Windows that the memory of a number is made of.
const MEMORY: u32 = 4;
/// By how much the best latency is forgotten with each window, so that a target that became slower for good is known as it is.
const FORGET: f64 = 1.02;

/// What is being tried.
#[derive(Debug, Clone)]
struct Trial {
    /// What was seen before.
    before: Window,
    /// Why.
    reason: LanesReason,
}

/// Which way a try goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl Way {
    const fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// Finds the number of lanes of one process. Deterministic: the same windows give the same changes.
#[derive(Debug, Clone)]
pub struct Controller {
    lanes: u32,
    most: u32,
    /// The best mean time of each step that was seen, in microseconds, slowly forgotten.
    best: BTreeMap<StepId, f64>,
    /// What is known of the present number, and of how many windows.
    known: Option<(Window, u32)>,
    trial: Option<Trial>,
    /// Windows until the next try.
    rest: u32,
    /// How long the rest after the next try that fails is.
    patience: u32,
    /// The way that is known not to pay from here: it was tried last and did not, or the other one did.
    failed: Option<Way>,
    /// Whether no try has failed yet: then steps are larger.
    fresh: bool,
    /// Windows in which failures are not heard.
    deaf: u32,
}

impl Controller {
    /// Begins at `lanes`, and never goes above `most` nor below 1.
    #[must_use]
    pub fn new(lanes: u32, most: u32) -> Self {
        let most = most.max(1);
        Self {
            lanes: lanes.clamp(1, most),
            most,
            best: BTreeMap::new(),
            known: None,
            trial: None,
            rest: 0,
            patience: 1,
            failed: None,
            fresh: true,
            deaf: 0,
        }
    }

    /// The number that it stands at.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Somebody else changed the number: what is known of another one is no more use.
    pub fn moved(&mut self, lanes: u32) {
        if lanes != self.lanes {
            self.lanes = lanes.clamp(1, self.most);
            self.known = None;
            self.trial = None;
            self.rest = FOREIGN_REST;
        }
    }

    /// Takes what a window saw, and tells the change that follows, if any. A window of another number of lanes tells nothing.
    pub fn observe(&mut self, window: &Window) -> Option<LanesChange> {
        if window.lanes != self.lanes || window.lane_micros <= 0 || window.attempts == 0 {
            return None;
        }
        self.learn(window);
        self.deaf = self.deaf.saturating_sub(1);
        let trial = self.trial.take();
        if window.used.saturating_mul(10) < self.lanes.saturating_mul(9) {
            return self.unused(trial);
        }
        let change = match trial {
            Some(trial) => self.judge(&trial, window),
            None => {
                self.remember(window);
                None
            }
        };
        change.or_else(|| self.try_next(window))
    }

    fn learn(&mut self, window: &Window) {
        for (step, seen) in &window.steps {
            if seen.ended > 0 {
                let mean = (to_f64(seen.micros) / f64::from(seen.ended)).max(1.0);
                let best = self.best.entry(*step).or_insert(mean);
                *best = (*best * FORGET).min(mean);
            }
        }
    }

    /// Work done in a window, in lanes that nothing holds up: steps differ in size, and what is to be done changes on the way. It is taken
    /// per lane, so that whoever sees only some of the lanes comes to the same.
    fn done(&self, window: &Window) -> f64 {
        f64::from(window.lanes) * self.undisturbed(window) / to_f64(window.lane_micros.max(1))
    }

    /// How many times as long as at best steps took.
    fn slowness(&self, window: &Window) -> f64 {
        let micros: i64 = window.steps.values().map(|seen| seen.micros).sum();
        let undisturbed = self.undisturbed(window);
        if undisturbed > 0.0 {
            to_f64(micros) / undisturbed
        } else {
            1.0
        }
    }

    fn undisturbed(&self, window: &Window) -> f64 {
        let of_step = |(step, seen): (&StepId, &super::Seen)| {
            self.best.get(step).copied().unwrap_or_default() * f64::from(seen.ended)
        };
        window.steps.iter().map(of_step).sum()
    }

    /// There was too little to do to tell anything, so nothing is kept that was only tried.
    fn unused(&mut self, trial: Option<Trial>) -> Option<LanesChange> {
        self.known = None;
        let trial = trial?;
        let detail = "there was too little to do to tell whether it is better".to_owned();
        Some(self.go(trial.before.lanes, LanesReason::Unused, detail))
    }

    /// Whether what was tried is kept.
    fn judge(&mut self, trial: &Trial, window: &Window) -> Option<LanesChange> {
        let (before, now) = (self.done(&trial.before), self.done(window));
        let ratio = f64::from(self.lanes) / f64::from(trial.before.lanes);
        let change = if before > 0.0 { now / before } else { 1.0 };
        let way = if ratio > 1.0 { Way::Up } else { Way::Down };
        let mended = trial.reason == LanesReason::Conflicts
            && conflicts(window) <= conflicts(&trial.before) * 0.7;
        // Above 1 more lanes have to bring something; below it fewer may cost something.
        if change >= 1.0 + WORTH * (ratio - 1.0) {
            self.known = Some((window.clone(), 1));
            self.patience = 1;
            self.rest = 0;
            self.failed = Some(way.back());
            return None;
        }
        if mended {
            self.known = Some((window.clone(), 1));
            self.fresh = false;
            self.failed = None;
            self.tire();
            return None;
        }
        if trial.reason == LanesReason::Conflicts {
            self.deaf = DEAF;
        }
        self.fresh = false;
        self.failed = Some(way);
        self.tire();
        let (from, to) = (self.lanes, trial.before.lanes);
        let percent = (change * 100.0).round();
        let (reason, detail) = match way {
            Way::Up => (
                LanesReason::NoGain,
                format!("{from} lanes did {percent} % of the work of {to}"),
            ),
            Way::Down => (
                LanesReason::LessDone,
                format!("{from} lanes did only {percent} % of the work of {to}"),
            ),
        };
        let change = self.go(to, reason, detail);
        self.known = Some((trial.before.clone(), 1));
        Some(change)
    }

    /// Another window of the number that it rests at. One that did much more or less is of another target than was known.
    fn remember(&mut self, window: &Window) {
        let now = self.done(window);
        match self.known.take() {
            Some((mut known, windows)) if (now / self.done(&known) - 1.0).abs() <= SHIFT => {
                if windows >= MEMORY {
                    self.known = Some((window.clone(), 1));
                } else {
                    known.join(window);
                    self.known = Some((known, windows + 1));
                }
                self.rest = self.rest.saturating_sub(1);
            }
            Some(_) => {
                self.known = Some((window.clone(), 1));
                self.rest = 0;
                self.patience = 1;
                self.failed = None;
            }
            None => {
                self.known = Some((window.clone(), 1));
                self.rest = self.rest.saturating_sub(1);
            }
        }
    }

    /// What is tried next, if it is time.
    fn try_next(&mut self, window: &Window) -> Option<LanesChange> {
        let failing = self.deaf == 0
            && window.conflicts >= CONFLICTS_MIN
            && conflicts(window) >= CONFLICTS
            && self.lanes > 1;
        if failing {
            let to = (self.lanes * 3 / 4).min(self.lanes - 1).max(1);
            let (some, all) = (window.conflicts, window.attempts);
            let detail =
                format!("{some} of {all} attempts failed because others were in their way");
            return Some(self.tried(window.clone(), to, LanesReason::Conflicts, detail));
        }
        if self.rest > 0 {
            return None;
        }
        let (known, _) = self.known.clone()?;
        let (reason, detail) = self.hint(&known);
        let held_up = reason != LanesReason::Quiet;
        let way = match self.failed {
            Some(Way::Down) => Way::Up,
            Some(Way::Up) => Way::Down,
            None if held_up => Way::Down,
            None => Way::Up,
        };
        let to = match way {
            Way::Up => self.above(),
            Way::Down => self.below(&known),
        };
        if to == self.lanes {
            // There is nothing further on this side: the other one is next.
            self.failed = Some(way);
            self.tire();
            return None;
        }
        let (reason, detail) = match way {
            Way::Up if held_up => (
                LanesReason::Quiet,
                "fewer lanes did less, so more are tried".to_owned(),
            ),
            Way::Down if !held_up => (
                LanesReason::Spare,
                "more lanes did not do more, so fewer are tried".to_owned(),
            ),
            _ => (reason, detail),
        };
        Some(self.tried(known, to, reason, detail))
    }

    /// Rests before the next try, twice as long as the last time.
    fn tire(&mut self) {
        self.rest = self.patience;
        self.patience = (self.patience * 2).min(REST_MAX);
    }

    /// What a window says is in the way.
    fn hint(&self, window: &Window) -> (LanesReason, String) {
        let locked = share(window.lock_micros, window.busy_micros);
        let slowness = self.slowness(window);
        if locked >= LOCKS {
            let percent = (locked * 100.0).round();
            let detail = format!("steps waited for locks {percent} % of their time");
            (LanesReason::Locks, detail)
        } else if window.queued > 0 {
            let detail = format!("{} steps waited for a connection", window.queued);
            (LanesReason::Pool, detail)
        } else if slowness >= SLOW {
            let detail = format!("steps took {slowness:.1} times as long as at best");
            (LanesReason::Latency, detail)
        } else {
            let detail = "every lane was in use and nothing was in the way".to_owned();
            (LanesReason::Quiet, detail)
        }
    }

    fn above(&self) -> u32 {
        let more = if self.fresh {
            self.lanes / 2
        } else {
            self.lanes / 4
        };
        self.lanes.saturating_add(more.max(1)).min(self.most)
    }

    fn below(&self, known: &Window) -> u32 {
        let gradient = SLOW * 0.75 / self.slowness(known).max(1.0);
        let kept = f64::from(self.lanes) * gradient.clamp(0.5, 0.8);
        // Bounded by the number of lanes, so the cast cannot cut anything off.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it lies between 0 and the lanes"
        )]
        let kept = kept.round() as u32;
        kept.min(self.lanes.saturating_sub(1)).max(1)
    }

    fn tried(
        &mut self,
        before: Window,
        to: u32,
        reason: LanesReason,
        detail: String,
    ) -> LanesChange {
        let change = self.go(to, reason, detail);
        self.trial = Some(Trial { before, reason });
        change
    }

    fn go(&mut self, to: u32, reason: LanesReason, detail: String) -> LanesChange {
        let change = LanesChange {
            from: self.lanes,
            to,
            reason,
            detail,
        };
        self.lanes = to;
        self.known = None;
        change
    }
}

/// The share of attempts that failed because others were in their way.
fn conflicts(window: &Window) -> f64 {
    if window.attempts == 0 {
        0.0
    } else {
        f64::from(window.conflicts) / f64::from(window.attempts)
    }
}

fn share(part: i64, whole: i64) -> f64 {
    if whole > 0 {
        to_f64(part) / to_f64(whole)
    } else {
        0.0
    }
}

/// Microseconds of a window as a number to reckon with.
#[expect(
    clippy::cast_precision_loss,
    reason = "a window's microseconds are far below 2^52"
)]
const fn to_f64(micros: i64) -> f64 {
    micros as f64
}
