//! The store's faults: read-only, truncated, corrupt, newer, somebody else's, and already in use. Nothing is changed, and the
//! sentence says what would be right.

use super::bench::{Bench, Ended, until};
use rusqlite::Connection;
use std::fs;
use std::process::Command;

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo');
create table effect (entity text);
";

/// With number 2 the first step holds its lane until the file `go` is there; nothing waits by time. Lanes of two numbers have
/// nothing to do with each other.
const PIPELINE: &str = r#"
name = "stored"
[params]
number = { type = "integer", default = 1 }
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[lanes]
key = "entity.name ~ param.number"
[[stage]]
name = "work"
  [[stage.step]]
  name = "wait"
  when = "param.number == 2"
  command = ["sh", "-c", "touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done"]
  [[stage.step]]
  name = "write"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key)"
"#;

fn bench() -> Bench {
    let bench = Bench::new(SCHEMA, PIPELINE);
    bench.run(&["run", "--json"]).with(0);
    bench
}

#[test]
fn a_newer_store_is_left_alone() {
    let bench = bench();
    Connection::open(bench.path("carril.db"))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let before = fs::read(bench.path("carril.db")).unwrap();
    bench.run(&["run", "--json"]).with(9).saying("CAR0601");
    bench.run(&["ps"]).with(9).saying("CAR0601");
    assert!(
        before == fs::read(bench.path("carril.db")).unwrap(),
        "it was written to"
    );
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 3);
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let bench = bench();
    for text in [
        "not a database, but long enough that the first hundred bytes of a header could be in it, and then some more words",
        "short",
    ] {
        fs::write(bench.path("carril.db"), text).unwrap();
        bench.run(&["run", "--json"]).with(9).saying("CAR0602");
        assert_eq!(fs::read_to_string(bench.path("carril.db")).unwrap(), text);
    }
    fs::remove_file(bench.path("carril.db")).unwrap();
    fs::copy(bench.path("warehouse.db"), bench.path("carril.db")).unwrap();
    bench.run(&["run", "--json"]).with(9).saying("CAR0602");
}

#[test]
fn a_truncated_store_is_told_and_not_written() {
    let bench = bench();
    let whole = fs::read(bench.path("carril.db")).unwrap();
    fs::write(bench.path("carril.db"), &whole[..whole.len() / 2]).unwrap();
    bench.run(&["run", "--json"]).with(10).saying("CAR0604");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect"),
        3,
        "nothing ran"
    );
    fs::write(bench.path("carril.db"), &whole).unwrap();
    bench.run(&["run", "--json"]).with(0);
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 6);
}

#[test]
fn a_corrupt_store_is_told_and_not_written() {
    let bench = bench();
    let whole = fs::read(bench.path("carril.db")).unwrap();
    let mut broken = whole;
    for page in broken.chunks_mut(4_096).skip(1) {
        page[..64].fill(0x5a);
    }
    fs::write(bench.path("carril.db"), &broken).unwrap();
    bench.run(&["run", "--json"]).with(10).saying("CAR0604");
    bench.run(&["ps"]).with(10);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect"),
        3,
        "nothing ran"
    );
}

#[test]
fn a_store_that_may_not_be_written_is_told() {
    let bench = bench();
    fs::create_dir(bench.path("state")).unwrap();
    fs::copy(bench.path("carril.db"), bench.path("state/carril.db")).unwrap();
    let mut words = bench.words(&["run", "--json"]);
    *words.last_mut().unwrap() = bench.path("state/carril.db").display().to_string();
    with_a_read_only_state(&bench, &words)
        .with(10)
        .saying("CAR0");
    let effects = "select count(*) from effect";
    assert_eq!(bench.warehouse::<i64>(effects), 3, "nothing ran");
    let mut again = Command::new(env!("CARGO_BIN_EXE_carril"));
    again.args(&words).current_dir(bench.path(""));
    Ended::from(again.output().unwrap()).with(0);
    assert_eq!(bench.warehouse::<i64>(effects), 6);
}

