//! The SQL files by themselves: every table has its template, no statement reads a whole feed, and nothing in them is
//! SQLite's alone.

use crate::runner::{Values, Warehouse, folder, pipeline, run_sql};
use funds_example::generate;
use jiff::civil::date;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::Value;
use rusqlite::{Batch, Connection};
use std::fs;
use std::path::{Path, PathBuf};

/// The pipeline's SQL files: all but the two that make the warehouse.
fn sql_files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "sql") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&folder().join("sql"), &mut found);
    found.retain(|path| !path.ends_with("schema.sql") && !path.ends_with("generate.sql"));
    found.sort();
    found
}

/// The text without comments, in lower case.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap().to_lowercase();
    text.lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_file_says_what_it_is_for_and_is_used() {
    let pipeline = fs::read_to_string(folder().join("pipeline.toml")).unwrap();
    let files = sql_files();
    assert!(files.len() > 15);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-- "), "{} has no opening", path.display());
        let name = path.strip_prefix(folder()).unwrap().display().to_string();
        assert!(
            pipeline.contains(&format!("\"{name}\"")),
            "no step runs {name}"
        );
    }
}

#[test]
fn the_workspace_lists_exactly_the_tables_that_steps_write() {
    let mut written: Vec<String> = sql_files()
        .iter()
        .flat_map(|path| {
            let text = code(path);
            let words: Vec<&str> = text.split_whitespace().collect();
            words
                .windows(3)
                .filter(|three| matches!(three[..2], ["insert", "into"] | ["delete", "from"]))
                .map(|three| three[2].trim_end_matches(';').to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    written.sort();
    written.dedup();
    let mut listed = pipeline().workspace.tables;
    listed.sort();
    assert_eq!(written, listed);
}

/// What works on SQLite only, or means something else on PostgreSQL.
#[test]
fn the_steps_keep_to_sql_that_both_databases_speak() {
    const SQLITE_ONLY: [&str; 16] = [
        "insert or ",
        "ifnull(",
        "iif(",
        "strftime(",
        "julianday(",
        "date(",
        "printf(",
        "group_concat(",
        "total(",
        "max(0",
        "min(0",
        "glob ",
        "rowid",
        "typeof(",
        "\"",
        "`",
    ];
    for path in sql_files() {
        let text = code(&path);
        for word in SQLITE_ONLY {
            assert!(!text.contains(word), "{} says `{word}`", path.display());
        }
        // PostgreSQL rounds a double precision to whole numbers only.
        for call in text.split("round(").skip(1) {
            let inside: String = call.chars().take_while(|letter| *letter != ')').collect();
            assert!(
                !inside.contains(','),
                "{} rounds with two arguments",
                path.display()
            );
        }
    }
}

/// A lane may read its own few rows of a feed, by key; reading a feed from end to end makes the cost of a lane grow with
/// all other funds and days.
#[test]
fn no_step_of_a_lane_scans_a_feed() {
    let mut warehouse = Warehouse::new();
    generate(&warehouse.path, 20, date(2025, 6, 30)).unwrap();
    warehouse.run("2025-06-30");
    let connection = warehouse.open();
    let mut seen = 0;
    for path in sql_files()
        .iter()
        .filter(|path| !path.ends_with("entities.sql"))
    {
        let text = fs::read_to_string(path).unwrap();
        let mut statements = Batch::new(&connection, &text);
        while let Some(statement) = statements.next().unwrap() {
            let sql = statement.expanded_sql().unwrap();
            let feeds = aliases_of_feeds(&sql);
            for step in plan(&connection, &sql) {
                let scanned = step
                    .strip_prefix("SCAN ")
                    .and_then(|rest| rest.split(' ').next());
                let is_feed = scanned.is_some_and(|alias| feeds.iter().any(|feed| feed == alias));
                assert!(!is_feed, "{}: {step}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "the plans were read: {seen}");
}

/// The names under which a statement's plan shows the feeds and dimensions: `c` for `join homol_capm c`.
fn aliases_of_feeds(sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let tables = words
        .windows(3)
        .filter(|three| matches!(three[0], "from" | "join"));
    let feeds =
        tables.filter(|three| three[1].starts_with("homol_") || three[1].starts_with("bd_"));
    feeds
        .map(|three| three[2].trim_end_matches([';', ')']).to_owned())
        .collect()
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    connection
        .prepare(&format!("explain query plan {sql}"))
        .unwrap()
        .query_map([], |row| row.get::<_, String>(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn the_schema_can_be_applied_again() {
    let warehouse = Warehouse::new();
    let connection = warehouse.open();
    let values = Values::from([(":none".to_owned(), Value::Null)]);
    for _ in 0..2 {
        run_sql(&connection, funds_example::SCHEMA_SQL, &values).unwrap();
    }
}
