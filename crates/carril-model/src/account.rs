//! The time account: all of an execution's life, charged to causes that add up (P10).
//!
//! The account is closed up to `since`; from there on the current cause is being charged. Times come from one clock that
//! never goes backwards, so at any instant `now`: the sums plus `now - since` equal `now - opened`.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)*) => {
        /// What an execution's time is spent on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CauseKind { $($(#[$doc])* $variant,)* }

        impl CauseKind {
            /// Every cause there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in views, `--json` and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The cause with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

causes! {
    /// No lane is free.
    Queued = "queued";
    /// An earlier execution of the same lane key is unfinished.
    Key = "key";
    /// All slots of a resource are taken.
    Slot = "slot";
    /// All connections of a target are in use.
    Pool = "pool";
    /// A resource's rate is used up.
    Rate = "rate";
    /// A step is at work.
    Running = "running";
    /// A lock in the user's database.
    Lock = "lock";
    /// The pause before the next attempt.
    Backoff = "backoff";
    /// A circuit breaker is open.
    Breaker = "breaker";
    /// Other lanes, or a per-process stage, must finish first.
    Barrier = "barrier";
    /// A point in time.
    Timer = "timer";
    /// A message from outside.
    Signal = "signal";
    /// A person's word.
    Approval = "approval";
    /// Somebody paused it.
    Paused = "paused";
    /// The journal has not yet acknowledged.
    Store = "store";
    /// A commit's outcome is being found out.
    OutcomeUnknown = "outcome_unknown";
    /// Nobody here can run this version.
    NoNode = "no_node";
    /// Its effects are being removed.
    RollingBack = "rolling_back";
    /// The engine was down, or is finding out what its predecessor left.
    Recovering = "recovering";
}

impl fmt::Display for CauseKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A cause with what it is about: the resource, the target, the blocker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// The kind of waiting or work.
    pub kind: CauseKind,
    /// What it is about, where the kind has such a thing: `slot` the resource, `pool` the target, `running` the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Cause {
    /// A cause about nothing in particular.
    #[must_use]
    pub const fn plain(kind: CauseKind) -> Self {
        Self { kind, about: None }
    }

    /// A cause about something that has a name.
    #[must_use]
    pub fn about(kind: CauseKind, about: impl Into<String>) -> Self {
        Self {
            kind,
            about: Some(about.into()),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.about {
            Some(about) => write!(out, "{}({about})", self.kind),
            None => write!(out, "{}", self.kind),
        }
    }
}

/// Where an execution's time went, and what it is being spent on now.
///
/// ```
/// use carril_model::account::{Cause, CauseKind, TimeAccount};
/// use carril_model::time::Timestamp;
///
/// let mut account = TimeAccount::open(Cause::plain(CauseKind::Queued), Timestamp(0));
/// account.switch(Cause::plain(CauseKind::Running), Timestamp(300));
/// account.switch(Cause::plain(CauseKind::Store), Timestamp(1_000));
/// assert_eq!(account.spent(CauseKind::Queued), 300);
/// assert_eq!(account.total_micros(Timestamp(1_500)), 1_500);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeAccount {
    sums: BTreeMap<CauseKind, i64>,
    cause: Cause,
    since: Timestamp,
}

impl TimeAccount {
    /// Opens an account at `now` with its first cause.
    #[must_use]
    pub const fn open(cause: Cause, now: Timestamp) -> Self {
        Self {
            sums: BTreeMap::new(),
            cause,
            since: now,
        }
    }

    /// Goes on with an account that the store kept.
    #[must_use]
    pub const fn resume(sums: BTreeMap<CauseKind, i64>, cause: Cause, since: Timestamp) -> Self {
        Self { sums, cause, since }
    }

    /// Charges the time since the last switch to the cause so far and goes on with `cause`.
    ///
    /// A `now` before the last switch counts as that switch, so that sums can only grow. Returns the closed interval.
    pub fn switch(&mut self, cause: Cause, now: Timestamp) -> Interval {
        let until = now.max(self.since);
        let micros = until.micros_since(self.since);
        if micros > 0 {
            *self.sums.entry(self.cause.kind).or_insert(0) += micros;
        }
        let from = std::mem::replace(&mut self.since, until);
        let cause = std::mem::replace(&mut self.cause, cause);
        Interval { cause, from, until }
    }

    /// Microseconds charged to `kind` in closed intervals.
    #[must_use]
    pub fn spent(&self, kind: CauseKind) -> i64 {
        self.sums.get(&kind).copied().unwrap_or(0)
    }

    /// All closed sums in microseconds, by cause; causes without time are left out.
    #[must_use]
    pub const fn sums(&self) -> &BTreeMap<CauseKind, i64> {
        &self.sums
    }

    /// What the time is being spent on.
    #[must_use]
    pub const fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Since when the present cause holds.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        self.since
    }

    /// Everything from the opening to `now`, in microseconds.
    #[must_use]
    pub fn total_micros(&self, now: Timestamp) -> i64 {
        self.sums.values().sum::<i64>() + now.micros_since(self.since)
    }
}

/// One closed stretch of time under one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// What it was spent on.
    pub cause: Cause,
    /// Its first instant.
    pub from: Timestamp,
    /// The instant after its last.
    pub until: Timestamp,
}

#[cfg(test)]
mod tests;
