//! Whole pipelines, from text to definition or findings.

mod good;
mod malformed;
mod properties;
mod support;
