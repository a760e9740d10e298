//! Every documented exit code, produced for real.

use crate::place::{bench, object, send, until};
use rusqlite::Connection;
use std::fs;
use std::process::Stdio;

#[test]
fn zero_when_it_is_done() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    assert_eq!(
        bench.warehouse::<i64>("select size from totals"),
        3 * 10 + 2 + 5 * 10
    );
}

#[test]
fn zero_when_its_own_policy_skips_a_launch() {
    let bench = bench();
    let first = bench.start(&["run", "--json", "--set", "hold=ada"]);
    bench.until_file("waiting");
    let skipped = bench
        .run(&["run", "--json", "--set", "hold=ada"])
        .with(0)
        .json();
    assert_eq!(skipped["how"], "skipped");
    assert_eq!(skipped["process"]["state"], "running");
    fs::write(bench.path("go"), "").unwrap();
    first.end().with(0);
    assert_eq!(bench.store::<i64>("select count(*) from process"), 1);
}

#[test]
fn one_when_the_answer_cannot_be_written() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = bench
        .command(&["ps"])
        .stdout(Stdio::from(full))
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("CAR0800"));
}

#[test]
fn two_when_the_command_line_makes_no_sense() {
    let bench = bench();
    bench
        .run(&["run", "--lanse", "3"])
        .with(2)
        .saying("--lanes");
    bench
        .run(&["run", "--set", "fail"])
        .with(2)
        .saying("NAME=VALUE");
    bench.run(&["run", "--lanes", "0"]).with(2);
    bench.run(&["nothing"]).with(2);
}

#[test]
fn two_when_nobody_said_where_a_target_is() {
    let bench = bench();
    let folder = bench.path("pipeline").display().to_string();
    bench
        .run(&["plan", &folder])
        .with(2)
        .saying("--target warehouse=");
    let mut command = bench.command(&["check"]);
    let ended = command.arg(&folder).output().unwrap();
    assert_eq!(
        ended.status.code(),
        Some(0),
        "a check says what it could not ask, and that is no error"
    );
    assert!(String::from_utf8_lossy(&ended.stdout).contains("CAR0410"));
}

#[test]
fn two_when_nobody_can_be_asked() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    bench
        .run(&["rollback", "1"])
        .with(2)
        .saying("CAR0808")
        .saying("--yes")
        .saying("3 executions (ada, bela, cleo)");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from sizes"),
        3,
        "nothing was done"
    );
}

#[test]
fn three_when_the_pipeline_is_not_valid() {
    let bench = bench();
    bench
        .run(&["run", "--set", "fial=ada"])
        .with(3)
        .saying("CAR0401")
        .saying("`fail`");
    let text = fs::read_to_string(bench.path("pipeline/pipeline.toml")).unwrap();
    fs::write(
        bench.path("pipeline/pipeline.toml"),
        text.replace("  shared_writes = [\"effect\"]\n", ""),
    )
    .unwrap();
    bench
        .run(&["run"])
        .with(3)
        .saying("CAR0301")
        .saying("pipeline.toml:")
        .saying("^");
    assert!(!bench.path("carril.db").exists(), "nothing was made");
}

#[test]
fn four_when_nothing_is_selected() {
    let bench = bench();
    bench
        .run(&["run", "--only", "nobody"])
        .with(4)
        .saying("nobody");
    bench.run(&["show", "4711"]).with(4).saying("CAR0803");
    bench.run(&["why", "nobody"]).with(4);
    bench.run(&["trace", "waits"]).with(4);
    assert_eq!(bench.store::<i64>("select count(*) from process"), 0);
    Connection::open(bench.path("warehouse.db"))
        .unwrap()
        .execute("delete from who", [])
        .unwrap();
    bench.run(&["run"]).with(4);
}

