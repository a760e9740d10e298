//! Entering, the sign of life, and leaving: what one engine finds of another's, and leaves for the next.
//!
//! Whoever enters has proved (by the engine lock) that its predecessors are gone, so their executions are pending again
//! at once. The time since they were last seen is charged to `recovering`.

use super::commit::process_row;
use super::fault::{OrFault, damaged};
use super::hot::{self, Hot, one};
use super::lanes;
use super::launch::remove_launch;
use super::rows::sums_json;
use super::session::{Session, execute, write};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Entered, Fault, NodeInfo, Owned, ProcessRow};
use carril_model::id::{NodeId, ProcessId};
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeMap;

/// Registers this engine and takes over what former ones left.
pub(crate) fn enter(
    connection: &mut Connection,
    session: &mut Session,
    info: &NodeInfo,
    now: Timestamp,
) -> Result<Entered, Fault> {
    let entered = write(connection, |transaction| {
        let values = params![info.host, info.pid, info.command, now.0];
        execute(transaction, sql!("node_enter"), values)?;
        let node = NodeId(transaction.last_insert_rowid());
        let former = end_former(transaction, node)?;
        let launches_removed = remove_launches(transaction, now)?;
        if !former.is_empty() {
            lanes::sweep_all(transaction)?;
        }
        let reclaimed = reclaim(transaction, &former)?;
        Ok(Entered {
            node,
            launches_removed,
            reclaimed,
            unsettled: unsettled(transaction)?,
            rolling_back: rolling_back(transaction)?,
        })
    })?;
    *session = Session {
        node: Some(entered.node),
        seen: now,
        ..Session::default()
    };
    Ok(entered)
}

/// Says that this engine is alive; nothing can be taken back from others, as there are none.
pub(crate) fn beat(
    connection: &mut Connection,
    session: &mut Session,
    now: Timestamp,
) -> Result<Vec<ProcessId>, Fault> {
    let node = session.node.ok_or(Fault::LostLease)?;
    let changed = execute(connection, sql!("node_seen"), params![node.0, now.0])?;
    if changed != 1 {
        return Err(Fault::LostLease);
    }
    session.seen = now;
    Ok(Vec::new())
}

/// Hands back what this engine still claims, and leaves the file small and clean.
pub(crate) fn leave(
    connection: &mut Connection,
    session: &mut Session,
    now: Timestamp,
) -> Result<(), Fault> {
    let left = write(connection, |transaction| {
        let node = session.alive(transaction)?;
        for process in process_ids(transaction, sql!("processes_unsettled"))? {
            hot::for_each(
                transaction,
                sql!("executions_running"),
                process,
                &[],
                |hot| hand_back(transaction, hot, Cause::plain(CauseKind::Queued), now),
            )?;
        }
        session.sweep.finish(transaction)?;
        execute(transaction, sql!("node_end"), params![node.0, now.0])?;
        Ok(())
    });
    left?;
    *session = Session::default();
    // A short WAL is a service to the next one, not a promise: a reader may be in the way. Statistics for the planner are
    // never gathered, so that plans stay those that the tests keep.
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::debug!(%error, "tidying the store when leaving was not possible");
    }
    Ok(())
}

/// Ends every former engine, and tells when each was last seen.
fn end_former(
    transaction: &Transaction<'_>,
    node: NodeId,
) -> Result<BTreeMap<i64, Timestamp>, Fault> {
    let mut statement = transaction.prepare_cached(sql!("node_former")).or_fault()?;
    let former: BTreeMap<i64, Timestamp> = statement
        .query_map([node.0], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))
        .or_fault()?
        .collect::<Result<_, _>>()
        .or_fault()?;
    for (id, seen) in &former {
        execute(transaction, sql!("node_end"), params![id, seen.0])?;
    }
    Ok(former)
}

fn remove_launches(transaction: &Transaction<'_>, now: Timestamp) -> Result<u64, Fault> {
    let unfinished = process_ids(transaction, sql!("launches_unfinished"))?;
    for process in &unfinished {
        remove_launch(transaction, *process, now)?;
    }
    Ok(unfinished.len() as u64)
}

/// Makes everything that runs pending again, charged to `recovering` from when its engine was last seen.
fn reclaim(transaction: &Transaction<'_>, former: &BTreeMap<i64, Timestamp>) -> Result<u64, Fault> {
    let mut reclaimed = 0;
    for process in process_ids(transaction, sql!("processes_unsettled"))? {
        hot::for_each(
            transaction,
            sql!("executions_running"),
            process,
            &[],
            |hot| {
                reclaimed += 1;
                let seen = last_seen(transaction, &hot, former)?;
                hand_back(transaction, hot, Cause::plain(CauseKind::Recovering), seen)
            },
        )?;
    }
    Ok(reclaimed)
}

/// When the engine that claimed an execution was last seen; never before the last that is known of the execution itself.
fn last_seen(
    transaction: &Transaction<'_>,
    hot: &Hot,
    former: &BTreeMap<i64, Timestamp>,
) -> Result<Timestamp, Fault> {
    let node: Option<i64> = transaction
        .prepare_cached(sql!("execution_node"))
        .or_fault()?
        .query_row([hot.id], |row| row.get(0))
        .or_fault()?;
    let node =
        node.ok_or_else(|| damaged(format!("execution {} runs and nobody claims it", hot.id)))?;
    if let Some(seen) = former.get(&node) {
        return Ok(*seen);
    }
    let mut statement = transaction
        .prepare_cached(sql!("node_last_seen"))
        .or_fault()?;
    let seen = statement
        .query_row([node], |row| row.get(0).map(Timestamp))
        .optional()
        .or_fault()?;
    Ok(seen.unwrap_or(hot.account.since()))
}

/// A running execution becomes pending again: its attempts under way were interrupted, none is spent.
fn hand_back(
    transaction: &Transaction<'_>,
    mut hot: Hot,
    cause: Cause,
    at: Timestamp,
) -> Result<(), Fault> {
    hot.account.switch(cause, at);
    let cause = hot.account.cause();
    let values = params![
        hot.id,
        cause.kind.name(),
        cause.about,
        hot.account.since().0,
        sums_json(&hot.account)
    ];
    one(transaction, sql!("execution_reclaim"), values)?;
    let values = params![hot.id, hot.run.0, at.0];
    execute(transaction, sql!("steps_interrupt"), values)?;
    Ok(())
}

fn unsettled(transaction: &Transaction<'_>) -> Result<Vec<ProcessRow>, Fault> {
    let ids = process_ids(transaction, sql!("processes_unsettled"))?;
    ids.into_iter()
        .map(|process| process_row(transaction, process))
        .collect()
}

fn rolling_back(transaction: &Transaction<'_>) -> Result<Vec<Owned>, Fault> {
    let mut statement = transaction
        .prepare_cached(sql!("executions_rolling_back"))
        .or_fault()?;
    let mut rows = statement.query([]).or_fault()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        found.push(Hot::of(row)?.owned());
    }
    Ok(found)
}

fn process_ids(transaction: &Transaction<'_>, query: &str) -> Result<Vec<ProcessId>, Fault> {
    let mut statement = transaction.prepare_cached(query).or_fault()?;
    statement
        .query_map([], |row| row.get(0).map(ProcessId))
        .or_fault()?
        .collect::<Result<_, _>>()
        .or_fault()
}
