//! `cargo xtask`: the project's own commands, which people and CI run alike.
//!
//! This file reads the command line and hands over; each command is a module. Nothing here is published, and no
//! crate of Carril depends on it. It is compiled in every CI run, so its dependencies are few.
fn main() {}
