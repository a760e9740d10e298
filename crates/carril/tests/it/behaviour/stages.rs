//! Stages of lanes and of the process in turn, fallbacks, and lanes with nothing to do.

use super::{Gates, in_time, launch, of, settled};
use crate::harness::{House, end, states};
use carril::model::contract::Selection;
use carril::model::state::{ExecutionState, ProcessState};
use carril::{Input, Launch, Pipeline, Stage, Step, StepFailure};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn stages_of_the_process_stand_between_those_of_the_lanes() {
    let order: Arc<Mutex<Vec<String>>> = Arc::default();
    let noting = |step: &'static str| {
        let order = Arc::clone(&order);
        Step::function(step, move |input: Input| {
            let who = input.entity_key.unwrap_or_else(|| "own".to_owned());
            order
                .lock()
                .expect("nobody panics with it")
                .push(format!("{who}/{step}"));
            let fails = who == "c" && step == "one";
            async move {
                if fails {
                    Err(StepFailure::permanent("no"))
                } else {
                    Ok(())
                }
            }
        })
    };
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b", "c"])
        .lanes(1)
        .stage(Stage::new("before").per_process().step(noting("zero")))
        .stage(Stage::new("first").step(noting("one")))
        .stage(Stage::new("middle").per_process().step(noting("two")))
        .stage(Stage::new("last").step(noting("three")))
        .stage(Stage::new("after").per_process().step(noting("four")))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::CompletedWithErrors);
    let all = "own/zero a/one b/one c/one own/two a/three b/three own/four";
    assert_eq!(
        order.lock().expect("nobody panics with it").join(" "),
        all,
        "with one lane the order is certain"
    );
    end(&carril).await;
}

/// A stage that stands before what failed is not run again with it.
#[tokio::test]
async fn a_retry_leaves_the_process_stages_before_it_alone() {
    let broken = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&broken);
    let gates = Gates::new();
    let work = move |input: Input| {
        let fails = fails.load(Ordering::Relaxed) && input.entity_key.as_deref() == Some("a");
        async move {
            if fails {
                Err(StepFailure::permanent("no"))
            } else {
                Ok(())
            }
        }
    };
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b"])
        .stage(Stage::new("before").per_process().step(Step::noop("own")))
        .stage(
            Stage::new("lanes")
                .step(Step::function("work", work))
                .step(gates.step("gate")),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("b/gate", 1).await;
    let failed = async {
        while states(&carril, process).await != "own succeeded, a failed, b running" {
            tokio::task::yield_now().await;
        }
    };
    in_time("failing", failed).await;

    // While b still runs, a is tried again.
    broken.store(false, Ordering::Relaxed);
    let a = of(&carril, process, "a").await;
    let selection = Selection::Executions(vec![a]);
    let preview = carril.engine().retry_preview(&selection, None).await;
    assert!(!preview.expect("it can be retried")[0].process_stages);
    carril
        .engine()
        .retry(selection, None)
        .await
        .expect("it is retried");
    gates.open("a/gate");
    gates.open("b/gate");
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);

    // Undoing a lane undoes nothing of what came before it either.
    let b = of(&carril, process, "b").await;
    let report = carril.engine().roll_back(Selection::Executions(vec![b]));
    let report = in_time("rolling back", report).await.expect("it is undone");
    assert!(!report.process_stages);
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.own_state, Some(ExecutionState::Succeeded));
    let own = carril
        .history()
        .execution(row.own.expect("it has one"))
        .await
        .expect("the history is read")
        .expect("it is there");
    assert_eq!(own.run.0, 1, "it never ran again");
    end(&carril).await;
}

#[tokio::test]
async fn a_fallback_step_runs_only_after_a_failure() {
    let no = |_: Input| async { Err::<(), _>(StepFailure::permanent("no")) };
    let works = |input: Input| async move { Ok::<_, StepFailure>(input.entity_key) };
    let pipeline = Pipeline::new("p")
        .entities_list(["a"])
        .stage(
            Stage::new("s")
                .step(Step::function("fails", no).fallback_step("second"))
                .step(Step::function("second", no).fallback_step("third"))
                .step(Step::function("third", works))
                .step(Step::function("fine", works).fallback_step("unneeded"))
                .step(Step::function("unneeded", no)),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    let a = of(&carril, process, "a").await;
    let attempts = carril
        .history()
        .attempts(a, None)
        .await
        .expect("the history is read");
    let told: Vec<String> = attempts
        .iter()
        .map(|attempt| format!("{} {}", attempt.step, attempt.state))
        .collect();
    assert_eq!(
        told.join(", "),
        "fails failed, second failed, third succeeded, fine succeeded"
    );
    end(&carril).await;
}

#[tokio::test]
async fn lanes_with_nothing_to_do_are_skipped_and_the_process_succeeds() {
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b"])
        .stage(
            Stage::new("s")
                .step(Step::noop("one").when("false"))
                .step(Step::noop("two").when("false")),
        )
        .stage(Stage::new("t").when("1 > 2").step(Step::noop("three")))
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    let row = settled(&house, &carril, process).await;
    assert_eq!((row.state, row.tally.skipped), (ProcessState::Succeeded, 2));
    assert_eq!(states(&carril, process).await, "a skipped, b skipped");
    end(&carril).await;
}
