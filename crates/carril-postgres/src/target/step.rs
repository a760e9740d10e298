//! One attempt of an SQL step: its statements, one after the other, in the transaction that is open.
//!
//! A statement that has values or gives rows is prepared by the server first, which tells the types; nothing is kept of it
//! afterwards, since the same text means other tables in another lane. What all of them changed is asked right behind the last.
//!
//! Nothing of a step is sent along with its begin: a cancel that meets the begin makes it fail, and what stood behind it would then
//! run and commit by itself, without its fence.

use super::changes::{self, Locked};
use super::column::{self, Whom};
use super::fault;
use super::pool::{Server, Session};
use super::stop::Stop;
use super::text::{Numbers, Written, refusal};
use super::value::{Bound, Cell, natural_type, to_postgres};
use super::watch::Watched;
use carril_model::contract::{ErrorClass, OUTPUT_BYTES_MAX, StepCall, StepError};
use carril_model::definition::SqlText;
use carril_model::sql::{Lookup, Script, SqlError, Statement};
use futures_util::{FutureExt as _, TryStreamExt as _};
use serde_json::{Map, Value};
use std::ops::Range;
use std::pin::pin;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Statement as Prepared};

/// An SQL step ready to run.
pub(crate) struct SqlStep<'a> {
    call: &'a StepCall,
    sql: &'a SqlText,
    script: Script,
}

impl<'a> SqlStep<'a> {
    /// Takes the text apart, and refuses what a step's SQL may not do.
    ///
    /// # Errors
    /// `CAR0501` with its place.
    pub(crate) fn new(call: &'a StepCall, sql: &'a SqlText) -> Result<Self, StepError> {
        let script = Script::parse(&sql.text).map_err(|error| unparsed(sql, &error))?;
        if let Some(at) = script.numbered_placeholder() {
            return Err(at_place(
                StepError::new(
                    fault::VALUE,
                    ErrorClass::Permanent,
                    "a placeholder that is a number has no name that a value could have; write `:name`",
                ),
                sql,
                at..at + 1,
            ));
        }
        for statement in script.statements() {
            if let Some(text) = refusal(&script, statement) {
                return Err(at_place(fault::refuse(text), sql, statement.range.clone()));
            }
        }
        Ok(Self { call, sql, script })
    }

    /// Whether a statement of it calls what may commit by itself.
    pub(crate) fn may_commit(&self) -> bool {
        let mut statements = self.script.statements().iter();
        statements
            .any(|statement| matches!(statement.first_word.as_str(), "CALL" | "DO" | "VACUUM"))
    }

    /// Has the execution's own rows stand for tables that executions share.
    ///
    /// # Errors
    /// `CAR0501` with its place where the text leads past them; else as [`column::show`].
    pub(crate) async fn show(
        &self,
        session: &Session,
        server: &Server,
        whom: &Whom<'_>,
    ) -> Result<(), StepError> {
        if let Some((text, at)) = column::past_views(&self.script, server, whom.workspace) {
            return Err(at_place(fault::refuse(text), self.sql, at..at + 1));
        }
        column::show(session, server, &self.script, whom).await
    }

