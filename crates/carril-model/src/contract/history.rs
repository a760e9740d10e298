//! What people ask afterwards, and meanwhile: read-only, from any program, while an engine runs or none does.
//!
//! Answers come from one snapshot each. Lists are bounded by the `max` they are asked with and go on after a key.

use super::{Answer, Fault, ImportRow, LimitKind, Pending, ProcessRow, StageRow, Wish};
use crate::account::{CauseKind, TimeAccount};
use crate::breaker::BreakerRow;
use crate::definition::{Definition, Resource};
use crate::figures::FailedAttempts;
use crate::id::{ExecutionId, NodeId, ProcessId, RequestId, Run, StepId};
use crate::lanes::LanesRow;
use crate::lock::LockWait;
use crate::plan::Doubt;
use crate::state::{ExecutionState, ProcessState, StepState};
use crate::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Which processes are asked for, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessFilter {
    /// Of this pipeline only.
    pub pipeline: Option<String>,
    /// In one of these states only; empty means all but `launching`.
    pub states: Vec<ProcessState>,
    /// Older than this one (for the next page).
    pub before: Option<ProcessId>,
    /// At most this many.
    pub max: u32,
}

/// Which executions of a process are asked for, in order of id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// In one of these states only; empty means all.
    pub states: Vec<ExecutionState>,
    /// Of this entity only.
    pub entity: Option<String>,
    /// With an id above this one (for the next page).
    pub after: Option<ExecutionId>,
    /// At most this many.
    pub max: u32,
}

/// An execution as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionRow {
    /// The execution.
    pub id: ExecutionId,
    /// Its process.
    pub process: ProcessId,
    /// The entity's key; `None` for the process's own execution.
    pub entity: Option<String>,
    /// The entity's attributes.
    pub attributes: Map<String, Value>,
    /// The present run.
    pub run: Run,
    /// Where it is.
    pub state: ExecutionState,
    /// The segment it is in.
    pub segment: u32,
    /// The earlier execution of the same lane key that it waits for, if one is unfinished.
    pub behind: Option<ExecutionId>,
    /// Whether its effects are being removed.
    pub rolling_back: bool,
    /// Whether it was asked to stop and has not yet.
    pub cancelling: bool,
    /// Its account; up to date within 100 ms for a running one.
    pub account: TimeAccount,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// When this run first got a lane.
    pub started_at: Option<Timestamp>,
    /// When this run settled.
    pub ended_at: Option<Timestamp>,
    /// `stage/step` that decided its failure.
    pub failed_step: Option<String>,
    /// Code and text of that failure.
    pub error: Option<super::StepError>,
    /// Non-critical steps that failed.
    pub warnings: u32,
}

/// One attempt of a step, or a step skipped, as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// The execution.
    pub execution: ExecutionId,
    /// The run.
    pub run: Run,
    /// The stage.
    pub stage: String,
    /// The step.
    pub step: String,
    /// The try, from 1; 0 for a step that was never begun.
    pub attempt: u32,
    /// Where it is.
    pub state: StepState,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When the next attempt is due; when the wait of one that waits is over.
    pub retry_at: Option<Timestamp>,
    /// Whether it succeeded by its fallback.
    pub fallback: bool,
    /// The run whose outcome it takes over, if it was not run again.
    pub carried_from: Option<Run>,
    /// Why it was skipped; or what it asks a person.
    pub reason: Option<String>,
    /// Rows it changed.
    pub rows: Vec<super::TableRows>,
    /// Its output.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<super::StepError>,
    /// Microseconds waited before it began, by cause.
    pub waits: Vec<(crate::account::Cause, i64)>,
    /// The engine that the execution is with now; `None` while it is in no lane.
    pub node: Option<NodeId>,
}

/// A signal that came to an execution.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignalRow {
    /// Its number among those of the execution.
    pub number: u32,
    /// The key that it came for: `signal:NAME` or `approval:STAGE/STEP`.
    pub key: String,
    /// What it says.
    pub data: Value,
    /// Who sent it.
    pub sent_by: String,
    /// When.
    pub sent_at: Timestamp,
    /// The run in which it came.
    pub run: Run,
    /// Who took it and when: run, `stage/step`, time; `None` while nobody has.
    pub taken: Option<(Run, String, Timestamp)>,
}

/// Where a step is in the present run of an execution: the state of its last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepStateRow {
    /// The execution.
    pub execution: ExecutionId,
    /// The step.
    pub step: StepId,
    /// Where it is.
    pub state: StepState,
}

