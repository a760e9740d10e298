//! What commands say of processes that did not end well, or have not ended: what somebody who is woken at night needs, and no
//! step that does not fit. And of numbers that are not what was asked for.

use crate::faults::bench::{Bench, Ended, Started, until};
use crate::place::{bench, send};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Every command that a summary names, without its store.
fn next(summary: &str) -> Vec<String> {
    let commands = summary
        .lines()
        .filter_map(|line| line.strip_prefix("  carril "));
    let until_store = |line: &str| line.split("  ").next().unwrap().to_owned();
    commands.map(until_store).collect()
}

#[track_caller]
fn without(ended: &Ended, words: &[&str]) {
    for word in words {
        assert!(!ended.stdout.contains(word), "`{word}` in {}", ended.stdout);
    }
}

/// A run that stays in ada's lane until the file `go` is there.
fn held(bench: &Bench, more: &[&str]) -> Started {
    let mut words = vec!["run", "--set", "hold=ada"];
    words.extend(more);
    let running = bench.start(&words);
    bench.until_file("waiting");
    running
}

#[test]
fn where_nothing_came_to_a_good_end_there_is_no_pace() {
    let bench = bench();
    bench.run(&["run"]).with(0).telling("entities an hour");
    let failed = bench.run(&["run", "--set", "fail=bela", "--only", "bela"]);
    let failed = failed.with(5).telling("1: 1 failed");
    without(&failed, &["entities an hour", "rollback --process"]);
    let top = bench.run(&["top", "--once"]).with(0);
    let line = top
        .stdout
        .lines()
        .find(|line| line.contains("completed_with_errors"));
    assert!(
        line.is_some_and(|line| !line.contains("an hour")),
        "{}",
        top.stdout
    );
    let commands = next(&failed.stdout);
    assert!(commands[0].starts_with("why "), "{commands:?}");
    assert!(commands[1].starts_with("retry "), "{commands:?}");
    assert!(
        !failed.stdout.contains("carril logs"),
        "SQL prints nothing: {commands:?}"
    );
}

#[test]
fn what_was_cancelled_has_no_slowest_lane_and_is_run_again() {
    let bench = bench();
    let running = held(&bench, &["--lanes", "1"]);
    bench.run(&["cancel", "1", "--yes"]).with(0);
    let ended = running.end().with(8);
    without(&ended, &["slowest", "entities an hour", "why "]);
    let ended = ended.telling("run the cancelled ones again");
    assert!(next(&ended.stdout)[0].starts_with("retry 1 --failed"));
}

#[test]
fn whoever_follows_a_process_is_told_of_its_pause_and_of_its_end() {
    let bench = bench();
    let running = held(&bench, &[]);
    bench.run(&["pause", "1"]).with(0);
    let beside = bench.run(&["run", "--set", "hold=ada"]).with(0);
    without(&beside, &["rollback", "entities an hour"]);
    let beside = beside.telling("paused").telling("so far");
    assert!(next(&beside.stdout)[0].starts_with("resume 1"));
    bench
        .run(&["show", "1"])
        .with(0)
        .telling("so far")
        .telling("now ")
        .telling("`carril run ");
    fs::write(bench.path("go"), "").unwrap();
    bench
        .run(&["resume", "1"])
        .with(0)
        .telling("3: 3 succeeded");
    running
        .end()
        .with(0)
        .saying("process 1 is paused with ")
        .saying("carril resume 1")
        .saying("process 1 is resumed and goes on");
}

