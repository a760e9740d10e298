//! The plan of every statement of the store is kept as a file: a plan that changes is something to look at.
//!
//! `CARRIL_PLANS=write cargo nextest run -p carril-sqlite plans` writes them anew.

use carril_sqlite::store::{SqliteStore, StoreOptions};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Tables that grow with every run, and the names that views and queries give them: reading one whole, without an index, is
/// never right.
const GROWING: &[&str] = &[
    "execution",
    "e",
    "o",
    "h",
    "entity",
    "n",
    "step",
    "s",
    "step_detail",
    "step_log",
    "l",
    "wait",
    "w",
];

/// Questions that people ask of the documented views: about one process or one execution, each must be found by its id.
const VIEW_QUESTIONS: &[(&str, &str)] = &[
    (
        "executions_of_process",
        "SELECT * FROM executions WHERE process_id = 5",
    ),
    (
        "execution",
        "SELECT * FROM executions WHERE execution_id = 5",
    ),
    (
        "steps_of_process",
        "SELECT * FROM steps WHERE process_id = 5",
    ),
    (
        "steps_of_execution",
        "SELECT * FROM steps WHERE execution_id = 5",
    ),
    (
        "waits_of_process",
        "SELECT * FROM waits WHERE process_id = 5",
    ),
    (
        "trace_of_process",
        "SELECT * FROM trace WHERE process_id = 5 ORDER BY at_us",
    ),
    (
        "trace_of_execution",
        "SELECT * FROM trace WHERE execution_id = 5",
    ),
    (
        "old_process",
        "SELECT * FROM logs_procesos WHERE \"ID_Proceso\" = 5",
    ),
    (
        "old_executions",
        "SELECT * FROM logs_ejecuciones WHERE \"ID_Proceso\" = 5",
    ),
    (
        "old_funds",
        "SELECT * FROM logs_ejecucion_fondos WHERE \"ID_Proceso\" = 5",
    ),
    (
        "old_trace",
        "SELECT * FROM logs_trace_records WHERE \"ID_Proceso\" = 5",
    ),
];

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn names(of: &str, extension: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder(of)).expect("the folder is there");
    let paths = files.map(|entry| entry.expect("it can be read").path());
    let paths = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    paths
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// The plan as SQLite tells it, indented by depth.
fn plan(connection: &Connection, statement: &str) -> String {
    let mut explain = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
        .expect("it prepares");
    for parameter in 1..=explain.parameter_count() {
        explain
            .raw_bind_parameter(parameter, rusqlite::types::Null)
            .expect("it binds");
    }
    let mut text = String::new();
    let mut depths = vec![(0_i64, 0_usize)];
    let mut rows = explain.raw_query();
    while let Some(row) = rows.next().expect("it explains") {
        let (id, parent): (i64, i64) = (row.get(0).expect("an id"), row.get(1).expect("a parent"));
        let above = depths
            .iter()
            .rev()
            .find(|(id, _)| *id == parent)
            .map_or(0, |(_, depth)| *depth);
        depths.push((id, above + 1));
        let detail: String = row.get(3).expect("a text");
        writeln!(text, "{}{detail}", "  ".repeat(above)).expect("a string takes all");
    }
    text
}

#[test]
fn plans_are_as_they_were() {
    let here = tempfile::tempdir().expect("a folder");
    let path = here.path().join("carril.db");
    drop(SqliteStore::open(&path, StoreOptions::default()).expect("it opens"));
    let connection = Connection::open(&path).expect("it opens");
    let write = std::env::var_os("CARRIL_PLANS").is_some();
    let (mut changed, mut planned) = (Vec::new(), BTreeSet::new());
    let mut statements: Vec<(String, String)> = VIEW_QUESTIONS
        .iter()
        .map(|(name, question)| (format!("view_{name}"), (*question).to_owned()))
        .collect();
    for name in names("sql/store", "sql") {
        let file = std::fs::read_to_string(folder("sql/store").join(format!("{name}.sql")))
            .expect("it reads");
        let statement: Vec<&str> = file
            .lines()
            .skip_while(|line| line.starts_with("--"))
            .collect();
        statements.push((name, statement.join("\n")));
    }
    for (name, statement) in statements {
        let found = plan(&connection, &statement);
        // An insert of values has no plan.
        if found.is_empty() {
            continue;
        }
        for table in GROWING {
            let whole = format!("SCAN {table}");
            let whole = found.lines().any(|line| line.trim() == whole);
            assert!(!whole, "{name} reads all of {table}:\n{found}");
        }
        planned.insert(name.clone());
        let kept = folder("tests/it/plans").join(format!("{name}.txt"));
        if write {
            std::fs::write(&kept, &found).expect("it writes");
        }
        if std::fs::read_to_string(&kept).ok().as_deref() != Some(&found) {
            changed.push(format!("{name}:\n{found}"));
        }
    }
    assert!(
        changed.is_empty(),
        "plans have changed:\n{}",
        changed.join("\n")
    );
    assert_eq!(
        names("tests/it/plans", "txt"),
        planned,
        "every kept plan has its statement"
    );
}
