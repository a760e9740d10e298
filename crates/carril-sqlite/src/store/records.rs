//! Writing the records of a group: each is fenced by the claim inside its own statement, and answered with a verdict.
//!
//! This is the hottest code of the store: most records are ends of steps that have nothing to say, and those take one
//! statement that is prepared once for the whole group.

use super::deltas::Deltas;
use super::fault::OrFault;
use super::hot::{self, Hot};
use super::lanes;
use super::rows::{close, get, list_json, sums_json, to_json};
use super::session::Session;
use carril_model::account::{Cause, TimeAccount};
use carril_model::contract::{Change, Fault, Owned, Record, StepEnd, StepError, TableRows, Verdict};
use carril_model::id::StepId;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use std::collections::{HashMap, HashSet};

/// How a claimed run ended.
struct End<'a> {
    state: ExecutionState,
    at: Timestamp,
    account: &'a TimeAccount,
    error: Option<&'a (StepId, StepError)>,
    warnings: u32,
}

/// What a fenced change of an execution's row says about it.
struct Changed {
    process: i64,
    per_process: bool,
    lane_hash: Option<i64>,
    cancelling: bool,
}

/// Writes the records of one group.
pub(crate) struct Records<'c> {
    connection: &'c Connection,
    session: &'c mut Session,
    deltas: &'c mut Deltas,
    step_end: Option<CachedStatement<'c>>,
}

impl<'c> Records<'c> {
    /// For one transaction on `connection`.
    pub(crate) const fn new(connection: &'c Connection, session: &'c mut Session, deltas: &'c mut Deltas) -> Self {
        Self { connection, session, deltas, step_end: None }
    }

    /// Writes them in order and tells what became of each.
    pub(crate) fn write(&mut self, records: &[Record]) -> Result<Vec<Verdict>, Fault> {
        let covered = covered(records);
        let mut verdicts = Vec::with_capacity(records.len());
        for (at, record) in records.iter().enumerate() {
            let verdict = if covered.contains_key(&at) { Verdict::Lost } else { self.apply(record)? };
            verdicts.push(verdict);
        }
        for (at, by) in covered {
            verdicts[at] = verdicts[by];
        }
        Ok(verdicts)
    }

    fn apply(&mut self, record: &Record) -> Result<Verdict, Fault> {
        let owned = record.owned;
        let changed = match &record.change {
            Change::StepEnded(end) => self.step_ended(owned, end)?,
            Change::StepBegan { step, attempt, at } => {
                let values = params![owned.execution.0, owned.run.0, step.0, attempt, at.0, owned.token.0];
                self.fenced(sql!("step_begin"), values)?
            }
            Change::Cause { account } => self.account(sql!("cause_write"), owned, account)?,
            Change::Waited { step, cause, from, until } => self.waited(owned, *step, cause, *from, *until)?,
            Change::Parked { segment, account } => self.parked(owned, *segment, account)?,
            Change::Settled { state, at, account, error, warnings } => {
                self.settled(owned, &End { state: *state, at: *at, account, error: error.as_ref(), warnings: *warnings })?
            }
            Change::Released { account } => self.released(owned, account)?,
            Change::RolledBack { at, rows } => self.rolled_back(owned, *at, rows)?,
        };
        Ok(if changed { Verdict::Done } else { Verdict::Lost })
    }