#[test]
fn a_follower_beside_the_engine_is_told_of_a_pause_and_may_leave_it() {
    let bench = bench();
    let first = held(&bench, &["--idempotency-key", "monday"]);
    let same = [
        "run",
        "--json",
        "--set",
        "hold=ada",
        "--idempotency-key",
        "monday",
    ];
    let mut second = bench
        .command(&same)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(second.stdout.take().unwrap()).lines();
    let mut said = BufReader::new(second.stderr.take().unwrap()).lines();
    let done = "select count(*) from executions where state = 'succeeded'";
    until("the other two", || bench.store::<i64>(done) == 2);
    // From its first event on it follows the process, which does not rest yet.
    assert!(told.next().unwrap().unwrap().contains("begin"));
    bench.run(&["pause", "1"]).with(0);
    said_with(&mut said, "process 1 is paused with 2 of 3 done");
    send("INT", second.id());
    let error = said_with(&mut said, "process 1 stays paused in `carril run ");
    assert!(error.contains("`carril resume 1"), "{error}");
    assert_eq!(second.wait().unwrap().code(), Some(8));

    fs::write(bench.path("go"), "").unwrap();
    send("INT", first.id());
    let first = first.end().with(8);
    first.saying("stays paused").saying("`carril resume 1");
    // Nobody waits for a process that rests, also when its key answers for the launch.
    let again = bench.run(&same).with(0).saying("carril resume 1");
    let summary = again.json();
    assert_eq!(summary["how"], "repeated");
    assert_eq!(summary["process"]["state"], "paused");
    bench
        .run(&["show", "1"])
        .with(0)
        .telling("`carril resume` goes on with it");
}

/// Reads what a program says up to the line that has this in it.
#[track_caller]
fn said_with(said: &mut impl Iterator<Item = std::io::Result<String>>, words: &str) -> String {
    said.map_while(Result::ok)
        .find(|line| line.contains(words))
        .unwrap_or_else(|| panic!("it ended without `{words}`"))
}

#[test]
fn who_interrupts_a_run_is_told_how_far_it_is() {
    let bench = bench();
    let running = held(&bench, &["--lanes", "1"]);
    send("INT", running.id());
    fs::write(bench.path("go"), "").unwrap();
    running
        .end()
        .with(8)
        .saying("process 1 has 0 of 3 done")
        .saying("the same command goes on where it was");
    bench
        .run(&["ps"])
        .with(0)
        .saying("no engine has the store, so nothing moves of 1");
    bench
        .run(&["show", "1"])
        .with(0)
        .telling("none has the store, so nothing moves");
}

#[test]
fn the_limit_of_the_engine_is_named_to_who_waits_for_a_lane() {
    let bench = bench();
    fs::write(bench.path("pipeline/carril.toml"), "[engine]\nlanes = 1\n").unwrap();
    let running = held(&bench, &[]);
    bench
        .run(&["why", "bela"])
        .with(0)
        .telling("its engine runs 1 lane at once over all processes (`[engine] lanes`)");
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
}

const NUMBERED: &str = r#"
name = "numbered"
[entities]
list = ["4711", "4712"]
[[stage]]
name = "one"
step = [{ name = "step", noop = true }]
"#;

#[test]
fn a_number_that_is_something_else_is_told_for_what_it_is() {
    let bench = Bench::new("create table unused (x)", NUMBERED);
    bench.run(&["run"]).with(0);
    let key = "the key of an entity";
    bench
        .run(&["why", "4711"])
        .with(4)
        .saying(key)
        .saying("`carril why entity:4711`");
    bench.run(&["why", "entity:4711"]).with(0);
    for words in [
        &["signal", "4711", "paid"][..],
        &["approve", "4711"],
        &["pause", "4711"],
        &["trace", "waits", "4711"],
        &["top", "4711", "--once"],
    ] {
        bench
            .run(words)
            .with(4)
            .saying("CAR0803")
            .saying(key)
            .saying("its newest execution is 2, of process 1");
    }
    bench
        .run(&["retry", "3", "4711"])
        .with(2)
        .saying(key)
        .saying("several ids must all be executions");
    bench
        .run(&["pause", "2"])
        .with(4)
        .saying("2 is no process but an execution (4711) of process 1");
    bench
        .run(&["signal", "1", "paid"])
        .with(4)
        .saying("1 is no execution but a process (numbered)");
    bench
        .run(&["pause", "99"])
        .with(4)
        .saying("`99` is no process, no execution");
    bench
        .run(&["signal", "--process", "1", "--entity", "9", "paid"])
        .with(4)
        .saying("process 1 has no entity `9`");
}
