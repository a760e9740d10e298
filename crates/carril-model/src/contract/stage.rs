//! Where stages stand, as people see it. A stage has no state of its own in the engine: what is told here follows from its steps.

use crate::id::ExecutionId;

/// How a stage of one execution stands in its present run, by the last attempts of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StageState {
    /// None of its steps was begun, and none is wanted any more.
    Pending,
    /// A step of it runs, waits, or is still to come.
    Running,
    /// Its steps have succeeded, or were skipped.
    Succeeded,
    /// A step of it failed in the end, be it critical or not.
    Failed,
    /// All of its steps were skipped.
    Skipped,
    /// It was stopped in the middle.
    Cancelled,
}

impl StageState {
    /// Every state, in order of their codes.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
    ];

    /// From the number that stores know it by.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code)
            .ok()
            .and_then(|at| Self::ALL.get(at).copied())
    }
}

/// A stage that an execution has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRow {
    /// The execution.
    pub execution: ExecutionId,
    /// The stage.
    pub stage: String,
    /// How it stands.
    pub state: StageState,
}
