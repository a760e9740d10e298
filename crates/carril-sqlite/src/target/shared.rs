//! The shared file: opened once for writing, by the one seat through which every write to it goes.
//!
//! The file is the user's. Carril adds its own tables (`carril_…`), what `publish` names, and switches it to WAL, without
//! which every reading lane would hold up every publishing one.

use super::guard::Guard;
use super::lane::BUSY_SLICE;
use super::{fault, fence};
use carril_model::contract::{ErrorClass, StepError};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::path::Path;
use std::sync::Arc;

/// Opens the shared file for writing, or for reading where it may not be written.
///
/// # Errors
/// `CAR0511` when it is missing, cannot be opened or is no database.
pub(crate) fn open(path: &Path, guard: &Arc<Guard>) -> Result<Connection, StepError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if !path.exists() {
        return Err(StepError::new(
            fault::UNREACHABLE,
            ErrorClass::Permanent,
            format!("there is no file {}", path.display()),
        ));
    }
    let failed =
        |error: rusqlite::Error| fault::step(&error, &format!("opening {}: ", path.display()));
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    settle(&connection, path).map_err(failed)?;
    guard.watch(&mut connection, true).map_err(failed)?;
    Ok(connection)
}

fn settle(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_SLICE)?;
    connection.execute_batch(include_str!("../../sql/target/lane_settings.sql"))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.query_row("pragma schema_version", [], |_| Ok(()))?;
    if connection.is_readonly("main")? {
        return Ok(());
    }
    match connection.query_row("pragma main.journal_mode = wal", [], |row| {
        row.get::<_, String>(0)
    }) {
        Ok(mode) if mode == "wal" => Ok(()),
        Ok(mode) => {
            tracing::warn!(file = %path.display(), mode, "the database file does not take WAL; lanes that read will hold up those that publish");
            Ok(())
        }
        // Somebody uses the file just now; it works without, only not as well.
        Err(error) if fault::is_busy(&error) => {
            tracing::warn!(file = %path.display(), "the database file is in use and could not be switched to WAL");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Makes Carril's own tables in the shared file; inside the transaction that needs them.
pub(crate) fn create_own_tables(connection: &Connection) -> rusqlite::Result<()> {
    fence::create(connection)?;
    connection.execute_batch(include_str!("../../sql/target/create_publication.sql"))
}

/// What a name stands for in the main file: `table` or `view`, and the statement that made it.
pub(crate) fn object(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<(String, String)>> {
    connection
        .query_row(
            include_str!("../../sql/target/schema_object.sql"),
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
}
