//! The image of an empty lane file: made once from the shared file's tables, then copied for every lane.
//!
//! Making twenty tables by statement costs each lane several times what copying their pages costs. The image is made again
//! when the shared tables have changed. It holds the listed tables with their indexes, without triggers and without
//! foreign keys to tables that are not among them, and the fence's table. It is made in memory: engines of a shared store
//! may work in one folder, where the file of one would be another's, too.

use super::name::{quoted, read_only_uri};
use super::references::without_foreign;
use super::{fault, fence, lock};
use carril_model::contract::{ErrorClass, StepError};
use rusqlite::{Connection, OpenFlags};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// `PRAGMA user_version` of a lane file that is whole.
pub(crate) const WHOLE: i64 = 1;
/// Most images that are kept; one per list of tables, so one per pipeline in use.
const IMAGES_MAX: usize = 16;
/// Where a file says by which version it may be written and read, and what it says where it has a write-ahead log.
const VERSIONS: std::ops::Range<usize> = 18..20;
const WITH_LOG: u8 = 2;

/// The images of one target.
#[derive(Default)]
pub(crate) struct Templates {
    images: Mutex<HashMap<Vec<String>, Image>>,
}

struct Image {
    /// The shared file's schema cookie for which it was last found right.
    cookie: i64,
    statements: Vec<String>,
    bytes: Arc<Vec<u8>>,
}

impl Templates {
    /// The bytes of an empty lane file with these tables. Blocks; lanes that ask meanwhile wait for the one that makes it.
    ///
    /// # Errors
    /// `CAR0516` when a table is missing or cannot be made; `CAR0511` when the shared file cannot be read.
    pub(crate) fn image(
        &self,
        shared: &Path,
        tables: &[String],
    ) -> Result<Arc<Vec<u8>>, StepError> {
        let connection = open_read_only(shared)?;
        let unreadable = |error: rusqlite::Error| {
            fault::step(
                &error,
                &format!("reading the tables of {}: ", shared.display()),
            )
        };
        let cookie: i64 = connection
            .query_row("pragma schema_version", [], |row| row.get(0))
            .map_err(unreadable)?;
        let mut images = lock(&self.images);
        if let Some(image) = images.get(tables).filter(|image| image.cookie == cookie) {
            return Ok(Arc::clone(&image.bytes));
        }
        let statements = statements_for(&connection, shared, tables)?;
        if let Some(image) = images
            .get_mut(tables)
            .filter(|image| image.statements == statements)
        {
            image.cookie = cookie;
            return Ok(Arc::clone(&image.bytes));
        }
        let bytes = Arc::new(make(&statements)?);
        if images.len() >= IMAGES_MAX {
            images.clear();
        }
        images.insert(
            tables.to_vec(),
            Image {
                cookie,
                statements,
                bytes: Arc::clone(&bytes),
            },
        );
        Ok(bytes)
    }
}

/// Opens the shared file to read what it is made of.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, StepError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || Connection::open_with_flags(read_only_uri(path), flags);
    let opened = open().and_then(|connection| {
        let looked = connection.query_row("pragma schema_version", [], |_| Ok(()));
        match looked {
            Err(error) if needs_recovery(&error) => {
                recover(path)?;
                open()
            }
            // Whatever else is wrong is told by whoever reads on, in his own words.
            _ => Ok(connection),
        }
    });
    opened.map_err(|error| fault::step(&error, &format!("opening {}: ", path.display())))
}

/// Whether somebody died while he wrote, and left a journal that has to be rolled back before anybody can read.
fn needs_recovery(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    matches!(
        error,
        rusqlite::Error::SqliteFailure(error, _)
            if [ffi::SQLITE_READONLY_ROLLBACK, ffi::SQLITE_READONLY_RECOVERY].contains(&error.extended_code)
    )
}

/// Does what the next writer would do: brings the file back to its last commit.
fn recover(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(super::lane::BUSY_SLICE)?;
    connection.query_row("pragma schema_version", [], |_| Ok(()))
}

