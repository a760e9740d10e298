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
