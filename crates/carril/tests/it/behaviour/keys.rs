//! Launches of the same work, and lanes of the same key: who waits for whom, and that nobody waits for ever.

use super::{Gates, in_time, launch, of, settled, sound};
use crate::harness::{House, end, states};
use carril::model::contract::Selection;
use carril::model::definition::Overlap;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{Carril, Launch, LaunchOutcome, Parameter, Pipeline, PipelineDefinition, Stage};
use std::sync::Arc;

fn two_lanes(gates: &Arc<Gates>, overlap: Overlap) -> PipelineDefinition {
    Pipeline::new("p")
        .param("n", Parameter::integer().default(0))
        .entities_list(["a", "b"])
        .overlap(overlap)
        .stage(Stage::new("s").step(gates.step("work")))
        .build()
        .expect("the pipeline is right")
}

async fn state(carril: &Carril, process: ProcessId) -> ProcessState {
    let row = carril
        .reader()
        .process(process)
        .await
        .expect("the store is read");
    row.expect("it is there").state
}

#[tokio::test]
async fn a_second_launch_is_skipped_while_the_first_is_unfinished() {
    let gates = Gates::new();
    let pipeline = two_lanes(&gates, Overlap::Skip);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let first = launch(&carril, &pipeline, Launch::new()).await;
    let second = carril
        .launch(&pipeline, Launch::new())
        .await
        .expect("it is answered");
    assert_eq!(second, LaunchOutcome::Skipped(first));
    gates.open("a/work");
    gates.open("b/work");
    settled(&house, &carril, first).await;
    let third = launch(&carril, &pipeline, Launch::new()).await;
    assert_eq!(
        settled(&house, &carril, third).await.state,
        ProcessState::Succeeded
    );
    end(&carril).await;
}

#[tokio::test]
async fn a_queued_launch_runs_when_the_one_before_it_has_settled() {
    let gates = Gates::new();
    let pipeline = two_lanes(&gates, Overlap::Queue);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let first = launch(&carril, &pipeline, Launch::new()).await;
    let second = launch(&carril, &pipeline, Launch::new()).await;
    let third = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/work", 1).await;
    gates.open("a/work");
    sound(&house);
    assert_eq!(state(&carril, second).await, ProcessState::Running);
    // One of the first is left, so nobody else has begun.
    assert_eq!(
        states(&carril, third).await,
        "a pending, b pending",
        "the third waits for the second"
    );
    gates.open("b/work");
    for process in [first, second, third] {
        assert_eq!(
            settled(&house, &carril, process).await.state,
            ProcessState::Succeeded
        );
    }
    assert_eq!(gates.so_far().len(), 6);
    end(&carril).await;
}

/// The queue's order holds when the middle one is cancelled before it began, too.
#[tokio::test]
async fn a_cancelled_launch_does_not_hold_up_the_queue() {
    let gates = Gates::new();
    let pipeline = two_lanes(&gates, Overlap::Queue);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let first = launch(&carril, &pipeline, Launch::new()).await;
    let second = launch(&carril, &pipeline, Launch::new()).await;
    let third = launch(&carril, &pipeline, Launch::new()).await;
    carril
        .engine()
        .cancel(Selection::Process(second), "no")
        .await
        .expect("it is cancelled");
    assert_eq!(
        settled(&house, &carril, second).await.state,
        ProcessState::Cancelled
    );
    gates.open("a/work");
    gates.open("b/work");
    settled(&house, &carril, first).await;
    assert_eq!(
        settled(&house, &carril, third).await.state,
        ProcessState::Succeeded
    );
    end(&carril).await;
}

#[tokio::test]
async fn a_launch_may_replace_the_one_before_it() {
    let gates = Gates::new();
    let pipeline = two_lanes(&gates, Overlap::CancelRunning);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let first = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/work", 1).await;
    gates.begun("b/work", 1).await;
    let second = launch(&carril, &pipeline, Launch::new()).await;
    let row = settled(&house, &carril, first).await;
    assert_eq!(
        (row.state, row.tally.cancelled),
        (ProcessState::Cancelled, 2)
    );
    gates.open("a/work");
    gates.open("b/work");
    assert_eq!(
        settled(&house, &carril, second).await.state,
        ProcessState::Succeeded
    );
    end(&carril).await;
}

