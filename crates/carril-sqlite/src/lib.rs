//! Everything SQLite: the state store, and databases that steps act on.
//!
//! [`store`] keeps Carril's own state in one file; [`target`] is a user's database. They share no connection and no
//! transaction. This crate is the one door to the SQLite library.

mod driver;
pub mod flat;
pub mod script;
pub mod store;
pub mod target;
