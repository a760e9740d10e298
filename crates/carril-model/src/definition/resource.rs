//! What `[resource.NAME]` says: how many at once, how often, and when to leave the resource alone.
//!
//! Only words, already checked. Slots and rates are kept by the engine, and the breaker's state machine is
//! [`crate::breaker`].

use super::micros;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Most uses in a second, minute or hour, and the largest burst, that a rate may name.
pub const RATE_MAX: u32 = 1_000_000;
/// Most failures or successes in a row that a breaker may count.
pub const BREAKER_COUNT_MAX: u32 = 1_000;

/// The limits of one resource; at least one of them is set in a definition that can be run.
///
/// ```
/// use carril_model::definition::{BreakerPolicy, Rate, RateUnit, Resource};
///
/// let geneva = Resource::slots(4)
///     .rate(Rate::new(10, RateUnit::Second))
///     .breaker(BreakerPolicy::default());
/// assert_eq!(geneva.slots, Some(4));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Resource {
    /// Steps that use it at once; `None` for any number.
    pub slots: Option<u32>,
    /// How often a use may begin; `None` for as often as one likes.
    pub rate: Option<Rate>,
    /// When it is left alone; `None` for never.
    pub breaker: Option<BreakerPolicy>,
}

impl Resource {
    /// At most this many steps at once.
    #[must_use]
    pub const fn slots(slots: u32) -> Self {
        Self {
            slots: Some(slots),
            rate: None,
            breaker: None,
        }
    }

    /// Any number of steps at once.
    #[must_use]
    pub const fn unlimited() -> Self {
        Self {
            slots: None,
            rate: None,
            breaker: None,
        }
    }

    /// The same with a rate.
    #[must_use]
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// The same with a circuit breaker.
    #[must_use]
    pub const fn breaker(mut self, policy: BreakerPolicy) -> Self {
        self.breaker = Some(policy);
        self
    }

    /// Whether it limits nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.slots.is_none() && self.rate.is_none() && self.breaker.is_none()
    }
}

impl From<u32> for Resource {
    fn from(slots: u32) -> Self {
        Self::slots(slots)
    }
}

impl fmt::Display for Resource {
    /// `4 at once, 10/s, breaker after 5 failures in a row for 30 s`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if let Some(slots) = self.slots {
            words.push(format!("{slots} at once"));
        }
        if let Some(rate) = &self.rate {
            words.push(rate.to_string());
        }
        if let Some(breaker) = &self.breaker {
            words.push(breaker.to_string());
        }
        out.write_str(&words.join(", "))
    }
}

/// As a definition keeps it. Slots alone are a bare number, as they were before there were other limits: the version of
/// such a pipeline, and what stores hold of it, stay the same.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Slots(u32),
    Limits {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slots: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<Rate>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        breaker: Option<BreakerPolicy>,
    },
}

impl From<Kept> for Resource {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Slots(slots) => Self::slots(slots),
            Kept::Limits {
                slots,
                rate,
                breaker,
            } => Self {
                slots,
                rate,
                breaker,
            },
        }
    }
}

impl From<Resource> for Kept {
    fn from(resource: Resource) -> Self {
        match resource {
            Resource {
                slots: Some(slots),
                rate: None,
                breaker: None,
            } => Self::Slots(slots),
            Resource {
                slots,
                rate,
                breaker,
            } => Self::Limits {
                slots,
                rate,
                breaker,
            },
        }
    }
}

/// How often uses of a resource may begin: evenly spaced, after a burst that may begin at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Uses per unit; 1 to [`RATE_MAX`].
    pub count: u32,
    /// The unit.
    pub per: RateUnit,
    /// Uses that may begin at once when none began for a while; 1 to [`RATE_MAX`], 1 by default.
    pub burst: u32,
}

impl Rate {
    /// So many per unit, one at a time.
    #[must_use]
    pub const fn new(count: u32, per: RateUnit) -> Self {
        Self {
            count,
            per,
            burst: 1,
        }
    }

    /// The same with a burst.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.count, self.per.name())?;
        if self.burst > 1 {
            write!(out, " in bursts of {}", self.burst)?;
        }
        Ok(())
    }
}

/// What a rate counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateUnit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
}

impl RateUnit {
    /// As a pipeline file writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
        }
    }
}

/// When a resource is left alone, and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerPolicy {
    /// Failures in a row that open it; 1 to [`BREAKER_COUNT_MAX`], 5 by default.
    pub failures: u32,
    /// How long it stays open before one use at a time tries again; 30 s by default.
    #[serde(with = "micros")]
    pub cooldown: Duration,
    /// Successes of these tries that close it; 1 to [`BREAKER_COUNT_MAX`], 2 by default.
    pub successes: u32,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: 5,
            cooldown: Duration::from_secs(30),
            successes: 2,
        }
    }
}

impl fmt::Display for BreakerPolicy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.cooldown.as_secs_f64();
        let times = if self.failures == 1 {
            "1 failure".to_owned()
        } else {
            format!("{} failures in a row", self.failures)
        };
        write!(out, "breaker after {times} for {seconds} s")
    }
}

/// What a step does that meets an open breaker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOpen {
    /// Waits until the breaker lets it through.
    #[default]
    Wait,
    /// Fails at once (`CAR0540`) without spending its retries, so that a fallback answers quickly.
    Fail,
}

impl OnOpen {
    /// Whether it is the default; definitions do not keep that.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the shape that serde calls"
    )]
    pub(super) const fn is_default(&self) -> bool {
        matches!(self, Self::Wait)
    }
}

/// Lowest priority of a process.
pub const PRIORITY_MIN: i8 = -100;
/// Highest priority of a process.
pub const PRIORITY_MAX: i8 = 100;

#[cfg(test)]
mod tests;
