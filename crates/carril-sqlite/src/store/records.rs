//! Writing the records of a group: each is fenced by the claim inside its own statement, and answered with a verdict.
//!
//! This is the hottest code of the store: most records are ends of steps that have nothing to say, and those take one
//! statement that is prepared once for the whole group.

use super::changes::cancelled_error;
use super::deltas::Deltas;
use super::fault::OrFault;
use super::hot::{self, Hot};
use super::lanes;
use super::rows::{close, list_json, sums_json, to_json};
use super::session::{Session, execute};
use super::wake;
use carril_model::account::TimeAccount;
use carril_model::contract::{
    Change, Fault, Owned, Record, StepEnd, StepError, TableRows, Until, Verdict,
};
use carril_model::id::StepId;
use carril_model::retry::mix;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::{CachedStatement, Connection, params};
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// How a claimed run ended.
struct End<'a> {
    state: ExecutionState,
    at: Timestamp,
    account: &'a TimeAccount,
    error: Option<&'a (StepId, StepError)>,
    warnings: u32,
}

/// Writes the records of one group.
pub(crate) struct Records<'c> {
    connection: &'c Connection,
    session: &'c mut Session,
    deltas: &'c mut Deltas,
    at: Timestamp,
    step_end: Option<CachedStatement<'c>>,
}

impl<'c> Records<'c> {
    /// For one transaction on `connection`, as of `at`.
    pub(crate) const fn new(
        connection: &'c Connection,
        session: &'c mut Session,
        deltas: &'c mut Deltas,
        at: Timestamp,
    ) -> Self {
        Self {
            connection,
            session,
            deltas,
            at,
            step_end: None,
        }
    }

