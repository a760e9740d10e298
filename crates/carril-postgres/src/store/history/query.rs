//! `carril sql`: a user's own question, over a connection that lives for it alone.
//!
//! Read-only by the transaction it runs in, and by how it is asked: the statement becomes a cursor's, which only a query can be.
//! Bounded in rows and in time. What it may see is what the store's user may see: a database has its own rights for that.

use crate::store::fault::{OrFault, told};
use crate::store::session::Session;
use carril_model::contract::{Fault, QueryAnswer};
use serde_json::{Number, Value};
use tokio_postgres::types::Type;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

/// Runs one statement and gives at most `max` rows.
pub(super) async fn run(session: &mut Session, sql: &str, max: u32) -> Result<QueryAnswer, Fault> {
    let sql = sql.trim().trim_end_matches(';');
    session
        .read(async |tx| {
            let client = tx.client();
            let limit = "SET LOCAL statement_timeout = '30s'";
            client.batch_execute(limit).await.or_fault()?;
            // Prepared, because of a prepared statement nobody can make two; and it tells the columns' names and types.
            let described = client.prepare(sql).await.map_err(|error| wrong(&error))?;
            let cursor = format!("DECLARE question NO SCROLL CURSOR FOR {sql}");
            let cursor = client
                .prepare(&cursor)
                .await
                .map_err(|error| wrong(&error))?;
            client
                .execute(&cursor, &[])
                .await
                .map_err(|error| wrong(&error))?;
            let fetch = format!("FETCH {} FROM question", u64::from(max) + 1);
            let found = client
                .simple_query(&fetch)
                .await
                .map_err(|error| wrong(&error))?;
            let columns = described.columns();
            let mut rows: Vec<Vec<Value>> = found
                .iter()
                .filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => Some(row),
                    _ => None,
                })
                .map(|row| {
                    let column = |at: usize| value(row, at, columns[at].type_());
                    (0..columns.len()).map(column).collect()
                })
                .collect();
            let cut = rows.len() > max as usize;
            rows.truncate(max as usize);
            Ok(QueryAnswer {
                columns: columns.iter().map(|one| one.name().to_owned()).collect(),
                rows,
                cut,
            })
        })
        .await
}

/// A value that came as text: numbers and truths as what they are, everything else as the database writes it.
fn value(row: &SimpleQueryRow, column: usize, kind: &Type) -> Value {
    let Some(text) = row.get(column) else {
        return Value::Null;
    };
    let number = match *kind {
        Type::INT2 | Type::INT4 | Type::INT8 => text.parse::<i64>().ok().map(Number::from),
        Type::FLOAT4 | Type::FLOAT8 => text.parse().ok().and_then(Number::from_f64),
        Type::NUMERIC => match text.parse::<i64>() {
            Ok(whole) => Some(Number::from(whole)),
            Err(_) => text.parse().ok().and_then(Number::from_f64),
        },
        Type::BOOL => return Value::Bool(text == "t"),
        _ => None,
    };
    number.map_or_else(|| Value::from(text), Value::Number)
}

/// The database's own words: whoever wrote the statement can mend it.
fn wrong(error: &tokio_postgres::Error) -> Fault {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        None => Fault::Unavailable(told(error)),
        Some("57014") => Fault::Conflict(
            "the question took too long and was stopped; narrow it with a where clause".to_owned(),
        ),
        Some("42601") if told(error).contains("multiple commands") => {
            Fault::Conflict("one statement at a time".to_owned())
        }
        Some("25006") => Fault::Conflict(format!(
            "{}; only select statements are answered here",
            told(error)
        )),
        Some(_) => Fault::Conflict(told(error)),
    }
}
