//! What the engine needs to run: about fifteen domain verbs, each one transaction, every write fenced.
//!
//! Nothing here decides: states are computed by [`crate::execution`] and [`crate::process`] and handed over as changes with
//! the state they expect. A change whose execution has moved on (other token, other run, no longer running) is refused with
//! [`Verdict::Lost`] and touches nothing; the rest of its group is not affected.

mod group;
mod import;
mod neighbours;
mod signal;

pub use group::*;
pub use import::*;
pub use neighbours::*;
pub use signal::*;

use super::{Pending, StepError, TableRows};
use crate::account::TimeAccount;
use crate::baseline::Baseline;
use crate::breaker::{BreakerRow, BreakerWish};
use crate::definition::{Definition, Overlap, Version};
use crate::id::{ExecutionId, NodeId, ProcessId, RequestId, Run, StepId, Token};
use crate::state::{ExecutionState, ProcessState, StepState};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most executions written in one transaction of a launch.
pub const LAUNCH_CHUNK_MAX: usize = 5_000;

/// Why the store could not do what it was asked. Nothing of the request was done, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// This node is no longer the one that may write.
    #[error("this node lost its lease on the store")]
    LostLease,
    /// What was expected is not what is there: a repeated key, a state that has moved on.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else is writing, or nobody could be reached: nothing was done, and trying again soon is right.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// It cannot be read or written now: disk full, read-only, gone. Whether the request was done is unknown.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Another program has brought it to a version that this one does not write: nothing was done, and this program is to end.
    #[error(
        "another program has brought the store to version {found}, and this one writes version {known}; go on with a carril of that version"
    )]
    Version {
        /// The version that it has.
        found: i64,
        /// The version that this program writes.
        known: i64,
    },
    /// Its contents break a rule of its own; nothing should be written any more.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
}

/// Who enters the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Host name.
    pub host: String,
    /// Operating system process id.
    pub pid: u32,
    /// The command, as people would recognise it.
    pub command: String,
    /// Lanes that it runs at once over all processes, where that is limited. For people who wait for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<u32>,
}

/// What a node found when it entered.
#[derive(Debug, Clone, PartialEq)]
pub struct Entered {
    /// This node.
    pub node: NodeId,
    /// Launches that never finished and were removed.
    pub launches_removed: u64,
    /// Executions that a former node left running; they are pending again, charged to `recovering` since it was last seen.
    pub reclaimed: u64,
    /// Every process that is not settled.
    pub unsettled: Vec<ProcessRow>,
    /// Executions whose rollback had begun.
    pub rolling_back: Vec<Owned>,
}

/// A launch: the process, before its executions.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// The pipeline's name.
    pub pipeline: String,
    /// Its version; the definition has been given by [`Store::define`].
    pub version: Version,
    /// Every parameter's value.
    pub params: Map<String, Value>,
    /// Who launched it.
    pub launched_by: String,
    /// With a key, a second launch of the same key returns the first's process.
    pub idempotency_key: Option<String>,
    /// What to do while a process of the same pipeline and parameters is unsettled.
    pub overlap: Overlap,
    /// Lanes at once; where their number is found out, that which it begins with.
    pub lanes: u32,
    /// The number of lanes that it never goes above, where that is found out; see [`crate::lanes`].
    pub lanes_auto: Option<u32>,
    /// Where processes compete, the higher goes first; as [`crate::definition::Lanes::priority`].
    pub priority: i8,
    /// Where each target is, by name, as a URL without secrets: a later retry or rollback acts on the same ones.
    pub targets: BTreeMap<String, String>,
    /// The folder that its commands run in, absolute; kept so that they run there whoever goes on with the process. `None`
    /// leaves it to the engine.
    pub folder: Option<String>,
    /// Hash of pipeline name and parameters: what "the same" means for `overlap`.
    pub overlap_hash: i64,
    /// Every id given out for this launch is greater: no execution of another store, long deleted, is taken for one of ours
    /// by what it left on a target. 0 when the targets hold nothing.
    pub ids_above: i64,
    /// The process's own execution, if the pipeline has per-process stages: the segment of its first one.
    pub process_segment: Option<u32>,
    /// The segment of the entities' first stage.
    pub entity_segment: Option<u32>,
    /// How many segments there are.
    pub segments: u32,
    /// When.
    pub at: Timestamp,
}

/// One execution to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewExecution {
    /// The entity's key.
    pub entity_key: String,
    /// Its attributes.
    pub attributes: Map<String, Value>,
    /// Hash of pipeline and lane key: executions with the same one never overlap.
    pub lane_hash: i64,
}

