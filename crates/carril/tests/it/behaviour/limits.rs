//! Limits of resources and of the engine: who goes first, how often, what a breaker does, and that nobody is stuck.

use super::{Gates, in_time, launch, of, settled};
use crate::harness::{House, end, run, states};
use carril::model::account::CauseKind;
use carril::model::breaker::{BreakerState, BreakerWish};
use carril::model::definition::{BreakerPolicy, Overlap, Rate, RateUnit, Resource};
use carril::model::id::ExecutionId;
use carril::model::state::{ProcessState, StepState};
use carril::{
    Carril, Input, Launch, Parameter, Pipeline, PipelineDefinition, Retry, Stage, Step, StepFailure,
};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A breaker that opens after two failures, for longer than any test takes.
fn guarded() -> Resource {
    Resource::unlimited().breaker(BreakerPolicy {
        failures: 2,
        cooldown: Duration::from_secs(600),
        successes: 1,
    })
}

/// A step that calls something which is down until the test says otherwise.
fn call(up: &Arc<AtomicBool>, calls: &Arc<AtomicU32>) -> Step {
    let (up, calls) = (Arc::clone(up), Arc::clone(calls));
    Step::function("call", move |_: Input| {
        calls.fetch_add(1, Ordering::SeqCst);
        let answer = if up.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(StepFailure::transient("it is down"))
        };
        std::future::ready(answer)
    })
    .resource("api")
    .retry(Retry::transient(5).backoff(Duration::from_millis(1), Duration::from_millis(2)))
}

