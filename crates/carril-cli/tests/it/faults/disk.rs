//! The disk is full: under the target, under the store, under everything. What was acknowledged stays, the rest is told, and
//! with room again the same command, or a retry, does it, once.
//!
//! A small file system of its own is mounted in a mount namespace that ends with the command; so one shell runs all that
//! has to see it.

use super::bench::{Bench, Ended};
use std::process::Command;

const SCHEMA: &str = "
pragma journal_mode = wal;
create table who (name text not null);
insert into who
with recursive n (i) as (select 1 union all select i + 1 from n where i < 120) select printf('e%03d', i) from n;
create table effect (entity text);
create table own_effect (entity text not null, filling blob);
";

/// Twelve lanes, each of which writes half a mebibyte of its own and publishes it.
const WITH_WORKSPACES: &str = r#"
name = "full"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who limit 12"
[lanes]
max = 4
[workspace]
tables = ["own_effect"]
publish = [{ from = "own_effect", into = "own_history", key = ["entity"] }]
[defaults]
retry = { attempts = 2, backoff = "1ms..2ms", on = "transient" }
[[stage]]
name = "write"
  [[stage.step]]
  name = "own"
  sql = "insert into own_effect values (:entity_key, randomblob(524288))"
  [[stage.step]]
  name = "shared"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key)"
"#;

/// A hundred and twenty lanes that write a row each, and nothing of their own.
const WITHOUT_WORKSPACES: &str = r#"
name = "full"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[[stage]]
name = "write"
  [[stage.step]]
  name = "first"
  noop = true
  [[stage.step]]
  name = "shared"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key)"
  [[stage.step]]
  name = "last"
  noop = true
"#;

/// Runs a script in which `disk` is a folder on a file system of `size`, `carril` the command, `more` makes room, and `said
/// NAME` keeps the last exit code.
fn on_a_small_disk(bench: &Bench, size: &str, script: &str) -> Ended {
    let set_up = format!(
        "set -u; mkdir -p disk; mount -t tmpfs -o size={size} none disk || exit 99
         more() {{ mount -o remount,size=256m disk; }}
         carril() {{ \"$CARRIL\" \"$@\"; echo \"exit $?\" >&2; }}
         {script}
         for file in disk/*.db disk/*.db-wal; do test ! -f $file || cp $file . || exit 98; done"
    );
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &set_up]);
    command.env("CARRIL", env!("CARGO_BIN_EXE_carril"));
    Ended::from(command.current_dir(bench.path("")).output().unwrap()).with(0)
}

/// The exit codes of the commands, in order.
fn exits(ended: &Ended) -> Vec<&str> {
    let codes = ended
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("exit "));
    codes.collect()
}

/// Each success has its effect, once, and nothing else has one.
#[track_caller]
fn effects_are_exact(bench: &Bench) {
    assert_eq!(bench.warehouse::<String>("pragma integrity_check"), "ok");
    assert_eq!(bench.store::<String>("pragma integrity_check"), "ok");
    let successes = "select count(*) from steps where step = 'shared' and state = 'succeeded' and carried_from is null";
    let effects = bench.warehouse::<i64>("select count(*) from effect");
    assert_eq!(effects, bench.store::<i64>(successes));
    let drifted = "select count(*) from processes p where total <> succeeded + failed or succeeded <> (
        select count(*) from executions e where e.process_id = p.process_id and e.state = 'succeeded')";
    assert_eq!(bench.store::<i64>(drifted), 0);
}

#[test]
fn under_the_target_lanes_fail_and_a_retry_brings_them_back() {
    let bench = Bench::new(SCHEMA, WITH_WORKSPACES);
    let ended = on_a_small_disk(
        &bench,
        "3m",
        "cp warehouse.db* disk/
         carril run pipeline --store carril.db --target warehouse=sqlite:disk/warehouse.db --json | tail -1 > first.json
         more
         carril retry 1 --failed --yes --store carril.db --json | tail -1 > second.json",
    );
    assert_eq!(exits(&ended), ["5", "0"], "{}", ended.stderr);
    let first = std::fs::read_to_string(bench.path("first.json")).unwrap();
    assert!(first.contains("CAR0517"), "{first}");
    let failed =
        "select count(*) from steps where run = 1 and state = 'failed' and error_code <> 'CAR0517'";
    assert_eq!(bench.store::<i64>(failed), 0, "{}", ended.stderr);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        12
    );
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 12);
    effects_are_exact(&bench);
}

#[test]
fn under_the_store_the_engine_stops_and_the_same_command_goes_on() {
    let bench = Bench::new(SCHEMA, WITHOUT_WORKSPACES);
    let ended = on_a_small_disk(
        &bench,
        "480k",
        "carril run pipeline --store disk/carril.db --target warehouse=sqlite:warehouse.db --json > first.json
         carril run pipeline --store disk/carril.db --target warehouse=sqlite:warehouse.db --json > again.json
         more
         carril run pipeline --store disk/carril.db --target warehouse=sqlite:warehouse.db --json > second.json",
    );
    assert_eq!(exits(&ended), ["10", "10", "0"], "{}", ended.stderr);
    assert!(ended.stderr.contains("disk is full"), "{}", ended.stderr);
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 1);
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 120);
    effects_are_exact(&bench);
}

#[test]
fn under_everything_nothing_that_was_said_is_lost() {
    let bench = Bench::new(SCHEMA, WITH_WORKSPACES);
    let ended = on_a_small_disk(
        &bench,
        "5m",
        "cp warehouse.db* disk/
         carril run pipeline --store disk/carril.db --target warehouse=sqlite:disk/warehouse.db --json > first.json
         more
         carril run pipeline --store disk/carril.db --target warehouse=sqlite:disk/warehouse.db --json > second.json",
    );
    // Whether a lane or the store met it first, the next command finds all in order.
    let exits = exits(&ended);
    assert!(matches!(exits[..], ["5" | "10", "0"]), "{}", ended.stderr);
    effects_are_exact(&bench);
}
