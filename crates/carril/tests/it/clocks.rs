//! Engines whose machines do not agree about the time, on one store on PostgreSQL: what waits, waits as long as it should.

use crate::harness::{PATIENCE, end, settled};
use crate::nodes::{entities, launch, open, options};
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use carril::{Carril, Launch, Pipeline, PipelineDefinition, Stage, Step, SystemClock};
use carril_testkit::postgres::{Cluster, Database};
use std::time::{Duration, Instant};

const DAY_MICROS: i64 = 86_400_000_000;
/// How long a lane waits in these tests.
const WAIT: Duration = Duration::from_secs(2);

fn waiting() -> PipelineDefinition {
    let stage = Stage::new("stage").step(Step::wait("a-while", WAIT));
    let pipeline = Pipeline::new("waiting").stage(stage).build();
    pipeline.expect("the pipeline is right")
}

/// An engine on a machine whose clock is off by so much.
async fn off_by(database: &Database, name: &str, micros: i64) -> Carril {
    let options = options(database, name, &waiting());
    open(options.clock(SystemClock::wrong_by(micros))).await
}

async fn parked(carril: &Carril, process: ProcessId) {
    let parked = async {
        loop {
            let row = carril.reader().process(process).await.expect("it is read");
            if row.is_some_and(|row| row.waiting == 1) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let parked = tokio::time::timeout(PATIENCE, parked).await;
    parked.expect("it is parked in time");
}

/// What the server's clock says is what is written, wherever the engine's was: and a lane that one engine parks is woken by another,
/// no earlier and not a day later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_a_day_ahead_and_a_day_behind_wait_as_long_as_others() {
    for (parks, wakes) in [
        (DAY_MICROS, -DAY_MICROS),
        (-DAY_MICROS, DAY_MICROS),
        (DAY_MICROS, 0),
    ] {
        let database = Cluster::get().database();
        let pipeline = waiting();
        let first = off_by(&database, "parks", parks).await;
        let began = Instant::now();
        let one = Launch::new().entities(entities(1));
        let process = launch(&first, &pipeline, one).await;
        parked(&first, process).await;
        end(&first).await;
        let second = off_by(&database, "wakes", wakes).await;
        let row = settled(&second, process).await;
        let took = began.elapsed();
        assert_eq!(row.state, ProcessState::Succeeded);
        assert!(took >= WAIT, "{took:?}");
        assert!(took < WAIT + Duration::from_secs(20), "{took:?}");
        let server = database.sql("select (extract(epoch from now()) * 1000000)::bigint");
        let server: i64 = server.trim().parse().expect("a number");
        let ended = row.ended_at.map_or(0, |at: Timestamp| at.0);
        assert!((server - ended).abs() < 60_000_000, "{server} {ended}");
        end(&second).await;
    }
}
