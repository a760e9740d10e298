//! The PostgreSQL target through its contract: what SQL steps, lanes, publishing and rollback promise, on a real server.

mod attempts;
mod fixture;
mod lanes;
mod steps;
