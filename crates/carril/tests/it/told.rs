//! `why` and the outline over a running engine, asked through the store as another program would.

use crate::harness::{House, PATIENCE, end, executions, run, settled};
use crate::sql::{WAREHOUSE, values};
use carril::model::contract::Clock as _;
use carril::model::id::ProcessId;
use carril::model::time::Timestamp;
use carril::{
    Carril, Input, Launch, Pipeline, Reader, Retry, Stage, Step, StepFailure, Subject, SystemClock,
    Why,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

fn now() -> Timestamp {
    SystemClock::new().now()
}

/// Asks until the answer is what it must become; the engine writes causes down within 100 ms.
async fn until(reader: &Reader, subject: &Subject, wanted: impl Fn(&Why) -> bool) -> Why {
    let started = std::time::Instant::now();
    loop {
        let why = carril::why(reader, subject, now())
            .await
            .expect("there is an answer");
        if wanted(&why) {
            return why;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "it never becomes true; now it is {why:#?}"
        );
        tokio::task::yield_now().await;
    }
}

/// `F1` runs, `F2` waits for the slot that it holds, `F3` has no lane.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_is_told_link_by_link_while_the_engine_runs() {
    let house = House::new();
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let wait = move |_: Input| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await?.forget();
            Ok::<(), StepFailure>(())
        }
    };
    let pipeline = Pipeline::new("waits")
        .entities_list(["F1", "F2", "F3"])
        .lanes(2)
        .resource("geneva", 1)
        .stage(Stage::new("s").step(Step::function("wait", wait).resource("geneva")))
        .build()
        .expect("the pipeline is right");
    let carril = house.open(&[&pipeline]).await;
    let process = carril
        .launch(&pipeline, Launch::new())
        .await
        .expect("it is launched")
        .process();
    let reader = carril::read("carril.db", house.path(), &carril::no_references())
        .await
        .expect("anybody may read");
    let entity = |key: &str| Subject::Entity(key.to_owned());

    // Either of the first two lanes may have come first to the slot.
    let running = |why: &Why| why.sentence.contains("runs `s/wait` since");
    let first = until(&reader, &entity("F1"), |why| {
        running(why) || why.sentence.contains("held by F2")
    })
    .await;
    let (holder, waiter) = if running(&first) {
        ("F1", "F2")
    } else {
        ("F2", "F1")
    };
    let holding = until(&reader, &entity(holder), running).await;
    assert_eq!(holding.chain.len(), 1, "{holding:#?}");
    let held = format!("for a slot of `geneva` (1 slot), held by {holder} (`s/wait` since");
    let waiting = until(&reader, &entity(waiter), |why| why.sentence.contains(&held)).await;
    let links: Vec<_> = waiting
        .chain
        .iter()
        .map(|link| (link.entity.as_deref(), link.cause))
        .collect();
    assert_eq!(links, [(Some(waiter), "slot"), (Some(holder), "running")]);
    let third = until(&reader, &entity("F3"), |why| why.chain[0].cause == "queued").await;
    assert!(third.sentence.contains("waits for a"), "{third:#?}");
    let whole = until(&reader, &Subject::Number(process.0), |why| {
        why.chain.len() > 1
    })
    .await;
    assert!(
        whole.sentence.contains("0 of 3 executions are through"),
        "{whole:#?}"
    );

    gate.add_permits(3);
    settled(&carril, process).await;
    let over = carril::why(&reader, &entity("F3"), now())
        .await
        .expect("there is an answer");
    assert!(
        over.sentence.contains("succeeded") && over.chain[0].cause == "settled",
        "{over:#?}"
    );
    let unknown = carril::why(&reader, &entity("nobody"), now())
        .await
        .expect_err("there is none");
    assert_eq!(unknown.code(), "CAR0416");
    end(&carril).await;
}

