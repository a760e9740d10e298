//! Functions as the engine calls them: values in, outcome out.

use super::*;
use crate::{Pipeline, PipelineDefinition, Stage, Step};
use carril_model::execution::Context;
use carril_model::id::{StepId, Token};
use carril_model::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

/// Somebody who wants the attempt to stop at once, or never.
struct Asked(bool);

impl Cancellation for Asked {
    fn is_cancelled(&self) -> bool {
        self.0
    }

    fn cancelled(&self) -> Pending<'_, ()> {
        if self.0 {
            Box::pin(std::future::ready(()))
        } else {
            Box::pin(std::future::pending())
        }
    }

    fn shared(&self) -> Arc<dyn Cancellation> {
        Arc::new(Self(self.0))
    }
}

#[derive(Deserialize)]
struct Seen {
    entity: Entity,
    param: Params,
}

#[derive(Deserialize)]
struct Entity {
    key: String,
    size: i64,
}

#[derive(Deserialize)]
struct Params {
    date: String,
}

fn pipeline(step: Step) -> PipelineDefinition {
    Pipeline::new("p")
        .entities_given()
        .stage(Stage::new("s").step(step))
        .build()
        .expect("it is right")
}

async fn run_asked(step: Step, asked: bool) -> Result<StepDone, StepError> {
    let pipeline = pipeline(step);
    let plan = Arc::clone(pipeline.plan());
    let context = Context {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(3),
        entity_key: Some(Arc::from("F1")),
        params: Arc::new(
            json!({ "date": "2025-06-30" })
                .as_object()
                .cloned()
                .expect("an object"),
        ),
        entity: Arc::new(
            json!({ "size": 5 })
                .as_object()
                .cloned()
                .expect("an object"),
        ),
        outputs: BTreeMap::new(),
        plan: Arc::clone(&plan),
    };
    let call = StepCall {
        has_workspace: false,
        worked: Vec::new(),
        plan,
        step: StepId(0),
        attempt: 4,
        token: Token(1),
        first: true,
        context: Arc::new(context),
        deadline: Timestamp(0),
        locks: None,
    };
    let runner = pipeline
        .functions()
        .clone()
        .into_runners()
        .into_values()
        .next()
        .expect("it has one function");
    runner.run(&call, &Asked(asked)).await
}

async fn run(step: Step) -> Result<StepDone, StepError> {
    run_asked(step, false).await
}

#[tokio::test]
async fn values_go_in_and_an_output_comes_out() {
    async fn size(input: Input<Seen>) -> Result<Value, StepFailure> {
        assert_eq!(
            (input.process, input.execution, input.run, input.attempt),
            (ProcessId(1), ExecutionId(2), Run(3), 4)
        );
        assert_eq!(
            (
                input.entity_key.as_deref(),
                input.idempotency_key().as_str()
            ),
            (Some("F1"), "2.3.s.f")
        );
        let Seen { entity, param } = input.values;
        Ok(json!({ "key": entity.key, "twice": entity.size * 2, "date": param.date }))
    }
    let done = run(Step::function("f", size)).await.expect("it succeeds");
    assert_eq!(
        done.output,
        Some(json!({ "key": "F1", "twice": 10, "date": "2025-06-30" }))
    );
    let blocking = |input: Input<Seen>| Ok::<_, StepFailure>(input.values.entity.size + 1);
    let done = run(Step::function_blocking("f", blocking))
        .await
        .expect("it succeeds");
    assert_eq!(done.output, Some(json!(6)));
}

#[tokio::test]
async fn a_function_without_an_answer_has_no_output() {
    let done = run(Step::function("f", |_: Input| async { Ok(()) }))
        .await
        .expect("it succeeds");
    assert_eq!(done, StepDone::default());
}

#[tokio::test]
async fn values_that_do_not_fit_are_told_with_their_name() {
    #[derive(Debug, Deserialize)]
    struct Missing {
        #[expect(dead_code, reason = "it is only asked for")]
        nothing: String,
    }
    let error = run(Step::function("f", |_: Input<Missing>| async { Ok(()) }))
        .await
        .expect_err("it fails");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0519", ErrorClass::Permanent)
    );
    assert!(
        error.message.contains("missing field `nothing`"),
        "{error:?}"
    );
}

