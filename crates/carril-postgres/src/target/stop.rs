//! When one piece of work is to end: it was asked to, or its time is over.
//!
//! Dropping a future does not stop what the server does. So whoever waits for a statement asks here, and when the answer is
//! yes has the server cancel it, and goes on waiting for its end.

use carril_model::contract::{Cancellation, Clock};
use carril_model::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Why work stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Somebody asked.
    Cancelled,
    /// Its time was over.
    Deadline,
}

/// The stop switch of one piece of work.
pub(crate) struct Stop<'a> {
    clock: Arc<dyn Clock>,
    deadline: Timestamp,
    cancel: Option<&'a dyn Cancellation>,
}

impl<'a> Stop<'a> {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        deadline: Timestamp,
        cancel: &'a dyn Cancellation,
    ) -> Self {
        Self {
            clock,
            deadline,
            cancel: Some(cancel),
        }
    }

    /// For work that nobody cancels, with so much time.
    pub(crate) fn within(clock: Arc<dyn Clock>, time: Duration) -> Stop<'static> {
        let deadline = clock.now().after(time);
        Stop {
            clock,
            deadline,
            cancel: None,
        }
    }

    /// Why it should stop now, if it should.
    pub(crate) fn why(&self) -> Option<Why> {
        if self.clock.now() >= self.deadline {
            Some(Why::Deadline)
        } else if self.cancel.is_some_and(Cancellation::is_cancelled) {
            Some(Why::Cancelled)
        } else {
            None
        }
    }

    /// # Errors
    /// Why it should stop, if it should.
    pub(crate) fn check(&self) -> Result<(), Why> {
        self.why().map_or(Ok(()), Err)
    }

    /// Resolves once somebody has asked; the engine asks by time-out, cancel and shutdown alike.
    pub(crate) async fn asked(&self) {
        match self.cancel {
            Some(cancel) => cancel.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// How much time is left.
    pub(crate) fn left(&self) -> Duration {
        Duration::from_micros(
            self.deadline
                .micros_since(self.clock.now())
                .max(0)
                .unsigned_abs(),
        )
    }

    /// Now, by the clock of the target.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