    /// The shared tables that the step says it writes.
    pub(crate) fn shared_writes(&self) -> &'a [String] {
        &self.call.plan.step(self.call.step).shared_writes
    }

    /// Where the step's own words name a table that it writes, as far as they do; with the schema if that is written anywhere.
    pub(crate) fn place_of(&self, schema: &str, table: &str) -> Option<String> {
        let statements = self.script.statements().iter();
        let written: Vec<_> = statements
            .flat_map(|statement| self.script.written_tables(statement))
            .collect();
        let full = format!("{schema}.{table}");
        let named = |name: &str| {
            written
                .iter()
                .find(|written| super::name::same(&written.table, name))
        };
        let written = named(&full).or_else(|| named(table))?;
        Some(fault::place(self.sql, written.offset..written.offset + 1))
    }

    /// Runs all statements in the transaction that is open; gives the first row of the last one, and what was locked for writing.
    ///
    /// # Errors
    /// Of the statement that failed, with its place.
    pub(crate) async fn run(
        &self,
        (session, watched): (&Session, &Watched),
        stop: &Stop<'_>,
    ) -> Result<(Option<Value>, Vec<Locked>), StepError> {
        let Some((last, before)) = self.script.statements().split_last() else {
            return Ok((None, Vec::new()));
        };
        for statement in before {
            stop.check().map_err(fault::stopped)?;
            self.next(watched, statement);
            let bound = self.bind(session, statement, true).await?;
            self.execute(session, (statement, &bound), false).await?;
            watched.returned();
        }
        stop.check().map_err(fault::stopped)?;
        self.next(watched, last);
        let bound = self.bind(session, last, true).await?;
        let (output, locked) = tokio::join!(
            self.execute(session, (last, &bound), true),
            changes::locked(session),
        );
        let done = (output?, locked?);
        watched.returned();
        Ok(done)
    }

    /// Runs all statements, each on its own; gives the first row of the last one.
    ///
    /// # Errors
    /// Of the statement that failed, with its place.
    pub(crate) async fn run_loose(
        &self,
        (session, watched): (&Session, &Watched),
        stop: &Stop<'_>,
    ) -> Result<Option<Value>, StepError> {
        let statements = self.script.statements();
        let mut output = None;
        for (at, statement) in statements.iter().enumerate() {
            stop.check().map_err(fault::stopped)?;
            let last = at + 1 == statements.len();
            self.next(watched, statement);
            let bound = self.bind(session, statement, false).await?;
            output = self.execute(session, (statement, &bound), last).await?;
            watched.returned();
        }
        Ok(output)
    }

    /// Whoever looks at locks is told what is written next.
    fn next(&self, watched: &Watched, statement: &Statement) {
        let written = self.script.written_tables(statement);
        watched.begins(written.into_iter().map(|written| written.table).collect());
    }

    /// Everything of a statement but its execution. One that has no values and gives no rows needs nothing of the server before.
    async fn bind(
        &self,
        session: &Session,
        statement: &Statement,
        in_transaction: bool,
    ) -> Result<Call, StepError> {
        let written = Written::new(&self.script, statement, Numbers::PerName);
        if written.names.is_empty() && gives_no_rows(&self.script, statement) {
            return Ok(Call::Plain(written));
        }
        let look_up = |name: &str, place: Range<usize>| self.value(name, place);
        let ready = prepare(
            session,
            (&self.script, statement, ""),
            look_up,
            in_transaction,
        )
        .await;
        let Ready {
            written,
            values,
            prepared,
        } = ready.map_err(|unready| match unready {
            Unready::Value(error) => error,
            Unready::Server(error, written) => {
                fault::statement(&error, self.sql, &written, statement.range.clone())
            }
        })?;
        let values = self.bound(&written, &values, &prepared)?;
        Ok(Call::Prepared {
            written,
            prepared,
            values,
        })
    }

    /// Executes a statement; gives its first row if that is `wanted`.
    async fn execute(
        &self,
        session: &Session,
        (statement, call): (&Statement, &Call),
        wanted: bool,
    ) -> Result<Option<Value>, StepError> {
        let written = call.written();
        let failed =
            |error: Error| fault::statement(&error, self.sql, written, statement.range.clone());
        let (prepared, values) = match call {
            Call::Plain(written) => {
                let executed = session.execute_typed(&written.text, &[]).await;
                return executed.map(|_| None).map_err(failed);
            }
            Call::Prepared {
                prepared, values, ..
            } => (prepared, values),
        };
        let mut rows = pin!(
            session
                .query_raw(prepared, values.iter())
                .await
                .map_err(failed)?
        );
        let mut output = None;
        // All rows are taken, also where only the first counts: what a query calls may do something for each.
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            if wanted && output.is_none() {
                output = Some(self.output(&row, statement)?);
            }
        }
        Ok(output)
    }

    fn value(&self, name: &str, place: Range<usize>) -> Result<Value, StepError> {
        self.call.context.get(name).ok_or_else(|| {
            let text = format!(
                "`:{name}` has no value: {}",
                self.call.context.why_missing(name)
            );
            let fault = StepError::new(fault::VALUE, ErrorClass::Permanent, text);
            at_place(fault, self.sql, place)
        })
    }

    fn bound(
        &self,
        written: &Written,
        values: &[Value],
        prepared: &Prepared,
    ) -> Result<Vec<Bound>, StepError> {
        let all = values.iter().zip(prepared.params()).enumerate();
        all.map(|(at, (value, kind))| {
            to_postgres(value, kind).map_err(|why| {
                let text = format!(
                    "the value of `:{}` cannot be bound: {why}",
                    written.names[at]
                );
                at_place(
                    StepError::new(fault::VALUE, ErrorClass::Permanent, text),
                    self.sql,
                    written.places[at].clone(),
                )
            })
        })
        .collect()
    }

    fn output(&self, row: &Row, statement: &Statement) -> Result<Value, StepError> {
        let refuse = |text: String| {
            at_place(
                StepError::new(fault::OUTPUT, ErrorClass::Permanent, text),
                self.sql,
                statement.range.clone(),
            )
        };
        let mut fields = Map::new();
        for (index, column) in row.columns().iter().enumerate() {
            let name = column.name();
            let cell: Cell = row.try_get(index).map_err(|error| {
                refuse(format!(
                    "column `{name}` of the step's output cannot be read: {error}"
                ))
            })?;
            let value = cell.0.map_err(|what| {
                refuse(format!(
                    "column `{name}` of the step's output holds {what}, which JSON cannot"
                ))
            })?;
            fields.insert(name.to_owned(), value);
        }
        let output = Value::Object(fields);
        if output.to_string().len() > OUTPUT_BYTES_MAX {
            return Err(refuse(format!(
                "the step's output is larger than {OUTPUT_BYTES_MAX} bytes; keep data in tables and give back what names it"
            )));
        }
        Ok(output)
    }
}

