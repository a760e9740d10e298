//! Executions that wait for a time, a signal or a person: beside the engine that runs them, and while none is left.

use crate::faults::bench::{Bench, kill, until};
use std::io::BufRead as _;

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo');
create table effect (entity text, amount integer, by text);
";

const PIPELINE: &str = r#"
name = "orders"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by name"
[lanes]
max = 1
[[stage]]
name = "pay"
  [[stage.step]]
  name = "ask"
  approval = "send the order of {entity_key}?"
  [[stage.step]]
  name = "paid"
  signal = "paid"
  timeout = "14d"
  [[stage.step]]
  name = "rest"
  wait = "1100ms"
  [[stage.step]]
  name = "write"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, :steps.paid.amount, :steps.ask.by)"
"#;

const STATES: &str =
    "select group_concat(state, ' ') from (select state from executions order by execution_id)";
const WAITING: &str = "select waiting from processes";
const CAUSES: &str =
    "select group_concat(cause, ' ') from (select cause from executions order by execution_id)";
const EFFECTS: &str = "select group_concat(entity || ' ' || amount || ' ' || by, ', ') from (select * from effect order by entity)";

fn all_wait(bench: &Bench) {
    // Asked through the command, because the store may not be made yet.
    until("one lane has taken all three to their question", || {
        let told = bench.command(&["sql", STATES]).output().unwrap();
        String::from_utf8_lossy(&told.stdout).contains("waiting waiting waiting")
    });
}

#[test]
fn people_and_programs_answer_what_waits_beside_the_engine() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = bench.start(&["run", "--json"]);
    all_wait(&bench);
    assert_eq!(bench.store::<i64>(WAITING), 3);
    bench.run(&["ps"]).with(0).telling("3 waiting");
    bench
        .run(&["why", "2"])
        .with(0)
        .telling("send the order of ada?")
        .telling("carril approve 2");
    bench
        .run(&["signal", "2", "paid", "--data", "{\"amount\": 7}"])
        .with(0);
    bench.run(&["approve", "2", "--by", "zoe"]).with(0);
    bench
        .run(&["reject", "3", "--by", "zoe", "--reason", "too dear"])
        .with(0);
    bench
        .run(&["approve", "4", "--by", "yan", "--reason", "fine"])
        .with(0);
    until("two wait for the next", || {
        let causes = bench.store::<String>(CAUSES);
        causes.ends_with(" signal") && bench.store::<String>(STATES).contains("failed waiting")
    });
    bench.run(&["approve", "4"]).with(6).saying("CAR0434");
    bench.run(&["approve", "3"]).with(6).saying("CAR0434");
    bench
        .run(&["signal", "3", "paid"])
        .with(6)
        .saying("CAR0432");
    bench
        .run(&["signal", "4", "is it paid"])
        .with(6)
        .saying("CAR0435");
    bench.run(&["signal", "4"]).with(2);
    bench.run(&["signal", "44", "paid"]).with(4);
    bench
        .run(&["why", "4"])
        .with(0)
        .telling("carril signal 4 paid");
    let data = "{\"amount\": 9}";
    for _ in 0..2 {
        let all = [
            "signal",
            "--process",
            "1",
            "--all",
            "paid",
            "--data",
            data,
            "--id",
            "k",
        ];
        bench.run(&all).with(0);
    }
    run.end().with(5);
    assert_eq!(bench.warehouse::<String>(EFFECTS), "ada 7 zoe, cleo 9 yan");
    bench
        .run(&["show", "3"])
        .with(0)
        .telling("rejected by zoe: too dear")
        .telling("CAR0536");
    let shown = bench.run(&["show", "4", "--json"]).with(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let signals = &shown["signals"];
    assert_eq!(signals[0]["key"], "approval:pay/ask");
    assert_eq!(signals[1]["taken_by"], "pay/paid");
    assert_eq!(
        signals.as_array().map(Vec::len),
        Some(2),
        "the key came once"
    );
    let lifetime = "select sum(j.value) - max(e.ended_at_us - e.launched_at_us) from executions e, json_each(e.account) j where e.execution_id = 4";
    assert_eq!(bench.store::<i64>(lifetime), 0, "the account adds up");
}

#[test]
fn what_is_said_while_no_engine_runs_is_heard_by_the_next() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = bench.start(&["run", "--json"]);
    all_wait(&bench);
    kill(run);
    for id in ["2", "3", "4"] {
        bench.run(&["approve", id, "--by", "zoe"]).with(0);
        bench
            .run(&["signal", id, "paid", "--data", "{\"amount\": 1}"])
            .with(0);
    }
    bench.run(&["run", "--json"]).with(0);
    assert_eq!(
        bench.warehouse::<String>(EFFECTS),
        "ada 1 zoe, bela 1 zoe, cleo 1 zoe"
    );
}

#[test]
fn who_waits_is_cancelled_and_paused_like_any_other() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = bench.start(&["run", "--json"]);
    all_wait(&bench);
    bench.run(&["pause", "1"]).with(0);
    bench.run(&["approve", "2"]).with(0);
    until("it is woken into the pause", || {
        bench.store::<String>(CAUSES) == "paused approval approval"
    });
    bench.run(&["cancel", "1", "--yes"]).with(0);
    run.end().with(8);
    assert_eq!(
        bench.store::<String>(STATES),
        "cancelled cancelled cancelled"
    );
    assert_eq!(bench.store::<i64>(WAITING), 0);
}

/// What a program says, line by line, until it says this.
fn said_before(lines: &mut impl Iterator<Item = std::io::Result<String>>, words: &str) -> String {
    let mut said = Vec::new();
    for line in lines.map_while(Result::ok) {
        if line.contains(words) {
            return line;
        }
        said.push(line);
    }
    panic!("it ended without saying `{words}`: {said:#?}");
}

#[test]
fn a_run_that_has_nothing_left_but_waiting_says_so() {
    let bench = Bench::new(
        SCHEMA,
        &PIPELINE.replace(
            "name = \"ask\"",
            "name = \"night\"\nwait = \"2h\"\n[[stage.step]]\nname = \"ask\"",
        ),
    );
    let mut run = bench
        .command(&["run"])
        .env("CI", "1")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Held open to the end: who writes into a closed pipe ends otherwise.
    let mut lines = std::io::BufReader::new(run.stderr.take().unwrap()).lines();
    let told = said_before(&mut lines, "all that are left wait");
    assert!(told.contains("wait: 3 for a time"), "{told}");
    assert!(told.contains("the first is due in 1 h 59 min"), "{told}");
    assert!(told.contains("Ctrl-C leaves them waiting"), "{told}");
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    assert_eq!(run.wait().unwrap().code(), Some(8));
    assert_eq!(bench.store::<String>(STATES), "waiting waiting waiting");
}
