//! What a pipeline's processes should reach. It is shown beside what they reached; nothing is decided by it.

use serde::{Deserialize, Serialize};

/// `[goal]`: what a process should reach. It is shown beside what was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Longest time at work of one process, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_micros: Option<i64>,
    /// Least entities that go through in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entities_per_hour: Option<u64>,
}

impl Goal {
    /// Whether nothing is wanted.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.duration_micros.is_none() && self.entities_per_hour.is_none()
    }
}
