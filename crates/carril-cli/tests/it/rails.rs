//! Guard rails at the command line: a version that fails is refused, a pipeline that became slow is told, goals and figures are
//! shown beside what was reached.

use crate::faults::bench::Bench;
use crate::place::{lines, object};
use serde_json::Value;
use std::fs;

/// Every lane fails while the file `broken` is there; the first waits for `go` while `hold` is there. Nothing waits by time.
const PIPELINE: &str = r#"
name = "guarded"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by name"
[lanes]
abort_when = false
[goal]
duration = "2h"
entities_per_hour = 3000000000
[[stage]]
name = "work"
  [[stage.step]]
  name = "try"
  timeout = "20s"
  command = ["sh", "-c", "test ! -e ../broken || exit 1; test {entity_key} != n10 || test ! -e ../hold || ( touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done )"]
"#;

/// Twenty-one entities: one more than a version needs to be judged.
const SCHEMA: &str = "
create table who (name text not null);
with recursive n (i) as (select 10 union all select i + 1 from n where i < 30) insert into who select 'n' || i from n;
";

fn bench() -> Bench {
    Bench::new(SCHEMA, PIPELINE)
}

#[test]
fn a_version_that_fails_is_refused_until_it_is_mended() {
    let bench = bench();
    fs::write(bench.path("broken"), "").unwrap();
    let first = bench
        .run(&["run", "--json", "--idempotency-key", "monday"])
        .with(5);
    let told = lines(&first);
    let alert = &told[told.len() - 2];
    assert_eq!(
        (&alert["event"], &alert["rail"]),
        (&"alert".into(), &"bad_version".into())
    );
    let refused = &first.json()["report"]["version_refused"];
    let counts = (
        &refused["failed"],
        &refused["settled"],
        &refused["go_back_to"],
    );
    assert_eq!(counts, (&21.into(), &21.into(), &Value::Null));
    let process = first.json()["process"]["id"].to_string();

    let second = bench.run(&["run"]).with(6).saying("CAR0450");
    let second = second.saying("21 of 21 executions of version");
    second.saying("--despite-failures");
    bench.run(&["run", "--idempotency-key", "monday"]).with(5);
    bench
        .run(&["ps"])
        .with(0)
        .telling("new launches of guarded are refused");
    let listed = object(&bench.run(&["ps", "--json"]).with(0));
    assert_eq!(
        listed["refused"][0]["processes"].to_string(),
        format!("[{process}]")
    );
    bench
        .run(&["show", &process])
        .with(0)
        .telling("refused from now on: 21 of 21");
    bench.run(&["run", "--despite-failures"]).with(5);

    // Other files are another version; from then on there is one to go back to.
    fs::remove_file(bench.path("broken")).unwrap();
    let other = PIPELINE.replace("20s", "21s");
    fs::write(bench.path("pipeline/pipeline.toml"), &other).unwrap();
    let good = bench.run(&["run", "--json"]).with(0).json();
    let version: String = good["process"]["version"]
        .as_str()
        .unwrap()
        .chars()
        .take(8)
        .collect();
    fs::write(bench.path("pipeline/pipeline.toml"), PIPELINE).unwrap();
    let back = format!("go back to version {version}");
    bench.run(&["run"]).with(6).saying(&back);
    let both = bench.run(&["ps", "--json"]).with(0);
    assert_eq!(object(&both)["refused"].as_array().map(Vec::len), Some(1));

    bench.run(&["retry", &process, "--failed", "--yes"]).with(0);
    bench.run(&["run"]).with(0);
    let none = object(&bench.run(&["ps", "--json"]).with(0));
    assert_eq!(none["refused"], Value::Array(Vec::new()));
}

