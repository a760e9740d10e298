//! Rollback while the lane runs, after it has published, after the process's own stage, and while that stage runs.

use super::bench::{Bench, until};
use std::fs;

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo');
create table own_row (entity text not null, value integer);
create table total_row (name text not null, lanes integer);
";

/// `hold` says which stage waits for the file `go`.
const PIPELINE: &str = r#"
name = "undone"
[params]
hold = { type = "text", default = "nothing" }
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[workspace]
tables = ["own_row", "total_row"]
publish = [
    { from = "own_row", into = "own_history", key = ["entity"], current = "own_current" },
    { from = "total_row", into = "total_history", key = ["name"], current = "total_current", per = "process" },
]
[[stage]]
name = "lane"
  [[stage.step]]
  name = "row"
  sql = "insert into own_row values (:entity_key, :execution_id)"
  [[stage.step]]
  name = "hold"
  when = "param.hold == 'lane' and entity.name == 'bela' and run == 1"
  command = ["sh", "-c", "touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done"]
[[stage]]
name = "total"
per = "process"
  [[stage.step]]
  name = "hold"
  when = "param.hold == 'process' and run == 1"
  command = ["sh", "-c", "touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done"]
  [[stage.step]]
  name = "row"
  sql = "insert into total_row select 'all', count(*) from own_current"
"#;

const UNDO: [&str; 7] = [
    "rollback",
    "--process",
    "1",
    "--entity",
    "bela",
    "--yes",
    "--json",
];
const REDO: [&str; 7] = [
    "retry",
    "--process",
    "1",
    "--entity",
    "bela",
    "--yes",
    "--json",
];

fn shown(bench: &Bench) -> String {
    bench.warehouse("select coalesce(group_concat(entity, ' '), '') || ' / ' || (select lanes from total_current) from (select entity from own_current order by 1)")
}

fn redone(bench: &Bench) {
    bench.run(&REDO).with(0);
    assert_eq!(shown(bench), "ada bela cleo / 3");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        3
    );
    assert_eq!(
        bench.store::<i64>("select run from executions where entity_key = 'bela'"),
        2
    );
    assert_eq!(bench.lane_files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn after_the_process_s_own_stage_which_runs_again_without_it() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    bench.run(&["run", "--json"]).with(0);
    assert_eq!(shown(&bench), "ada bela cleo / 3");
    bench.run(&UNDO).with(0);
    assert_eq!(shown(&bench), "ada cleo / 2");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        2
    );
    assert_eq!(bench.lane_files(), Vec::<std::path::PathBuf>::new());
    redone(&bench);
}

#[test]
fn while_its_lane_runs_in_another_program() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let running = bench.start(&["run", "--json", "--set", "hold=lane"]);
    bench.until_file("waiting");
    bench.run(&UNDO).with(0);
    running.end().with(0);
    assert_eq!(shown(&bench), "ada cleo / 2");
    assert_eq!(bench.warehouse::<i64>("select count(*) from carril_fence f where execution_id not in (select execution_id from own_history)
        and execution_id not in (select execution_id from total_history)"), 0);
    assert_eq!(bench.lane_files(), Vec::<std::path::PathBuf>::new());
    redone(&bench);
}

#[test]
fn while_the_process_s_own_stage_reads_what_it_left_it_is_refused() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let running = bench.start(&["run", "--json", "--set", "hold=process"]);
    bench.until_file("waiting");
    bench.run(&UNDO).with(6).saying("CAR0428");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        3,
        "nothing was removed"
    );
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
    assert_eq!(shown(&bench), "ada bela cleo / 3");
}

#[test]
fn of_a_whole_process_that_was_killed_after_it_had_published() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let running = bench.start(&["run", "--json", "--set", "hold=process"]);
    bench.until_file("waiting");
    let id = running.id();
    drop(running);
    until("the program to be gone", || {
        !std::path::Path::new(&format!("/proc/{id}")).exists()
    });
    bench.run(&["rollback", "1", "--yes", "--json"]).with(0);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        0
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from carril_fence"),
        0
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from carril_publication"),
        0
    );
    assert_eq!(
        bench.store::<String>("select state from processes where process_id = 1"),
        "rolled_back"
    );
    assert_eq!(bench.lane_files(), Vec::<std::path::PathBuf>::new());
}
