//! Retry and rollback through the library's engine.

use crate::harness::{House, end, executions, run, settled, states};
use crate::sql::{SUM, WAREHOUSE, values};
use carril::model::contract::{Answer, Clock as _, Selection, Wish};
use carril::model::state::{ExecutionState, ProcessState};
use carril::{Input, Launch, Pipeline, Retry, Stage, Step, StepFailure, SystemClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

#[tokio::test]
async fn a_retry_goes_on_from_the_step_that_failed() {
    let broken = Arc::new(AtomicBool::new(true));
    let firsts = Arc::new(AtomicU32::new(0));
    let (fails, counted) = (Arc::clone(&broken), Arc::clone(&firsts));
    let first = move |_: Input| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, StepFailure>(1) }
    };
    let second = move |input: Input| {
        let fails = fails.load(Ordering::Relaxed) && input.entity_key.as_deref() == Some("b");
        async move {
            if fails {
                Err(StepFailure::permanent("not yet"))
            } else {
                Ok(())
            }
        }
    };
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b", "c"])
        .default_retry(Retry::never())
        .stage(
            Stage::new("s")
                .step(Step::function("first", first))
                .step(Step::function("second", second)),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    assert_eq!(outcome.process.state, ProcessState::CompletedWithErrors);
    assert_eq!(
        states(&carril, outcome.process.id).await,
        "a succeeded, b failed, c succeeded"
    );

    broken.store(false, Ordering::Relaxed);
    let selection = Selection::Unsuccessful(outcome.process.id);
    let preview = carril
        .engine()
        .retry_preview(&selection, None)
        .await
        .expect("it can be retried");
    assert_eq!(
        preview
            .iter()
            .map(|preview| (preview.executions, preview.steps_kept))
            .collect::<Vec<_>>(),
        [(1, 1)]
    );
    carril
        .engine()
        .retry(selection, None)
        .await
        .expect("it is retried");
    let row = settled(&carril, outcome.process.id).await;
    assert_eq!(
        (row.state, row.tally.succeeded, row.tally.failed),
        (ProcessState::Succeeded, 3, 0)
    );
    assert_eq!(
        firsts.load(Ordering::Relaxed),
        3,
        "the first step of the lane that failed was not done again"
    );
    end(&carril).await;
}

/// One fund of a finished process is undone, and nobody else's rows are; a retry brings it back as it was.
#[tokio::test]
async fn a_rollback_removes_one_lanes_rows_and_a_retry_brings_them_back() {
    let house = House::with_warehouse(WAREHOUSE);
    let pipeline = values(&house);
    let carril = house.open(&[]).await;
    let earlier = run(
        &carril,
        &pipeline,
        Launch::new().set("day", "2025-06-30").set("factor", 1),
    )
    .await;
    assert_eq!(earlier.process.state, ProcessState::Succeeded);
    let outcome = run(&carril, &pipeline, Launch::new().set("day", "2025-06-30")).await;
    assert_eq!(house.text(SUM), "F1=22.0 F2=40.0 F4=81.0");
    let rows = executions(&carril, outcome.process.id).await;
    let second = rows
        .iter()
        .find(|row| row.entity.as_deref() == Some("F2"))
        .expect("F2 ran");

    let selection = Selection::Executions(vec![second.id]);
    let preview = carril
        .engine()
        .rollback_preview(&selection)
        .await
        .expect("it can be rolled back");
    let report = carril
        .engine()
        .roll_back(selection.clone())
        .await
        .expect("it is rolled back");
    assert_eq!(format!("{:?}", preview.rows), format!("{:?}", report.rows));
    assert_eq!(
        house.text(SUM),
        "F1=22.0 F2=20.0 F4=81.0",
        "what stood there before is seen again"
    );
    let states_now = states(&carril, outcome.process.id).await;
    assert!(
        states_now.contains("F1 succeeded")
            && states_now.contains("F2 rolled_back")
            && states_now.contains("F4 succeeded"),
        "{states_now}"
    );

    // The process's own stage counts again, without what was removed.
    settled(&carril, outcome.process.id).await;
    assert_eq!(house.text("select value from totals"), "123");

    carril
        .engine()
        .retry(selection, None)
        .await
        .expect("it runs again");
    let row = settled(&carril, outcome.process.id).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(house.text(SUM), "F1=22.0 F2=40.0 F4=81.0");
    assert_eq!(house.text("select value from totals"), "143");
    end(&carril).await;
}

#[tokio::test]
async fn a_cancelled_process_settles_and_says_why() {
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b", "c"])
        .lanes(1)
        .stage(
            Stage::new("s").step(Step::function("wait", |input: Input| async move {
                input.cancel.cancelled().await;
                Err::<(), _>(StepFailure::permanent("stopped"))
            })),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let carril = house.open(&[&pipeline]).await;
    let process = carril
        .launch(&pipeline, Launch::new())
        .await
        .expect("it is launched")
        .process();
    carril
        .engine()
        .cancel(Selection::Process(process), "enough")
        .await
        .expect("it is cancelled");
    let row = settled(&carril, process).await;
    assert_eq!(
        (row.state, row.tally.cancelled, row.reason.as_deref()),
        (ProcessState::Cancelled, 3, Some("enough"))
    );
    let rows = executions(&carril, process).await;
    assert!(
        rows.iter()
            .all(|row| row.state == ExecutionState::Cancelled),
        "{rows:?}"
    );
    end(&carril).await;
}

/// What another program wishes is found in the store, done, and answered.
#[tokio::test]
async fn a_wish_of_another_program_is_done_and_answered() {
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b"])
        .stage(
            Stage::new("s").step(Step::function("wait", |input: Input| async move {
                input.cancel.cancelled().await;
                Err::<(), _>(StepFailure::permanent("stopped"))
            })),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::new();
    let options = house
        .options()
        .pipeline(&pipeline)
        .requests_every(Some(Duration::from_millis(5)));
    let carril = carril::open(options).await.expect("the store opens");
    let process = carril
        .launch(&pipeline, Launch::new())
        .await
        .expect("it is launched")
        .process();

    let other = carril::read("carril.db", house.path(), &carril::no_references())
        .await
        .expect("anybody may read");
    let wish = Wish::Cancel {
        selection: Selection::Process(process),
        reason: "another program said so".to_owned(),
    };
    let now = SystemClock::new().now();
    let request = other
        .mailbox()
        .post(&wish, now)
        .await
        .expect("the wish is left");
    let row = settled(&carril, process).await;
    assert_eq!(
        (row.state, row.reason.as_deref()),
        (ProcessState::Cancelled, Some("another program said so"))
    );
    // The answer is written after the wish was carried out.
    let mut answer = None;
    while answer.is_none() {
        tokio::task::yield_now().await;
        answer = other
            .mailbox()
            .answer_of(request)
            .await
            .expect("the answer is read");
    }
    let Some(Answer::Accepted { processes, .. }) = answer else {
        panic!("it was accepted: {answer:?}")
    };
    assert_eq!(processes, [process]);
    end(&carril).await;
}
