//! Engines that end in the middle, politely or not, and what the next one makes of it; and many lanes with bad luck.

use super::rig::Rig;
use super::{Gates, launch, settled, sound};
use crate::harness::{House, end};
use carril::model::contract::{
    Cancellation, ErrorClass, Pending, StepCall, StepDone, StepError, StepRunner,
};
use carril::model::retry::mix;
use carril::model::state::ProcessState;
use carril::{Input, Launch, Pipeline, PipelineDefinition, Retry, Stage, Step, StepFailure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

fn two_stages(gates: &Arc<Gates>) -> PipelineDefinition {
    Pipeline::new("p")
        .entities_list(["a", "b", "c", "d"])
        .lanes(2)
        .stage(
            Stage::new("first")
                .step(gates.step("one"))
                .step(gates.step("two")),
        )
        .stage(Stage::new("middle").per_process().step(gates.step("own")))
        .stage(Stage::new("last").step(gates.step("three")))
        .build()
        .expect("the pipeline is right")
}

#[tokio::test]
async fn a_shutdown_in_the_middle_is_a_pause() {
    let gates = Gates::new();
    let pipeline = two_stages(&gates);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    for gate in ["a/one", "a/two"] {
        gates.open(gate);
    }
    let process = launch(&carril, &pipeline, Launch::new()).await;
    // a is parked, b in its first step, c in a lane; d never had one.
    gates.begun("b/one", 1).await;
    gates.begun("c/one", 1).await;
    carril.shutdown(Duration::ZERO).await.expect("it ends");
    sound(&house);
    drop(carril);

    let carril = house.open(&[&pipeline]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    for entity in ["a", "b", "c", "d"] {
        for step in ["one", "two", "three"] {
            gates.open(&format!("{entity}/{step}"));
        }
    }
    gates.begun("own/own", 1).await;
    carril.shutdown(Duration::ZERO).await.expect("it ends");
    sound(&house);
    drop(carril);

    gates.open("own/own");
    let carril = house.open(&[&pipeline]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 4)
    );
    let begun = gates.so_far();
    let times = |name: &str| begun.iter().filter(|one| *one == name).count();
    assert_eq!(
        (times("a/one"), times("a/two")),
        (1, 1),
        "what was done stays done"
    );
    assert_eq!((times("b/one"), times("d/one")), (2, 1));
    end(&carril).await;
}

/// A step that fails while its engine stops has its tries left.
#[tokio::test]
async fn a_failure_during_a_shutdown_spends_one_attempt_and_not_all() {
    let tries = Arc::new(AtomicU32::new(0));
    let gates = Gates::new();
    let (counted, waited) = (Arc::clone(&tries), Arc::clone(&gates));
    let shaky = move |input: Input| {
        let (counted, gates) = (Arc::clone(&counted), Arc::clone(&waited));
        async move {
            let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
            gates.pass("gate", input).await?;
            if first {
                Err(StepFailure::transient("busy"))
            } else {
                Ok(())
            }
        }
    };
    let millisecond = Duration::from_millis(1);
    let pipeline = Pipeline::new("p")
        .entities_list(["a"])
        .default_retry(Retry::transient(3).backoff(millisecond, millisecond))
        .stage(Stage::new("s").step(Step::function("shaky", shaky)))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/gate", 1).await;
    let ending = carril.shutdown(Duration::from_secs(10));
    let (ended, ()) = tokio::join!(ending, async { gates.open("a/gate") });
    ended.expect("it ends");
    drop(carril);
    let carril = house.open(&[&pipeline]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(tries.load(Ordering::Relaxed), 2);
    end(&carril).await;
}

/// An engine whose runtime ends under it, in every stage of a process, one after the other.
#[test]
fn an_engine_that_dies_in_any_stage_is_succeeded() {
    let gates = Gates::new();
    let pipeline = two_stages(&gates);
    let house = House::new();
    let entities = ["a", "b", "c", "d"];
    let mut process = None;
    for stops_at in ["a/one", "a/two", "own/own", "a/three"] {
        let dying = tokio::runtime::Runtime::new().expect("a runtime");
        dying.block_on(async {
            let carril = house.open(&[&pipeline]).await;
            assert!(carril.adopt_unsettled().await.is_empty());
            if process.is_none() {
                process = Some(launch(&carril, &pipeline, Launch::new()).await);
            }
            gates.begun(stops_at, 1).await;
        });
        drop(dying);
        sound(&house);
        let step = stops_at.split('/').next_back().expect("it has a step");
        for entity in entities {
            gates.open(&format!("{entity}/{step}"));
        }
        gates.open("own/own");
    }
    let last = tokio::runtime::Runtime::new().expect("a runtime");
    last.block_on(async {
        let carril = house.open(&[&pipeline]).await;
        assert!(carril.adopt_unsettled().await.is_empty());
        let row = settled(&house, &carril, process.expect("it was launched")).await;
        assert_eq!(
            (row.state, row.tally.succeeded),
            (ProcessState::Succeeded, 4)
        );
        end(&carril).await;
    });
}

/// Two thousand lanes, each with luck of its own, most keys shared by two: everything adds up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_unlucky_lanes_are_counted_right() {
    let luck = |input: Input| async move {
        let number: u64 = input
            .entity_key
            .as_deref()
            .and_then(|key| key.parse().ok())
            .unwrap_or(0);
        match mix(number ^ (u64::from(input.attempt) << 32) ^ u64::from(input.run.0)) % 8 {
            0 => Err(StepFailure::transient("busy")),
            1 if number.is_multiple_of(3) => Err(StepFailure::permanent("no")),
            2 if number.is_multiple_of(50) => panic!("out of luck"),
            _ => Ok(()),
        }
    };
    let millisecond = Duration::from_millis(1);
    let pipeline = Pipeline::new("unlucky")
        .entities_list((0..2_000).map(|number| number.to_string()))
        .lane_key("(entity.key | int) // 2")
        .lanes(64)
        .default_retry(Retry::transient(3).backoff(millisecond, millisecond))
        .stage(
            Stage::new("one")
                .parallel()
                .step(Step::function("left", luck))
                .step(Step::function("right", luck).not_critical()),
        )
        .stage(Stage::new("two").per_process().step(Step::noop("own")))
        .stage(Stage::new("three").step(Step::function("last", luck)))
        .build();
    let pipeline = match pipeline {
        Ok(pipeline) => pipeline,
        Err(error) => panic!("{error}"),
    };
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::CompletedWithErrors);
    assert_eq!(row.tally.total, 2_000);
    assert_eq!(row.tally.settled(), 2_000);
    assert!(
        row.tally.failed > 50 && row.tally.succeeded > 1_000,
        "{:?}",
        row.tally
    );
    end(&carril).await;
}

