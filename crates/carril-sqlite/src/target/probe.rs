//! Whether the shared file is there and what it is, for people; nothing is changed.

use super::fault;
use super::template::open_read_only;
use carril_model::contract::TargetError;
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
