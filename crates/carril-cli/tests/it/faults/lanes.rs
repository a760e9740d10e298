//! Lanes that hang, print a gigabyte, fork, ignore the request to stop or die: each harms nobody else, and is told by name.

use super::bench::Bench;
use std::path::Path;

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('dies'), ('forks'), ('good-1'), ('good-2'), ('hangs'), ('ignores'), ('prints'), ('prints-json'), ('stops');
";

/// What each lane does is decided by its name; the process group of each is Carril's to end.
const PIPELINE: &str = r#"
name = "unruly"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"

[defaults]
retry = { attempts = 1, on = "never" }
timeout = "60s"

[[stage]]
name = "does"
  [[stage.step]]
  name = "hangs"
  when = "entity.name == 'hangs'"
  command = ["sleep", "1000"]
  timeout = "200ms"
  [[stage.step]]
  name = "ignores"
  when = "entity.name == 'ignores'"
  command = ["sh", "-c", "trap '' TERM; sleep 1000 & wait; wait; sleep 1000"]
  timeout = "200ms"
  [[stage.step]]
  name = "prints"
  when = "entity.name == 'prints'"
  command = ["head", "-c", "1073741824", "/dev/zero"]
  [[stage.step]]
  name = "prints-json"
  when = "entity.name == 'prints-json'"
  command = ["head", "-c", "1073741824", "/dev/zero"]
  output = "json"
  [[stage.step]]
  name = "forks"
  when = "entity.name == 'forks'"
  command = ["sh", "-c", "sleep 1000 & echo $! > forked; exit 0"]
  [[stage.step]]
  name = "dies"
  when = "entity.name == 'dies'"
  command = ["sh", "-c", "kill -SEGV $$"]
  [[stage.step]]
  name = "stops"
  when = "entity.name == 'stops'"
  command = ["sh", "-c", "kill -STOP $$"]
  timeout = "200ms"
  [[stage.step]]
  name = "is-done"
  command = ["true"]
"#;

/// Address space of the program, in KiB: what lanes print may not pile up in it.
const MEMORY_KIB: u32 = 900_000;

#[test]
fn unruly_lanes_harm_nobody_else() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let mut command = std::process::Command::new("sh");
    command.args([
        "-c",
        &format!("ulimit -v {MEMORY_KIB}; exec \"$@\""),
        "sh",
        env!("CARGO_BIN_EXE_carril"),
    ]);
    command
        .args(bench.words(&["run", "--json"]))
        .current_dir(bench.path(""));
    let ended = super::bench::Ended::from(command.output().unwrap())
        .with(5)
        .json();
    assert_eq!(ended["process"]["state"], "completed_with_errors");
    assert_eq!(ended["process"]["entities"]["total"], 9);
    let told = "select group_concat(entity_key || ' ' || state || ' ' || coalesce(error_code, '-'), ', ') from (
        select entity_key, state, error_code from executions order by 1)";
    assert_eq!(
        bench.store::<String>(told),
        "dies failed CAR0507, forks succeeded -, good-1 succeeded -, good-2 succeeded -, hangs failed CAR0503, \
         ignores failed CAR0503, prints succeeded -, prints-json failed CAR0508, stops failed CAR0503"
    );
    let forked = std::fs::read_to_string(bench.path("pipeline/forked")).unwrap();
    assert!(
        !is_alive(forked.trim()),
        "what a command left running is ended with it"
    );
    let log: i64 = bench.store("select max(length(log)) from step_log");
    assert!(log <= 70_000, "a log is bounded, this one has {log} bytes");
}

/// Whether a process is there and not only waits to be reaped.
fn is_alive(id: &str) -> bool {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(id).join("status")).unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("State:") && !line.contains('Z'))
}

#[test]
fn why_tells_each_of_them() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    bench
        .run(&["run", "--json", "--only", "dies", "--only", "hangs"])
        .with(5);
    let dies = bench.run(&["why", "dies"]).with(0);
    assert!(dies.stdout.contains("signal 11"), "{}", dies.stdout);
    assert!(dies.stdout.contains("does/dies"), "{}", dies.stdout);
    let hangs = bench.run(&["why", "hangs"]).with(0);
    assert!(hangs.stdout.contains("CAR0503"), "{}", hangs.stdout);
}
