//! Chance from a seed: the same seed gives the same choices, on every machine. Nothing here asks a clock.

use carril_model::retry::mix;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5eed_ca44_1100))
    }

    /// The next number.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, which is not 0.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A position in something of this length, which is not 0.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("a position in memory fits a usize")
    }

    /// From `least` to `most`, both included.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let width = (most - least + 1).unsigned_abs();
        least + i64::try_from(self.below(width)).expect("the width came from an i64")
    }

    /// Whether something happens that happens `count` times in a thousand.
    pub(super) const fn permille(&mut self, count: u64) -> bool {
        self.below(1_000) < count
    }
}
