//! Pause and resume at the command line: beside the engine that runs the process, and where no engine is left.

use crate::faults::bench::{Bench, until};
use std::fs;

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo');
create table effect (entity text);
";

/// The first lane's first step waits for the file `go`; nothing waits by time.
const PIPELINE: &str = r#"
name = "paused"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by name"
[lanes]
max = 1
[[stage]]
name = "work"
  [[stage.step]]
  name = "wait"
  when = "entity.name == 'ada'"
  command = ["sh", "-c", "touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done"]
  [[stage.step]]
  name = "write"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key)"
"#;

const EFFECTS: &str = "select count(*) from effect";
const STATES: &str =
    "select group_concat(state, ' ') from (select state from executions order by execution_id)";

#[test]
fn a_pause_beside_the_engine_lets_the_step_end_and_a_resume_does_the_rest() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = bench.start(&["run", "--json"]);
    bench.until_file("waiting");
    let paused = bench.run(&["pause", "1", "--json"]).with(0);
    assert_eq!(paused.json()["state"], "paused");
    fs::write(bench.path("go"), "").unwrap();
    until("the lane is handed back", || {
        bench.store::<String>(STATES) == "pending pending pending"
    });
    assert_eq!(bench.warehouse::<i64>(EFFECTS), 0, "nothing more has begun");
    bench.run(&["why", "2"]).with(0).telling("paused");
    let skipped = bench.run(&["run", "--json"]).with(0);
    assert_eq!(skipped.json()["how"], "skipped");
    let resumed = bench.run(&["resume", "1", "--json"]).with(0);
    assert_eq!(resumed.json()["process"]["state"], "succeeded");
    run.end().with(0);
    assert_eq!(bench.warehouse::<i64>(EFFECTS), 3);
    bench.run(&["pause", "1"]).with(6).saying("CAR0430");
    bench.run(&["resume", "1"]).with(6).saying("CAR0431");
    bench.run(&["pause", "77"]).with(4);
}

#[test]
fn what_a_killed_engine_left_can_be_paused_and_waits_for_its_resume() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = bench.start(&["run", "--json"]);
    bench.until_file("waiting");
    drop(run);
    bench
        .run(&["pause", "1"])
        .with(0)
        .telling("carril resume 1");
    fs::write(bench.path("go"), "").unwrap();
    bench.run(&["run"]).with(0).saying("carril resume 1");
    assert_eq!(bench.warehouse::<i64>(EFFECTS), 0);
    bench.run(&["resume", "1"]).with(0);
    assert_eq!(bench.warehouse::<i64>(EFFECTS), 3);
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 1);
}

#[test]
fn one_entity_of_a_paused_process_is_rolled_back_and_the_rest_stays_paused() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = bench.start(&["run", "--json"]);
    bench.until_file("waiting");
    bench.run(&["pause", "1"]).with(0);
    let undo = ["rollback", "--process", "1", "--entity", "bela", "--yes"];
    bench.run(&undo).with(0).telling("process 1 is paused");
    let state = "select state from executions where entity_key = 'bela'";
    assert_eq!(bench.store::<String>(state), "rolled_back");
    fs::write(bench.path("go"), "").unwrap();
    let all = bench.run(&["rollback", "1", "--yes"]).with(0);
    all.telling("process 1 is rolled_back");
    run.end().with(0);
    assert_eq!(bench.warehouse::<i64>(EFFECTS), 0);
}
