//! Signals: messages to single executions, kept until a step takes them. An approval is one, too.
//!
//! A signal is addressed by its key, which says what waits for it (see [`crate::definition::Wait::key`]); who takes it, and
//! that it is taken once, is decided by the claim that has the execution.

use crate::id::{ExecutionId, ProcessId, Run, StepId};
use crate::state::ExecutionState;
use crate::time::Timestamp;
use serde_json::Value;

/// Most bytes of a signal's data, as JSON: as much as a step's output may have, which it becomes.
pub const SIGNAL_BYTES_MAX: usize = 64 * 1024;

/// Signals that one execution keeps without any step having taken them; more are refused, so that a sender that nobody
/// listens to fills no store.
pub const SIGNALS_UNREAD_MAX: u32 = 100;

/// A signal that no step has taken yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Its number, from 1, among those of its execution.
    pub number: u32,
    /// What waits for it.
    pub key: String,
    /// What it says.
    pub data: Value,
    /// The run in which it came.
    pub run: Run,
    /// Who sent it.
    pub sent_by: String,
    /// When.
    pub sent_at: Timestamp,
}

/// A signal to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSignal {
    /// What waits for it, or will.
    pub key: String,
    /// What it says, at most [`SIGNAL_BYTES_MAX`].
    pub data: Value,
    /// Who sends it.
    pub sent_by: String,
    /// With a key, an execution gets it once, however often it is sent.
    pub idempotency_key: Option<String>,
    /// The step that must wait for it just now, and have no answer yet; `None` lets it come before its step waits.
    pub answers: Option<StepId>,
    /// When.
    pub at: Timestamp,
}

/// What became of a signal, at one execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is kept, and wakes the execution if that waits for it.
    Delivered,
    /// It was delivered before: the idempotency key is known.
    Repeated,
    /// The execution is settled, or being rolled back: nobody would take it.
    Settled(ExecutionState),
    /// [`SIGNALS_UNREAD_MAX`] signals wait there already.
    Full,
    /// The step that it answers does not wait, or has an answer.
    NotAwaited,
    /// There is no such execution.
    Unknown,
}

/// What became of a signal, by execution, and the processes in which it made executions ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// In the order in which the executions were named.
    pub deliveries: Vec<(ExecutionId, Delivery)>,
    /// Processes in which somebody can be claimed who could not be.
    pub woken: Vec<ProcessId>,
}
