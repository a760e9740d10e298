//! A rate: how often uses of a resource may begin.
//!
//! The arithmetic is governor's, on the engine's clock. Whoever finds the rate used up takes its turn: one at a time waits for
//! the rate, the others wait for the turn, in the order of [`super::queue`].

use super::gate::Gate;
use carril_model::contract::Clock as EngineClock;
use carril_model::definition::{Rate, RateUnit};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

type Limiter = RateLimiter<NotKeyed, InMemoryState, Seen, NoOpMiddleware<Nanos>>;

/// One rate.
pub(crate) struct Pace {
    /// Held by the one who waits for the rate, until its use begins.
    pub(crate) turn: Arc<Gate>,
    clock: Arc<dyn EngineClock>,
    limiter: Mutex<(Rate, Limiter)>,
}

impl fmt::Debug for Pace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pace").finish_non_exhaustive()
    }
}

impl Pace {
    pub(crate) fn new(rate: Rate, clock: Arc<dyn EngineClock>) -> Self {
        let limiter = limiter(rate, &clock);
        Self {
            turn: Gate::new(1),
            clock,
            limiter: Mutex::new((rate, limiter)),
        }
    }

    /// Goes by another rate from now on.
    pub(crate) fn set(&self, rate: Rate) {
        let mut kept = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != rate {
            *kept = (rate, limiter(rate, &self.clock));
        }
    }

    /// Begins a use, which counts from now on; or says how long to wait.
    pub(crate) fn begin(&self) -> Result<(), Duration> {
        let kept = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = Seen(Arc::clone(&self.clock));
        kept.1
            .check()
            .map_err(|not_until| not_until.wait_time_from(seen.now()))
    }
}

fn limiter(rate: Rate, clock: &Arc<dyn EngineClock>) -> Limiter {
    let count = NonZeroU32::new(rate.count).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
    let quota = match rate.per {
        RateUnit::Second => Quota::per_second(count),
        RateUnit::Minute => Quota::per_minute(count),
        RateUnit::Hour => Quota::per_hour(count),
    };
    RateLimiter::direct_with_clock(quota.allow_burst(burst), Seen(Arc::clone(clock)))
}

/// The engine's clock as governor asks it.
#[derive(Clone)]
struct Seen(Arc<dyn EngineClock>);

impl fmt::Debug for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Seen")
    }
}

impl Clock for Seen {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = u64::try_from(self.0.now().0).unwrap_or(0);
        Nanos::from(micros.saturating_mul(1_000))
    }
}

#[cfg(test)]
pub(super) mod tests;
