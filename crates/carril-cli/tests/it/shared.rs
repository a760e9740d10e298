//! A store on PostgreSQL under the commands: the same words, the same answers, and workers that stay.

use crate::place::{Bench, Started, bench, lines, object, send, until};
use carril_testkit::postgres::{Cluster, Database};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A folder with the pipeline of [`bench`], and a database of its own for the store.
fn shared() -> (Bench, Database) {
    let database = Cluster::get().database();
    (bench().with_store(database.url()), database)
}

/// A worker that is at work, and the file that it talks into.
fn worker(bench: &Bench, name: &str) -> (Started, PathBuf) {
    let file = bench.path(name);
    let worker = Started::talking_to(&mut bench.command(&["worker"]), &file);
    until("the worker to be at work", || {
        said(&file).contains("at work on")
    });
    (worker, file)
}

fn said(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

fn states(bench: &Bench) -> Vec<Value> {
    let listed = object(&bench.run(&["ps", "--json"]).with(0));
    let state = |process: &Value| process["state"].clone();
    listed["processes"]
        .as_array()
        .unwrap()
        .iter()
        .map(state)
        .collect()
}

#[test]
fn a_run_on_a_server_is_told_like_one_in_a_file() {
    let (bench, database) = shared();
    let ended = bench.run(&["run", "--json"]).with(0);
    let summary = lines(&ended).pop().unwrap();
    assert_eq!(summary["process"]["entities"]["succeeded"], 3, "{summary}");
    let id = summary["process"]["id"].to_string();
    bench.run(&["show", &id]).with(0).telling("ada");
    bench.run(&["why", &id]).with(0).telling("succeeded");
    bench.run(&["trace", "timeline", &id]).with(0);
    bench
        .run(&["sql", "select count(*) from executions"])
        .with(0)
        .telling("4");
    bench.run(&["doctor"]).telling("answers");
    let refused = bench.run(&["backup", "copy.db"]).with(2);
    assert!(refused.stderr.contains("CAR0702"), "{}", refused.stderr);
    drop(bench);
    drop(database);
}

#[test]
fn a_failed_lane_is_retried_and_undone_there() {
    let (bench, _database) = shared();
    let ended = bench.run(&["run", "--set", "fail=bela", "--json"]).with(5);
    let summary = lines(&ended).pop().unwrap();
    let id = summary["process"]["id"].to_string();
    bench.run(&["retry", "--failed", &id, "--yes"]).with(5);
    bench.run(&["rollback", &id, "--yes"]).with(0);
    assert_eq!(states(&bench), ["rolled_back"]);
}

#[test]
fn a_password_is_in_no_answer() {
    let (bench, _database) = shared();
    let wrong = bench.with_store("postgres://u:geheim@127.0.0.1:1/d");
    for words in [&["ps"] as &[&str], &["run"], &["doctor"], &["worker"]] {
        let ended = wrong.run(words);
        assert_ne!(ended.code, Some(0));
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains("CAR0631"), "{words:?}: {said}");
        assert!(!said.contains("geheim"), "{words:?}: {said}");
    }
}

#[test]
fn a_worker_answers_what_others_ask_and_leaves_when_it_is_told() {
    let bench = bench();
    let (worker, told) = worker(&bench, "worker.log");
    // In a file there is one engine: this command asks it.
    bench.run(&["run"]).with(0).saying("it is asked to launch");
    send("TERM", worker.id());
    worker.end().with(0);
    let told = said(&told);
    assert!(told.contains("(sizes) is succeeded: 3 of 3 done"), "{told}");
    let second = bench.run(&["run"]).with(0);
    assert!(!second.stderr.contains("is asked"), "{}", second.stderr);
}

#[test]
fn a_second_worker_on_a_file_is_told_who_has_it() {
    let bench = bench();
    let (first, _) = worker(&bench, "worker.log");
    bench.run(&["worker"]).with(6).saying("CAR0701");
    send("TERM", first.id());
    first.end().with(0);
}