#[tokio::test]
async fn errors_are_permanent_unless_they_say_otherwise() {
    let parse = |_: Input| async { Ok("x".parse::<i64>()?) };
    let error = run(Step::function("f", parse)).await.expect_err("it fails");
    assert_eq!(
        (error.code.as_str(), error.class, error.message.as_str()),
        (
            "CAR0518",
            ErrorClass::Permanent,
            "invalid digit found in string"
        )
    );
    let busy = |_: Input| async { Err::<(), _>(StepFailure::transient("the service is busy")) };
    let error = run(Step::function("f", busy)).await.expect_err("it fails");
    assert_eq!(
        (error.code.as_str(), error.class, error.message.as_str()),
        ("CAR0518", ErrorClass::Transient, "the service is busy")
    );
}

#[test]
fn an_error_brings_its_causes_along() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::num::ParseIntError);
    let failure = StepFailure::from(Outer("x".parse::<i64>().expect_err("no number")));
    assert_eq!(failure.message, "outer: invalid digit found in string");
}

#[tokio::test]
async fn an_output_has_a_bound() {
    let error = run(Step::function("f", |_: Input| async {
        Ok("x".repeat(OUTPUT_BYTES_MAX))
    }))
    .await
    .expect_err("it fails");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0508", ErrorClass::Permanent)
    );
}

#[tokio::test]
async fn a_function_hears_that_it_should_stop() {
    async fn patient(input: Input) -> Result<bool, StepFailure> {
        input.cancel.cancelled().await;
        Ok(input.cancel.is_cancelled())
    }
    let done = run_asked(Step::function("f", patient), true)
        .await
        .expect("it ends");
    assert_eq!(done.output, Some(json!(true)));
}

#[tokio::test]
async fn a_panic_reaches_the_engine_from_either_kind() {
    for step in [
        Step::function("f", |_: Input| async {
            if true { panic!("out of luck") } else { Ok(()) }
        }),
        Step::function_blocking("f", |_: Input| -> Result<(), StepFailure> {
            panic!("out of luck")
        }),
    ] {
        let panic = futures_catch(run(step)).await.expect_err("it panics");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"out of luck"));
    }
}

/// Polls on a task of its own, which catches a panic as the engine does.
async fn futures_catch<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> std::thread::Result<T> {
    tokio::spawn(work)
        .await
        .map_err(tokio::task::JoinError::into_panic)
}

#[test]
fn values_have_the_shape_that_expressions_see() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Whole(Value);
    #[derive(Debug, PartialEq, Deserialize)]
    struct Chosen {
        entity: BTreeMap<String, Option<Value>>,
        run: Option<u8>,
        nothing: Option<String>,
    }

    let step = Step::function("f", async |_: Input| Ok::<(), StepFailure>(()));
    let mut context = Context {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(3),
        entity_key: Some(Arc::from("F1")),
        params: Arc::new(object(json!({ "date": "2025-06-30" }))),
        entity: Arc::new(object(json!({ "note": null, "list": [1, "b"] }))),
        outputs: BTreeMap::from([(StepId(0), json!({ "rows": 7 }))]),
        plan: Arc::clone(pipeline(step).plan()),
    };
    let whole: Whole = values::read(&context).expect("anything is a value");
    assert_eq!(whole, Whole(context.for_expressions()));
    let chosen: Chosen = values::read(&context).expect("it has these");
    assert_eq!((chosen.run, chosen.nothing), (Some(3), None));
    assert_eq!(chosen.entity["note"], None);
    assert_eq!(chosen.entity["key"], Some(json!("F1")));

    context.entity = Arc::new(object(json!({ "key": "mine" })));
    let seen: Value = values::read(&context).expect("anything is a value");
    assert_eq!(
        seen,
        context.for_expressions(),
        "an attribute goes before the key"
    );
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}
