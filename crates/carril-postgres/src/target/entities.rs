//! The entities query: one statement, so one snapshot, read in chunks by a cursor on the server.
//!
//! It has a connection of its own, outside the bound: whoever launches does not wait for lanes, and lanes do not wait for a
//! launch. A query of a million rows never stands in memory; when whoever asked goes away the connection is closed, and the
//! query ends. Whether a key is repeated is the launch's to say; a key that is none is refused here.

use super::name::same;
use super::pool::Session;
use super::step::{Ready, Unready, prepare};
use super::stop::Stop;
use super::text::{Written, refusal};
use super::transaction::{LOCK_WAIT, Open, Settings};
use super::value::{Cell, to_postgres};
use super::{PostgresTarget, fault};
use carril_model::contract::{EntityCursor, EntityRow, Pending, TargetError};
use carril_model::definition::SqlText;
use carril_model::sql::{Lookup, Script};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{Error, Row, Statement as Prepared};

/// The longest reading of entities.
const TIME: Duration = Duration::from_secs(3_600);
/// What stands before the query. One line, so that the server's positions need only be shifted.
const DECLARE: &str = "declare carril_entities no scroll cursor for ";
/// Rows of one message: enough that asking costs nothing, few enough to be small.
const FETCH: &str = "fetch forward 1000 from carril_entities";

impl PostgresTarget {
    pub(super) async fn entity_rows(
        &self,
        sql: &SqlText,
        key: &str,
        values: &dyn Lookup,
    ) -> Result<Box<dyn EntityCursor>, TargetError> {
        let script = parse(sql)?;
        let stop = Stop::within(Arc::clone(&self.clock), TIME);
        let settings = Settings {
            name: "carril/entities",
            schema: None,
            lock_wait: LOCK_WAIT,
        };
        let open = Open::begin_extra(&self.pool, &settings, &stop)
            .await
            .map_err(fault::as_target)?;
        let session = open.session;
        let columns = declare(&session, &script, values).await?;
        let names: Vec<String> = columns
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let key = key_position(&names, key)?;
        Ok(Box::new(Cursor {
            session,
            fetch: columns,
            names,
            key,
            rows: VecDeque::new(),
            number: 0,
            ended: false,
        }))
    }
}

fn wrong(message: impl Into<String>, offset: Option<usize>) -> TargetError {
    TargetError::Sql {
        message: message.into(),
        offset,
    }
}

/// Takes the text apart; it must be one statement that reads.
fn parse(sql: &SqlText) -> Result<Script, TargetError> {
    let script =
        Script::parse(&sql.text).map_err(|error| wrong(error.message, Some(error.offset)))?;
    if let Some(at) = script.numbered_placeholder() {
        let text =
            "a placeholder that is a number has no name that a value could have; write `:name`";
        return Err(wrong(text, Some(at)));
    }
    match script.statements() {
        [statement] => {
            if let Some(text) = refusal(&script, statement) {
                return Err(wrong(text, Some(statement.range.start)));
            }
            let reads = ["SELECT", "WITH", "VALUES", "TABLE", ""];
            if !reads.contains(&statement.first_word.as_str()) {
                return Err(wrong(
                    "the entities query must be one that only reads rows",
                    None,
                ));
            }
            Ok(script)
        }
        [] => Err(wrong("the entities query is empty", Some(0))),
        [_, second, ..] => Err(wrong(
            "the entities query is one statement; here a second begins",
            Some(second.range.start),
        )),
    }
}

/// Opens the cursor, which finds whatever is wrong with the query; gives the statement that fetches from it.
async fn declare(
    session: &Session,
    script: &Script,
    values: &dyn Lookup,
) -> Result<Prepared, TargetError> {
    let look_up = |name: &str, place: std::ops::Range<usize>| {
        let missing = || wrong(format!("`:{name}` has no value"), Some(place.start));
        values.get(name).ok_or_else(missing)
    };
    session
        .batch_execute("set transaction read only")
        .await
        .map_err(|error| fault::target(&error, "reading entities: "))?;
    let statement = &script.statements()[0];
    let Ready {
        written,
        values,
        prepared,
    } = prepare(session, (script, statement, DECLARE), look_up, true)
        .await
        .map_err(|unready| match unready {
            Unready::Value(error) => error,
            Unready::Server(error, written) => told(&error, &written),
        })?;
    let all = values.iter().zip(prepared.params()).enumerate();
    let bound: Result<Vec<_>, _> = all
        .map(|(at, (value, kind))| {
            to_postgres(value, kind).map_err(|why| {
                let text = format!(
                    "the value of `:{}` cannot be bound: {why}",
                    written.names[at]
                );
                wrong(text, Some(written.places[at].start))
            })
        })
        .collect();
    let failed = |error: Error| told(&error, &written);
    session
        .execute_raw(&prepared, bound?.iter())
        .await
        .map_err(failed)?;
    session.prepare(FETCH).await.map_err(failed)
}

