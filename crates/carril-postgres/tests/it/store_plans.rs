//! The plan of every statement of the store is kept as a file: a plan that changes is something to look at. They are generic plans of
//! an empty store, without reading tables whole: what is kept says by which index each statement finds its rows.
//!
//! `CARRIL_PLANS=write cargo nextest run -p carril-postgres plans` writes them anew, on a server of the version below; others word
//! their plans in other ways, and are only asked whether anything reads a growing table whole.

use crate::store::database;
use carril_testkit::postgres::Database;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The version whose plans are kept.
const KEPT_OF: &str = "15";

/// Tables that grow with every run: reading one whole, without an index, is never right.
const GROWING: &[&str] = &[
    "execution",
    "entity",
    "step",
    "step_detail",
    "step_log",
    "wait",
    "signal",
    "run_history",
    "tally",
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

/// How many parameters a statement has.
fn parameters(statement: &str) -> usize {
    let after = statement.split('$').skip(1);
    let numbers = after.filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// The plan as PostgreSQL tells it, without costs.
fn plan(database: &Database, name: &str, statement: &str) -> String {
    // As an engine's connection has it; whoever asks may join as the server likes.
    let asked = ["history_", "view_"];
    let joins = if asked.iter().any(|asked| name.starts_with(asked)) {
        ""
    } else {
        "SET enable_hashjoin = off; SET enable_mergejoin = off; "
    };
    let statement = statement.trim().trim_end_matches(';');
    let nulls = vec!["NULL"; parameters(statement)].join(", ");
    let values = if nulls.is_empty() {
        nulls
    } else {
        format!("({nulls})")
    };
    database.sql(&format!(
        "SET search_path = carril, pg_temp; SET enable_seqscan = off; {joins}SET jit = off; \
         SET plan_cache_mode = force_generic_plan; PREPARE asked AS {statement}; EXPLAIN (COSTS OFF) EXECUTE asked{values}"
    ))
}

#[test]
fn plans_are_as_they_were() {
    let database = database();
    let write = std::env::var_os("CARRIL_PLANS").is_some();
    let version = database.sql("SHOW server_version");
    let keeps = version.split('.').next() == Some(KEPT_OF);
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
        let found = plan(&database, &name, &statement);
        for table in GROWING {
            let whole = format!("Seq Scan on {table}");
            let whole = found
                .lines()
                .filter_map(|line| line.split_once(&whole))
                .any(|(_, rest)| rest.is_empty() || rest.starts_with(' '));
            assert!(!whole, "{name} reads all of {table}:\n{found}");
        }
        planned.insert(name.clone());
        let kept = folder("tests/it/plans").join(format!("{name}.txt"));
        if write && keeps {
            std::fs::write(&kept, &found).expect("it writes");
        }
        if keeps && std::fs::read_to_string(&kept).ok().as_deref() != Some(&found) {
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