    fn fenced(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> Result<bool, Fault> {
        let changed = self.connection.prepare_cached(statement).or_fault()?.execute(values).or_fault()?;
        Ok(changed == 1)
    }

    fn step_ended(&mut self, owned: Owned, end: &StepEnd) -> Result<bool, Fault> {
        let micros = end.ended.micros_since(end.began);
        let (execution, run, token) = (owned.execution.0, owned.run.0, owned.token.0);
        let (step, attempt, state, began) = (end.step.0, end.attempt, end.state.code(), end.began.0);
        let changed = if says_nothing(end) {
            let values = params![execution, run, step, attempt, state, began, micros, token];
            self.plain_end()?.execute(values).or_fault()? == 1
        } else {
            let output = end.output.as_ref().map(to_json);
            let error = end.error.as_ref().map(to_json);
            let retry_at = end.retry_at.map(|at| at.0);
            let (rows, waits) = (list_json(&end.rows), list_json(&end.waits));
            let values = params![
                execution, run, step, attempt, state, began, micros, token, end.failures, end.fallback, retry_at, end.reason, output, rows, error, waits
            ];
            self.fenced(sql!("step_end_full"), values)?
        };
        if let (true, Some(log)) = (changed, &end.log) {
            self.fenced(sql!("step_log_write"), params![execution, run, step, attempt, log])?;
        }
        Ok(changed)
    }

    /// The statement of the hot case, looked up once per group.
    fn plain_end(&mut self) -> Result<&mut CachedStatement<'c>, Fault> {
        if self.step_end.is_none() {
            self.step_end = Some(self.connection.prepare_cached(sql!("step_end")).or_fault()?);
        }
        Ok(self.step_end.as_mut().expect("it was put there just now"))
    }

    fn account(&self, statement: &str, owned: Owned, account: &TimeAccount) -> Result<bool, Fault> {
        let cause = account.cause();
        let sums = sums_json(account);
        let values =
            params![owned.execution.0, owned.run.0, owned.token.0, cause.kind.name(), cause.about, account.since().0, sums];
        self.fenced(statement, values)
    }

    fn waited(&self, owned: Owned, step: Option<StepId>, cause: &Cause, from: Timestamp, until: Timestamp) -> Result<bool, Fault> {
        let step = step.map_or(-1, |step| i64::from(step.0));
        let micros = until.micros_since(from);
        let values =
            params![owned.execution.0, owned.run.0, owned.token.0, from.0, cause.kind.name(), step, micros, cause.about];
        self.fenced(sql!("wait_write"), values)
    }

    fn settled(&mut self, owned: Owned, end: &End<'_>) -> Result<bool, Fault> {
        let cause = end.account.cause();
        let sums = sums_json(end.account);
        let (step, error) = end.error.map_or((None, None), |(step, error)| (Some(step.0), Some(to_json(error))));
        let values = params![
            owned.execution.0, owned.run.0, owned.token.0, end.state.code(), end.at.0, cause.kind.name(), cause.about,
            end.account.since().0, sums, step, error, end.warnings
        ];
        let mut statement = self.connection.prepare_cached(sql!("execution_settle")).or_fault()?;
        let changed = statement.query_row(values, |row| Ok(of_row(row, false))).optional().or_fault()?;
        drop(statement);
        let Some(changed) = changed.transpose()? else { return Ok(false) };
        self.deltas.open(changed.process, -1);
        if !changed.per_process {
            self.deltas.settled(changed.process, end.state, 1);
        }
        self.session.sweep.add(owned.execution.0);
        if let Some(lane_hash) = changed.lane_hash {
            lanes::elect(self.connection, self.deltas, changed.process, lane_hash, end.at)?;
        }
        Ok(true)
    }

    fn parked(&mut self, owned: Owned, segment: u32, account: &TimeAccount) -> Result<bool, Fault> {
        let cause = account.cause();
        let values = params![
            owned.execution.0, owned.run.0, owned.token.0, segment, cause.kind.name(), cause.about, account.since().0, sums_json(account)
        ];
        let mut statement = self.connection.prepare_cached(sql!("execution_park")).or_fault()?;
        let changed = statement.query_row(values, |row| Ok(of_row(row, true))).optional().or_fault()?;
        drop(statement);
        let Some(changed) = changed.transpose()? else { return Ok(false) };
        self.deltas.open(changed.process, -1);
        if changed.cancelling {
            self.end_parked(owned, account.since())?;
        } else if let Some(lane_hash) = changed.lane_hash {
            lanes::elect(self.connection, self.deltas, changed.process, lane_hash, account.since())?;
        }
        Ok(true)
    }

