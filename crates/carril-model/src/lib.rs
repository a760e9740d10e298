//! The words, the rules and the contracts of Carril.
//!
//! This crate knows nothing of databases, files, clocks, randomness or runtimes: it is told the time and given the text,
//! and answers with data. What a pipeline means ([`definition`], [`plan`]), how states may change ([`transition`],
//! [`execution`], [`process`]), where time went ([`account`]) and what the other crates must provide ([`contract`]) is
//! decided here and nowhere else.

pub mod account;
pub mod allotment;
pub mod baseline;
pub mod breaker;
pub mod contract;
pub mod definition;
pub mod execution;
pub mod expression;
pub mod figures;
pub mod finding;
pub mod guard;
pub mod id;
pub mod import;
pub mod lanes;
pub mod load;
pub mod lock;
pub mod matrix;
pub mod moment;
pub mod overlap;
pub mod plan;
pub mod printed;
pub mod process;
pub mod retry;
pub mod schema;
pub mod shares;
pub mod simulate;
pub mod sql;
pub mod state;
pub mod template;
pub mod time;
pub mod transition;
