//! Up, down and up again give the same schema; each step may run twice.

use super::{MIGRATIONS, NEWEST, down, up};
use rusqlite::Connection;
use std::path::Path;

fn schema(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1")
        .unwrap();
    statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn version(connection: &Connection) -> i32 {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn every_version_is_reached_from_both_sides_alike() {
    let path = Path::new("store.db");
    assert_eq!(usize::try_from(NEWEST).unwrap(), MIGRATIONS.len());
    let mut going_up = Connection::open_in_memory().unwrap();
    let mut schemas = vec![schema(&going_up)];
    up(&mut going_up, path, 0).unwrap();
    assert_eq!(version(&going_up), NEWEST);
    for to in (0..NEWEST).rev() {
        down(&mut going_up, path, to + 1, to).unwrap();
        assert_eq!(version(&going_up), to);
        let found = schema(&going_up);
        let mut fresh = Connection::open_in_memory().unwrap();
        for (migration, version) in MIGRATIONS.iter().zip(1..=to) {
            super::step(&mut fresh, migration.up, version - 1, version).unwrap();
        }
        assert_eq!(
            found,
            schema(&fresh),
            "version {to} is the same from above and from below"
        );
        schemas.push(found);
    }
    assert!(
        schemas.last().unwrap().is_empty(),
        "version 0 is an empty file"
    );
    up(&mut going_up, path, 0).unwrap();
    assert_eq!(version(&going_up), NEWEST);
}

#[test]
fn a_step_that_another_program_did_meanwhile_is_not_done_twice() {
    let path = Path::new("store.db");
    let mut connection = Connection::open_in_memory().unwrap();
    up(&mut connection, path, 0).unwrap();
    let before = schema(&connection);
    up(&mut connection, path, 0).unwrap();
    assert_eq!(
        (schema(&connection), version(&connection)),
        (before, NEWEST)
    );
    down(&mut connection, path, NEWEST, NEWEST - 1).unwrap();
    down(&mut connection, path, NEWEST, NEWEST - 1).unwrap();
    assert_eq!(version(&connection), NEWEST - 1);
}

/// A store of the version before folders were kept, with one process in it.
#[test]
fn a_process_of_an_older_store_keeps_no_folder_and_all_else() {
    const BEFORE: i32 = 2;
    let path = Path::new("store.db");
    let mut connection = Connection::open_in_memory().unwrap();
    for (migration, version) in MIGRATIONS.iter().zip(1..=BEFORE) {
        super::step(&mut connection, migration.up, version - 1, version).unwrap();
    }
    connection
        .execute_batch(
            "INSERT INTO definition (id, version, name, body, defined_at) VALUES (1, 'abc', 'old', '{}', 0);
             INSERT INTO process (id, definition_id, state, segment, open, total, first_execution, last_execution,
               segments, lanes, pipeline, params, targets, launched_by, launched_at, overlap_hash)
             VALUES (7, 1, 1, 0, 2, 3, 8, 10, 1, 4, 'old', '{}', '{}', 'somebody', 5, 6);",
        )
        .unwrap();
    let read = |connection: &Connection, what: &str| -> (i64, Option<String>) {
        let sql = format!("SELECT total, {what} FROM processes WHERE process_id = 7");
        let mut statement = connection.prepare(&sql).unwrap();
        let row = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)));
        row.unwrap()
    };
    up(&mut connection, path, BEFORE).unwrap();
    assert_eq!(read(&connection, "folder"), (3, None));
    connection
        .execute("UPDATE process SET folder = '/somewhere'", [])
        .unwrap();
    assert_eq!(
        read(&connection, "folder"),
        (3, Some("/somewhere".to_owned()))
    );
    down(&mut connection, path, NEWEST, BEFORE).unwrap();
    assert_eq!(read(&connection, "pipeline"), (3, Some("old".to_owned())));
}

