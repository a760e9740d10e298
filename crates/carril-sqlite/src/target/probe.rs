//! What can be told of the shared file by looking: whether it is there, what it is, whose traces it bears. Nothing is changed.

use super::template::open_read_only;
use super::{fault, shared};
use carril_model::contract::TargetError;
use rusqlite::Connection;
use std::path::Path;

/// Opens the file for reading and reads its schema.
///
/// # Errors
/// `Unreachable`, with the file's name.
pub(crate) fn probe(path: &Path) -> Result<String, TargetError> {
    let connection = open_read_only(path).map_err(fault::as_target)?;
    let failed = |error: rusqlite::Error| match fault::target(
        &error,
        &format!("opening {}: ", path.display()),
    ) {
        TargetError::Busy(text) => TargetError::Unreachable(text),
        other => other,
    };
    let tables: i64 = connection
        .query_row(
            include_str!("../../sql/target/count_tables.sql"),
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    let mode: String = connection
        .query_row("pragma journal_mode", [], |row| row.get(0))
        .map_err(failed)?;
    let access = if path
        .metadata()
        .is_ok_and(|found| found.permissions().readonly())
    {
        ", read-only"
    } else {
        ""
    };
    Ok(format!(
        "SQLite {}, {}, {tables} tables, journal mode {mode}{access}",
        rusqlite::version(),
        path.display()
    ))
}

/// The highest execution id in Carril's own tables of the shared file, 0 without any.
pub(crate) fn newest_execution(connection: &Connection) -> Result<i64, TargetError> {
    let tables = [
        (
            "carril_fence",
            include_str!("../../sql/target/fence_newest.sql"),
        ),
        (
            "carril_publication",
            include_str!("../../sql/target/publication_newest.sql"),
        ),
        (
            "carril_workspace",
            include_str!("../../sql/target/workspace_newest.sql"),
        ),
    ];
    let mut newest = 0;
    for (table, query) in tables {
        let failed =
            |error: rusqlite::Error| fault::target(&error, &format!("reading `{table}`: "));
        if shared::object(connection, table).map_err(failed)?.is_some() {
            let found: Option<i64> = connection
                .query_row(query, [], |row| row.get(0))
                .map_err(failed)?;
            newest = newest.max(found.unwrap_or(0));
        }
    }
    Ok(newest)
}
