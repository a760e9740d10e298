//! The model differential: the same acts against the simulator's model store and a real one, which must answer the same and
//! hold the same.
//!
//! ```text
//!  numbers ──► Act ──► Reference (the model store) ──► Op, Answer ──► Subject (a real store) ──► equal, or a Difference
//! ```
//!
//! The reference decides what an act is (whom it claims, which record it writes), so that both are asked the very same; ids
//! are the real store's own and are translated. What an act would do outside the contract (an attempt that skips one, a
//! process that settles as nobody would settle it) is left out: the model store says so. Nothing here knows a backend; a
//! backend's tests give an [`Opener`](crate::store::Opener), draw acts and let them shrink.

mod act;
mod reference;
mod subject;

pub use act::{Act, draw};
pub use reference::{Answer, Op, Reference};
pub use subject::Subject;

use super::Bug;
use crate::store::Harness;
use carril_model::retry::mix;
use std::fmt;

/// How many lives the conformance suite draws, and how many acts each has.
const LIVES: u64 = 40;
const ACTS: u64 = 60;

/// Where a store and the model differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was asked last.
    pub op: String,
    /// What was answered or held, and what the model says.
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\nafter {}", self.text, self.op)
    }
}

/// Lives through acts with both, and compares after each, and everything at the end. A bug is planted in the model: a store
/// that is right must then differ.
///
/// # Errors
/// The first difference.
pub fn compare(harness: Harness, acts: &[Act], bug: Option<Bug>) -> Result<(), Box<Difference>> {
    let mut reference = Reference::new(bug);
    let mut subject = Subject::new(harness, &reference);
    for act in acts {
        if let Some((op, answer)) = reference.act(*act) {
            subject.follow(&op, &answer, &reference)?;
        }
    }
    subject.compare_all(&reference)
}

/// The acts of a life that is drawn from a number.
#[must_use]
pub fn life(number: u64) -> Vec<Act> {
    (0..ACTS).map(|at| draw(mix(number * 1_000 + at))).collect()
}

/// The case of the conformance suite: lives from fixed numbers.
///
/// # Panics
/// When the store and the model differ.
pub fn the_store_answers_as_the_model_does(open: impl Fn() -> Harness) {
    for number in 0..LIVES {
        let acts = life(number);
        if let Err(difference) = compare(open(), &acts, None) {
            panic!("{difference}\nin life {number}: {acts:?}");
        }
    }
}
