//! `[lanes] max = "auto"`: how many lanes a process begins with, and what becomes of that number while it runs.
//!
//! Pure: what a stretch of time saw goes in ([`Window`]), the next number and its reason come out ([`Controller`]). Who measures,
//! and who makes the change, is the engine's; the number itself is kept with the process in the store.

mod controller;

pub use controller::Controller;

use crate::contract::{ErrorClass, StepError};
use crate::definition::{Action, Scope};
use crate::id::{NodeId, StepId};
use crate::plan::Plan;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most lanes that `auto` ever goes up to. A target's own connections bound it further.
pub const AUTO_MAX: u32 = 200;
/// Lanes that `auto` begins with where it adapts.
pub const AUTO_START: u32 = 10;
/// What a window must have seen of attempts before anything is decided, or four for each lane, if that is more: the rate of so many
/// is known to about a seventh.
const ATTEMPTS_MIN: u32 = 50;
/// The shortest window, in microseconds.
const WINDOW_MICROS_MIN: i64 = 1_000_000;

/// The lanes of a process whose pipeline says `max = "auto"`, before anything is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// The number that it begins with.
    pub lanes: u32,
    /// The number that it never goes above.
    pub most: u32,
    /// Whether the number changes with what is seen.
    pub adapts: bool,
}

/// Decides how the lanes of such a process begin. What lanes do on this machine (SQLite, commands) is bounded by its `cores`; what
/// others do for them (a PostgreSQL server, an HTTP service, functions, of which nothing is known) is found out meanwhile.
/// `connections` tells how many a target takes at once, `None` for one that works in this process.
#[must_use]
pub fn beginning(plan: &Plan, connections: impl Fn(&str) -> Option<u32>, cores: u32) -> Beginning {
    let mut most = AUTO_MAX;
    let mut adapts = false;
    for planned in plan.steps() {
        if plan.stage_of(planned.id).per != Scope::Entity {
            continue;
        }
        match &plan.step(planned.id).action {
            Action::Sql { target, .. } => {
                if let Some(connections) = connections(target) {
                    adapts = true;
                    most = most.min(connections);
                }
            }
            Action::Publish { .. } => {
                let workspace = plan.definition().workspace.as_ref();
                let bound = workspace.and_then(|workspace| connections(&workspace.target));
                if let Some(connections) = bound {
                    adapts = true;
                    most = most.min(connections);
                }
            }
            Action::Http(_) | Action::Function { .. } => adapts = true,
            Action::Command { .. } | Action::Noop | Action::Wait(_) => {}
        }
    }
    if !adapts {
        let lanes = cores.clamp(1, AUTO_MAX);
        return Beginning {
            lanes,
            most: lanes,
            adapts,
        };
    }
    let most = most.max(1);
    Beginning {
        lanes: AUTO_START.min(most),
        most,
        adapts,
    }
}

/// Attempts of one step that ended well within a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many.
    pub ended: u32,
    /// How long they ran, together.
    pub micros: i64,
}

/// What was seen of a process while the number of its lanes stayed the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// The lanes that it might have.
    pub lanes: u32,
    /// The fewest that it had, whenever somebody looked.
    pub used: u32,
    /// How long it was, in microseconds.
    pub micros: i64,
    /// Microseconds that lanes were had in it, together.
    pub lane_micros: i64,
    /// What ended well, by step.
    pub steps: BTreeMap<StepId, Seen>,
    /// Attempts that ended, however they did.
    pub attempts: u32,
    /// Those of them that failed because others were in their way; see [`is_conflict`].
    pub conflicts: u32,
    /// Microseconds that all of them ran.
    pub busy_micros: i64,
    /// Those of these in which they waited for locks.
    pub lock_micros: i64,
    /// Steps that waited for a connection, the most whenever somebody looked.
    pub queued: u32,
}

impl Window {
    /// Whether enough was seen to decide by, or enough went wrong not to wait any longer.
    #[must_use]
    pub fn is_ripe(&self) -> bool {
        let enough = ATTEMPTS_MIN.max(self.lanes.saturating_mul(4));
        let alarming = self.attempts >= 10 && self.conflicts.saturating_mul(5) >= self.attempts;
        self.micros >= WINDOW_MICROS_MIN && (self.attempts >= enough || alarming)
    }

    /// Adds what another window of the same lanes saw.
    pub(crate) fn join(&mut self, other: &Self) {
        self.used = self.used.min(other.used);
        self.micros = self.micros.saturating_add(other.micros);
        self.lane_micros = self.lane_micros.saturating_add(other.lane_micros);
        for (step, seen) in &other.steps {
            let own = self.steps.entry(*step).or_default();
            own.ended = own.ended.saturating_add(seen.ended);
            own.micros = own.micros.saturating_add(seen.micros);
        }
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.conflicts = self.conflicts.saturating_add(other.conflicts);
        self.busy_micros = self.busy_micros.saturating_add(other.busy_micros);
        self.lock_micros = self.lock_micros.saturating_add(other.lock_micros);
        self.queued = self.queued.max(other.queued);
    }
}

/// Whether an attempt failed because there was too much going on at once: a deadlock, a serialization failure, a lock that was not had in
/// time, no connection left, an HTTP service that says so (429, 503), or its own time was over.
#[must_use]
pub fn is_conflict(error: &StepError) -> bool {
    const CODES: [&str; 6] = ["40P01", "40001", "55P03", "53300", "429", "503"];
    let native = error.native.as_deref();
    error.class == ErrorClass::Timeout
        || error.class == ErrorClass::Transient && native.is_some_and(|code| CODES.contains(&code))
}

/// Why a number of lanes was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LanesReason {
    /// The launch: the number that it begins with.
    Launched,
    /// Every lane was in use and nothing was in the way, so more are tried.
    Quiet,
    /// Steps waited for locks, so fewer are tried.
    Locks,
    /// Attempts failed because others were in their way.
    Conflicts,
    /// Steps took longer than at best, so fewer are tried.
    Latency,
    /// Steps waited for a connection.
    Pool,
    /// More lanes did not do more, so fewer are tried.
    Spare,
    /// More had been tried, and did not do more.
    NoGain,
    /// Fewer had been tried, and did less.
    LessDone,
    /// Others had been tried while there was too little to do to tell.
    Unused,
}

impl LanesReason {
    /// All, in the order in which they are documented.
    pub const ALL: [Self; 10] = [
        Self::Launched,
        Self::Quiet,
        Self::Locks,
        Self::Conflicts,
        Self::Latency,
        Self::Pool,
        Self::Spare,
        Self::NoGain,
        Self::LessDone,
        Self::Unused,
    ];

    /// The name in the store and in every `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Launched => "launched",
            Self::Quiet => "quiet",
            Self::Locks => "locks",
            Self::Conflicts => "conflicts",
            Self::Latency => "latency",
            Self::Pool => "pool",
            Self::Spare => "spare",
            Self::NoGain => "no_gain",
            Self::LessDone => "less_done",
            Self::Unused => "unused",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Another number of lanes for a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanesChange {
    /// The number that it was.
    pub from: u32,
    /// The number that it is from now on.
    pub to: u32,
    /// Why.
    pub reason: LanesReason,
    /// The same for people, with what was seen: a lowercase fragment.
    pub detail: String,
}

/// One such change as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanesRow {
    /// When.
    pub at: Timestamp,
    /// The engine that decided it.
    pub node: NodeId,
    /// From which number to which, and why.
    pub change: LanesChange,
    /// The number that it never goes above.
    pub most: u32,
}

#[cfg(test)]
mod tests;
