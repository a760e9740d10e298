//! Conformance suites and faults for Carril's own tests.
//!
//! [`store`] holds what every state store must do, as cases that run against any of them; [`fault`] wraps a store so that chosen
//! calls fail; [`contention`] is the work of a benchmark; [`simulator`] lives through seeds with a model of the store; [`target`] makes attempts of a pipeline's steps;
//! [`postgres`] is a server for tests, [`network`] what stands between it and a program. Nothing here is used by what ships.

pub mod contention;
pub mod fault;
pub mod network;
pub mod postgres;
pub mod simulator;
pub mod store;
pub mod target;
