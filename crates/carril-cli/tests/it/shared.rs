//! A store on PostgreSQL under the commands: the same words, the same answers, and workers that stay.

use crate::place::{Bench, Started, bench, kill, lines, object, send, until};
use carril_testkit::postgres::{Cluster, Database};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Twelve lanes whose step waits for the file `go`, and notes that it began.
const SHARED: &str = r#"
name = "shared"

[entities]
target = "warehouse"
key = "number"
sql = "with recursive count(number) as (select 1 union all select number + 1 from count where number < 12) select number from count"

[lanes]
max = 12

[workspace]
tables = ["own_rows"]
publish = [{ from = "own_rows", into = "size_history", key = ["name"], current = "sizes" }]

[[stage]]
name = "work"
  [[stage.step]]
  name = "rows"
  sql = "insert into own_rows select :entity_key, :number"
  [[stage.step]]
  name = "hold"
  command = ["sh", "-c", "touch ../began-{entity_key}; until test -e ../go -o ! -e ../began-{entity_key}; do sleep 0.02; done"]
"#;

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

/// Three of them share one process, one is killed in the middle, and every entity is published once.
#[test]
fn workers_share_a_process_and_survive_the_death_of_one() {
    let (bench, _database) = shared();
    std::fs::write(bench.path("pipeline/pipeline.toml"), SHARED).unwrap();
    // Nobody can take all twelve.
    std::fs::write(bench.path("carril.toml"), "[engine]\nlanes = 4\n").unwrap();
    let workers: Vec<(Started, PathBuf)> = (0..3)
        .map(|number| worker(&bench, &format!("worker-{number}.log")))
        .collect();
    let listed = object(&bench.run(&["nodes", "--json"]).with(0));
    assert_eq!(listed["nodes"].as_array().unwrap().len(), 3, "{listed}");
    let run = bench.start(&["run", "--json"]);
    until("every lane to be in its step", || {
        (1..=12).all(|entity| bench.path(&format!("began-{entity}")).exists())
    });
    let nodes = object(&bench.run(&["nodes", "--json"]).with(0));
    let busy = |node: &Value| node["lanes_busy"].as_u64().unwrap();
    let nodes = nodes["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().map(busy).sum::<u64>(), 12, "{nodes:?}");
    assert!(
        nodes.iter().filter(|node| busy(node) > 0).count() > 1,
        "the work is shared: {nodes:?}"
    );
    bench
        .run(&["show", "1"])
        .with(0)
        .telling("`carril worker .`, process");
    let mut workers = workers.into_iter();
    let (killed, _) = workers.next().unwrap();
    kill(killed);
    std::fs::write(bench.path("go"), "").unwrap();
    let summary = lines(&run.end().with(0)).pop().unwrap();
    assert_eq!(summary["process"]["entities"]["succeeded"], 12, "{summary}");
    let rows: (i64, i64) = (
        bench.warehouse("select count(*) from sizes"),
        bench.warehouse("select count(distinct name) from sizes"),
    );
    assert_eq!(rows, (12, 12));
    for (left, _) in workers {
        send("TERM", left.id());
        left.end().with(0);
    }
}

#[test]
fn a_second_worker_on_a_file_is_told_who_has_it() {
    let bench = bench();
    let (first, _) = worker(&bench, "worker.log");
    bench.run(&["worker"]).with(6).saying("CAR0701");
    send("TERM", first.id());
    first.end().with(0);
}
