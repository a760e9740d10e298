//! A rate: how often uses of a resource may begin.
//!
//! The arithmetic is governor's, on a clock of the rate's own. That clock goes as fast as the engine's where the engine has all of
//! the rate, half as fast where it has half of it, and not at all where it has nothing. So a share that grows or shrinks makes
//! nobody wait anew and lets nobody begin at once: what was waited for counts as far as it went. Whoever finds the rate used up takes its
//! turn: one at a time waits for the rate, the others wait for the turn, in the order of [`super::queue`].

use super::gate::Gate;
use carril_model::allotment::RATE_PARTS;
use carril_model::contract::Clock as EngineClock;
use carril_model::definition::{Rate, RateUnit};
use carril_model::time::Timestamp;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

type Limiter = RateLimiter<NotKeyed, InMemoryState, Hand, NoOpMiddleware<Nanos>>;

/// Where the clock of a rate begins: far enough from zero that a limiter can be made as of an hour before, which is the longest
/// time between two uses.
const BEGINS: u64 = 7_200_000_000_000;
/// Over at least this many microseconds is it counted how much of its rate an engine uses.
const COUNTED_MICROS: i64 = 1_000_000;

/// One rate.
pub(crate) struct Pace {
    /// Held by the one who waits for the rate, until its use begins.
    pub(crate) turn: Arc<Gate>,
    clock: Arc<dyn EngineClock>,
    // Held for moments only; never across an await.
    inside: Mutex<Inside>,
    /// Sent when the share changed, for the one who waits.
    moved: watch::Sender<()>,
    bell: Option<Arc<Notify>>,
}

struct Inside {
    rate: Rate,
    /// How much of the rate is this engine's, in parts of [`RATE_PARTS`].
    share: u32,
    limiter: Limiter,
    hand: Hand,
    /// Up to when the hand has gone, on the engine's clock.
    told: Timestamp,
    /// Uses that have begun since `counted`.
    begun: u32,
    counted: Timestamp,
    /// What it wanted when that was last counted.
    wants: u32,
}

/// What one who waits for a rate waits for: the place that the rate's own clock must have reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due(u64);

impl fmt::Debug for Pace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pace").finish_non_exhaustive()
    }
}

impl Pace {
    /// All of the rate is this engine's.
    pub(crate) fn new(rate: Rate, clock: Arc<dyn EngineClock>) -> Self {
        Self::made(rate, clock, RATE_PARTS, None)
    }

    /// Somebody else says how much of it is; nothing yet. The bell is rung when somebody waits.
    pub(crate) fn shared(rate: Rate, clock: Arc<dyn EngineClock>, bell: Arc<Notify>) -> Self {
        Self::made(rate, clock, 0, Some(bell))
    }

    fn made(
        rate: Rate,
        clock: Arc<dyn EngineClock>,
        share: u32,
        bell: Option<Arc<Notify>>,
    ) -> Self {
        let (hand, now) = (Hand::default(), clock.now());
        let inside = Inside {
            rate,
            share,
            limiter: limiter(rate, burst(rate, share), &hand),
            hand,
            told: now,
            begun: 0,
            counted: now,
            wants: 0,
        };
        Self {
            turn: Gate::new(1),
            clock,
            inside: Mutex::new(inside),
            moved: watch::Sender::new(()),
            bell,
        }
    }

    /// Goes by another rate from now on.
    pub(crate) fn set(&self, rate: Rate) {
        let mut inside = self.inside();
        if inside.rate != rate {
            inside.rate = rate;
            inside.limiter = limiter(rate, burst(rate, inside.share), &inside.hand);
        }
    }

    /// So much of the rate is this engine's from now on, in parts of [`RATE_PARTS`].
    pub(crate) fn set_share(&self, share: u32) {
        let mut inside = self.inside();
        if inside.share == share {
            return;
        }
        inside.reshare(share);
        drop(inside);
        self.moved.send_replace(());
    }

    /// Begins a use, which counts from now on; or says what to wait for.
    pub(crate) fn begin(&self) -> Result<(), Due> {
        let mut inside = self.inside();
        let now = inside.hand.now();
        let checked = match inside.share {
            0 => Err(0),
            _ => inside
                .limiter
                .check()
                .map_err(|not_until| nanos(not_until.wait_time_from(now))),
        };
        match checked {
            Ok(()) => {
                inside.begun = inside.begun.saturating_add(1);
                Ok(())
            }
            Err(wait) => {
                let due = Due(now.as_u64().saturating_add(wait));
                drop(inside);
                self.ring();
                Err(due)
            }
        }
    }

