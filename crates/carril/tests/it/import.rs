//! An old history on PostgreSQL, brought into both kinds of stores: every row counted, all of it or nothing, and only once.

use carril::model::contract::{ExecutionFilter, ProcessFilter, Selection};
use carril::model::id::ProcessId;
use carril::model::import::{FlatError, Mapped, Options, Source, map};
use carril::model::state::{ExecutionState, ProcessState};
use carril::model::time::Timestamp;
use carril::{Carril, HistoryTables, OpenOptions, SystemClock, Targets, read_history};
use carril_testkit::postgres::{Cluster, Database};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// 120 runs of 20 funds: every tenth run has a fund that failed, one never ended, one row of a fund has no run.
const OLD: &str = r#"
CREATE SCHEMA logs; CREATE SCHEMA dimensionales;
CREATE TABLE logs."Ejecuciones" ("ID_Ejecucion" bigint, "FechaReporte" varchar(10), "Estado" char(30), "FechaInicio" timestamptz,
  "FechaFin" timestamp, "TotalFondos" int, "FondosExitosos" int, "FondosFallidos" int);
CREATE TABLE logs."Ejecucion_Fondos" ("ID_Ejecucion" bigint, "ID_Fund" int, "FundShortName" text, "Estado_Process_IPA" text,
  "Estado_Process_CAPM" text);
CREATE TABLE dimensionales."BD_Funds" ("ID_Fund" int, "Flag_UBS" boolean);
INSERT INTO logs."Ejecuciones"
SELECT 1735700000000 + g * 86400000::bigint, to_char(date '2025-01-01' + g, 'YYYY-MM-DD'),
  CASE WHEN g = 60 THEN 'EN_PROGRESO' WHEN g % 10 = 0 THEN 'COMPLETADO_CON_ERRORES' ELSE 'COMPLETADO' END,
  ((date '2025-01-02' + g) + time '03:00') AT TIME ZONE 'UTC', (date '2025-01-02' + g) + time '03:25', 20, NULL, NULL
FROM generate_series(1, 120) g;
INSERT INTO logs."Ejecucion_Fondos"
SELECT 1735700000000 + g * 86400000::bigint, f, 'F' || f, CASE WHEN g % 10 = 0 AND f = 7 THEN 'ERROR' ELSE 'COMPLETADO' END,
  CASE WHEN g % 10 = 0 AND f = 7 THEN 'PENDIENTE' ELSE 'OMITIDO' END
FROM generate_series(1, 120) g, generate_series(1, 20) f;
INSERT INTO logs."Ejecucion_Fondos" VALUES (1, 1, 'F1', 'COMPLETADO', 'COMPLETADO');
INSERT INTO dimensionales."BD_Funds" SELECT f, f % 2 = 0 FROM generate_series(1, 20) f;
"#;

fn options(now: Timestamp) -> Options {
    Options {
        pipeline: "legacy".to_owned(),
        source: "logs".to_owned(),
        zone: "UTC".to_owned(),
        columns: BTreeMap::new(),
        states: BTreeMap::new(),
        partial: false,
        unfinished: false,
        now,
    }
}

fn targets() -> Targets {
    let here = env!("CARGO_TARGET_TMPDIR");
    Targets::new(here, here, Arc::new(|_| None), Arc::new(SystemClock::new()))
}

async fn read(database: &Database) -> Result<Source, FlatError> {
    read_history(&targets(), &database.url(), &HistoryTables::default()).await
}

async fn mapped(database: &Database) -> Mapped {
    let source = read(database).await.expect("it is read");
    map(&source, &options(Timestamp(1_790_000_000_000_000))).expect("the columns are there")
}

async fn open(store: &str, folder: &Path) -> Carril {
    let options = OpenOptions::new(store).folder(folder);
    carril::open(options).await.expect("the store opens")
}

