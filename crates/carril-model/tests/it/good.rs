//! Pipelines that load: what they mean, that they survive being stored, and what their version depends on.

use crate::support::{load, render};
use carril_model::definition::{
    AbortWhen, Action, BreakerPolicy, Definition, Effects, Entities, Fallback, Isolation, Keep,
    OnOpen, Overlap, Rate, RateUnit, Resource, RetryOn, Scope, Synchronous,
};
use carril_model::load::{Files, check, parse};
use carril_model::plan::Plan;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EVERYTHING: &str = include_str!("good/everything.toml");
const SHORT: &str = include_str!("good/short.toml");

fn good(text: &str) -> Definition {
    let loaded = load(text);
    assert_eq!(render(&loaded), "");
    loaded
        .definition
        .expect("without findings there is a definition")
}

#[test]
fn every_key_is_read() {
    let definition = good(EVERYTHING);
    assert_eq!(definition.name, "everything");
    assert_eq!(definition.lanes.max, 7);
    assert_eq!(definition.lanes.overlap, Overlap::CancelRunning);
    assert_eq!(
        definition.lanes.key.as_ref().map(|key| key.source()),
        Some("entity.group")
    );
    assert_eq!(
        definition
            .lanes
            .abort_when
            .map(|guard| (guard.failed_permille, guard.after)),
        Some((125, 3))
    );
    let workspace = definition.workspace.as_ref().expect("it has one");
    assert_eq!(
        (
            workspace.isolation.clone(),
            workspace.synchronous,
            workspace.keep
        ),
        (Isolation::Own, Synchronous::Normal, Keep::Always)
    );
    assert_eq!(workspace.target, "other");
    assert_eq!(workspace.publish.len(), 2);
    assert_eq!(workspace.publish[1].per, Scope::Process);
    assert_eq!(definition.resources["disk"], 3.into());
    let goal = (
        definition.goal.duration_micros,
        definition.goal.entities_per_hour,
    );
    assert_eq!(goal, (Some(600_000_000), Some(300)));
    insta::assert_snapshot!(serde_json::to_string_pretty(&definition).unwrap());
}

#[test]
fn every_limit_of_a_resource_is_read() {
    let text = r#"
name = "calls"
entities = { list = ["a"] }
lanes = { priority = -7 }

[resource.api]
slots = 2
rate = "300/m"
burst = 5
breaker = { failures = 3, cooldown = "1.5s" }

[resource.bank]
rate = "1/h"

[[stage]]
name = "work"
  [[stage.step]]
  name = "call"
  noop = true
  resource = ["api", "bank"]
  on_open = "fail"
"#;
    let definition = good(text);
    let api = Resource::slots(2)
        .rate(Rate::new(300, RateUnit::Minute).burst(5))
        .breaker(BreakerPolicy {
            failures: 3,
            cooldown: Duration::from_millis(1_500),
            ..BreakerPolicy::default()
        });
    assert_eq!(definition.resources["api"], api);
    let bank = Resource::unlimited().rate(Rate::new(1, RateUnit::Hour));
    assert_eq!(definition.resources["bank"], bank);
    assert_eq!(definition.lanes.priority, -7);
    assert_eq!(definition.stages[0].steps[0].on_open, OnOpen::Fail);
    let kept = serde_json::to_string(&definition).unwrap();
    let read: Definition = serde_json::from_str(&kept).unwrap();
    assert_eq!(read, definition, "the store gives it back as it was");
}

#[test]
fn lanes_whose_number_is_found_out_are_kept_as_such() {
    let auto = SHORT.replacen("[[stage]]", "[lanes]\nmax = \"auto\"\n\n[[stage]]", 1);
    let definition = good(&auto);
    assert!(definition.lanes.auto);
    let kept = serde_json::to_value(&definition).unwrap();
    let read: Definition = serde_json::from_value(kept).unwrap();
    assert_eq!(read, definition, "the store gives it back as it was");
    let fixed = good(SHORT);
    assert!(!fixed.lanes.auto);
    let kept = serde_json::to_value(&fixed).unwrap();
    assert!(kept["lanes"].get("auto").is_none(), "as it always was");
}

