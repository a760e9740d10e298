//! How one piece of work on a database thread is asked to stop, and when it no longer can be.
//!
//! A connection's interrupt hits whatever runs on it, and several steps of one execution take turns on one connection. So
//! an interrupt is only given between [`Stop::begin`] and [`Stop::end`] of the very work that is to stop, under one lock.
//! Work that has begun to commit is not stopped any more: its outcome must stay known.
//!
//! ```text
//! Queued ──begin──▶ Running ──commit_begins──▶ Committing ──end──▶ Ended
//!                      │ interrupted by cancel or deadline: the statement fails, the transaction is rolled back
//! ```

use carril_model::contract::Clock;
use carril_model::time::Timestamp;
use rusqlite::InterruptHandle;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why work stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Somebody asked.
    Cancelled,
    /// Its time was over.
    Deadline,
}

/// The stop switch of one piece of work.
pub(crate) struct Stop {
    clock: Arc<dyn Clock>,
    deadline: Timestamp,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    why: Option<Why>,
}

enum Phase {
    Queued,
    Running(InterruptHandle),
    Committing,
    Ended,
}

impl Stop {
    pub(crate) fn new(clock: Arc<dyn Clock>, deadline: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            clock,
            deadline,
            state: Mutex::new(State {
                phase: Phase::Queued,
                why: None,
            }),
        })
    }

    /// Asks the work to stop. Nothing happens if it has begun to commit or has ended.
    pub(crate) fn cancel(&self) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Committing | Phase::Ended) {
            return;
        }
        state.why.get_or_insert(Why::Cancelled);
        if let Phase::Running(interrupt) = &state.phase {
            interrupt.interrupt();
        }
    }

    /// The work begins on its thread; says whether it has been asked to stop before.
    pub(crate) fn begin(&self, interrupt: InterruptHandle) -> Result<(), Why> {
        let mut state = self.lock();
        if let Some(why) = state.why {
            return Err(why);
        }
        state.phase = Phase::Running(interrupt);
        Ok(())
    }

    /// From here on the work ends by itself; says whether it has been asked to stop before.
    pub(crate) fn commit_begins(&self) -> Result<(), Why> {
        self.check()?;
        let mut state = self.lock();
        if let Some(why) = state.why {
            return Err(why);
        }
        state.phase = Phase::Committing;
        Ok(())
    }

    /// The work has left its connection.
    pub(crate) fn end(&self) {
        self.lock().phase = Phase::Ended;
    }

    /// Whether running work should stop now: asked to, or beyond its deadline.
    pub(crate) fn check(&self) -> Result<(), Why> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Committing | Phase::Ended) {
            return Ok(());
        }
        if state.why.is_none() && self.clock.now() >= self.deadline {
            state.why = Some(Why::Deadline);
        }
        state.why.map_or(Ok(()), Err)
    }

    /// When to give up waiting for another program's lock: nine tenths of the time that is left, so that the lock is named
    /// as the reason before the deadline is.
    pub(crate) fn lock_wait_ends(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp(now.0 + self.deadline.micros_since(now) / 10 * 9)
    }

    /// Now, by the clock of the target.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the work to stop when whoever waited for it is dropped.
pub(crate) struct StopOnDrop(pub(crate) Arc<Stop>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
