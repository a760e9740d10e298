//! Pruning by hand and by itself: what is old goes, what was published stays, and nothing young is touched.

use crate::faults::bench::{Bench, until};
use rusqlite::Connection;
use std::fs;

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela');
create table own_row (entity text not null, mark integer);
create table mark (entity text not null, value integer);
insert into mark values ('ada', 1);
";

/// Bela's second step fails as long as she has no mark.
const PIPELINE: &str = r#"
name = "old"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[workspace]
tables = ["own_row"]
publish = [{ from = "own_row", into = "own_history", key = ["entity"], current = "own_current" }]
[[stage]]
name = "lane"
  [[stage.step]]
  name = "row"
  sql = "insert into own_row (entity) values (:entity_key)"
  [[stage.step]]
  name = "marked"
  retry = { attempts = 1 }
  sql = "update own_row set mark = (select value from mark where entity = :entity_key); select abs(case when mark is null then -9223372036854775808 else mark end) as mark from own_row"
"#;

/// A process with one failed lane, which ended some hours ago.
fn ended(hours: i64) -> Bench {
    let bench = Bench::new(SCHEMA, PIPELINE);
    bench
        .run(&["run", "--json", "--idempotency-key", "once"])
        .with(5);
    assert!(!bench.lane_files().is_empty(), "the failed lane's is kept");
    ago(&bench, hours);
    bench
}

fn mend(bench: &Bench) {
    let warehouse = Connection::open(bench.path("warehouse.db")).unwrap();
    let sql = "insert into mark values ('bela', 2)";
    warehouse.execute(sql, []).unwrap();
}

fn ago(bench: &Bench, hours: i64) {
    let store = Connection::open(bench.path("carril.db")).unwrap();
    let sql = "update process set ended_at = ended_at - ?1 * 3600000000";
    store.execute(sql, [hours]).unwrap();
}

fn rows_left(bench: &Bench) -> i64 {
    let tables = [
        "process",
        "execution",
        "entity",
        "step",
        "step_detail",
        "run_history",
    ];
    let count = |table: &&str| bench.store::<i64>(&format!("select count(*) from {table}"));
    tables.iter().map(count).sum()
}

#[test]
fn nothing_young_is_touched() {
    let bench = ended(23);
    let before = (rows_left(&bench), bench.lane_files());
    let pruned = bench
        .run(&[
            "prune",
            "--history",
            "1d",
            "--workspaces",
            "forever",
            "--json",
        ])
        .with(0);
    assert_eq!(
        pruned.json(),
        serde_json::json!({ "processes": 0, "workspaces": 0, "kept": [], "asked": false })
    );
    assert_eq!((rows_left(&bench), bench.lane_files()), before);
}

#[test]
fn old_workspaces_go_and_the_process_can_be_retried_from_its_first_step() {
    let bench = ended(2);
    let words = ["prune", "--workspaces", "1h", "--json"];
    bench.run(&words).with(2).saying("--yes");
    assert!(!bench.lane_files().is_empty(), "nobody agreed to it");
    let pruned = bench
        .run(&["prune", "--workspaces", "1h", "--yes", "--json"])
        .with(0);
    let pruned = pruned.json();
    assert_eq!(
        (&pruned["processes"], &pruned["workspaces"]),
        (&0.into(), &1.into())
    );
    assert!(bench.lane_files().is_empty());
    mend(&bench);
    bench
        .run(&["retry", "1", "--yes"])
        .with(6)
        .saying("from its beginning");
    bench
        .run(&["retry", "1", "--from", "lane/row", "--yes", "--json"])
        .with(0);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_current"),
        2
    );
}

#[test]
fn an_old_process_is_forgotten_and_what_it_published_stays() {
    let bench = ended(49);
    bench
        .run(&["prune", "--history", "2d", "--yes", "--json"])
        .with(0);
    assert_eq!(rows_left(&bench), 0);
    assert!(bench.lane_files().is_empty());
    assert_eq!(
        bench.warehouse::<String>("select entity from own_current"),
        "ada"
    );
    let listed = "select count(*) from processes";
    assert_eq!(bench.store::<i64>(listed), 0);
    bench.run(&["rollback", "1", "--yes"]).with(4);
    // Its key is forgotten with it.
    mend(&bench);
    let again = bench
        .run(&["run", "--json", "--idempotency-key", "once"])
        .with(0);
    assert_eq!(again.json()["how"], "launched");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_current"),
        2
    );
}

#[test]
fn an_engine_prunes_by_itself_as_its_settings_say() {
    let bench = ended(49);
    fs::write(bench.path("carril.toml"), "[retention]\nhistory = \"2d\"\n").unwrap();
    // Whoever works on the store does it; what is young stays.
    mend(&bench);
    bench.run(&["run", "--json"]).with(0);
    until("the old process is forgotten", || {
        bench.run(&["retry", "2", "--yes"]);
        bench.store::<i64>("select count(*) from process where ended_at is not null") == 1
    });
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 1);
}
