//! Lane keys: of all unsettled executions with one key, exactly one is the head, and only a head may be claimed.
//!
//! The head is whoever runs; else it is of the process that was launched first: its first that could run, else its first that
//! waits. Whoever waits in the middle of its segment stays the head until it has a lane again. So a lane parked at a barrier lets the others of its own process pass (they must reach the barrier too), while
//! those of later processes stay behind it. An execution that runs again goes before the parked ones of later processes:
//! otherwise two processes could each wait at their barrier for a key that the other one keeps.
//!
//! Entries of settled executions stay in the index `execution_lane` for a while: they lie all over it, and taking them out
//! one by one would write a page for each. [`Sweep`] takes out many at once; where many of them have one key, whoever had to
//! read past them takes them out.

use super::deltas::Deltas;
use super::fault::OrFault;
use super::rows::{account, flag, get, sums_json};
use super::session::execute;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Fault, Owned};
use carril_model::time::Timestamp;
use rusqlite::{Connection, ToSql, params};
use std::collections::BTreeSet;

/// How many settled executions wait to be taken out of the lane index at once: each page of it is then written once for
/// many entries, and the sweep takes about a millisecond.
const SWEEP_AT: usize = 512;

/// How many settled executions of one key are read past before they are taken out. They lie on the same page.
const PASSED_MAX: usize = 16;

const PENDING: i64 = 0;
const RUNNING: i64 = 1;
/// Codes of settled states begin here.
const SETTLED_FROM: i64 = 3;

/// One unsettled execution of a lane key.
struct Peer {
    id: i64,
    process: i64,
    state: i64,
    ready: bool,
    account: TimeAccount,
    /// It waits, or was woken, in the middle of its segment.
    parked: bool,
}

/// Makes the right one the head of a lane key, after something about it changed from outside a claim.
pub(crate) fn elect(
    connection: &Connection,
    deltas: &mut Deltas,
    lane_hash: i64,
    at: Timestamp,
) -> Result<(), Fault> {
    let mut before = peers(connection, sql!("lane_ready"), &[&lane_hash])?;
    // Who is parked in the middle of its segment keeps its key, as if it ran.
    if before
        .iter()
        .any(|peer| peer.state == RUNNING || peer.parked)
    {
        return Ok(());
    }
    let Some(head) = next_in_line(connection, lane_hash)? else {
        return Ok(());
    };
    before.retain(|peer| peer.id != head.id);
    for peer in before {
        appoint(connection, &peer, false, at)?;
    }
    install(connection, deltas, &head, at)
}

/// The same for several keys, each once.
pub(crate) fn elect_all(
    connection: &Connection,
    deltas: &mut Deltas,
    keys: &BTreeSet<i64>,
    at: Timestamp,
) -> Result<(), Fault> {
    keys.iter()
        .try_for_each(|lane_hash| elect(connection, deltas, *lane_hash, at))
}

/// The same for the lane key of a head that has just settled or parked; nobody else of the key can be its head.
pub(crate) fn pass_on(
    connection: &Connection,
    deltas: &mut Deltas,
    owned: Owned,
    at: Timestamp,
) -> Result<(), Fault> {
    let Some(lane_hash) = first_open(connection, sql!("lane_shared"), owned.execution.0)? else {
        return Ok(());
    };
    let Some(head) = next_in_line(connection, lane_hash)? else {
        return Ok(());
    };
    if head.id != owned.execution.0 {
        execute(connection, sql!("lane_give_up"), params![owned.execution.0])?;
    }
    install(connection, deltas, &head, at)
}

/// Whose turn it is while nobody of the key runs.
fn next_in_line(connection: &Connection, lane_hash: i64) -> Result<Option<Peer>, Fault> {
    let first = peers(connection, sql!("lane_first"), &[&lane_hash])?.pop();
    match first {
        Some(first) if first.state != PENDING => {
            let of_process = sql!("lane_first_of_process");
            Ok(peers(connection, of_process, &[&lane_hash, &first.process])?.pop())
        }
        first => Ok(first),
    }
}

fn install(
    connection: &Connection,
    deltas: &mut Deltas,
    head: &Peer,
    at: Timestamp,
) -> Result<(), Fault> {
    if !head.ready {
        appoint(connection, head, true, at)?;
        if head.state == PENDING {
            deltas.wake(head.process);
        }
    }
    Ok(())
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

fn peers(connection: &Connection, query: &str, values: &[&dyn ToSql]) -> Result<Vec<Peer>, Fault> {
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut rows = statement.query(values).or_fault()?;
    let mut peers = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        peers.push(Peer {
            id: get(row, 0)?,
            process: get(row, 1)?,
            state: get(row, 2)?,
            ready: flag(row, 3)?,
            account: account(row, 4)?,
            parked: flag(row, 8)?,
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
    Ok(first_open(connection, sql!("lane_of_key"), lane_hash)?.is_some())
}

/// The lane key of the first unsettled execution that `query` gives for `value`, if there is one.
fn first_open(connection: &Connection, query: &str, value: i64) -> Result<Option<i64>, Fault> {
    let mut passed = Vec::new();
    let mut first = None;
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut rows = statement.query([value]).or_fault()?;
    while let Some(row) = rows.next().or_fault()? {
        if get::<i64>(row, 1)? < SETTLED_FROM {
            first = Some(get(row, 2)?);
            break;
        }
        passed.push(get::<i64>(row, 0)?);
    }
    drop(rows);
    if passed.len() >= PASSED_MAX {
        sweep(connection, &passed)?;
    }
    Ok(first)
}

fn sweep(connection: &Connection, settled: &[i64]) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(sql!("lane_sweep")).or_fault()?;
    for execution in settled {
        statement.execute([execution]).or_fault()?;
    }
    Ok(())
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
        sweep(connection, &self.settled)?;
        self.settled.clear();
        Ok(())
    }
}

/// Takes every settled execution out of the lane index.
pub(crate) fn sweep_all(connection: &Connection) -> Result<(), Fault> {
    execute(connection, sql!("lane_sweep_all"), &[])?;
    Ok(())
}
