//! The entities query: one statement, so one snapshot, read row by row on a thread of its own.
//!
//! Rows come over a bounded channel in chunks: a query of a million rows never stands in memory, and when whoever asked goes
//! away the query ends. Whether a key is repeated is the launch's to say; a key that is none is refused here.

use super::fault;
use super::name;
use super::pool::{OpenFor, Seat, Session};
use super::stop::{Stop, StopOnDrop};
use super::value::{to_json, to_sqlite};
use carril_model::contract::{EntityCursor, EntityRow, Pending, TargetError};
use carril_model::definition::SqlText;
use carril_model::sql::{Lookup, Script};
use rusqlite::types::{Value as Bound, ValueRef};
use rusqlite::{Connection, Row};
use serde_json::Map;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Rows of one message: enough that the channel costs nothing, few enough to be small.
const CHUNK_ROWS: usize = 256;
/// Messages that may wait.
const CHUNKS_WAITING: usize = 8;

/// Some rows, or `None` for the end: a channel that closes without it was left by a panic, not by the last row.
type Chunk = Result<Option<Vec<EntityRow>>, TargetError>;

/// The query with its values bound, ready to go to its thread.
pub(crate) struct EntitiesQuery {
    path: PathBuf,
    text: String,
    key: String,
    /// By what SQLite calls the placeholder, colon included.
    values: HashMap<String, Bound>,
}

impl EntitiesQuery {
    /// Looks the values up, so that the thread needs nothing of the caller.
    ///
    /// # Errors
    /// `Sql` when the text cannot be taken apart, is not one statement, or a placeholder has no value.
    pub(crate) fn new(
        path: PathBuf,
        sql: &SqlText,
        key: &str,
        values: &dyn Lookup,
    ) -> Result<Self, TargetError> {
        let wrong = |message: String, offset: usize| TargetError::Sql {
            message,
            offset: Some(offset),
        };
        let script =
            Script::parse(&sql.text).map_err(|error| wrong(error.message, error.offset))?;
        match script.statements() {
            [_] => {}
            [] => return Err(wrong("the entities query is empty".to_owned(), 0)),
            [_, second, ..] => {
                return Err(wrong(
                    "the entities query is one statement; here a second begins".to_owned(),
                    second.range.start,
                ));
            }
        }
        let mut bound = HashMap::new();
        for placeholder in script.placeholders() {
            let name = &placeholder.name;
            let value = values
                .get(name)
                .ok_or_else(|| wrong(format!("`:{name}` has no value"), placeholder.range.start))?;
            let value = to_sqlite(&value).map_err(|why| {
                wrong(
                    format!("the value of `:{name}` cannot be bound: {why}"),
                    placeholder.range.start,
                )
            })?;
            bound.insert(format!(":{}", name.replace('.', "_")), value);
        }
        Ok(Self {
            path,
            text: script.sqlite_text(),
            key: key.to_owned(),
            values: bound,
        })
    }

