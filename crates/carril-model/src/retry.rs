//! When a failed attempt is tried again, and after how long.
//!
//! A pure function of the policy, the number of failures and a seed: the same inputs always give the same wait, so a
//! restart does not change what was decided.

use crate::contract::ErrorClass;
use crate::definition::{RetryOn, RetryPolicy};
use std::time::Duration;

/// The longest wait that somebody else can ask for: whoever is called may say when to come back, but not keep a lane for
/// days.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// How long to wait before the next attempt, or `None` when there is none.
///
/// `failures` is how many attempts have failed, this one included (interrupted ones do not count). The wait doubles from
/// `backoff_min` up to `backoff_max`, and `seed` draws it evenly between half of that and all of it ("equal jitter":
/// Brooker, "Exponential Backoff And Jitter", 2015).
/// `at_least` is what the other side asked for, as in `Retry-After`; the wait is not shorter than that, up to
/// [`RETRY_AFTER_MAX`].
#[must_use]
pub fn delay(
    policy: &RetryPolicy,
    class: ErrorClass,
    failures: u32,
    at_least: Option<Duration>,
    seed: u64,
) -> Option<Duration> {
    let wanted = match policy.on {
        RetryOn::Never => false,
        RetryOn::Any => class != ErrorClass::Fenced && class != ErrorClass::Cancelled,
        RetryOn::Transient => matches!(class, ErrorClass::Transient | ErrorClass::Timeout),
    };
    if !wanted || failures >= policy.attempts {
        return None;
    }
    let doublings = failures.saturating_sub(1).min(62);
    let base = policy
        .backoff_min
        .as_micros()
        .saturating_mul(1 << doublings)
        .min(policy.backoff_max.as_micros());
    let base = u64::try_from(base).unwrap_or(u64::MAX);
    let half = base / 2;
    let drawn = half + mix(seed) % (base - half + 1);
    let asked_for = at_least.unwrap_or_default().min(RETRY_AFTER_MAX);
    Some(Duration::from_micros(drawn).max(asked_for))
}

/// Spreads a seed over all 64 bits (the finalizer of SplitMix64, Steele, Lea and Flood, 2014).
#[must_use]
pub const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
