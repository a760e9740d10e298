//! The builder and a file say the same, and are judged by the same rules.

use super::*;
use carril_model::definition::Action;

const FILE: &str = r#"
name = "fund-report"
description = "one line"

[params]
report_date = { type = "date", default = "2025-06-30" }

[entities]
target = "warehouse"
key = "id_fund"
sql = "select id_fund, flag_ubs from funds"

[lanes]
max = 7
key = "entity.flag_ubs"
overlap = "queue"
abort_when = { failed = "50%", after = 10 }

[workspace]
tables = ["extract"]
publish = [{ from = "extract", into = "history", key = ["id_fund"], current = "latest" }]

[defaults]
timeout = "5s"

[goal]
duration = "10m"
entities_per_hour = 300

[resource.geneva]
slots = 4

[[stage]]
name = "extract"
parallel = true
  [[stage.step]]
  name = "ipa"
  sql = "insert into extract select :entity_key"
  resource = "geneva"
  [[stage.step]]
  name = "ubs"
  when = "entity.flag_ubs"
  sql = "insert into extract select :report_date"
  critical = false
  retry = { attempts = 2, backoff = "10ms..20ms", on = "any" }
  fallback = { rows = 0 }

[[stage]]
name = "close"
per = "process"
when = "param.report_date > '2025-01-01'"
  [[stage.step]]
  name = "tell"
  command = ["echo", "{param.report_date}"]
  env = { LEVEL = "1" }
  output = "json"
  timeout = "1s"
"#;

fn built() -> Pipeline {
    let millis = Duration::from_millis;
    Pipeline::new("fund-report")
        .description("one line")
        .param("report_date", Parameter::date().default("2025-06-30"))
        .entities_query(
            "warehouse",
            "id_fund",
            "select id_fund, flag_ubs from funds",
        )
        .lanes(7)
        .lane_key("entity.flag_ubs")
        .overlap(Overlap::Queue)
        .abort_when(500, 10)
        .goal_duration(Duration::from_secs(600))
        .goal_entities_per_hour(300)
        .workspace(
            Workspace::new(["extract"])
                .publish(Publish::new("extract", "history", ["id_fund"]).current("latest")),
        )
        .default_timeout(Duration::from_secs(5))
        .resource("geneva", 4)
        .stage(
            Stage::new("extract")
                .parallel()
                .step(Step::sql("ipa", "insert into extract select :entity_key").resource("geneva"))
                .step(
                    Step::sql("ubs", "insert into extract select :report_date")
                        .when("entity.flag_ubs")
                        .not_critical()
                        .retry(Retry::any(2).backoff(millis(10), millis(20)))
                        .fallback(serde_json::json!({ "rows": 0 })),
                ),
        )
        .stage(
            Stage::new("close")
                .per_process()
                .when("param.report_date > '2025-01-01'")
                .step(
                    Step::command("tell", ["echo", "{param.report_date}"])
                        .env("LEVEL", "1")
                        .json_output()
                        .timeout(Duration::from_secs(1)),
                ),
        )
}

/// SQL remembers where it was written, which is the one thing that may differ.
fn without_files(definition: &Definition) -> Definition {
    let mut definition = definition.clone();
    if let Entities::Query { sql, .. } = &mut definition.entities {
        sql.file.clear();
        sql.start = None;
    }
    for step in definition
        .stages
        .iter_mut()
        .flat_map(|stage| &mut stage.steps)
    {
        if let Action::Sql { sql, .. } = &mut step.action {
            sql.file.clear();
            sql.start = None;
        }
    }
    definition
}

#[test]
fn the_builder_and_a_file_make_the_same_definition() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("pipeline.toml"), FILE).expect("it is written");
    let loaded = PipelineDefinition::from_loaded(crate::pipeline::load_dir(folder.path()))
        .expect("the file is right");
    let built = built().build().expect("the builder is right");
    let (loaded, built) = (
        without_files(loaded.plan().written()),
        without_files(built.plan().written()),
    );
    assert_eq!(loaded, built);
    assert_eq!(loaded.version(), built.version());
}

#[test]
fn giving_up_is_the_default_and_can_be_turned_off() {
    let pipeline = || {
        Pipeline::new("p")
            .entities_list(["one"])
            .stage(Stage::new("a").step(Step::noop("b")))
    };
    let abort_when = |pipeline: Pipeline| {
        let built = pipeline.build().expect("it is right");
        built.plan().written().lanes.abort_when
    };
    assert_eq!(abort_when(pipeline()), Some(AbortWhen::DEFAULT));
    assert_eq!(abort_when(pipeline().never_abort()), None);
    let empty = pipeline().goal_duration(Duration::ZERO).build();
    let findings = empty.expect_err("a goal of nothing").findings;
    assert_eq!(findings[0].code, "CAR0105");
    assert!(pipeline().goal_entities_per_hour(0).build().is_err());
}

#[test]
fn every_mistake_is_told_at_once() {
    let wrong = Pipeline::new("1st")
        .workspace(Workspace::new(["rows"]))
        .lanes(0)
        .stage(Stage::new("a").step(Step::sql("b", "insert into rows select :nobody")))
        .stage(Stage::new("misplaced").step(Step::noop("c").env("A", "b").target("t")))
        .stage(Stage::new("empty"))
        .build()
        .expect_err("it is wrong");
    let codes: Vec<&str> = wrong
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    for code in ["CAR0412", "CAR0203", "CAR0201", "CAR0105", "CAR0214"] {
        assert!(
            codes.contains(&code),
            "{code} is not among {codes:?}\n{wrong}"
        );
    }
    assert!(
        wrong
            .to_string()
            .contains("Step::sql(…).target(\"warehouse\")"),
        "{wrong}"
    );
}

#[test]
fn mistakes_in_sql_are_placed_in_the_step_that_has_it() {
    let wrong = Pipeline::new("p")
        .entities_list(["one"])
        .stage(
            Stage::new("a")
                .step(Step::sql("b", "select 1;\n  select :steps.none.rows").target("t")),
        )
        .build()
        .expect_err("it is wrong");
    let place = wrong.findings[0].place.as_ref().expect("SQL has places");
    assert_eq!(
        (place.file.as_str(), place.line, place.column),
        ("a/b", 2, 10),
        "{wrong}"
    );
}

#[test]
fn functions_have_names_of_their_own() {
    let step = |name: &str| Step::function(name, |_: crate::Input| async { Ok(()) });
    let long = "x".repeat(60);
    let pipeline = Pipeline::new("p")
        .entities_list(["one"])
        .stage(Stage::new("a-b").step(step("c")))
        .stage(Stage::new("a").step(step("b-c")).step(step(&long)))
        .build()
        .expect("it is right");
    assert_eq!(pipeline.functions().names().count(), 3, "{pipeline:?}");
    assert!(
        pipeline
            .functions()
            .names()
            .all(|name| name.len() <= 64 && name.starts_with("p-a-")),
        "{pipeline:?}"
    );
}