    /// It was asked to stop while it was on its way to the barrier: waiting ones settle at once, so this one does now.
    fn end_parked(&mut self, owned: Owned, at: Timestamp) -> Result<(), Fault> {
        let hot = Hot::read(self.connection, owned.execution)?;
        match hot {
            Some(mut hot) => hot.end(self.connection, self.session, self.deltas, ExecutionState::Cancelled, None, at),
            None => Ok(()),
        }
    }

    fn released(&self, owned: Owned, account: &TimeAccount) -> Result<bool, Fault> {
        let changed = self.account(sql!("execution_release"), owned, account)?;
        if changed {
            let values = params![owned.execution.0, owned.run.0, account.since().0];
            self.connection.prepare_cached(sql!("steps_interrupt")).or_fault()?.execute(values).or_fault()?;
        }
        Ok(changed)
    }

    fn rolled_back(&mut self, owned: Owned, at: Timestamp, rows: &[TableRows]) -> Result<bool, Fault> {
        let Some(mut hot) = Hot::read(self.connection, owned.execution)? else { return Ok(false) };
        if !hot.rolling_back || hot.run != owned.run || hot.token != owned.token.0 {
            return Ok(false);
        }
        hot::one(self.connection, sql!("run_history_write"), params![hot.id, hot.state.code(), at.0, list_json(rows)])?;
        close(&mut hot.account, at);
        let cause = hot.account.cause();
        let values = params![
            hot.id, hot.run.0, hot.token, at.0, cause.kind.name(), cause.about, hot.account.since().0, sums_json(&hot.account)
        ];
        hot::one(self.connection, sql!("execution_rolled_back"), values)?;
        self.deltas.touch(hot.process);
        if !hot.per_process {
            self.deltas.settled(hot.process, hot.state, -1);
            self.deltas.settled(hot.process, ExecutionState::RolledBack, 1);
        }
        Ok(true)
    }
}

/// `process_id, per_process, lane_hash[, cancelling]`, as the fenced changes return them.
fn of_row(row: &rusqlite::Row<'_>, with_cancelling: bool) -> Result<Changed, Fault> {
    Ok(Changed {
        process: get(row, 0)?,
        per_process: super::rows::flag(row, 1)?,
        lane_hash: get(row, 2)?,
        cancelling: with_cancelling && super::rows::flag(row, 3)?,
    })
}

/// Whether an end has nothing in its optional fields.
fn says_nothing(end: &StepEnd) -> bool {
    end.failures == 0
        && !end.fallback
        && end.retry_at.is_none()
        && end.reason.is_none()
        && end.output.is_none()
        && end.rows.is_empty()
        && end.error.is_none()
        && end.waits.is_empty()
}

/// Records that a later one of the same group makes needless, and which: a beginning whose end is there, a cause that is
/// followed by a newer account. They share the later one's verdict.
fn covered(records: &[Record]) -> HashMap<usize, usize> {
    let mut covered = HashMap::new();
    if !records.iter().any(|record| matches!(record.change, Change::StepBegan { .. } | Change::Cause { .. })) {
        return covered;
    }
    let mut ends = HashMap::with_capacity(records.len());
    let mut accounts: HashMap<Owned, usize> = HashMap::new();
    let mut begins = HashSet::new();
    for (at, record) in records.iter().enumerate().rev() {
        match &record.change {
            Change::StepEnded(end) => {
                ends.entry((record.owned, end.step, end.attempt)).or_insert(at);
            }
            Change::StepBegan { step, attempt, .. } => {
                let key = (record.owned, *step, *attempt);
                if let (Some(by), true) = (ends.get(&key), begins.insert(key)) {
                    covered.insert(at, *by);
                }
            }
            Change::Cause { .. } => {
                if let Some(by) = accounts.get(&record.owned) {
                    covered.insert(at, *by);
                }
                accounts.entry(record.owned).or_insert(at);
            }
            Change::Parked { .. } | Change::Settled { .. } | Change::Released { .. } => {
                accounts.entry(record.owned).or_insert(at);
            }
            Change::Waited { .. } | Change::RolledBack { .. } => {}
        }
    }
    covered
}

#[cfg(test)]
mod tests;
