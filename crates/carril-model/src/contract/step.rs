//! Running one attempt of a step: what the runner is given, and what it answers.

use super::Pending;
use crate::execution::Context;
use crate::id::{ExecutionId, Fence, ProcessId, Run, StepId, Token};
use crate::lock::LockNews;
use crate::plan::Plan;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Most bytes of a step's output, as JSON; more is a permanent failure (`CAR0508`).
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a step's log that are kept: the first half and the last half of this.
pub const LOG_BYTES_MAX: usize = 64 * 1024;

/// One attempt of one step, as its runner sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StepCall {
    /// What is being run.
    pub plan: Arc<Plan>,
    /// Which step of it.
    pub step: StepId,
    /// The try, from 1; interrupted tries count.
    pub attempt: u32,
    /// The claim that this attempt runs under.
    pub token: Token,
    /// Whether nobody can have tried this step in this run before: then its fence row is only written at its end.
    pub first: bool,
    /// Whether a step of this run, or one that it took over, has worked in the workspace: one that is not there then is lost,
    /// and must not be made anew.
    pub has_workspace: bool,
    /// Those of these steps whose fence row is in the workspace, committed together with what they did: a workspace without
    /// one of these rows has lost something, as a power failure may take what was not synced.
    pub worked: Vec<StepId>,
    /// Values for placeholders and expressions, and whose they are.
    pub context: Arc<Context>,
    /// When the engine will ask it to stop.
    pub deadline: Timestamp,
    /// Who hears of locks that it waits for meanwhile; `None` where nobody does.
    pub locks: Option<Arc<dyn LockSink>>,
}

/// Hears, while an attempt runs, what lock in its target's database it waits for, and when it goes on.
pub trait LockSink: fmt::Debug + Send + Sync {
    /// Takes what is new. It returns at once and keeps a bounded number: told faster than it is heard, older news are dropped, and
    /// the last always counts.
    fn tell(&self, news: LockNews);
}

impl StepCall {
    /// What the fence row of this attempt must hold.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence::of(self.token, self.attempt)
    }

    /// The process it belongs to.
    #[must_use]
    pub fn process(&self) -> ProcessId {
        self.context.process
    }

    /// The execution it belongs to.
    #[must_use]
    pub fn execution(&self) -> ExecutionId {
        self.context.execution
    }

    /// The run it belongs to.
    #[must_use]
    pub fn run(&self) -> Run {
        self.context.run
    }

    /// The same for every attempt of this step in this run; offered to whatever cannot be fenced.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        // Names have neither dots nor slashes, so the parts stay apart and the key can be a file's name.
        let stage = &self.plan.stage_of(self.step).name;
        let step = &self.plan.step(self.step).name;
        format!(
            "{}.{}.{stage}.{step}",
            self.context.execution, self.context.run
        )
    }

    /// The W3C `traceparent` of this attempt (version 00, sampled), for whoever is called: the trace is the process, the span
    /// is the attempt. Both are hashes of what they name, so that anybody who knows a process finds its trace.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let pipeline = &self.plan.definition().name;
        let trace = format!("carril trace {pipeline} {}", self.context.process);
        let span = format!("carril span {} {}", self.idempotency_key(), self.attempt);
        let (trace, span) = (
            blake3::hash(trace.as_bytes()),
            blake3::hash(span.as_bytes()),
        );
        format!("00-{}-{}-01", &trace.to_hex()[..32], &span.to_hex()[..16])
    }
}

/// Whether somebody wants an attempt to stop. The engine asks by time-out, cancel and shutdown alike.
pub trait Cancellation: Send + Sync {
    /// Whether it has been asked.
    fn is_cancelled(&self) -> bool;
    /// Resolves once it has been asked.
    fn cancelled(&self) -> Pending<'_, ()>;
    /// The same, for work that outlives this borrow, such as a thread.
    fn shared(&self) -> Arc<dyn Cancellation>;
}

/// What a step achieved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepDone {
    /// Its output, at most [`OUTPUT_BYTES_MAX`] as JSON.
    pub output: Option<Value>,
    /// Rows it changed, per table, by name.
    pub rows: Vec<TableRows>,
    /// What it printed.
    pub log: Option<String>,
}

/// Rows changed in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// The table.
    pub table: String,
    /// Inserted rows.
    pub inserted: u64,
    /// Updated rows.
    pub updated: u64,
    /// Deleted rows.
    pub deleted: u64,
}

/// Why an attempt failed, as far as the next decision depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// May go away by itself: deadlock, serialisation, lock time-out, lost connection, exit code 75, HTTP 503.
    Transient,
    /// Will not: syntax, constraint, permission, a panic, any other exit code.
    Permanent,
    /// It did not end in its time.
    Timeout,
    /// It was asked to stop, by a person or a policy.
    Cancelled,
    /// The target refused it: a newer claim or attempt owns this step.
    Fenced,
    /// A commit was sent and nobody knows what became of it; the next attempt finds out by raising the fence.
    OutcomeUnknown,
}

impl ErrorClass {
    /// The name in the store and in every `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Fenced => "fenced",
            Self::OutcomeUnknown => "outcome_unknown",
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepError {
    /// `CARnnnn`.
    pub code: String,
    /// What the next decision depends on.
    pub class: ErrorClass,
    /// What is wrong, as a lowercase fragment; no secret, at most 4 KiB.
    pub message: String,
    /// The target's own code, where it has one: SQLSTATE, SQLite's extended code, an exit code, an HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// Where in the pipeline's files, as `file:line:column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The least wait before the next attempt, where whoever was called asked for one; see [`crate::retry::delay`].
    #[serde(skip)]
    pub retry_after: Option<Duration>,
    /// What it printed before it failed; kept as the attempt's log, not in the error.
    #[serde(skip)]
    pub log: Option<String>,
}

impl StepError {
    /// An error with its code, class and text.
    #[must_use]
    pub fn new(code: &str, class: ErrorClass, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if message.len() > 4_096 {
            let mut end = 4_096;
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            message.truncate(end);
        }
        Self {
            code: code.to_owned(),
            class,
            message,
            native: None,
            place: None,
            retry_after: None,
            log: None,
        }
    }
}

/// Does the attempts of one kind of step.
pub trait StepRunner: Send + Sync {
    /// Does one attempt and answers with its outcome.
    ///
    /// It must end soon after `cancel` fires (the engine waits five seconds, then drops the future and reports it), and
    /// must bound what it keeps of output and log.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the effect done; a later attempt with the same idempotency key must cope.
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>>;

    /// Why this program, or this machine, cannot do the steps of a plan that are this runner's, if that is certain beforehand. Asked
    /// before a process is taken up that another engine launched: it is left to those that can. By default nothing is in the way.
    fn refuses(&self, _plan: &Plan) -> Option<StepError> {
        None
    }
}
