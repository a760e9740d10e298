//! The fence: the row by which a database knows that a part of a step is done, and by whom it may still be done.
//!
//! It is written in the very transaction of the part, so effect and checkpoint are one (P5). A commit whose outcome nobody
//! knows is never decided by looking: the next attempt raises the fence first, and what the row then says stays true.

use super::fault;
use carril_model::contract::{ErrorClass, StepCall, StepDone, StepError, TableRows};
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value};

/// The one transaction of an SQL step, and the one of a publish.
pub(crate) const PART: &str = "main";

/// Whose fence row it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    execution: i64,
    run: u32,
    step: u16,
    fence: i64,
    first: bool,
}

/// What an attempt finds when it begins.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Nobody has done the part; nobody earlier can any more.
    Go,
    /// It has been done, with this outcome.
    Done(StepDone),
}

impl Key {
    pub(crate) fn of(call: &StepCall) -> Self {
        Self {
            execution: call.execution().0,
            run: call.run().0,
            step: call.step.0,
            fence: call.fence().0,
            first: call.first,
        }
    }

    /// Establishes the attempt, in a transaction of its own; a first attempt needs none.
    ///
    /// # Errors
    /// `CAR0504` when a newer attempt has begun; else as SQLite says.
    pub(crate) fn begin(&self, connection: &Connection) -> Result<Begun, StepError> {
        if self.first {
            return Ok(Begun::Go);
        }
        let doing = "raising the fence: ";
        let start = include_str!("../../sql/target/fence_start.sql");
        let changed = connection
            .prepare_cached(start)
            .and_then(|mut statement| {
                statement.execute(params![
                    self.execution,
                    self.run,
                    self.step,
                    PART,
                    self.fence
                ])
            })
            .map_err(|error| fault::step(&error, doing))?;
        if changed == 1 {
            return Ok(Begun::Go);
        }
        let read = include_str!("../../sql/target/fence_read.sql");
        let row: Option<(Option<i64>, Option<String>)> = connection
            .prepare_cached(read)
            .and_then(|mut statement| {
                statement
                    .query_row(params![self.execution, self.run, self.step, PART], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })
                    .optional()
            })
            .map_err(|error| fault::step(&error, doing))?;
        match row {
            Some((Some(_), outcome)) => Ok(Begun::Done(outcome_from(&outcome.unwrap_or_default()))),
            _ => Err(fenced()),
        }
    }

    /// Marks the part done, as the last statement of its transaction.
    ///
    /// # Errors
    /// `CAR0504` when the fence is another's; the transaction must then be rolled back.
    pub(crate) fn finish(
        &self,
        connection: &Connection,
        done: &StepDone,
        now: Timestamp,
    ) -> Result<(), StepError> {
        let statement = if self.first {
            include_str!("../../sql/target/fence_insert_done.sql")
        } else {
            include_str!("../../sql/target/fence_finish.sql")
        };
        let changed = connection
            .prepare_cached(statement)
            .and_then(|mut statement| {
                statement.execute(params![
                    self.execution,
                    self.run,
                    self.step,
                    PART,
                    self.fence,
                    outcome_text(done),
                    now.0
                ])
            })
            .map_err(|error| fault::step(&error, "writing the fence: "))?;
        if changed == 1 { Ok(()) } else { Err(fenced()) }
    }
}

/// Makes the fence's table where it is missing.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(include_str!("../../sql/target/create_fence.sql"))
}

fn fenced() -> StepError {
    StepError::new(
        fault::FENCED,
        ErrorClass::Fenced,
        "a newer claim or attempt owns this step; nothing of this attempt was kept",
    )
}

/// What was achieved, as the fence row keeps it.
fn outcome_text(done: &StepDone) -> String {
    let mut fields = Map::new();
    if let Some(output) = &done.output {
        fields.insert("output".to_owned(), output.clone());
    }
    let rows = serde_json::to_value(&done.rows).expect("names and numbers are JSON");
    fields.insert("rows".to_owned(), rows);
    Value::Object(fields).to_string()
}

/// An outcome that cannot be read is still an outcome: the part is done, only what it told is lost.
fn outcome_from(text: &str) -> StepDone {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
        return StepDone::default();
    };
    let rows: Vec<TableRows> = fields
        .remove("rows")
        .and_then(|rows| serde_json::from_value(rows).ok())
        .unwrap_or_default();
    StepDone {
        output: fields.remove("output"),
        rows,
        log: None,
    }
}
