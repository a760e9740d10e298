//! Processes that another program ran, as they are written into a store: settled from the start, and never run.

use crate::account::CauseKind;
use crate::definition::{Definition, Version};
use crate::id::{ProcessId, StepId};
use crate::state::{ExecutionState, ProcessState, StepState};
use crate::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// What is to be imported, whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImport {
    /// The name of the source. With a process's key it is written once, however often it is imported.
    pub source: String,
    /// The version of `definition`.
    pub version: Version,
    /// What the processes are shown with.
    pub definition: Definition,
    /// In the order in which they get their ids.
    pub processes: Vec<ImportedProcess>,
    /// When they are imported; as long as own history they are kept from here on.
    pub at: Timestamp,
}

/// One process.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedProcess {
    /// What it was called in its source.
    pub key: String,
    /// Every parameter's value.
    pub params: Map<String, Value>,
    /// A settled state.
    pub state: ProcessState,
    /// Where it came from, and what contradicts itself, for people.
    pub reason: String,
    /// Who ran it.
    pub launched_by: String,
    /// When it began.
    pub launched_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Its executions, each of another entity.
    pub executions: Vec<ImportedExecution>,
}

/// One execution, in its only run.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedExecution {
    /// The entity's key.
    pub entity_key: String,
    /// The entity's attributes.
    pub attributes: Map<String, Value>,
    /// A settled state, not `rolled_back`.
    pub state: ExecutionState,
    /// When it began; not before its process.
    pub started_at: Timestamp,
    /// When it ended; not before it began.
    pub ended_at: Timestamp,
    /// The first step that failed.
    pub failed_step: Option<StepId>,
    /// Its attempts, each of another step.
    pub attempts: Vec<ImportedAttempt>,
}

/// One attempt, or a step that was never begun.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedAttempt {
    /// The step.
    pub step: StepId,
    /// Where it is: settled, or interrupted.
    pub state: StepState,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Why it was skipped or never begun.
    pub reason: Option<String>,
    /// Why it failed.
    pub error: Option<super::StepError>,
}

impl NewImport {
    /// Why it cannot be written, if it cannot: a key or an entity that occurs twice, what is not settled, times out of order.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let mut keys = HashSet::new();
        for process in &self.processes {
            let key = &process.key;
            if !keys.insert(key) {
                return Some(format!(
                    "the key {key:?} occurs twice; every process has its own"
                ));
            }
            if !process.state.is_settled() || process.ended_at < process.launched_at {
                return Some(format!("{key:?} has not ended, or before it began"));
            }
            let mut entities = HashSet::new();
            for execution in &process.executions {
                let entity = &execution.entity_key;
                if !entities.insert(entity) {
                    return Some(format!(
                        "the entity {entity:?} occurs twice; every entity's key must be there once"
                    ));
                }
                if !execution.state.is_settled()
                    || execution.state == ExecutionState::RolledBack
                    || execution.started_at < process.launched_at
                    || execution.ended_at < execution.started_at
                {
                    return Some(format!(
                        "entity {entity:?} of {key:?} has not ended, or before it began"
                    ));
                }
            }
        }
        None
    }
}

impl ImportedExecution {
    /// Its time account: from its process's beginning on it waited for a lane, then it ran, until its end.
    #[must_use]
    pub fn sums(&self, launched_at: Timestamp) -> BTreeMap<CauseKind, i64> {
        let queued = self.started_at.micros_since(launched_at);
        let running = self.ended_at.micros_since(self.started_at);
        [(CauseKind::Queued, queued), (CauseKind::Running, running)]
            .into_iter()
            .filter(|(_, micros)| *micros > 0)
            .collect()
    }
}

impl ImportedAttempt {
    /// How many attempts up to this one failed.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        matches!(self.state, StepState::Failed) as u32
    }

    /// Its number: 1, or 0 for a step that was never begun.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        match self.state {
            StepState::Skipped | StepState::Cancelled | StepState::Pending => 0,
            _ => 1,
        }
    }
}

impl ImportedProcess {
    /// How many executions are in a state.
    #[must_use]
    pub fn count(&self, state: ExecutionState) -> u64 {
        let those = self.executions.iter().filter(|one| one.state == state);
        those.count() as u64
    }
}

/// What was written, as counted in the store before the commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportDone {
    /// New processes, with the keys they had, in order.
    pub added: Vec<(String, ProcessId)>,
    /// Processes that were there from an earlier import, and were left as they are.
    pub known: u64,
    /// Executions written.
    pub executions: u64,
    /// Attempts written.
    pub attempts: u64,
}

/// Where an imported process came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportRow {
    /// The process.
    pub process: ProcessId,
    /// The name of the source.
    pub source: String,
    /// What the process was called there.
    pub key: String,
    /// When it was imported.
    pub at: Timestamp,
}
