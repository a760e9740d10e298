//! Lane keys: of all unsettled executions with one key, exactly one is the head, and only a head may be claimed.
//!
//! The head is whoever runs; else it is of the process that was launched first: its first that could run, else its first that
//! waits. Whoever waits in the middle of its segment stays the head until it has a lane again. So a lane parked at a barrier lets
//! the others of its own process pass (they must reach the barrier too), while those of later processes stay behind it. An
//! execution that runs again goes before the parked ones of later processes: otherwise two processes could each wait at their
//! barrier for a key that the other one keeps.
//!
//! A partial index lists the unsettled executions of each key, so nothing is ever swept. Who changes the head of a key is the
//! engine that runs its head, or alone in the store.

use super::desk::Desk;
use super::hot::Hot;
use super::rows::flag;
use super::session::Tx;
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::Fault;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use std::collections::BTreeMap;

/// The column of `lane_heads.sql` that tells whose turn it is from who heads the key.
const NEXT: usize = 24;

/// Makes the right one the head of every lane key that was freed.
pub(crate) async fn elect(tx: &Tx<'_>, desk: &mut Desk) -> Result<(), Fault> {
    if desk.freed.is_empty() {
        return Ok(());
    }
    let freed = std::mem::take(&mut desk.freed);
    let keys: Vec<i64> = freed.keys().copied().collect();
    // Right behind what is written, and therefore prepared before.
    tx.prepare(sql!("execution_write")).await?;
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&keys];
    let asked = tx.rows(sql!("lane_heads"), &values);
    let (_, found) = futures_util::future::try_join(desk.flush(tx), asked).await?;
    let mut of_key: BTreeMap<i64, (Vec<i64>, Option<i64>)> = BTreeMap::new();
    for row in found {
        let (hot, is_next) = (Hot::of(&row)?, flag(&row, NEXT)?);
        let Some(lane_hash) = hot.lane_hash else {
            continue;
        };
        let (heads, next) = of_key.entry(lane_hash).or_default();
        if is_next {
            *next = Some(hot.id);
        } else {
            heads.push(hot.id);
        }
        desk.adopt(vec![hot]);
    }
    for (lane_hash, (heads, next)) in of_key {
        if let (Some(next), Some(at)) = (next, freed.get(&lane_hash)) {
            hand_over(tx, desk, &heads, next, *at).await?;
        }
    }
    Ok(())
}

async fn hand_over(
    tx: &Tx<'_>,
    desk: &mut Desk,
    heads: &[i64],
    next: i64,
    at: Timestamp,
) -> Result<(), Fault> {
    // Who is parked in the middle of its segment keeps its key, as if it ran.
    let keeps = |hot: &Hot| hot.state == ExecutionState::Running || hot.parked;
    if heads.iter().filter_map(|id| desk.get(*id)).any(keeps) {
        return Ok(());
    }
    for id in heads.iter().filter(|id| **id != next) {
        appoint(tx, desk, *id, false, at).await?;
    }
    if desk.get(next).is_some_and(|hot| !hot.ready) {
        appoint(tx, desk, next, true, at).await?;
        let pending = desk
            .get(next)
            .filter(|hot| hot.state == ExecutionState::Pending)
            .map(|hot| hot.process);
        if let Some(process) = pending {
            desk.deltas.wake(process);
        }
    }
    Ok(())
}

/// Says whether an execution heads its lane key, and charges its account for the change; a paused one goes on being paused.
async fn appoint(
    tx: &Tx<'_>,
    desk: &mut Desk,
    id: i64,
    ready: bool,
    at: Timestamp,
) -> Result<(), Fault> {
    let Some(process) = desk.get(id).map(|hot| hot.process) else {
        return Ok(());
    };
    let (_, paused) = desk.place(tx, process).await?;
    if let Some(hot) = desk.change(id) {
        hot.ready = ready;
        if hot.state == ExecutionState::Pending {
            let cause = if paused {
                Cause::plain(CauseKind::Paused)
            } else {
                pending_cause(ready)
            };
            hot.account.switch(cause, at);
        }
    }
    Ok(())
}

/// What a pending execution waits for: a lane, or the one before it.
pub(crate) const fn pending_cause(ready: bool) -> Cause {
    Cause::plain(if ready {
        CauseKind::Queued
    } else {
        CauseKind::Key
    })
}
