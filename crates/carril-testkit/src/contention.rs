//! The work of the contention benchmark: tenants that merge holdings and lots through work tables into shared final tables.
//!
//! Here is everything that needs no database: the input, drawn from a fixed seed, the SQL, which is the same for whoever does the
//! work, and the oracle, which works out what the final tables must say from the input alone. Who does the work, and
//! how long it takes, is the benchmark's and the tests' affair.

pub mod chart;
mod feed;
mod files;
mod oracle;

pub use feed::{portfolio, tables_input, tenants_input};
pub use files::{PASSAGE, PIPELINE, READ, Statement, TABLES, Value, statements, write};
pub use oracle::{Final, expected, wrong};

/// How many tenants hold shares of one portfolio.
pub const TENANTS_PER_PORTFOLIO: u32 = 5;

/// How much work there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Tenants, each of which passes once a round.
    pub tenants: u32,
    /// Holdings that a portfolio offers; a tenant has about three quarters of them in a round.
    pub instruments: u32,
    /// Lots of a holding: from one to this many.
    pub lots: u32,
}

#[cfg(test)]
mod tests;
