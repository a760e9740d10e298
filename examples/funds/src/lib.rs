//! Fills the warehouse of the `funds` example: from real documents, or with funds that are made up.
//!
//! ```text
//!  paths ─▶ unpack ─▶ kind ─▶ statement | custodian | filing | feeds::… ─▶ fill ─▶ warehouse (one transaction)
//!                                                                  generate.sql ─▶
//! ```
//!
//! Everything is told apart by its content; names of files mean nothing here. The pipeline that works on the
//! warehouse is `pipeline.toml` beside this package, and knows nothing of this code.

mod bonds;
mod custodian;
mod error;
mod feeds;
mod filing;
mod fill;
mod kind;
mod limits;
mod load;
mod statement;
mod summary;
mod unpack;
mod warehouse;
mod workbook;
mod xml;

pub use error::LoadError;
pub use limits::Limits;
pub use load::{LoadOptions, load};
pub use summary::{LoadedDocument, SkippedDocument, Summary};
pub use warehouse::{FUNDS_MAX, GENERATE_SQL, SCHEMA_SQL, apply_schema, generate};
