//! A circuit breaker's state machine: when a resource that fails is left alone, and when it is tried again.
//!
//! Pure: it is told what happened and when. One per resource and engine; the engine owns it, keeps its row in the store
//! with the attempts that moved it, and reads it back at start. Uses in flight are not kept: they die with their engine.
//!
//! ```text
//!            failures in a row                  cool-down over: one try at a time
//!   CLOSED ────────────────────► OPEN ─────────────────────────────────────────► HALF_OPEN
//!      ▲                          ▲            a try failed: counters reset          │
//!      │                          └──────────────────────────────────────────────────┤
//!      └─────────────────────────────────────────────────────── enough tries succeeded
//! ```

use crate::contract::{ErrorClass, StepDone, StepError};
use crate::definition::BreakerPolicy;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// By how much the number of a row grows at least when its state changes: more than what is ever counted in one state while engines do
/// not hear of each other.
pub const STATE_CHANGE: u64 = 1 << 20;

/// Where a breaker is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Uses go through.
    #[default]
    Closed,
    /// Nothing goes through.
    Open,
    /// One use at a time goes through, to see.
    HalfOpen,
}

impl BreakerState {
    /// Every state, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The name in views, `--json` and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// What a person wants of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerWish {
    /// Open until told otherwise.
    Open,
    /// Closed until told otherwise.
    Close,
    /// By itself again, closed and with nothing counted.
    Auto,
}

impl BreakerWish {
    /// The word of the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Auto => "auto",
        }
    }
}

/// A breaker as it is kept: all but the uses in flight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRow {
    /// The resource.
    pub resource: String,
    /// Grows with every change of this row, with one of its state by far more than with one of its counters: of two rows the one with
    /// the higher number holds, so what another engine counts meanwhile never takes a change of state back, nor what it decides what a
    /// person said.
    pub change: u64,
    /// Where it is.
    pub state: BreakerState,
    /// Failures in a row, while it is closed.
    pub failures: u32,
    /// Tries in a row that succeeded, while it is half open.
    pub successes: u32,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// When it is tried again, while it is open by itself.
    pub until: Option<Timestamp>,
    /// Whether a person holds it in this state.
    pub forced: bool,
    /// Why it is in this state, for people; `None` only for one that never was in another.
    pub reason: Option<String>,
}

/// What a finished use says about the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// It answered. Also a refusal is an answer: what was asked for was wrong, not the resource.
    Answered,
    /// It failed, in a way that may go away, or was not done in time.
    Failed,
    /// Nothing is known: the use was stopped, or belongs to somebody else now.
    Unknown,
}

impl Response {
    /// What the outcome of an attempt says about the resources that its step uses.
    #[must_use]
    pub fn of(outcome: &Result<StepDone, StepError>) -> Self {
        match outcome.as_ref().map_err(|error| error.class) {
            Ok(_) | Err(ErrorClass::Permanent) => Self::Answered,
            Err(ErrorClass::Transient | ErrorClass::Timeout | ErrorClass::OutcomeUnknown) => {
                Self::Failed
            }
            Err(ErrorClass::Cancelled | ErrorClass::Fenced) => Self::Unknown,
        }
    }
}

/// The leave to use a resource once; goes back to [`Breaker::ended`] or [`Breaker::given_up`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The change with which the state began that gave this leave: results of another state count nothing.
    stretch: u64,
    /// Whether it is the one try of a breaker that is half open.
    probe: bool,
}

/// Why a use must not begin now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// When to ask again; `None` when a change of the breaker must come first.
    pub until: Option<Timestamp>,
}

/// A breaker with its uses in flight.
#[derive(Debug, Clone)]
pub struct Breaker {
    policy: BreakerPolicy,
    row: BreakerRow,
    /// The change with which its state began.
    stretch: u64,
    /// Whether the one try of the half-open state is under way.
    probing: bool,
}

impl Breaker {
    /// A breaker as the store kept it, or a new one.
    #[must_use]
    pub const fn resume(policy: BreakerPolicy, row: BreakerRow) -> Self {
        let stretch = row.change;
        Self {
            policy,
            row,
            stretch,
            probing: false,
        }
    }

    /// A new breaker, closed.
    #[must_use]
    pub fn new(resource: &str, policy: BreakerPolicy, now: Timestamp) -> Self {
        let row = BreakerRow {
            resource: resource.to_owned(),
            since: now,
            ..BreakerRow::default()
        };
        Self::resume(policy, row)
    }

    /// Takes over a row that counts more changes, which another engine kept. In the same state uses in flight go on counting; the
    /// try of a half-open breaker that this engine makes stays under way.
    pub fn take_over(&mut self, row: BreakerRow) {
        if row.change <= self.row.change {
            return;
        }
        if (row.state, row.since) != (self.row.state, self.row.since) {
            self.stretch = row.change;
            self.probing = false;
        }
        self.row = row;
    }

    /// As it is kept.
    #[must_use]
    pub const fn row(&self) -> &BreakerRow {
        &self.row
    }

    /// Goes by other numbers from now on; what is counted stays.
    pub const fn set_policy(&mut self, policy: BreakerPolicy) {
        self.policy = policy;
    }

