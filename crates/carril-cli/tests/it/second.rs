//! Two programs on one store: asking the engine that is there, following it, and becoming it when it ends; and what was killed
//! is gone on with.

use crate::place::{Bench, Ended, Started, bench, kill, lines, object, send, until};
use serde_json::Value;
use std::fs;
use std::process::Stdio;

/// A run whose lane `ada` waits for the file `go`.
fn held(bench: &Bench) -> Started {
    let running = bench.start(&["run", "--json", "--set", "hold=ada"]);
    bench.until_file("waiting");
    running
}

#[test]
fn a_second_run_has_the_first_engine_launch_its_process() {
    let bench = bench();
    let first = held(&bench);
    let second = bench.run(&["run", "--json", "--except", "ada"]).with(0);
    assert_eq!(second.json()["how"], "launched");
    assert_eq!(second.json()["process"]["state"], "succeeded");
    // Only what the store tells is told: the engine's own events stay with the program that has it.
    let events: Vec<String> = lines(&second)
        .iter()
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        events
            .iter()
            .all(|event| matches!(event.as_str(), "begin" | "process" | "summary")),
        "{events:?}"
    );
    fs::write(bench.path("go"), "").unwrap();
    first.end().with(0);
    assert_eq!(
        bench.store::<i64>("select count(*) from node"),
        1,
        "one engine did all of it"
    );
}

#[test]
fn the_second_becomes_the_engine_when_the_first_is_killed() {
    let bench = bench();
    let first = held(&bench);
    // Its own lane `ada` waits behind the first one's, by their lane key: it needs the first process to go on, too.
    let second = bench.start(&["run"]);
    until("the second launch", || {
        bench.store::<i64>("select count(*) from process") == 2
    });
    kill(first);
    fs::write(bench.path("go"), "").unwrap();
    second.end().with(0).saying("going on with it");
    assert_eq!(bench.store::<i64>("select count(*) from node"), 2);
    assert_eq!(
        bench.store::<i64>("select count(*) from execution where state <> 3"),
        0,
        "both processes are whole"
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from size_history"),
        6
    );
}

#[test]
fn a_run_that_was_killed_is_gone_on_with() {
    let bench = bench();
    kill(held(&bench));
    assert_eq!(bench.store::<i64>("select state from process"), 1);
    fs::write(bench.path("go"), "").unwrap();
    let ended = bench
        .run(&["run", "--set", "hold=ada"])
        .with(0)
        .saying("was left unfinished with")
        .saying("going on with it");
    assert!(ended.stdout.starts_with("process 1 "), "{}", ended.stdout);
    assert_eq!(
        bench.store::<i64>("select count(*) from process"),
        1,
        "it answers for the launch"
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from size_history"),
        3
    );
    assert_eq!(bench.lane_files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_another_launch_left_is_finished_beside_it() {
    let bench = bench();
    kill(held(&bench));
    fs::write(bench.path("go"), "").unwrap();
    bench
        .run(&["run"])
        .with(0)
        .saying("process 1 (sizes, fail= hold=ada) was left unfinished");
    assert_eq!(bench.store::<i64>("select count(*) from process"), 2);
    // Both wanted the lane of `ada`, and the first launch goes first.
    assert_eq!(
        bench.store::<i64>("select state from process where id = 1"),
        3
    );
}

/// Its lane `ada` runs as long as nobody lets it go on, so the command that took it over ends before it does.
#[test]
fn what_another_launch_left_is_named_when_it_is_not_finished() {
    let bench = bench();
    let first = held(&bench);
    until("the other two lanes to be done", || {
        bench.store::<i64>("select succeeded from process") == 2
    });
    kill(first);
    fs::remove_file(bench.path("waiting")).unwrap();
    let told = bench.path("told");
    let second = bench
        .command(&["run", "--json", "--except", "ada"])
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&told).unwrap())
        .spawn()
        .unwrap();
    until("the second to let the first one's step finish", || {
        let told = fs::read_to_string(&told).unwrap();
        told.contains("letting running steps of 1 other process finish")
    });
    // As Ctrl-C does: its own process has settled, so only the waiting ends.
    send("TERM", second.id());
    let second = Ended::from(second.wait_with_output().unwrap()).with(0);
    let summary = second.json();
    assert_eq!(summary["how"], "launched");
    assert_eq!(summary["process"]["state"], "succeeded");
    let unfinished = summary["unfinished"].as_array().unwrap();
    assert_eq!(unfinished.len(), 1, "{summary}");
    assert_eq!(unfinished[0]["id"], 1);
    assert_eq!(unfinished[0]["entities"]["succeeded"], 2);
    let told = fs::read_to_string(&told).unwrap();
    let named: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("handed back"))
        .collect();
    assert_eq!(named.len(), 1, "{told}");
    assert!(
        named[0].starts_with(
            "process 1 (sizes, fail= hold=ada) is unfinished with 2 of 3 done and was handed back; "
        ),
        "{told}"
    );
    // The same launch follows it to its end.
    fs::write(bench.path("go"), "").unwrap();
    let third = bench.run(&["run", "--json", "--set", "hold=ada"]).with(0);
    let summary = third.json();
    assert_eq!(
        (&summary["how"], &summary["process"]["id"]),
        (&Value::from("resumed"), &Value::from(1))
    );
    assert_eq!(summary["process"]["entities"]["succeeded"], 3);
    assert_eq!(summary["unfinished"], Value::Array(Vec::new()));
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from size_history"),
        5
    );
}

