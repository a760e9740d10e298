//! Where and when the program is killed: at the failpoints, each often enough that all are reached, and at random instants.
//!
//! A kill at a failpoint is done by the program itself (`CARRIL_KILL_AT=NAME:HIT`), which notes the name in a file first; only
//! what stands in that file counts as reached.

use crate::random::Random;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// During which command a failpoint can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A process is launched and run.
    Launch,
    /// A process that was launched before goes on.
    Run,
    /// Executions are rolled back.
    Rollback,
}

/// A failpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Its name in the code.
    pub(crate) name: &'static str,
    /// Hits from which one is chosen.
    hits: u64,
    moments: &'static [Moment],
}

const fn point(name: &'static str, hits: u64, moments: &'static [Moment]) -> Point {
    Point {
        name,
        hits,
        moments,
    }
}

use Moment::{Launch, Rollback, Run};

/// Every failpoint that these scenarios pass. One that is added to what they do is added here, and the run fails until it is
/// reached; those of purges and of tables that executions share are killed at by the tests of the command line.
pub(crate) const POINTS: &[Point] = &[
    point(
        "engine::journal::before_commit",
        60,
        &[Launch, Run, Rollback],
    ),
    point(
        "engine::journal::after_commit",
        60,
        &[Launch, Run, Rollback],
    ),
    point("engine::process::before_settle", 1, &[Launch, Run]),
    point("engine::rollback::removed", 2, &[Rollback]),
    point("store::commit::before", 60, &[Launch, Run, Rollback]),
    point("store::commit::after", 60, &[Launch, Run, Rollback]),
    point("store::launch::before_open", 1, &[Launch]),
    point("store::launch::after", 1, &[Launch]),
    point("target::sql::before_commit", 40, &[Launch, Run]),
    point("target::sql::after_commit", 40, &[Launch, Run]),
    point("target::publish::before_commit", 8, &[Launch, Run]),
    point("target::publish::after_commit", 8, &[Launch, Run]),
    point("target::workspace::made", 12, &[Launch, Run]),
    point("target::rollback::half", 3, &[Rollback]),
];

/// One kill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kill {
    /// None: the command runs to its end.
    Never,
    /// By itself, at the n-th hit of a failpoint.
    At(&'static str, u64),
    /// By the driver, after this time.
    After(Duration),
}

impl fmt::Display for Kill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => out.write_str("never"),
            Self::At(name, hit) => write!(out, "{name}:{hit}"),
            Self::After(time) => write!(out, "after {} us", time.as_micros()),
        }
    }
}

/// Chooses kills and remembers what they reached.
#[derive(Debug)]
pub(crate) struct Chooser {
    random: Random,
    reached: BTreeMap<&'static str, u32>,
    missed: BTreeMap<&'static str, u32>,
    /// How long a command takes that nobody kills: random instants lie within it.
    pub(crate) usual: Duration,
}

impl Chooser {
    /// Chooses by a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            reached: BTreeMap::new(),
            missed: BTreeMap::new(),
            usual: Duration::from_millis(600),
        }
    }

    /// The next kill of a command: two in three at the failpoint that was reached least, one at a random instant.
    pub(crate) fn choose(&mut self, moment: Moment) -> Kill {
        if self.random.chance(1, 3) {
            // Half of them early, where opening, recovering and launching happen.
            let early = self.random.chance(1, 2);
            let micros = u64::try_from(self.usual.as_micros())
                .unwrap_or(u64::MAX)
                .max(1_000);
            let bound = if early { micros.min(60_000) } else { micros };
            return Kill::After(Duration::from_micros(self.random.below(bound)));
        }
        let first = self.random.next();
        let mut candidates: Vec<&Point> = POINTS
            .iter()
            .filter(|point| point.moments.contains(&moment))
            .collect();
        let length = candidates.len();
        candidates.rotate_left(usize::try_from(first % length as u64).unwrap_or(0));
        let tried = |point: &&Point| {
            self.reached_at(point.name) + self.missed.get(point.name).copied().unwrap_or(0)
        };
        let least = candidates.iter().map(tried).min().unwrap_or(0);
        let chosen = candidates
            .iter()
            .find(|point| tried(point) == least)
            .copied()
            .unwrap_or(&POINTS[0]);
        // A hit that was too far away the last time is looked for nearer.
        let missed = self.missed.get(chosen.name).copied().unwrap_or(0);
        let hits = chosen.hits >> missed.min(6);
        Kill::At(chosen.name, 1 + self.random.below(hits.max(1)))
    }

    /// Takes note of what a kill came to.
    pub(crate) fn learn(&mut self, kill: &Kill, killed: bool) {
        if let Kill::At(name, _) = kill {
            let counts = if killed {
                &mut self.reached
            } else {
                &mut self.missed
            };
            *counts.entry(name).or_default() += 1;
        }
    }

    /// How often a failpoint was reached.
    pub(crate) fn reached_at(&self, name: &str) -> u32 {
        self.reached.get(name).copied().unwrap_or(0)
    }

    /// The failpoints that commands of these moments should have reached and did not.
    pub(crate) fn unreached(&self, moments: &[Moment]) -> Vec<&'static str> {
        let wanted = POINTS
            .iter()
            .filter(|point| point.moments.iter().any(|moment| moments.contains(moment)));
        wanted
            .map(|point| point.name)
            .filter(|name| self.reached_at(name) == 0)
            .collect()
    }

    /// Chance for other choices of the same run.
    pub(crate) const fn random(&mut self) -> &mut Random {
        &mut self.random
    }
}
