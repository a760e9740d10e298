//! Cancelling and giving up: in whatever a lane is doing, it settles and is counted.

use super::{Gates, in_time, launch, of, settled, told};
use crate::harness::{House, end, states};
use carril::event::Event;
use carril::model::contract::Selection;
use carril::model::state::{ExecutionState, ProcessState, StepState};
use carril::{Input, Launch, Pipeline, PipelineDefinition, Retry, Stage, Step, StepFailure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// `b` backs off for an hour, everybody else passes gates.
fn many_ways_to_wait(gates: &Arc<Gates>) -> PipelineDefinition {
    let shaky = |input: Input| async move {
        if input.entity_key.as_deref() == Some("b") {
            Err(StepFailure::transient("busy"))
        } else {
            Ok(())
        }
    };
    let hour = Duration::from_secs(3_600);
    Pipeline::new("p")
        .entities_list(["parks", "b", "runs", "pends"])
        .lanes(1)
        .default_retry(Retry::transient(5).backoff(hour, hour))
        .stage(
            Stage::new("first")
                .step(Step::function("shaky", shaky))
                .step(gates.step("work")),
        )
        .stage(Stage::new("middle").per_process().step(gates.step("own")))
        .stage(Stage::new("last").step(gates.step("end")))
        .build()
        .expect("the pipeline is right")
}

#[tokio::test]
async fn a_cancel_reaches_lanes_that_run_wait_back_off_and_are_parked() {
    let gates = Gates::new();
    let pipeline = many_ways_to_wait(&gates);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let mut events = carril.engine().events();
    gates.open("parks/work");
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("runs/work", 1).await;
    told(
        &mut events,
        "b backs off",
        |event| matches!(event, Event::Step { state, .. } if *state == StepState::Failed),
    )
    .await;
    // Whoever backs off for an hour has left its lane to the next.
    assert_eq!(
        states(&carril, process).await,
        "own waiting, parks waiting, b waiting, runs running, pends pending"
    );
    let engine = carril.engine();
    engine
        .cancel(Selection::Process(process), "enough")
        .await
        .expect("it is cancelled");
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.cancelled),
        (ProcessState::Cancelled, 4)
    );
    assert_eq!(row.own_state, Some(ExecutionState::Cancelled));
    end(&carril).await;
}

#[tokio::test]
async fn single_lanes_are_cancelled_in_whatever_they_do_and_the_rest_goes_on() {
    let gates = Gates::new();
    let pipeline = many_ways_to_wait(&gates);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let mut events = carril.engine().events();
    gates.open("parks/work");
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("runs/work", 1).await;
    told(
        &mut events,
        "b backs off",
        |event| matches!(event, Event::Step { state, .. } if *state == StepState::Failed),
    )
    .await;
    let mut stopped = Vec::new();
    for entity in ["parks", "b", "pends"] {
        stopped.push(of(&carril, process, entity).await);
    }
    let engine = carril.engine();
    engine
        .cancel(Selection::Executions(stopped), "not these")
        .await
        .expect("they are cancelled");
    for gate in ["runs/work", "runs/end", "own/own"] {
        gates.open(gate);
    }
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::CompletedWithErrors);
    assert_eq!(
        states(&carril, process).await,
        "own succeeded, parks cancelled, b cancelled, runs succeeded, pends cancelled"
    );
    end(&carril).await;
}

/// Ten lanes of which all fail as long as `broken` is set.
fn breaking(broken: &Arc<AtomicBool>) -> PipelineDefinition {
    let broken = Arc::clone(broken);
    let work = move |_: Input| {
        let fails = broken.load(Ordering::Relaxed);
        async move {
            if fails {
                Err(StepFailure::permanent("no"))
            } else {
                Ok(())
            }
        }
    };
    Pipeline::new("p")
        .entities_list((0..10).map(|number| format!("e{number}")))
        .lanes(1)
        .abort_when(500, 2)
        .stage(Stage::new("s").step(Step::function("work", work)))
        .build()
        .expect("the pipeline is right")
}