/// A statement that only needs to be executed.
enum Call {
    /// Without values and without rows.
    Plain(Written),
    /// Prepared by the server, with its values.
    Prepared {
        written: Written,
        prepared: Prepared,
        values: Vec<Bound>,
    },
}

impl Call {
    const fn written(&self) -> &Written {
        match self {
            Self::Plain(written) | Self::Prepared { written, .. } => written,
        }
    }
}

/// Whether a statement surely gives no rows: one of those that only change some, and never a word of `RETURNING` in it.
fn gives_no_rows(script: &Script, statement: &Statement) -> bool {
    let changes = matches!(
        statement.first_word.as_str(),
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE"
    );
    let mut words = script.names();
    changes
        && !words.any(|(word, at)| {
            statement.range.contains(&at) && word.eq_ignore_ascii_case("RETURNING")
        })
}

/// A statement that the server has prepared, with its values.
pub(crate) struct Ready {
    pub(crate) written: Written,
    pub(crate) values: Vec<Value>,
    pub(crate) prepared: Prepared,
}

/// Why a statement could not be prepared.
pub(crate) enum Unready<E> {
    /// A value is missing.
    Value(E),
    /// The server does not take it.
    Server(Error, Box<Written>),
}

/// Has the server prepare a statement, behind a `prefix`, and say what types its values have. `look_up` gives the value of a
/// name at a place of the script.
///
/// # Errors
/// As [`Unready`].
pub(crate) async fn prepare<E>(
    session: &Session,
    (script, statement, prefix): (&Script, &Statement, &str),
    look_up: impl Fn(&str, Range<usize>) -> Result<Value, E>,
    in_transaction: bool,
) -> Result<Ready, Unready<E>> {
    let mut numbers = Numbers::PerName;
    loop {
        let written = Written::new(script, statement, numbers);
        let named = written.names.iter().zip(&written.places);
        let values: Result<Vec<Value>, E> = named
            .map(|(name, place)| look_up(name, place.clone()))
            .collect();
        let values = values.map_err(Unready::Value)?;
        let text = format!("{prefix}{}", written.text);
        match with_types(session, &text, &values, in_transaction).await {
            Ok(prepared) => {
                return Ok(Ready {
                    written,
                    values,
                    prepared,
                });
            }
            // Two uses of one name are of two types.
            Err(error)
                if error.code() == Some(&SqlState::AMBIGUOUS_PARAMETER)
                    && numbers == Numbers::PerName =>
            {
                numbers = Numbers::PerUse;
            }
            Err(error) => return Err(Unready::Server(error, Box::new(written))),
        }
    }
}

