//! Tests through the public interface: the store, and targets.

mod store;
mod store_plans;
mod target;