    /// Whether a use could begin now; nothing is changed by asking.
    ///
    /// # Errors
    /// [`Refused`] when it could not.
    pub fn check(&self, now: Timestamp) -> Result<(), Refused> {
        match self.row.state {
            BreakerState::Closed => Ok(()),
            BreakerState::Open => match self.row.until {
                Some(until) if until <= now => Ok(()),
                until => Err(Refused { until }),
            },
            BreakerState::HalfOpen if self.probing => Err(Refused { until: None }),
            BreakerState::HalfOpen => Ok(()),
        }
    }

    /// Begins a use. An open breaker whose cool-down is over becomes half open with it; that is a change of its row.
    ///
    /// # Errors
    /// [`Refused`] when none may begin now.
    pub fn begin(&mut self, now: Timestamp) -> Result<Pass, Refused> {
        self.check(now)?;
        if self.row.state == BreakerState::Open {
            self.enter(BreakerState::HalfOpen, None, now);
            self.row.reason = Some("its cool-down is over".to_owned());
        }
        let probe = self.row.state == BreakerState::HalfOpen;
        self.probing |= probe;
        Ok(Pass {
            stretch: self.stretch,
            probe,
        })
    }

    /// Whether a leave is still worth something: the state that gave it has not ended.
    #[must_use]
    pub const fn holds(&self, pass: Pass) -> bool {
        pass.stretch == self.stretch
    }

    /// A use that began will not be made.
    pub const fn given_up(&mut self, pass: Pass) {
        if pass.probe && pass.stretch == self.stretch {
            self.probing = false;
        }
    }

    /// A use ended. Tells whether the row changed, which is then to be kept with the attempt.
    ///
    /// A result that comes while it is open, or of a use that began in an earlier state, counts nothing.
    pub fn ended(&mut self, pass: Pass, response: Response, now: Timestamp) -> bool {
        if pass.stretch != self.stretch {
            return false;
        }
        self.given_up(pass);
        if self.row.forced {
            return false;
        }
        match (self.row.state, response) {
            (BreakerState::Closed, Response::Answered) => self.count(0, 0),
            (BreakerState::Closed, Response::Failed) => {
                let failures = self.row.failures + 1;
                if failures < self.policy.failures {
                    return self.count(failures, 0);
                }
                let reason = match failures {
                    1 => "a use failed".to_owned(),
                    _ => format!("{failures} uses in a row failed"),
                };
                self.open(reason, now);
                true
            }
            (BreakerState::HalfOpen, Response::Answered) => {
                let successes = self.row.successes + 1;
                if successes < self.policy.successes {
                    return self.count(0, successes);
                }
                self.enter(BreakerState::Closed, None, now);
                self.row.reason = Some(match successes {
                    1 => "a try succeeded".to_owned(),
                    _ => format!("{successes} tries in a row succeeded"),
                });
                true
            }
            (BreakerState::HalfOpen, Response::Failed) => {
                self.open("a try failed".to_owned(), now);
                true
            }
            (BreakerState::Open, _) | (_, Response::Unknown) => false,
        }
    }

    /// Does what a person wants. Tells whether the row changed.
    pub fn force(&mut self, wish: BreakerWish, reason: Option<&str>, now: Timestamp) -> bool {
        let (state, forced) = match wish {
            BreakerWish::Open => (BreakerState::Open, true),
            BreakerWish::Close => (BreakerState::Closed, true),
            BreakerWish::Auto => (BreakerState::Closed, false),
        };
        if wish == BreakerWish::Auto && !self.row.forced {
            return false;
        }
        if self.row.forced == forced && self.row.state == state && reason.is_none() {
            return false;
        }
        // Before what the breaker may decide by itself in another engine meanwhile.
        self.row.change += STATE_CHANGE;
        self.enter(state, None, now);
        self.row.forced = forced;
        self.row.reason = Some(match (reason, wish) {
            (Some(reason), _) => reason.to_owned(),
            (None, BreakerWish::Open) => "it is held open by hand".to_owned(),
            (None, BreakerWish::Close) => "it is held closed by hand".to_owned(),
            (None, BreakerWish::Auto) => "it was let go".to_owned(),
        });
        true
    }

    fn open(&mut self, reason: String, now: Timestamp) {
        self.enter(
            BreakerState::Open,
            Some(now.after(self.policy.cooldown)),
            now,
        );
        self.row.reason = Some(reason);
    }

    /// Every state begins with nothing counted.
    fn enter(&mut self, state: BreakerState, until: Option<Timestamp>, now: Timestamp) {
        self.row.state = state;
        self.row.failures = 0;
        self.row.successes = 0;
        self.row.since = now;
        self.row.until = until;
        self.row.change = (self.row.change / STATE_CHANGE + 1) * STATE_CHANGE;
        self.stretch = self.row.change;
        self.probing = false;
    }

    fn count(&mut self, failures: u32, successes: u32) -> bool {
        let changed = (self.row.failures, self.row.successes) != (failures, successes);
        if changed {
            self.row.failures = failures;
            self.row.successes = successes;
            self.row.change += 1;
        }
        changed
    }
}

#[cfg(test)]
mod tests;
