//! What the commands that only read print, for people and as JSON.

use crate::place::{Bench, bench, object, plain, steady};
use insta::assert_snapshot;

/// A process with a lane that failed, and one that did not.
fn told() -> Bench {
    let bench = bench();
    bench.run(&["run", "--set", "fail=bela"]).with(5);
    bench
}

/// The id of an execution by its entity.
fn execution(bench: &Bench, entity: &str) -> String {
    let id: i64 = bench.store(&format!(
        "select execution_id from entity where entity_key = '{entity}'"
    ));
    id.to_string()
}

#[track_caller]
fn json(bench: &Bench, words: &[&str]) -> serde_json::Value {
    let mut words = words.to_vec();
    words.push("--json");
    steady(object(&bench.run(&words).with(0)))
}

/// A value as people review it.
fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn ps_as_json() {
    assert_snapshot!(pretty(&json(&told(), &["ps"])));
}

#[test]
fn ps_narrows() {
    let bench = told();
    bench.run(&["run"]).with(0);
    let ids = |words: &[&str]| -> Vec<i64> {
        let listed = json(&bench, words);
        listed["processes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|process| process["id"].as_i64().unwrap())
            .collect()
    };
    let all = ids(&["ps"]);
    assert_eq!(all.len(), 2);
    assert!(all[0] > all[1], "newest first");
    assert_eq!(ids(&["ps", "--state", "succeeded"]), [all[0]]);
    assert_eq!(ids(&["ps", "--limit", "1"]), [all[0]]);
    assert_eq!(ids(&["ps", "--pipeline", "other"]), [0_i64; 0]);
    bench
        .run(&["ps", "--state", "sleeping"])
        .with(2)
        .saying("known states");
}

#[test]
fn show_of_a_process_as_json() {
    assert_snapshot!(pretty(&json(&told(), &["show", "1"])));
}

#[test]
fn show_of_an_execution_as_json() {
    let bench = told();
    let id = execution(&bench, "bela");
    assert_snapshot!(pretty(&json(&bench, &["show", &id])));
}

#[test]
fn show_of_an_entity_is_newest_first() {
    let bench = told();
    bench.run(&["run"]).with(0);
    let shown = json(&bench, &["show", "bela"]);
    let states: Vec<&str> = shown["executions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["succeeded", "failed"]);
}

#[test]
fn an_account_adds_up_to_the_life_of_its_execution() {
    let bench = told();
    for entity in ["ada", "bela", "cleo"] {
        let shown = object(
            &bench
                .run(&["show", &execution(&bench, entity), "--json"])
                .with(0),
        );
        let execution = &shown["execution"];
        let time = |name: &str| {
            execution[name]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .unwrap()
                .as_microsecond()
        };
        let sum: i64 = execution["account"]["micros"]
            .as_object()
            .unwrap()
            .values()
            .map(|spent| spent.as_i64().unwrap())
            .sum();
        assert_eq!(sum, execution["account"]["total_micros"].as_i64().unwrap());
        assert_eq!(sum, time("ended_at") - time("launched_at"), "{entity}");
    }
}

#[test]
fn show_for_people() {
    let bench = told();
    let shown = bench.run(&["show", "1"]).with(0).stdout;
    assert!(
        shown.starts_with("process 1 · sizes · completed_with_errors\n"),
        "{shown}"
    );
    assert!(shown.contains("entities    3, 1 failed"), "{shown}");
    let failed = bench
        .run(&["show", &execution(&bench, "bela")])
        .with(0)
        .stdout;
    assert!(
        failed.contains("tell/fail") && failed.contains("[CAR0501]"),
        "{failed}"
    );
    assert!(failed.contains("own_rows +1"), "rows it changed: {failed}");
    let only = bench
        .run(&["show", "1", "--state", "failed"])
        .with(0)
        .stdout;
    assert!(only.contains("bela") && !only.contains("ada"), "{only}");
    bench
        .run(&["show", "1", "--limit", "1"])
        .with(0)
        .saying("--limit");
}

#[test]
fn logs_have_what_commands_printed() {
    let bench = told();
    let logs = json(&bench, &["logs", "ada"]);
    assert_eq!(logs["logs"][0]["text"], "hello ada\n");
    assert_eq!(logs["logs"][0]["step"], "tell/hello");
    assert_eq!(
        json(&bench, &["logs", "1"])["logs"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let text = bench.run(&["logs", "ada"]).with(0).stdout;
    assert!(
        text.contains("tell/hello") && text.ends_with("hello ada\n"),
        "{text:?}"
    );
}

#[test]
fn why_names_what_failed() {
    let bench = told();
    let why = json(&bench, &["why", "bela"]);
    let sentence = why["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("execution 4 (bela) failed "),
        "{sentence}"
    );
    assert!(
        sentence.contains("tell/fail") && sentence.contains("NOT NULL"),
        "{sentence}"
    );
    assert_eq!(why["chain"][0]["entity"], "bela");
    let told = bench.run(&["why", "bela"]).with(0).stdout;
    assert!(told.starts_with("execution 4 (bela) failed "), "{told}");
}

#[test]
fn trace_as_json() {
    let bench = told();
    let timeline = json(&bench, &["trace", "timeline", "1"]);
    let stages: Vec<(&str, &str)> = timeline["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["entity"] == "ada")
        .map(|row| {
            (
                row["stage"].as_str().unwrap(),
                row["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        stages,
        [
            ("collect", "succeeded"),
            ("tell", "succeeded"),
            ("publish", "succeeded")
        ]
    );
    let bottlenecks = json(&bench, &["trace", "bottlenecks"]);
    let scales = bottlenecks["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["resource"] == "scales")
        .unwrap();
    assert_eq!(scales["accesses"], 3);
    let waits = json(&bench, &["trace", "waits", "1"]);
    assert!(
        waits["rows"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["cause"] == "running"),
        "{waits}"
    );
    let overlaps = json(&bench, &["trace", "overlaps", "1"]);
    assert_eq!(overlaps["process"], 1);
    assert!(overlaps["rows"].is_array());
}

#[test]
fn trace_for_people() {
    let bench = told();
    let timeline = bench.run(&["trace", "timeline"]).with(0).stdout;
    assert!(timeline.starts_with("a collect  b tell"), "{timeline}");
    for view in ["bottlenecks", "waits"] {
        let text = bench.run(&["trace", view]).with(0).stdout;
        assert!(text.lines().count() > 1, "{text}");
    }
}

#[test]
fn sql_asks_the_documented_views() {
    let bench = told();
    let answer = json(
        &bench,
        &[
            "sql",
            "select entity_key, state from executions where entity_key is not null order by entity_key",
        ],
    );
    assert_snapshot!(pretty(&answer));
    for view in ["processes", "executions", "steps", "waits", "trace"] {
        let answer = json(&bench, &["sql", &format!("select * from {view}")]);
        assert!(!answer["columns"].as_array().unwrap().is_empty(), "{view}");
    }
    let table = bench
        .run(&[
            "sql",
            "select entity_key, state from executions where entity_key = 'ada'",
        ])
        .with(0)
        .stdout;
    assert_eq!(table, "entity_key  state\nada         succeeded\n");
}

#[test]
fn sql_changes_nothing() {
    let bench = told();
    for query in [
        "delete from process",
        "update executions set state = 1",
        "pragma user_version = 10",
        "select 1; delete from process",
        "attach 'x.db' as x",
    ] {
        bench.run(&["sql", query]).with(2).saying("CAR0804");
    }
    assert_eq!(bench.store::<i64>("select count(*) from process"), 1);
    bench
        .run(&["sql", "select * from executions", "--limit", "2"])
        .with(0)
        .saying("only the first 2 rows");
}

#[test]
fn check_as_json() {
    let bench = bench();
    let text = std::fs::read_to_string(bench.path("pipeline/pipeline.toml")).unwrap();
    std::fs::write(
        bench.path("pipeline/pipeline.toml"),
        text.replace("[lanes]", "[lane]"),
    )
    .unwrap();
    let folder = bench.path("pipeline").display().to_string();
    let target = format!("warehouse=sqlite:{}", bench.path("warehouse.db").display());
    let ended = bench
        .run(&["check", &folder, "--target", &target, "--json"])
        .with(3);
    assert_snapshot!(pretty(&steady(object(&ended))));
}

#[test]
fn check_draws_what_it_found() {
    let bench = bench();
    let text = std::fs::read_to_string(bench.path("pipeline/pipeline.toml")).unwrap();
    std::fs::write(
        bench.path("pipeline/pipeline.toml"),
        text.replace("when = \"entity.odd\"", "when = \"entity.ood\""),
    )
    .unwrap();
    let folder = bench.path("pipeline").display().to_string();
    let target = format!("warehouse=sqlite:{}", bench.path("warehouse.db").display());
    assert_snapshot!(
        bench
            .run(&["check", &folder, "--target", &target])
            .with(3)
            .stdout
    );
}

#[test]
fn plan_as_json() {
    let bench = bench();
    let folder = bench.path("pipeline").display().to_string();
    let target = format!("warehouse=sqlite:{}", bench.path("warehouse.db").display());
    assert_snapshot!(pretty(&json(
        &bench,
        &["plan", &folder, "--target", &target]
    )));
    assert!(!bench.path("carril.db").exists());
}

#[test]
fn plan_for_people() {
    let bench = bench();
    let folder = bench.path("pipeline").display().to_string();
    let target = format!("warehouse=sqlite:{}", bench.path("warehouse.db").display());
    let text = bench
        .run(&["plan", &folder, "--target", &target, "--set", "fail=bela"])
        .with(0)
        .saying("nothing was changed")
        .stdout;
    let steady: Vec<String> = text
        .lines()
        // The first line has the definition's version, which any change to its form changes.
        .skip(1)
        .map(plain)
        .collect();
    assert_snapshot!(steady.join("\n"));
}

#[test]
fn summary_as_json() {
    let bench = bench();
    let summary = bench
        .run(&["run", "--json", "--set", "fail=bela"])
        .with(5)
        .json();
    let mut summary = steady(summary);
    // Which lanes are the slowest is chance.
    summary["slowest"] = serde_json::Value::from(summary["slowest"].as_array().unwrap().len());
    let next = summary["next"].as_array_mut().unwrap();
    next.retain(|command| !command.as_str().unwrap().contains("--entity"));
    assert_snapshot!(pretty(&summary));
}

#[test]
fn rollback_and_retry_as_json() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let before: i64 = bench.warehouse("select size from totals");
    let undone = bench
        .run(&[
            "rollback",
            "--process",
            "1",
            "--entity",
            "bela",
            "--yes",
            "--json",
        ])
        .with(0)
        .json();
    assert_eq!(undone["rolled_back"], 1);
    let rows = undone["rows"].as_array().unwrap();
    assert!(
        rows.iter()
            .any(|row| row["table"] == "size_history" && row["deleted"] == 1),
        "{undone}"
    );
    assert_eq!(
        bench.warehouse::<String>(
            "select group_concat(name) from (select name from sizes order by 1)"
        ),
        "ada,cleo"
    );
    assert_eq!(
        bench.warehouse::<i64>("select size from totals"),
        before - 2,
        "the process's own stage ran again without it"
    );
    let summary = bench
        .run(&[
            "retry",
            "--process",
            "1",
            "--entity",
            "bela",
            "--yes",
            "--json",
        ])
        .with(0)
        .json();
    assert_eq!(summary["process"]["state"], "succeeded");
    assert_eq!(
        bench.warehouse::<i64>("select size from totals"),
        before,
        "the same result as before"
    );
}

#[test]
fn a_run_is_narrowed_to_entities_and_lanes() {
    let bench = bench();
    let summary = bench
        .run(&[
            "run", "--json", "--only", "ada", "--only", "bela", "--except", "bela", "--lanes", "1",
        ])
        .with(0)
        .json();
    assert_eq!(summary["process"]["entities"]["total"], 1);
    assert_eq!(summary["process"]["lanes"], 1);
    assert_eq!(
        bench.warehouse::<String>("select group_concat(name) from sizes"),
        "ada"
    );
}

#[test]
fn who_is_meant_must_be_clear() {
    let bench = told();
    let (ada, bela) = (execution(&bench, "ada"), execution(&bench, "bela"));
    bench
        .run(&["retry", "bela", "--yes"])
        .with(2)
        .saying("--process 1 --entity bela");
    bench
        .run(&["retry", &ada, "1", "--yes"])
        .with(2)
        .saying("is no execution");
    bench
        .run(&["retry", &bela, "--failed", "--yes"])
        .with(2)
        .saying("name the process");
    bench
        .run(&["retry", "--process", "1", "--entity", "dora", "--yes"])
        .with(4)
        .saying("no entity `dora`");
    bench.run(&["rollback", &ada, &bela, "--yes"]).with(0);
    assert_eq!(
        bench.warehouse::<String>("select group_concat(name) from sizes"),
        "cleo"
    );
}