#[test]
fn what_became_slow_is_told_and_escalated() {
    let bench = bench();
    let run = || bench.run(&["run", "--json"]).with(0);
    let first = run().json();
    assert_eq!(first["report"]["baseline"], Value::Null);
    let process = first["process"]["id"].to_string();
    bench
        .run(&["baseline", "show"])
        .with(0)
        .saying("no pipeline has a baseline");
    bench
        .run(&["baseline", "show", "guarded"])
        .with(4)
        .saying("CAR0825");
    bench
        .run(&["baseline", "clear", "guarded"])
        .with(4)
        .saying("CAR0825");
    bench
        .run(&["baseline", "set", "77777"])
        .with(4)
        .saying("CAR0803");
    let kept = object(&bench.run(&["baseline", "set", &process, "--json"]).with(0));
    assert_eq!(
        (&kept["pipeline"], &kept["entities"]),
        (&"guarded".into(), &21.into())
    );
    assert_eq!(kept["worked_micros"], first["process"]["duration_micros"]);
    // The first was this quick: whatever comes is slower.
    bench.change("update baseline set worked = 21");
    let slow = run();
    let told = lines(&slow);
    let alert = &told[told.len() - 2];
    assert_eq!(
        (&alert["event"], &alert["rail"]),
        (&"alert".into(), &"baseline".into())
    );
    let beside = &slow.json()["report"]["baseline"];
    assert_eq!(
        (&beside["alert"], &beside["escalated"]),
        (&true.into(), &false.into())
    );
    assert_eq!(beside["ratio"], beside["newest"]["ratio"]);
    assert_eq!(
        (&beside["mean_runs"], &beside["mean_ratio"]),
        (&1.into(), &beside["ratio"])
    );
    let id = slow.json()["process"]["id"].to_string();
    bench
        .run(&["show", &id])
        .with(0)
        .telling("times the baseline")
        .telling("slow since");
    bench
        .run(&["baseline", "show"])
        .with(0)
        .telling("slow since");
    // Three days go by.
    let earlier = format!(
        "update process set launched_at = launched_at - 259200000000, ended_at = ended_at - 259200000000 where id = {id}"
    );
    bench.change(&earlier);
    bench
        .run(&["baseline", "show", "guarded"])
        .with(0)
        .telling("unmended for 48 hours");
    let shown = object(&bench.run(&["baseline", "show", "--json"]).with(0));
    assert_eq!(shown["baselines"][0]["escalated"], true);
    bench.change("update baseline set worked = 36000000000000");
    let quick = run().json();
    assert_eq!(quick["report"]["baseline"]["alert"], false);
    bench.run(&["baseline", "clear", "guarded"]).with(0);
    assert_eq!(run().json()["report"]["baseline"], Value::Null);
}

#[test]
fn a_baseline_is_set_and_cleared_beside_another_engine() {
    let bench = bench();
    let process = bench.run(&["run", "--json"]).with(0).json()["process"]["id"].to_string();
    fs::write(bench.path("hold"), "").unwrap();
    let running = bench.start(&["run", "--json"]);
    bench.until_file("waiting");
    let newest = bench
        .store::<i64>("select max(process_id) from processes")
        .to_string();
    bench
        .run(&["baseline", "set", &newest])
        .with(6)
        .saying("CAR0451");
    bench
        .run(&["baseline", "set", &process])
        .with(0)
        .telling("later runs of `guarded`");
    let shown = object(&bench.run(&["baseline", "show", "--json"]).with(0));
    assert_eq!(shown["baselines"][0]["process"].to_string(), process);
    bench
        .run(&["baseline", "clear", "guarded", "--json"])
        .with(0)
        .telling("\"cleared\":\"guarded\"");
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
}

#[test]
fn goals_and_figures_stand_beside_what_was_reached() {
    let bench = bench();
    let run = bench.run(&["run"]).with(0);
    let run = run
        .telling("2 h 00 min reached")
        .telling("3,000,000,000 entities an hour missed");
    assert!(
        !run.stdout.contains("deadlocks"),
        "nothing to say: {}",
        run.stdout
    );
    let process = bench
        .store::<i64>("select process_id from processes")
        .to_string();
    let shown = bench.run(&["show", &process]).with(0);
    shown.telling("0 deadlocks, 0 lock timeouts, 0 escalations");
    let report = object(&bench.run(&["show", &process, "--json"]).with(0))["report"].clone();
    let goal = (
        &report["goal"]["duration_reached"],
        &report["goal"]["entities_per_hour_reached"],
    );
    assert_eq!(goal, (&true.into(), &false.into()));
    assert_eq!(
        (&report["retries"], &report["escalations"]),
        (&0.into(), &0.into())
    );

    let impatient = PIPELINE
        .replace("20s", "50ms")
        .replace("test ! -e ../broken", "exec sleep 30; test ! -e ../broken")
        .replace(
            "[[stage]]",
            "[defaults]\nretry = { attempts = 2, backoff = \"1ms..1ms\" }\n[[stage]]",
        );
    fs::write(bench.path("pipeline/pipeline.toml"), impatient).unwrap();
    let run = bench.run(&["run", "--json"]).with(5).json();
    assert_eq!(
        (&run["report"]["timeouts"], &run["report"]["retries"]),
        (&42.into(), &21.into())
    );
    let process = run["process"]["id"].to_string();
    bench
        .run(&["show", &process])
        .with(0)
        .telling("42 timeouts, 21 retries");
}
