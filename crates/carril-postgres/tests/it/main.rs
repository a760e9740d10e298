//! Tests through the public interface, on a server of their own.

mod address;
mod store;
mod target;
