//! Guard rails: a version that fails is refused until it is mended or somebody insists, and what has become slow is told.

use super::{Gates, in_time, launch, settled, told};
use crate::harness::{House, end};
use carril::event::{Event, Rail};
use carril::model::contract::Selection;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{
    Carril, EngineError, Input, Launch, LaunchOutcome, Pipeline, PipelineDefinition, Stage, Step,
    StepFailure,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Thirty lanes of which all fail as long as `broken` is set. The text makes versions.
fn thirty(broken: &Arc<AtomicBool>, text: &str) -> Pipeline {
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
        .description(text)
        .entities_list((0..30).map(|number| format!("e{number}")))
        .stage(Stage::new("s").step(Step::function("work", work)))
}

fn built(pipeline: Pipeline) -> PipelineDefinition {
    pipeline.build().expect("the pipeline is right")
}

async fn refused(carril: &Carril, pipeline: &PipelineDefinition) -> String {
    match in_time("refusing", carril.launch(pipeline, Launch::new())).await {
        Err(EngineError::Refused {
            code: "CAR0450",
            message,
        }) => message,
        other => panic!("{other:?}"),
    }
}

async fn answered(carril: &Carril, pipeline: &PipelineDefinition, with: Launch) -> LaunchOutcome {
    let answer = in_time("answering", carril.launch(pipeline, with)).await;
    answer.expect("it is answered")
}

async fn alert(
    events: &mut tokio::sync::broadcast::Receiver<Event>,
    wanted: Rail,
    about: Option<ProcessId>,
    text: &str,
) {
    let which = |event: &Event| {
        matches!(event, Event::Alert { rail, process, message, .. }
            if *rail == wanted && *process == about && message.contains(text))
    };
    told(events, text, which).await;
}

#[tokio::test]
async fn a_version_that_fails_is_refused_until_it_is_mended() {
    let broken = Arc::new(AtomicBool::new(false));
    let good = built(thirty(&broken, "good").never_abort());
    let bad = built(thirty(&broken, "bad").never_abort());
    let house = House::new();
    let carril = house.open(&[&good]).await;
    let mut events = carril.engine().events();
    let first = launch(&carril, &good, Launch::new()).await;
    settled(&house, &carril, first).await;
    broken.store(true, Ordering::Relaxed);
    let keyed = || Launch::new().idempotency_key("monday");
    let failed = launch(&carril, &bad, keyed()).await;
    let row = settled(&house, &carril, failed).await;
    assert_eq!(
        (row.state, row.tally.failed),
        (ProcessState::CompletedWithErrors, 30)
    );
    let version = good.plan().version().short().to_owned();
    let back = format!("go back to version {version}");
    alert(&mut events, Rail::BadVersion, Some(failed), &back).await;

    let message = refused(&carril, &bad).await;
    assert!(
        message.contains("30 of 30 executions") && message.ends_with(&back),
        "{message}"
    );
    alert(&mut events, Rail::BadVersion, None, &back).await;
    let repeated = answered(&carril, &bad, keyed()).await;
    assert_eq!(repeated, LaunchOutcome::Repeated(failed));

    // Who insists is obeyed; the other version is not touched by any of it.
    let insisting = launch(&carril, &bad, Launch::new().despite_failures()).await;
    settled(&house, &carril, insisting).await;
    refused(&carril, &bad).await;
    let other = launch(&carril, &good, Launch::new()).await;
    settled(&house, &carril, other).await;

    broken.store(false, Ordering::Relaxed);
    for process in [failed, insisting] {
        let again = carril
            .engine()
            .retry(Selection::Unsuccessful(process), None);
        again.await.expect("retries are allowed");
        settled(&house, &carril, process).await;
    }
    let mended = launch(&carril, &bad, Launch::new()).await;
    settled(&house, &carril, mended).await;
    end(&carril).await;
}

/// The one that runs answers for the launch, as its policy says, although its version would be refused.
#[tokio::test]
async fn a_process_that_runs_answers_for_a_launch_that_would_be_refused() {
    let broken = Arc::new(AtomicBool::new(true));
    let gates = Gates::new();
    let pipeline = thirty(&broken, "gated").never_abort();
    let pipeline = pipeline.stage(Stage::new("end").per_process().step(gates.step("end")));
    let pipeline = built(pipeline);
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("own/end", 1).await;
    let skipped = answered(&carril, &pipeline, Launch::new()).await;
    assert_eq!(skipped, LaunchOutcome::Skipped(process));
    gates.open("own/end");
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.tally.failed, 30, "what runs is finished");
    let message = refused(&carril, &pipeline).await;
    assert!(
        message.ends_with("no other version of this pipeline has succeeded yet"),
        "{message}"
    );
    end(&carril).await;
}

/// Nobody said when to give up: half of at least twenty is too many.
#[tokio::test]
async fn an_abort_is_told_with_its_numbers() {
    let broken = Arc::new(AtomicBool::new(true));
    let pipeline = built(thirty(&broken, "aborts").lanes(1));
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let mut events = carril.engine().events();
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let text =
        "lanes that are done so far failed, more than abort_when allows (50 % of at least 20)";
    alert(&mut events, Rail::AbortWhen, Some(process), text).await;
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Failed);
    assert!(
        row.tally.failed >= 20 && row.tally.cancelled >= 1,
        "{:?}",
        row.tally
    );
    assert!(row.reason.is_some_and(|reason| reason.ends_with(text)));
    end(&carril).await;
}

/// The second run is held until it has taken twice as long as the first, and then some.
#[tokio::test]
async fn a_run_that_is_slower_than_the_baseline_is_told() {
    let gates = Gates::new();
    let pipeline = Pipeline::new("p").entities_list(["a"]);
    let pipeline = built(pipeline.stage(Stage::new("s").step(gates.step("work"))));
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let mut events = carril.engine().events();
    let first = launch(&carril, &pipeline, Launch::new()).await;
    let early = carril.engine().set_baseline(first, "ada").await;
    assert!(
        early.is_err_and(|error| error.code() == "CAR0451"),
        "it runs"
    );
    gates.open("a/work");
    settled(&house, &carril, first).await;
    let kept = carril
        .engine()
        .set_baseline(first, "ada")
        .await
        .expect("it has ended");
    assert_eq!(
        (kept.process, kept.entities, kept.set_by.as_str()),
        (first, 1, "ada")
    );
    let told = carril.history().baselines(None, 9).await;
    assert_eq!(told, Ok(vec![kept.clone()]));

    let held = Gates::new();
    let slower = Pipeline::new("p")
        .description("slower")
        .entities_list(["a"]);
    let slower = built(slower.stage(Stage::new("s").step(held.step("work"))));
    end(&carril).await;
    let carril = house.open(&[&slower]).await;
    drop(events);
    events = carril.engine().events();
    let second = launch(&carril, &slower, Launch::new()).await;
    let row = carril.reader().process(second).await;
    let launched_at = row.expect("it is read").expect("it is there").launched_at;
    held.begun("a/work", 1).await;
    let late = launched_at.0 + 2 * kept.worked_micros;
    while carril::model::contract::Clock::now(&carril::SystemClock::default()).0 <= late {
        tokio::task::yield_now().await;
    }
    held.open("a/work");
    settled(&house, &carril, second).await;
    alert(&mut events, Rail::Baseline, Some(second), "the baseline").await;
    let engine = carril.engine();
    engine.clear_baseline("p").await.expect("there is one");
    let again = engine.clear_baseline("p").await;
    assert!(again.is_err_and(|error| error.code() == "CAR0452"));
    end(&carril).await;
}
