//! The target's faults: locked by another program, for a while or past every time-out, gone, read-only.

use super::bench::{Bench, until};
use rusqlite::Connection;
use std::time::Duration;

const SCHEMA: &str = "
pragma journal_mode = wal;
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo');
create table effect (entity text);
create table own_effect (entity text not null);
";

fn pipeline(timeout: &str, attempts: u32) -> String {
    format!(
        r#"
name = "locked"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"

[workspace]
tables = ["own_effect"]
publish = [{{ from = "own_effect", into = "own_history", key = ["entity"] }}]

[defaults]
timeout = "{timeout}"
retry = {{ attempts = {attempts}, backoff = "1ms..5ms", on = "transient" }}

[[stage]]
name = "write"
  [[stage.step]]
  name = "own"
  sql = "insert into own_effect values (:entity_key)"
  [[stage.step]]
  name = "shared"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key)"
"#
    )
}

/// Another program that has the write lock, until it is dropped.
fn lock(bench: &Bench) -> Connection {
    let connection = Connection::open(bench.path("warehouse.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch("begin immediate").unwrap();
    connection
}

#[test]
fn a_target_that_is_locked_past_every_time_out_fails_its_lanes_and_says_so() {
    let bench = Bench::new(SCHEMA, &pipeline("300ms", 2));
    // Carril's own tables and those it publishes into are there, so that only the lanes meet the lock.
    bench.run(&["run", "--json", "--only", "ada"]).with(0);
    let lock = lock(&bench);
    let ended = bench.run(&["run", "--json"]).with(5).json();
    assert_eq!(ended["process"]["state"], "completed_with_errors");
    assert_eq!(ended["process"]["entities"]["failed"], 3);
    assert_eq!(ended["failures"][0]["step"], "write/shared");
    assert_eq!(ended["failures"][0]["code"], "CAR0502");
    let why = bench.run(&["why", "bela"]).with(0);
    assert!(
        why.stdout.contains("another program holds the write lock"),
        "{}",
        why.stdout
    );
    drop(lock);
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 1);
    let process = ended["process"]["id"].to_string();
    bench
        .run(&[
            "retry",
            "--process",
            &process,
            "--failed",
            "--yes",
            "--json",
        ])
        .with(0);
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 4);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        4
    );
}

#[test]
fn a_target_that_is_locked_for_a_while_is_waited_for() {
    let bench = Bench::new(SCHEMA, &pipeline("400ms", 200));
    bench.run(&["run", "--json", "--only", "ada"]).with(0);
    let lock = lock(&bench);
    let running = bench.start(&["run", "--json"]);
    let failed = "select count(*) from steps where state = 'failed' and error_code = 'CAR0502'";
    until("an attempt to meet the lock", || {
        bench.store::<i64>(failed) > 0
    });
    drop(lock);
    running.end().with(0);
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 4);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        4
    );
}

#[test]
fn a_target_that_is_not_there_starts_nothing() {
    let bench = Bench::new(SCHEMA, &pipeline("1s", 1));
    std::fs::remove_file(bench.path("warehouse.db")).unwrap();
    bench
        .run(&["run", "--json"])
        .with(10)
        .saying("warehouse.db");
    assert!(
        !bench.path("warehouse.db").exists(),
        "a target is never made"
    );
}

#[test]
fn a_target_that_is_no_database_starts_nothing() {
    let bench = Bench::new(SCHEMA, &pipeline("1s", 1));
    std::fs::write(
        bench.path("warehouse.db"),
        "this is a text file, and long enough to be taken for one by anybody who looks",
    )
    .unwrap();
    bench
        .run(&["run", "--json"])
        .with(10)
        .saying("warehouse.db");
}