/// Stores hold definitions of before there were rates, breakers and priorities.
#[test]
fn a_definition_without_new_limits_is_kept_as_it_always_was() {
    let kept = serde_json::to_value(good(EVERYTHING)).unwrap();
    assert_eq!(kept["resources"]["disk"], serde_json::json!(3));
    assert!(kept["lanes"].get("priority").is_none());
    let steps = kept["stages"][0]["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step.get("on_open").is_none()));
}

#[test]
fn giving_up_can_be_turned_off() {
    let text = SHORT.replacen("[[stage]]", "[lanes]\nabort_when = false\n\n[[stage]]", 1);
    assert_eq!(good(&text).lanes.abort_when, None);
    let lanes = SHORT.replacen("[[stage]]", "[lanes]\nmax = 3\n\n[[stage]]", 1);
    assert_eq!(good(&lanes).lanes.abort_when, Some(AbortWhen::DEFAULT));
}

#[test]
fn what_is_not_said_has_the_documented_default() {
    let definition = good(SHORT);
    assert_eq!(
        (definition.lanes.max, definition.lanes.overlap),
        (50, Overlap::Skip)
    );
    assert!(
        definition.lanes.key.is_none()
            && definition.goal.is_none()
            && definition.workspace.is_none()
    );
    assert_eq!(definition.lanes.abort_when, Some(AbortWhen::DEFAULT));
    let stage = &definition.stages[0];
    assert!(stage.per == Scope::Entity && !stage.parallel && stage.when.is_none());
    let step = &stage.steps[0];
    assert_eq!(step.timeout, Duration::from_secs(60));
    assert_eq!(
        (step.retry.attempts, step.retry.on),
        (3, RetryOn::Transient)
    );
    assert_eq!(
        (step.retry.backoff_min, step.retry.backoff_max),
        (Duration::from_millis(50), Duration::from_secs(5))
    );
    assert!(
        step.critical
            && step.fallback.is_none()
            && step.resources.is_empty()
            && step.when.is_none()
    );
    assert_eq!(step.effects, Effects::ExactlyOnce);
    assert_eq!(stage.steps[1].effects, Effects::AtLeastOnce);
    assert!(matches!(&definition.entities, Entities::List(list) if list.len() == 2));
}

#[test]
fn steps_take_what_they_do_not_say_from_the_defaults_and_the_nearest_target() {
    let definition = good(EVERYTHING);
    let step = |stage: usize, at: usize| &definition.stages[stage].steps[at];
    assert_eq!(step(0, 0).timeout, Duration::from_secs(90));
    assert_eq!(
        (step(0, 0).retry.attempts, step(0, 0).retry.on),
        (5, RetryOn::Any)
    );
    assert_eq!(
        (step(0, 1).retry.attempts, step(0, 1).retry.on),
        (1, RetryOn::Any)
    );
    assert!(
        matches!(&step(0, 0).action, Action::Sql { target, sql } if target == "other" && sql.file == "sql/rows.sql")
    );
    assert!(
        matches!(&step(1, 0).action, Action::Sql { target, sql } if target == "third" && sql.file == "pipeline.toml")
    );
    assert!(matches!(&step(0, 2).fallback, Some(Fallback::Value(value)) if value["rows"] == 0));
}

#[test]
fn a_definition_survives_being_stored() {
    for text in [EVERYTHING, SHORT] {
        let definition = good(text);
        let stored = serde_json::to_string(&definition).unwrap();
        let back: Definition = serde_json::from_str(&stored).unwrap();
        assert_eq!(back, definition);
        assert_eq!(back.version(), definition.version());
        assert_eq!(check(&back), []);
    }
}

#[test]
fn the_version_is_that_of_the_meaning() {
    let version = |text: &str| good(text).version();
    let original = version(EVERYTHING);
    assert_eq!(original.0.len(), 32);
    assert_eq!(version(&format!("# a comment\n{EVERYTHING}")), original);
    assert_eq!(
        version(&EVERYTHING.replace("max = 7 ", "max   =   7 ")),
        original
    );
    for (from, to) in [
        ("max = 7 ", "max = 8 "),
        ("delete from rows", "delete from  rows"),
        ("\"90s\"", "\"91s\""),
        ("one line", "one row"),
    ] {
        assert!(EVERYTHING.contains(from), "{from}");
        assert_ne!(version(&EVERYTHING.replace(from, to)), original, "{from}");
    }
    assert_eq!(
        version(&EVERYTHING.replace("\"90s\"", "\"1.5m\"")),
        original
    );
}

#[test]
fn the_example_of_the_reference_loads() {
    let reference =
        std::fs::read_to_string(repository().join("docs/reference/pipeline.md")).unwrap();
    let example = reference
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the reference starts with an example");
    let sql = "#@ sql/entities.sql\nselect id_fund, flag_ubs from bd_funds\n#@ sql/extract/ipa.sql\ninsert into extract_ipa select :report_date\n#@ sql/extract/ubs.sql\nselect :id_fund\n#@ sql/report.sql\ninsert into report_rows select 1\n#@ sql/cube.sql\ninsert into fund_cube select 1\n";
    let definition = good(&format!("{example}{sql}"));
    let plan = Plan::new(definition);
    let stages: Vec<&str> = plan
        .definition()
        .stages
        .iter()
        .map(|stage| stage.name.as_str())
        .collect();
    assert_eq!(stages, ["extract", "report", "publish", "cube"]);
}

#[test]
fn the_example_of_the_readme_loads() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let example = readme
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the front page shows a pipeline");
    let sql = "#@ sql/lines.sql\ninsert into lines select :customer\n#@ sql/invoice.sql\ninsert into invoice select :day\n";
    assert_eq!(good(&format!("{example}{sql}")).name, "invoices");
}

