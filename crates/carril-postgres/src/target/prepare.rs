//! Having a statement prepared: the server tells the types of its values, and is told those that it can only guess.
//!
//! Nothing is kept of it afterwards, since the same text means other tables in another lane. Shared by steps, by the query of the
//! entities and by `carril check`; what the values are is the caller's affair.

use super::pool::Session;
use super::text::{Numbers, Written};
use super::value::natural_type;
use carril_model::sql::{Script, Statement};
use futures_util::FutureExt as _;
use serde_json::Value;
use std::ops::Range;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Statement as Prepared};

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
