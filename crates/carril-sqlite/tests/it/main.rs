//! Tests through the public interface: the store, and targets.

mod store;
mod target;
