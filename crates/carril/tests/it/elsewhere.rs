//! The pipeline of `sql.rs`, file for file, on PostgreSQL: run, checked, rolled back, run again.

use crate::harness::{House, end, run, states};
use crate::sql::{FILES, WAREHOUSE, values};
use carril::model::contract::Selection;
use carril::model::finding::Severity;
use carril::model::state::ProcessState;
use carril::{Carril, Launch, SystemClock, Targets};

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

const NOW: &str = "select string_agg(fund || '=' || value, ' ' order by fund) from rows_now";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_files_run_on_postgres() {
    let (house, database) = (House::new(), warehouse());
    let pipeline = values(&house);
    let carril = open(&house, &database).await;
    let launch = || Launch::new().set("day", "2025-06-30");
    let outcome = run(&carril, &pipeline, launch()).await;
    let process = outcome.process.id;
    let told = states(&carril, process).await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded, "{told}");
    assert_eq!(database.sql(NOW).trim(), "F1=22 F2=40 F4=81");
    assert_eq!(database.sql("select value from totals").trim(), "143");
    assert_eq!(database.sql("select count(*) from rows").trim(), "0");
    let schemas = "select count(*) from pg_namespace where nspname like 'carril\\_p%'";
    assert_eq!(
        database.sql(schemas).trim(),
        "0",
        "workspaces go when all went well"
    );

    let undone = carril.engine().roll_back(Selection::Process(process)).await;
    undone.expect("it is rolled back");
    assert_eq!(
        database.sql("select count(*) from rows_history").trim(),
        "0"
    );
    let again = run(&carril, &pipeline, launch()).await;
    assert_eq!(again.process.state, ProcessState::Succeeded);
    assert_eq!(database.sql(NOW).trim(), "F1=22 F2=40 F4=81");
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
    let (path, _) = FILES[2];
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

    let options = house
        .options()
        .target("warehouse", with("${env:SECRET}"))
        .lookup(Arc::new(|name| {
            (name == "SECRET").then(|| "geheim".to_owned())
        }));
    let carril = carril::open(options).await.expect("the store opens");
    let outcome = run(&carril, &pipeline, Launch::new().set("day", "2025-06-30")).await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded);
    end(&carril).await;
}
