//! Whole pipelines, from text to definition or findings.

mod good;
mod inline;
mod malformed;
mod properties;
mod support;
