//! What is committed together: changes of executions and processes, claims, and what became of them.

use super::{Claim, Claimed, Owned, ProcessRow};
use crate::account::{Cause, TimeAccount};
use crate::breaker::BreakerRow;
use crate::contract::{StepError, TableRows};
use crate::id::{ProcessId, StepId};
use crate::lanes::LanesChange;
use crate::lock::LockWait;
use crate::state::{ExecutionState, ProcessState, StepState};
use crate::time::Timestamp;
use serde_json::Value;

/// One change to one execution, to be committed with its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Whose; refused when the token or run is no longer right.
    pub owned: Owned,
    /// What.
    pub change: Change,
}

/// What changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An attempt began. Rides with the next commit; END in the same group makes one row of both.
    StepBegan {
        /// The step.
        step: StepId,
        /// The try.
        attempt: u32,
        /// When.
        at: Timestamp,
    },
    /// An attempt ended, or a step was skipped.
    StepEnded(Box<StepEnd>),
    /// What it waits for, so that others can read why. Rides with the next commit.
    Cause {
        /// The account with its open cause.
        account: TimeAccount,
    },
    /// A single wait that was long enough for the trace. The same one, told again from the same beginning, replaces what was
    /// kept: so a wait for a lock can be read while it goes on.
    Waited {
        /// The step that waited, if one did.
        step: Option<StepId>,
        /// For what.
        cause: Cause,
        /// From.
        from: Timestamp,
        /// Until; for one that goes on, how far it was seen.
        until: Timestamp,
        /// Who held it up, where it is for a lock.
        lock: Option<Box<LockWait>>,
    },
    /// A step was reached that waits; one that ends at once has no such row.
    StepWaits {
        /// The step.
        step: StepId,
        /// The try, from 1.
        attempt: u32,
        /// When it was reached.
        began: Timestamp,
        /// When its wait is over whatever comes, if ever.
        until: Option<Timestamp>,
        /// What it asks, where it waits for a person.
        question: Option<String>,
    },
    /// A step has taken a signal: no other takes it.
    SignalTaken {
        /// The signal's number.
        signal: u32,
        /// The step.
        step: StepId,
    },
    /// It leaves its lane and waits: no claim, connection or memory is kept for it.
    Parked {
        /// For what it goes on.
        until: Until,
        /// Its account, switched to what it waits for.
        account: TimeAccount,
    },
    /// The run is over.
    Settled {
        /// How.
        state: ExecutionState,
        /// When.
        at: Timestamp,
        /// Its account, closed at `at`.
        account: TimeAccount,
        /// The failure that decided it, as `stage/step` and error.
        error: Option<(StepId, StepError)>,
        /// Non-critical steps that failed.
        warnings: u32,
    },
    /// Handed back unfinished: pending again, no attempt spent.
    Released {
        /// Its account, switched to `queued`.
        account: TimeAccount,
    },
    /// All its effects are gone.
    RolledBack {
        /// When.
        at: Timestamp,
        /// Rows removed per table.
        rows: Vec<TableRows>,
    },
}

/// What a parked execution waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// It is done with its segment, and goes on in this one once that is opened. Another of its lane key may go before it.
    Segment(u32),
    /// It is in the middle of its segment, keeps its lane key, and goes on when the time has come or when one of the keys is
    /// called, whichever is first. A signal that is there unread under one of the keys wakes it at once.
    Woken {
        /// When it is due, if time alone wakes it.
        at: Option<Timestamp>,
        /// What wakes it: see [`crate::definition::Wait::key`].
        keys: Vec<String>,
    },
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct StepEnd {
    /// The step.
    pub step: StepId,
    /// The try, from 1; 0 for a step that was skipped or cancelled before its first.
    pub attempt: u32,
    /// How many attempts up to this one failed.
    pub failures: u32,
    /// The attempt's state; a failed attempt that is tried again has `retry_at`.
    pub state: StepState,
    /// When it began; equals `ended` for a skipped step.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// When the next attempt is due.
    pub retry_at: Option<Timestamp>,
    /// Whether it succeeded by its fallback.
    pub fallback: bool,
    /// Why it was skipped; or what it had asked a person.
    pub reason: Option<String>,
    /// Its output.
    pub output: Option<Value>,
    /// Rows it changed.
    pub rows: Vec<TableRows>,
    /// Why it failed.
    pub error: Option<StepError>,
    /// What it printed, at most [`crate::contract::LOG_BYTES_MAX`].
    pub log: Option<String>,
    /// Microseconds it waited before it began, by cause; empty when it did not.
    pub waits: Vec<(Cause, i64)>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Done,
    /// Refused: the execution belongs to another claim or run now, or is settled.
    Lost,
}

