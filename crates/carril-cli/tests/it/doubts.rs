//! What went on although a step failed: fallbacks and steps that are not critical are counted and named, by `run` and by `why`;
//! and who launched is known without the environment.

use crate::place::{Bench, object};

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela');
create table rates (name text not null, rate real not null);
";

/// `fetch` fails for everybody, `guess` and `mail` for bela.
const PIPELINE: &str = r#"
name = "rates"

[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by name"

[workspace]
tables = ["rates"]
publish = [{ from = "rates", into = "rates_history", key = ["name"] }]

[[stage]]
name = "rates"
  [[stage.step]]
  name = "fetch"
  command = ["false"]
  retry = { attempts = 1 }
  fallback_step = "cached"
  [[stage.step]]
  name = "cached"
  sql = "insert into rates values (:entity_key, 1.5)"
  [[stage.step]]
  name = "guess"
  command = ["sh", "-c", "test {entity_key} != bela && echo 1"]
  output = "json"
  retry = { attempts = 1 }
  fallback = 7
  [[stage.step]]
  name = "mail"
  command = ["sh", "-c", "test {entity_key} != bela"]
  retry = { attempts = 1 }
  critical = false
"#;

#[test]
fn fallbacks_and_warnings_are_counted_and_named() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let summary = bench.run(&["run"]).with(0).stdout;
    for line in [
        "fallbacks     rates/fetch failed in 2 executions, rates/cached ran instead: ada (2), bela (3)",
        "rates/guess failed in 1 execution, its fallback value was taken: bela (3)",
        "warnings      rates/mail failed in 1 execution, which is not critical: bela (3)",
    ] {
        assert!(summary.contains(line), "expected `{line}` in: {summary}");
    }
    let summary = bench.run(&["run", "--json"]).with(0).json();
    assert_eq!(summary["fallbacks"][0]["step"], "rates/fetch");
    assert_eq!(summary["fallbacks"][0]["instead"], "rates/cached");
    assert_eq!(summary["fallbacks"][0]["executions"], 2);
    assert_eq!(summary["fallbacks"][1]["step"], "rates/guess");
    assert_eq!(summary["warned"][0]["step"], "rates/mail");
    assert_eq!(summary["warnings"], 1);
}

#[test]
fn why_names_what_failed_without_failing_the_lane() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    bench.run(&["run"]).with(0);
    let bela = bench.run(&["why", "bela"]).with(0).stdout;
    for part in [
        "`rates/fetch` failed and `rates/cached` ran instead",
        "`rates/guess` failed and its fallback value was taken",
        "`rates/mail` failed, which is not critical",
    ] {
        assert!(bela.contains(part), "expected `{part}` in: {bela}");
    }
    let ada = bench.run(&["why", "ada"]).with(0).stdout;
    assert!(!ada.contains("mail"), "{ada}");
    let process = bench.run(&["why", "1"]).with(0).stdout;
    assert!(
        process.contains("in 1 execution `rates/mail` failed, which is not critical"),
        "{process}"
    );
}

#[test]
fn who_launched_is_known_without_the_environment() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let mut command = bench.command(&["run", "--quiet"]);
    for name in ["USER", "LOGNAME", "USERNAME"] {
        command.env_remove(name);
    }
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    let shown = object(&bench.run(&["show", "1", "--json"]).with(0));
    let by = shown["process"]["launched_by"].as_str().unwrap();
    let own = std::process::Command::new("id")
        .arg("-un")
        .output()
        .unwrap();
    assert_eq!(by, String::from_utf8_lossy(&own.stdout).trim());
}
