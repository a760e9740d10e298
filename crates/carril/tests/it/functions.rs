//! Pipelines of Rust functions: what they get, what they give on, and that one lane's misfortune is its own.

use crate::harness::{House, end, executions, run, states};
use carril::model::contract::EntityRow;
use carril::model::state::{ExecutionState, ProcessState};
use carril::{Input, Launch, Parameter, Pipeline, Retry, Stage, Step, StepFailure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn entity(key: &str, attributes: &Value) -> EntityRow {
    EntityRow {
        key: key.to_owned(),
        attributes: attributes
            .as_object()
            .cloned()
            .expect("attributes are an object"),
    }
}

#[tokio::test]
async fn outputs_go_from_step_to_step_and_skipped_steps_say_why() {
    #[derive(Deserialize)]
    struct Seen {
        entity: Fund,
        param: Params,
    }
    #[derive(Deserialize)]
    struct Fund {
        price: f64,
    }
    #[derive(Deserialize)]
    struct Params {
        factor: i64,
    }
    #[derive(Serialize)]
    struct Valued {
        value: f64,
    }
    #[derive(Deserialize)]
    struct Steps {
        steps: Named,
    }
    #[derive(Deserialize)]
    struct Named {
        value: Outcome,
    }
    #[derive(Deserialize)]
    struct Outcome {
        value: f64,
    }
    async fn value(input: Input<Seen>) -> Result<Valued, StepFailure> {
        Ok(Valued {
            value: input.values.entity.price * input.values.param.factor as f64,
        })
    }
    let report = |input: Input<Steps>| {
        Ok::<_, StepFailure>(format!(
            "{}: {}",
            input.entity_key.unwrap_or_default(),
            input.values.steps.value.value
        ))
    };
    let pipeline = Pipeline::new("values")
        .param("factor", Parameter::integer().default(2))
        .stage(
            Stage::new("work")
                .step(Step::function("value", value))
                .step(Step::function_blocking("report", report)),
        )
        .stage(
            Stage::new("extra")
                .when("entity.price > 15")
                .step(Step::noop("nothing")),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let entities = vec![
        entity("A", &json!({ "price": 10.5 })),
        entity("B", &json!({ "price": 20.0 })),
    ];
    let outcome = run(
        &carril,
        &pipeline,
        Launch::new().set("factor", 3).entities(entities),
    )
    .await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded);
    assert_eq!(
        outcome.process.params,
        *json!({ "factor": 3 }).as_object().expect("an object")
    );
    let first = executions(&carril, outcome.process.id).await.remove(0);
    let attempts = carril
        .history()
        .attempts(first.id, None)
        .await
        .expect("the history is read");
    let told: Vec<String> = attempts
        .iter()
        .map(|attempt| {
            let output = attempt
                .output
                .as_ref()
                .map_or_else(String::new, |output| format!(" {output}"));
            let reason = attempt
                .reason
                .as_ref()
                .map_or_else(String::new, |reason| format!(" {reason}"));
            format!(
                "{}/{} {}{output}{reason}",
                attempt.stage, attempt.step, attempt.state
            )
        })
        .collect();
    assert_eq!(told[0], r#"work/value succeeded {"value":31.5}"#);
    assert_eq!(told[1], r#"work/report succeeded "A: 31.5""#);
    assert!(
        told[2].starts_with("extra/nothing skipped") && told[2].contains("entity.price > 15"),
        "{told:?}"
    );
    end(&carril).await;
}

/// One lane panics, one hangs beyond its time, one blocks its thread and ignores every wish, one fails: ninety-six others
/// do not notice, and each misfortune is told by its code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn misfortunes_stay_in_their_lane() {
    async fn work(input: Input) -> Result<u32, StepFailure> {
        match input.entity_key.as_deref() {
            Some("7") => panic!("out of luck"),
            Some("11") => std::future::pending().await,
            Some("13") => Err(StepFailure::permanent("no")),
            _ => Ok(1),
        }
    }
    let (free, freed) = std::sync::mpsc::channel::<()>();
    let freed = std::sync::Mutex::new(freed);
    let stubborn = move |input: Input| -> Result<(), StepFailure> {
        if input.entity_key.as_deref() == Some("17") {
            // Ends when the test drops the other end: a thread that nobody can stop, for as long as the lane could be harmed.
            let _ = freed.lock().expect("nobody panics with it").recv();
        }
        Ok(())
    };
    let pipeline = Pipeline::new("unlucky")
        .entities_list((0..100).map(|number| number.to_string()))
        .lanes(10)
        .default_timeout(Duration::from_millis(300))
        .default_retry(Retry::never())
        .stage(
            Stage::new("work")
                .step(Step::function("work", work))
                .step(Step::function_blocking("stubborn", stubborn)),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    drop(free);
    assert_eq!(outcome.process.state, ProcessState::CompletedWithErrors);
    assert_eq!(
        (
            outcome.process.tally.succeeded,
            outcome.process.tally.failed
        ),
        (96, 4)
    );
    let mut codes: Vec<String> = Vec::new();
    for row in executions(&carril, outcome.process.id).await {
        if row.state == ExecutionState::Failed {
            let error = row.error.expect("a failed execution has an error");
            codes.push(format!("{} {}", row.entity.unwrap_or_default(), error.code));
        }
    }
    assert_eq!(
        codes,
        ["7 CAR0506", "11 CAR0515", "13 CAR0518", "17 CAR0515"]
    );
    end(&carril).await;
}

#[tokio::test]
async fn a_transient_failure_is_tried_again_and_a_fallback_says_so() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let shaky = move |_: Input| {
        let counted = Arc::clone(&counted);
        async move {
            if counted.fetch_add(1, Ordering::Relaxed) < 2 {
                Err(StepFailure::transient("busy"))
            } else {
                Ok("there")
            }
        }
    };
    let broken = |_: Input| async { Err::<(), _>(StepFailure::permanent("broken")) };
    let millisecond = Duration::from_millis(1);
    let pipeline = Pipeline::new("shaky")
        .entities_list(["one"])
        .default_retry(Retry::transient(3).backoff(millisecond, millisecond))
        .stage(
            Stage::new("work")
                .step(Step::function("shaky", shaky))
                .step(Step::function("broken", broken).fallback("instead"))
                .step(Step::function("ignored", broken).not_critical()),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded);
    assert_eq!(tries.load(Ordering::Relaxed), 3);
    let row = executions(&carril, outcome.process.id).await.remove(0);
    assert_eq!(row.warnings, 1);
    let attempts = carril
        .history()
        .attempts(row.id, None)
        .await
        .expect("the history is read");
    let shaky: Vec<&str> = attempts
        .iter()
        .filter(|attempt| attempt.step == "shaky")
        .map(|attempt| attempt.state.name())
        .collect();
    assert_eq!(shaky, ["failed", "failed", "succeeded"]);
    let broken: Vec<_> = attempts
        .iter()
        .filter(|attempt| attempt.step == "broken")
        .collect();
    let last = broken.last().expect("it was tried");
    assert_eq!(
        (last.fallback, last.output.clone()),
        (true, Some(json!("instead")))
    );
    end(&carril).await;
}

#[tokio::test]
async fn a_launch_says_what_is_wrong_with_it() {
    let pipeline = Pipeline::new("p")
        .param("day", Parameter::date())
        .entities_list(["a", "b"])
        .stage(Stage::new("s").step(Step::noop("n")))
        .build();
    let pipeline = pipeline.expect("the pipeline is right");
    let named = Pipeline::new("named")
        .entities_list(["a"])
        .stage(Stage::new("s").step(Step::function_named("n", "nobody")))
        .build();
    let named = named.expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let code = async |pipeline, launch| {
        carril
            .run(pipeline, launch)
            .await
            .expect_err("it is refused")
            .code()
            .to_owned()
    };
    assert_eq!(code(&pipeline, Launch::new()).await, "CAR0402");
    assert_eq!(
        code(&pipeline, Launch::new().set("day", "tomorrow")).await,
        "CAR0401"
    );
    assert_eq!(
        code(
            &pipeline,
            Launch::new().set("day", "2025-06-30").only(["c"])
        )
        .await,
        "CAR0403"
    );
    assert_eq!(
        code(
            &pipeline,
            Launch::new().set("day", "2025-06-30").except(["a", "b"])
        )
        .await,
        "CAR0403"
    );
    assert_eq!(code(&named, Launch::new()).await, "CAR0512");
    let outcome = run(
        &carril,
        &pipeline,
        Launch::new().set("day", "2025-06-30").except(["a"]),
    )
    .await;
    assert_eq!(states(&carril, outcome.process.id).await, "b succeeded");
    end(&carril).await;
}
