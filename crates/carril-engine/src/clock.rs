//! The one place that asks the operating system for the time.

use carril_model::contract::Clock;
use carril_model::time::Timestamp;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Wall-clock time that never goes backwards: the wall clock is read once, and the monotonic clock counts on from there.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
    started_micros: i64,
}

impl SystemClock {
    /// Reads the wall clock; a clock before 1970 counts as 1970.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is where the time comes from"
    )]
    pub fn new() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            started: Instant::now(),
            started_micros: i64::try_from(since_epoch.as_micros()).unwrap_or(0),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is where the time comes from"
    )]
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.started_micros.saturating_add(elapsed))
    }
}