/// How a launch began.
#[derive(Debug, Clone, PartialEq)]
pub enum Launched {
    /// A new process; claimed already are the executions that were asked for, if it was opened at once.
    New {
        /// The process.
        process: ProcessId,
        /// Its first claims.
        claimed: Vec<Claimed>,
    },
    /// The idempotency key was seen before: this process answers for it.
    Repeated(ProcessId),
    /// `overlap = "skip"`: this one is unfinished.
    Skipped(ProcessId),
    /// Another engine is writing a launch of the same pipeline, this process; nothing was done. It is this one's turn when that
    /// is whole, or when its engine has died.
    Behind(ProcessId),
}

/// Which executions to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Of which process.
    pub process: ProcessId,
    /// At most how many, in order of id.
    pub max: u32,
}

/// An execution that this node now owns, with all that is known of its run.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Which, with its new token.
    pub owned: Owned,
    /// The segment it is in.
    pub segment: u32,
    /// The entity's key; `None` for the process's own execution.
    pub entity_key: Option<String>,
    /// The entity's attributes.
    pub attributes: Map<String, Value>,
    /// Its account, already charged up to this claim and switched to `running`.
    pub account: TimeAccount,
    /// Whether this is the first claim of this run: then no step of it can have been tried.
    pub fresh: bool,
    /// The latest attempt of each step of this run that has one; empty when `fresh` and nothing was carried over.
    pub steps: Vec<StepRow>,
    /// Whether somebody asked for it to be cancelled.
    pub cancelling: bool,
    /// Signals that no step has taken, oldest first.
    pub signals: Vec<Signal>,
}

/// An execution in the hands of one claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owned {
    /// The process.
    pub process: ProcessId,
    /// The execution.
    pub execution: ExecutionId,
    /// The run.
    pub run: Run,
    /// The claim.
    pub token: Token,
    /// Whether it is the process's own execution, which tallies do not count.
    pub per_process: bool,
}

/// One attempt of a step, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// The step.
    pub step: StepId,
    /// The try, from 1.
    pub attempt: u32,
    /// How many attempts up to this one failed.
    pub failures: u32,
    /// Where it is.
    pub state: StepState,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When the next attempt is due, for a failed one that is to be tried again; when the wait of one that waits is over.
    pub retry_at: Option<Timestamp>,
    /// Whether it succeeded by its fallback.
    pub fallback: bool,
    /// Its output.
    pub output: Option<Value>,
    /// Rows it changed.
    pub rows: Vec<TableRows>,
    /// Why it failed.
    pub error: Option<StepError>,
}

/// The numbers of a process; always those of its executions (P3). The process's own execution is not in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All.
    pub total: u64,
    /// Settled as succeeded.
    pub succeeded: u64,
    /// Settled as failed.
    pub failed: u64,
    /// Settled as skipped.
    pub skipped: u64,
    /// Settled as cancelled.
    pub cancelled: u64,
    /// Rolled back.
    pub rolled_back: u64,
}

impl Tally {
    /// Those whose run is over.
    #[must_use]
    pub const fn settled(&self) -> u64 {
        self.succeeded + self.failed + self.skipped + self.cancelled + self.rolled_back
    }
}

/// A process as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessRow {
    /// The process.
    pub id: ProcessId,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its version.
    pub version: Version,
    /// The parameters.
    pub params: Map<String, Value>,
    /// Where it is.
    pub state: ProcessState,
    /// Why, for people, when something other than its lanes decided it.
    pub reason: Option<String>,
    /// What it will be when its running lanes have stopped, once it is being cancelled.
    pub cancelling: Option<ProcessState>,
    /// Whether executions of it were run again after it had settled: `abort_when` is about what was launched, not about that.
    pub reopened: bool,
    /// The segment it is in.
    pub segment: u32,
    /// Executions that have not done that segment, the process's own included.
    pub open: u64,
    /// Those of them that are parked in the middle of it, for a time, a signal, a person.
    pub waiting: u64,
    /// Lanes at once.
    pub lanes: u32,
    /// Where processes compete, the higher goes first.
    pub priority: i8,
    /// The process that must settle first (`overlap = "queue"`).
    pub after: Option<ProcessId>,
    /// The process's own execution, if it has one.
    pub own: Option<ExecutionId>,
    /// The state of the process's own execution, if it has one.
    pub own_state: Option<ExecutionState>,
    /// The segment that it has yet to do, or has settled in.
    pub own_segment: Option<u32>,
    /// The numbers.
    pub tally: Tally,
    /// Where each target is, as in [`Launch::targets`].
    pub targets: BTreeMap<String, String>,
    /// Where its commands run, as in [`Launch::folder`].
    pub folder: Option<String>,
    /// Who launched it.
    pub launched_by: String,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// When it settled.
    pub ended_at: Option<Timestamp>,
}

