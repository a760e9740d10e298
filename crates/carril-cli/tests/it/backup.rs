//! Backups as operators use them: taken while an engine is in full swing, put back over a store that went on, and finished, with every
//! effect there once.

use crate::faults::bench::{Bench, kill, until};
use crate::place::object;
use std::fs;
use std::path::Path;

const SCHEMA: &str = "
create table who (name text not null);
insert into who with recursive n(i) as (select 1 union all select i + 1 from n where i < 40) select printf('e%02d', i) from n;
create table effect (name text not null, run integer not null);
create table mark (name text);
insert into mark values ('e40');
create table own_rows (name text not null);
";

/// Every lane leaves a row in its own file, one in a shared table, and publishes. `e20` waits for the file `go`; `e39` fails while
/// nobody has marked it.
const PIPELINE: &str = r#"
name = "effects"
[params]
hold = { type = "text", default = "" }
[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by name"
[lanes]
max = 3
[workspace]
tables = ["own_rows"]
publish = [{ from = "own_rows", into = "own_history", key = ["name"], current = "own_now" }]
[[stage]]
name = "work"
  [[stage.step]]
  name = "own"
  sql = "insert into own_rows values (:entity_key)"
  [[stage.step]]
  name = "hold"
  when = "param.hold == entity.key"
  command = ["sh", "-c", "touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done"]
  [[stage.step]]
  name = "effect"
  shared_writes = ["effect"]
  sql = "insert into effect select :entity_key, :run"
[[stage]]
name = "last"
  [[stage.step]]
  name = "marked"
  when = "entity.key == 'e39'"
  retry = { attempts = 1 }
  shared_writes = ["effect"]
  sql = "insert into effect select case when exists (select 1 from mark where name = 'e39') then 'e39-marked' end, :run"
"#;

fn bench() -> Bench {
    Bench::new(SCHEMA, PIPELINE)
}

/// Entities that have more than one row of an effect in one run, or none at all.
fn wrong(bench: &Bench) -> i64 {
    let twice = bench.warehouse::<i64>(
        "select count(*) from (select 1 from effect group by name, run having count(*) > 1)",
    );
    let never = bench
        .warehouse::<i64>("select count(*) from who where name not in (select name from effect)");
    let published = "select count(*) from (select name from who left join own_now using (name) where who.name <> 'e39' group by who.name having count(own_now.name) <> 1)";
    twice + never + bench.warehouse::<i64>(published)
}

/// A backup taken while the lane of `e20` is held and the others are at work; the run has ended since.
fn backed_up_in_full_swing(lanes: &str, words: &[&str]) -> Bench {
    let bench = bench();
    let running = bench.start(&["run", "--set", "hold=e20", "--lanes", lanes]);
    bench.until_file("waiting");
    let file = bench.path("kept.db");
    let mut all = vec!["backup", file.to_str().unwrap(), "--json"];
    all.extend(words);
    let told = object(&bench.run(&all).with(0));
    assert_eq!(told["executions"], 40, "{told}");
    assert!(told["unfinished"].as_i64().unwrap() > 0, "{told}");
    assert_eq!(told["processes"], 1);
    assert_eq!(told["bytes"], fs::metadata(&file).unwrap().len());
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(5);
    assert_eq!(wrong(&bench), 0);
    bench
}

fn forget_the_store(bench: &Bench) {
    for end in ["", "-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(bench.path(&format!("carril.db{end}")));
    }
    let _ = fs::remove_dir_all(bench.path("carril.db.lanes"));
}

fn restore(bench: &Bench) -> serde_json::Value {
    let file = bench.path("kept.db");
    let told = bench.run(&["restore", file.to_str().unwrap(), "--yes", "--json"]);
    object(&told.with(0))
}

#[test]
fn a_restored_store_finishes_without_doing_anything_twice() {
    let bench = backed_up_in_full_swing("3", &[]);
    let effects = bench.warehouse::<i64>("select count(*) from effect");
    let told = restore(&bench);
    let replaced = told["replaced"].as_str().unwrap();
    assert!(Path::new(replaced).exists(), "{told}");
    assert!(bench.store::<i64>("select count(*) from execution where state < 3") > 0);
    let summary = bench.run(&["run", "--json", "--set", "hold=e20"]).with(5);
    // `e20` had its rows in a workspace that went when it settled in the other life: it says so, and nothing of it is done twice.
    let process = summary.json()["process"].clone();
    assert_eq!(process["id"], 1, "it is gone on with: {process}");
    // What was in a lane when the backup was made is claimed once more. Nothing else is: each step finds at once what the other life did.
    let twice = bench.store::<i64>("select count(*) from execution where token > 1000001");
    assert!(twice <= 3, "{twice} attempts were refused by their fences");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect"),
        effects
    );
    assert_eq!(wrong(&bench), 0);
    bench.run(&["run"]).with(5);
    assert!(
        bench.warehouse::<i64>("select count(*) from effect") > effects,
        "a new launch is a new one"
    );
    assert_eq!(bench.warehouse::<i64>("select count(*) from (select name from who left join own_now using (name) group by who.name having count(own_now.name) > 1)"), 0);
}

