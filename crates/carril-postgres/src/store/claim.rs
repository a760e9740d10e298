//! Claiming: a pending head of its lane key becomes this node's, with a token that nobody had before.
//!
//! Two engines that claim at the same time pass over each other's rows, so they share out what is there and wait for nobody.

use super::desk::Desk;
use super::hot;
use super::rows::{get, int, json, step};
use super::session::Tx;
use super::wake;
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Claim, Claimed, Fault, StepRow};
use carril_model::id::{ExecutionId, Run};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use futures_util::future::{try_join, try_join3};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// An entity's key and attributes.
type Entity = (String, Map<String, Value>);

/// Claims up to `claim.max` executions, in order of id; none while the process is not running or must wait for another.
pub(crate) async fn claim(
    tx: &Tx<'_>,
    desk: &mut Desk,
    claim: Claim,
    at: Timestamp,
) -> Result<Vec<Claimed>, Fault> {
    if claim.max == 0 {
        return Ok(Vec::new());
    }
    let max = i64::from(claim.max);
    let found = hot::all(tx, sql!("claim_find"), &[&claim.process.0, &max]).await?;
    let ids = desk.adopt(found);
    let mut claimed = Vec::with_capacity(ids.len());
    for id in &ids {
        let Some(hot) = desk.change(*id) else {
            continue;
        };
        let fresh = hot.started_at.is_none();
        hot.account.switch(Cause::plain(CauseKind::Running), at);
        hot.token += 1;
        hot.state = ExecutionState::Running;
        hot.node = Some(tx.node.0);
        hot.started_at = hot.started_at.or(Some(hot.account.since()));
        hot.parked = false;
        claimed.push(Claimed {
            owned: hot.owned(),
            segment: hot.segment,
            entity_key: None,
            attributes: Map::new(),
            account: hot.account.clone(),
            fresh,
            steps: Vec::new(),
            cancelling: hot.cancelling,
            signals: Vec::new(),
        });
    }
    if !claimed.is_empty() {
        let unread = |id: &&i64| desk.get(**id).is_some_and(|hot| hot.unread > 0);
        let called: Vec<i64> = ids.iter().filter(unread).copied().collect();
        let known = complete(tx, &called, &mut claimed);
        try_join(desk.flush(tx), known).await?;
    }
    Ok(claimed)
}

/// Brings everything that is known of the runs that were claimed; those of `called` have signals that nobody has taken.
async fn complete(tx: &Tx<'_>, called: &[i64], claimed: &mut [Claimed]) -> Result<(), Fault> {
    let ids: Vec<i64> = claimed.iter().map(|one| one.owned.execution.0).collect();
    // A first claim of a first run has nothing to read; a later run may have taken steps over.
    let known = claimed
        .iter()
        .filter(|one| !one.fresh || one.owned.run.0 > 1)
        .map(|one| (one.owned.execution, one.owned.run));
    let known: Vec<(ExecutionId, Run)> = known.collect();
    let (mut entities, mut steps, mut signals) = try_join3(
        entities(tx, &ids),
        latest_steps(tx, &known),
        wake::unread(tx, called),
    )
    .await?;
    for one in claimed {
        let id = one.owned.execution.0;
        if let Some((key, attributes)) = entities.remove(&id) {
            one.entity_key = Some(key);
            one.attributes = attributes;
        }
        one.steps = steps.remove(&id).unwrap_or_default();
        one.signals = signals.remove(&id).unwrap_or_default();
    }
    Ok(())
}

async fn entities(tx: &Tx<'_>, ids: &[i64]) -> Result<HashMap<i64, Entity>, Fault> {
    let mut entities = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(entities);
    }
    for row in tx.rows(sql!("entity_read"), &[&ids]).await? {
        let attributes = json(&row, 2)?.unwrap_or_default();
        entities.insert(int(&row, 0)?, (get(&row, 1)?, attributes));
    }
    Ok(entities)
}

/// The latest attempt of each step of these runs, in order of steps.
pub(crate) async fn latest_steps(
    tx: &Tx<'_>,
    runs: &[(ExecutionId, Run)],
) -> Result<HashMap<i64, Vec<StepRow>>, Fault> {
    let mut latest: HashMap<i64, Vec<StepRow>> = HashMap::new();
    if runs.is_empty() {
        return Ok(latest);
    }
    let executions: Vec<i64> = runs.iter().map(|(execution, _)| execution.0).collect();
    let numbers: Vec<i64> = runs.iter().map(|(_, run)| i64::from(run.0)).collect();
    let query = sql!("steps_of_run");
    for row in tx.rows(query, &[&executions, &numbers]).await? {
        let steps = latest.entry(int(&row, 0)?).or_default();
        let step = step(&row, 1)?;
        if steps.last().is_some_and(|last| last.step == step.step) {
            steps.pop();
        }
        steps.push(step);
    }
    Ok(latest)
}
