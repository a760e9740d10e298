//! The hot row of an execution, as changes from outside its claim need it: cancel, rollback, rerun, advance, enter.
//!
//! Changes by the claim itself are in `records`; they read nothing first.

use super::deltas::Deltas;
use super::fault::{OrFault, damaged};
use super::rows::{account, close, execution_state, flag, get, run, sums_json};
use super::session::{Session, execute};
use carril_model::account::TimeAccount;
use carril_model::contract::{Fault, Owned};
use carril_model::id::{ExecutionId, ProcessId, Run, Token};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

/// Executions that are read at once when a whole process is gone through.
const CHUNK: i64 = 1_000;

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
}

impl Hot {
    /// From the columns of `execution_hot.sql` and its kin.
    pub(crate) fn of(row: &Row<'_>) -> Result<Self, Fault> {
        Ok(Self {
            id: get(row, 0)?,
            process: get(row, 1)?,
            run: run(row, 2)?,
            token: get(row, 3)?,
            state: execution_state(get(row, 4)?)?,
            segment: super::rows::small(row, 5)?,
            per_process: flag(row, 6)?,
            lane_hash: get(row, 7)?,
            rolling_back: flag(row, 8)?,
            cancelling: flag(row, 9)?,
            account: account(row, 10)?,
            parked: flag(row, 14)?,
            unread: super::rows::small(row, 15)?,
        })
    }

    /// The execution with this id, if there is one.
    pub(crate) fn read(connection: &Connection, id: ExecutionId) -> Result<Option<Self>, Fault> {
        let mut statement = connection
            .prepare_cached(sql!("execution_hot"))
            .or_fault()?;
        statement
            .query_row([id.0], |row| Ok(Self::of(row)))
            .optional()
            .or_fault()?
            .transpose()
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

    /// Settles an unsettled execution from outside its claim, with all that follows for tallies and attempts. Its lane key is
    /// the caller's to elect a head for, once everybody who is to settle has.
    pub(crate) fn end(
        &mut self,
        connection: &Connection,
        session: &mut Session,
        deltas: &mut Deltas,
        state: ExecutionState,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Fault> {
        // Whoever decided it may have done so before the last thing that was written of it.
        let at = at.max(self.account.since());
        close(&mut self.account, at);
        let cause = self.account.cause();
        let sums = sums_json(&self.account);
        let values = params![
            self.id,
            self.state.code(),
            state.code(),
            at.0,
            cause.kind.name(),
            cause.about,
            self.account.since().0,
            sums,
            error
        ];
        one(connection, sql!("execution_end"), values)?;
        // Whatever state it is in, it may have attempts or waits of its own: it was woken, or handed back.
        execute(
            connection,
            sql!("steps_cancel"),
            params![self.id, self.run.0, at.0],
        )?;
        if self.segment == segment_of(connection, self.process)? {
            deltas.open(self.process, -1);
        }
        if self.parked {
            if self.state == ExecutionState::Waiting {
                deltas.waiting(self.process, -1);
            }
            execute(connection, sql!("wake_key_remove"), params![self.id])?;
        }
        deltas.touch(self.process);
        if !self.per_process {
            deltas.settled(self.process, state, 1);
        }
        self.state = state;
        if let Some(lane_hash) = self.lane_hash {
            session.sweep.add(lane_hash, self.id);
        }
        Ok(())
    }
}

/// Goes through a process's executions that `query` gives, chunk by chunk, so that memory does not grow with the process.
///
/// `query` takes process, the id above which to go on, the last id and the chunk's size, then `more`. What `each` changes may
/// take rows out of the query, never bring new ones in below the last id seen.
pub(crate) fn for_each(
    connection: &Connection,
    query: &str,
    process: ProcessId,
    more: &[&dyn ToSql],
    mut each: impl FnMut(Hot) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some((first, last)) = range(connection, process)? else {
        return Ok(());
    };
    let mut above = first - 1;
    loop {
        let mut values: Vec<&dyn ToSql> = vec![&process.0, &above, &last, &CHUNK];
        values.extend_from_slice(more);
        let mut chunk = Vec::new();
        {
            let mut statement = connection.prepare_cached(query).or_fault()?;
            let mut rows = statement.query(values.as_slice()).or_fault()?;
            while let Some(row) = rows.next().or_fault()? {
                chunk.push(Hot::of(row)?);
            }
        }
        let Some(latest) = chunk.last() else {
            return Ok(());
        };
        above = latest.id;
        for hot in chunk {
            each(hot)?;
        }
    }
}

/// Between which ids a process's executions lie, or `None` when there is no such process.
pub(crate) fn range(
    connection: &Connection,
    process: ProcessId,
) -> Result<Option<(i64, i64)>, Fault> {
    let mut statement = connection
        .prepare_cached(sql!("process_range"))
        .or_fault()?;
    statement
        .query_row([process.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .or_fault()
}

/// Runs a statement that must change exactly one row, because the transaction has just read it.
pub(crate) fn one(
    connection: &Connection,
    statement: &str,
    values: &[&dyn ToSql],
) -> Result<(), Fault> {
    let changed = execute(connection, statement, values)?;
    if changed == 1 {
        return Ok(());
    }
    Err(damaged(format!(
        "a row that was just read changed {changed} times"
    )))
}

/// The segment that a process is in.
pub(crate) fn segment_of(connection: &Connection, process: i64) -> Result<u32, Fault> {
    let mut statement = connection
        .prepare_cached(sql!("process_segment"))
        .or_fault()?;
    statement
        .query_row([process], |row| Ok(super::rows::small(row, 0)))
        .or_fault()?
}
