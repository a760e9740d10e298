//! What the store remembers between two calls, on the thread that owns the connection. Losing it loses nothing.

use super::fault::{OrFault, commit_fault};
use super::lanes::{Coming, Sweep};
use carril_model::contract::Fault;
use carril_model::id::NodeId;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, Transaction, TransactionBehavior, params};

/// A node's sign of life is written at most this often by commits.
const SEEN_EVERY_MICROS: i64 = 1_000_000;

/// What is remembered between two calls.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// This engine, once it has entered.
    pub(crate) node: Option<NodeId>,
    /// When its sign of life was last written.
    pub(crate) seen: Timestamp,
    /// Settled executions that lane keys still list.
    pub(crate) sweep: Sweep,
    /// Executions of launches that lane keys do not list yet.
    pub(crate) coming: Coming,
}

impl Session {
    /// This engine, as long as the store takes it for alive.
    pub(crate) fn alive(&self, connection: &Connection) -> Result<NodeId, Fault> {
        let node = self.node.ok_or(Fault::LostLease)?;
        let mut statement = connection.prepare_cached(sql!("node_alive")).or_fault()?;
        match statement
            .query_row([node.0], |_| Ok(()))
            .optional()
            .or_fault()?
        {
            Some(()) => Ok(node),
            None => Err(Fault::LostLease),
        }
    }

    /// Writes the sign of life, if the last one is a second old.
    pub(crate) fn see(&self, connection: &Connection, now: Timestamp) -> Result<bool, Fault> {
        let Some(node) = self.node else {
            return Ok(false);
        };
        if now.micros_since(self.seen) < SEEN_EVERY_MICROS {
            return Ok(false);
        }
        let changed = execute(connection, sql!("node_seen"), params![node.0, now.0])?;
        if changed == 1 {
            Ok(true)
        } else {
            Err(Fault::LostLease)
        }
    }
}

/// One write transaction: it takes the write lock at its beginning, and is rolled back unless `work` succeeds and COMMIT does.
pub(crate) fn write<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .or_fault()?;
    let answer = work(&transaction)?;
    transaction.commit().map_err(|error| commit_fault(&error))?;
    Ok(answer)
}

/// One read transaction: all of `work` sees the same snapshot.
pub(crate) fn read<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Deferred)
        .or_fault()?;
    work(&transaction)
}

/// Runs a statement that changes rows and gives how many it changed. It stays prepared for the next time.
pub(crate) fn execute(
    connection: &Connection,
    statement: &str,
    values: &[&dyn ToSql],
) -> Result<usize, Fault> {
    connection
        .prepare_cached(statement)
        .or_fault()?
        .execute(values)
        .or_fault()
}