/// One line of a timeline: one entity in one stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineRow {
    /// The execution.
    pub execution: ExecutionId,
    /// The entity's key; `None` for the process's own execution.
    pub entity: Option<String>,
    /// The stage.
    pub stage: String,
    /// First START.
    pub began: Timestamp,
    /// Last END, if it has ended.
    pub ended: Option<Timestamp>,
    /// Microseconds in which at least one step of the stage ran, summed over steps.
    pub busy_micros: i64,
    /// The worst state among its steps.
    pub state: StepState,
}

/// Two executions that used the same resource at the same time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OverlapRow {
    /// The resource.
    pub resource: String,
    /// The one that began first, and its entity.
    pub first: ExecutionId,
    /// Its entity.
    pub first_entity: Option<String>,
    /// The other.
    pub second: ExecutionId,
    /// Its entity.
    pub second_entity: Option<String>,
    /// Start of the overlap.
    pub from: Timestamp,
    /// How long both used it, in microseconds.
    pub micros: i64,
}

/// What one resource cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BottleneckRow {
    /// The resource: named by steps, else the tables they write, else the target.
    pub resource: String,
    /// How many attempts used it.
    pub accesses: u64,
    /// Mean use, in microseconds.
    pub mean_micros: i64,
    /// Longest use, in microseconds.
    pub max_micros: i64,
    /// Waits for it.
    pub waits: u64,
    /// Time waited for it, in microseconds.
    pub waited_micros: i64,
    /// Waits for database locks among them.
    pub locks: u64,
}

/// Time by cause, over a process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitRow {
    /// The cause.
    pub cause: CauseKind,
    /// Executions that spent time on it.
    pub executions: u64,
    /// All of it, in microseconds.
    pub total_micros: i64,
    /// The most that one execution spent, in microseconds.
    pub max_micros: i64,
    /// That execution.
    pub worst: Option<ExecutionId>,
}

/// One wait for a lock of a target's database, over or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockRow {
    /// The execution that waited.
    pub execution: ExecutionId,
    /// Its entity.
    pub entity: Option<String>,
    /// The run in which it did.
    pub run: Run,
    /// `stage/step`.
    pub step: String,
    /// When it began.
    pub began: Timestamp,
    /// How long it lasted, in microseconds; for one that goes on, up to when it was last written: at most a second ago.
    pub micros: i64,
    /// Who held it up.
    pub lock: LockWait,
}

/// Waits for locks on one table behind one blocker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockCostRow {
    /// The table, else what was locked.
    pub about: String,
    /// Who held them up, as [`crate::lock::Blocker`] is shown.
    pub blocker: String,
    /// Whether that is nobody that Carril runs.
    pub foreign: bool,
    /// How many.
    pub waits: u64,
    /// All of their time, in microseconds.
    pub total_micros: i64,
    /// The longest, in microseconds.
    pub max_micros: i64,
    /// Whose that was.
    pub worst: ExecutionId,
}

/// A step that did not succeed by itself in some present runs of a process, although their lanes went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtRow {
    /// `stage/step`.
    pub step: String,
    /// How they went on.
    pub doubt: Doubt,
    /// The step that ran instead, where one did, as `stage/step`.
    pub instead: Option<String>,
    /// In how many executions.
    pub executions: u64,
    /// A few of them with their entities, in order of id: at most [`DoubtRow::EXAMPLES`].
    pub examples: Vec<(ExecutionId, Option<String>)>,
}

impl DoubtRow {
    /// Most examples of each.
    pub const EXAMPLES: usize = 3;
}

/// Most kinds of failed attempts that are told of one process. Codes are few, and so are those of databases.
pub const FAILED_ATTEMPTS_MAX: u32 = 1_000;

/// What one attempt printed: run, `stage/step`, attempt, text.
pub type LogRow = (Run, String, u32, String);

/// A resource, as unsettled processes use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceRow {
    /// The resource.
    pub resource: String,
    /// Its limits, as the newest unsettled process defines them; empty for a name that is only a label.
    pub limits: Resource,
    /// Attempts under way that use it.
    pub in_use: u64,
    /// Executions that wait for a slot of it.
    pub waiting_slot: u64,
    /// Executions that wait for its rate.
    pub waiting_rate: u64,
    /// Executions that wait for its breaker.
    pub waiting_breaker: u64,
    /// How engines share it, in order of kind and number; empty where the store has one engine at a time.
    pub shares: Vec<ShareRow>,
}

