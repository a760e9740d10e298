//! Opening: one engine per store, and what the next one finds.

use crate::harness::{House, PATIENCE, end, run, settled, states};
use carril::model::state::ProcessState;
use carril::{
    EngineSeen, Input, Launch, LaunchOutcome, OpenError, OpenErrorKind, OpenOptions, Pipeline,
    PipelineDefinition, Stage, Step, StepFailure,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How often an engine is opened and closed at once: an instant that is missed is seldom hit.
const ROUNDS: u32 = 300;

/// Three lanes whose step waits for a permit.
fn gated(gate: &Arc<Semaphore>) -> PipelineDefinition {
    let gate = Arc::clone(gate);
    let wait = move |_: Input| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await?.forget();
            Ok::<(), StepFailure>(())
        }
    };
    let pipeline = Pipeline::new("gated")
        .entities_list(["a", "b", "c"])
        .stage(Stage::new("s").step(Step::function("wait", wait)));
    pipeline.build().expect("the pipeline is right")
}

#[tokio::test]
async fn a_second_engine_is_told_who_has_the_store() {
    let house = House::new();
    let first = house.open(&[]).await;
    let refused = carril::open(house.options())
        .await
        .expect_err("the store is held");
    assert_eq!(
        (refused.code(), refused.kind()),
        ("CAR0701", OpenErrorKind::Held)
    );
    assert!(
        refused
            .to_string()
            .contains(&format!("`a test`, process {} on test", std::process::id())),
        "{refused}"
    );
    let OpenError::Held { holder } = refused else {
        panic!("it is held")
    };
    let reader = carril::read("carril.db", house.path(), &carril::no_references())
        .await
        .expect("anybody may read");
    assert_eq!(reader.engine(), EngineSeen::Running(holder));
    end(&first).await;
    assert_eq!(reader.engine(), EngineSeen::None);
    end(&house.open(&[]).await).await;
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let house = House::new();
    let kind = async |store: &str| {
        let error = carril::open(OpenOptions::new(store).folder(house.path()))
            .await
            .expect_err("it is refused");
        (error.code().to_owned(), error.kind())
    };
    assert_eq!(
        kind("mysql://somewhere").await,
        ("CAR0702".to_owned(), OpenErrorKind::Usage)
    );
    assert_eq!(
        kind("no/such/folder/carril.db").await,
        ("CAR0708".to_owned(), OpenErrorKind::Unreachable)
    );
    std::fs::write(
        house.path().join("text.db"),
        "this is not a database, only some text that is long enough",
    )
    .expect("it is written");
    assert_eq!(kind("text.db").await.1, OpenErrorKind::StoreVersion);
    let missing = carril::read("none.db", house.path(), &carril::no_references())
        .await
        .expect_err("reading makes no store");
    assert_eq!(missing.kind(), OpenErrorKind::Unreachable);
    assert!(!house.path().join("none.db").exists());
}

/// An engine that dies without a word: its runtime ends under it while two steps run. The next engine finds the process,
/// goes on with it, and does what was not done.
#[test]
fn the_next_engine_goes_on_where_one_died() {
    let house = House::new();
    let gate = Arc::new(Semaphore::new(1));
    let pipeline = gated(&gate);
    let dying = tokio::runtime::Runtime::new().expect("a runtime");
    let process = dying.block_on(async {
        let carril = house.open(&[&pipeline]).await;
        let launched = carril
            .launch(&pipeline, Launch::new())
            .await
            .expect("it is launched");
        // The one permit lets one of three lanes through; the others hang in their step.
        let mut events = carril.engine().events();
        while lanes_through(&carril, launched).await < 1 {
            let _ = tokio::time::timeout(PATIENCE, events.recv())
                .await
                .expect("a lane settles in time");
        }
        launched.process()
    });
    dying.shutdown_background();
    drop(dying_is_gone(&house));

    gate.add_permits(10);
    let next = tokio::runtime::Runtime::new().expect("a runtime");
    next.block_on(async {
        let carril = house.open(&[&pipeline]).await;
        assert_eq!(
            carril
                .unsettled()
                .iter()
                .map(|row| row.id)
                .collect::<Vec<_>>(),
            [process]
        );
        assert!(carril.adopt_unsettled().await.is_empty());
        let row = settled(&carril, process).await;
        assert_eq!(
            (row.state, row.tally.succeeded),
            (ProcessState::Succeeded, 3)
        );
        assert_eq!(
            states(&carril, process).await,
            "a succeeded, b succeeded, c succeeded"
        );
        end(&carril).await;
    });
}

