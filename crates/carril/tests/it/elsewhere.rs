//! The pipeline of `sql.rs`, file for file, on PostgreSQL: run, checked, rolled back, run again.

use crate::harness::{House, end, run, states};
use crate::sql::{FILES, PIPELINE, WAREHOUSE, values};
use carril::model::contract::Selection;
use carril::model::finding::Severity;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{Carril, Launch, OpenOptions, PipelineDefinition, SystemClock, Targets};
use carril_testkit::postgres::{Cluster, Database};
use std::collections::BTreeMap;
use std::sync::Arc;

fn warehouse() -> Database {
    let database = Cluster::get().database();
    database.sql(WAREHOUSE);
    database
}

async fn open(house: &House, database: &Database) -> Carril {
    let options = house.options().target("warehouse", database.url());
    carril::open(options).await.expect("the store opens")
}

/// A second run replaces, a rollback brings the first forward, and with that undone, too, all can be run again.
async fn the_same_files(carril: &Carril, database: &Database) {
    let house = House::new();
    let pipeline = values(&house);
    let asked = |sql: &str| database.sql(sql).trim().to_owned();
    let now = || asked("select string_agg(fund || '=' || value, ' ' order by fund) from rows_now");
    let first = "F1=22 F2=40 F4=81";
    let mut processes = Vec::new();
    for (factor, published, total) in [(2, first, "143"), (3, "F1=32.5 F2=60 F4=121", "213.5")] {
        let process = succeeded(carril, &pipeline, factor).await;
        assert_eq!(now(), published);
        assert_eq!(asked("select value from totals"), total);
        processes.push(process);
    }
    assert_eq!(
        asked("select count(*) from rows"),
        "0",
        "the template stays empty"
    );
    assert_eq!(
        asked("select count(*) from pg_namespace where nspname like 'carril\\_p%'"),
        "0",
        "workspaces go when all went well"
    );
    for (process, left) in processes.into_iter().rev().zip([first, ""]) {
        let undone = carril.engine().roll_back(Selection::Process(process)).await;
        undone.expect("it is rolled back");
        assert_eq!(now(), left);
    }
    assert_eq!(asked("select count(*) from rows_history"), "0");
    succeeded(carril, &pipeline, 2).await;
    assert_eq!(now(), first);
}

async fn succeeded(carril: &Carril, pipeline: &PipelineDefinition, factor: i64) -> ProcessId {
    let launch = Launch::new().set("day", "2025-06-30").set("factor", factor);
    let process = run(carril, pipeline, launch).await.process;
    let told = states(carril, process.id).await;
    assert_eq!(process.state, ProcessState::Succeeded, "{told}");
    process.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_files_run_on_postgres() {
    let (house, database) = (House::new(), warehouse());
    let carril = open(&house, &database).await;
    the_same_files(&carril, &database).await;
    end(&carril).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_files_run_under_a_store_on_postgres() {
    let (store, database) = (Cluster::get().database(), warehouse());
    let options = OpenOptions::new(store.url()).target("warehouse", database.url());
    let carril = carril::open(options).await.expect("the store opens");
    the_same_files(&carril, &database).await;
    end(&carril).await;
}

#[tokio::test]
async fn a_check_asks_postgres() {
    let (house, database) = (House::new(), warehouse());
    let folder = house.path().join("pipeline");
    values(&house);
    let urls = BTreeMap::from([("warehouse".to_owned(), database.url())]);
    let targets = Targets::new(
        house.path(),
        house.path().join("lanes"),
        Arc::new(|_| None),
        Arc::new(SystemClock::new()),
    );
    let check =
        || async { carril::check(&carril::pipeline::load_dir(&folder), &targets, &urls).await };
    let report = check().await;
    let errors = |report: &carril::CheckReport| -> Vec<String> {
        let findings = report.findings.iter();
        findings
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| format!("{} {}", finding.code, finding.message))
            .collect()
    };
    assert_eq!(errors(&report), Vec::<String>::new());
    // One step may write its own tables and those that it names: both are one transaction.
    let both = "insert into rows select id, :day, price * :factor from funds where id = :entity_key; \
                insert into totals select id || :day, 1 from funds where id = :entity_key";
    let pipeline = PIPELINE.replacen(
        "sql = \"sql/value.sql\"",
        "sql = \"sql/value.sql\"\n  shared_writes = [\"totals\"]",
        1,
    );
    let (path, before) = FILES[2];
    std::fs::write(folder.join("pipeline.toml"), pipeline).expect("it is written");
    std::fs::write(folder.join(path), both).expect("it is written");
    assert_eq!(errors(&check().await), Vec::<String>::new());
    std::fs::write(folder.join("pipeline.toml"), PIPELINE).expect("it is written");
    std::fs::write(folder.join(path), before).expect("it is written");
    std::fs::write(
        folder.join(path),
        "insert into funds select id, 1, 2, 3 from fundz",
    )
    .expect("it is written");
    let found = errors(&check().await);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("relation \"fundz\" does not exist"),
        "{found:?}"
    );
    std::fs::write(folder.join(path), "update funds set price = 2").expect("it is written");
    let found = errors(&check().await);
    assert!(
        found.iter().any(|found| found.starts_with("CAR0301 ")),
        "{found:?}"
    );
}

/// A process keeps where its targets are, so a password in the URL would be kept with it.
#[tokio::test]
async fn a_password_is_a_reference_or_is_refused() {
    let (house, database) = (House::new(), warehouse());
    let pipeline = values(&house);
    let with = |password: &str| {
        database
            .url()
            .replace("postgres@", &format!("postgres:{password}@"))
    };
    let options = house.options().target("warehouse", with("geheim"));
    let carril = carril::open(options).await.expect("the store opens");
    let refused = carril
        .run(&pipeline, Launch::new().set("day", "2025-06-30"))
        .await;
    let refused = refused.expect_err("it would be kept").to_string();
    assert!(!refused.contains("geheim"), "{refused}");
    end(&carril).await;
    drop(carril);

    // The password alone, or all of the URL.
    for written in [with("${env:SECRET}"), "${env:WAREHOUSE}".to_owned()] {
        let whole = with("geheim");
        let lookup = Arc::new(move |name: &str| match name {
            "SECRET" => Some("geheim".to_owned()),
            "WAREHOUSE" => Some(whole.clone()),
            _ => None,
        });
        let options = house.options().target("warehouse", written).lookup(lookup);
        let carril = carril::open(options).await.expect("the store opens");
        succeeded(&carril, &pipeline, 2).await;
        end(&carril).await;
    }
}
