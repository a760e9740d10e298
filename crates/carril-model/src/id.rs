//! Identities: numbers that mean something, each a type of its own so that two can never be swapped.
//!
//! Process and execution ids are given out by the store in blocks and stay below 2^53, so that they survive JSON and
//! JavaScript unchanged (S1.2). They are never derived from a clock.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The first number that an id must not reach: 2^53, where JavaScript numbers stop being exact.
pub const ID_LIMIT: i64 = 1 << 53;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

id_type!(
    /// One launch of a pipeline with its parameters.
    ProcessId
);
id_type!(
    /// One entity's run inside one process; its id is what isolates its data.
    ExecutionId
);
id_type!(
    /// A running engine, as the store knows it.
    NodeId
);
id_type!(
    /// A wish that another program wrote into the store for the engine to carry out.
    RequestId
);
id_type!(
    /// Grows with every claim of an execution and is never reset; every write names it (fencing).
    Token
);

/// One passage of an execution from pending to settled, from 1; retry starts the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Run(pub u32);

impl fmt::Display for Run {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A step's position among all the steps of its pipeline, from 0 in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u16);

impl StepId {
    /// The position as an index into a slice of all steps.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The number that a target's fence row compares: grows with every claim and, inside a claim, with every attempt.
///
/// `token * 65,536 + attempt`; an attempt number never reaches 65,536 because retry policies stop at 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fence(pub i64);

impl Fence {
    /// The fence of one attempt under one claim.
    #[must_use]
    pub fn of(token: Token, attempt: u32) -> Self {
        Self(token.0 * 65_536 + i64::from(attempt.min(65_535)))
    }
}
