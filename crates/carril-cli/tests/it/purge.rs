//! Purging: a whole process goes, with what it published, its workspaces and its history; nothing else does.

use crate::faults::bench::{Bench, until};
use serde_json::json;

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela');
create table own_row (entity text not null);
";

const PIPELINE: &str = r#"
name = "purged"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[workspace]
tables = ["own_row"]
keep = "always"
publish = [{ from = "own_row", into = "own_history", key = ["entity"], current = "own_current" }]
[[stage]]
name = "lane"
  [[stage.step]]
  name = "row"
  sql = "insert into own_row (entity) values (:entity_key)"
  [[stage.step]]
  name = "hold"
  command = ["sh", "-c", "while test -e hold; do sleep 0.02; done"]
"#;

fn rows_left(bench: &Bench) -> i64 {
    let tables = [
        "process",
        "execution",
        "entity",
        "step",
        "step_detail",
        "run_history",
    ];
    tables
        .iter()
        .map(|table| bench.store::<i64>(&format!("select count(*) from {table}")))
        .sum()
}

/// A bench on which the pipeline ran so often, and the processes' ids.
fn ran(times: usize) -> (Bench, Vec<i64>) {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = |_| {
        let summary = bench.run(&["run", "--json"]).with(0).json();
        summary["process"]["id"].as_i64().unwrap()
    };
    let ids = (0..times).map(run).collect();
    (bench, ids)
}

fn purged(dry_run: bool, ids: &[i64]) -> serde_json::Value {
    let rows = |table: &str, deleted: u64| json!({"table": table, "inserted": 0, "updated": 0, "deleted": deleted});
    let each = 2 * ids.len() as u64;
    json!({"purged": ids, "executions": each, "rows": [rows("own_history", each), rows("own_row", each)], "dry_run": dry_run})
}

#[test]
fn a_process_goes_with_everything_under_it_and_no_other_does() {
    let (bench, ids) = ran(2);
    let (first, second) = (ids[0].to_string(), ids[1].to_string());
    let before = rows_left(&bench);
    let preview = bench
        .run(&["purge", &second, "--dry-run", "--json"])
        .with(0)
        .json();
    assert_eq!(preview, purged(true, &ids[1..]));
    bench
        .run(&["purge", &second])
        .with(2)
        .saying("--yes")
        .saying("own_history -2");
    assert_eq!(rows_left(&bench), before, "nobody agreed to it");

    let done = bench
        .run(&["purge", &second, "--yes", "--json"])
        .with(0)
        .json();
    assert_eq!(done, purged(false, &ids[1..]));
    assert_eq!(rows_left(&bench), before / 2);
    let files = bench.lane_files();
    let is_lane = |file: &&std::path::PathBuf| file.extension().is_some_and(|end| end == "db");
    let lanes = files.iter().filter(is_lane).count();
    assert_eq!(lanes, 2, "those of the first process");
    // What the first one published stands again.
    assert_eq!(
        bench.warehouse::<i64>("select count(distinct execution_id) from own_history"),
        2
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_current"),
        2
    );
    bench.run(&["show", &second]).with(4);
    bench.run(&["purge", &second, "--yes"]).with(4);

    bench
        .run(&["purge", &first, "--yes"])
        .with(0)
        .telling(&format!("purged process {first} with 2 executions: 4 rows"));
    assert_eq!((rows_left(&bench), bench.lane_files().len()), (0, 0));
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        0
    );
}

#[test]
fn what_was_rolled_back_already_is_purged_too() {
    let (bench, _) = ran(1);
    bench.run(&["rollback", "1", "--yes"]).with(0);
    bench
        .run(&["purge", "1", "--dry-run"])
        .with(0)
        .telling("2 executions are rolled back already");
    bench.run(&["purge", "1", "--yes"]).with(0);
    assert_eq!(rows_left(&bench), 0);
}

#[test]
fn a_process_that_has_not_ended_is_refused_and_another_engine_does_the_rest() {
    let (bench, ids) = ran(2);
    let (first, second) = (ids[0].to_string(), ids[1].to_string());
    std::fs::write(bench.path("pipeline/hold"), "").unwrap();
    let running = bench.start(&["run", "--json"]);
    until("the third process to run", || {
        bench.store::<i64>("select count(*) from processes where state = 'running'") == 1
    });
    let third: i64 = bench.store("select max(process_id) from processes");
    let third = third.to_string();
    // One that cannot be purged keeps the others from being begun.
    bench
        .run(&["purge", &first, &third, "--yes"])
        .with(6)
        .saying(&format!("carril cancel {third}"));
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 3);
    let done = bench
        .run(&["purge", &first, &second, &first, "--yes", "--json"])
        .with(0)
        .json();
    assert_eq!(done, purged(false, &ids));
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 1);
    std::fs::remove_file(bench.path("pipeline/hold")).unwrap();
    running.end().with(0);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_current"),
        2
    );
}

/// The engine dies with a part forgotten: whoever works next on the store forgets the rest, however young it is.
#[test]
fn what_a_crash_left_half_forgotten_goes_with_the_next_engine() {
    let (bench, _) = ran(1);
    bench.change("update process set state = 0 where id = 1; delete from entity where execution_id = (select min(id) from execution)");
    std::fs::write(
        bench.path("carril.toml"),
        "[retention]\nhistory = \"forever\"\nworkspaces = \"forever\"\n",
    )
    .unwrap();
    bench.run(&["show", "1"]).with(4);
    until("the rest is forgotten", || {
        bench.run(&["run", "--json"]).with(0);
        bench.store::<i64>("select count(*) from process where id = 1") == 0
    });
}

/// Killed anywhere on the way, it is finished by asking again; what the rollback had left, the next engine has done by then.
#[cfg(feature = "failpoints")]
#[test]
fn a_purge_that_dies_is_finished_by_asking_again() {
    for point in [
        "engine::rollback::removed:1",
        "engine::rollback::removed:2",
        "engine::purge::rolled_back:1",
    ] {
        let (bench, _) = ran(1);
        let mut dying = bench.command(&["purge", "1", "--yes"]);
        let ended = dying.env("CARRIL_KILL_AT", point).output().unwrap();
        assert_eq!(ended.status.code(), None, "{point} was not reached");
        assert!(rows_left(&bench) > 0, "{point}");
        bench.run(&["purge", "1", "--yes"]).with(0);
        assert_eq!(rows_left(&bench), 0, "{point}");
        assert_eq!(
            bench.warehouse::<i64>("select count(*) from own_history"),
            0,
            "{point}"
        );
    }
}
