//! Old history as people bring it along: a backup first, refused where another engine has the store, shown and purged afterwards,
//! and never run.

use crate::place::{Bench, bench, object};
use rusqlite::Connection;

const OLD: &str = "
create table Ejecuciones (ID_Ejecucion integer, FechaReporte text, Estado text, FechaInicio text, FechaFin text);
create table Ejecucion_Fondos (ID_Ejecucion integer, ID_Fund integer, FundShortName text, Estado_Process_IPA text, Estado_Process_PNL text);
insert into Ejecuciones values
  (1761292800000, '2025-10-23', 'COMPLETADO', '2025-10-24 03:00:00', '2025-10-24 03:25:10'),
  (1761379200000, '2025-10-24', 'ERROR', '2025-10-25 03:00:00', '2025-10-25 03:26:02');
insert into Ejecucion_Fondos values
  (1761292800000, 101, 'ALFA', 'COMPLETADO', 'COMPLETADO'),
  (1761379200000, 101, 'ALFA', 'ERROR', 'PENDIENTE'),
  (1761379200000, 102, 'BETA', 'COMPLETADO', 'COMPLETADO');
";

/// A bench with an old history beside it, in `old.db`.
fn with_old() -> Bench {
    let bench = bench();
    old(&bench, OLD);
    bench
}

fn old(bench: &Bench, statements: &str) {
    let file = Connection::open(bench.path("old.db")).unwrap();
    file.execute_batch(statements).unwrap();
}

const FROM: [&str; 3] = ["import", "--from", "sqlite:old.db"];

fn import(bench: &Bench, more: &[&str]) -> crate::place::Ended {
    bench.run(&[&FROM, more].concat())
}

#[test]
fn a_dry_run_writes_nothing_and_says_the_same() {
    let bench = with_old();
    let dry = object(&import(&bench, &["--dry-run", "--json"]).with(0));
    assert!(!bench.path("carril.db").exists(), "not even a store");
    let real = object(&import(&bench, &["--json"]).with(0));
    for field in ["processes", "executions", "attempts", "known"] {
        assert_eq!(dry["written"][field], real["written"][field], "{field}");
    }
    assert_eq!(dry["read"], real["read"]);
    assert_eq!(real["written"]["processes"], 2);
    assert_eq!(
        real["written"]["backup"],
        serde_json::Value::Null,
        "there was nothing to lose"
    );
    let again = object(&import(&bench, &["--dry-run", "--json"]).with(0));
    assert_eq!(again["written"]["known"], 2);
    assert_eq!(again["written"]["processes"], 0);
}

