//! What lanes see while their process finds out how many of them it should have.
//!
//! Lanes tell their [`Meter`] of each attempt that ended; the coordinator looks at it, has the model decide, and asks the journal for the change
//! (`coordinator::adapting`). Nothing is decided here, and nothing is kept: after a crash the number in the store is where the next engine begins.

use crate::limits::Slot;
use carril_model::contract::{ErrorClass, StepDone, StepError};
use carril_model::id::StepId;
use carril_model::lanes::{Window, is_conflict};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An attempt that has ended, as its lane saw it.
pub(crate) struct Ended<'a> {
    pub(crate) step: StepId,
    pub(crate) result: &'a Result<StepDone, StepError>,
    /// How long it ran, in microseconds.
    pub(crate) micros: i64,
    /// How much of this it waited for locks, as far as that was seen.
    pub(crate) lock_micros: i64,
}

/// Where the lanes of one process tell what they see.
pub(crate) struct Meter {
    seen: Mutex<Window>,
    /// The connections that steps may wait for.
    pools: Vec<Slot>,
}

impl Meter {
    pub(crate) fn new(pools: Vec<Slot>) -> Self {
        Self {
            seen: Mutex::default(),
            pools,
        }
    }

    /// Takes an attempt that has ended. One that was stopped, or that somebody else's claim refused, says nothing about the target.
    pub(crate) fn ended(&self, ended: &Ended<'_>) {
        let mut seen = self.lock();
        match ended.result {
            Err(error) if matches!(error.class, ErrorClass::Cancelled | ErrorClass::Fenced) => {
                return;
            }
            Err(error) => seen.conflicts += u32::from(is_conflict(error)),
            Ok(_) => {
                let step = seen.steps.entry(ended.step).or_default();
                step.ended += 1;
                step.micros += ended.micros;
            }
        }
        seen.attempts += 1;
        seen.busy_micros += ended.micros;
        seen.lock_micros += ended.lock_micros.clamp(0, ended.micros);
    }

    /// How many steps wait for a connection now.
    pub(crate) fn queued(&self) -> u32 {
        self.pools.iter().map(Slot::waited_for).sum()
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> Window {
        self.lock().clone()
    }

    /// Forgets it.
    pub(crate) fn restart(&self) {
        *self.lock() = Window::default();
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