    /// Waits until a use may be tried again, however the share changes meanwhile.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes by waiting.
    pub(crate) async fn until(&self, due: Due) {
        let mut moved = self.moved.subscribe();
        loop {
            let Some(left) = self.left(due) else {
                // Nothing of the rate is this engine's.
                let _ = moved.changed().await;
                continue;
            };
            if left.is_zero() {
                return;
            }
            let _ = tokio::time::timeout(left, moved.changed()).await;
        }
    }

    /// How long that is from now, as the share is; `None` while there is none.
    pub(crate) fn left(&self, due: Due) -> Option<Duration> {
        let inside = self.inside();
        let left = due.0.saturating_sub(inside.hand.now().as_u64());
        match u64::from(inside.share) {
            0 => None,
            share => {
                let parts = u64::from(RATE_PARTS);
                Some(Duration::from_nanos(
                    left.saturating_mul(parts).div_ceil(share),
                ))
            }
        }
    }

    /// How much of the rate this engine could use, in parts: all of it while somebody waits, else a little more than it uses.
    pub(crate) fn wants(&self) -> u32 {
        let (waits, behind) = self.turn.demand();
        if waits + behind > 0 {
            return RATE_PARTS;
        }
        let mut inside = self.inside();
        let micros = inside.told.micros_since(inside.counted);
        if micros >= COUNTED_MICROS {
            let used = u64::from(inside.begun).saturating_mul(interval(inside.rate) / 1_000);
            let parts = used.saturating_mul(u64::from(RATE_PARTS)) / micros.unsigned_abs();
            let more = u32::try_from(parts + parts / 2).unwrap_or(RATE_PARTS);
            inside.wants = more.min(RATE_PARTS);
            (inside.begun, inside.counted) = (0, inside.told);
        }
        inside.wants
    }

    fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.notify_one();
        }
    }

    /// What is inside, with its clock gone up to now.
    fn inside(&self) -> MutexGuard<'_, Inside> {
        let now = self.clock.now();
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.go_on(now);
        inside
    }
}

impl Inside {
    fn go_on(&mut self, now: Timestamp) {
        let micros = now.micros_since(self.told).unsigned_abs();
        if now > self.told {
            self.told = now;
            let nanos =
                micros.saturating_mul(u64::from(self.share)) * 1_000 / u64::from(RATE_PARTS);
            self.hand.advance(nanos);
        }
    }

    /// Goes by another share. Where the burst changes with it, a use that could begin now can, and one that has waited has waited;
    /// what was saved up beyond that is gone, so that no two engines have it.
    fn reshare(&mut self, share: u32) {
        let (before, after) = (burst(self.rate, self.share), burst(self.rate, share));
        self.share = share;
        if before == after || share == 0 {
            return;
        }
        let now = self.hand.now();
        let each = interval(self.rate);
        let left = match self.limiter.check() {
            Ok(()) => 0,
            Err(not_until) => nanos(not_until.wait_time_from(now)).min(each),
        };
        // As if all of the burst had begun when that much of the time between two uses was still to go.
        let begun = Hand::at(now.as_u64() + left - each);
        self.limiter = limiter(self.rate, after, &begun);
        for _ in 0..after {
            let _ = self.limiter.check();
        }
        begun.set(now.as_u64());
        self.hand = begun;
    }
}

/// What of a rate's burst goes with a share: at least one use, as else none could begin.
fn burst(rate: Rate, share: u32) -> u32 {
    let part = u64::from(rate.burst) * u64::from(share) / u64::from(RATE_PARTS);
    u32::try_from(part).unwrap_or(rate.burst).max(1)
}

/// Nanoseconds between two uses.
fn interval(rate: Rate) -> u64 {
    let unit = match rate.per {
        RateUnit::Second => 1_000_000_000,
        RateUnit::Minute => 60_000_000_000,
        RateUnit::Hour => 3_600_000_000_000,
    };
    unit / u64::from(rate.count.max(1))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn limiter(rate: Rate, burst: u32, hand: &Hand) -> Limiter {
    let count = NonZeroU32::new(rate.count).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let quota = match rate.per {
        RateUnit::Second => Quota::per_second(count),
        RateUnit::Minute => Quota::per_minute(count),
        RateUnit::Hour => Quota::per_hour(count),
    };
    RateLimiter::direct_with_clock(quota.allow_burst(burst), hand.clone())
}

/// The clock of one rate, in nanoseconds; whoever holds the rate's lock moves it.
#[derive(Clone)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn at(place: u64) -> Self {
        Self(Arc::new(AtomicU64::new(place)))
    }

    fn set(&self, place: u64) {
        self.0.store(place, Ordering::Relaxed);
    }

    fn advance(&self, nanos: u64) {
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Default for Hand {
    fn default() -> Self {
        Self::at(BEGINS)
    }
}

impl fmt::Debug for Hand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hand")
    }
}

impl Clock for Hand {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
pub(super) mod tests;