async fn waits_for(carril: &Carril, execution: ExecutionId, kind: CauseKind) {
    let waiting = async {
        loop {
            let row = carril.history().execution(execution).await;
            let row = row.expect("it can be read").expect("it is there");
            if row.account.cause().kind == kind {
                assert_eq!(row.account.cause().about.as_deref(), Some("api"));
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    in_time(kind.name(), waiting).await;
}

/// Steps that name two resources in opposite orders, in many lanes: were slots taken as they are named, two of them would soon
/// wait for each other.
#[tokio::test]
async fn resources_named_in_opposite_orders_never_lock_lanes_up() {
    let step = |name: &str, first: &str, second: &str| {
        Step::function(name, |_: Input| async {
            tokio::task::yield_now().await;
            Ok::<(), StepFailure>(())
        })
        .resource(first)
        .resource(second)
    };
    let pipeline = Pipeline::new("p")
        .entities_list((0..200).map(|number| format!("e{number}")))
        .lanes(200)
        .resource("disk", 1)
        .resource("net", 2)
        .stage(
            Stage::new("s")
                .parallel()
                .step(step("one", "disk", "net"))
                .step(step("two", "net", "disk")),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded);
    super::sound(&house);
    end(&carril).await;
}

#[tokio::test]
async fn a_rate_spaces_the_beginnings_of_all_lanes() {
    let began: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&began);
    let step = Step::function("call", move |_: Input| {
        seen.lock().expect("nobody panics").push(Instant::now());
        std::future::ready(Ok::<(), StepFailure>(()))
    });
    let pipeline = Pipeline::new("p")
        .entities_list((0..8).map(|number| format!("e{number}")))
        .resource(
            "api",
            Resource::slots(3).rate(Rate::new(20, RateUnit::Second)),
        )
        .stage(Stage::new("s").step(step.resource("api")))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    assert_eq!(outcome.process.tally.succeeded, 8);
    let began = began.lock().expect("nobody panics").clone();
    let took = began[7].duration_since(began[0]);
    // A use counts a moment before it is seen here, and how long that moment is differs.
    assert!(took >= Duration::from_millis(7 * 50 - 25), "{took:?}");
    let ended = outcome.process.ended_at.expect("it has settled");
    let waits = carril.history().waits(outcome.process.id, ended).await;
    let waits = waits.expect("they can be read");
    assert!(
        waits.iter().any(|wait| wait.cause == CauseKind::Rate),
        "{waits:?}"
    );
    end(&carril).await;
}

#[tokio::test]
async fn an_open_breaker_is_waited_for_and_outlives_the_engine() {
    let (up, calls): (Arc<AtomicBool>, Arc<AtomicU32>) = (Arc::default(), Arc::default());
    let pipeline = Pipeline::new("p")
        .entities_list(["a"])
        .resource("api", guarded())
        .stage(Stage::new("s").step(call(&up, &calls)))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let a = of(&carril, process, "a").await;
    waits_for(&carril, a, CauseKind::Breaker).await;
    assert_eq!(calls.load(Ordering::SeqCst), 2, "then it was left alone");
    let kept = carril.history().breakers().await.expect("they are read");
    assert_eq!(kept[0].state, BreakerState::Open);
    let resources = carril.history().resources().await.expect("they are read");
    assert_eq!(
        (resources[0].resource.as_str(), resources[0].waiting_breaker),
        ("api", 1)
    );
    end(&carril).await;

    up.store(true, Ordering::SeqCst);
    let carril = house.open(&[&pipeline]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    waits_for(&carril, a, CauseKind::Breaker).await;
    assert_eq!(calls.load(Ordering::SeqCst), 2, "it is open still");
    let freed = carril
        .engine()
        .breaker("api", BreakerWish::Close, Some("it is mended"));
    in_time("closing", freed).await.expect("it is kept");
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    let changes = carril.history().breaker_changes("api", 10).await;
    let changes = changes.expect("they are read");
    let told: Vec<_> = changes
        .iter()
        .map(|row| (row.state, row.forced, row.reason.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (BreakerState::Closed, true, Some("it is mended")),
            (BreakerState::Open, false, Some("2 uses in a row failed")),
        ]
    );
    end(&carril).await;
}

#[tokio::test]
async fn a_step_that_does_not_wait_fails_at_once_and_its_fallback_answers() {
    let (up, calls): (Arc<AtomicBool>, Arc<AtomicU32>) = (Arc::default(), Arc::default());
    let pipeline = Pipeline::new("p")
        .entities_list(["a"])
        .resource("api", guarded())
        .stage(
            Stage::new("s").step(
                call(&up, &calls)
                    .fail_when_open()
                    .fallback(json!({"rates": []})),
            ),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let opened = carril.engine().breaker("api", BreakerWish::Open, None);
    in_time("opening", opened).await.expect("it is kept");
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let a = of(&carril, outcome.process.id, "a").await;
    let attempts = carril.history().attempts(a, None).await;
    let attempts = attempts.expect("they can be read");
    assert_eq!(attempts.len(), 1, "no retry was spent");
    assert_eq!(
        (attempts[0].state, attempts[0].fallback),
        (StepState::Succeeded, true)
    );
    let error = attempts[0].error.as_ref().expect("it says why");
    assert_eq!(error.code, "CAR0540");
    super::sound(&house);
    end(&carril).await;
}

/// Two entities whose one step waits for the test's word; `n` tells launches apart.
fn gated(gates: &Arc<Gates>, name: &'static str, slot: bool) -> PipelineDefinition {
    let step = gates.step("work");
    let step = if slot { step.resource("api") } else { step };
    let pipeline = Pipeline::new(name)
        .param("n", Parameter::integer().default(0))
        .entities_list([format!("{name}1"), format!("{name}2")])
        .overlap(Overlap::Allow)
        .stage(Stage::new("s").step(step));
    let pipeline = if slot {
        pipeline.resource("api", 1)
    } else {
        pipeline
    };
    pipeline.build().expect("the pipeline is right")
}

#[tokio::test]
async fn a_slot_goes_to_the_higher_priority_first_and_then_by_turns() {
    let gates = Gates::new();
    let [first, low, other, high] =
        ["first", "low", "other", "high"].map(|name| gated(&gates, name, true));
    let house = House::new();
    let carril = house.open(&[&first, &low, &other, &high]).await;
    let mut processes = Vec::new();
    for (pipeline, priority) in [(&first, 9), (&low, 0), (&other, 0), (&high, 5)] {
        let process = launch(&carril, pipeline, Launch::new().priority(priority)).await;
        let name = &pipeline.plan().definition().name;
        let queued = if name == "first" {
            ["first2"].as_slice()
        } else {
            &[]
        };
        let all = [format!("{name}1"), format!("{name}2")];
        for entity in all
            .iter()
            .filter(|entity| name != "first" || queued.contains(&entity.as_str()))
        {
            let execution = of(&carril, process, entity).await;
            waits_for(&carril, execution, CauseKind::Slot).await;
        }
        processes.push(process);
    }
    for name in ["first", "low", "other", "high"] {
        gates.open(&format!("{name}1/work"));
        gates.open(&format!("{name}2/work"));
    }
    for process in processes {
        settled(&house, &carril, process).await;
    }
    assert_eq!(
        gates.so_far(),
        [
            "first1/work",
            "first2/work",
            "high1/work",
            "high2/work",
            "low1/work",
            "other1/work",
            "low2/work",
            "other2/work",
        ]
    );
    end(&carril).await;
}

#[tokio::test]
async fn the_engines_lanes_go_to_the_higher_priority_first_and_then_by_turns() {
    let gates = Gates::new();
    let [low, other, high] = ["low", "other", "high"].map(|name| gated(&gates, name, false));
    let house = House::new();
    let options = house.options().lanes(Some(1));
    let options = [&low, &other, &high]
        .into_iter()
        .fold(options, |options, pipeline| options.pipeline(pipeline));
    let carril = carril::open(options).await.expect("the store opens");
    let mut processes = Vec::new();
    for (pipeline, priority) in [(&low, 0), (&other, 0), (&high, 1)] {
        processes.push(launch(&carril, pipeline, Launch::new().priority(priority)).await);
        gates.begun("low1/work", 1).await;
    }
    assert_eq!(
        states(&carril, processes[0]).await,
        "low1 running, low2 pending"
    );
    assert_eq!(
        states(&carril, processes[2]).await,
        "high1 pending, high2 pending"
    );
    for name in ["low", "other", "high"] {
        gates.open(&format!("{name}1/work"));
        gates.open(&format!("{name}2/work"));
    }
    for process in processes {
        settled(&house, &carril, process).await;
    }
    assert_eq!(
        gates.so_far(),
        [
            "low1/work",
            "high1/work",
            "high2/work",
            "other1/work",
            "low2/work",
            "other2/work"
        ]
    );
    end(&carril).await;
}
