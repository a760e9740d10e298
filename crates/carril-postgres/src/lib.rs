//! Everything PostgreSQL: the state store, and databases that steps act on.
//!
//! [`store`] keeps Carril's own state in a schema of its own, for any number of engines; [`target`] is a user's database. They
//! share no connection and no transaction. This crate is the one door to the PostgreSQL client.

pub mod address;
mod driver;
pub mod flat;
mod pooler;
pub mod store;
pub mod target;
mod tls;
