//! Entering, the sign of life, and leaving: what one engine finds of others', and leaves for them.
//!
//! A node is an engine with a lease, on the database's clock. Its signs of life renew it; when it has run out, whoever comes
//! first, entering or giving its own sign of life, ends the node and makes its executions pending again, charged to `recovering`
//! since it was last seen. From then on it changes nothing any more: every transaction looks whether its node is over, and
//! tokens grow with the next claim. After the database itself was down every lease gets a fresh period.

use super::commit::{process_rows, see};
use super::desk::{CHUNK, Desk};
use super::fault::damaged;
use super::hot;
use super::launch::remove_launch;
use super::neighbours::Seen;
use super::rows::{int, text};
use super::session::{Session, Turn, Tx};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Entered, Fault, NodeInfo, Owned};
use carril_model::id::{NodeId, ProcessId};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;

/// Registers this engine and takes over what dead ones left.
pub(crate) async fn enter(
    session: &mut Session,
    info: &NodeInfo,
    now: Timestamp,
) -> Result<Entered, Fault> {
    // Who enters again over the same store has lost its connection, and knows best that nothing of what it was goes on: the
    // turnstile waits for what it may have left under way on the server.
    let before = session.node.map(|node| node.0);
    let entered = session
        .write_unentered(Turn::Alone, async |tx| {
            let (host, command) = (text(&info.host), text(&info.command));
            let pid = i64::from(info.pid);
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&host, &pid, &command, &now.0, &tx.lease_millis];
            let row = tx.row(sql!("node_enter"), &values).await?;
            let row = row.ok_or_else(|| damaged("a node that entered has no number"))?;
            let node = NodeId(int(&row, 0)?);
            let taken = take_over(tx, node, before, now).await?;
            let unsettled = ids(tx, sql!("processes_unsettled")).await?;
            Ok(Entered {
                node,
                launches_removed: taken.launches_removed,
                reclaimed: taken.reclaimed,
                unsettled: process_rows(tx, &unsettled).await?,
                rolling_back: adopt_rollbacks(tx, node).await?,
            })
        })
        .await?;
    session.node = Some(entered.node);
    session.seen = now;
    session.neighbours = Seen::default();
    session.allotted.clear();
    if let Some(ear) = &session.ear {
        ear.is_of(entered.node.0);
    }
    session.stir_all().await;
    Ok(entered)
}

/// Says that this engine is alive, and takes over what engines left that are not; the processes in which it took something back.
pub(crate) async fn beat(session: &mut Session, now: Timestamp) -> Result<Vec<ProcessId>, Fault> {
    let done = try_beat(session, now).await;
    done.map_err(|fault| session.undone(fault))
}

async fn try_beat(session: &mut Session, now: Timestamp) -> Result<Vec<ProcessId>, Fault> {
    let dead = session
        .write(Turn::Shared, async |tx| {
            see(tx, now).await?;
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&tx.node.0, &tx.lease_millis, &None::<i64>];
            Ok(!tx.rows(sql!("node_former"), &values).await?.is_empty())
        })
        .await?;
    session.seen = now;
    if !dead {
        return Ok(Vec::new());
    }
    let taken = session
        .write(Turn::Alone, async |tx| {
            take_over(tx, tx.node, None, now).await
        })
        .await?;
    session.stir();
    Ok(taken.processes)
}

/// Hands back what this engine still claims.
pub(crate) async fn leave(session: &mut Session, now: Timestamp) -> Result<(), Fault> {
    session
        .write(Turn::Alone, async |tx| {
            let queued = Cause::plain(CauseKind::Queued);
            hand_back(tx, tx.node.0, &queued, now, &mut Taken::default()).await?;
            tx.execute(sql!("allotment_remove"), &[&tx.node.0]).await?;
            tx.exactly(1, sql!("node_end"), &[&tx.node.0, &now.0]).await
        })
        .await?;
    session.node = None;
    session.stir_all().await;
    Ok(())
}

/// What was taken over from dead engines.
#[derive(Default)]
struct Taken {
    launches_removed: u64,
    reclaimed: u64,
    /// Where something may be claimed now.
    processes: Vec<ProcessId>,
}

/// Ends every engine whose lease has run out, and takes over what it left.
async fn take_over(
    tx: &Tx<'_>,
    node: NodeId,
    before: Option<i64>,
    now: Timestamp,
) -> Result<Taken, Fault> {
    let mut taken = Taken::default();
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&node.0, &tx.lease_millis, &before];
    let recovering = Cause::plain(CauseKind::Recovering);
    for row in tx.rows(sql!("node_former"), &values).await? {
        let (former, seen) = (int(&row, 0)?, Timestamp(int(&row, 1)?));
        tx.exactly(1, sql!("node_end"), &[&former, &seen.0]).await?;
        // What it had of shared limits is free from here on, and not before.
        tx.execute(sql!("allotment_remove"), &[&former]).await?;
        tracing::info!(node = former, "the lease of a node has run out");
        hand_back(tx, former, &recovering, seen, &mut taken).await?;
    }
    for process in ids(tx, sql!("launches_unfinished")).await? {
        remove_launch(tx, ProcessId(process), now).await?;
        taken.launches_removed += 1;
    }
    Ok(taken)
}

/// Makes everything that an engine runs pending again: its attempts under way were interrupted, none is spent. While its process
/// is paused, an execution waits for that.
async fn hand_back(
    tx: &Tx<'_>,
    node: i64,
    cause: &Cause,
    at: Timestamp,
    taken: &mut Taken,
) -> Result<(), Fault> {
    let mut above = 0_i64;
    loop {
        let mut desk = Desk::default();
        let found = hot::all(tx, sql!("executions_running"), &[&node, &above, &CHUNK]).await?;
        let chunk = desk.adopt(found);
        let Some(last) = chunk.last() else {
            return Ok(());
        };
        above = *last;
        for id in chunk {
            let Some(process) = desk.get(id).map(|hot| hot.process) else {
                continue;
            };
            let (_, paused) = desk.place(tx, process).await?;
            let Some(hot) = desk.change(id) else {
                continue;
            };
            let cause = if paused {
                Cause::plain(CauseKind::Paused)
            } else {
                cause.clone()
            };
            hot.account.switch(cause, at);
            hot.state = ExecutionState::Pending;
            hot.node = None;
            let hot = hot.clone();
            desk.interrupt(&hot, at);
            taken.reclaimed += 1;
            if !taken.processes.contains(&ProcessId(process)) {
                taken.processes.push(ProcessId(process));
            }
        }
        desk.flush(tx).await?;
    }
}

/// The executions whose rollback a dead engine had begun: this one goes on with them.
pub(crate) async fn adopt_rollbacks(tx: &Tx<'_>, node: NodeId) -> Result<Vec<Owned>, Fault> {
    let mut desk = Desk::default();
    let found = hot::all(tx, sql!("executions_rolling_back"), &[]).await?;
    let ids = desk.adopt(found);
    let mut adopted = Vec::with_capacity(ids.len());
    for id in ids {
        if let Some(hot) = desk.change(id) {
            hot.node = Some(node.0);
            adopted.push(hot.owned());
        }
    }
    desk.flush(tx).await?;
    Ok(adopted)
}

/// The ids that a query gives.
async fn ids(tx: &Tx<'_>, query: &'static str) -> Result<Vec<i64>, Fault> {
    let found = tx.rows(query, &[]).await?;
    found.iter().map(|row| int(row, 0)).collect()
}