#[tokio::test]
async fn too_many_failures_stop_the_rest_and_all_of_it_can_be_retried() {
    let broken = Arc::new(AtomicBool::new(true));
    let pipeline = breaking(&broken);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Failed);
    assert!(
        row.reason
            .is_some_and(|reason| reason.contains("abort_when"))
    );
    assert!(
        row.tally.failed >= 2 && row.tally.cancelled >= 5,
        "{:?}",
        row.tally
    );

    broken.store(false, Ordering::Relaxed);
    let again = carril
        .engine()
        .retry(Selection::Unsuccessful(process), None);
    again.await.expect("it is retried");
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 10)
    );
    end(&carril).await;
}

/// What failed before somebody asked for another try is no reason to stop that try.
#[tokio::test]
async fn one_lane_of_an_aborted_process_can_be_retried() {
    let broken = Arc::new(AtomicBool::new(true));
    let pipeline = breaking(&broken);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    settled(&house, &carril, process).await;

    broken.store(false, Ordering::Relaxed);
    let last = of(&carril, process, "e9").await;
    let again = carril
        .engine()
        .retry(Selection::Executions(vec![last]), None);
    again.await.expect("it is retried");
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::CompletedWithErrors, 1)
    );
    end(&carril).await;
}

/// Steps of a parallel stage that wait for a slot when the cancel comes do not begin with the slot that it sets free.
#[tokio::test]
async fn a_cancel_begins_nothing_new() {
    let gates = Gates::new();
    let slow = |input: Input| async move {
        // Stops, but not at once: its slot is free before the lane has heard of its end.
        input.cancel.cancelled().await;
        tokio::task::yield_now().await;
        Ok::<(), StepFailure>(())
    };
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b"])
        .resource("api", 1)
        .stage(
            Stage::new("s")
                .parallel()
                .step(Step::function("slow", slow))
                .step(gates.step("limited").resource("api")),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let mut begun = gates.begun.subscribe();
    in_time("one begins", begun.wait_for(|names| names.len() == 1))
        .await
        .expect("the gates live");
    let stop = carril
        .engine()
        .cancel(Selection::Process(process), "enough");
    stop.await.expect("it is cancelled");
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.tally.cancelled, 2);
    assert_eq!(gates.so_far().len(), 1, "{:?}", gates.so_far());
    end(&carril).await;
}

/// An engine dies while a lane has not stopped yet for a cancel. The next one takes the lane up to settle it; nobody else would.
#[test]
fn a_cancel_that_an_engine_died_over_is_gone_on_with() {
    let begun = Arc::new(tokio::sync::Semaphore::new(0));
    let deaf = {
        let begun = Arc::clone(&begun);
        move |_: Input| {
            begun.add_permits(1);
            std::future::pending::<Result<(), StepFailure>>()
        }
    };
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b"])
        .lanes(1)
        .stage(Stage::new("s").step(Step::function("deaf", deaf)))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let dying = tokio::runtime::Runtime::new().expect("a runtime");
    let process = dying.block_on(async {
        let carril = house.open(&[&pipeline]).await;
        let process = launch(&carril, &pipeline, Launch::new()).await;
        let _begun = in_time("the step begins", begun.acquire()).await;
        let stop = carril
            .engine()
            .cancel(Selection::Process(process), "enough");
        stop.await.expect("it is cancelled");
        process
    });
    drop(dying);

    let next = tokio::runtime::Runtime::new().expect("a runtime");
    next.block_on(async {
        let carril = house.open(&[&pipeline]).await;
        assert!(carril.adopt_unsettled().await.is_empty());
        let row = settled(&house, &carril, process).await;
        assert_eq!(
            (row.state, row.tally.cancelled),
            (ProcessState::Cancelled, 2)
        );
        end(&carril).await;
    });
}
