//! Which processes are being undone at this moment, in whole or in part.
//!
//! While that lasts they neither settle nor go on to their next segment: lanes that a rollback has stopped are no outcome
//! yet, and a per-process stage must not read rows that are about to go. It is no truth and dies with the engine; the next
//! one finishes the rollback first.

use carril_model::id::ProcessId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The processes that are being undone, with how many rollbacks are at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Undoing(Arc<Mutex<BTreeMap<ProcessId, u32>>>);

/// Holds a process where it is until it is dropped. Whoever drops it has the coordinator look at the process again.
#[must_use = "the process goes on when this is dropped"]
#[derive(Debug)]
pub(crate) struct Hold {
    undoing: Undoing,
    process: ProcessId,
}

impl Undoing {
    /// From now on the process stays where it is.
    pub(crate) fn hold(&self, process: ProcessId) -> Hold {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held.entry(process).or_insert(0) += 1;
        Hold {
            undoing: self.clone(),
            process,
        }
    }

    /// Whether somebody holds the process.
    pub(crate) fn holds(&self, process: ProcessId) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&process)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self
            .undoing
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.process) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.process);
            }
        }
    }
}

#[cfg(test)]
mod tests;
