//! Points in time as the engine hands them in: microseconds since 1970-01-01T00:00:00Z.
//!
//! Whoever makes them (the engine's clock, a simulator) promises that they never go backwards.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Microseconds since the Unix epoch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time from `earlier` to this one, in microseconds; zero when `earlier` is later.
    #[must_use]
    pub fn micros_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).max(0)
    }

    /// This point plus `wait`; waits beyond 290,000 years saturate.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// How long from `now` until this point; zero when it has passed.
    #[must_use]
    pub fn until_from(self, now: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.micros_since(now)).unwrap_or(0))
    }
}
