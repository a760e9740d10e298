//! One group, one transaction: records, then changes of processes, breakers, then claims, all durable together.
//!
//! What the group did to its processes is read after the commit. Two engines may each settle one of the last two lanes at the same
//! time: within their transactions neither sees the other, but whoever reads last sees both, so that one of them always learns
//! that the process has nothing left to do.

use super::breakers;
use super::changes;
use super::claim;
use super::desk::Desk;
use super::fault::damaged;
use super::hot::Hot;
use super::lanes;
use super::records;
use super::rows;
use super::session::{Session, Turn, Tx, Values};
use super::share;
use super::wake;
use carril_model::contract::{Claim, Fault, Group, ProcessRow, Report};
use carril_model::id::ProcessId;
use std::collections::HashMap;
use tokio_postgres::Row;

/// Commits a group. What this returns is durable; a failed COMMIT is never reported as done.
pub(crate) async fn commit(session: &mut Session, group: &Group) -> Result<Report, Fault> {
    let turn = if group.processes.is_empty() {
        Turn::Shared
    } else {
        Turn::Alone
    };
    let silent = session.is_silent(group.at);
    let mut ids: Vec<i64> = group
        .records
        .iter()
        .map(|record| record.owned.execution.0)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let done = if ids.is_empty() {
        let work = async |tx: &Tx<'_>| in_one(tx, group, silent, Vec::new()).await;
        session.write(turn, work).await
    } else {
        let values: Values<'_> = &[&ids];
        let work = async |tx: &Tx<'_>, read: Vec<Row>| {
            let read = read.iter().map(Hot::of).collect::<Result<_, _>>()?;
            in_one(tx, group, silent, read).await
        };
        session
            .write_ahead(turn, (sql!("execution_hot"), values), work)
            .await
    };
    let Done {
        mut report,
        touched,
        concerns,
    } = done.map_err(|fault| session.undone(fault))?;
    if silent {
        session.seen = group.at;
    }
    report.woken.sort_unstable();
    if concerns {
        session.stir();
    }
    if !touched.is_empty() {
        // The group is durable, so nothing that happens now may look as if it were not.
        report.processes = session
            .plain(async |tx| {
                let mut found = by_id(tx, &touched).await?;
                Ok(touched.iter().filter_map(|id| found.remove(id)).collect())
            })
            .await
            .map_err(|fault| Fault::Unavailable(format!("after the commit: {fault}")))?;
    }
    Ok(report)
}

/// What a group did.
struct Done {
    report: Report,
    /// Processes that are to be reported.
    touched: Vec<i64>,
    /// Whether it left other engines something to look at.
    concerns: bool,
}

/// `read` is what the store says of the executions that the records are about.
async fn in_one(tx: &Tx<'_>, group: &Group, silent: bool, read: Vec<Hot>) -> Result<Done, Fault> {
    let mut desk = Desk::default();
    desk.adopt(read);
    if silent {
        see(tx, group.at).await?;
    }
    let verdicts = records::write(tx, &mut desk, &group.records, group.at).await?;
    lanes::elect(tx, &mut desk).await?;
    let mut decided = Vec::new();
    for change in &group.processes {
        // What the records did to a process must be there before it is looked at.
        desk.flush(tx).await?;
        if changes::change(tx, &mut desk, change).await? {
            decided.push(change.process());
        }
    }
    breakers::write_all(tx, &group.breakers).await?;
    let (due, next_due) = if group.wakes > 0 {
        desk.flush(tx).await?;
        wake::due(tx, &mut desk, group.wakes, group.at).await?
    } else {
        (0, None)
    };
    desk.flush(tx).await?;
    let mut claimed = Vec::new();
    // Processes of which nothing is left to claim.
    let mut dry = Vec::new();
    let mut passed_on = false;
    for claim in &group.claims {
        let room = share::room(tx, &mut desk, *claim).await?;
        let allowed = Claim {
            max: room.max,
            ..*claim
        };
        let mut got = claim::claim(tx, &mut desk, allowed, group.at).await?;
        room.told(tx, *claim, got.len()).await?;
        passed_on |= room.max < claim.max && desk.freed_lanes(claim.process.0) > 0;
        if got.len() < room.max as usize {
            dry.push(claim.process.0);
        }
        claimed.append(&mut got);
    }
    let left = desk.deltas.woken().iter().any(|id| !dry.contains(id));
    let concerns = left || passed_on || !group.processes.is_empty() || !group.breakers.is_empty();
    let report = Report {
        verdicts,
        processes: Vec::new(),
        decided,
        claimed,
        due,
        next_due,
        woken: desk.deltas.woken().iter().copied().map(ProcessId).collect(),
    };
    Ok(Done {
        report,
        touched: desk.deltas.touched().to_vec(),
        concerns,
    })
}

/// Writes this engine's sign of life and renews its lease.
pub(crate) async fn see(tx: &Tx<'_>, now: carril_model::time::Timestamp) -> Result<(), Fault> {
    let query = sql!("node_seen");
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&tx.node.0, &now.0, &tx.lease_millis];
    match tx.execute(query, &values).await? {
        1 => Ok(()),
        _ => Err(Fault::LostLease),
    }
}

/// Processes, which must exist, in the order in which they are given.
pub(crate) async fn process_rows(tx: &Tx<'_>, ids: &[i64]) -> Result<Vec<ProcessRow>, Fault> {
    let mut found = by_id(tx, ids).await?;
    ids.iter()
        .map(|id| {
            found
                .remove(id)
                .ok_or_else(|| damaged(format!("process {id} has executions and no row")))
        })
        .collect()
}

async fn by_id(tx: &Tx<'_>, ids: &[i64]) -> Result<HashMap<i64, ProcessRow>, Fault> {
    let mut found = HashMap::with_capacity(ids.len());
    for row in tx.rows(sql!("process_read"), &[&ids]).await? {
        let process = rows::process(&row)?;
        found.insert(process.id.0, process);
    }
    Ok(found)
}

/// One process, if it exists.
pub(crate) async fn find_process(
    tx: &Tx<'_>,
    process: ProcessId,
) -> Result<Option<ProcessRow>, Fault> {
    let ids = vec![process.0];
    let found = tx.row(sql!("process_read"), &[&ids]).await?;
    found.as_ref().map(rows::process).transpose()
}