    /// Begins the query and answers once its statement is known to be right.
    pub(crate) async fn start(self, stop: Arc<Stop>) -> Result<Box<dyn EntityCursor>, TargetError> {
        let seat = Seat::start("carril-entities")
            .map_err(|error| TargetError::Unreachable(format!("starting a thread: {error}")))?;
        let (chunks, receiver) = mpsc::channel::<Chunk>(CHUNKS_WAITING);
        let on_thread = Arc::clone(&stop);
        let work: Pending<'static, ()> = Box::pin({
            let call = seat.call(move |session| {
                if let Err(error) = self.run(session, &on_thread, &chunks) {
                    // Nobody waits any more when the cursor was dropped.
                    let _ = chunks.blocking_send(Err(error));
                }
                on_thread.end();
            });
            async move {
                // A panic closes the channel without an end, and the cursor says so.
                let _ = call.await;
            }
        });
        let mut cursor = Cursor {
            receiver,
            work: Some(work),
            rows: VecDeque::new(),
            ended: false,
            _stop: StopOnDrop(stop),
            _seat: seat,
        };
        cursor.receive().await?;
        Ok(Box::new(cursor))
    }

    fn run(
        &self,
        session: &mut Session<'_>,
        stop: &Arc<Stop>,
        chunks: &mpsc::Sender<Chunk>,
    ) -> Result<(), TargetError> {
        let (connection, guard) = session.open(OpenFor::Shared, |guard| {
            let mut connection =
                super::template::open_read_only(&self.path).map_err(fault::as_target)?;
            guard
                .watch(&mut connection, true)
                .map_err(|error| self.fault(&error))?;
            Ok(connection)
        })?;
        if stop.begin(connection.get_interrupt_handle()).is_err() {
            return Ok(());
        }
        let _stoppable = guard.stopped_by(stop);
        let user = guard.user_sql();
        connection
            .busy_timeout(std::time::Duration::from_secs(5))
            .map_err(|error| self.fault(&error))?;
        self.send_rows(connection, chunks)
            .map_err(|error| match user.refused() {
                Some(message) => TargetError::Sql {
                    message,
                    offset: None,
                },
                None => error,
            })
    }

    fn send_rows(
        &self,
        connection: &Connection,
        chunks: &mpsc::Sender<Chunk>,
    ) -> Result<(), TargetError> {
        let mut statement = connection
            .prepare(&self.text)
            .map_err(|error| self.fault(&error))?;
        if !statement.readonly() || statement.column_count() == 0 {
            return Err(TargetError::Sql {
                message: "the entities query must be one that only reads rows".to_owned(),
                offset: None,
            });
        }
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let key = self.key_position(&columns)?;
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index).unwrap_or("?").to_owned();
            let value = self.values.get(&name).ok_or_else(|| TargetError::Sql {
                message: format!(
                    "placeholder `{name}` has no name that a value could have; write `:name`"
                ),
                offset: None,
            })?;
            statement
                .raw_bind_parameter(index, value)
                .map_err(|error| self.fault(&error))?;
        }
        let mut rows = statement.raw_query();
        let mut chunk = Vec::new();
        let mut number = 0;
        // The first message is an empty one: the statement is right.
        let mut heard = chunks.blocking_send(Ok(Some(Vec::new()))).is_ok();
        while heard && let Some(row) = rows.next().map_err(|error| self.fault(&error))? {
            number += 1;
            chunk.push(entity(row, &columns, key, number)?);
            if chunk.len() == CHUNK_ROWS {
                heard = chunks
                    .blocking_send(Ok(Some(std::mem::take(&mut chunk))))
                    .is_ok();
            }
        }
        // Whoever went away meanwhile needs no last chunk.
        let _ = chunks.blocking_send(Ok(Some(chunk)));
        let _ = chunks.blocking_send(Ok(None));
        Ok(())
    }

    fn key_position(&self, columns: &[String]) -> Result<usize, TargetError> {
        let mut sorted: Vec<&String> = columns.iter().collect();
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(TargetError::Entity(format!(
                "the entities query has two columns `{}`; name one of them otherwise",
                twice[0]
            )));
        }
        columns
            .iter()
            .position(|column| *column == self.key)
            .or_else(|| {
                columns
                    .iter()
                    .position(|column| name::same(column, &self.key))
            })
            .ok_or_else(|| {
                TargetError::Entity(format!(
                    "the entities query has no column `{}`, which is to be the key; it has {}",
                    self.key,
                    columns.join(", ")
                ))
            })
    }

    fn fault(&self, error: &rusqlite::Error) -> TargetError {
        let code = fault::primary(error);
        if matches!(
            code,
            rusqlite::ffi::SQLITE_ERROR
                | rusqlite::ffi::SQLITE_AUTH
                | rusqlite::ffi::SQLITE_READONLY
        ) {
            return TargetError::Sql {
                message: fault::words(error),
                offset: fault::offset(error, &self.text),
            };
        }
        fault::target(
            error,
            &format!("reading entities from {}: ", self.path.display()),
        )
    }
}

/// One row; `number` counts from 1.
fn entity(
    row: &Row<'_>,
    columns: &[String],
    key: usize,
    number: u64,
) -> Result<EntityRow, TargetError> {
    let refuse =
        |what: String| TargetError::Entity(format!("row {number} of the entities query: {what}"));
    let mut attributes = Map::new();
    for (index, column) in columns.iter().enumerate() {
        let value = row
            .get_ref(index)
            .map_err(|error| refuse(fault::words(&error)))?;
        let value = to_json(value)
            .map_err(|what| refuse(format!("`{column}` holds {what}; give a number or a text")))?;
        attributes.insert(column.clone(), value);
    }
    let name = &columns[key];
    let text = match row
        .get_ref(key)
        .map_err(|error| refuse(fault::words(&error)))?
    {
        ValueRef::Null => return Err(refuse(format!("the key `{name}` is null"))),
        ValueRef::Integer(whole) => whole.to_string(),
        ValueRef::Text([]) => return Err(refuse(format!("the key `{name}` is empty"))),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Real(real) => {
            return Err(refuse(format!(
                "the key `{name}` is the number {real}; give an integer or a text"
            )));
        }
        ValueRef::Blob(_) => {
            return Err(refuse(format!(
                "the key `{name}` is a blob; give an integer or a text"
            )));
        }
    };
    Ok(EntityRow {
        key: text,
        attributes,
    })
}

/// Hands rows on as they come.
struct Cursor {
    receiver: mpsc::Receiver<Chunk>,
    /// Hands the work to the thread; only needs to be driven until that has happened.
    work: Option<Pending<'static, ()>>,
    rows: VecDeque<EntityRow>,
    ended: bool,
    // In this order: the query is stopped, the channel above is closed, then the thread is joined.
    _stop: StopOnDrop,
    _seat: Arc<Seat>,
}

impl Cursor {
    /// Takes the next message; an error or the end is the last.
    async fn receive(&mut self) -> Result<(), TargetError> {
        let message = match self.work.take() {
            None => self.receiver.recv().await,
            Some(mut work) => tokio::select! {
                biased;
                message = self.receiver.recv() => {
                    self.work = Some(work);
                    message
                }
                () = &mut work => self.receiver.recv().await,
            },
        };
        match message {
            Some(Ok(Some(rows))) => {
                self.rows.extend(rows);
                Ok(())
            }
            Some(Ok(None)) => {
                self.ended = true;
                Ok(())
            }
            Some(Err(error)) => {
                self.ended = true;
                Err(error)
            }
            None => {
                self.ended = true;
                Err(TargetError::Unreachable(
                    "the thread of the entities query ended before its last row".to_owned(),
                ))
            }
        }
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