#[test]
fn why_is_answered_while_another_program_runs_it() {
    let bench = bench();
    let running = held(&bench);
    // That a step has begun is written with the next commit, or a moment later.
    let mut answer = serde_json::Value::Null;
    until("the step to be told", || {
        answer = object(&bench.run(&["why", "ada", "--json"]).with(0));
        answer["sentence"]
            .as_str()
            .unwrap()
            .contains("collect/hold")
    });
    assert_eq!(answer["chain"][0]["cause"], "running");
    let process = object(&bench.run(&["show", "1", "--json"]).with(0));
    assert_eq!(process["process"]["state"], "running");
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
}

#[test]
fn one_execution_is_cancelled_and_the_others_are_not() {
    let bench = bench();
    let running = held(&bench);
    bench
        .run(&["cancel", "--process", "1", "--entity", "ada", "--yes"])
        .with(0);
    let summary = running.end().json();
    assert_eq!(summary["process"]["entities"]["cancelled"], 1);
    assert_eq!(summary["process"]["entities"]["succeeded"], 2);
}

#[test]
fn a_retry_is_done_by_the_engine_that_is_there() {
    let bench = bench();
    bench.run(&["run", "--set", "fail=bela"]).with(5);
    let running = held(&bench);
    let summary = bench
        .run(&["retry", "1", "--failed", "--yes", "--json"])
        .with(5)
        .json();
    assert_eq!(summary["process"]["id"], 1);
    let run: i64 = bench.store("select max(run) from execution where process_id = 1");
    assert_eq!(run, 2, "it fails again, in its second run");
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
}

#[test]
fn whoever_follows_may_leave() {
    let bench = bench();
    let first = held(&bench);
    let second = bench.start(&["run", "--json"]);
    until("the second launch", || {
        bench.store::<i64>("select count(*) from process") == 2
    });
    send("TERM", second.id());
    second.end().with(8).saying("goes on in `carril run ");
    fs::write(bench.path("go"), "").unwrap();
    first.end().with(0);
}

#[test]
fn an_idempotency_key_launches_once() {
    let bench = bench();
    let first = bench
        .run(&["run", "--json", "--idempotency-key", "monday"])
        .with(0)
        .json();
    let second = bench
        .run(&["run", "--json", "--idempotency-key", "monday"])
        .with(0)
        .json();
    assert_eq!(
        (first["how"].as_str(), second["how"].as_str()),
        (Some("launched"), Some("repeated"))
    );
    assert_eq!(first["process"]["id"], second["process"]["id"]);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from size_history"),
        3
    );
}
