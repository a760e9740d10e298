//! Engines at work, and what steps printed, as programs read them.

use super::rfc3339;
use carril_model::contract::NodeRow;
use serde::Serialize;

/// An engine that is at work on a store.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeShape<'a> {
    id: Option<i64>,
    host: &'a str,
    pid: u32,
    command: &'a str,
    since: Option<String>,
    last_seen: Option<String>,
    lanes_busy: Option<u64>,
    lease_left_micros: Option<i64>,
}

impl<'a> From<&'a NodeRow> for NodeShape<'a> {
    fn from(node: &'a NodeRow) -> Self {
        Self {
            id: node.id.map(|id| id.0),
            host: &node.host,
            pid: node.pid,
            command: &node.command,
            since: node.since.map(rfc3339),
            last_seen: node.last_seen.map(rfc3339),
            lanes_busy: node.lanes_busy,
            lease_left_micros: node.lease_left,
        }
    }
}

/// What one attempt printed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogShape {
    /// The execution.
    pub execution: i64,
    /// The entity; `null` for the process's own execution.
    pub entity: Option<String>,
    /// The run.
    pub run: u32,
    /// `stage/step`.
    pub step: String,
    /// The try.
    pub attempt: u32,
    /// What it printed, 64 KiB at most.
    pub text: String,
}
