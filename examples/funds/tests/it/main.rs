//! The example from outside: documents and made-up funds go in, the pipeline's SQL runs, and its figures are held
//! against what the documents publish or against a second computation.
//!
//! `runner` stands in for the engine, so that most of these tests say one thing only: whether the SQL is right. Those in
//! `engine` run `pipeline.toml` as users do.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is all it is to do"
)]

mod documents;
mod engine;
mod figures;
mod generated;
mod modelled;
mod others;
mod refusals;
mod runner;
mod sql;
mod workbooks;
