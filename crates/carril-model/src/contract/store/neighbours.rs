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
use serde::Serialize;
use std::sync::Arc;
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
    /// Shared limits of which this engine's allotment is not what it was last told, or of which another engine goes short.
    pub limits: bool,
}

/// What of a resource several engines share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Its slots.
    Slot,
    /// Its rate, in [`RATE_PARTS`](crate::allotment::RATE_PARTS).
    Rate,
}

impl LimitKind {
    /// The name in the store and in every `--json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::Rate => "rate",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Slot, Self::Rate]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A limit that engines share, by what it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitKey {
    /// The resource.
    pub resource: String,
    /// What of it.
    pub kind: LimitKind,
}

/// What one engine needs of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Which.
    pub key: LimitKey,
    /// How much there is, by the pipelines of this engine; over all engines the largest holds.
    pub total: u32,
    /// What it could use now: what is in use, and what is waited for.
    pub wants: u32,
}

/// What one engine may lend of a limit from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allotted {
    /// Of which.
    pub key: LimitKey,
    /// How much there is, by the pipelines of all engines.
    pub total: u32,
    /// What it said that it wants.
    pub wants: u32,
    /// What the store counts as its own.
    pub granted: u32,
    /// What it may have in use at most: less than what is its own while some of that is to go back when its use is over.
    pub lends: u32,
}

/// What an engine lends of limits that several share. Asked while allotments are settled, so it answers at once.
pub trait Lender: Send + Sync {
    /// All that it needs, in whatever order.
    fn needs(&self) -> Vec<Need>;

    /// From here on it lends at most so much; answers with what is in use all the same.
    fn keep(&self, key: &LimitKey, at_most: u32) -> u32;
}

/// Engines beside this one, on a store that several share.
pub trait Neighbours: Send + Sync {
    /// How long the store takes an engine for alive without a sign of life; after that its work is given to others.
    fn lease(&self) -> Duration;

    /// What time it is where all engines look, told between the call and its answer. What lanes wait for is kept on that clock.
    ///
    /// # Errors
    /// As [`Fault`].
    fn time(&self) -> Pending<'_, Result<Timestamp, Fault>>;

    /// Gives up all that was asked for and is not answered yet: it fails, and its connection, on which perhaps nobody will ever answer, is
    /// left. For who has waited for longer than a store takes.
    fn give_up(&self);

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

    /// Settles what this engine may have of limits that several share: it says what it wants, gives back what others should have
    /// (by [`Lender::keep`], before it is written), and what is free is dealt to whoever goes short. What that is,
    /// [`crate::allotment`] decides. What an engine holds is its own until it gives it back, leaves, or is taken for dead.
    ///
    /// # Errors
    /// As [`Fault`]; then the engine goes on with what it last was told, less what it was told to keep.
    fn share(&self, lender: Arc<dyn Lender>) -> Pending<'_, Result<Vec<Allotted>, Fault>>;
}