/// Where the server can only guess text it is told the value's own type, if the statement stands with that, and where it cannot
/// guess at all it is told that or text. A try that fails must not end the transaction, so each is made behind a savepoint.
async fn with_types(
    session: &Session,
    text: &str,
    values: &[Value],
    in_transaction: bool,
) -> Result<Prepared, Error> {
    if values.is_empty() {
        return session.prepare(text).await;
    }
    let mut types = vec![Type::UNKNOWN; values.len()];
    let prepared = loop {
        let outcome = attempt(session, text, &types, in_transaction).await;
        let unguessed = outcome.as_ref().err().and_then(unguessed);
        match unguessed.filter(|at| types.get(*at) == Some(&Type::UNKNOWN)) {
            Some(at) => types[at] = natural_type(&values[at]).unwrap_or(Type::TEXT),
            None => break outcome?,
        }
    };
    let own = |(value, kind): (&Value, &Type)| {
        let is_guess = matches!(*kind, Type::TEXT | Type::UNKNOWN);
        natural_type(value)
            .filter(|_| is_guess)
            .unwrap_or_else(|| kind.clone())
    };
    let declared: Vec<Type> = values.iter().zip(prepared.params()).map(own).collect();
    if prepared.params() == declared {
        return Ok(prepared);
    }
    Ok(attempt(session, text, &declared, in_transaction)
        .await
        .unwrap_or(prepared))
}

/// The value, counted from 0, of which the server cannot guess a type.
fn unguessed(error: &Error) -> Option<usize> {
    let told = error.as_db_error()?;
    let message = told.message();
    let digits = message
        .rsplit_once('$')
        .filter(|_| *told.code() == SqlState::INDETERMINATE_DATATYPE)?
        .1;
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<usize>().ok()?.checked_sub(1)
}

async fn attempt(
    session: &Session,
    text: &str,
    types: &[Type],
    in_transaction: bool,
) -> Result<Prepared, Error> {
    if !in_transaction {
        return session.prepare_typed(text, types).await;
    }
    let (saved, prepared) = tokio::join!(
        session.batch_execute("savepoint carril_prepare"),
        session.prepare_typed(text, types),
    );
    saved?;
    let error = match prepared {
        Ok(prepared) => {
            // Sent ahead of whatever comes next, and its answer not waited for: it fails only where that fails, too.
            let _sent = session
                .batch_execute("release savepoint carril_prepare")
                .now_or_never();
            return Ok(prepared);
        }
        Err(error) => error,
    };
    let back = "rollback to savepoint carril_prepare; release savepoint carril_prepare";
    // The statement's own error says more than that nothing can be done after it.
    let _undone = session.batch_execute(back).await;
    Err(error)
}

fn unparsed(sql: &SqlText, error: &SqlError) -> StepError {
    at_place(
        fault::refuse(error.message.clone()),
        sql,
        error.offset..error.offset + 1,
    )
}

fn at_place(mut fault: StepError, sql: &SqlText, range: Range<usize>) -> StepError {
    fault.place = Some(fault::place(sql, range));
    fault
}
