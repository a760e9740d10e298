//! Claiming: a pending head of its lane key becomes this node's, with a token that nobody had before.

use super::fault::OrFault;
use super::hot::one;
use super::rows::{self as rows_of, account, flag, get, json, run, sums_json};
use super::wake;
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Claim, Claimed, Fault, Owned, StepRow};
use carril_model::id::{ExecutionId, NodeId, ProcessId, Run, Token};
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

/// A row that may be claimed.
struct Candidate {
    execution: i64,
    run: Run,
    token: i64,
    per_process: bool,
    cancelling: bool,
    fresh: bool,
    account: TimeAccount,
    unread: u32,
}

impl Candidate {
    /// Whose it is once it is claimed: the token has grown.
    const fn owned(&self, process: ProcessId) -> Owned {
        Owned {
            process,
            execution: ExecutionId(self.execution),
            run: self.run,
            token: Token(self.token + 1),
            per_process: self.per_process,
        }
    }
}

/// Claims up to `claim.max` executions, in order of id; none while the process is not running or must wait for another.
pub(crate) fn claim(
    connection: &Connection,
    node: NodeId,
    claim: Claim,
    at: Timestamp,
) -> Result<Vec<Claimed>, Fault> {
    if claim.max == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare_cached(sql!("claim_segment"))
        .or_fault()?;
    let segment = statement
        .query_row([claim.process.0], |row| Ok(rows_of::small(row, 0)))
        .optional()
        .or_fault()?;
    let Some(segment) = segment.transpose()? else {
        return Ok(Vec::new());
    };
    let candidates = candidates(connection, claim, segment)?;
    candidates
        .iter()
        .map(|candidate| take(connection, node, claim, segment, candidate, at))
        .collect()
}

fn candidates(
    connection: &Connection,
    claim: Claim,
    segment: u32,
) -> Result<Vec<Candidate>, Fault> {
    let mut statement = connection.prepare_cached(sql!("claim_find")).or_fault()?;
    let mut rows = statement
        .query(params![claim.process.0, segment, claim.max])
        .or_fault()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        found.push(Candidate {
            execution: get(row, 0)?,
            run: run(row, 1)?,
            token: get(row, 2)?,
            per_process: flag(row, 3)?,
            cancelling: flag(row, 4)?,
            fresh: flag(row, 5)?,
            account: account(row, 6)?,
            unread: rows_of::small(row, 10)?,
        });
    }
    Ok(found)
}

fn take(
    connection: &Connection,
    node: NodeId,
    claim: Claim,
    segment: u32,
    candidate: &Candidate,
    at: Timestamp,
) -> Result<Claimed, Fault> {
    let (execution, run, fresh) = (candidate.execution, candidate.run, candidate.fresh);
    let mut account = candidate.account.clone();
    account.switch(Cause::plain(CauseKind::Running), at);
    let values = params![
        execution,
        candidate.token,
        node.0,
        account.since().0,
        sums_json(&account)
    ];
    one(connection, sql!("claim_take"), values)?;
    let (entity_key, attributes) = entity(connection, execution)?;
    // A first claim of a first run has nothing to read; a later run may have taken steps over.
    let steps = if fresh && run.0 == 1 {
        Vec::new()
    } else {
        latest_steps(connection, ExecutionId(execution), run)?
    };
    Ok(Claimed {
        owned: candidate.owned(claim.process),
        segment,
        entity_key,
        attributes,
        account,
        fresh,
        steps,
        cancelling: candidate.cancelling,
        signals: if candidate.unread == 0 {
            Vec::new()
        } else {
            wake::unread(connection, execution)?
        },
    })
}

fn entity(
    connection: &Connection,
    execution: i64,
) -> Result<(Option<String>, Map<String, Value>), Fault> {
    let mut statement = connection.prepare_cached(sql!("entity_read")).or_fault()?;
    let found = statement
        .query_row([execution], |row| {
            Ok(get::<String>(row, 0).and_then(|key| Ok((key, json(row, 1)?.unwrap_or_default()))))
        })
        .optional()
        .or_fault()?
        .transpose()?;
    Ok(match found {
        Some((key, attributes)) => (Some(key), attributes),
        None => (None, Map::new()),
    })
}

/// The latest attempt of each step of a run.
pub(crate) fn latest_steps(
    connection: &Connection,
    execution: ExecutionId,
    run: Run,
) -> Result<Vec<StepRow>, Fault> {
    let mut statement = connection.prepare_cached(sql!("steps_of_run")).or_fault()?;
    let mut rows = statement.query(params![execution.0, run.0]).or_fault()?;
    let mut steps: Vec<StepRow> = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        let step = rows_of::step(row)?;
        if steps.last().is_some_and(|last| last.step == step.step) {
            steps.pop();
        }
        steps.push(step);
    }
    Ok(steps)
}
