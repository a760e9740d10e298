//! Tests through the public interface, on a server of their own.

mod address;
mod store;
mod store_history;
mod store_legacy;
mod store_model;
mod store_network;
mod store_nodes;
mod store_open;
mod store_plans;
mod store_shares;
mod target;
