//! The machine: launches, lanes, the journal writer, recovery, and the handle that others hold.
//!
//! It knows the model and its contracts, and nothing of databases, files or HTTP. Decisions are the model's pure functions;
//! this crate carries them out, bounded and in order.
//!
//! ```text
//!  Handle ──launch──► store ──claimed──► lanes ──records──► journal ──groups──► store
//!                                          ▲                   │ report
//!                                          └── coordinator ◄───┘  (segments, claims, settling)
//! ```

mod adapt;
mod attempt;
pub mod clock;
mod control;
mod coordinator;
mod engine;
mod error;
pub mod event;
mod journal;
mod lane;
mod launch;
mod limits;
mod neighbours;
mod process_run;
mod rails;
mod recovery;
mod requests;
mod shared;
mod sharing;
pub mod task;
mod undoing;
mod waker;

pub use control::{Pruned, Purged, Retention, RetryPreview, RollbackReport, Sending, Word};
pub use engine::{Engine, Options, Parts, Runners, StoreAway, TargetOpener};
pub use error::Error;
pub use launch::{EntitySource, LaunchOutcome, LaunchRequest, Narrowing};