/// What a page on an error shows is TOML, right or wrong as a pipeline, unless the error is that it is none.
#[test]
fn what_the_error_pages_show_is_toml() {
    let mut seen = 0;
    for page in std::fs::read_dir(repository().join("docs/errors")).unwrap() {
        let path = page.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let is_about_toml = path.ends_with("CAR0102.md");
        let blocks = text.split("```toml\n").skip(1);
        for block in blocks.filter_map(|rest| rest.split("```").next()) {
            seen += 1;
            let parsed = toml::from_str::<toml::Table>(block);
            assert!(
                parsed.is_ok() || is_about_toml,
                "{}: {}\n{block}",
                path.display(),
                parsed.unwrap_err()
            );
        }
    }
    assert!(seen >= 20, "only {seen} blocks were found");
}

#[test]
fn the_funds_example_loads() {
    let loaded = parse(&Disk(repository().join("examples/funds")));
    assert_eq!(render(&loaded), "");
    let names: Vec<&str> = loaded
        .assumed_attributes
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    assert!(
        names.contains(&"flag_ubs") && names.contains(&"portfolio_geneva"),
        "{names:?}"
    );
}

#[test]
fn a_definition_built_in_rust_is_checked_by_the_same_rules() {
    let mut definition = good(EVERYTHING);
    definition.lanes.max = 0;
    definition.stages[0].steps[1].name = definition.stages[0].steps[0].name.clone();
    definition.stages[0].steps[2].retry.attempts = 1_001;
    if let Action::Sql { sql, .. } = &mut definition.stages[0].steps[0].action {
        sql.text = "commit;\nselect :param.nothing".to_owned();
    }
    let told: Vec<String> = check(&definition).iter().map(ToString::to_string).collect();
    for expected in [
        "`max` cannot be 0",
        "there is another step `rows`",
        "`attempts` cannot be 1001",
        "sql/rows.sql:1:1: `COMMIT` cannot stand",
        "sql/rows.sql:2:8: nothing provides `:param.nothing`",
    ] {
        assert!(
            told.iter().any(|finding| finding.starts_with(expected)),
            "{expected}: {told:#?}"
        );
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Disk(PathBuf);

impl Files for Disk {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        match std::fs::read_to_string(self.0.join(path)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}
