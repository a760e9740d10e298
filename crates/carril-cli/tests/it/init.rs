//! `carril init`, and the newcomer who follows what it says.

use crate::place::{Ended, object};
use rusqlite::Connection;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn carril(folder: &Path, words: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carril"));
    command
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .into()
}

#[test]
fn what_it_makes_is_valid_and_runs() {
    let folder = TempDir::new().unwrap();
    let made = object(&carril(folder.path(), &["init", "first", "--json"]).with(0));
    assert_eq!(made["next"][0], "cd first");
    let here = folder.path().join("first");
    carril(&here, &["check"])
        .with(0)
        .saying("customer-report is valid");
    let plan = object(&carril(&here, &["plan", "--json"]).with(0));
    assert_eq!(plan["entities"], 4);
    assert!(!here.join("carril.db").exists(), "a plan makes nothing");
    let ended = carril(&here, &["run"]).with(0);
    assert!(ended.stdout.contains("4: 4 succeeded"), "{}", ended.stdout);
    assert!(
        !ended.stdout.contains("--store"),
        "the store is the one of this folder: {}",
        ended.stdout
    );
    let warehouse = Connection::open(here.join("warehouse.db")).unwrap();
    let ask = |sql: &str| -> String { warehouse.query_row(sql, [], |row| row.get(0)).unwrap() };
    // The discount of the two who want one is in it: 420.50 less 3 %, and nothing of an inactive customer.
    let rows = "select group_concat(name || ' ' || orders || ' ' || amount, ', ') from (select * from customer_report order by customer_id)";
    assert_eq!(
        ask(rows),
        "Alder Books 2 407.88, Birch Bakery 3 186.3, Cedar Cycles 1 415.0, Elm Electrics 0 0.0"
    );
    assert_eq!(
        ask("select customers || ' ' || orders || ' ' || amount from month_report"),
        "4 6 1009.18"
    );
}

/// What the first line of its pipeline names is there, is what `carril schema` prints, and leaves nobody's file undone.
#[test]
fn an_editor_finds_the_schema_of_the_pipeline() {
    let folder = TempDir::new().unwrap();
    let made = object(&carril(folder.path(), &["init", "--json"]).with(0));
    let files = made["files"].as_array().unwrap();
    assert!(
        files.iter().any(|file| file == "pipeline.schema.json"),
        "{files:?}"
    );
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let pipeline = read("pipeline.toml");
    let first = pipeline.lines().next().unwrap();
    assert_eq!(first, "#:schema ./pipeline.schema.json");
    let kept = read("pipeline.schema.json");
    assert_eq!(carril(folder.path(), &["schema"]).with(0).stdout, kept);
    assert_eq!(
        carril(folder.path(), &["schema", "pipeline", "--json"])
            .with(0)
            .stdout,
        kept
    );
    let schema: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(schema["title"], "pipeline.toml");
    assert!(schema["properties"]["lanes"]["properties"]["max"].is_object());

    let other = TempDir::new().unwrap();
    std::fs::write(other.path().join("pipeline.schema.json"), "mine").unwrap();
    carril(other.path(), &["init"]).with(2).saying("CAR0805");
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1);
}

#[test]
fn the_settings_have_a_schema_too() {
    let folder = TempDir::new().unwrap();
    let schema = object(&carril(folder.path(), &["schema", "settings"]).with(0));
    assert_eq!(schema["title"], "carril.toml");
    assert!(schema["properties"]["retention"]["properties"]["history"].is_object());
    carril(folder.path(), &["schema", "sql"]).with(2);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn every_command_that_it_names_works() {
    let folder = TempDir::new().unwrap();
    let made = object(&carril(folder.path(), &["init", "--json"]).with(0));
    for line in made["next"].as_array().unwrap() {
        let mut words: Vec<&str> = line.as_str().unwrap().split(' ').skip(1).collect();
        if words[0] == "rollback" {
            words.push("--yes");
        }
        carril(folder.path(), &words).with(0);
    }
}

#[test]
fn another_month_is_another_row() {
    let folder = TempDir::new().unwrap();
    carril(folder.path(), &["init"]).with(0);
    carril(folder.path(), &["run"]).with(0);
    carril(folder.path(), &["run", "--set", "month=2025-05"]).with(0);
    let warehouse = Connection::open(folder.path().join("warehouse.db")).unwrap();
    let months: String = warehouse
        .query_row(
            "select group_concat(month) from (select month from month_report order by 1)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(months, "2025-05,2025-06");
}

#[test]
fn it_overwrites_nothing() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("pipeline.toml"), "mine").unwrap();
    carril(folder.path(), &["init"]).with(2).saying("CAR0805");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("pipeline.toml")).unwrap(),
        "mine"
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else was made"
    );
}
