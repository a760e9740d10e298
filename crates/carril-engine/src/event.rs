//! Live events: what happens, for whoever watches. Never the truth (that is the store), never in the way: a watcher that
//! falls behind loses events and is told how many.

use carril_model::contract::Tally;
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::lanes::LanesReason;
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Events kept for a slow watcher before it loses the oldest.
pub(crate) const KEPT: usize = 4_096;

/// A guard rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// Too many lanes of a process failed, and the rest is cancelled.
    AbortWhen,
    /// Too much of a version failed in its first two hours, and it is not launched.
    BadVersion,
    /// A pipeline has become slower than its baseline.
    Baseline,
}

impl Rail {
    /// As `--json` and the log have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AbortWhen => "abort_when",
            Self::BadVersion => "bad_version",
            Self::Baseline => "baseline",
        }
    }
}

/// Something happened, and is durable.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A process moved: a tally, its segment or its state.
    Process {
        /// The process.
        process: ProcessId,
        /// Its state.
        state: ProcessState,
        /// Its numbers.
        tally: Tally,
        /// When.
        at: Timestamp,
    },
    /// An execution got a lane.
    Started {
        /// The process.
        process: ProcessId,
        /// The execution.
        execution: ExecutionId,
        /// The run.
        run: Run,
        /// The entity's key.
        entity: Option<Arc<str>>,
        /// When.
        at: Timestamp,
    },
    /// An attempt of a step ended.
    Step {
        /// The process.
        process: ProcessId,
        /// The execution.
        execution: ExecutionId,
        /// `stage/step`.
        step: String,
        /// The try.
        attempt: u32,
        /// How it ended.
        state: StepState,
        /// Why, if it failed.
        error: Option<String>,
        /// The `CARnnnn` of that.
        code: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A guard rail says something that somebody should look at.
    Alert {
        /// Which.
        rail: Rail,
        /// The process that it is about; `None` for a launch that made none.
        process: Option<ProcessId>,
        /// The pipeline's name.
        pipeline: String,
        /// A sentence for people.
        message: String,
        /// When.
        at: Timestamp,
    },
    /// A process whose pipeline says `max = "auto"` has another number of lanes.
    Lanes {
        /// The process.
        process: ProcessId,
        /// The number that it had.
        from: u32,
        /// The number that it has.
        to: u32,
        /// Why.
        reason: LanesReason,
        /// The same for people, with what was seen.
        detail: String,
        /// When.
        at: Timestamp,
    },
    /// An execution's run is over.
    Settled {
        /// The process.
        process: ProcessId,
        /// The execution.
        execution: ExecutionId,
        /// The entity's key.
        entity: Option<Arc<str>>,
        /// How.
        state: ExecutionState,
        /// When.
        at: Timestamp,
    },
}