#[test]
fn a_store_with_something_in_it_is_backed_up_first() {
    let bench = with_old();
    bench.run(&["run"]).with(0);
    let told = object(&import(&bench, &["--json"]).with(0));
    let backup = told["written"]["backup"].as_str().unwrap().to_owned();
    let kept = Connection::open(&backup).unwrap();
    let count = |file: &Connection| -> i64 {
        file.query_row("select count(*) from process", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(count(&kept), 1, "as it was before");
    assert_eq!(bench.store::<i64>("select count(*) from process"), 3);
    import(&bench, &[])
        .with(0)
        .telling("2 runs were imported before");
    bench.run(&["restore", &backup, "--yes"]).with(0);
    assert_eq!(bench.store::<i64>("select count(*) from process"), 1);
    import(&bench, &["--no-backup"])
        .with(0)
        .telling("imported  2 processes, 3 executions");
}

#[test]
fn another_engine_is_not_disturbed() {
    let bench = with_old();
    let running = bench.start(&["run", "--set", "hold=ada"]);
    bench.until_file("waiting");
    import(&bench, &[]).with(6).saying("CAR0855");
    import(&bench, &["--dry-run"])
        .with(0)
        .telling("would be imported: 2 processes");
    std::fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
    assert_eq!(bench.store::<i64>("select count(*) from process"), 1);
}

#[test]
fn what_was_imported_is_shown_and_purged_but_never_run() {
    let bench = with_old();
    import(&bench, &[]).with(0);
    let shown = bench
        .run(&["show", "1761379200000", "--json"])
        .with(0)
        .whole_json();
    assert_eq!(shown["imported"]["key"], "1761379200000");
    assert_eq!(shown["imported"]["source"], "logs");
    assert_eq!(shown["process"]["state"], "failed");
    assert_eq!(shown["process"]["entities"]["failed"], 1);
    let id = shown["process"]["id"].to_string();
    bench.run(&["ps"]).with(0).telling("failed, imported");
    let failed = shown["executions"][0]["id"].to_string();
    bench
        .run(&["show", &failed])
        .with(0)
        .telling("the old system says ERROR");
    bench.run(&["why", &failed]).with(0).telling("CAR0859");
    bench.run(&["why", &id]).with(0);
    bench
        .run(&["trace", "timeline", &id])
        .with(0)
        .telling("101");
    bench.run(&["trace", "bottlenecks", &id]).with(0);
    bench.run(&["trace", "waits", &id]).with(0);
    for verb in ["retry", "rollback"] {
        let refused = bench.run(&[verb, &id, "--yes"]);
        assert!(
            refused.code == Some(6) || refused.code == Some(2),
            "{}",
            refused.stderr
        );
    }
    bench.run(&["retry", &id]).with(6).saying("CAR0460");
    bench
        .run(&["rollback", &id, "--yes"])
        .with(6)
        .saying("CAR0460");
    assert_eq!(
        bench.store::<i64>("select count(*) from execution where rolling_back = 1"),
        0
    );
    // Retention counts from the import on, although these runs are years old.
    bench.run(&["prune", "--history", "1d", "--yes"]).with(0);
    bench.run(&["show", &id]).with(0);
    bench.run(&["purge", &id, "--yes"]).with(0);
    bench.run(&["show", "1761379200000"]).with(4);
    import(&bench, &["--no-backup"])
        .with(0)
        .telling("imported  1 process, 2 executions");
}

#[test]
fn a_source_that_makes_no_sense_gets_one_answer() {
    let bench = bench();
    import(&bench, &[]).with(10).saying("CAR0850");
    old(&bench, "create table Corridas (x)");
    import(&bench, &[])
        .with(3)
        .saying("CAR0851")
        .saying("Corridas");
    old(
        &bench,
        "create table Ejecuciones (ID_Ejecucion, FechaReporte, Estado, FechaInicio); create table Ejecucion_Fondos (ID_Ejecucion, ID_Fund, Estado_A)",
    );
    import(&bench, &[])
        .with(3)
        .saying("CAR0853")
        .saying("--column FechaFin=NAME");
    import(&bench, &["--zone", "Lima"])
        .with(2)
        .saying("CAR0854");
    import(&bench, &["--table", "rows=x"])
        .with(2)
        .saying("all-funds=NAME");
    assert!(!bench.path("carril.db").exists());
}

#[test]
fn tables_and_columns_may_have_other_names() {
    let bench = bench();
    old(
        &bench,
        "create table \"historia.corridas\" (ID_EJECUCION integer, FechaReporte text, Estado text, Inicio text, FechaFin text);
         create table fondos (id_ejecucion integer, id_fund text, estado_process_ipa text);
         insert into \"historia.corridas\" values (1761292800000, '2025-10-23', 'hecho', '2025-10-24 03:00:00', '2025-10-24 03:25:10');
         insert into fondos values (1761292800000, 'F-1', 'hecho');",
    );
    let words = [
        "--table",
        "runs=historia.corridas",
        "--table",
        "funds=fondos",
        "--column",
        "FechaInicio=Inicio",
        "--state",
        "HECHO=COMPLETADO",
        "--pipeline",
        "nightly",
        "--source",
        "branch",
    ];
    import(&bench, &words)
        .with(0)
        .telling("imported  1 process, 1 execution");
    bench
        .run(&["sql", "select source, source_key from imports"])
        .with(0)
        .telling("branch");
    bench
        .run(&["ps", "--pipeline", "nightly"])
        .with(0)
        .telling("succeeded, imported");
}

#[cfg(feature = "failpoints")]
#[test]
fn an_import_that_dies_before_its_commit_leaves_nothing() {
    let bench = with_old();
    bench.run(&["run"]).with(0);
    let mut dying = bench.command(&FROM);
    let ended = dying
        .env("CARRIL_KILL_AT", "store::import::before_commit:1")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), None, "it was killed");
    assert_eq!(bench.store::<i64>("select count(*) from process"), 1);
    assert_eq!(bench.store::<i64>("select count(*) from imported"), 0);
    assert_eq!(bench.store::<i64>("select count(*) from definition"), 1);
    import(&bench, &["--no-backup"])
        .with(0)
        .telling("imported  2 processes, 3 executions");
}