/// A change of a process, decided by [`crate::process`]; done only if the process is still as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum ProcessChange {
    /// Everybody has done segment `from`: those that wait for `to` become pending.
    Advance {
        /// The process.
        process: ProcessId,
        /// The segment it must be in, with nobody left in it.
        from: u32,
        /// The next.
        to: u32,
        /// When.
        at: Timestamp,
    },
    /// Nothing is left to do; or, for a settled process and `rolled_back`, everything it did is undone. A process that is being
    /// cancelled settles as its cancel says or as `rolled_back`, in no other state; one with failed or cancelled executions
    /// never as `succeeded`, one without them not as `completed_with_errors`, and only one whose own stage failed as `failed`.
    Settle {
        /// The process.
        process: ProcessId,
        /// How.
        state: ProcessState,
        /// Why, for people.
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Nothing of it is claimed any more until it is resumed; what is pending waits for that (cause `paused`). Refused unless it
    /// runs and is not being cancelled.
    Pause {
        /// The process.
        process: ProcessId,
        /// When.
        at: Timestamp,
    },
    /// A paused process goes on.
    Resume {
        /// The process.
        process: ProcessId,
        /// When.
        at: Timestamp,
    },
    /// Cancels it: pending and waiting executions settle as cancelled now, running ones are marked and asked to stop.
    Cancel {
        /// The process.
        process: ProcessId,
        /// What the process becomes in the end: cancelled, or failed when `abort_when` did it.
        state: ProcessState,
        /// Why, for people.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Has it run with another number of lanes, and keeps that it does; the report has what it has then. Refused unless the process runs, has the number that
    /// was seen, finds it out, and may have the new one.
    Lanes {
        /// Which.
        process: ProcessId,
        /// From which number to which, and why.
        change: LanesChange,
        /// When.
        at: Timestamp,
    },
}

impl ProcessChange {
    /// The process that it is about.
    #[must_use]
    pub const fn process(&self) -> ProcessId {
        match self {
            Self::Advance { process, .. }
            | Self::Settle { process, .. }
            | Self::Pause { process, .. }
            | Self::Resume { process, .. }
            | Self::Cancel { process, .. }
            | Self::Lanes { process, .. } => *process,
        }
    }
}

/// All that is committed together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Changes to executions, in order.
    pub records: Vec<Record>,
    /// Changes to processes, after the records.
    pub processes: Vec<ProcessChange>,
    /// Breakers as the attempts of this group, or a person, left them. A row replaces what is kept unless that counts as many
    /// changes or more; one that begins another state, or a person's word, is kept in the breaker's history, too.
    pub breakers: Vec<BreakerRow>,
    /// Wakes at most so many parked executions that are due at `at`, longest due first, before the claims.
    pub wakes: u32,
    /// Claims, last: what the changes made free or ready is in them.
    pub claims: Vec<Claim>,
    /// The time, for claims and for the node's own sign of life.
    pub at: Timestamp,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// One verdict per record.
    pub verdicts: Vec<Verdict>,
    /// Every process whose tally, segment or state the group moved, as it is after the commit.
    pub processes: Vec<ProcessRow>,
    /// Processes that a change of this group cancelled or settled: of several engines that ask for it, one is told so. A store that
    /// has one engine at a time need not say it.
    pub decided: Vec<ProcessId>,
    /// What was claimed.
    pub claimed: Vec<Claimed>,
    /// How many were woken, if any were to be.
    pub due: u32,
    /// When the next parked execution is due; told when some were to be woken.
    pub next_due: Option<Timestamp>,
    /// Processes in which this group made executions ready that were not: a lane key became free, a segment opened, their time has come.
    pub woken: Vec<ProcessId>,
}
