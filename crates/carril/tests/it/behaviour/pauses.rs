//! Pausing: what runs is finished and handed back, nothing begins, and a resume goes on where it was, also in another engine.

use super::{Gates, in_time, launch, of, settled};
use crate::harness::{House, end, states};
use carril::model::account::CauseKind;
use carril::model::contract::Selection;
use carril::model::state::{ExecutionState, ProcessState};
use carril::{Carril, Launch, Pipeline, PipelineDefinition, Stage};
use std::sync::Arc;

fn two_steps(gates: &Arc<Gates>) -> PipelineDefinition {
    Pipeline::new("p")
        .entities_list(["a", "b"])
        .lanes(1)
        .stage(
            Stage::new("s")
                .step(gates.step("one"))
                .step(gates.step("two")),
        )
        .build()
        .expect("the pipeline is right")
}

/// Waits until every execution is as told.
async fn until(carril: &Carril, process: carril::model::id::ProcessId, wanted: &str) {
    let waiting = async {
        while states(carril, process).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    in_time(wanted, waiting).await;
}

#[tokio::test]
async fn a_pause_lets_steps_end_and_begins_none() {
    let gates = Gates::new();
    let pipeline = two_steps(&gates);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/one", 1).await;
    let engine = carril.engine();
    in_time("pausing", engine.pause(process))
        .await
        .expect("it runs");
    in_time("again", engine.pause(process))
        .await
        .expect("it is no error");
    assert_eq!(states(&carril, process).await, "a running, b pending");
    gates.open("a/one");
    until(&carril, process, "a pending, b pending").await;
    let a = carril
        .history()
        .execution(of(&carril, process, "a").await)
        .await;
    let a = a.expect("it can be read").expect("it is there");
    assert_eq!(a.account.cause().kind, CauseKind::Paused);
    assert_eq!(gates.so_far(), ["a/one"], "nothing has begun since");

    for name in ["a/two", "b/one", "b/two"] {
        gates.open(name);
    }
    in_time("resuming", engine.resume(process))
        .await
        .expect("it is paused");
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(
        gates
            .so_far()
            .iter()
            .filter(|name| *name == "a/one")
            .count(),
        1,
        "what was done is not done again"
    );
    let resumed = in_time("too late", engine.resume(process)).await;
    assert_eq!(resumed.expect_err("it has settled").code(), "CAR0431");
    let paused = in_time("too late", engine.pause(process)).await;
    assert_eq!(paused.expect_err("it has settled").code(), "CAR0430");
    end(&carril).await;
}

#[tokio::test]
async fn the_next_engine_finds_it_paused_and_goes_on_when_asked() {
    let gates = Gates::new();
    let pipeline = two_steps(&gates);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/one", 1).await;
    in_time("pausing", carril.engine().pause(process))
        .await
        .expect("it runs");
    end(&carril).await;

    let carril = house.open(&[&pipeline]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    assert_eq!(states(&carril, process).await, "a pending, b pending");
    for name in ["a/one", "a/two", "b/one", "b/two"] {
        gates.open(name);
    }
    in_time("resuming", carril.engine().resume(process))
        .await
        .expect("it is paused");
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    end(&carril).await;
}

#[tokio::test]
async fn a_paused_process_can_be_cancelled_and_rolled_back() {
    let gates = Gates::new();
    let pipeline = two_steps(&gates);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let engine = carril.engine();
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/one", 1).await;
    in_time("pausing", engine.pause(process))
        .await
        .expect("it runs");
    let cancelled = engine.cancel(Selection::Process(process), "enough");
    in_time("cancelling", cancelled)
        .await
        .expect("it is unsettled");
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Cancelled);

    let other = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/one", 2).await;
    in_time("pausing", engine.pause(other))
        .await
        .expect("it runs");
    let undone = engine.roll_back(Selection::Process(other));
    in_time("undoing", undone).await.expect("it can be undone");
    let row = settled(&house, &carril, other).await;
    assert_eq!(row.state, ProcessState::RolledBack);
    let a = carril
        .history()
        .execution(of(&carril, other, "a").await)
        .await;
    let a = a.expect("it can be read").expect("it is there");
    assert_eq!(a.state, ExecutionState::RolledBack);
    end(&carril).await;
}
