//! What is opened, what is refused and how it is said; and that refusing changes nothing.

use super::{APPLICATION_ID, Durability, OpenError, StoreOptions, for_engine, for_reading};
use crate::store::migrate;
use rusqlite::{Connection, Error, ffi};
use std::path::{Path, PathBuf};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn make(folder: &Path) -> PathBuf {
    let path = folder.join("carril.db");
    drop(for_engine(&path, StoreOptions::default()).unwrap());
    path
}

/// Opens the file in both ways, expects the same refusal, and that not one byte of it changed.
fn refused(path: &Path, code: &str) -> String {
    let before = std::fs::read(path).unwrap();
    let error = for_engine(path, StoreOptions::default()).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(for_reading(path).unwrap_err().code(), code);
    assert_eq!(
        std::fs::read(path).unwrap(),
        before,
        "the file is as it was"
    );
    error.to_string()
}

#[test]
fn a_new_store_is_made_and_opened_again() {
    let folder = folder();
    let path = make(folder.path());
    let number = |connection: &Connection, pragma: &str| {
        connection
            .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let connection = for_engine(&path, StoreOptions::default()).unwrap();
    assert_eq!(
        number(&connection, "application_id"),
        i64::from(APPLICATION_ID)
    );
    assert_eq!(
        number(&connection, "user_version"),
        i64::from(migrate::NEWEST)
    );
    for (pragma, expected) in [
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("mmap_size", 0),
        ("cache_size", -8_192),
    ] {
        assert_eq!(number(&connection, pragma), expected, "{pragma}");
    }
    let mode: String = connection
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    drop(for_reading(&path).unwrap());
}

#[test]
fn normal_durability_is_an_option() {
    let folder = folder();
    let options = StoreOptions {
        synchronous: Durability::Normal,
        ..StoreOptions::default()
    };
    let connection = for_engine(&folder.path().join("carril.db"), options).unwrap();
    let level: i64 = connection
        .query_row("PRAGMA synchronous", [], |row| row.get(0))
        .unwrap();
    assert_eq!(level, 1);
}

#[test]
fn a_newer_store_is_refused() {
    let folder = folder();
    let path = make(folder.path());
    Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 99")
        .unwrap();
    assert!(refused(&path, "CAR0601").contains("99"));
}

#[test]
fn another_application_s_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("other.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t(x); PRAGMA application_id = 7")
        .unwrap();
    refused(&path, "CAR0602");
    let path = folder.path().join("warehouse.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t(x)")
        .unwrap();
    assert!(refused(&path, "CAR0602").contains("1 tables"));
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "not a database, but longer than a header of one hundred bytes".repeat(9),
    )
    .unwrap();
    refused(&path, "CAR0602");
}

#[test]
fn only_an_engine_makes_a_store() {
    let folder = folder();
    let path = folder.path().join("carril.db");
    assert_eq!(for_reading(&path).unwrap_err().code(), "CAR0608");
    assert!(!path.exists());
    std::fs::write(&path, "").unwrap();
    assert_eq!(for_reading(&path).unwrap_err().code(), "CAR0602");
    drop(for_engine(&path, StoreOptions::default()).unwrap());
    let nowhere = folder.path().join("no").join("folder.db");
    assert_eq!(
        for_engine(&nowhere, StoreOptions::default())
            .unwrap_err()
            .code(),
        "CAR0608"
    );
}

#[test]
fn an_older_store_is_brought_up_to_date_by_an_engine_only() {
    let folder = folder();
    let path = make(folder.path());
    super::downgrade(&path, migrate::NEWEST - 1).unwrap();
    match for_reading(&path).unwrap_err() {
        OpenError::Older { found, known, .. } => {
            assert_eq!((found, known), (migrate::NEWEST - 1, migrate::NEWEST));
        }
        other => panic!("{other}"),
    }
    drop(for_engine(&path, StoreOptions::default()).unwrap());
    drop(for_reading(&path).unwrap());
}

/// A store in which an engine entered and never left, with enough in it to be worth damaging.
fn left_open(folder: &Path) -> PathBuf {
    let path = make(folder);
    let connection = for_engine(&path, StoreOptions::default()).unwrap();
    connection
        .execute_batch(
            "INSERT INTO node (host, pid, command, entered_at, last_seen) VALUES ('h', 1, 'c', 1, 1);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO step (execution_id, run, step, attempt, state, began) SELECT i, 1, 0, 1, 2, i FROM n;
             PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
    path
}

#[test]
fn a_damaged_page_is_found_after_an_unclean_stop() {
    let folder = folder();
    let path = left_open(folder.path());
    drop(for_engine(&path, StoreOptions::default()).unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let page = bytes.len() - 3 * 2_048;
    bytes[page..page + 64].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(
        for_engine(&path, StoreOptions::default())
            .unwrap_err()
            .code(),
        "CAR0604"
    );
}

#[test]
fn a_store_that_was_cut_short_is_damaged_even_after_a_clean_stop() {
    let folder = folder();
    let path = left_open(folder.path());
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("UPDATE node SET left_at = 2; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(connection);
    let bytes = std::fs::read(&path).unwrap();
    for left in [bytes.len() - 2_048, bytes.len() / 2, 3 * 2_048 + 100, 50] {
        std::fs::write(&path, &bytes[..left]).unwrap();
        let error = for_engine(&path, StoreOptions::default()).unwrap_err();
        assert_eq!(error.code(), "CAR0604", "{left} bytes are left: {error}");
    }
}

#[test]
fn every_code_of_the_database_is_told_apart() {
    let of = |code| {
        OpenError::of(
            Path::new("s.db"),
            &Error::SqliteFailure(ffi::Error::new(code), None),
        )
        .code()
    };
    let table = [
        (ffi::SQLITE_NOTADB, "CAR0602"),
        (ffi::SQLITE_READONLY, "CAR0603"),
        (ffi::SQLITE_READONLY_DIRECTORY, "CAR0603"),
        (ffi::SQLITE_PERM, "CAR0603"),
        (ffi::SQLITE_CORRUPT, "CAR0604"),
        (ffi::SQLITE_CANTOPEN, "CAR0608"),
        (ffi::SQLITE_BUSY, "CAR0609"),
        (ffi::SQLITE_BUSY_RECOVERY, "CAR0609"),
        (ffi::SQLITE_FULL, "CAR0611"),
        (ffi::SQLITE_IOERR, "CAR0608"),
    ];
    for (code, expected) in table {
        assert_eq!(of(code), expected, "code {code}");
    }
}

/// Every statement of the store with its name.
fn statements() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/store");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "sql"));
    let named = files.map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    named.collect()
}

#[test]
fn no_statement_is_prepared_again_for_other_values() {
    let folder = folder();
    let connection = for_engine(&folder.path().join("carril.db"), StoreOptions::default()).unwrap();
    let statements = statements();
    assert!(statements.len() > 50, "the statements were found");
    for (name, text) in statements {
        connection.execute_batch("BEGIN").unwrap();
        let mut statement = connection.prepare(&text).unwrap();
        for first in [1_i64, 1_000_000, 7] {
            for (parameter, value) in (1..=statement.parameter_count()).zip(first..) {
                statement.raw_bind_parameter(parameter, value).unwrap();
            }
            let mut rows = statement.raw_query();
            // Values that break a rule of the table are as good as others here.
            while let Ok(Some(_)) = rows.next() {}
        }
        assert_eq!(
            statement.get_status(rusqlite::StatementStatus::RePrepare),
            0,
            "{name}"
        );
        drop(statement);
        connection.execute_batch("ROLLBACK").unwrap();
    }
}