/// Runs a command to which the folder `state` is read-only. Permissions do not bind root, so a mount of its own does it.
fn with_a_read_only_state(bench: &Bench, words: &[String]) -> Ended {
    let script = "mount --bind state state && mount -o remount,bind,ro state && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(env!("CARGO_BIN_EXE_carril")).args(words);
    Ended::from(command.current_dir(bench.path("")).output().unwrap())
}

#[test]
fn a_second_run_asks_the_first_and_is_followed_to_its_end() {
    let bench = bench();
    let first = bench.start(&["run", "--json", "--set", "number=2"]);
    bench.until_file("waiting");
    // The same launch is skipped by its own policy; another is launched by the engine that is there.
    bench
        .run(&["run", "--json", "--set", "number=2"])
        .with(0)
        .saying("nothing was launched");
    let other = bench.run(&["run", "--json", "--set", "number=3"]).with(0);
    assert_eq!(other.json()["process"]["state"], "succeeded");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect"),
        6,
        "the second process has run beside the first"
    );
    fs::write(bench.path("go"), "").unwrap();
    first.end().with(0);
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 9);
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 3);
}

#[test]
fn a_second_run_takes_over_from_an_engine_that_is_killed() {
    let bench = bench();
    let first = bench.start(&["run", "--json", "--set", "number=2"]);
    bench.until_file("waiting");
    let second = bench.start(&[
        "run",
        "--json",
        "--set",
        "number=3",
        "--idempotency-key",
        "other",
    ]);
    until("the second launch to be in the store", || {
        bench.store::<i64>("select count(*) from processes") == 3
    });
    drop(first);
    fs::write(bench.path("go"), "").unwrap();
    let second = second.end().with(0);
    let summary = second.json();
    assert_eq!(summary["process"]["params"]["number"], 3);
    assert_eq!(summary["process"]["state"], "succeeded");
    // What the killed one had left is done by now, or was handed back and is said to be unfinished.
    let unfinished = summary["unfinished"].as_array().unwrap();
    let killed = "select state from processes where params like '%2%'";
    if unfinished.is_empty() {
        assert!(!second.stderr.contains("handed back"), "{}", second.stderr);
    } else {
        assert_eq!(unfinished.len(), 1, "{summary}");
        assert_eq!(unfinished[0]["params"]["number"], 2);
        assert_eq!(bench.store::<String>(killed), "running");
        let named = format!(
            "process {} (stored, number=2) is unfinished",
            unfinished[0]["id"]
        );
        second.saying(&named);
        let next = bench.run(&["run", "--json", "--set", "number=2"]).with(0);
        assert_eq!(next.json()["how"], "resumed");
    }
    assert_eq!(bench.store::<String>(killed), "succeeded");
    let again = [
        "run",
        "--json",
        "--set",
        "number=3",
        "--idempotency-key",
        "other",
    ];
    assert_eq!(bench.run(&again).with(0).json()["how"], "repeated");
    // Nothing was launched anew, and every effect is there once: those of the bench's own run, and of these two.
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 3);
    assert_eq!(bench.warehouse::<i64>("select count(*) from effect"), 9);
}

/// An engine was killed in the instant between the last lane's end and the process's: adopted, it settles at once.
#[test]
fn a_process_that_has_only_to_settle_answers_for_the_launch() {
    let bench = bench();
    let store = Connection::open(bench.path("carril.db")).unwrap();
    let sql = "update process set state = 1, ended_at = null";
    assert_eq!(store.execute(sql, []).unwrap(), 1);
    let run = bench.run(&["run", "--json"]).with(0).json();
    assert_eq!(
        (&run["how"], &run["process"]["state"]),
        (&"resumed".into(), &"succeeded".into())
    );
    assert_eq!(bench.store::<i64>("select count(*) from processes"), 1);
}

#[test]
fn a_store_whose_folder_is_gone_is_told() {
    let bench = bench();
    let words = ["run", "pipeline", "--store", "nowhere/at/all.db", "--json"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_carril"));
    let target = format!("warehouse=sqlite:{}", bench.path("warehouse.db").display());
    command
        .args(words)
        .args(["--target", &target])
        .current_dir(bench.path(""));
    Ended::from(command.output().unwrap())
        .with(10)
        .saying("nowhere/at");
}
