//! `carril demo`: from nothing to a summary, again, and on after a kill.

use crate::place::{Ended, lines, until};
use rusqlite::Connection;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carril"));
    command.args(words).current_dir(folder).stdin(Stdio::null());
    command
}

fn carril(folder: &Path, words: &[&str]) -> Ended {
    command(folder, words).output().unwrap().into()
}

fn rows(warehouse: &Path, sql: &str) -> i64 {
    Connection::open(warehouse)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn makes_funds_runs_them_and_says_so_the_second_time() {
    let folder = TempDir::new().unwrap();
    let ended = carril(folder.path(), &["demo", "--funds", "12"])
        .with(0)
        .saying("making 12 funds in carril-demo");
    assert!(
        ended.stdout.contains("12: 12 succeeded"),
        "{}",
        ended.stdout
    );
    let warehouse = folder.path().join("carril-demo/warehouse.db");
    assert_eq!(rows(&warehouse, "select count(*) from fund_report"), 12);
    assert!(rows(&warehouse, "select count(*) from fund_cube") > 0);
    let again = carril(folder.path(), &["demo"])
        .with(0)
        .saying("is done already");
    assert!(
        again.stdout.contains("12: 12 succeeded"),
        "{}",
        again.stdout
    );
    assert_eq!(
        rows(&warehouse, "select count(*) from fund_report_history"),
        12,
        "it was not run again"
    );
    next_commands(folder.path(), &again.stdout);
}

#[test]
fn a_demo_that_was_undone_is_not_called_done() {
    let folder = TempDir::new().unwrap();
    carril(folder.path(), &["demo", "--funds", "3"])
        .with(0)
        .saying("the report is in carril-demo/warehouse.db");
    let store = "carril-demo/carril.db";
    carril(folder.path(), &["rollback", "1", "--yes", "--store", store]).with(0);
    let again = carril(folder.path(), &["demo"])
        .with(0)
        .saying("was run already and is rolled_back");
    assert!(!again.stderr.contains("the report is"), "{}", again.stderr);
    let again = again.telling("carril retry 1 --store carril-demo/carril.db");
    assert!(
        !again.stdout.contains("carril rollback"),
        "{}",
        again.stdout
    );
}

/// Every command that the summary names is one that works where the demo was called.
fn next_commands(folder: &Path, summary: &str) {
    let commands: Vec<&str> = summary
        .lines()
        .filter_map(|line| line.trim().strip_prefix("carril "))
        .collect();
    assert!(commands.len() >= 5, "{summary}");
    for line in commands {
        let words = line.split("  ").next().unwrap();
        let mut words: Vec<&str> = words.split(' ').collect();
        if words[0] == "rollback" {
            words.push("--yes");
        }
        carril(folder, &words).with(0);
    }
}

#[test]
fn goes_on_where_it_was_killed() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("d/carril.db");
    let mut child = command(
        folder.path(),
        &["demo", "--dir", "d", "--funds", "30", "--json"],
    )
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let some_settled = || {
        let Ok(connection) =
            Connection::open_with_flags(&store, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
        else {
            return false;
        };
        connection
            .query_row("select count(*) from step where state = 2", [], |row| {
                row.get::<_, i64>(0)
            })
            .is_ok_and(|count| count > 20)
    };
    until("some steps to be done", some_settled);
    child.kill().unwrap();
    child.wait().unwrap();
    let ended = carril(folder.path(), &["demo", "--dir", "d", "--json"]).with(0);
    let summary = lines(&ended).pop().unwrap();
    assert_eq!(summary["process"]["id"], 1);
    assert_eq!(summary["process"]["entities"]["succeeded"], 30);
    assert_eq!(
        rows(
            &folder.path().join("d/warehouse.db"),
            "select count(*) from fund_report_history"
        ),
        30
    );
}

#[test]
fn a_warehouse_that_was_being_made_is_made_anew() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    std::fs::write(folder.path().join("d/warehouse.db.making"), "half of it").unwrap();
    let ended = carril(
        folder.path(),
        &["demo", "--dir", "d", "--funds", "3", "--quiet"],
    )
    .with(0);
    assert_eq!(ended.stderr, "");
    assert!(!folder.path().join("d/warehouse.db.making").exists());
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("pipeline.toml"), "name = \"mine\"").unwrap();
    carril(folder.path(), &["demo", "--dir", "."])
        .with(2)
        .saying("CAR0805");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
