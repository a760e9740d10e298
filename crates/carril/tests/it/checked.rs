//! Checking a pipeline with its targets at hand, and without.

use crate::harness::House;
use crate::sql::{FILES, WAREHOUSE};
use carril::model::finding::Finding;
use carril::{Asked, CheckReport, SystemClock, Targets};
use std::collections::BTreeMap;
use std::sync::Arc;

const URL: &str = "sqlite:${env:WAREHOUSE}";

/// Checks the files with one of them replaced.
async fn check_with(house: &House, replaced: &[(&str, &str)], url: Option<&str>) -> CheckReport {
    check_at(house, replaced, "warehouse", url).await
}

/// The same where somebody said where this target is.
async fn check_at(
    house: &House,
    replaced: &[(&str, &str)],
    target: &str,
    url: Option<&str>,
) -> CheckReport {
    let folder = house.path().join("pipeline");
    for (path, text) in FILES.iter().chain(replaced) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("it is in the folder"))
            .expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
    }
    let variable: carril::Lookup =
        Arc::new(|name| (name == "WAREHOUSE").then(|| "warehouse.db".to_owned()));
    let targets = Targets::new(
        house.path(),
        house.path().join("lanes"),
        variable,
        Arc::new(SystemClock::new()),
    );
    let urls: BTreeMap<String, String> = url
        .map(|url| (target.to_owned(), url.to_owned()))
        .into_iter()
        .collect();
    carril::check(&carril::pipeline::load_dir(&folder), &targets, &urls).await
}

fn told(report: &CheckReport) -> Vec<String> {
    let line = |finding: &Finding| {
        let place = finding.place.as_ref().map_or_else(String::new, |place| {
            format!("{}:{}:{} ", place.file, place.line, place.column)
        });
        format!("{place}{} {}", finding.code, finding.message)
    };
    report.findings.iter().map(line).collect()
}

#[tokio::test]
async fn a_right_pipeline_has_nothing_to_tell() {
    // What publishing makes is not there yet, and one of the steps reads it.
    let house = House::with_warehouse(WAREHOUSE);
    let report = check_with(&house, &[], Some(URL)).await;
    assert_eq!(told(&report), Vec::<String>::new());
    let Some(Asked::Answered(what)) = report.asked.get("warehouse") else {
        panic!("it was asked: {report:?}")
    };
    assert!(what.starts_with("SQLite 3."), "{what}");
}

#[tokio::test]
async fn a_target_that_nobody_named_is_a_note() {
    let house = House::new();
    let report = check_with(&house, &[], None).await;
    assert_eq!(
        told(&report),
        ["pipeline.toml:9:10 CAR0410 target `warehouse` was not asked: nobody said where it is"]
    );
    assert_eq!(report.asked.get("warehouse"), Some(&Asked::Unknown));
    assert!(!report.has_errors());
}

#[tokio::test]
async fn a_target_with_nearly_the_name_of_a_known_one_is_an_error() {
    let house = House::with_warehouse(WAREHOUSE);
    let report = check_at(&house, &[], "warehuose", Some(URL)).await;
    assert!(report.has_errors());
    let finding = &report.findings[0];
    assert_eq!(finding.code, "CAR0128");
    assert!(finding.place.is_some());
    let help = finding.help.as_deref().unwrap_or_default();
    assert!(help.starts_with("did you mean `warehuose`?"), "{help}");
    // Another name altogether may be what another pipeline uses.
    let report = check_at(&house, &[], "archive", Some(URL)).await;
    assert!(!report.has_errors(), "{report:?}");
}

#[tokio::test]
async fn a_workspace_table_with_a_slip_is_told_once_and_with_the_name_that_is_meant() {
    let house = House::with_warehouse(WAREHOUSE);
    let (path, text) = FILES[0];
    assert_eq!(path, "pipeline.toml");
    let slipped = text.replace("tables = [\"rows\"", "tables = [\"rosw\"");
    assert_ne!(text, slipped);
    let slipped = slipped.replace("from = \"rows\"", "from = \"rosw\"");
    let report = check_with(&house, &[(path, &slipped)], Some(URL)).await;
    let lines = told(&report);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("CAR0413 the workspace table `rosw`"),
        "{lines:#?}"
    );
    let help = report.findings[0].help.as_deref().unwrap_or_default();
    assert!(help.starts_with("did you mean `rows`?"), "{help}");
}

