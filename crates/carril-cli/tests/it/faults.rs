//! Faults: what breaks, and what Carril then says and does, at the command line. Each test breaks one thing, expects one exit
//! code and one sentence, repairs it, and expects that the same command then does the rest, once.

pub(crate) mod bench;
mod disk;
mod lanes;
mod once;
#[cfg(feature = "failpoints")]
mod parked;
mod rollback;
mod store;
mod target;
#[cfg(feature = "failpoints")]
mod twice;
