//! What the engine needs from others: a store to run on, a history to ask, targets and runners to act through, a clock.
//!
//! The contracts are small and object-safe; futures are boxed, so that neither side knows the other's runtime. Where a
//! method's documentation says nothing about cancellation, dropping its future leaves the operation either done or not
//! done, never half done, and the caller must ask again to know.

mod access;
mod history;
mod rails;
mod stage;
mod step;
mod store;
mod target;

pub use access::*;
pub use history::*;
pub use rails::*;
pub use stage::*;
pub use step::*;
pub use store::*;
pub use target::*;

use crate::time::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A boxed future, as every asynchronous contract method returns.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tells the time. Never goes backwards within one engine.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Goes ahead to the time of the world where it has fallen behind, as after a machine slept, and answers by how much.
    /// It never goes back. A clock that cannot fall behind does nothing, which is the default.
    fn catch_up(&self) -> Duration {
        Duration::ZERO
    }

    /// Begins a comparison with a clock that several engines go by: how far this one has counted, whatever time it says.
    /// `None` from a clock that goes by no other, which is the default.
    fn mark(&self) -> Option<Mark> {
        None
    }

    /// From now on it goes by the clock that was asked since `asked`, and said `told`; answers by how many microseconds it was
    /// behind that (negative: ahead), as far as the round trip proves it.
    ///
    /// The first time it is set to what was told, ahead or back: that comes before anything is done by it. After that it goes
    /// ahead at once, and where it is ahead itself it goes slower until it is in step, as it never goes back.
    fn follow(&self, asked: Mark, told: Timestamp) -> i64 {
        let _ = (asked, told);
        0
    }
}

/// How far a clock had counted, in microseconds since it began. Being set changes nothing about that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub i64);
