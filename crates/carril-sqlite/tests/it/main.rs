//! Tests through the public interface: the store, and targets.

mod store;
mod store_faults;
mod store_history;
mod store_model;
mod store_plans;
mod store_random;
mod target;
