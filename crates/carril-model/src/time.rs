//! Points in time as the engine hands them in: microseconds since 1970-01-01T00:00:00Z.
//!
//! Whoever makes them (the engine's clock, which goes by that of a shared store; a simulator) promises that they never go backwards.

use serde::{Deserialize, Serialize};
use std::fmt;
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

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

impl fmt::Display for Timestamp {
    /// `2025-06-30 06:00:05 UTC`, for sentences that are the same wherever they are read.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        let seconds = self.0.rem_euclid(DAY) / SECOND;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(
            out,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"
        )
    }
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the day that
/// only some of them have is their last; 400 of them have 146,097 days.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests;