/// The statements that make the tables, in an order that SQLite takes.
fn statements_for(
    connection: &Connection,
    shared: &Path,
    tables: &[String],
) -> Result<Vec<String>, StepError> {
    let unreadable = |error: rusqlite::Error| {
        fault::step(
            &error,
            &format!("reading the tables of {}: ", shared.display()),
        )
    };
    let mut query = connection
        .prepare(include_str!("../../sql/target/template_objects.sql"))
        .map_err(unreadable)?;
    let mut statements = Vec::new();
    for table in tables {
        let rows: Vec<(String, String, String)> = query
            .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .and_then(Iterator::collect)
            .map_err(unreadable)?;
        match rows.first().map(|(kind, _, _)| kind.as_str()) {
            Some("table") => {}
            Some("view") => {
                return Err(unmade(format!(
                    "workspace table `{table}` is a view in {}; list tables only",
                    shared.display()
                )));
            }
            _ => {
                return Err(unmade(format!(
                    "workspace table `{table}` does not exist in {}; create it there, empty, as the template of each lane's own",
                    shared.display()
                )));
            }
        }
        statements.extend(rows.iter().map(|(_, _, sql)| without_foreign(sql, tables)));
    }
    Ok(statements)
}

/// The bytes of a file with these tables.
fn make(statements: &[String]) -> Result<Vec<u8>, StepError> {
    let failed = |error: rusqlite::Error, what: &str| {
        let mut fault = fault::step(&error, &format!("making the tables of a workspace{what}: "));
        if fault.code == fault::SQL {
            fault.code = fault::WORKSPACE.to_owned();
        }
        fault
    };
    let mut connection = Connection::open_in_memory().map_err(|error| failed(error, ""))?;
    let transaction = connection
        .transaction()
        .map_err(|error| failed(error, ""))?;
    for statement in statements {
        transaction
            .execute_batch(statement)
            .map_err(|error| failed(error, &format!(" (`{}`)", first_line(statement))))?;
    }
    fence::create(&transaction).map_err(|error| failed(error, ""))?;
    transaction
        .pragma_update(None, "user_version", WHOLE)
        .map_err(|error| failed(error, ""))?;
    transaction.commit().map_err(|error| failed(error, ""))?;
    let image = connection
        .serialize("main")
        .map_err(|error| failed(error, ""))?;
    let mut bytes = image.to_vec();
    // What is in memory has no log, and its file is to begin with one (https://www.sqlite.org/fileformat.html, 1.3.3).
    if let Some(versions) = bytes.get_mut(VERSIONS) {
        versions.fill(WITH_LOG);
    }
    Ok(bytes)
}

/// The columns of a table: name, declared type, whether null is refused. Hidden ones are left out.
pub(crate) fn columns_of(
    connection: &Connection,
    schema: &str,
    table: &str,
) -> rusqlite::Result<Vec<Column>> {
    let pragma = format!(
        "select name, type, \"notnull\" from pragma_table_xinfo(?1, {}) where hidden <> 1 order by cid",
        quoted_text(schema)
    );
    connection
        .prepare(&pragma)?
        .query_map([table], |row| {
            Ok(Column {
                name: row.get(0)?,
                kind: row.get(1)?,
                not_null: row.get(2)?,
            })
        })?
        .collect()
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As declared; empty if it was not.
    pub(crate) kind: String,
    pub(crate) not_null: bool,
}

fn quoted_text(schema: &str) -> String {
    super::name::literal(schema)
}

/// Whether a table has rowids, by which its rows can be taken in batches.
pub(crate) fn has_rowids(connection: &Connection, table: &str) -> bool {
    connection
        .prepare(&format!("select rowid from main.{} limit 0", quoted(table)))
        .is_ok()
}

/// Empties tables of a lane's copy; foreign keys among them do not matter meanwhile.
pub(crate) fn clear(connection: &mut Connection, tables: &[String]) -> rusqlite::Result<()> {
    connection.execute_batch("pragma foreign_keys = off")?;
    let transaction = connection.transaction()?;
    for table in tables {
        transaction.execute_batch(&format!("delete from main.{}", quoted(table)))?;
    }
    transaction.commit()
}

/// The workspace cannot be made, and trying again will not help.
pub(crate) fn unmade(text: String) -> StepError {
    StepError::new(fault::WORKSPACE, ErrorClass::Permanent, text)
}

/// A file of ours that cannot be written: a full disk may empty itself, a missing right will not.
pub(crate) fn unwritable(path: &Path, error: &std::io::Error) -> StepError {
    let (code, class) = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            (fault::FULL, ErrorClass::Transient)
        }
        std::io::ErrorKind::Interrupted => (fault::WORKSPACE, ErrorClass::Transient),
        _ => (fault::WORKSPACE, ErrorClass::Permanent),
    };
    StepError::new(code, class, format!("writing {}: {error}", path.display()))
}

fn first_line(statement: &str) -> &str {
    statement.lines().next().unwrap_or_default()
}
