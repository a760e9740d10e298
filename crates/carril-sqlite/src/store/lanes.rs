//! Lane keys: of all unsettled executions with one key, exactly one is the head, and only a head may be claimed.
//!
//! A key belongs to one process at a time. Inside it the head is whoever runs; else the first that could; else the first that
//! waits. So a lane parked at a barrier lets the others of its own process pass (they must reach the barrier too), while
//! those of other processes stay behind it. When the owner has nobody left, the key goes to the process of the smallest id.
//!
//! Entries of settled executions stay in the index `execution_lane` for a while: they lie all over it, and taking them out
//! one by one would write a page for each. [`Sweep`] takes out many at once.

use super::deltas::Deltas;
use super::fault::OrFault;
use super::rows::{account, flag, get, sums_json};
use super::session::execute;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Fault, Owned};
use carril_model::time::Timestamp;
use rusqlite::{Connection, params};

/// How many settled executions wait to be taken out of the lane index at once: each page of it is then written once for
/// many entries, and the sweep takes about a millisecond.
const SWEEP_AT: usize = 512;

const PENDING: i64 = 0;
const RUNNING: i64 = 1;

/// One unsettled execution of a lane key.
struct Peer {
    id: i64,
    process: i64,
    state: i64,
    segment: i64,
    ready: bool,
    account: TimeAccount,
}

/// Makes the right one the head of a lane key, after `process` changed something about it.
pub(crate) fn elect(
    connection: &Connection,
    deltas: &mut Deltas,
    process: i64,
    lane_hash: i64,
    at: Timestamp,
) -> Result<(), Fault> {
    let peers = peers(connection, sql!("lane_peers"), lane_hash)?;
    elect_among(connection, deltas, &peers, process, at)
}

/// The same for the lane key of an execution that has just settled or parked.
pub(crate) fn pass_on(
    connection: &Connection,
    deltas: &mut Deltas,
    owned: Owned,
    at: Timestamp,
) -> Result<(), Fault> {
    let peers = peers(connection, sql!("lane_peers_of"), owned.execution.0)?;
    elect_among(connection, deltas, &peers, owned.process.0, at)
}

fn elect_among(
    connection: &Connection,
    deltas: &mut Deltas,
    peers: &[Peer],
    process: i64,
    at: Timestamp,
) -> Result<(), Fault> {
    let Some(owner) = owner(peers, process) else {
        return Ok(());
    };
    let Some(head) = head(peers, owner) else {
        return Ok(());
    };
    for peer in peers {
        let ready = peer.id == head;
        if peer.ready != ready {
            appoint(connection, peer, ready, at)?;
            if ready && peer.state == PENDING {
                deltas.wake(peer.process);
            }
        }
    }
    Ok(())
}

/// The process that has the key: the head's; else the one that just gave it up, if it still wants it; else the first in line.
fn owner(peers: &[Peer], process: i64) -> Option<i64> {
    let held = peers
        .iter()
        .find(|peer| peer.ready)
        .map(|peer| peer.process);
    let wanted = peers
        .iter()
        .find(|peer| peer.process == process)
        .map(|peer| peer.process);
    held.or(wanted).or(peers.first().map(|peer| peer.process))
}

fn head(peers: &[Peer], owner: i64) -> Option<i64> {
    let rank = |peer: &Peer| match peer.state {
        RUNNING => (0, 0, peer.id),
        PENDING => (1, 0, peer.id),
        _ => (2, peer.segment, peer.id),
    };
    peers
        .iter()
        .filter(|peer| peer.process == owner)
        .min_by_key(|peer| rank(peer))
        .map(|peer| peer.id)
}

fn appoint(connection: &Connection, peer: &Peer, ready: bool, at: Timestamp) -> Result<(), Fault> {
    let mut account = peer.account.clone();
    if peer.state == PENDING {
        account.switch(pending_cause(ready), at);
    }
    let cause = account.cause();
    let values = params![
        peer.id,
        ready,
        cause.kind.name(),
        cause.about,
        account.since().0,
        sums_json(&account)
    ];
    execute(connection, sql!("lane_head"), values)?;
    Ok(())
}

/// The peers that `query` finds for a lane hash or an execution.
fn peers(connection: &Connection, query: &str, of: i64) -> Result<Vec<Peer>, Fault> {
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut rows = statement.query([of]).or_fault()?;
    let mut peers = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        peers.push(Peer {
            id: get(row, 0)?,
            process: get(row, 1)?,
            state: get(row, 2)?,
            segment: get(row, 3)?,
            ready: flag(row, 4)?,
            account: account(row, 5)?,
        });
    }
    Ok(peers)
}

/// What a pending execution waits for: a lane, or the one before it.
pub(crate) const fn pending_cause(ready: bool) -> Cause {
    Cause::plain(if ready {
        CauseKind::Queued
    } else {
        CauseKind::Key
    })
}

/// Whether an unsettled execution has this lane key already.
pub(crate) fn is_taken(connection: &Connection, lane_hash: i64) -> Result<bool, Fault> {
    connection
        .prepare_cached(sql!("lane_taken"))
        .or_fault()?
        .query_row([lane_hash], |row| row.get(0))
        .or_fault()
}

/// Settled executions that are still in the lane index. Forgetting them is harmless: entering sweeps what is left.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    settled: Vec<i64>,
}

impl Sweep {
    /// Remembers an execution that has settled.
    pub(crate) fn add(&mut self, execution: i64) {
        self.settled.push(execution);
    }

    /// Takes the settled ones out of the index when there are many. What is taken out in a transaction that is then rolled back
    /// stays in the index until the next engine enters.
    pub(crate) fn run(&mut self, connection: &Connection) -> Result<(), Fault> {
        if self.settled.len() < SWEEP_AT {
            return Ok(());
        }
        let mut statement = connection.prepare_cached(sql!("lane_sweep")).or_fault()?;
        for execution in self.settled.drain(..) {
            statement.execute([execution]).or_fault()?;
        }
        Ok(())
    }
}

/// Takes every settled execution out of the lane index.
pub(crate) fn sweep_all(connection: &Connection) -> Result<(), Fault> {
    execute(connection, sql!("lane_sweep_all"), &[])?;
    Ok(())
}
