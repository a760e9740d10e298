//! A newer program brings the store up to date while engines of this one are at work: they stop, write nothing by old rules, and
//! nothing is lost or done twice. The newer program is played by one migration more.

use crate::harness::{PATIENCE, end, settled};
use crate::nodes::{entities, launch, open, options};
use carril::model::state::ProcessState;
use carril::{Carril, Launch, OpenError, OpenErrorKind, Pipeline, PipelineDefinition, Stage, Step};
use carril_postgres::store::{StoreOptions, downgrade, upgrade};
use carril_testkit::postgres::{Cluster, Database};
use std::time::Duration;

/// What a newer program might do: to a table that every commit writes, and with what old rules would break.
const NEXT: &str = "ALTER TABLE execution ADD COLUMN weight bigint NOT NULL DEFAULT 1 CHECK (weight > 0); \
                    CREATE TABLE weighed (execution_id bigint PRIMARY KEY)";
/// The way back, which the newer program would know.
const BACK: &str = "ALTER TABLE carril.execution DROP COLUMN weight; DROP TABLE carril.weighed; \
                    UPDATE carril.carril_schema SET version = version - 1";
const ENTITIES: u32 = 400;

/// Each lane leaves a row in a table without a key, so that one that is lost or done twice shows.
fn effects() -> PipelineDefinition {
    let insert = |name: &str| {
        let sql = format!("insert into effects values (:entity_key, '{name}')");
        Step::sql(name, sql)
            .target("warehouse")
            .shared_write("effects")
    };
    let stage = Stage::new("stage").step(insert("one")).step(insert("two"));
    let pipeline = Pipeline::new("effects").stage(stage).build();
    pipeline.expect("the pipeline is right")
}

async fn at_work(store: &Database, warehouse: &Database, name: &str) -> Carril {
    let options = options(store, name, &effects());
    open(options.target("warehouse", warehouse.url())).await
}

async fn some_are_done(warehouse: &Database) {
    let some = async {
        loop {
            let done = warehouse.sql("select count(*) from effects");
            if done.trim().parse::<u32>().expect("a number") > 60 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let some = tokio::time::timeout(PATIENCE, some).await;
    some.expect("some lanes get that far in time");
}

/// It stops by itself, says why, and can be shut down.
async fn stops(carril: &Carril) {
    let stopped = tokio::time::timeout(PATIENCE, carril.engine().stopped()).await;
    let error = stopped.expect("it notices in time");
    assert_eq!(error.code(), "CAR0634", "{error}");
    assert!(
        error
            .to_string()
            .contains("another program has brought the store to version")
    );
    // What it would say to the store is refused, so it ends with the same.
    let ended = carril.shutdown(Duration::from_secs(10)).await;
    assert_eq!(ended.expect_err("it cannot leave").code(), "CAR0634");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_stop_when_their_store_is_brought_up_to_date_and_nothing_is_lost() {
    let (store, warehouse) = (Cluster::get().database(), Cluster::get().database());
    warehouse.sql("create table effects (entity text, step text)");
    let one = at_work(&store, &warehouse, "one").await;
    let other = at_work(&store, &warehouse, "other").await;
    let all = Launch::new().lanes(8).entities(entities(ENTITIES));
    let process = launch(&one, &effects(), all).await;
    some_are_done(&warehouse).await;
    let url = store.url();
    let upgraded =
        tokio::task::spawn_blocking(move || upgrade(&url, &StoreOptions::default(), NEXT)).await;
    upgraded
        .expect("no panic")
        .expect("it is brought up to date");
    stops(&one).await;
    stops(&other).await;
    let left = warehouse.sql("select count(*) from effects");
    assert!(
        left.trim().parse::<u32>().expect("a number") < 2 * ENTITIES,
        "they stopped in the middle"
    );

    // By then nobody of the old version comes in any more.
    let refused = carril::open(options(&store, "late", &effects())).await;
    let refused = refused.expect_err("it is refused");
    assert_eq!(
        (refused.code(), refused.kind()),
        ("CAR0634", OpenErrorKind::StoreVersion)
    );
    assert!(matches!(refused, OpenError::Postgres(_)));

    // What the newer program finds is what the older ones left.
    store.sql(BACK);
    let next = at_work(&store, &warehouse, "next").await;
    let row = settled(&next, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, u64::from(ENTITIES))
    );
    let counted = warehouse.sql("select count(*), count(distinct (entity, step)) from effects");
    assert_eq!(counted.trim(), format!("{0}|{0}", 2 * ENTITIES));
    end(&next).await;
}

/// Going back does the same to engines of the version that the store leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_stops_when_its_store_is_taken_back() {
    let (store, warehouse) = (Cluster::get().database(), Cluster::get().database());
    let carril = at_work(&store, &warehouse, "one").await;
    let version = store.sql("select version from carril.carril_schema");
    let to = version.trim().parse::<u32>().expect("a number") - 1;
    let url = store.url();
    let back =
        tokio::task::spawn_blocking(move || downgrade(&url, &StoreOptions::default(), to)).await;
    back.expect("no panic").expect("it goes back");
    let stopped = tokio::time::timeout(PATIENCE, carril.engine().stopped()).await;
    assert_eq!(stopped.expect("it notices in time").code(), "CAR0635");
}