#[test]
fn with_its_workspaces_every_lane_goes_on() {
    // One lane, which is held, so that none ends between the snapshot and the copy of its workspace.
    let bench = backed_up_in_full_swing("1", &["--workspaces"]);
    let effects = bench.warehouse::<i64>("select count(*) from effect");
    forget_the_store(&bench);
    let told = restore(&bench);
    assert!(told["workspaces"].as_i64().unwrap() > 0, "{told}");
    assert!(
        told["next_id"].as_i64().unwrap() > 1_000_000_000,
        "nobody knows what was given out: {told}"
    );
    let summary = bench.run(&["run", "--json", "--set", "hold=e20"]).with(5);
    assert_eq!(
        summary.json()["process"]["entities"]["failed"],
        1,
        "only the one that is to fail: {}",
        summary.stdout
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect"),
        effects
    );
    assert_eq!(wrong(&bench), 0);
}

#[test]
fn a_retry_that_a_later_life_did_is_not_done_again() {
    // Without workspaces, which go when a lane succeeds.
    let (start, rest) = PIPELINE.split_once("[workspace]").unwrap();
    let (_, rest) = rest
        .split_once("  [[stage.step]]\n  name = \"hold\"")
        .unwrap();
    let own = "[[stage]]\nname = \"work\"\n  [[stage.step]]\n  name = \"hold\"";
    let bench = Bench::new(SCHEMA, &format!("{start}{own}{rest}"));
    bench.run(&["run"]).with(5);
    let file = bench.path("kept.db");
    bench.run(&["backup", file.to_str().unwrap()]).with(0);
    let warehouse = rusqlite::Connection::open(bench.path("warehouse.db")).unwrap();
    warehouse
        .execute("insert into mark values ('e39')", [])
        .unwrap();
    bench.run(&["retry", "1", "--failed", "--yes"]).with(0);
    let effects = bench.warehouse::<i64>("select count(*) from effect");
    restore(&bench);
    bench.run(&["retry", "1", "--failed", "--yes"]).with(0);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect"),
        effects
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect where name = 'e39-marked'"),
        1
    );
}

#[test]
fn a_store_at_work_is_backed_up_and_not_restored() {
    let bench = bench();
    let running = bench.start(&["run", "--set", "hold=e20"]);
    bench.until_file("waiting");
    let file = bench.path("kept.db");
    let file = file.to_str().unwrap();
    bench
        .run(&["backup", file])
        .with(0)
        .telling("40 executions");
    bench.run(&["backup", file]).with(6).saying("CAR0612");
    bench.run(&["backup", file, "--force"]).with(0);
    bench
        .run(&["restore", file, "--yes"])
        .with(6)
        .saying("CAR0701");
    kill(running);
    bench.run(&["restore", file]).with(2).saying("CAR0808");
    bench
        .run(&["restore", file, "--yes"])
        .with(0)
        .telling("the store as it was before");
    fs::write(bench.path("go"), "").unwrap();
    bench.run(&["run", "--set", "hold=e20"]).with(5);
    assert_eq!(wrong(&bench), 0);
    until("no engine to be left", || {
        bench.store::<i64>("select count(*) from node where left_at is null") == 0
    });
}

#[test]
fn a_file_that_is_no_backup_is_told_as_what_it_is() {
    let bench = bench();
    bench.run(&["run"]).with(5);
    let file = bench.path("kept.db");
    let name = file.to_str().unwrap();
    bench.run(&["backup", name]).with(0);
    let good = fs::read(&file).unwrap();
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    bench
        .run(&["restore", name, "--yes"])
        .with(10)
        .saying("CAR0615")
        .saying("was cut");
    let warehouse = bench.path("warehouse.db");
    bench
        .run(&["restore", warehouse.to_str().unwrap(), "--yes"])
        .with(9)
        .saying("CAR0616");
    bench
        .run(&["restore", "missing.db", "--yes"])
        .with(10)
        .saying("CAR0619");
    assert_eq!(
        bench.store::<i64>("select count(*) from process"),
        1,
        "the store stays"
    );
}
