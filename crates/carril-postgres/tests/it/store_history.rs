//! What people read, beside an engine: the cases that every store passes, and what is PostgreSQL's alone.

use carril_model::contract::{Fault, History, ProcessFilter};
use carril_postgres::store::{OpenError, PostgresHistory, StoreOptions};
use carril_testkit::postgres::Cluster;
use carril_testkit::store::Harness;
use carril_testkit::store::history::House;
use serde_json::json;
use std::sync::Arc;

carril_testkit::history_conformance!(crate::store_history::house);

pub(crate) fn house() -> House {
    let database = Arc::new(crate::store::database());
    let (url, kept) = (database.url(), Arc::clone(&database));
    let history = move || -> Arc<dyn carril_testkit::store::history::Reader> {
        let history = PostgresHistory::open(&url, &StoreOptions::default());
        Arc::new(history.expect("it opens beside the engine"))
    };
    let raw = move |sql: &str| kept.sql(&format!("SET search_path = carril; {sql}"));
    House::open(crate::store::opener_of(database), history, Box::new(raw))
}

#[test]
fn only_reading_is_answered() {
    let house = house();
    let (process, _) = house.harness.running(3);
    let refused = |sql: &str| match house.harness.wait(house.history.query(sql, 10)) {
        Err(Fault::Conflict(text)) => text,
        other => panic!("{sql} was answered: {other:?}"),
    };
    for sql in [
        "INSERT INTO wake_key VALUES (1, 'x')",
        "DELETE FROM wait",
        "UPDATE execution SET state = 3",
        "WITH gone AS (DELETE FROM wait RETURNING 1) SELECT * FROM gone",
        "SELECT nextval('node_id_seq')",
        "DROP VIEW steps",
        "CREATE TEMP TABLE t(x int)",
        "COPY node TO 'copy.txt'",
        "SELECT * INTO copy FROM node",
        "SET default_transaction_read_only = off",
        "COMMIT",
        "BEGIN",
        "VACUUM",
        "SELECT 1; SELECT 2",
        "SELECT 1 FOR UPDATE; COMMIT; DELETE FROM wait",
        "nonsense",
        "",
    ] {
        refused(sql);
    }
    assert!(
        refused("SELECT nobody FROM steps").contains("nobody"),
        "the database's own words"
    );
    assert_eq!(
        house.harness.recount(process).open,
        3,
        "nothing was changed"
    );
    let ask = |sql: &str| {
        let answer = house.harness.wait(house.history.query(sql, 2));
        answer.expect("it is answered")
    };
    let answer = ask("SELECT entity_key AS who FROM executions ORDER BY 1;");
    assert_eq!((answer.columns, answer.cut), (vec!["who".to_owned()], true));
    assert_eq!(answer.rows, [[json!("e00000")], [json!("e00001")]]);
    let all = ask("SELECT 1.5, NULL, 'a', 7, true, 2::float8 / 4, '[1]'::json");
    let expected = json!([1.5, null, "a", 7, true, 0.5, "[1]"]);
    assert_eq!((json!(all.rows[0]), all.cut), (expected, false));
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let database = Cluster::get().database();
    let opened = PostgresHistory::open(&database.url(), &StoreOptions::default());
    let found = opened.err().expect("there is nothing to read");
    assert!(
        matches!(found, OpenError::Older { found: 0, .. }),
        "{found}"
    );
    let schemas = database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'carril'");
    assert_eq!(schemas.trim(), "0");
}

/// A question is over when it is answered: nothing of it stays open on the server, where it would keep dead rows from being removed.
#[test]
fn a_question_leaves_nothing_open() {
    let database = Arc::new(crate::store::database());
    let harness = Harness::open(crate::store::opener_of(Arc::clone(&database)));
    harness.running(2);
    let history = PostgresHistory::open(&database.url(), &StoreOptions::default());
    let history = history.expect("it opens");
    let all = ProcessFilter {
        max: 9,
        ..ProcessFilter::default()
    };
    for _ in 0..3 {
        let told = harness.wait(history.processes(&all));
        assert_eq!(told.expect("they are asked").len(), 1);
    }
    let wrong = harness.wait(history.query("SELECT nobody", 1));
    assert!(matches!(wrong, Err(Fault::Conflict(_))), "{wrong:?}");
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(database.sql(open).trim(), "0");
}
