//! `max = "auto"`: lanes that wait for each other become fewer, lanes that nothing holds up become more, over several engines too, and on this machine
//! alone there is one for each core.

use crate::harness::{House, PATIENCE, end, run};
use carril::event::Event;
use carril::model::contract::{EntityRow, ProcessRow, Selection};
use carril::model::id::ProcessId;
use carril::model::lanes::{LanesReason, LanesRow};
use carril::{Carril, Launch, OpenOptions, Pipeline, PipelineDefinition, Stage, Step};
use carril_testkit::postgres::Cluster;
use serde_json::Map;
use std::time::Duration;

/// Several windows, on a busy machine.
const LIMIT: Duration = Duration::from_secs(100);

fn entities(many: u32) -> Launch {
    let row = |number| EntityRow {
        key: format!("E{number}"),
        attributes: Map::new(),
    };
    Launch::new().entities((1..=many).map(row).collect())
}

fn pipeline(name: &str, step: Step) -> PipelineDefinition {
    Pipeline::new(name)
        .lanes_auto()
        .stage(Stage::new("stage").step(step))
        .build()
        .expect("the pipeline is right")
}

async fn open(options: OpenOptions) -> Carril {
    carril::open(options).await.expect("the store opens")
}

async fn launched(carril: &Carril, pipeline: &PipelineDefinition, many: u32) -> ProcessId {
    let launched = carril.launch(pipeline, entities(many)).await;
    launched.expect("it is launched").process()
}

/// Changes of its lanes, oldest first.
async fn changes(carril: &Carril, process: ProcessId) -> Vec<LanesRow> {
    let rows = carril.history().lanes(process, 1_000).await;
    let mut rows = rows.expect("they are read");
    rows.reverse();
    rows
}

async fn row(carril: &Carril, process: ProcessId) -> ProcessRow {
    let row = carril.reader().process(process).await;
    row.expect("it is read").expect("it is there")
}

/// Waits until the changes of its lanes are so.
async fn until(
    carril: &Carril,
    process: ProcessId,
    what: &str,
    is: impl Fn(&[LanesRow]) -> bool,
) -> Vec<LanesRow> {
    let mut events = carril.engine().events();
    let looking = async {
        loop {
            let changes = changes(carril, process).await;
            if is(&changes) {
                return changes;
            }
            let state = row(carril, process).await.state;
            assert!(!state.is_settled(), "it is over before {what}: {changes:?}");
            // Something happens all the time; what, does not matter.
            let _ = events.recv().await;
        }
    };
    match tokio::time::timeout(LIMIT, looking).await {
        Ok(changes) => changes,
        Err(_) => panic!(
            "it never came: {what}: {:?}",
            changes(carril, process).await
        ),
    }
}

async fn cancel(carril: &Carril, process: ProcessId) {
    let cancelled = carril
        .engine()
        .cancel(Selection::Process(process), "seen enough");
    cancelled.await.expect("it is cancelled");
}

/// Each change begins where the one before it ended, and the last is where the process stands.
fn assert_chained(changes: &[LanesRow]) {
    assert_eq!(changes[0].change.reason, LanesReason::Launched);
    for pair in changes.windows(2) {
        assert_eq!(pair[0].change.to, pair[1].change.from, "{changes:?}");
        assert_ne!(pair[1].change.to, pair[1].change.from, "{changes:?}");
    }
}

/// Everybody writes the same row: a second lane does nothing but wait for the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_that_wait_for_each_other_become_fewer() {
    let (house, warehouse) = (House::new(), Cluster::get().database());
    warehouse.sql("create table counter (n int); insert into counter values (0)");
    let sql = "update counter set n = n + 1; select pg_sleep(0.01)";
    let step = Step::sql("count", sql)
        .target("warehouse")
        .shared_write("counter");
    let pipeline = pipeline("contended", step);
    let options = house.options().target("warehouse", warehouse.url());
    let carril = open(options.pipeline(&pipeline)).await;
    let mut events = carril.engine().events();
    let process = launched(&carril, &pipeline, 10_000).await;
    let few = |changes: &[LanesRow]| changes.last().is_some_and(|last| last.change.to <= 4);
    let found = until(&carril, process, "four lanes", few).await;
    assert_chained(&found);
    assert_eq!((found[0].change.to, found[0].most), (10, 20));
    let told = loop {
        match events.recv().await {
            Ok(Event::Lanes {
                from, to, detail, ..
            }) => break (from, to, detail),
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(closed) => panic!("{closed}"),
        }
    };
    let known = found.iter().any(|row| {
        (row.change.from, row.change.to, &row.change.detail) == (told.0, told.1, &told.2)
    });
    assert!(known, "{told:?} is none of {found:?}");
    cancel(&carril, process).await;
    end(&carril).await;
}