/// Which executions of a process somebody means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Every execution of the process, its own included.
    Process(ProcessId),
    /// Those that failed or were cancelled, its own included.
    Unsuccessful(ProcessId),
    /// These.
    Executions(Vec<ExecutionId>),
}

/// An execution that a selection means, its state, and the segment it is in.
pub type Selected = (Owned, ExecutionState, u32);

/// What cancelling left: executions that still run, and the processes that it moved.
pub type Stopped = (Vec<Owned>, Vec<ProcessRow>);

/// How an execution is to be run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// Which.
    pub execution: ExecutionId,
    /// The run that it must be in, settled.
    pub expected: Run,
    /// The segment it goes on in.
    pub segment: u32,
    /// Steps whose outcome is taken over from the run before.
    pub carried: Vec<StepId>,
}

/// What one call of [`Store::forget`] forgot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Executions, the process's own included.
    pub executions: u64,
    /// Whether the process is gone, and nothing of it is left.
    pub whole: bool,
}

/// A wish that another program wrote into the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "wish")]
pub enum Wish {
    /// Run a pipeline.
    Launch {
        /// It, as written.
        definition: Box<Definition>,
        /// Parameters.
        params: Map<String, Value>,
        /// Who.
        launched_by: String,
        /// Lanes, if not the pipeline's.
        lanes: Option<u32>,
        /// Priority, if not the pipeline's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        priority: Option<i8>,
        /// Only these entities, if any are named.
        only: Vec<String>,
        /// Not these.
        except: Vec<String>,
        /// As [`Launch::idempotency_key`].
        idempotency_key: Option<String>,
        /// Where each target of the pipeline is, by name; never a secret.
        targets: BTreeMap<String, String>,
        /// As [`Launch::folder`].
        folder: Option<String>,
        /// Whether it is launched although too much of its version has failed.
        #[serde(default)]
        despite_failures: bool,
    },
    /// Stop.
    Cancel {
        /// What.
        selection: Selection,
        /// Who and why.
        reason: String,
    },
    /// Run again.
    Retry {
        /// What.
        selection: Selection,
        /// From this step (`stage/step`) on; else from what failed.
        from: Option<String>,
    },
    /// Undo.
    RollBack {
        /// What.
        selection: Selection,
    },
    /// Begin nothing more of a process.
    Pause {
        /// Which.
        process: ProcessId,
    },
    /// Go on with a paused process.
    Resume {
        /// Which.
        process: ProcessId,
    },
    /// Remove a settled process with everything under it.
    Purge {
        /// Which.
        process: ProcessId,
    },
    /// Hold a breaker in a state, or let it go.
    Breaker {
        /// The resource.
        resource: String,
        /// What of it.
        to: BreakerWish,
        /// Why, for people.
        reason: Option<String>,
    },
    /// Send a signal.
    Signal {
        /// To whom; executions that have settled meanwhile are passed over where a process is meant.
        selection: Selection,
        /// Its name.
        name: String,
        /// What it says.
        data: Value,
        /// Who sends it.
        sent_by: String,
        /// As [`NewSignal::idempotency_key`].
        idempotency_key: Option<String>,
    },
    /// Answer an execution that waits for a person.
    Decide {
        /// Which.
        execution: ExecutionId,
        /// The step that asks (`stage/step`); may be left out where one alone does.
        step: Option<String>,
        /// Whether it may go on.
        approved: bool,
        /// Who says so.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// Compare later runs of a process's pipeline with it.
    SetBaseline {
        /// Which.
        process: ProcessId,
        /// Who wishes it.
        by: String,
    },
    /// Compare a pipeline's runs with nothing.
    ClearBaseline {
        /// Its name.
        pipeline: String,
    },
    /// Remove what is old.
    Prune {
        /// What of it.
        older: Older,
    },
}

/// What is old enough to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Older {
    /// Processes that ended before this are forgotten, with all their history; `None` for none.
    pub history: Option<Timestamp>,
    /// Workspaces of processes that ended before this are removed; `None` for none.
    pub workspaces: Option<Timestamp>,
}

/// A wish with its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// What is wished.
    pub wish: Wish,
}