/// An error of the query, at its place in what was written.
fn told(error: &Error, written: &Written) -> TargetError {
    let state = error
        .code()
        .map(|state| state.code().to_owned())
        .unwrap_or_default();
    let about_sql = matches!(state.get(..2), Some("42" | "22" | "0A" | "25" | "34"));
    if !about_sql {
        return fault::target(error, "reading entities: ");
    }
    let shift = u32::try_from(DECLARE.len()).unwrap_or(0);
    let offset = fault::position(error).and_then(|position| position.checked_sub(shift));
    wrong(
        fault::words(error),
        offset.map(|position| written.source(position)),
    )
}

fn key_position(columns: &[String], key: &str) -> Result<usize, TargetError> {
    let mut sorted: Vec<&String> = columns.iter().collect();
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(TargetError::Entity(format!(
            "the entities query has two columns `{}`; name one of them otherwise",
            twice[0]
        )));
    }
    let mut positions = columns.iter();
    positions
        .position(|column| column == key)
        .or_else(|| columns.iter().position(|column| same(column, key)))
        .ok_or_else(|| {
            TargetError::Entity(format!(
                "the entities query has no column `{key}`, which is to be the key; it has {}",
                columns.join(", ")
            ))
        })
}

/// Fetches rows as they are asked for. Dropping it closes its connection.
struct Cursor {
    session: Session,
    fetch: Prepared,
    names: Vec<String>,
    key: usize,
    rows: VecDeque<EntityRow>,
    /// Rows so far.
    number: u64,
    ended: bool,
}

impl Cursor {
    async fn receive(&mut self) -> Result<(), TargetError> {
        let fetched = self.session.query(&self.fetch, &[]).await;
        let fetched = fetched.map_err(|error| {
            self.ended = true;
            match error.code().map(|state| state.code().to_owned()) {
                Some(state) if state.starts_with("22") => wrong(fault::words(&error), None),
                _ => fault::target(&error, "reading entities: "),
            }
        })?;
        self.ended = fetched.is_empty();
        for row in &fetched {
            self.number += 1;
            match self.entity(row) {
                Ok(entity) => self.rows.push_back(entity),
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn entity(&self, row: &Row) -> Result<EntityRow, TargetError> {
        let refuse = |what: String| {
            TargetError::Entity(format!("row {} of the entities query: {what}", self.number))
        };
        let mut attributes = Map::new();
        let mut key = Value::Null;
        for (index, name) in self.names.iter().enumerate() {
            let cell: Cell = row
                .try_get(index)
                .map_err(|error| refuse(format!("`{name}` cannot be read: {error}")))?;
            let value = cell.0.map_err(|what| {
                refuse(format!("`{name}` holds {what}; give a number or a text"))
            })?;
            if index == self.key {
                key = value.clone();
            }
            attributes.insert(name.clone(), value);
        }
        let name = &self.names[self.key];
        let key = match key {
            Value::Null => Err(format!("the key `{name}` is null")),
            Value::String(text) if text.is_empty() => Err(format!("the key `{name}` is empty")),
            Value::String(text) => Ok(text),
            Value::Number(number) if number.is_i64() => Ok(number.to_string()),
            Value::Number(number) => Err(format!(
                "the key `{name}` is the number {number}; give an integer or a text"
            )),
            Value::Bool(_) => Err(format!(
                "the key `{name}` is a truth value; give an integer or a text"
            )),
            Value::Array(_) | Value::Object(_) => Err(format!(
                "the key `{name}` is a list or an object; give an integer or a text"
            )),
        };
        Ok(EntityRow {
            key: key.map_err(refuse)?,
            attributes,
        })
    }
}

impl EntityCursor for Cursor {
    fn next(&mut self, max: usize) -> Pending<'_, Result<Vec<EntityRow>, TargetError>> {
        Box::pin(async move {
            while self.rows.len() < max && !self.ended {
                self.receive().await?;
            }
            let take = self.rows.len().min(max);
            Ok(self.rows.drain(..take).collect())
        })
    }
}
