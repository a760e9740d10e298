//! The one place that asks the operating system for the time.

use carril_model::contract::Clock;
use carril_model::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far the wall clock must be ahead before it is caught up with, in microseconds: less is its being set a little, which
/// would only make what is under way look longer than it was.
const AHEAD_MICROS: i64 = 1_000_000;

/// Wall-clock time that never goes backwards: the wall clock is read once, and the monotonic clock counts on from there.
///
/// A machine that sleeps stops that count, and somebody may set the clock. So whoever looks now and then
/// ([`Clock::catch_up`]) lets it go ahead to the wall clock, never back: when the wall clock is set back, time goes on
/// from where it was. Clones are one clock.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
    started_micros: i64,
    /// By how much it has gone ahead since; only grows.
    ahead_micros: Arc<AtomicI64>,
}

impl SystemClock {
    /// Reads the wall clock; a clock before 1970 counts as 1970.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is where the time comes from"
    )]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            started_micros: wall_micros(),
            ahead_micros: Arc::default(),
        }
    }

    /// Goes ahead to this time of the wall clock, if it is far enough ahead; by how much that was.
    fn catch_up_with(&self, wall_micros: i64) -> Duration {
        let known = self.ahead_micros.load(Ordering::Acquire);
        let behind = wall_micros.saturating_sub(self.now().0);
        if behind < AHEAD_MICROS {
            return Duration::ZERO;
        }
        // Of two that look at once only one moves it.
        let moved = self.ahead_micros.compare_exchange(
            known,
            known.saturating_add(behind),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        moved.map_or(Duration::ZERO, |_| {
            Duration::from_micros(behind.unsigned_abs())
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this module is where the time comes from"
)]
fn wall_micros() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(0)
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
        let ahead = self.ahead_micros.load(Ordering::Acquire);
        Timestamp(
            self.started_micros
                .saturating_add(elapsed)
                .saturating_add(ahead),
        )
    }

    fn catch_up(&self) -> Duration {
        self.catch_up_with(wall_micros())
    }
}

#[cfg(test)]
mod tests;