/// What one engine that is at work has of a limit that all share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShareRow {
    /// Of what: slots, or thousandths of the rate.
    pub kind: LimitKind,
    /// The engine.
    pub node: NodeId,
    /// The engine's host name.
    pub host: String,
    /// The engine's command, as people would recognise it.
    pub command: String,
    /// What it may use at most.
    pub granted: u32,
    /// What it could use, as it said when it last came to that: what is in use and what is waited for.
    pub wants: u32,
}

/// An engine that is at work on a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeRow {
    /// Its number; `None` where the store has one engine at a time.
    pub id: Option<NodeId>,
    /// Host name.
    pub host: String,
    /// Operating system process id.
    pub pid: u32,
    /// The command, as people would recognise it.
    pub command: String,
    /// When it entered; `None` where that is not known.
    pub since: Option<Timestamp>,
    /// Its last sign of life, as the engine told it.
    pub last_seen: Option<Timestamp>,
    /// Lanes that it runs.
    pub lanes_busy: Option<u64>,
    /// Microseconds until its work is given to others, if no sign of life comes.
    pub lease_left: Option<i64>,
}

/// What `carril sql` shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueryAnswer {
    /// Column names.
    pub columns: Vec<String>,
    /// Values, row by row.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than asked for.
    pub cut: bool,
}