    /// Writes them in order and tells what became of each.
    pub(crate) fn write(&mut self, records: &[Record]) -> Result<Vec<Verdict>, Fault> {
        let covered = covered(records);
        let mut needless = covered.iter().rev().map(|(at, _)| *at).peekable();
        let mut verdicts = Vec::with_capacity(records.len());
        for (at, record) in records.iter().enumerate() {
            let verdict = if needless.next_if_eq(&at).is_some() {
                Verdict::Lost
            } else {
                self.apply(record)?
            };
            verdicts.push(verdict);
        }
        // From the last to the first: what covers may itself be covered by a later one.
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
                let values = params![
                    owned.execution.0,
                    owned.run.0,
                    step.0,
                    attempt,
                    at.0,
                    owned.token.0
                ];
                self.fenced(sql!("step_begin"), values)?
            }
            Change::Cause { account } => self.account(sql!("cause_write"), owned, account)?,
            Change::Waited { .. } => self.waited(owned, &record.change)?,
            Change::StepWaits {
                step,
                attempt,
                began,
                until,
                question,
            } => {
                let step = wake::StepWait {
                    step: *step,
                    attempt: *attempt,
                    began: *began,
                    until: *until,
                    question: question.as_deref(),
                };
                wake::step_waits(self.connection, owned, &step)?
            }
            Change::SignalTaken { signal, step } => {
                wake::take(self.connection, owned, *signal, *step, self.at)?
            }
            Change::Parked { until, account } => match until {
                Until::Segment(segment) => self.parked(owned, *segment, account)?,
                Until::Woken { at, keys } => self.waits(owned, *at, keys, account)?,
            },
            Change::Settled {
                state,
                at,
                account,
                error,
                warnings,
            } => self.settled(
                owned,
                &End {
                    state: *state,
                    at: *at,
                    account,
                    error: error.as_ref(),
                    warnings: *warnings,
                },
            )?,
            Change::Released { account } => self.released(owned, account)?,
            Change::RolledBack { at, rows } => self.rolled_back(owned, *at, rows)?,
        };
        Ok(if changed {
            Verdict::Done
        } else {
            Verdict::Lost
        })
    }

    fn fenced(&self, statement: &str, values: &[&dyn rusqlite::ToSql]) -> Result<bool, Fault> {
        let changed = execute(self.connection, statement, values)?;
        Ok(changed == 1)
    }

    fn step_ended(&mut self, owned: Owned, end: &StepEnd) -> Result<bool, Fault> {
        let micros = end.ended.micros_since(end.began);
        let (execution, run) = (owned.execution.0, owned.run.0);
        let values = params![
            execution,
            run,
            end.step.0,
            end.attempt,
            end.state.code(),
            end.began.0,
            micros,
            owned.token.0
        ];
        let changed = self.plain_end()?.execute(values).or_fault()? == 1;
        if changed && !says_nothing(end) {
            let (output, error) = (
                end.output.as_ref().map(to_json),
                end.error.as_ref().map(to_json),
            );
            let (rows, waits) = (list_json(&end.rows), list_json(&end.waits));
            let retry_at = end.retry_at.map(|at| at.0);
            let (step, attempt, failures, fallback) =
                (end.step.0, end.attempt, end.failures, end.fallback);
            let values = params![
                execution, run, step, attempt, failures, fallback, retry_at, end.reason, output,
                rows, error, waits
            ];
            hot::one(self.connection, sql!("step_detail_write"), values)?;
        }
        if let (true, Some(log)) = (changed, &end.log) {
            hot::one(
                self.connection,
                sql!("step_log_write"),
                params![execution, run, end.step.0, end.attempt, log],
            )?;
        }
        Ok(changed)
    }

    /// The statement of the hot case, looked up once per group.
    fn plain_end(&mut self) -> Result<&mut CachedStatement<'c>, Fault> {
        if self.step_end.is_none() {
            self.step_end = Some(
                self.connection
                    .prepare_cached(sql!("step_end"))
                    .or_fault()?,
            );
        }
        Ok(self.step_end.as_mut().expect("it was put there just now"))
    }

    fn account(&self, statement: &str, owned: Owned, account: &TimeAccount) -> Result<bool, Fault> {
        let cause = account.cause();
        let sums = sums_json(account);
        let values = params![
            owned.execution.0,
            owned.run.0,
            owned.token.0,
            cause.kind.name(),
            cause.about,
            account.since().0,
            sums
        ];
        self.fenced(statement, values)
    }

    fn waited(&self, owned: Owned, change: &Change) -> Result<bool, Fault> {
        let Change::Waited {
            step,
            cause,
            from,
            until,
            lock,
        } = change
        else {
            return Ok(false);
        };
        let step = step.map_or(-1, |step| i64::from(step.0));
        let micros = until.micros_since(*from);
        let lock = lock.as_deref();
        let values = params![
            owned.execution.0,
            owned.run.0,
            owned.token.0,
            from.0,
            cause.kind.name(),
            step,
            micros,
            cause.about,
            lock.map(|lock| lock.blocker.to_string()),
            lock.map(to_json)
        ];
        self.fenced(sql!("wait_write"), values)
    }

    fn settled(&mut self, owned: Owned, end: &End<'_>) -> Result<bool, Fault> {
        let cause = end.account.cause();
        let sums = sums_json(end.account);
        let (step, error) = end.error.map_or((None, None), |(step, error)| {
            (Some(step.0), Some(to_json(error)))
        });
        let values = params![
            owned.execution.0,
            owned.run.0,
            owned.token.0,
            owned.process.0,
            owned.per_process,
            end.state.code(),
            end.at.0,
            cause.kind.name(),
            cause.about,
            end.account.since().0,
            sums,
            step,
            error,
            end.warnings
        ];
        if !self.fenced(sql!("execution_settle"), values)? {
            return Ok(false);
        }
        self.deltas.open(owned.process.0, -1);
        if !owned.per_process {
            self.deltas.settled(owned.process.0, end.state, 1);
        }
        let lane_hash = lanes::pass_on(self.connection, self.deltas, owned, end.at)?;
        if let Some(lane_hash) = lane_hash {
            self.session.sweep.add(lane_hash, owned.execution.0);
        }
        Ok(true)
    }

    fn parked(&mut self, owned: Owned, segment: u32, account: &TimeAccount) -> Result<bool, Fault> {
        let cause = account.cause();
        let values = params![
            owned.execution.0,
            owned.run.0,
            owned.token.0,
            owned.process.0,
            owned.per_process,
            segment,
            cause.kind.name(),
            cause.about,
            account.since().0,
            sums_json(account)
        ];
        if !self.fenced(sql!("execution_park"), values)? {
            return Ok(false);
        }
        self.deltas.open(owned.process.0, -1);
        let cancelling = Hot::read(self.connection, owned.execution)?.filter(|hot| hot.cancelling);
        match cancelling {
            // It was asked to stop on its way to the barrier: waiting ones settle at once, so this one does now.
            Some(mut hot) => {
                let state = ExecutionState::Cancelled;
                hot.end(
                    self.connection,
                    self.session,
                    self.deltas,
                    state,
                    None,
                    account.since(),
                )?;
                let key: BTreeSet<i64> = hot.lane_hash.into_iter().collect();
                lanes::elect_all(self.connection, self.deltas, &key, account.since())?;
            }
            None => {
                lanes::pass_on(self.connection, self.deltas, owned, account.since())?;
            }
        }
        Ok(true)
    }

    /// Nothing is left but waiting, in the middle of the segment: the lane key is kept, and what is there already wakes it again.
    fn waits(
        &mut self,
        owned: Owned,
        wake_at: Option<Timestamp>,
        keys: &[String],
        account: &TimeAccount,
    ) -> Result<bool, Fault> {
        let cause = account.cause();
        let values = params![
            owned.execution.0,
            owned.run.0,
            owned.token.0,
            owned.process.0,
            owned.per_process,
            wake_at.map(|at| at.0),
            cause.kind.name(),
            cause.about,
            account.since().0,
            sums_json(account)
        ];
        if !self.fenced(sql!("execution_wait"), values)? {
            return Ok(false);
        }
        for key in keys {
            let values = params![owned.execution.0, key];
            execute(self.connection, sql!("wake_key_insert"), values)?;
        }
        self.deltas.waiting(owned.process.0, 1);
        let Some(mut hot) = Hot::read(self.connection, owned.execution)? else {
            return Ok(false);
        };
        if hot.cancelling {
            // It was asked to stop on its way here: those that wait settle at once, so this one does now.
            let error = cancelled_error("cancelled while it was about to wait");
            let state = ExecutionState::Cancelled;
            let at = account.since();
            hot.end(
                self.connection,
                self.session,
                self.deltas,
                state,
                Some(&error),
                at,
            )?;
            let key: BTreeSet<i64> = hot.lane_hash.into_iter().collect();
            lanes::elect_all(self.connection, self.deltas, &key, at)?;
        } else if hot.unread > 0 && wake::is_called(self.connection, &hot)? {
            let at = account.since();
            wake::go_on(self.connection, self.deltas, hot, at)?;
        }
        Ok(true)
    }

    fn released(&self, owned: Owned, account: &TimeAccount) -> Result<bool, Fault> {
        let changed = self.account(sql!("execution_release"), owned, account)?;
        if changed {
            let values = params![owned.execution.0, owned.run.0, account.since().0];
            execute(self.connection, sql!("steps_interrupt"), values)?;
        }
        Ok(changed)
    }

    fn rolled_back(
        &mut self,
        owned: Owned,
        at: Timestamp,
        rows: &[TableRows],
    ) -> Result<bool, Fault> {
        let Some(mut hot) = Hot::read(self.connection, owned.execution)? else {
            return Ok(false);
        };
        if !hot.rolling_back || hot.run != owned.run || hot.token != owned.token.0 {
            return Ok(false);
        }
        hot::one(
            self.connection,
            sql!("run_history_write"),
            params![hot.id, hot.state.code(), at.0, list_json(rows)],
        )?;
        close(&mut hot.account, at);
        let cause = hot.account.cause();
        let values = params![
            hot.id,
            hot.run.0,
            hot.token,
            at.0,
            cause.kind.name(),
            cause.about,
            hot.account.since().0,
            sums_json(&hot.account)
        ];
        hot::one(self.connection, sql!("execution_rolled_back"), values)?;
        self.deltas.touch(hot.process);
        if !hot.per_process {
            self.deltas.settled(hot.process, hot.state, -1);
            self.deltas
                .settled(hot.process, ExecutionState::RolledBack, 1);
        }
        Ok(true)
    }
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
fn covered(records: &[Record]) -> Vec<(usize, usize)> {
    if !records.iter().any(|record| {
        matches!(
            record.change,
            Change::StepBegan { .. } | Change::Cause { .. }
        )
    }) {
        return Vec::new();
    }
    let mut covered = Vec::new();
    let mut later: HashMap<Key, usize, BuildHasherDefault<KeyHasher>> =
        HashMap::with_capacity_and_hasher(records.len(), BuildHasherDefault::default());
    for (at, record) in records.iter().enumerate().rev() {
        match &record.change {
            Change::StepEnded(end) => {
                // The first end after a beginning covers it; a second one is for the statement to refuse.
                later.insert(Key::attempt(record.owned, end.step, end.attempt), at);
            }
            Change::StepBegan { step, attempt, .. } => {
                // A second beginning of the same attempt is for the statement to refuse.
                let by = later.remove(&Key::attempt(record.owned, *step, *attempt));
                covered.extend(by.map(|by| (at, by)));
            }
            Change::Cause { .. } => {
                let by = later.insert(Key::account(record.owned), at);
                covered.extend(by.map(|by| (at, by)));
            }
            Change::Parked { .. } | Change::Settled { .. } | Change::Released { .. } => {
                later.insert(Key::account(record.owned), at);
            }
            Change::Waited { .. }
            | Change::StepWaits { .. }
            | Change::SignalTaken { .. }
            | Change::RolledBack { .. } => {}
        }
    }
    covered
}

/// What two records of a group may be about alike: an attempt, or (with no step) an account.
#[derive(PartialEq, Eq)]
struct Key {
    owned: Owned,
    step: Option<StepId>,
    attempt: u32,
}

impl Key {
    const fn attempt(owned: Owned, step: StepId, attempt: u32) -> Self {
        Self {
            owned,
            step: Some(step),
            attempt,
        }
    }

    const fn account(owned: Owned) -> Self {
        Self {
            owned,
            step: None,
            attempt: 0,
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let step = self.step.map_or(0xffff, |step| u64::from(step.0));
        state.write_u64(
            self.owned.execution.0.cast_unsigned() ^ (step << 48) ^ (u64::from(self.attempt) << 40),
        );
    }
}

/// Spreads one number. The numbers are our own ids, so nobody chooses them to collide, and the default hasher costs more
/// than the rest of [`covered`].
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0 ^ value);
    }
}

#[cfg(test)]
mod tests;
