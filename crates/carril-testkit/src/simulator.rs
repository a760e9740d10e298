//! The simulator: thousands of short lives of an engine, each from a seed, with every promise checked after every write.
//!
//! It drives the functions that the engine runs (`carril_model`'s `execution`, `process`, `retry`, `account`, `breaker`, `shares`,
//! `plan` and `transition`) against a model of the store's contract and a model target, on one thread, without a clock. Commits are
//! refused, done without an answer, or done later; attempts fail in every way; engines die and clocks are set back. Then
//! everything goes well, and must come to its end. The same seed does the same: its event log has the same hash.
//!
//! What it does not do: run `carril-engine` or a real store. Those have `cargo xtask chaos` and the conformance suite; here
//! the decisions are tested, and the contract that they rely on.

mod bugs;
mod check;
pub mod differential;
mod engine;
mod flight;
mod log;
mod random;
mod store;
mod target;
mod workload;
mod world;

pub use bugs::Bug;
pub use log::Entry;

use std::fmt;
use world::World;

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What should be so.
    pub rule: &'static str,
    /// Where it is not.
    pub text: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.rule, self.text)
    }
}

/// What a seed came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The hash of its event log.
    pub hash: u64,
    /// How many events it had.
    pub events: u64,
    /// The first rule that did not hold, if one did not.
    pub broken: Option<Broken>,
}

/// Lives through a seed, with a bug planted if one is wanted.
#[must_use]
pub fn simulate(seed: u64, bug: Option<Bug>) -> Outcome {
    let mut world = World::new(seed, bug, false);
    world.run();
    outcome(seed, &world)
}

/// The same, with every line of its event log.
#[must_use]
pub fn simulate_told(seed: u64, bug: Option<Bug>) -> (Outcome, Vec<Entry>) {
    let mut world = World::new(seed, bug, true);
    world.run();
    let outcome = outcome(seed, &world);
    (outcome, world.log.into_entries())
}

fn outcome(seed: u64, world: &World) -> Outcome {
    Outcome {
        seed,
        hash: world.log.hash(),
        events: world.log.events(),
        broken: world.broken.clone(),
    }
}

#[cfg(test)]
mod tests;
