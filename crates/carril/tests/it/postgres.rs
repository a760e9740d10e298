//! Engines on a store on PostgreSQL: whole pipelines, two engines at once, and one that takes over from another that is dead.

use crate::harness::{end, executions, run, settled, states};
use carril::model::contract::EntityRow;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{
    Carril, Input, Launch, OpenError, OpenOptions, Pipeline, PipelineDefinition, Stage, Step,
    StepFailure,
};
use carril_testkit::postgres::{Cluster, Database};
use serde::de::IgnoredAny;
use serde_json::Map;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn entities(many: u32) -> Vec<EntityRow> {
    let row = |number| EntityRow {
        key: format!("E{number}"),
        attributes: Map::new(),
    };
    (1..=many).map(row).collect()
}

/// Two stages for each entity, with a stage for the process between them.
fn pipeline(name: &str) -> PipelineDefinition {
    let told = |input: Input<IgnoredAny>| {
        Ok::<_, StepFailure>(input.entity_key.unwrap_or_else(|| "all".to_owned()))
    };
    let stage = |name: &str| {
        let step = Step::function_blocking(format!("{name}-tell"), told);
        Stage::new(name).step(step)
    };
    Pipeline::new(name)
        .stage(stage("first"))
        .stage(stage("between").per_process())
        .stage(stage("last"))
        .build()
        .expect("the pipeline is right")
}

async fn open(database: &Database, pipeline: &PipelineDefinition) -> Carril {
    open_with(database, pipeline, None).await
}

/// The same with so many lanes at once.
async fn open_with(
    database: &Database,
    pipeline: &PipelineDefinition,
    lanes: Option<u32>,
) -> Carril {
    let url = database.url();
    // The URL's secret part is a reference, as a settings file would have it.
    let (before, after) = url.split_once('@').expect("a user and a host");
    let host = after.to_owned();
    let options = OpenOptions::new(format!("{before}@${{env:PLACE}}"))
        .folder(env!("CARGO_TARGET_TMPDIR"))
        .lookup(Arc::new(move |name| {
            (name == "PLACE").then(|| host.clone())
        }))
        .lanes(lanes)
        .pipeline(pipeline);
    carril::open(options).await.expect("the store opens")
}

#[tokio::test]
async fn a_pipeline_runs_and_is_told() {
    let database = Cluster::get().database();
    let pipeline = pipeline("whole");
    let carril = open(&database, &pipeline).await;
    for round in 1..=2 {
        let launch = Launch::new().entities(entities(3));
        let outcome = run(&carril, &pipeline, launch).await;
        assert_eq!(
            outcome.process.state,
            ProcessState::Succeeded,
            "round {round}"
        );
        let told = "own succeeded, E1 succeeded, E2 succeeded, E3 succeeded";
        assert_eq!(states(&carril, outcome.process.id).await, told);
        let first = executions(&carril, outcome.process.id).await.remove(1);
        let attempts = carril.history().attempts(first.id, None).await;
        let attempts = attempts.expect("the history is read");
        let outputs: Vec<_> = attempts
            .iter()
            .filter_map(|one| one.output.clone())
            .collect();
        assert_eq!(outputs, ["E1", "E1"]);
        assert_eq!(
            first
                .account
                .total_micros(first.ended_at.expect("it ended")),
            first
                .ended_at
                .expect("it ended")
                .micros_since(first.launched_at)
        );
    }
    end(&carril).await;
}

/// Each engine launches and works off its own; neither is in the other's way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_share_a_store() {
    let database = Cluster::get().database();
    let (one, other) = (pipeline("one"), pipeline("other"));
    let (first, second) = (open(&database, &one).await, open(&database, &other).await);
    for _ in 0..3 {
        let launch = || Launch::new().entities(entities(25));
        let (mine, theirs) =
            tokio::join!(run(&first, &one, launch()), run(&second, &other, launch()));
        for outcome in [&mine, &theirs] {
            assert_eq!(outcome.process.state, ProcessState::Succeeded);
            assert_eq!(outcome.process.tally.succeeded, 25);
        }
        assert_ne!(mine.process.id, theirs.process.id);
    }
    end(&first).await;
    end(&second).await;
}