/// A store of the version before lane keys had a list of their own, with an execution that runs, one behind it, and one that is done.
#[test]
fn lane_keys_are_listed_from_an_index_and_back() {
    const BEFORE: i32 = 3;
    let path = Path::new("store.db");
    let mut connection = Connection::open_in_memory().unwrap();
    for (migration, version) in MIGRATIONS.iter().zip(1..=BEFORE) {
        super::step(&mut connection, migration.up, version - 1, version).unwrap();
    }
    let insert = "INSERT INTO execution (id, process_id, run, token, state, segment, ready, lane_open, per_process, lane_hash, since, cause, room)
         VALUES (1, 7, 1, 2, 1, 0, 1, 1, 0, 5, 0, 'running', 'x'), (2, 7, 1, 0, 0, 0, 0, 1, 0, 5, 0, 'key', 'x'),
           (3, 7, 1, 3, 3, 0, 1, 1, 0, 6, 0, 'store', NULL), (4, 7, 1, 0, 2, 1, 1, 0, 1, NULL, 0, 'barrier', NULL);";
    connection.execute_batch(insert).unwrap();
    let read = |connection: &Connection, query: &str| -> Vec<(i64, i64)> {
        let mut statement = connection.prepare(query).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    up(&mut connection, path, BEFORE).unwrap();
    let listed = "SELECT lane_hash, execution_id FROM lane ORDER BY 1, 2";
    assert_eq!(read(&connection, listed), [(5, 1), (5, 2)]);
    down(&mut connection, path, NEWEST, BEFORE).unwrap();
    let open = "SELECT id, lane_open FROM execution ORDER BY id";
    assert_eq!(read(&connection, open), [(1, 1), (2, 1), (3, 0), (4, 0)]);
    let kept = "SELECT token, length(room) FROM execution WHERE room IS NOT NULL ORDER BY id";
    assert_eq!(read(&connection, kept), [(2, 1), (0, 1)]);
}

/// A store of the version before guard rails, with a version that was launched twice.
#[test]
fn the_first_launch_of_an_older_version_is_its_oldest_process() {
    const BEFORE: i32 = 4;
    let path = Path::new("store.db");
    let mut connection = Connection::open_in_memory().unwrap();
    for (migration, version) in MIGRATIONS.iter().zip(1..=BEFORE) {
        super::step(&mut connection, migration.up, version - 1, version).unwrap();
    }
    let launched = |connection: &Connection, id: i64, at: i64| {
        let insert = "INSERT INTO process (id, definition_id, state, segment, open, total, failed, first_execution, last_execution,
               segments, lanes, pipeline, params, targets, launched_by, launched_at, overlap_hash)
             VALUES (?1, 1, 4, 0, 0, 3, 2, 8, 10, 1, 4, 'old', '{}', '{}', 'somebody', ?2, 6)";
        connection.execute(insert, [id, at]).unwrap();
    };
    connection
        .execute_batch("INSERT INTO definition (id, version, name, body, defined_at) VALUES (1, 'abc', 'old', '{}', 0)")
        .unwrap();
    launched(&connection, 9, 8);
    launched(&connection, 7, 5);
    up(&mut connection, path, BEFORE).unwrap();
    let first = |connection: &Connection| -> (i64, i64) {
        let mut statement = connection.prepare(sql!("rails_versions")).unwrap();
        let asked = statement.query_row(rusqlite::params!["old", "abc", 0, 1_000], |row| {
            Ok((row.get(1)?, row.get(3)?))
        });
        asked.unwrap()
    };
    assert_eq!(first(&connection), (5, 4));
    launched(&connection, 11, 50);
    connection
        .execute(sql!("definition_launched"), [11])
        .unwrap();
    connection
        .execute("DELETE FROM process WHERE id < 11", [])
        .unwrap();
    assert_eq!(first(&connection), (5, 2), "it was kept by the next launch");
    down(&mut connection, path, NEWEST, BEFORE).unwrap();
}
