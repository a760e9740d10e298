//! Whole pipelines, from text to definition or findings.

mod absent;
mod good;
mod inline;
mod malformed;
mod properties;
mod schema;
mod support;
