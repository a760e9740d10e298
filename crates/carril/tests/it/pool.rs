//! A target with fewer connections than lanes: who waits for one is told so, in the account, in the trace, and to whoever asks.

use crate::harness::{House, PATIENCE, end, executions, settled};
use carril::model::account::CauseKind;
use carril::model::contract::{Clock as _, EntityRow};
use carril::model::definition::Overlap;
use carril::model::state::ProcessState;
use carril::{Launch, Pipeline, Reader, Stage, Step, SystemClock, Why};
use carril_testkit::postgres::Cluster;
use serde_json::Map;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

/// A session by hand that holds what the steps wait for.
fn holder(url: &str) -> Child {
    let mut psql = Command::new(Cluster::get().programs().join("psql"));
    let psql = psql.args(["-qAt", url]);
    let psql = psql.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut psql = psql.spawn().expect("psql starts");
    let input = psql.stdin.as_mut().expect("it is open");
    writeln!(input, "select pg_advisory_lock(77);").expect("it is written");
    psql
}

async fn until_it_waits(reader: &Reader, entity: &str) -> Why {
    let subject = entity.parse().expect("any text is a subject");
    let looking = async {
        loop {
            let now = SystemClock::new().now();
            if let Ok(why) = carril::why(reader, &subject, now).await
                && why.chain[0].cause == "pool"
            {
                return why;
            }
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.expect("it waits in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_that_wait_for_a_connection_say_so() {
    let (house, warehouse) = (House::new(), Cluster::get().database());
    let sql = "select pg_advisory_xact_lock(77) is null as waited";
    let pipeline = Pipeline::new("few")
        .overlap(Overlap::Allow)
        .stage(Stage::new("stage").step(Step::sql("ask", sql).target("warehouse")))
        .build()
        .expect("the pipeline is right");
    let options = house
        .options()
        .target("warehouse", format!("{}&connections=1", warehouse.url()))
        .pipeline(&pipeline);
    let carril = carril::open(options).await.expect("the store opens");
    let mut psql = holder(&warehouse.url());
    let held =
        "select count(*) from pg_locks where locktype = 'advisory' and objid = 77 and granted";
    let taken = async {
        while warehouse.sql(held).trim() != "1" {
            tokio::task::yield_now().await;
        }
    };
    let taken = tokio::time::timeout(PATIENCE, taken).await;
    taken.expect("it is taken in time");
    let entity = |key: &str| EntityRow {
        key: key.to_owned(),
        attributes: Map::new(),
    };
    let first = carril.launch(&pipeline, Launch::new().entities(vec![entity("F1")]));
    let first = first.await.expect("it is launched").process();
    // The lock tells that the first has the connection.
    let waits =
        "select count(*) from pg_locks where locktype = 'advisory' and objid = 77 and not granted";
    let asked = async {
        while warehouse.sql(waits).trim() != "1" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked)
        .await
        .expect("it asks in time");
    let others = Launch::new().entities(vec![entity("F2"), entity("F3")]);
    let second = carril.launch(&pipeline, others).await;
    let second = second.expect("it is launched").process();
    let why = until_it_waits(carril.reader(), "F3").await;
    let start = " (F3) waits since ";
    let rest =
        " for a connection of target `warehouse`: all are in use, held by F1 (`stage/ask` since ";
    assert!(
        why.sentence.contains(start) && why.sentence.contains(rest),
        "{}",
        why.sentence
    );
    assert_eq!(
        why.chain[1].entity.as_deref(),
        Some("F1"),
        "then who has it"
    );
    drop(psql.stdin.take());
    psql.wait().expect("it ends");
    for process in [first, second] {
        assert_eq!(
            settled(&carril, process).await.state,
            ProcessState::Succeeded
        );
    }
    for execution in executions(&carril, second).await {
        let waited = execution.account.spent(CauseKind::Pool);
        assert!(
            execution.entity.is_none() || waited > 50_000,
            "{execution:?}"
        );
    }
    let waits = carril
        .history()
        .attempts(executions(&carril, second).await[0].id, None)
        .await;
    let waits = waits.expect("they are read").remove(0).waits;
    assert_eq!(waits[0].0.to_string(), "pool(warehouse)");
    let trace = "select event, resource, step from trace where event = 'WAIT' and resource = 'warehouse' and step = 'ask'";
    let trace = carril
        .history()
        .query(trace, 10)
        .await
        .expect("it is asked");
    assert_eq!(trace.rows.len(), 2, "{:?}", trace.rows);
    end(&carril).await;
}
