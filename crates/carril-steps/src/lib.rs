//! Steps that need no database of their own: today commands.
//!
//! The door to programs and process groups. This crate reads no environment, spawns no task and asks no clock for the
//! time; it is handed the search path and the folder, and does its work inside the one future that the engine polls.

pub mod command;
