//! Two pipelines in folders of their own over one store: whoever runs a process, its commands run in the folder that it was
//! launched from.

use crate::place::{Bench, Ended, Started, kill, object};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

/// `hold` waits for the file `go` where it is told to, `tell` runs a relative program, which needs the file `ready` beside it.
const LEFT: &str = r#"
name = "left"
[params]
hold = { type = "boolean", default = false }
[entities]
list = ["ada"]
[[stage]]
name = "work"
  [[stage.step]]
  name = "hold"
  when = "param.hold"
  command = ["sh", "-c", "touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done"]
  [[stage.step]]
  name = "tell"
  command = ["./tell"]
"#;

/// Ends once the other's program has told where it is.
const RIGHT: &str = r#"
name = "right"
[entities]
list = ["ada"]
[[stage]]
name = "work"
  [[stage.step]]
  name = "watch"
  command = ["sh", "-c", "touch ../watching; until test -e ../told; do sleep 0.02; done"]
"#;

/// Says which of the two it is and where it was started; not half of it can be read.
const TELL: &str = "#!/bin/sh\ntest -e ready || exit 1\necho \"NAME in $(pwd)\" > ../telling && mv ../telling ../told\n";

/// Both folders have a `tell`, so that the wrong one would be found.
fn bench() -> Bench {
    let bench = Bench::new("select 1", RIGHT);
    for (name, pipeline) in [("left", LEFT), ("right", RIGHT)] {
        let folder = bench.path(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("pipeline.toml"), pipeline).unwrap();
        fs::write(folder.join("ready"), "").unwrap();
        let tell = folder.join("tell");
        fs::write(&tell, TELL.replace("NAME", name)).unwrap();
        fs::set_permissions(&tell, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bench
}

/// `carril` started in a folder, with the store that both share. What is named by `words` is named from there.
fn command(bench: &Bench, folder: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carril"));
    command
        .args(words)
        .args(["--store", &bench.path("carril.db").display().to_string()])
        .current_dir(bench.path(folder))
        .stdin(Stdio::null());
    command
}

fn run(bench: &Bench, folder: &str, words: &[&str]) -> Ended {
    command(bench, folder, words).output().unwrap().into()
}

fn start(bench: &Bench, folder: &str, words: &[&str]) -> Started {
    Started::of(&mut command(bench, folder, words))
}

#[track_caller]
fn told_by_left(bench: &Bench) {
    let left = bench.path("left").canonicalize().unwrap();
    let told = fs::read_to_string(bench.path("told")).unwrap();
    assert_eq!(told, format!("left in {}\n", left.display()));
}

#[test]
fn what_is_taken_over_runs_where_it_was_launched() {
    let bench = bench();
    let first = start(&bench, "left", &["run", "--set", "hold=true"]);
    bench.until_file("waiting");
    kill(first);
    fs::write(bench.path("go"), "").unwrap();
    run(&bench, "right", &["run"])
        .with(0)
        .saying("process 1 (left, hold=true) was left unfinished");
    told_by_left(&bench);
}

#[test]
fn what_another_engine_is_asked_to_run_runs_where_it_was_asked() {
    let bench = bench();
    let engine = start(&bench, "right", &["run"]);
    bench.until_file("watching");
    run(&bench, "", &["run", "left"])
        .with(0)
        .saying("the store is in use");
    engine.end().with(0);
    told_by_left(&bench);
}

#[test]
fn what_is_retried_runs_where_it_was_launched() {
    let bench = bench();
    let ready = bench.path("left/ready");
    fs::remove_file(&ready).unwrap();
    // A path with a detour; what is kept is absolute.
    run(&bench, "", &["run", "./left"]).with(5);
    fs::write(&ready, "").unwrap();
    run(&bench, "right", &["retry", "1", "--failed", "--yes"]).with(0);
    told_by_left(&bench);
    let shown = object(&run(&bench, "right", &["show", "1", "--json"]).with(0));
    let left = bench.path("left").display().to_string();
    assert_eq!(shown["process"]["folder"], left);
}

#[test]
fn a_folder_that_is_gone_is_named_and_nothing_runs_elsewhere() {
    let bench = bench();
    let (left, moved) = (bench.path("left"), bench.path("moved"));
    fs::remove_file(left.join("ready")).unwrap();
    run(&bench, "left", &["run"]).with(5);
    fs::write(left.join("ready"), "").unwrap();
    fs::rename(&left, &moved).unwrap();
    let retry = ["retry", "1", "--failed", "--yes", "--json"];
    let failure = run(&bench, "right", &retry).with(5).json()["failures"][0].clone();
    assert_eq!(failure["code"], "CAR0509", "{failure}");
    let sentence = failure["message"].as_str().unwrap();
    let gone = format!("`{}`, is not there", left.display());
    assert!(sentence.contains(&gone), "{sentence}");
    assert!(!bench.path("told").exists());
    fs::rename(&moved, &left).unwrap();
    run(&bench, "right", &retry).with(0);
    told_by_left(&bench);
}