#[tokio::test]
async fn a_failure_is_told_with_its_step_and_error() {
    let house = House::new();
    let fail = |_: Input| async { Err::<(), _>(StepFailure::permanent("there is no price")) };
    let pipeline = Pipeline::new("fails")
        .entities_list(["F1"])
        .default_retry(Retry::never())
        .stage(Stage::new("s").step(Step::function("price", fail)))
        .build()
        .expect("the pipeline is right");
    let carril = house.open(&[&pipeline]).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    let why = carril::why(
        carril.reader(),
        &Subject::Number(outcome.process.id.0),
        now(),
    )
    .await
    .expect("there is an answer");
    assert!(
        why.sentence
            .contains("with errors: 1 of 1 execution failed; the first is execution"),
        "{why:#?}"
    );
    assert!(
        why.chain[1]
            .sentence
            .contains("at `s/price`: there is no price [CAR0518]"),
        "{why:#?}"
    );
    let json = serde_json::to_value(&why).expect("it is plain data");
    assert_eq!(json["chain"][1]["entity"], "F1");
    end(&carril).await;
}

#[tokio::test]
async fn without_an_engine_an_unfinished_execution_says_so() {
    let house = House::new();
    let pipeline = Pipeline::new("hangs")
        .entities_list(["F1"])
        .stage(Stage::new("s").step(Step::function("hang", |_: Input| {
            std::future::pending::<Result<(), StepFailure>>()
        })))
        .build()
        .expect("the pipeline is right");
    let carril = house.open(&[&pipeline]).await;
    let process = carril
        .launch(&pipeline, Launch::new())
        .await
        .expect("it is launched")
        .process();
    carril
        .shutdown(std::time::Duration::ZERO)
        .await
        .expect("the engine ends");
    let reader = carril::read("carril.db", house.path(), &carril::no_references())
        .await
        .expect("anybody may read");
    let execution = own_executions(&carril, process).await;
    let why = carril::why(&reader, &Subject::Number(execution), now())
        .await
        .expect("there is an answer");
    assert!(
        why.sentence
            .contains("is pending and no engine has the store open"),
        "{why:#?}"
    );
}

async fn own_executions(carril: &Carril, process: ProcessId) -> i64 {
    executions(carril, process).await[0].id.0
}

#[tokio::test]
async fn an_outline_shows_what_is_going_to_be_done_and_for_whom() {
    let house = House::with_warehouse(WAREHOUSE);
    let pipeline = values(&house);
    let carril = house.open(&[]).await;
    let outline = serde_json::to_value(carril::outline(pipeline.plan())).expect("it is plain data");
    let stages: Vec<String> = outline["segments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|segment| {
            let names: Vec<&str> = segment["stages"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(|stage| stage["name"].as_str())
                .collect();
            format!(
                "{}: {}",
                segment["per"].as_str().unwrap_or_default(),
                names.join(" ")
            )
        })
        .collect();
    assert_eq!(stages, ["entity: work publish", "process: close"]);
    assert_eq!(
        outline["segments"][0]["stages"][0]["steps"][1]["when"],
        "entity.flag"
    );
    assert_eq!(
        outline["segments"][0]["stages"][1]["steps"][0]["what"],
        "rows into rows_history"
    );
    assert_eq!(outline["targets"], serde_json::json!(["warehouse"]));

    let params = carril::model::load::parameters(
        pipeline.plan().definition(),
        &BTreeMap::from([("day".to_owned(), "2025-06-30".to_owned())]),
    );
    let params = params.expect("they fit");
    let urls = BTreeMap::from([("warehouse".to_owned(), "sqlite:warehouse.db".to_owned())]);
    let preview = carril::entities(pipeline.plan(), &params, carril.targets(), &urls, 2)
        .await
        .expect("the query runs");
    assert_eq!(preview.count, Some(3));
    assert_eq!(
        preview
            .sample
            .iter()
            .map(|row| (row.key.as_str(), row.attributes["flag"].as_i64()))
            .collect::<Vec<_>>(),
        [("F1", Some(1)), ("F2", Some(0))]
    );
    let nowhere = carril::entities(
        pipeline.plan(),
        &params,
        carril.targets(),
        &BTreeMap::new(),
        2,
    )
    .await
    .expect_err("nobody said where");
    assert_eq!(nowhere.code(), "CAR0408");
    end(&carril).await;
}
