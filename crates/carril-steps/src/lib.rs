//! Steps that need no database of their own: commands and HTTP calls.
//!
//! The door to programs, process groups and HTTP. This crate reads no environment, spawns no task of its own and asks no
//! clock for the time; it is handed the search path, the folder and the places that may be called, and does its work
//! inside the one future that the engine polls. The HTTP library serves its connections in tasks of its own, which end
//! with the connection, a few seconds after its last call.

pub mod command;
pub mod http;

mod template;
