//! The fence: the row by which a database knows that a part of a step is done, and by whom it may still be done.
//!
//! It is written in the very transaction of the part, so effect and checkpoint are one (P5). A commit whose outcome nobody
//! knows is never decided by looking: the next attempt raises the fence first, and what the row then says stays true. In a
//! pipeline with a workspace the row is only written while that workspace is not gone.

use super::fault;
use super::pool::Session;
use carril_model::contract::{StepCall, StepDone, StepError, TableRows};
use serde_json::{Map, Value};
use tokio_postgres::types::{Json, ToSql, Type};

/// The one transaction of an SQL step, and the one of a publish.
const PART: &str = "main";

/// Whose fence row it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    execution: i64,
    run: i64,
    step: i32,
    fence: i64,
    first: bool,
    /// Whether the execution has a workspace here, which must not be gone.
    with_lane: bool,
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
    pub(crate) fn of(call: &StepCall, with_lane: bool) -> Self {
        Self {
            execution: call.execution().0,
            run: i64::from(call.run().0),
            step: i32::from(call.step.0),
            fence: call.fence().0,
            first: call.first,
            with_lane,
        }
    }

    /// Whether nobody can have tried before, so that there is nothing to establish.
    pub(crate) const fn is_first(&self) -> bool {
        self.first
    }

    /// Establishes the attempt; the caller commits it before the part begins. A first attempt needs none.
    ///
    /// # Errors
    /// `CAR0504` when a newer attempt has begun or the workspace is gone; else as the server says.
    pub(crate) async fn begin(&self, session: &Session) -> Result<Begun, StepError> {
        let failed = |error| fault::step(&error, "raising the fence: ");
        let values: [(&(dyn ToSql + Sync), Type); 6] = [
            (&self.execution, Type::INT8),
            (&self.run, Type::INT8),
            (&self.step, Type::INT4),
            (&PART, Type::TEXT),
            (&self.fence, Type::INT8),
            (&self.with_lane, Type::BOOL),
        ];
        let start = include_str!("../../sql/target/fence_start.sql");
        if session
            .query_typed_opt(start, &values)
            .await
            .map_err(failed)?
            .is_some()
        {
            return Ok(Begun::Go);
        }
        let read = include_str!("../../sql/target/fence_read.sql");
        let row = session
            .query_typed_opt(read, &values[..4])
            .await
            .map_err(failed)?;
        match row.map(|row| (row.get::<_, bool>(0), row.get::<_, Option<Json<Value>>>(1))) {
            Some((true, outcome)) => Ok(Begun::Done(outcome_from(outcome.map(|told| told.0)))),
            _ => Err(fault::fenced()),
        }
    }

    /// Marks the part done, as the last statement of the transaction `began`.
    ///
    /// # Errors
    /// `CAR0504` when the fence is another's; the transaction must then be rolled back.
    pub(crate) async fn finish(
        &self,
        session: &Session,
        done: &StepDone,
        began: &str,
    ) -> Result<(), StepError> {
        let statement = if self.first {
            include_str!("../../sql/target/fence_insert_done.sql")
        } else {
            include_str!("../../sql/target/fence_finish.sql")
        };
        let outcome = Json(outcome_of(done));
        let values: [(&(dyn ToSql + Sync), Type); 8] = [
            (&self.execution, Type::INT8),
            (&self.run, Type::INT8),
            (&self.step, Type::INT4),
            (&PART, Type::TEXT),
            (&self.fence, Type::INT8),
            (&outcome, Type::JSON),
            (&self.with_lane, Type::BOOL),
            (&began, Type::TEXT),
        ];
        let row = session
            .query_typed_opt(statement, &values)
            .await
            .map_err(|error| fault::step(&error, "writing the fence: "))?;
        match row {
            Some(_) => Ok(()),
            None => Err(fault::fenced()),
        }
    }
}

/// What was achieved, as the fence row keeps it.
fn outcome_of(done: &StepDone) -> Value {
    let mut fields = Map::new();
    if let Some(output) = &done.output {
        fields.insert("output".to_owned(), output.clone());
    }
    let rows = serde_json::to_value(&done.rows).expect("names and numbers are JSON");
    fields.insert("rows".to_owned(), rows);
    Value::Object(fields)
}

/// An outcome that cannot be read is still an outcome: the part is done, only what it told is lost.
fn outcome_from(told: Option<Value>) -> StepDone {
    let Some(Value::Object(mut fields)) = told else {
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

#[cfg(test)]
mod tests;
