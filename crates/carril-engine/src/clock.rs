//! The one place that asks the operating system for the time.

use carril_model::contract::{Clock, Fault, Mark, Neighbours};
use carril_model::time::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far the wall clock must be ahead before it is caught up with, in microseconds: less is its being set a little, which
/// would only make what is under way look longer than it was.
const AHEAD_MICROS: i64 = 1_000_000;
/// A clock that is ahead of the one that it goes by gives back one part in so many of the time that passes. Leases are taken for
/// over after two thirds on this clock, so it may be slow by little.
const GIVES_BACK: i64 = 16;
/// How far off the clock must be for that to be told, in microseconds.
const TOLD_MICROS: i64 = 1_000_000;

/// Wall-clock time that never goes backwards: the wall clock is read once, and the monotonic clock counts on from there.
///
/// A machine that sleeps stops that count, and somebody may set the clock. So whoever looks now and then
/// ([`Clock::catch_up`]) lets it go ahead to the wall clock, never back: when the wall clock is set back, time goes on
/// from where it was. Where several engines share a store it goes by the store's clock instead ([`Clock::follow`]), and the
/// machine's own is asked no more. Clones are one clock.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
    /// How far the wall clock of this machine is taken to be ahead of what it says, in microseconds.
    wrong_micros: i64,
    course: Arc<Mutex<Course>>,
}

/// What time a count stands for.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// The count at which it began.
    from: i64,
    /// What time it was then.
    at: i64,
    /// What it is to give back since then, little by little.
    owes: i64,
    /// Whether it goes by another clock.
    follows: bool,
}

impl Course {
    /// The time at this count; at a later one it is never earlier.
    fn time(&self, count: i64) -> i64 {
        let passed = count - self.from;
        let given_back = (passed / GIVES_BACK).clamp(0, self.owes);
        self.at.saturating_add(passed).saturating_sub(given_back)
    }

    /// The course from `answered` on, when between `asked` and that a clock to go by said `told`; and by how much this one was behind.
    fn following(&self, asked: i64, answered: i64, told: i64) -> (Self, i64) {
        let now = self.time(answered);
        // The other is as far ahead as it was when asked at the most, and when it answered at the least.
        let (least, most) = (told - now, told - self.time(asked));
        let (behind, ahead) = if !self.follows {
            ((least + most) / 2, 0)
        } else if least > 0 {
            (least, 0)
        } else if most < 0 {
            (0, -most)
        } else {
            (0, 0)
        };
        let course = Self {
            from: answered,
            at: now + behind,
            owes: ahead,
            follows: true,
        };
        (course, behind - ahead)
    }
}

impl SystemClock {
    /// Reads the wall clock; a clock before 1970 counts as 1970.
    #[must_use]
    pub fn new() -> Self {
        Self::wrong_by(0)
    }

    /// The clock of a machine that takes the time for so many microseconds later than it is (negative: earlier), to see what comes
    /// of that.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is where the time comes from"
    )]
    pub fn wrong_by(micros: i64) -> Self {
        let course = Course {
            from: 0,
            at: wall_micros().saturating_add(micros),
            owes: 0,
            follows: false,
        };
        Self {
            started: Instant::now(),
            wrong_micros: micros,
            course: Arc::new(Mutex::new(course)),
        }
    }

    /// Goes ahead to this time of the wall clock, if it is far enough ahead; by how much that was.
    fn catch_up_with(&self, wall_micros: i64) -> Duration {
        let mut course = self.course();
        let count = self.count();
        let now = course.time(count);
        let behind = wall_micros.saturating_sub(now);
        if course.follows || behind < AHEAD_MICROS {
            return Duration::ZERO;
        }
        (course.from, course.at) = (count, now.saturating_add(behind));
        Duration::from_micros(behind.unsigned_abs())
    }

    /// The course that it is on. Short: nothing is waited for while it is held.
    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this module is where the time comes from"
    )]
    fn count(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
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
    fn now(&self) -> Timestamp {
        let course = self.course();
        Timestamp(course.time(self.count()))
    }

    fn catch_up(&self) -> Duration {
        self.catch_up_with(wall_micros().saturating_add(self.wrong_micros))
    }

    fn mark(&self) -> Option<Mark> {
        Some(Mark(self.count()))
    }

    fn follow(&self, asked: Mark, told: Timestamp) -> i64 {
        let mut course = self.course();
        let (next, behind) = course.following(asked.0, self.count(), told.0);
        *course = next;
        behind
    }
}

/// Goes by the clock of a store that engines share; what is new about that is told.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    /// Whether it was told that this engine's clock is ahead, and gives that back.
    is_ahead: bool,
    /// Whether it has compared before.
    compared: bool,
}

impl Follower {
    /// Compares once.
    pub(crate) async fn compare(
        &mut self,
        clock: &dyn Clock,
        neighbours: &dyn Neighbours,
    ) -> Result<(), Fault> {
        let Some(asked) = clock.mark() else {
            return Ok(());
        };
        let behind = clock.follow(asked, neighbours.time().await?);
        self.tell(behind);
        Ok(())
    }

    fn tell(&mut self, behind: i64) {
        let first = !std::mem::replace(&mut self.compared, true);
        let seconds = behind.unsigned_abs() / 1_000_000;
        if behind.abs() < TOLD_MICROS {
            self.is_ahead &= behind < 0;
        } else if first {
            let clock = if behind < 0 { "ahead of" } else { "behind" };
            tracing::warn!(
                seconds,
                "the clock of this machine is {clock} that of the store's server; the server's is what holds"
            );
        } else if behind > 0 {
            self.is_ahead = false;
            tracing::warn!(
                seconds,
                "this machine slept, or the clock of the store's server was set ahead: going on with the server's time"
            );
        } else if !std::mem::replace(&mut self.is_ahead, true) {
            tracing::warn!(
                seconds,
                "the clock of the store's server was set back, or another server with an earlier one has taken its place: \
                 going slower until both agree; what waits for a time waits that much longer meanwhile"
            );
        }
    }
}

#[cfg(test)]
mod tests;
