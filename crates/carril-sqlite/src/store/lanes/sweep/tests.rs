//! What is taken out, and when.

use super::*;
use rusqlite::params;

/// Lane keys of which every third execution is unsettled.
fn listed(many: i64) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    let tables = "CREATE TABLE execution (id INTEGER PRIMARY KEY, state INTEGER NOT NULL);
        CREATE TABLE lane (lane_hash INTEGER, execution_id INTEGER, PRIMARY KEY (lane_hash, execution_id)) WITHOUT ROWID; BEGIN;";
    connection.execute_batch(tables).unwrap();
    for id in 0..many {
        let state = if id % 3 == 0 { 1 } else { 4 };
        let execution = "INSERT INTO execution VALUES (?1, ?2)";
        connection
            .prepare_cached(execution)
            .unwrap()
            .execute([id, state])
            .unwrap();
        let lane = "INSERT INTO lane VALUES (?1, ?2)";
        connection
            .prepare_cached(lane)
            .unwrap()
            .execute(params![key(id), id])
            .unwrap();
    }
    connection
}

fn key(id: i64) -> i64 {
    id.wrapping_mul(-7_046_029_254_386_353_131)
}

fn left(connection: &Connection) -> i64 {
    let count = "SELECT count(*) FROM lane";
    connection.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn many_settled_entries_go_in_slices_and_unsettled_ones_stay() {
    let many = i64::try_from(SWEEP_AT).unwrap();
    let connection = listed(many);
    let mut sweep = Sweep::default();
    for id in 0..many - 1 {
        sweep.add(key(id), id);
    }
    sweep.run(&connection).unwrap();
    assert_eq!(left(&connection), many, "too few to be worth it");
    sweep.add(key(many - 1), many - 1);
    let mut before = many;
    let unsettled = (many + 2) / 3;
    while left(&connection) > unsettled {
        sweep.run(&connection).unwrap();
        let now = left(&connection);
        assert!(now < before, "every slice takes some out: {now}");
        assert!(
            before - now <= i64::try_from(SLICE).unwrap(),
            "none takes too many"
        );
        before = now;
    }
    assert_eq!(left(&connection), unsettled);
}

#[test]
fn slices_keep_up_with_whatever_settles() {
    let mut sweep = Sweep::default();
    let connection = listed(0);
    for round in 0..200 {
        for id in 0..5_000 {
            sweep.add(key(id), round * 5_000 + id);
        }
        sweep.run(&connection).unwrap();
        let kept = sweep.settled.len() + sweep.due.len();
        assert!(kept < 3 * SWEEP_AT, "{kept} are kept");
    }
}

#[test]
fn finishing_leaves_nothing_that_is_settled() {
    let connection = listed(99);
    let mut sweep = Sweep::default();
    (0..99).for_each(|id| sweep.add(key(id), id));
    sweep.finish(&connection).unwrap();
    assert_eq!(left(&connection), 33);
    assert_eq!(sweep.settled.len() + sweep.due.len(), 0);
}
