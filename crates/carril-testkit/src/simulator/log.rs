//! The event log of one seed: every event as a word and a few numbers, hashed as it is written.
//!
//! Two runs of a seed must have the same hash; the lines themselves are kept only when somebody wants to read them.

use carril_model::retry::mix;
use std::fmt;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Microseconds since the simulation began.
    pub at: i64,
    /// What happened.
    pub what: &'static str,
    /// Whom and how: ids, tokens, numbers of steps and states, as each kind of event has them.
    pub numbers: [i64; 4],
}

impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, fourth] = self.numbers;
        write!(
            out,
            "{:>12} {:<22} {first} {second} {third} {fourth}",
            self.at, self.what
        )
    }
}

/// All events of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct EventLog {
    hash: u64,
    events: u64,
    kept: Option<Vec<Entry>>,
}

impl EventLog {
    /// An empty log, which keeps its lines if somebody wants to read them.
    pub(super) fn new(keep: bool) -> Self {
        Self {
            hash: 0,
            events: 0,
            kept: keep.then(Vec::new),
        }
    }

    pub(super) fn note(&mut self, at: i64, what: &'static str, numbers: [i64; 4]) {
        self.events += 1;
        let mut hash = mix(self.hash ^ at.cast_unsigned());
        for byte in what.bytes() {
            hash = hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
        }
        for number in numbers {
            hash = mix(hash ^ number.cast_unsigned());
        }
        self.hash = hash;
        if let Some(kept) = &mut self.kept {
            kept.push(Entry { at, what, numbers });
        }
    }

    pub(super) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) const fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.kept.unwrap_or_default()
    }
}