#[test]
fn five_when_lanes_failed() {
    let bench = bench();
    let summary = bench
        .run(&["run", "--json", "--set", "fail=bela"])
        .with(5)
        .json();
    assert_eq!(summary["process"]["state"], "completed_with_errors");
    assert_eq!(summary["failures"][0]["step"], "tell/fail");
    assert_eq!(summary["failures"][0]["executions"], 1);
    assert_eq!(
        bench.warehouse::<i64>("select size from totals"),
        80,
        "the others are right"
    );
}

#[test]
fn six_when_it_is_refused() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    bench
        .run(&["cancel", "1", "--yes"])
        .with(6)
        .saying("CAR0422");
    bench
        .run(&["retry", "1", "--yes"])
        .with(6)
        .saying("CAR0423");
    bench.run(&["rollback", "1", "--yes"]).with(0);
    bench
        .run(&["rollback", "1", "--yes"])
        .with(6)
        .saying("CAR0427");
}

#[test]
fn seven_when_it_takes_too_long() {
    let bench = bench();
    let ended = bench
        .run(&["run", "--json", "--set", "hold=ada", "--timeout", "300ms"])
        .with(7);
    assert_eq!(ended.json()["process"]["state"], "cancelled");
    assert_eq!(ended.json()["exit"], 7);
}

#[test]
fn eight_when_it_is_cancelled() {
    let bench = bench();
    let running = bench.start(&["run", "--json", "--set", "hold=ada"]);
    bench.until_file("waiting");
    let answer = object(&bench.run(&["cancel", "1", "--yes", "--json"]).with(0));
    assert_eq!(answer["processes"][0]["state"], "cancelled");
    assert_eq!(
        running.end().with(8).json()["process"]["state"],
        "cancelled"
    );
}

#[test]
fn eight_when_it_is_interrupted_and_the_same_command_goes_on() {
    let bench = bench();
    let running = bench.start(&["run", "--json", "--set", "hold=ada"]);
    bench.until_file("waiting");
    send("INT", running.id());
    // It lets the step that runs come to its end.
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(8).saying("CAR0807");
    let summary = bench
        .run(&["run", "--json", "--set", "hold=ada"])
        .with(0)
        .json();
    assert_eq!(summary["how"], "resumed");
    assert_eq!(summary["process"]["id"], 1);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from size_history"),
        3
    );
}

#[test]
fn eight_when_it_is_interrupted_twice_without_waiting_for_steps() {
    let bench = bench();
    let running = bench.start(&["run", "--json", "--verbose", "--set", "hold=ada"]);
    bench.until_file("waiting");
    send("INT", running.id());
    // The first interrupt is seen once nobody but the lane that is held runs.
    until("the others to be handed back", || {
        bench.store::<i64>("select count(*) from execution where state = 1") == 1
    });
    send("INT", running.id());
    running.end().with(8);
    assert!(!bench.path("go").exists());
    fs::write(bench.path("go"), "").unwrap();
    bench.run(&["run", "--set", "hold=ada"]).with(0);
}

#[test]
fn nine_when_the_store_is_newer_or_somebody_elses() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    Connection::open(bench.path("carril.db"))
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    for words in [
        &["run"][..],
        &["ps"],
        &["show", "1"],
        &["cancel", "1", "--yes"],
    ] {
        bench.run(words).with(9).saying("CAR0601");
    }
    fs::copy(bench.path("warehouse.db"), bench.path("carril.db")).unwrap();
    bench.run(&["ps"]).with(9).saying("CAR0602");
}

#[test]
fn ten_when_store_or_target_are_not_there() {
    let bench = bench();
    bench.run(&["ps"]).with(10).saying("carril.db");
    assert!(!bench.path("carril.db").exists(), "reading makes no store");
    fs::remove_file(bench.path("warehouse.db")).unwrap();
    bench.run(&["run"]).with(10).saying("CAR0511");
    assert!(
        !bench.path("warehouse.db").exists(),
        "nobody makes a warehouse out of a wrong path"
    );
}
