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
        .map(|url| ("warehouse".to_owned(), url.to_owned()))
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
        ["CAR0410 target `warehouse` was not asked: nobody said where it is"]
    );
    assert_eq!(report.asked.get("warehouse"), Some(&Asked::Unknown));
    assert!(!report.has_errors());
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