/// Steps that only take their time: with more lanes more is done, as far as there are connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_that_nothing_holds_up_become_more() {
    let (house, warehouse) = (House::new(), Cluster::get().database());
    let step = Step::sql("rest", "select pg_sleep(0.3)").target("warehouse");
    let pipeline = pipeline("quiet", step);
    let options = house.options().target("warehouse", warehouse.url());
    let carril = open(options.pipeline(&pipeline)).await;
    let process = launched(&carril, &pipeline, 10_000).await;
    let all = |changes: &[LanesRow]| changes.last().is_some_and(|last| last.change.to == 20);
    let found = until(&carril, process, "twenty lanes", all).await;
    assert_chained(&found);
    assert!(found.iter().all(|row| row.change.to <= 20), "{found:?}");
    cancel(&carril, process).await;
    end(&carril).await;
}

/// Two engines on one store: each may propose, one number comes of it, and both follow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_find_out_one_number() {
    let (store, warehouse) = (Cluster::get().database(), Cluster::get().database());
    let step = Step::sql("rest", "select pg_sleep(0.3)").target("warehouse");
    let pipeline = pipeline("shared", step);
    let options = |name: &str| {
        OpenOptions::new(store.url())
            .folder(env!("CARGO_TARGET_TMPDIR"))
            .node("here", name)
            .target("warehouse", warehouse.url())
            .pipeline(&pipeline)
    };
    let (first, second) = (open(options("one")).await, open(options("two")).await);
    let process = launched(&first, &pipeline, 10_000).await;
    let more = |changes: &[LanesRow]| changes.last().is_some_and(|last| last.change.to > 10);
    until(&first, process, "more than ten lanes", more).await;
    let both = "select count(distinct worker) from trace where event = 'END'";
    let at_work = async {
        loop {
            let asked = first.history().query(both, 1).await.expect("it is asked");
            if asked.rows[0][0] == 2 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, at_work)
        .await
        .expect("both work");
    let found = changes(&first, process).await;
    assert_chained(&found);
    assert_eq!(changes(&second, process).await[..found.len()], found);
    cancel(&first, process).await;
    end(&second).await;
    end(&first).await;
}

/// On SQLite this machine does the work: a lane for each core, from the beginning and for good.
#[tokio::test]
async fn on_this_machine_there_is_a_lane_for_each_core() {
    let house = House::new();
    house
        .warehouse()
        .execute_batch("create table counter (n int)")
        .expect("the table is made");
    let sql = "insert into counter values (1)";
    let step = Step::sql("count", sql)
        .target("warehouse")
        .shared_write("counter");
    let pipeline = pipeline("local", step);
    let carril = open(house.options().cores(3).pipeline(&pipeline)).await;
    let outcome = run(&carril, &pipeline, entities(9)).await;
    assert_eq!(
        (outcome.process.lanes, outcome.process.tally.succeeded),
        (3, 9)
    );
    let found = changes(&carril, outcome.process.id).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].change.to, found[0].most), (3, 3));
    // Whoever says a number means it.
    let told = carril.run(&pipeline, entities(2).lanes(7));
    let told = tokio::time::timeout(PATIENCE, told).await;
    let told = told
        .expect("it ends in time")
        .expect("it is launched")
        .process;
    assert_eq!(told.lanes, 7);
    assert!(changes(&carril, told.id).await.is_empty());
    end(&carril).await;
}