/// The engine that was to cancel the replaced one is gone: the next one knows that it is to be cancelled.
#[tokio::test]
async fn a_replacement_is_not_forgotten_by_the_next_engine() {
    let gates = Gates::new();
    let slow = two_lanes(&gates, Overlap::Queue);
    let replacing = two_lanes(&gates, Overlap::CancelRunning);
    let house = House::new();
    let carril = house.open(&[&slow]).await;
    let first = launch(&carril, &slow, Launch::new()).await;
    let second = launch(&carril, &slow, Launch::new()).await;
    carril
        .shutdown(std::time::Duration::ZERO)
        .await
        .expect("it ends");
    drop(carril);
    // As an engine leaves it that dies between the launch and the cancel.
    let store = rusqlite::Connection::open(house.path().join("carril.db")).expect("it opens");
    let version = &replacing.plan().version().0;
    let body = serde_json::to_string(replacing.plan().written()).expect("it is JSON");
    store
        .execute(
            "insert into definition (version, name, body, defined_at) values (?1, 'p', ?2, 0)",
            (version, body),
        )
        .expect("the definition is kept");
    store
        .execute(
            "update process set definition_id = (select id from definition where version = ?1) where id = ?2",
            (version, second.0),
        )
        .expect("it is the replacement's");
    drop(store);
    let carril = house.open(&[&slow, &replacing]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    assert_eq!(
        settled(&house, &carril, first).await.state,
        ProcessState::Cancelled
    );
    gates.open("a/work");
    gates.open("b/work");
    assert_eq!(
        settled(&house, &carril, second).await.state,
        ProcessState::Succeeded
    );
    end(&carril).await;
}

#[tokio::test]
async fn allowed_side_by_side_lanes_of_one_key_still_take_turns() {
    let gates = Gates::new();
    let pipeline = two_lanes(&gates, Overlap::Allow);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let first = launch(&carril, &pipeline, Launch::new()).await;
    let second = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/work", 1).await;
    gates.begun("b/work", 1).await;
    sound(&house);
    assert_eq!(states(&carril, second).await, "a pending, b pending");
    gates.open("b/work");
    gates.begun("b/work", 2).await;
    assert_eq!(
        gates
            .so_far()
            .iter()
            .filter(|name| *name == "a/work")
            .count(),
        1,
        "the second a waits for the first"
    );
    gates.open("a/work");
    settled(&house, &carril, first).await;
    settled(&house, &carril, second).await;
    end(&carril).await;
}

/// A rollback of a running lane sets its key free: whoever waited for it in another process goes on.
#[tokio::test]
async fn a_rolled_back_lane_passes_its_key_on() {
    let gates = Gates::new();
    let pipeline = two_lanes(&gates, Overlap::Allow);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let first = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/work", 1).await;
    let second = launch(&carril, &pipeline, Launch::new().only(["a"])).await;
    let a = of(&carril, first, "a").await;
    let undone = carril.engine().roll_back(Selection::Executions(vec![a]));
    in_time("rolling back", undone).await.expect("it is undone");
    gates.begun("a/work", 2).await;
    gates.open("a/work");
    gates.open("b/work");
    assert_eq!(
        settled(&house, &carril, second).await.state,
        ProcessState::Succeeded
    );
    assert_eq!(
        settled(&house, &carril, first).await.tally.rolled_back,
        1,
        "the rest of the first stands"
    );
    end(&carril).await;
}

/// A process that is retried while a newer one, which had waited for it, already runs: both end.
#[tokio::test]
async fn a_retry_of_the_one_before_does_not_deadlock_with_the_one_after() {
    let gates = Gates::new();
    let pipeline = Pipeline::new("p")
        .param("n", Parameter::integer())
        .entities_list(["a", "b"])
        .lanes(2)
        .stage(Stage::new("first").step(gates.step("one")))
        .stage(Stage::new("middle").per_process().step(gates.step("own")))
        .stage(Stage::new("last").step(gates.step("two")))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let older = launch(&carril, &pipeline, Launch::new().set("n", 1)).await;
    gates.begun("a/one", 1).await;
    gates.begun("b/one", 1).await;
    let newer = launch(&carril, &pipeline, Launch::new().set("n", 2)).await;
    // b gives its key up to the newer process, which takes it to its barrier; then b is wanted again.
    let b = of(&carril, older, "b").await;
    carril
        .engine()
        .cancel(Selection::Executions(vec![b]), "not now")
        .await
        .expect("it is cancelled");
    gates.begun("b/one", 2).await;
    gates.open("b/one");
    let parked = async {
        while states(&carril, newer).await != "own waiting, a pending, b waiting" {
            tokio::task::yield_now().await;
        }
    };
    in_time("parking", parked).await;
    carril
        .engine()
        .retry(Selection::Executions(vec![b]), None)
        .await
        .expect("it is retried");
    for gate in ["a/one", "a/two", "b/two", "own/own"] {
        gates.open(gate);
    }
    assert_eq!(
        settled(&house, &carril, older).await.state,
        ProcessState::Succeeded
    );
    assert_eq!(
        settled(&house, &carril, newer).await.state,
        ProcessState::Succeeded
    );
    end(&carril).await;
}

/// A lane that was handed back by a pause keeps its key until somebody else is found to go before it; who that is may be of a
/// process that neither paused nor ran again.
#[tokio::test]
async fn whoever_a_retry_puts_first_of_its_key_is_told() {
    let gates = Gates::new();
    let of_key = |entity: &'static str, steps: &[&'static str]| {
        let stage = steps
            .iter()
            .fold(Stage::new("s"), |stage, step| stage.step(gates.step(step)));
        Pipeline::new("p")
            .entities_list([entity])
            .lane_key("'one'")
            .overlap(Overlap::Allow)
            .stage(stage)
            .build()
            .expect("the pipeline is right")
    };
    let (a, b) = (of_key("a", &["work"]), of_key("b", &["work"]));
    let c = of_key("c", &["work", "rest"]);
    let house = House::new();
    let carril = house.open(&[&a, &b, &c]).await;
    let engine = carril.engine();
    gates.open("a/work");
    gates.open("b/work");
    let first = launch(&carril, &a, Launch::new()).await;
    settled(&house, &carril, first).await;
    let second = launch(&carril, &b, Launch::new()).await;
    settled(&house, &carril, second).await;

    let third = launch(&carril, &c, Launch::new()).await;
    gates.begun("c/work", 1).await;
    let again = |process| engine.retry(Selection::Process(process), Some("s/work"));
    again(first).await.expect("it has settled");
    in_time("pausing", engine.pause(third))
        .await
        .expect("it runs");
    gates.open("c/work");
    let handed_back = async {
        while states(&carril, third).await != "c pending" {
            tokio::task::yield_now().await;
        }
    };
    in_time("handing back", handed_back).await;
    assert_eq!(states(&carril, first).await, "a pending");

    again(second).await.expect("it has settled");
    settled(&house, &carril, first).await;
    settled(&house, &carril, second).await;
    assert_eq!(states(&carril, third).await, "c pending");
    gates.open("c/rest");
    in_time("resuming", engine.resume(third))
        .await
        .expect("it is paused");
    settled(&house, &carril, third).await;
    end(&carril).await;
}
