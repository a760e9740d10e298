//! A store that is away in the middle: whether or not it did what it was asked last, the engine that outlasts it believes nothing of
//! that, and what it goes on with is what is durable.

use super::in_time;
use super::rig::{Answers, Rig};
use crate::harness::House;
use carril::model::contract::{Fault, Selection, Store};
use carril::model::state::ProcessState;
use carril::{Pipeline, PipelineDefinition, Stage, Step, SystemClock};
use carril_engine::StoreAway;
use carril_testkit::fault::{FaultStore, Faults, Kind, Verb};
use std::sync::Arc;
use std::time::Duration;

fn pipeline() -> PipelineDefinition {
    let nothing = |name: &str| {
        Step::function_blocking(name, |_: carril::Input| Ok::<_, carril::StepFailure>(()))
    };
    Pipeline::new("p")
        .entities_list(["a", "b", "c"])
        .lanes(2)
        .stage(
            Stage::new("first")
                .step(nothing("one"))
                .step(nothing("two")),
        )
        .stage(Stage::new("middle").per_process().step(nothing("own")))
        .stage(Stage::new("last").step(nothing("three")))
        .build()
        .expect("the pipeline is right")
}

async fn open(
    house: &House,
    pipeline: &PipelineDefinition,
    faults: &Faults,
    away: StoreAway,
) -> Rig {
    let steps = Arc::new(Answers(|_: &str, _: &str| Ok(())));
    let clock = Arc::new(SystemClock::new());
    let faults = faults.clone();
    let wrap = move |store| Arc::new(FaultStore::new(store, faults)) as Arc<dyn Store>;
    Rig::open_over(house, &[pipeline], steps, clock, away, wrap).await
}

/// Each commit of a run in turn is refused or done by a store that then is gone, and with it the first tries to enter again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_commit_it_is_the_run_ends_as_without() {
    let pipeline = pipeline();
    let gone = || Fault::Unavailable("gone".to_owned());
    let mut fired = 0;
    for after in 0..12 {
        for kind in [
            Kind::Refuse(gone()),
            Kind::ExecuteThen(gone()),
            Kind::Refuse(Fault::LostLease),
        ] {
            let house = House::new();
            let faults = Faults::default();
            let away = StoreAway::Waits(Some(Duration::from_secs(30)));
            let rig = open(&house, &pipeline, &faults, away).await;
            faults.fail(Verb::Commit, after, kind.clone());
            faults.fail(Verb::Enter, 0, kind.clone());
            let process = rig.launch(rig.request(&pipeline, 2)).await;
            let row = rig.settled(&house, process).await;
            assert_eq!(
                (row.state, row.tally.succeeded, row.tally.total),
                (ProcessState::Succeeded, 3, 3),
                "after {after} commits: {kind:?}"
            );
            fired += faults.fired();
            rig.end().await;
        }
    }
    assert!(fired >= 40, "{fired} of 72 were met");
}

/// An engine that is not to outlast its store stops with it, as does one whose store is damaged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_wait_stops_with_its_store() {
    let pipeline = pipeline();
    let waits = StoreAway::Waits(None);
    let gone = Fault::Unavailable("gone".to_owned());
    let damaged = Fault::Corrupt("damaged".to_owned());
    for (away, fault, code) in [
        (StoreAway::Stops, gone, "CAR0705"),
        (waits, damaged, "CAR0706"),
    ] {
        let house = House::new();
        let faults = Faults::default();
        let rig = open(&house, &pipeline, &faults, away).await;
        faults.fail(Verb::Commit, 0, Kind::Refuse(fault.clone()));
        let engine = rig.engine.clone();
        let request = rig.request(&pipeline, 2);
        let ended = in_time("stopping", async move {
            let launched = engine.launch(request).await?;
            engine.wait(launched.process()).await
        });
        let error = ended.await.expect_err("it cannot go on");
        assert_eq!(error.code(), code, "{error}");
    }
}

/// What somebody asks of a process while the store goes away is done when the engine is back, and whoever asked hears of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_in_an_outage_is_done_after_it() {
    let waits = Pipeline::new("p")
        .entities_list(["a", "b"])
        .stage(Stage::new("stage").step(Step::wait("long", Duration::from_secs(3_600))))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let faults = Faults::default();
    let rig = open(&house, &waits, &faults, StoreAway::Waits(None)).await;
    let process = rig.launch(rig.request(&waits, 2)).await;
    let go = || {
        let gone = Fault::Unavailable("gone".to_owned());
        faults.fail(Verb::Commit, 0, Kind::Refuse(gone.clone()));
        faults.fail(Verb::Enter, 0, Kind::Refuse(gone));
    };
    go();
    let paused = in_time("pausing", rig.engine.pause(process)).await;
    paused.expect("it is paused");
    go();
    let resumed = in_time("resuming", rig.engine.resume(process)).await;
    resumed.expect("it goes on");
    go();
    let whole = Selection::Process(process);
    let cancelled = in_time("cancelling", rig.engine.cancel(whole, "enough")).await;
    cancelled.expect("it is cancelled");
    let row = rig.settled(&house, process).await;
    assert_eq!(
        (row.state, row.tally.cancelled),
        (ProcessState::Cancelled, 2)
    );
    assert!(faults.fired() >= 4, "{}", faults.fired());
    rig.end().await;
}
