//! The hot row of an execution: read whole, changed in memory by the rules that every store has, and written back with others.
//!
//! Who reads rows, and when they are written, is [`super::desk`]'s.

use super::fault::damaged;
use super::rows::{
    account, execution_state, flag, get, int, maybe, owned_text, run, small, sums_json, time,
};
use super::session::Tx;
use carril_model::account::TimeAccount;
use carril_model::contract::{Fault, Owned};
use carril_model::id::{ExecutionId, ProcessId, Run, Token};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// An execution's hot row.
#[derive(Debug, Clone)]
pub(crate) struct Hot {
    pub(crate) id: i64,
    pub(crate) process: i64,
    pub(crate) run: Run,
    pub(crate) token: i64,
    pub(crate) state: ExecutionState,
    pub(crate) segment: u32,
    pub(crate) per_process: bool,
    pub(crate) lane_hash: Option<i64>,
    pub(crate) rolling_back: bool,
    pub(crate) cancelling: bool,
    pub(crate) account: TimeAccount,
    /// Whether it is parked, or was woken, in the middle of its segment.
    pub(crate) parked: bool,
    /// Signals that no step has taken.
    pub(crate) unread: u32,
    /// Whether it heads its lane key.
    pub(crate) ready: bool,
    pub(crate) warnings: u32,
    /// Who claims it, or did last in this run.
    pub(crate) node: Option<i64>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) failed_step: Option<i64>,
    /// JSON.
    pub(crate) error: Option<String>,
    pub(crate) wake_at: Option<Timestamp>,
    /// Token and state as they are in the database.
    was: (i64, i64),
    changed: bool,
}

impl Hot {
    /// From the columns of `execution_hot.sql` and its kin.
    pub(crate) fn of(row: &Row) -> Result<Self, Fault> {
        let (token, state) = (int(row, 3)?, int(row, 4)?);
        Ok(Self {
            id: int(row, 0)?,
            process: int(row, 1)?,
            run: run(row, 2)?,
            token,
            state: execution_state(state)?,
            segment: small(row, 5)?,
            per_process: flag(row, 6)?,
            lane_hash: maybe(row, 7)?,
            rolling_back: flag(row, 8)?,
            cancelling: flag(row, 9)?,
            account: account(row, 10)?,
            parked: flag(row, 14)?,
            unread: small(row, 15)?,
            ready: flag(row, 16)?,
            warnings: small(row, 17)?,
            node: maybe(row, 18)?,
            started_at: time(row, 19)?,
            ended_at: time(row, 20)?,
            failed_step: maybe(row, 21)?,
            error: get(row, 22)?,
            wake_at: time(row, 23)?,
            was: (token, state),
            changed: false,
        })
    }

    /// Whose it is now.
    pub(crate) const fn owned(&self) -> Owned {
        Owned {
            process: ProcessId(self.process),
            execution: ExecutionId(self.id),
            run: self.run,
            token: Token(self.token),
            per_process: self.per_process,
        }
    }

    /// Whether a claim is the one that runs it.
    pub(crate) fn is_run_by(&self, owned: Owned) -> bool {
        self.state == ExecutionState::Running
            && self.token == owned.token.0
            && self.run == owned.run
            && self.process == owned.process.0
            && self.per_process == owned.per_process
    }

    /// 1 if it runs and did not when it was last written, -1 for the contrary.
    pub(crate) fn now_running(&self) -> i64 {
        let running = ExecutionState::Running.code();
        i64::from(self.state.code() == running) - i64::from(self.was.1 == running)
    }

    /// Notes that it is to be written.
    pub(crate) const fn change(&mut self) {
        self.changed = true;
    }

    /// Whether it is to be written.
    pub(crate) const fn is_changed(&self) -> bool {
        self.changed
    }

    /// It was written.
    pub(crate) const fn written(&mut self) {
        self.was = (self.token, self.state.code());
        self.changed = false;
    }
}

/// All rows that a query gives.
pub(crate) async fn all(
    tx: &Tx<'_>,
    query: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Hot>, Fault> {
    tx.rows(query, values).await?.iter().map(Hot::of).collect()
}

/// Executions as the columns that `execution_write.sql` takes.
#[derive(Default)]
struct Columns {
    numbers: [Vec<i64>; 10],
    maybe: [Vec<Option<i64>>; 5],
    flags: [Vec<bool>; 4],
    causes: Vec<&'static str>,
    texts: [Vec<Option<String>>; 3],
}

impl Columns {
    fn push(&mut self, hot: &Hot) {
        let cause = hot.account.cause();
        let numbers = [
            hot.id,
            hot.was.0,
            hot.was.1,
            i64::from(hot.run.0),
            hot.token,
            hot.state.code(),
            i64::from(hot.segment),
            i64::from(hot.warnings),
            i64::from(hot.unread),
            hot.account.since().0,
        ];
        let maybe = [
            hot.node,
            hot.started_at.map(|at| at.0),
            hot.ended_at.map(|at| at.0),
            hot.failed_step,
            hot.wake_at.map(|at| at.0),
        ];
        let flags = [hot.ready, hot.cancelling, hot.rolling_back, hot.parked];
        let texts = [
            cause.about.as_deref().map(owned_text),
            sums_json(&hot.account),
            hot.error.clone(),
        ];
        for (column, value) in self.numbers.iter_mut().zip(numbers) {
            column.push(value);
        }
        for (column, value) in self.maybe.iter_mut().zip(maybe) {
            column.push(value);
        }
        for (column, value) in self.flags.iter_mut().zip(flags) {
            column.push(value);
        }
        for (column, value) in self.texts.iter_mut().zip(texts) {
            column.push(value);
        }
        self.causes.push(cause.kind.name());
    }
}

/// Writes executions that the transaction has read and changed, given in order of id.
pub(crate) async fn write(tx: &Tx<'_>, changed: &[&Hot]) -> Result<(), Fault> {
    if changed.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    for hot in changed {
        columns.push(hot);
    }
    let Columns {
        numbers:
            [
                ids,
                tokens_before,
                states_before,
                runs,
                tokens,
                states,
                segments,
                warnings,
                unread,
                since,
            ],
        maybe: [nodes, started, ended, failed_steps, wakes],
        flags: [ready, cancelling, rolling_back, parked],
        causes,
        texts: [abouts, sums, errors],
    } = &columns;
    let values: &[&(dyn ToSql + Sync)] = &[
        ids,
        tokens_before,
        states_before,
        runs,
        tokens,
        states,
        segments,
        ready,
        cancelling,
        rolling_back,
        parked,
        warnings,
        unread,
        nodes,
        since,
        causes,
        abouts,
        sums,
        started,
        ended,
        failed_steps,
        errors,
        wakes,
    ];
    tx.exactly(changed.len(), sql!("execution_write"), values)
        .await
}

/// Between which ids a process's executions lie, or `None` when there is no such process.
pub(crate) async fn range(tx: &Tx<'_>, process: ProcessId) -> Result<Option<(i64, i64)>, Fault> {
    let found = tx.row(sql!("process_range"), &[&process.0]).await?;
    found
        .map(|row| Ok((int(&row, 0)?, int(&row, 1)?)))
        .transpose()
}

/// The segment that a process is in, and whether it is paused.
pub(crate) async fn place(tx: &Tx<'_>, process: i64) -> Result<(u32, bool), Fault> {
    let row = tx.row(sql!("process_segment"), &[&process]).await?;
    let row = row.ok_or_else(|| damaged(format!("process {process} has executions and no row")))?;
    let paused = carril_model::state::ProcessState::Paused.code();
    Ok((small(&row, 0)?, int(&row, 1)? == paused))
}
