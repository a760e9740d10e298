//! What people read, beside an engine: the cases that every store passes, and what is SQLite's alone.

use carril_model::contract::{Fault, History, ProcessFilter};
use carril_sqlite::store::{SqliteHistory, SqliteStore, StoreOptions};
use carril_testkit::store::history::House;
use carril_testkit::store::{Harness, Opener};
use rusqlite::Connection;
use rusqlite::types::Value as Kept;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

carril_testkit::history_conformance!(crate::store_history::house);

pub(crate) fn house() -> House {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let path = folder.path().join("carril.db");
    let at = path.clone();
    let opener = Opener::new(move || {
        assert!(folder.path().exists());
        Arc::new(SqliteStore::open(&at, StoreOptions::default()).expect("it opens"))
    });
    let of = path.clone();
    let history = move || -> Arc<dyn carril_testkit::store::history::Reader> {
        Arc::new(SqliteHistory::open(&of).expect("it opens beside the engine"))
    };
    House::open(opener, history, Box::new(move |sql| raw(&path, sql)))
}

/// Runs a statement over a connection of its own.
fn raw(path: &Path, sql: &str) -> String {
    let connection = Connection::open(path).expect("it opens");
    let mut statement = connection.prepare(sql).expect("it prepares");
    if statement.column_count() == 0 {
        statement.execute([]).expect("it is done");
        return String::new();
    }
    let columns = statement.column_count();
    let shown = |value: Kept| match value {
        Kept::Integer(number) => number.to_string(),
        Kept::Text(text) => text,
        other => format!("{other:?}"),
    };
    let line = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
        let values = (0..columns).map(|at| row.get(at).map(shown));
        Ok(values.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    };
    let lines = statement.query_map([], line).expect("it is asked");
    let lines = lines.collect::<rusqlite::Result<Vec<_>>>();
    lines.expect("every row reads").join("\n")
}

#[test]
fn a_history_without_an_engine_changes_no_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("carril.db");
    let at = path.clone();
    let harness = Harness::open(Opener::new(move || {
        Arc::new(SqliteStore::open(&at, StoreOptions::default()).expect("it opens"))
    }));
    harness.running(3);
    let now = harness.now();
    harness.wait(harness.store().leave(now)).expect("it leaves");
    drop(harness);
    let before = std::fs::read(&path).expect("it reads");
    let history = SqliteHistory::open(&path).expect("it opens");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let all = ProcessFilter {
        max: 9,
        ..ProcessFilter::default()
    };
    assert_eq!(
        runtime
            .block_on(history.processes(&all))
            .expect("they are asked")
            .len(),
        1
    );
    drop(history);
    assert_eq!(std::fs::read(&path).expect("it reads"), before);
    drop(folder);
}

#[test]
fn only_reading_is_answered() {
    let house = house();
    let (process, _) = house.harness.running(3);
    let refused = |sql: &str| match house.harness.wait(house.history.query(sql, 10)) {
        Err(Fault::Conflict(text)) => text,
        other => panic!("{sql} was answered: {other:?}"),
    };
    for sql in [
        "INSERT INTO node (host, pid, command, entered_at, last_seen) VALUES ('x', 1, 'x', 1, 1)",
        "DELETE FROM processes",
        "UPDATE execution SET state = 3",
        "DROP VIEW steps",
        "CREATE TEMP TABLE t(x)",
        "CREATE TEMP VIEW v AS SELECT * FROM execution",
        "ATTACH 'other.db' AS other",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = DELETE",
        "VACUUM INTO 'copy.db'",
        "BEGIN IMMEDIATE",
        "SELECT token FROM execution",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "nonsense",
        "",
    ] {
        refused(sql);
    }
    assert!(
        refused("SELECT nobody FROM steps").contains("nobody"),
        "the database's own words"
    );
    assert!(
        refused("SELECT state FROM execution").contains("executions"),
        "and what would be right"
    );
    assert_eq!(
        house.harness.recount(process).open,
        3,
        "nothing was changed"
    );
    let answer = house
        .harness
        .wait(
            house
                .history
                .query("SELECT entity_key AS who FROM executions ORDER BY 1", 2),
        )
        .expect("it is answered");
    assert_eq!((answer.columns, answer.cut), (vec!["who".to_owned()], true));
    assert_eq!(answer.rows, [[json!("e00000")], [json!("e00001")]]);
    let all = house
        .harness
        .wait(house.history.query("SELECT 1.5, NULL, x'00', 'a', 7", 2))
        .expect("it is answered");
    assert_eq!(
        (all.rows, all.cut),
        (
            vec![vec![
                json!(1.5),
                json!(null),
                json!("1 bytes"),
                json!("a"),
                json!(7)
            ]],
            false
        )
    );
}
