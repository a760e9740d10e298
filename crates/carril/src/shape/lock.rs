//! Waits for locks as programs read them; what is not known is null.

use super::rfc3339;
use carril_model::contract::{LockCostRow, LockRow};
use carril_model::lock::{Blocker, LockWait};
use serde::Serialize;

/// One wait for a lock, for programs.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LockShape<'a> {
    target: &'a str,
    table: Option<&'a str>,
    kind: &'a str,
    mode: &'a str,
    pid: i32,
    since: String,
    deadlock: bool,
    blocker: BlockerShape<'a>,
    through: Vec<BlockerShape<'a>>,
}

/// Who holds a lock, for programs; what is not known is null.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockerShape<'a> {
    name: String,
    foreign: bool,
    execution: Option<i64>,
    step: Option<&'a str>,
    pid: Option<i32>,
    user: Option<&'a str>,
    application: Option<&'a str>,
    address: Option<&'a str>,
    state: Option<&'a str>,
    state_since: Option<String>,
    transaction_since: Option<String>,
    query: Option<&'a str>,
    hidden: bool,
}

impl<'a> From<&'a LockWait> for LockShape<'a> {
    fn from(lock: &'a LockWait) -> Self {
        Self {
            target: &lock.target,
            table: lock.table.as_deref(),
            kind: &lock.kind,
            mode: &lock.mode,
            pid: lock.pid,
            since: rfc3339(lock.since),
            deadlock: lock.deadlock,
            blocker: BlockerShape::from(&lock.blocker),
            through: lock.through.iter().map(BlockerShape::from).collect(),
        }
    }
}

impl<'a> From<&'a Blocker> for BlockerShape<'a> {
    fn from(blocker: &'a Blocker) -> Self {
        let (execution, step) = match blocker {
            Blocker::Execution {
                execution, step, ..
            } => (Some(execution.0), Some(step.as_str())),
            Blocker::Session(_) | Blocker::Prepared => (None, None),
        };
        let session = match blocker {
            Blocker::Session(session) => Some(session),
            Blocker::Execution { .. } | Blocker::Prepared => None,
        };
        Self {
            name: blocker.to_string(),
            foreign: blocker.is_foreign(),
            execution,
            step,
            pid: blocker.pid(),
            user: session.and_then(|session| session.user.as_deref()),
            application: session.and_then(|session| session.application.as_deref()),
            address: session.and_then(|session| session.address.as_deref()),
            state: session.and_then(|session| session.state.as_deref()),
            state_since: session.and_then(|session| session.state_since.map(rfc3339)),
            transaction_since: session.and_then(|session| session.transaction_since.map(rfc3339)),
            query: session.and_then(|session| session.query.as_deref()),
            hidden: session.is_some_and(|session| session.hidden),
        }
    }
}

/// Waits on one table behind one blocker, for programs.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LockCostShape<'a> {
    about: &'a str,
    blocker: &'a str,
    foreign: bool,
    waits: u64,
    total_micros: i64,
    max_micros: i64,
    worst: i64,
}

impl<'a> From<&'a LockCostRow> for LockCostShape<'a> {
    fn from(row: &'a LockCostRow) -> Self {
        Self {
            about: &row.about,
            blocker: &row.blocker,
            foreign: row.foreign,
            waits: row.waits,
            total_micros: row.total_micros,
            max_micros: row.max_micros,
            worst: row.worst.0,
        }
    }
}

/// One wait of an execution, for programs.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LockRowShape<'a> {
    execution: i64,
    entity: Option<&'a str>,
    step: &'a str,
    began: String,
    micros: i64,
    lock: LockShape<'a>,
}

impl<'a> From<&'a LockRow> for LockRowShape<'a> {
    fn from(row: &'a LockRow) -> Self {
        Self {
            execution: row.execution.0,
            entity: row.entity.as_deref(),
            step: &row.step,
            began: rfc3339(row.began),
            micros: row.micros,
            lock: LockShape::from(&row.lock),
        }
    }
}
