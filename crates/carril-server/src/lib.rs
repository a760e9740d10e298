//! The server: a store's processes over HTTP, what happens in them as it happens, and who may do what; with a page,
//! the console, that shows it.
//!
//! It asks the handles of the library and holds no connection and no SQL. One table (`routes`) says which routes there are,
//! who may use each, and what they take and answer; the router, the checks of who may, and the description that
//! `/api/v1/openapi.json` gives are all made from it. `docs/reference/api.md` is the reference.
//!
//! ```text
//!  connection ─► listener ─► guard (host, origin, body) ─► access (who, role, pace) ─► deed log ─► ask | act | live
//!                                                                                                    │
//!                                                                  history ◄── engine, or mailbox ◄──┘
//! ```

mod access;
mod act;
mod app;
mod ask;
mod console;
mod deed;
mod guard;
mod house;
mod listener;
mod live;
mod metrics;
mod openapi;
mod options;
mod page;
mod parameters;
mod pipelines;
mod problem;
mod procesos;
mod routes;
mod schema;
mod server;
mod told;

pub use access::{Secret, hash_of};
pub use console::console;
pub use house::House;
pub use options::{Authentication, Options};
pub use page::{Page, PageFile};
pub use server::{ServeError, Server};

/// The description of the API that a server of this version gives, as JSON: OpenAPI 3.1.
#[must_use]
pub fn openapi() -> serde_json::Value {
    openapi::description()
}
