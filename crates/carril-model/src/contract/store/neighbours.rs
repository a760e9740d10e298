//! What an engine hears of others that work on the same store at the same time.
//!
//! Nothing here is needed to be right: every change of the store is checked by the store, whoever asks for it. It is about
//! being soon, and about work that nobody else would do: an engine looks again and again what others left for it to do, and
//! is rung when it should look at once.

use super::Fault;
use crate::breaker::BreakerRow;
use crate::contract::{Owned, Pending};
use crate::id::ProcessId;
use crate::time::Timestamp;
use std::time::Duration;

/// Processes that one look tells of at the most, and executions of each kind; the next look goes on with the others.
pub const NEWS_MAX: usize = 1_000;

/// What others on the same store did, as far as it concerns one engine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    /// Of the processes that the engine named: those whose state, segment or cancelling is not what the last look saw, and those
    /// that are settled or gone.
    pub moved: Vec<ProcessId>,
    /// Unsettled processes in which something may be claimed now, whether or not the engine named them.
    pub ready: Vec<ProcessId>,
    /// Unsettled processes of which nobody is left in their segment: whoever saw that first says what follows. It is nobody who
    /// does when that one has died just then.
    pub undecided: Vec<ProcessId>,
    /// Executions that this engine runs and that are to be cancelled.
    pub cancelling: Vec<Owned>,
    /// Executions whose rollback was begun by an engine that is over: they are this engine's from here on.
    pub rolling_back: Vec<Owned>,
    /// Breakers that count more changes than the last look saw.
    pub breakers: Vec<BreakerRow>,
    /// When the next parked execution is due, whoever parked it: its engine may be gone when the time comes.
    pub next_due: Option<Timestamp>,
    /// Whether a request waits that this engine may serve.
    pub requests: bool,
}

/// Engines beside this one, on a store that several share.
pub trait Neighbours: Send + Sync {
    /// How long the store takes an engine for alive without a sign of life; after that its work is given to others.
    fn lease(&self) -> Duration;

    /// Resolves when another engine, or whoever leaves a wish, says that it has changed something that may concern this one. It
    /// is a hint: it may come for nothing, and it may fail to come. Relied on is looking each second.
    ///
    /// # Cancel safety
    /// Cancel safe: a hint that came is kept for the next call.
    fn stirred(&self) -> Pending<'_, ()>;

    /// What others did since the last look, all from one snapshot. `named` are the processes that this engine runs lanes of; from
    /// here on others know that it can run them.
    ///
    /// # Errors
    /// As [`Fault`]; what was to be told is told by the next look.
    fn look<'a>(&'a self, named: &'a [ProcessId]) -> Pending<'a, Result<News, Fault>>;
}