/// Imports twice, and looks at everything that people may ask.
async fn comes_along_once(carril: &Carril, mapped: Mapped) {
    assert_eq!(mapped.counts.runs_mapped, 119);
    assert_eq!(mapped.counts.funds_mapped, 119 * 20);
    assert_eq!(
        mapped.counts.funds_left_out, 21,
        "those of the run that never ended, and one without a run"
    );
    let again = mapped.import.clone();
    let done = carril
        .engine()
        .import(mapped.import)
        .await
        .expect("it is written");
    assert_eq!(
        (done.added.len(), done.executions, done.attempts),
        (119, 2_380, 4_760)
    );
    let known = carril
        .engine()
        .import(again)
        .await
        .expect("nothing is to be done");
    assert_eq!((known.known, known.added.len()), (119, 0));
    let history = carril.history();
    let filter = ProcessFilter {
        pipeline: Some("legacy".to_owned()),
        states: vec![ProcessState::CompletedWithErrors],
        max: 1_000,
        ..ProcessFilter::default()
    };
    let failed = history.processes(&filter).await.expect("they are told");
    assert_eq!(failed.len(), 11);
    let row = &failed[0];
    assert_eq!(
        (row.tally.total, row.tally.succeeded, row.tally.failed),
        (20, 19, 1)
    );
    let ended = row.ended_at.expect("it has ended");
    assert_eq!(ended.micros_since(row.launched_at), 25 * 60 * 1_000_000);
    let filter = ExecutionFilter {
        states: vec![ExecutionState::Failed],
        max: 5,
        ..ExecutionFilter::default()
    };
    let execution = history
        .executions(row.id, &filter)
        .await
        .expect("they are told")
        .remove(0);
    assert_eq!(execution.entity.as_deref(), Some("7"));
    assert_eq!(execution.attributes["FundShortName"], "F7");
    assert_eq!(execution.attributes["Flag_UBS"], "false");
    assert_eq!(
        execution.failed_step.as_deref(),
        Some("process_ipa/imported")
    );
    assert_eq!(
        history
            .attempts(execution.id, None)
            .await
            .expect("they are told")
            .len(),
        2
    );
    let key = row.params["id_ejecucion"].to_string();
    assert_eq!(
        history.imported_as(&key).await.expect("it is known")[0].process,
        row.id
    );
    refuses_to_run(carril, row.id).await;
}

async fn refuses_to_run(carril: &Carril, process: ProcessId) {
    let engine = carril.engine();
    let retried = engine.retry(Selection::Process(process), None).await;
    assert_eq!(retried.expect_err("it cannot be run").code(), "CAR0460");
    let undone = engine.roll_back(Selection::Process(process)).await;
    assert_eq!(
        undone.expect_err("there is nothing to undo").code(),
        "CAR0460"
    );
    engine.purge(process).await.expect("it goes like any other");
    let gone = carril
        .history()
        .import_of(process)
        .await
        .expect("it is asked");
    assert_eq!(gone, None);
}

#[tokio::test]
async fn an_old_history_comes_into_a_store_in_a_file() {
    let database = Cluster::get().database();
    database.sql(OLD);
    let folder = tempfile::tempdir().expect("a folder");
    let carril = open("carril.db", folder.path()).await;
    comes_along_once(&carril, mapped(&database).await).await;
    carril
        .shutdown(Duration::from_secs(5))
        .await
        .expect("it ends");
}

#[tokio::test]
async fn an_old_history_comes_into_a_store_on_a_server() {
    let database = Cluster::get().database();
    database.sql(OLD);
    let mapped = mapped(&database).await;
    let folder = tempfile::tempdir().expect("a folder");
    let carril = open(&database.url(), folder.path()).await;
    comes_along_once(&carril, mapped).await;
    carril
        .shutdown(Duration::from_secs(5))
        .await
        .expect("it ends");
}

#[tokio::test]
async fn names_without_quotes_are_found_and_missing_ones_told() {
    let database = Cluster::get().database();
    let missing = read(&database).await.expect_err("there is no table");
    assert!(
        matches!(missing, FlatError::NoTable { ref there, .. } if there.contains("public")),
        "{missing}"
    );
    database.sql("CREATE SCHEMA logs; CREATE TABLE logs.ejecuciones (id_ejecucion bigint)");
    let missing = read(&database).await.expect_err("one is missing");
    assert!(
        matches!(missing, FlatError::NoTable { ref there, .. } if there.contains("ejecuciones")),
        "{missing}"
    );
    database
        .sql("CREATE VIEW logs.ejecucion_fondos AS SELECT 1 AS id_ejecucion, 'x'::text AS id_fund");
    let source = read(&database).await.expect("both are there");
    assert_eq!(source.runs.name, "logs.ejecuciones");
    assert_eq!(
        source.funds.rows,
        [[Some("1".to_owned()), Some("x".to_owned())]]
    );
    assert_eq!(source.people, None);
}

#[tokio::test]
async fn a_source_that_does_not_answer_keeps_its_secret() {
    let lookup = Arc::new(|_: &str| Some("hunter2".to_owned()));
    let here = env!("CARGO_TARGET_TMPDIR");
    let targets = Targets::new(here, here, lookup, Arc::new(SystemClock::new()));
    let url = "postgres://reader:${env:PASSWORD}@127.0.0.1:1/none";
    let refused = read_history(&targets, url, &HistoryTables::default()).await;
    let text = refused.expect_err("nobody is there").to_string();
    assert!(
        !text.contains("hunter2") && text.contains("127.0.0.1"),
        "{text}"
    );
    let written = "postgres://reader:hunter2@127.0.0.1:1/none";
    let refused = read_history(&targets, written, &HistoryTables::default()).await;
    let text = refused.expect_err("it is written out").to_string();
    assert!(!text.contains("hunter2"), "{text}");
}
