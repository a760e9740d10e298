//! What a process would have taken with other numbers: a model that plays what was recorded through other lanes, slots and pools.
//!
//! The work stays as it was measured, attempt by attempt; only what it waits for is played anew: a free lane, a slot, a rate, a
//! connection. So with the numbers of the recording the model must come near what was measured, and [`Check`] says how near. It is
//! discrete: time goes from event to event, nothing is drawn by lot, and the same recording always gives the same answer.
//!
//! ```text
//! rows ──record──▶ Recording ──machine, with Numbers──▶ Prediction
//!                      └──────pairs──▶ stages that trouble each other
//! ```

mod machine;
mod pairs;
mod record;

pub use pairs::{Pair, Use, pairs};
pub use record::{Doubt, NotRecorded, Recorder};

use crate::account::CauseKind;
use crate::definition::Rate;
use machine::Played;
use serde::Serialize;
use std::collections::BTreeMap;

/// Most combinations of numbers that are predicted at once: more are no table that anybody reads.
pub const COMBINATIONS_MAX: usize = 100;

/// A model is taken for near what was measured up to this difference, in thousandths of what was measured.
pub const NEAR_PERMILLE: u64 = 150;

/// What was recorded of a process, as the model plays it. Times are microseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The numbers that it ran with.
    pub numbers: Numbers,
    /// What it took, from launch to end.
    pub measured_micros: i64,
    /// From its launch to the first lane, and from the last work to its end: what no number changes.
    pub around_micros: i64,
    /// Rates of resources, which are kept as they are.
    pub rates: BTreeMap<String, Rate>,
    /// Neighbouring stages that all lanes pass before the next ones begin.
    pub segments: Vec<Segment>,
    /// What the model does not know of, and how much time of its lanes it took.
    pub doubts: Vec<Doubt>,
}

/// The numbers that can be others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbers {
    /// Lanes at once.
    pub lanes: u32,
    /// Slots by resource; what is not named has as many as one likes.
    pub slots: BTreeMap<String, u32>,
    /// Connections by target; what is not named has as many as one likes.
    pub pools: BTreeMap<String, u32>,
}

/// Work that all lanes do before the next segment begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// What passed between the end of the segment before and its beginning, whatever the numbers.
    pub before_micros: i64,
    /// Whether it is the process's own, which needs no lane of the process's number.
    pub per_process: bool,
    /// In the order in which lanes are given.
    pub jobs: Vec<Job>,
}

/// What one execution does in a segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Job {
    /// One phase after the other; in each, tracks run beside each other.
    pub phases: Vec<Vec<Vec<Act>>>,
    /// What passes after the last, until the lane is free.
    pub after_micros: i64,
}

/// One attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Act {
    /// What passes before it asks for its resources: acknowledgements, pauses between attempts.
    pub before_micros: i64,
    /// Resources whose slots and rates it needs, in order of their names.
    pub resources: Vec<String>,
    /// The target whose connection it needs.
    pub target: Option<String>,
    /// How long it ran.
    pub busy_micros: i64,
    /// Whether it holds no lane meanwhile, because it only waits.
    pub parks: bool,
}

/// What the model says for some numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The numbers.
    pub numbers: Numbers,
    /// From launch to end.
    pub micros: i64,
    /// Time of all executions by cause: `running` (with what passes between attempts), `queued`, `slot`, `rate`, `pool`, `timer`.
    pub causes: BTreeMap<CauseKind, i64>,
    /// What holds it up most.
    pub bottleneck: Bottleneck,
    /// How busy each limit was, in thousandths of what it could be; the busiest first.
    pub busy: Vec<Busy>,
}

/// How busy one limit was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Busy {
    /// Which.
    pub limit: Limit,
    /// In thousandths of its slots times the time.
    pub permille: u64,
    /// What was waited for it, over all executions.
    pub waited_micros: i64,
    /// However many lanes there are, it is not over sooner than this: what it is used, by its slots.
    pub at_least_micros: i64,
}

/// Something that is limited.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum Limit {
    /// The lanes of the process.
    Lanes,
    /// The slots of a resource.
    Slots(String),
    /// The rate of a resource.
    Rate(String),
    /// The connections of a target.
    Pool(String),
}

/// What holds a process up most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum Bottleneck {
    /// A limit: with more of it, it would be over sooner.
    Limit(Limit),
    /// The work itself: no number makes the longest lane shorter.
    LongestLane,
}

/// How near the model comes with the numbers that were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was measured.
    pub measured_micros: i64,
    /// What the model says.
    pub model_micros: i64,
    /// The difference, in thousandths of what was measured.
    pub off_permille: u64,
}

impl Check {
    /// Whether the model may be trusted.
    #[must_use]
    pub const fn is_near(&self) -> bool {
        self.off_permille <= NEAR_PERMILLE
    }
}

/// A limit is the bottleneck when it would be over so much sooner without it, in thousandths.
const GAIN_PERMILLE: i64 = 10;

/// The longest execution is the bottleneck when it makes so much of the time, in thousandths.
const LONGEST_PERMILLE: i64 = 850;

/// Plays a recording with other numbers.
#[must_use]
pub fn predict(recording: &Recording, numbers: &Numbers) -> Prediction {
    let played = machine::play(recording, numbers, None);
    let bottleneck = bottleneck(recording, numbers, &played);
    Prediction {
        numbers: numbers.clone(),
        micros: played.micros,
        causes: played.causes,
        bottleneck,
        busy: played.busy,
    }
}

/// The limit without which it would be over soonest, tried one after the other. Where two hold it up equally, neither alone helps: then it
/// is what was waited for longest, unless the longest execution makes most of the time.
fn bottleneck(recording: &Recording, numbers: &Numbers, played: &Played) -> Bottleneck {
    let waited = || played.busy.iter().filter(|one| one.waited_micros > 0);
    let soonest = waited()
        .map(|one| {
            (
                machine::play(recording, numbers, Some(&one.limit)).micros,
                one,
            )
        })
        .min_by_key(|(micros, one)| (*micros, std::cmp::Reverse(one.waited_micros)));
    let part = |micros: i64, permille: i64| i128::from(micros) * i128::from(permille) / 1_000;
    if let Some((micros, one)) = soonest
        && i128::from(played.micros - micros) >= part(played.micros, GAIN_PERMILLE).max(1)
    {
        return Bottleneck::Limit(one.limit.clone());
    }
    let is_longest = i128::from(played.longest_micros) >= part(played.micros, LONGEST_PERMILLE);
    match waited().max_by_key(|one| one.waited_micros) {
        Some(one) if !is_longest => Bottleneck::Limit(one.limit.clone()),
        _ => Bottleneck::LongestLane,
    }
}

/// Plays a recording with its own numbers.
#[must_use]
pub fn check(recording: &Recording) -> Check {
    let model_micros = machine::play(recording, &recording.numbers, None).micros;
    let measured_micros = recording.measured_micros;
    let off = measured_micros.abs_diff(model_micros).saturating_mul(1_000);
    Check {
        measured_micros,
        model_micros,
        off_permille: off / measured_micros.unsigned_abs().max(1),
    }
}

#[cfg(test)]
mod tests;
