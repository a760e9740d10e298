//! Flat tables of another program, read as text, for whoever brings its history along. Read-only, from one snapshot.
//!
//! What the tables mean is the model's to say. The connection lives as long as the call, which blocks its thread.

use carril_model::import::{FLAT_ROWS_MAX, FlatError, FlatTable, FlatWanted};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// How long to wait for another program that writes the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads tables, each whole, or nothing of those that need not be there.
///
/// # Errors
/// As [`FlatError`].
pub fn read_flat(path: &Path, wanted: &[FlatWanted]) -> Result<Vec<Option<FlatTable>>, FlatError> {
    let unreachable =
        |error: &rusqlite::Error| FlatError::Unreachable(format!("`{}`: {error}", path.display()));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(path, flags).map_err(|error| unreachable(&error))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .map_err(|error| unreachable(&error))?;
    let snapshot = connection
        .transaction_with_behavior(TransactionBehavior::Deferred)
        .map_err(|error| unreachable(&error))?;
    let there = names(&snapshot).map_err(|error| unreachable(&error))?;
    let mut tables = Vec::with_capacity(wanted.len());
    for one in wanted {
        match find(&there, one) {
            Some(name) => tables.push(Some(table(&snapshot, name)?)),
            None if one.required => return Err(missing(&there, one)),
            None => tables.push(None),
        }
    }
    Ok(tables)
}

/// Tables and views of the file, in order.
fn names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    connection
        .prepare(query)?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// A file has no schemas, so their names are often kept in those of the tables. The most exact name wins.
fn find<'a>(there: &'a [String], wanted: &FlatWanted) -> Option<&'a str> {
    let (schema, name) = (&wanted.schema, &wanted.name);
    let asked = [
        format!("{schema}.{name}"),
        format!("{schema}_{name}"),
        name.clone(),
    ];
    let exact = asked
        .iter()
        .find_map(|asked| there.iter().find(|one| *one == asked));
    let loose = || {
        asked
            .iter()
            .find_map(|asked| there.iter().find(|one| one.eq_ignore_ascii_case(asked)))
    };
    exact.or_else(loose).map(String::as_str)
}

fn missing(there: &[String], wanted: &FlatWanted) -> FlatError {
    let (schema, name) = (&wanted.schema, &wanted.name);
    FlatError::NoTable {
        wanted: format!("`{name}`, `{schema}_{name}` or `{schema}.{name}`"),
        there: if there.is_empty() {
            "the file has no tables".to_owned()
        } else {
            format!("it has {}", there.join(", "))
        },
    }
}

fn table(connection: &Connection, name: &str) -> Result<FlatTable, FlatError> {
    let unreadable = |error: rusqlite::Error| FlatError::Unreadable {
        table: name.to_owned(),
        why: error.to_string(),
    };
    let query = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
    let mut statement = connection.prepare(&query).map_err(unreadable)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = Vec::new();
    let mut found = statement.query([]).map_err(unreadable)?;
    while let Some(row) = found.next().map_err(unreadable)? {
        if rows.len() as u64 == FLAT_ROWS_MAX {
            return Err(FlatError::TooMany {
                table: name.to_owned(),
            });
        }
        let cells = (0..columns.len()).map(|at| cell(row, at));
        rows.push(cells.collect::<Result<_, _>>().map_err(unreadable)?);
    }
    Ok(FlatTable {
        name: name.to_owned(),
        columns,
        rows,
    })
}

/// A value as text; a whole number that is kept as a real one is a whole number.
fn cell(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            // Neither of the stores has a use for what ends a text in C.
            Some(String::from_utf8_lossy(text).replace('\0', "\u{fffd}"))
        }
    })
}