/// Asks the store. Read-only: nothing here changes a row.
pub trait History: super::Rails {
    /// Processes, newest first.
    ///
    /// # Errors
    /// As [`Fault`], here and below.
    fn processes<'a>(
        &'a self,
        filter: &'a ProcessFilter,
    ) -> Pending<'a, Result<Vec<ProcessRow>, Fault>>;

    /// Executions of a process.
    fn executions<'a>(
        &'a self,
        process: ProcessId,
        filter: &'a ExecutionFilter,
    ) -> Pending<'a, Result<Vec<ExecutionRow>, Fault>>;

    /// One execution, or `None`.
    fn execution(&self, id: ExecutionId) -> Pending<'_, Result<Option<ExecutionRow>, Fault>>;

    /// Executions of an entity, newest first, of whatever process.
    fn of_entity<'a>(
        &'a self,
        entity: &'a str,
        max: u32,
    ) -> Pending<'a, Result<Vec<ExecutionRow>, Fault>>;

    /// The definition of a process.
    fn definition_of(&self, process: ProcessId) -> Pending<'_, Result<Definition, Fault>>;

    /// All attempts of an execution, in order of run, step and attempt; `run` narrows them.
    fn attempts(
        &self,
        execution: ExecutionId,
        run: Option<Run>,
    ) -> Pending<'_, Result<Vec<AttemptRow>, Fault>>;

    /// Attempts that are under way in a process, longest first.
    fn under_way(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<AttemptRow>, Fault>>;

    /// Signals that came to an execution, in order, at most `max`.
    fn signals(
        &self,
        execution: ExecutionId,
        max: u32,
    ) -> Pending<'_, Result<Vec<SignalRow>, Fault>>;

    /// When the first parked execution of a process is due, if one is woken by time.
    fn next_due(&self, process: ProcessId) -> Pending<'_, Result<Option<Timestamp>, Fault>>;

    /// What the attempts of an execution printed.
    fn logs(&self, execution: ExecutionId) -> Pending<'_, Result<Vec<LogRow>, Fault>>;

    /// Where the steps are of a process's executions above `above` (all where there is none) and up to `upto`, in their present
    /// runs, in order of execution and step. Steps that were not reached are not among them.
    fn step_states(
        &self,
        process: ProcessId,
        above: Option<ExecutionId>,
        upto: ExecutionId,
    ) -> Pending<'_, Result<Vec<StepStateRow>, Fault>>;

    /// Entity by stage.
    fn timeline(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<TimelineRow>, Fault>>;

    /// The stage that a process is at, which is the earliest with an unfinished lane; `None` once it has ended.
    fn stage_of(&self, process: ProcessId) -> Pending<'_, Result<Option<String>, Fault>>;

    /// Where stages stand that executions of a process have come to, of those between two of them, in order of execution and stage.
    fn stages(
        &self,
        process: ProcessId,
        first: ExecutionId,
        last: ExecutionId,
    ) -> Pending<'_, Result<Vec<StageRow>, Fault>>;

    /// Pairs that used the same resource at the same time, longest first.
    fn overlaps(&self, process: ProcessId, max: u32)
    -> Pending<'_, Result<Vec<OverlapRow>, Fault>>;

    /// Resources by what they cost in waiting, then in use.
    fn bottlenecks(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<BottleneckRow>, Fault>>;

    /// Time by cause over all executions of a process; what is still open counts up to `now`.
    fn waits(&self, process: ProcessId, now: Timestamp)
    -> Pending<'_, Result<Vec<WaitRow>, Fault>>;

    /// Waits for locks in a process, of all runs, longest first.
    fn locks(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Vec<LockRow>, Fault>>;

    /// The latest wait for a lock in the present run of an execution, over or not.
    fn lock_of(&self, execution: ExecutionId) -> Pending<'_, Result<Option<LockRow>, Fault>>;

    /// Waits for locks in a process by table and blocker, those that cost most first.
    fn lock_costs(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<LockCostRow>, Fault>>;

    /// Steps that did not succeed by themselves although their lanes went on: by a fallback, or as they are not critical; of the
    /// present runs, in order of the steps.
    fn doubts(&self, process: ProcessId) -> Pending<'_, Result<Vec<DoubtRow>, Fault>>;

    /// Failed attempts of all runs of a process, those that a fallback stood in for included, by code and the target's own code; the
    /// most frequent first, at most [`FAILED_ATTEMPTS_MAX`] kinds.
    fn failed_attempts(
        &self,
        process: ProcessId,
    ) -> Pending<'_, Result<Vec<FailedAttempts>, Fault>>;

    /// Executions of a process by state and cause: how many are in each. For live views; only unsettled ones.
    fn causes(&self, process: ProcessId) -> Pending<'_, Result<BTreeMap<CauseKind, u64>, Fault>>;

    /// Who uses which resource now, and who waits for it: over all unsettled processes, in order of resource. What a process
    /// defines and nobody uses is in it with zeros.
    fn resources(&self) -> Pending<'_, Result<Vec<ResourceRow>, Fault>>;

    /// Every breaker that was ever kept, in order of resource.
    fn breakers(&self) -> Pending<'_, Result<Vec<BreakerRow>, Fault>>;

    /// The last changes of a breaker's state, newest first.
    fn breaker_changes<'a>(
        &'a self,
        resource: &'a str,
        max: u32,
    ) -> Pending<'a, Result<Vec<BreakerRow>, Fault>>;

    /// How the number of a process's lanes was found out: its newest changes, newest first, and at last how it began. Empty for one that
    /// has one number for good.
    fn lanes(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Vec<LanesRow>, Fault>>;

    /// The engines that are at work, in order of their numbers; those whose lease has run out are not. Empty, the default, for a store
    /// that has one engine at a time: who that is its lock tells.
    fn nodes(&self) -> Pending<'_, Result<Vec<NodeRow>, Fault>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// How many of the engines that are at work can run a process: those that launched it, or took it up. `None`, the default, for a
    /// store that has one engine at a time.
    fn able(&self, _process: ProcessId) -> Pending<'_, Result<Option<u64>, Fault>> {
        Box::pin(std::future::ready(Ok(None)))
    }
    /// Where a process came from; nothing for one that was run here.
    fn import_of(&self, process: ProcessId) -> Pending<'_, Result<Option<ImportRow>, Fault>>;

    /// Processes that were called so where they came from, oldest first; several only of several sources.
    fn imported_as<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Vec<ImportRow>, Fault>>;

    /// What came from a source, in order of process, at most `max` above `above`.
    fn imports<'a>(
        &'a self,
        source: &'a str,
        above: Option<ProcessId>,
        max: u32,
    ) -> Pending<'a, Result<Vec<ImportRow>, Fault>>;

    /// Runs a read-only query over the documented views.
    ///
    /// # Errors
    /// `Conflict` with the database's words when the query is wrong or would write.
    fn query<'a>(&'a self, sql: &'a str, max: u32) -> Pending<'a, Result<QueryAnswer, Fault>>;
}

/// Leaves wishes for the engine, from another program.
pub trait Mailbox: Send + Sync {
    /// Writes a request.
    ///
    /// # Errors
    /// As [`Fault`].
    fn post<'a>(&'a self, wish: &'a Wish, now: Timestamp) -> Pending<'a, Result<RequestId, Fault>>;

    /// The answer, once there is one.
    ///
    /// # Errors
    /// As [`Fault`].
    fn answer_of(&self, request: RequestId) -> Pending<'_, Result<Option<Answer>, Fault>>;

    /// Takes back a request that nobody has answered; says whether it was still there to take.
    ///
    /// # Errors
    /// As [`Fault`].
    fn withdraw(&self, request: RequestId) -> Pending<'_, Result<bool, Fault>>;
}