async fn lanes_through(carril: &carril::Carril, launched: LaunchOutcome) -> u64 {
    let row = carril
        .reader()
        .process(launched.process())
        .await
        .expect("the history is read");
    row.map_or(0, |row| row.tally.settled())
}

/// The lock falls when the last of the dead engine's parts is gone, which happens on other threads.
fn dying_is_gone(house: &House) -> impl Sized {
    let started = std::time::Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let reader = carril::read("carril.db", house.path(), &carril::no_references())
            .await
            .expect("anybody may read");
        while reader.engine() != EngineSeen::None {
            assert!(started.elapsed() < PATIENCE, "the lock is never released");
            tokio::task::yield_now().await;
        }
    });
    runtime
}

#[tokio::test]
async fn a_function_that_is_gone_is_told_when_its_process_is_taken_up() {
    let house = House::new();
    let gate = Arc::new(Semaphore::new(0));
    let pipeline = gated(&gate);
    let carril = house.open(&[&pipeline]).await;
    let launched = carril
        .launch(&pipeline, Launch::new())
        .await
        .expect("it is launched");
    end_at_once(&carril).await;
    let without = house.open(&[]).await;
    let refused = without.adopt_unsettled().await;
    assert_eq!(
        refused
            .iter()
            .map(|(row, error)| (row.id, error.code()))
            .collect::<Vec<_>>(),
        [(launched.process(), "CAR0512")]
    );
    end(&without).await;
}

/// Stopping in the middle hands lanes back without spending an attempt.
#[tokio::test]
async fn what_was_handed_back_runs_again_with_its_first_try() {
    let house = House::new();
    let gate = Arc::new(Semaphore::new(0));
    let pipeline = gated(&gate);
    let carril = house.open(&[&pipeline]).await;
    let launched = carril
        .launch(&pipeline, Launch::new())
        .await
        .expect("it is launched");
    end_at_once(&carril).await;
    drop(carril);
    gate.add_permits(3);
    let carril = house.open(&[&pipeline]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    let row = settled(&carril, launched.process()).await;
    assert_eq!(row.tally.succeeded, 3);
    end(&carril).await;
}

async fn end_at_once(carril: &carril::Carril) {
    carril
        .shutdown(std::time::Duration::ZERO)
        .await
        .expect("the engine ends");
}

#[tokio::test]
async fn a_second_launch_of_the_same_work_is_skipped_and_a_repeated_one_answered() {
    let house = House::new();
    let gate = Arc::new(Semaphore::new(0));
    let pipeline = gated(&gate);
    let carril = house.open(&[&pipeline]).await;
    let first = carril
        .launch(&pipeline, Launch::new().idempotency_key("monday"))
        .await
        .expect("it is launched");
    let skipped = run(&carril, &pipeline, Launch::new()).await;
    assert_eq!(skipped.launch, LaunchOutcome::Skipped(first.process()));
    assert_eq!(
        (skipped.process.id, skipped.process.state),
        (first.process(), ProcessState::Running)
    );
    gate.add_permits(3);
    let repeated = run(&carril, &pipeline, Launch::new().idempotency_key("monday")).await;
    assert_eq!(repeated.launch, LaunchOutcome::Repeated(first.process()));
    assert_eq!(repeated.process.state, ProcessState::Succeeded);
    end(&carril).await;
}

/// Commands open an engine for a moment. A stop that comes while its parts are only beginning must be heard by all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_closed_at_once_ends() {
    let house = House::new();
    for round in 0..ROUNDS {
        let carril = house.open(&[]).await;
        let ended = tokio::time::timeout(PATIENCE, carril.shutdown(Duration::ZERO)).await;
        ended
            .unwrap_or_else(|_| panic!("round {round}: it does not end"))
            .expect("the engine ends");
    }
}
