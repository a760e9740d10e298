//! Lane keys: of all unsettled executions with one key, exactly one is the head, and only a head may be claimed.
//!
//! The head is whoever runs; else it is of the process that was launched first: its first that could run, else its first that
//! waits. Whoever waits in the middle of its segment stays the head until it has a lane again. So a lane parked at a barrier lets the others of its own process pass (they must reach the barrier too), while
//! those of later processes stay behind it. An execution that runs again goes before the parked ones of later processes:
//! otherwise two processes could each wait at their barrier for a key that the other one keeps.
//!
//! The table `lane` lists who has a key. Entries of settled executions stay in it for a while, and those of a launch come in
//! late, because they lie all over it: see [`Sweep`] and [`Coming`]. Where many settled ones have one key, whoever had to read
//! past them takes them out.

mod coming;
mod sweep;

pub(crate) use coming::{Coming, enter};
pub(crate) use sweep::{Entry, Sweep};

use super::deltas::Deltas;
use super::fault::OrFault;
use super::rows::{account, flag, get, sums_json};
use super::session::execute;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Fault, Owned};
use carril_model::time::Timestamp;
use rusqlite::{Connection, ToSql, params};
use std::collections::BTreeSet;

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

/// The same for the lane key of a head that has just settled or parked; nobody else of the key can be its head. Gives the key,
/// if the execution has one.
pub(crate) fn pass_on(
    connection: &Connection,
    deltas: &mut Deltas,
    owned: Owned,
    at: Timestamp,
) -> Result<Option<i64>, Fault> {
    let own = owned.execution.0;
    let listed = listed(connection, sql!("lane_shared"), own, Some(own))?;
    let Some(lane_hash) = listed.lane_hash.filter(|_| listed.is_taken) else {
        return Ok(listed.lane_hash);
    };
    let Some(head) = next_in_line(connection, lane_hash)? else {
        return Ok(Some(lane_hash));
    };
    if head.id != own {
        execute(connection, sql!("lane_give_up"), params![own])?;
    }
    install(connection, deltas, &head, at)?;
    Ok(Some(lane_hash))
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

/// Lists a further execution under its lane key, which somebody may have already. Tells whether nobody had: then it is the head.
pub(crate) fn join(
    connection: &Connection,
    coming: &Coming,
    lane_hash: i64,
    execution: i64,
) -> Result<bool, Fault> {
    let is_first = is_free(connection, coming, lane_hash)?;
    enter(connection, &[(lane_hash, execution)])?;
    Ok(is_first)
}

/// Whether no unsettled execution has this lane key. One that has it and is to be listed later is listed now.
pub(crate) fn is_free(
    connection: &Connection,
    coming: &Coming,
    lane_hash: i64,
) -> Result<bool, Fault> {
    if let Some(other) = coming.get(lane_hash) {
        enter(connection, &[(lane_hash, other)])?;
        return Ok(false);
    }
    Ok(!listed(connection, sql!("lane_of_key"), lane_hash, None)?.is_taken)
}

/// What is listed under a lane key.
struct Listed {
    lane_hash: Option<i64>,
    /// Whether somebody unsettled is, apart from the one who asks.
    is_taken: bool,
}

fn listed(
    connection: &Connection,
    query: &str,
    value: i64,
    own: Option<i64>,
) -> Result<Listed, Fault> {
    let mut passed: Vec<Entry> = Vec::new();
    let mut found = Listed {
        lane_hash: None,
        is_taken: false,
    };
    let mut statement = connection.prepare_cached(query).or_fault()?;
    let mut rows = statement.query([value]).or_fault()?;
    while let Some(row) = rows.next().or_fault()? {
        let (execution, lane_hash): (i64, i64) = (get(row, 0)?, get(row, 2)?);
        found.lane_hash = Some(lane_hash);
        if Some(execution) == own {
            continue;
        }
        let state: Option<i64> = get(row, 1)?;
        if state.is_some_and(|state| state < SETTLED_FROM) {
            found.is_taken = true;
            break;
        }
        passed.push((lane_hash, execution));
    }
    drop(rows);
    if passed.len() >= PASSED_MAX {
        sweep::take_out(connection, passed.into_iter())?;
    }
    Ok(found)
}

/// Takes everything that is settled off the lists: what an engine that died had not yet swept.
pub(crate) fn sweep_all(connection: &Connection) -> Result<(), Fault> {
    execute(connection, sql!("lane_sweep_all"), &[])?;
    Ok(())
}
