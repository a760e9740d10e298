//! Flat tables of another program, read as text, for whoever brings its history along. Read-only, from one snapshot.
//!
//! What the tables mean is the model's to say. The connection lives as long as the call. Times come in UTC, and with their
//! offset where their type has one.

use crate::address::Address;
use crate::driver;
use carril_model::import::{FLAT_ROWS_MAX, FlatError, FlatTable, FlatWanted};
use futures_util::TryStreamExt as _;
use std::pin::pin;
use tokio_postgres::{Client, Error};

/// One snapshot for all tables, and texts that mean the same on every server.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; \
    SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL statement_timeout = '600s'; SET LOCAL lock_timeout = '10s'";

/// Tables, views and what else has rows, whatever their capitals; those written exactly so first.
const FIND: &str = "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND lower(n.nspname) = lower($1) AND lower(c.relname) = lower($2) \
    ORDER BY (n.nspname = $1) DESC, (c.relname = $2) DESC, 1, 2 LIMIT 1";

/// What there is instead, in the schema if it is there, else schemas.
const THERE: &str = "SELECT coalesce( \
    (SELECT 'schema ' || min(n.nspname) || ' has ' || string_agg(c.relname, ', ' ORDER BY c.relname) \
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
       WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND lower(n.nspname) = lower($1)), \
    (SELECT 'there is no such schema, or nothing in it; there are ' || string_agg(nspname, ', ' ORDER BY nspname) \
       FROM pg_catalog.pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'))";

/// Reads tables, each whole, or nothing of those that need not be there.
///
/// # Errors
/// As [`FlatError`].
///
/// # Cancel safety
/// Dropping the future ends the reading; nothing was changed.
pub async fn read_flat(
    address: &Address,
    wanted: &[FlatWanted],
) -> Result<Vec<Option<FlatTable>>, FlatError> {
    let unreachable =
        |error: Error| FlatError::Unreachable(format!("{}: {}", address.shown(), told(&error)));
    let (client, _) = driver::connect(address).await.map_err(unreachable)?;
    client.batch_execute(BEGIN).await.map_err(unreachable)?;
    let mut tables = Vec::with_capacity(wanted.len());
    for one in wanted {
        let found = client
            .query_opt(FIND, &[&one.schema, &one.name])
            .await
            .map_err(unreachable)?;
        match found {
            Some(row) => {
                let (schema, name): (String, String) = (row.get(0), row.get(1));
                tables.push(Some(table(&client, &schema, &name).await?));
            }
            None if one.required => return Err(missing(&client, one).await),
            None => tables.push(None),
        }
    }
    Ok(tables)
}

async fn missing(client: &Client, wanted: &FlatWanted) -> FlatError {
    // What there is instead helps, and is no reason to fail otherwise.
    let there = client.query_one(THERE, &[&wanted.schema]).await;
    let there = there.ok().and_then(|row| row.get::<_, Option<String>>(0));
    FlatError::NoTable {
        wanted: format!("`{}.{}`", wanted.schema, wanted.name),
        there: there.unwrap_or_else(|| "nothing can be seen there".to_owned()),
    }
}

async fn table(client: &Client, schema: &str, name: &str) -> Result<FlatTable, FlatError> {
    let shown = format!("{schema}.{name}");
    let unreadable = |error: Error| FlatError::Unreadable {
        table: shown.clone(),
        why: told(&error),
    };
    let place = format!("{}.{}", quoted(schema), quoted(name));
    let described = client
        .prepare(&format!("SELECT * FROM {place}"))
        .await
        .map_err(unreadable)?;
    let columns: Vec<String> = described
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let texts: Vec<String> = columns
        .iter()
        .map(|column| format!("{}::text", quoted(column)))
        .collect();
    let query = format!("SELECT {} FROM {place}", texts.join(", "));
    let none: [&str; 0] = [];
    let found = client.query_raw(&query, none).await.map_err(unreadable)?;
    let mut found = pin!(found);
    let mut rows = Vec::new();
    while let Some(row) = found.try_next().await.map_err(unreadable)? {
        if rows.len() as u64 == FLAT_ROWS_MAX {
            return Err(FlatError::TooMany { table: shown });
        }
        let cells = (0..columns.len()).map(|at| row.try_get::<_, Option<String>>(at));
        rows.push(cells.collect::<Result<_, _>>().map_err(unreadable)?);
    }
    Ok(FlatTable {
        name: shown,
        columns,
        rows,
    })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The server's own words where it said any.
fn told(error: &Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), |said| said.message().to_owned())
}