/// Two engines work off one process: one launches it and is kept busy by its lanes, the other takes it up and does the rest. Every
/// lane's step is done once, by one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_work_off_one_process() {
    let database = Cluster::get().database();
    let (gate, opened) = tokio::sync::watch::channel(false);
    let gate = Arc::new(gate);
    let done: Arc<[Mutex<Vec<String>>; 2]> = Arc::default();
    // The first engine's steps wait until the second has done all that the first does not hold.
    let slow = {
        let done = Arc::clone(&done);
        move |input: Input<IgnoredAny>| {
            let (done, mut opened) = (Arc::clone(&done), opened.clone());
            async move {
                let waited = opened.wait_for(|open| *open).await.map(|_| ());
                keep(&done[0], input);
                waited.map_err(|_| StepFailure::permanent("nobody opens the gate"))
            }
        }
    };
    let quick = {
        let (done, gate) = (Arc::clone(&done), Arc::clone(&gate));
        move |input: Input<IgnoredAny>| {
            let (done, gate) = (Arc::clone(&done), Arc::clone(&gate));
            async move {
                if keep(&done[1], input) == 16 {
                    gate.send_replace(true);
                }
                Ok::<_, StepFailure>(())
            }
        }
    };
    let mine = one_step(Step::function("work", slow));
    let theirs = one_step(Step::function("work", quick));
    let first = open_with(&database, &mine, Some(4)).await;
    let launch = Launch::new().lanes(8).entities(entities(20));
    let launched = first.launch(&mine, launch).await.expect("it is launched");
    let process = launched.process();
    let second = open(&database, &theirs).await;
    assert_eq!((second.reclaimed(), second.unsettled().len()), (0, 1));
    assert!(second.adopt_unsettled().await.is_empty());
    let told = settled_in(&second, process).await;
    assert_eq!(told, (ProcessState::Succeeded, 20));
    let lists = done
        .iter()
        .map(|list| list.lock().expect("no panic").clone());
    let lists: Vec<Vec<String>> = lists.collect();
    assert_eq!((lists[0].len(), lists[1].len()), (4, 16));
    let all: BTreeSet<&String> = lists.iter().flatten().collect();
    assert_eq!(all.len(), 20, "each once");
    assert_eq!(
        settled(&first, process).await.state,
        ProcessState::Succeeded
    );
    assert_eq!(
        settled(&second, process).await.state,
        ProcessState::Succeeded
    );
    end(&first).await;
    end(&second).await;
}

/// Notes whose step was done, and tells how many were.
fn keep(done: &Mutex<Vec<String>>, input: Input<IgnoredAny>) -> usize {
    let mut done = done.lock().expect("no panic");
    done.push(input.entity_key.unwrap_or_default());
    done.len()
}

/// State and successes of a process once it has settled, whichever engine did it.
async fn settled_in(carril: &Carril, process: ProcessId) -> (ProcessState, u64) {
    let looked = async {
        loop {
            let row = carril.reader().process(process).await;
            let row = row.expect("it is read").expect("it is there");
            if row.state.is_settled() {
                return (row.state, row.tally.succeeded);
            }
            tokio::task::yield_now().await;
        }
    };
    let looked = tokio::time::timeout(Duration::from_secs(60), looked);
    looked.await.expect("it settles in time")
}

/// An engine that dies in the middle of its steps loses its lease; the next one finds its processes and finishes them.
#[test]
fn a_dead_engines_work_is_finished_by_another() {
    let database = Cluster::get().database();
    let stuck = || {
        let wait = |_: Input<IgnoredAny>| async {
            std::future::pending::<()>().await;
            Ok::<_, StepFailure>(())
        };
        one_step(Step::function("work", wait))
    };
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let dying = runtime();
    let (first, process) = dying.block_on(async {
        let pipeline = stuck();
        let carril = open(&database, &pipeline).await;
        let launch = Launch::new().entities(entities(2));
        let launched = carril.launch(&pipeline, launch).await;
        let process = launched.expect("it is launched").process();
        (carril, process)
    });
    let running = "SELECT count(*) FROM carril.step WHERE state = 1";
    let began = (0..500).any(|_| database.sql(running).trim() == "2");
    assert!(began, "both steps are under way");
    // As when its machine stops: nothing of it runs any more, and its lease runs out.
    dying.shutdown_timeout(Duration::ZERO);
    database.sql("UPDATE carril.node SET lease_until = '-infinity'");
    runtime().block_on(async {
        let works = |_: Input<IgnoredAny>| async { Ok::<_, StepFailure>(()) };
        let pipeline = one_step(Step::function("work", works));
        let second = open(&database, &pipeline).await;
        assert_eq!(second.reclaimed(), 2);
        assert_eq!(second.unsettled().len(), 1);
        assert!(second.adopt_unsettled().await.is_empty());
        let row = settled(&second, process).await;
        assert_eq!(
            (row.state, row.tally.succeeded),
            (ProcessState::Succeeded, 2)
        );
        end(&second).await;
    });
    drop(first);
}

fn one_step(step: Step) -> PipelineDefinition {
    Pipeline::new("stuck")
        .stage(Stage::new("stage").step(step))
        .build()
        .expect("the pipeline is right")
}

#[tokio::test]
async fn what_is_wrong_with_its_url_is_told_without_secrets() {
    let told = async |url: &str| {
        let opened = carril::open(OpenOptions::new(url)).await;
        opened.expect_err("it is refused")
    };
    let error = told("postgres://u:geheim@127.0.0.1:1/d").await;
    assert_eq!(error.code(), "CAR0631");
    assert!(!error.to_string().contains("geheim"), "{error}");
    let error = told("postgres://u:${env:NOBODY}@h/d").await;
    assert!(matches!(error, OpenError::Secret(_)), "{error}");
    assert_eq!(error.code(), "CAR0702");
    let error = told("postgres://u:p@h/d?sslmode=1").await;
    assert_eq!(error.code(), "CAR0630");
    let here = std::path::Path::new(".");
    let nothing = carril::no_references();
    let read = carril::read("postgres://u:geheim@127.0.0.1:1/d", here, &nothing).await;
    let error = read.expect_err("nobody listens there");
    assert_eq!(error.code(), "CAR0631");
    assert!(!error.to_string().contains("geheim"), "{error}");
    let read = carril::read("postgres://u:${env:NOBODY}@h/d", here, &nothing).await;
    assert_eq!(read.expect_err("nobody has it").code(), "CAR0702");
}
