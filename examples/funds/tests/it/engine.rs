//! The example as users run it: `pipeline.toml` through the library, on SQLite files on disk, fifty lanes at once.
//!
//! What the SQL computes is tested beside this, without an engine; here it is whether the rows of a hundred funds that
//! run at the same time are published, replaced, undone and brought back, each fund's own and nobody else's.

mod again;
mod columns;
mod failing;
mod house;
mod long;
mod told;
mod undone;
