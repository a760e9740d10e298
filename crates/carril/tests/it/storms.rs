//! Deadlocks without end: lanes that write the same rows in different orders, as SQL of users does. All get done, each side of each
//! deadlock is named, and none is Carril's own.

use crate::harness::{end, settled};
use crate::nodes::{entities, launch, open, options};
use carril::model::figures::Figures;
use carril::model::lock::Blocker;
use carril::model::state::ProcessState;
use carril::{Launch, Pipeline, PipelineDefinition, Retry, Stage, Step};
use carril_testkit::postgres::Cluster;
use std::time::Duration;

const LANES: u32 = 12;
const ENTITIES: u32 = 48;
/// More tries than any lane takes.
const TRIES: u32 = 500;

/// Entities with even numbers go through the two rows one way, those with odd ones the other.
fn crossing() -> PipelineDefinition {
    let sql = "update counters set n = n + 1 where id = 1 + substr(:entity_key, 2)::integer % 2;
               select pg_sleep(0.005);
               update counters set n = n + 1 where id = 2 - substr(:entity_key, 2)::integer % 2";
    let retry =
        Retry::transient(TRIES).backoff(Duration::from_millis(5), Duration::from_millis(100));
    let step = Step::sql("cross", sql)
        .target("warehouse")
        .shared_write("counters")
        .retry(retry);
    let pipeline = Pipeline::new("crossing").stage(Stage::new("stage").step(step));
    pipeline.build().expect("the pipeline is right")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_deadlocks_ends_with_everything_done_once() {
    let (store, warehouse) = (Cluster::get().database(), Cluster::get().database());
    // A second until the server looks for each of them would only make the storm long.
    warehouse.sql(&format!(
        "create table counters (id integer primary key, n integer not null); insert into counters values (1, 0), (2, 0);
         alter database {} set deadlock_timeout = '20ms'",
        warehouse.name()
    ));
    let options = options(&store, "storm", &crossing()).target("warehouse", warehouse.url());
    let carril = open(options).await;
    let all = Launch::new().lanes(LANES).entities(entities(ENTITIES));
    let process = launch(&carril, &crossing(), all).await;
    let row = settled(&carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, u64::from(ENTITIES))
    );
    let counted = warehouse.sql("select n from counters order by id");
    assert_eq!(counted.trim(), format!("{ENTITIES}\n{ENTITIES}"));

    let failed = carril.history().failed_attempts(process).await;
    let deadlocks = Figures::of(&failed.expect("they are read")).deadlocks;
    assert!(deadlocks > 0, "there was no storm");
    let locks = carril.history().locks(process, 100_000).await;
    let locks = locks.expect("they are read");
    let told: Vec<_> = locks.iter().filter(|row| row.lock.deadlock).collect();
    println!("{deadlocks} deadlocks, {} told", told.len());
    assert_eq!(told.len() as u64, deadlocks, "each is told");
    for row in told {
        let named = matches!(row.lock.blocker, Blocker::Execution { .. });
        assert!(named, "{row:?}");
    }
    end(&carril).await;
    let own = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(store.sql(own).trim(), "0", "none is Carril's");
}