/// The target says that a newer attempt owns a step, and the store knows of nobody: the lane hands its execution back together
/// with the last of what else ended in it, and a lane takes it up again.
#[tokio::test]
async fn a_fenced_lane_is_handed_back_and_taken_up_again() {
    struct Fenced {
        first: AtomicBool,
        go: tokio::sync::Semaphore,
    }
    impl StepRunner for Fenced {
        fn run<'a>(
            &'a self,
            call: &'a StepCall,
            cancel: &'a dyn Cancellation,
        ) -> Pending<'a, Result<StepDone, StepError>> {
            Box::pin(async move {
                let is_first = self.first.load(Ordering::Relaxed);
                if is_first && call.plan.step(call.step).name == "waits" {
                    // It is asked to stop because the other was fenced, and ends well all the same.
                    cancel.cancelled().await;
                    return Ok(StepDone::default());
                }
                let _go = self.go.acquire().await;
                if self.first.swap(false, Ordering::Relaxed) {
                    return Err(StepError::new("CAR0504", ErrorClass::Fenced, "newer"));
                }
                Ok(StepDone::default())
            })
        }
    }
    let never = |_: Input| async move { Ok::<(), StepFailure>(()) };
    let pipeline = Pipeline::new("p")
        .entities_list(["a"])
        .stage(
            Stage::new("s")
                .parallel()
                .step(Step::function("waits", never))
                .step(Step::function("fenced", never)),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let steps = Arc::new(Fenced {
        first: AtomicBool::new(true),
        go: tokio::sync::Semaphore::new(0),
    });
    let rig = Rig::open(&house, &[&pipeline], steps.clone()).await;
    let mut events = rig.engine.events();
    // With a lane to spare nobody waits for one, who would look again by himself.
    let process = rig.launch(rig.request(&pipeline, 2)).await;
    // The coordinator has taken the process up, and has looked at it once more: from here on only lanes tell it anything.
    for _ in 0..2 {
        super::told(&mut events, "it is looked at", |event| {
            matches!(event, carril::event::Event::Process { .. })
        })
        .await;
    }
    steps.go.close();
    let row = rig.settled(&house, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    rig.end().await;
}