/// The engine's answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Done, or under way in these processes.
    Accepted {
        /// Whom to follow.
        processes: Vec<ProcessId>,
        /// A sentence for people.
        message: String,
    },
    /// Refused, with code and text.
    Refused {
        /// `CARnnnn`.
        code: String,
        /// A sentence for people.
        message: String,
    },
}

/// The engine's own memory. Nothing in the engine's memory is the truth; this is.
///
/// One engine at a time writes it (SQLite), or many, each in its own lease (PostgreSQL). Methods may be called from many
/// tasks; [`Store::commit`] is called by one.
pub trait Store: super::Rails {
    /// Registers this engine, removes launches that never finished, and makes everything that former nodes left running
    /// pending again (charged to `recovering` from when that node was last seen).
    ///
    /// # Errors
    /// As [`Fault`].
    fn enter<'a>(
        &'a self,
        node: &'a NodeInfo,
        now: Timestamp,
    ) -> Pending<'a, Result<Entered, Fault>>;

    /// Keeps a definition; a second time is no change.
    ///
    /// # Errors
    /// As [`Fault`].
    fn define<'a>(
        &'a self,
        version: &'a Version,
        definition: &'a Definition,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>>;

    /// A definition that was kept.
    ///
    /// # Errors
    /// As [`Fault`]; `Conflict` when the version is unknown.
    fn definition<'a>(&'a self, version: &'a Version) -> Pending<'a, Result<Definition, Fault>>;

    /// The number of lanes that a process never goes above, if it finds out how many it has; `None` for one that has one number for good.
    ///
    /// # Errors
    /// As [`Fault`].
    fn lanes_auto(&self, process: ProcessId) -> Pending<'_, Result<Option<u32>, Fault>>;

    /// Begins a launch with its first chunk of executions. With `open`, that is all of it: the process is visible, running,
    /// and up to `open` executions are claimed, in the same transaction (P1). Otherwise it stays `launching`, and launches of
    /// the same pipeline by other engines are answered with [`Launched::Behind`] until it is whole or removed.
    ///
    /// # Errors
    /// `Conflict` names an entity key that occurs twice; nothing is left.
    fn launch<'a>(
        &'a self,
        launch: &'a Launch,
        first: &'a [NewExecution],
        open: Option<u32>,
    ) -> Pending<'a, Result<Launched, Fault>>;

    /// How a launch would be answered by a process that is there already, if it would: by its idempotency key, or by
    /// `overlap = "skip"`. Nothing is written.
    ///
    /// # Errors
    /// As [`Fault`].
    fn answered<'a>(&'a self, launch: &'a Launch) -> Pending<'a, Result<Option<Launched>, Fault>>;

    /// Adds executions to a launching process, at most [`LAUNCH_CHUNK_MAX`]. With `open`, they are the last (as in [`Store::launch`]).
    ///
    /// # Errors
    /// `Conflict` names an entity key that occurs twice; the launch is removed.
    fn extend<'a>(
        &'a self,
        process: ProcessId,
        more: &'a [NewExecution],
        open: Option<u32>,
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Claimed>, Fault>>;

    /// Removes a launch that is not to be finished.
    ///
    /// # Errors
    /// As [`Fault`].
    fn abandon(&self, process: ProcessId) -> Pending<'_, Result<(), Fault>>;

    /// Commits a group, all of it durable when this returns, except refused records.
    ///
    /// # Errors
    /// As [`Fault`]; after `Busy` nothing was done and the same group may be given again; after `Unavailable` it is unknown
    /// whether it was committed: the engine must enter again, and believe nothing but what it finds then.
    fn commit(&self, group: Arc<Group>) -> Pending<'_, Result<Report, Fault>>;

    /// One process.
    ///
    /// # Errors
    /// As [`Fault`]; `Conflict` when there is none with this id.
    fn process(&self, process: ProcessId) -> Pending<'_, Result<ProcessRow, Fault>>;

    /// The executions that a selection means, with their present run, token and state, at most `max` with an id above `above`.
    ///
    /// # Errors
    /// As [`Fault`].
    fn select<'a>(
        &'a self,
        selection: &'a Selection,
        above: Option<ExecutionId>,
        max: u32,
    ) -> Pending<'a, Result<Vec<Selected>, Fault>>;

    /// Latest attempts of an execution's present run.
    ///
    /// # Errors
    /// As [`Fault`].
    fn steps(&self, execution: ExecutionId) -> Pending<'_, Result<Vec<StepRow>, Fault>>;

    /// Starts the next run of settled executions of one process: pending (or waiting for their segment), carried steps copied,
    /// the process running again from the earliest segment named. All or none. Unsettled processes that had waited for a process
    /// that was settled do not wait for it again.
    ///
    /// # Errors
    /// `Conflict` names an execution that is not settled or not in the expected run.
    fn rerun<'a>(
        &'a self,
        process: ProcessId,
        reruns: &'a [Rerun],
        now: Timestamp,
    ) -> Pending<'a, Result<ProcessRow, Fault>>;

    /// Raises the tokens of executions and marks them as rolling back, whatever they are doing (P7): late writers are refused from here on.
    ///
    /// # Errors
    /// As [`Fault`].
    fn begin_rollback<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Owned>, Fault>>;

    /// Marks single executions for cancelling: pending and waiting ones settle now; the running ones are returned, for the engine to stop.
    ///
    /// # Errors
    /// As [`Fault`].
    fn cancel<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        reason: &'a str,
        now: Timestamp,
    ) -> Pending<'a, Result<Stopped, Fault>>;

    /// Sends a signal to each of these executions, in one transaction: it is kept until a step takes it, and an execution that
    /// is parked for its key is woken.
    ///
    /// # Errors
    /// As [`Fault`]; what cannot be delivered is told by [`Delivery`].
    fn signal<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        signal: &'a NewSignal,
    ) -> Pending<'a, Result<Sent, Fault>>;

    /// Processes that ended before a time, and those that a crash left half forgotten, whenever they ended (they are `launching`
    /// and have an end), at most `max` with an id above `above`, in order of id. One that was imported ended when it was imported.
    ///
    /// # Errors
    /// As [`Fault`].
    fn ended(
        &self,
        before: Timestamp,
        above: Option<ProcessId>,
        max: u32,
    ) -> Pending<'_, Result<Vec<ProcessRow>, Fault>>;

    /// Forgets all that is known of a settled process, at most `max` executions at a time: called until it is whole. From the
    /// first call on nobody sees the process any more, its idempotency key is free, and what is left of it goes in the end,
    /// whoever asks.
    ///
    /// # Errors
    /// `Conflict` when there is no such process, or it is not settled, is being rolled back, or another waits for it: nothing
    /// is forgotten.
    fn forget(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Forgotten, Fault>>;

    /// Writes processes that another program ran, settled, with their definition: all of them or none, and counted before the
    /// commit. Those that an earlier import of the same source wrote are left as they are.
    ///
    /// # Errors
    /// `Conflict` names a key or an entity that occurs twice, or a definition that does not have its version; `Corrupt` when
    /// what was written is not what was given. Nothing is left then.
    fn import(&self, import: Arc<NewImport>) -> Pending<'_, Result<ImportDone, Fault>>;

    /// Keeps a baseline, instead of the one that its pipeline had.
    ///
    /// # Errors
    /// As [`Fault`].
    fn keep_baseline<'a>(&'a self, baseline: &'a Baseline) -> Pending<'a, Result<(), Fault>>;

    /// Forgets the baseline of a pipeline; says whether there was one.
    ///
    /// # Errors
    /// As [`Fault`].
    fn clear_baseline<'a>(&'a self, pipeline: &'a str) -> Pending<'a, Result<bool, Fault>>;

    /// Requests that nobody has answered, oldest first, at most 100.
    ///
    /// # Errors
    /// As [`Fault`].
    fn requests(&self) -> Pending<'_, Result<Vec<Request>, Fault>>;

    /// Answers a request.
    ///
    /// # Errors
    /// As [`Fault`].
    fn answer<'a>(
        &'a self,
        request: RequestId,
        answer: &'a Answer,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>>;

    /// Every breaker that was ever kept, in order of resource.
    ///
    /// # Errors
    /// As [`Fault`].
    fn breakers(&self) -> Pending<'_, Result<Vec<BreakerRow>, Fault>>;

    /// Says that this node is alive, so that downtime can be told from work; at most once a second, or with every commit. Answers
    /// with the processes in which it took back what a dead engine ran: something may be claimed there now.
    ///
    /// # Errors
    /// `LostLease` when the store no longer takes it for alive.
    fn beat(&self, now: Timestamp) -> Pending<'_, Result<Vec<ProcessId>, Fault>>;

    /// The engines beside this one; `None`, the default, for a store that has one engine at a time.
    fn neighbours(&self) -> Option<&dyn Neighbours> {
        None
    }

    /// Leaves: everything this node still claims is handed back, and the store is made easy to open for the next.
    ///
    /// # Errors
    /// As [`Fault`].
    fn leave(&self, now: Timestamp) -> Pending<'_, Result<(), Fault>>;
}