#[tokio::test]
async fn a_written_table_near_one_of_the_workspace_gets_its_name() {
    let house = House::new();
    let replaced = [(
        "sql/value.sql",
        "insert into rosw values (:entity_key, :day, 1)",
    )];
    let report = check_with(&house, &replaced, None).await;
    let shared = report
        .findings
        .iter()
        .find(|finding| finding.code == "CAR0301");
    let help = shared
        .and_then(|finding| finding.help.clone())
        .unwrap_or_default();
    assert!(
        help.starts_with("did you mean `rows` of the workspace?"),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_field_that_no_column_of_a_step_gives_is_an_error() {
    let house = House::with_warehouse(WAREHOUSE);
    let text = "name = \"p\"\n[entities]\ntarget = \"warehouse\"\nkey = \"id\"\nsql = \"select id from funds\"\n\
        [[stage]]\nname = \"s\"\n[[stage.step]]\nname = \"rate\"\nsql = \"select price as value from funds where id = :entity_key\"\n\
        [[stage.step]]\nname = \"use\"\nwhen = \"steps.rate.vlaue > 1\"\nnoop = true\n";
    let report = check_with(&house, &[("pipeline.toml", text)], Some(URL)).await;
    let lines = told(&report);
    let told_so = ["pipeline.toml:13:9 CAR0127 the output of `s/rate` has no field `vlaue`"];
    assert_eq!(lines, told_so, "and nothing else");
    let right = text.replace("vlaue", "value");
    let report = check_with(&house, &[("pipeline.toml", &right)], Some(URL)).await;
    assert_eq!(told(&report), Vec::<String>::new());
}

#[tokio::test]
async fn a_target_that_is_not_there_is_an_error_without_its_secret() {
    let house = House::new();
    let report = check_with(&house, &[], Some(URL)).await;
    assert_eq!(report.asked.get("warehouse"), Some(&Asked::Unreachable));
    let lines = told(&report);
    assert!(
        lines[0].contains("CAR0511 target `warehouse` cannot be used"),
        "{lines:?}"
    );
    assert!(
        lines[0].contains("${env:WAREHOUSE}") && !lines[0].contains("warehouse.db"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn what_only_the_target_knows_is_told_with_its_place() {
    let house = House::with_warehouse(WAREHOUSE);
    let replaced = [
        (
            "sql/entities.sql",
            "select id, price from funds\nwhere active = 1",
        ),
        (
            "sql/value.sql",
            "insert into rows\nselect id, :day, absent from funds where id = :entity_key;\nupdate funds set price = 0",
        ),
    ];
    let report = check_with(&house, &replaced, Some(URL)).await;
    let lines = told(&report);
    assert!(report.has_errors());
    // `flag` is used by a condition, and the query no longer gives it.
    assert!(
        lines.iter().any(|line| line.starts_with("pipeline.toml:")
            && line.contains("CAR0304 nothing provides `flag`")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("sql/value.sql:2:18 CAR0415")
                && line.contains("no such column: absent")),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn lanes_that_write_what_they_share_are_refused() {
    let house = House::with_warehouse(WAREHOUSE);
    let replaced = [(
        "sql/value.sql",
        "insert into rows select id, :day, price from funds;\nupdate funds set price = 0 where id = :entity_key",
    )];
    for url in [Some(URL), None] {
        let lines = told(&check_with(&house, &replaced, url).await);
        let shared: Vec<&String> = lines
            .iter()
            .filter(|line| line.contains("CAR0301"))
            .collect();
        assert_eq!(shared.len(), 1, "{lines:#?}");
        assert!(
            shared[0].starts_with("sql/value.sql:2:") && shared[0].contains("writes `funds`"),
            "{lines:#?}"
        );
    }
}

#[tokio::test]
async fn tables_and_keys_must_be_there() {
    let house = House::with_warehouse(
        "create table funds (id text, active integer, price real, flag integer); create table rows (fund text, value real); create table totals (day text primary key, value real);",
    );
    let lines = told(&check_with(&house, &[], Some(URL)).await);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("CAR0414 `rows` has no column `day`")),
        "{lines:#?}"
    );
    house
        .warehouse()
        .execute_batch("drop table rows")
        .expect("it is dropped");
    let lines = told(&check_with(&house, &[], Some(URL)).await);
    assert!(
        lines.iter().any(|line| line.starts_with(
            "pipeline.toml:17:11 CAR0413 the workspace table `rows` is not in target"
        )),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn what_is_published_must_not_meet_what_somebody_else_made() {
    let taken = |sql: &str| House::with_warehouse(&format!("{WAREHOUSE}{sql}"));
    for (house, expected) in [
        (
            taken("create table rows_now (fund text, day text, value real);"),
            "pipeline.toml:18:85 CAR0417 nothing can be published as `rows_now`: there is already a table `rows_now` that Carril did not make",
        ),
        (
            taken("create table rows_history (fund text, day text, value real);"),
            "pipeline.toml:18:36 CAR0417 nothing can be published as `rows_history`: `rows_history` does not have the columns of `rows`",
        ),
        (
            taken("create view rows_history as select 1 as fund;"),
            "pipeline.toml:18:36 CAR0417 nothing can be published as `rows_history`: `rows_history` is a view",
        ),
    ] {
        let lines = told(&check_with(&house, &[], Some(URL)).await);
        assert!(
            lines.len() == 1 && lines[0].starts_with(expected),
            "expected {expected} only, and nothing of those that read it, in {lines:#?}"
        );
    }
}

/// No path leaves the pipeline's folder, by links neither.
#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_folder() {
    let house = House::new();
    std::fs::write(house.path().join("outside.sql"), "select 1").expect("it is written");
    let folder = house.path().join("pipeline");
    std::fs::create_dir(&folder).expect("it is made");
    std::os::unix::fs::symlink("../outside.sql", folder.join("inside.sql")).expect("it is linked");
    let text = "name = \"p\"\n[entities]\nlist = [\"a\"]\n[[stage]]\nname = \"s\"\n[[stage.step]]\nname = \"n\"\ntarget = \"t\"\nsql = \"inside.sql\"\n";
    std::fs::write(folder.join("pipeline.toml"), text).expect("it is written");
    let loaded = carril::pipeline::load_dir(&folder);
    assert_eq!(loaded.findings.len(), 1, "{:?}", loaded.findings);
    assert!(
        loaded.findings[0]
            .message
            .contains("leaves the pipeline's folder"),
        "{:?}",
        loaded.findings
    );
}
