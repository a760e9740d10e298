//! Several engines in one program on one store on PostgreSQL: they work on the same processes, hear of each other soon, outlast each
//! other's death and the database's being away.

use crate::harness::{PATIENCE, end, settled};
use carril::event::{Event, Rail};
use carril::model::contract::{EntityRow, Selection};
use carril::model::definition::Overlap;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{
    Carril, Input, Launch, OpenOptions, Pipeline, PipelineDefinition, Stage, Step, StepFailure,
};
use carril_testkit::postgres::{Cluster, Database};
use serde::de::IgnoredAny;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// A lease that does not keep a test waiting.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

pub(crate) fn entities(many: u32) -> Vec<EntityRow> {
    let row = |number| EntityRow {
        key: format!("E{number}"),
        attributes: Map::new(),
    };
    (1..=many).map(row).collect()
}

pub(crate) fn options(
    database: &Database,
    name: &str,
    pipeline: &PipelineDefinition,
) -> OpenOptions {
    OpenOptions::new(database.url())
        .folder(env!("CARGO_TARGET_TMPDIR"))
        .node("here", name)
        .lease(LEASE)
        .pipeline(pipeline)
}

pub(crate) async fn open(options: OpenOptions) -> Carril {
    carril::open(options).await.expect("the store opens")
}

/// A pipeline of one step per entity; every engine that registers it brings a function of its own.
fn one_step(step: Step) -> PipelineDefinition {
    Pipeline::new("shared")
        .overlap(Overlap::Allow)
        .stage(Stage::new("stage").step(step))
        .build()
        .expect("the pipeline is right")
}

/// What engines did, in the order in which they began: who, and which entity.
#[derive(Clone)]
pub(crate) struct Book(
    Arc<Mutex<Vec<(&'static str, String)>>>,
    mpsc::UnboundedSender<&'static str>,
);

impl Book {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<&'static str>) {
        let (began, told) = mpsc::unbounded_channel();
        (Self(Arc::default(), began), told)
    }

    pub(crate) fn note(&self, who: &'static str, entity: &str) {
        let mut book = self.0.lock().expect("no panic");
        book.push((who, entity.to_owned()));
        let _ = self.1.send(who);
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for (who, _) in self.0.lock().expect("no panic").iter() {
            *counts.entry(*who).or_default() += 1;
        }
        counts
    }
}

/// What a step says that was asked to stop.
pub(crate) const STOPPED: &str = "stopped";

/// A step of this engine: notes who began it, then waits until the gate is open or it is to stop.
pub(crate) fn gated_step(who: &'static str, book: &Book, gate: &watch::Receiver<bool>) -> Step {
    let (book, gate) = (book.clone(), gate.clone());
    Step::function("work", move |input: Input<IgnoredAny>| {
        let (book, mut gate) = (book.clone(), gate.clone());
        async move {
            book.note(who, input.entity_key.as_deref().unwrap_or("own"));
            tokio::select! {
                opened = gate.wait_for(|open| *open) => match opened {
                    Ok(_) => Ok(()),
                    Err(_) => Err(StepFailure::permanent("nobody opens the gate")),
                },
                () = input.cancel.cancelled() => {
                    let _ = book.1.send(STOPPED);
                    Err(StepFailure::transient(STOPPED))
                }
            }
        }
    })
}

fn gated(who: &'static str, book: &Book, gate: &watch::Receiver<bool>) -> PipelineDefinition {
    one_step(gated_step(who, book, gate))
}

/// A runtime that can be left or kept from working while the test goes on.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

pub(crate) async fn begins(told: &mut mpsc::UnboundedReceiver<&'static str>) -> &'static str {
    loop {
        let next = tokio::time::timeout(PATIENCE, told.recv());
        let next = next.await.expect("it begins in time");
        match next.expect("a step begins") {
            STOPPED => {}
            who => return who,
        }
    }
}

pub(crate) async fn stops(told: &mut mpsc::UnboundedReceiver<&'static str>) {
    let next = tokio::time::timeout(PATIENCE, told.recv()).await;
    assert_eq!(next.expect("it stops in time"), Some(STOPPED));
}

pub(crate) async fn launch(
    carril: &Carril,
    pipeline: &PipelineDefinition,
    launch: Launch,
) -> ProcessId {
    let launched = carril.launch(pipeline, launch).await;
    launched.expect("it is launched").process()
}

/// A full engine launches what an idle one runs: soon where they tell each other, within two seconds where they only look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_engine_runs_what_a_full_one_launches() {
    for (notify, rounds, longest) in [(true, 15, 0.4), (false, 2, 4.0)] {
        let database = Cluster::get().database();
        let (gate, opened) = watch::channel(false);
        let (book, mut told) = Book::new();
        let mine = gated("full", &book, &opened);
        let theirs = gated("idle", &book, &opened);
        let full = open(
            options(&database, "full", &mine)
                .lanes(Some(1))
                .notify(notify),
        )
        .await;
        let idle = open(options(&database, "idle", &theirs).notify(notify)).await;
        let busy = launch(&full, &mine, Launch::new().lanes(1).entities(entities(1))).await;
        assert_eq!(begins(&mut told).await, "full");
        let (mut took, mut processes) = (Vec::new(), Vec::new());
        // Further apart than what engines tell each other, so that each is the first of a while.
        let mut pace = tokio::time::interval(Duration::from_millis(150));
        for round in 0..rounds {
            pace.tick().await;
            let began = Instant::now();
            let one = EntityRow {
                key: format!("R{round}"),
                attributes: Map::new(),
            };
            let only = Launch::new().lanes(1).entities(vec![one]);
            processes.push(launch(&full, &mine, only).await);
            assert_eq!(begins(&mut told).await, "idle");
            took.push(began.elapsed().as_secs_f64());
        }
        took.sort_by(f64::total_cmp);
        let median = took[took.len() / 2];
        println!("notify {notify}: median {:.1} ms of {took:?}", median * 1e3);
        assert!(median < longest, "{took:?}");
        gate.send_replace(true);
        for process in processes {
            assert_eq!(settled(&full, process).await.state, ProcessState::Succeeded);
            assert_eq!(settled(&idle, process).await.state, ProcessState::Succeeded);
        }
        assert_eq!(settled(&idle, busy).await.state, ProcessState::Succeeded);
        end(&full).await;
        end(&idle).await;
    }
}

/// Who cannot run a process waits for it, all the same, and leaves it to those that can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_run_a_process_waits_for_its_end() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let mine = gated("able", &book, &opened);
    let other = Pipeline::new("other")
        .stage(
            Stage::new("stage").step(Step::function_blocking("else", |_: Input<IgnoredAny>| {
                Ok::<_, StepFailure>(())
            })),
        )
        .build()
        .expect("the pipeline is right");
    let able = open(options(&database, "able", &mine)).await;
    let unable = open(options(&database, "unable", &other)).await;
    let process = launch(&able, &mine, Launch::new().lanes(1).entities(entities(3))).await;
    assert_eq!(begins(&mut told).await, "able");
    let waiting = tokio::spawn({
        let unable = unable.clone();
        async move { settled(&unable, process).await }
    });
    gate.send_replace(true);
    let row = tokio::time::timeout(PATIENCE, waiting).await;
    let row = row.expect("it ends in time").expect("no panic");
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 3)
    );
    assert_eq!(book.counts(), BTreeMap::from([("able", 3)]));
    end(&able).await;
    end(&unable).await;
}

/// A program that runs no commands, or has not the folder that they run in, leaves them to those that can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_left_to_engines_that_run_them() {
    let database = Cluster::get().database();
    let here = tempfile::tempdir().expect("a folder for the test");
    let commands = Pipeline::new("commands")
        .stage(Stage::new("stage").step(Step::command("yes", ["true"])))
        .build()
        .expect("the pipeline is right");
    let path = "/usr/bin:/bin";
    let able = options(&database, "able", &commands)
        .commands(here.path(), path)
        .lanes(Some(1));
    let able = open(able).await;
    let unable = open(options(&database, "unable", &commands)).await;
    let process = launch(&able, &commands, Launch::new().entities(entities(12))).await;
    for carril in [&able, &unable] {
        let row = settled(carril, process).await;
        assert_eq!(
            (row.state, row.tally.succeeded),
            (ProcessState::Succeeded, 12)
        );
    }
    end(&able).await;
    end(&unable).await;
}

/// What no engine at work can run is told to wait for one, and goes on once it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_run_waits_for_an_engine() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let mine = gated("able", &book, &opened);
    let noop = Pipeline::new("other").stage(Stage::new("stage").step(Step::noop("nothing")));
    let other = noop.build().expect("the pipeline is right");
    let able = open(options(&database, "able", &mine)).await;
    let process = launch(&able, &mine, Launch::new().entities(entities(1))).await;
    begins(&mut told).await;
    let unable = open(options(&database, "unable", &other)).await;
    let nodes = unable.nodes().await.expect("they are read");
    let seen = |row: &carril::model::contract::NodeRow| (row.command.clone(), row.lanes_busy);
    let expected = [("able".to_owned(), Some(1)), ("unable".to_owned(), Some(0))];
    assert_eq!(nodes.iter().map(seen).collect::<Vec<_>>(), expected);
    let lease = i64::try_from(LEASE.as_micros()).expect("it is short");
    let left = |row: &carril::model::contract::NodeRow| row.lease_left.unwrap_or_default();
    assert!(
        nodes.iter().all(|row| (1..=lease).contains(&left(row))),
        "{nodes:?}"
    );
    able.shutdown(Duration::ZERO).await.expect("it hands back");
    let execution = crate::harness::executions(&unable, process)
        .await
        .remove(0)
        .id;
    for number in [execution.0, process.0] {
        let subject = carril::Subject::Number(number);
        let now = carril::model::time::Timestamp(i64::MAX / 2);
        let why = carril::why(unable.reader(), &subject, now).await;
        let first = why.expect("it is told").chain.remove(0);
        assert_eq!(first.cause, "no_node", "{}", first.sentence);
        let names = first
            .sentence
            .contains("none of those at work can run version");
        assert!(names, "{}", first.sentence);
    }
    gate.send_replace(true);
    let again = open(options(&database, "able", &mine)).await;
    assert_eq!(
        settled(&again, process).await.state,
        ProcessState::Succeeded
    );
    assert_eq!(settled(&unable, process).await.tally.succeeded, 1);
    end(&again).await;
    end(&unable).await;
}

/// A cancel that is asked of one engine stops what another runs: a process, or one lane of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_reaches_the_lanes_of_another_engine() {
    let database = Cluster::get().database();
    let (_gate, closed) = watch::channel(false);
    let (book, mut told) = Book::new();
    let (mine, theirs) = (gated("runs", &book, &closed), gated("asks", &book, &closed));
    let runs = open(options(&database, "runs", &mine)).await;
    let asks = open(options(&database, "asks", &theirs).takes_up(false)).await;
    for whole in [true, false] {
        let process = launch(&runs, &mine, Launch::new().entities(entities(2))).await;
        for _ in 0..2 {
            assert_eq!(begins(&mut told).await, "runs");
        }
        let executions = crate::harness::executions(&asks, process).await;
        let ids = executions.iter().map(|row| row.id).collect();
        let selection = match whole {
            true => Selection::Process(process),
            false => Selection::Executions(ids),
        };
        let began = Instant::now();
        asks.engine()
            .cancel(selection, "enough")
            .await
            .expect("it is asked");
        let row = settled(&asks, process).await;
        let took = began.elapsed();
        println!("whole {whole}: stopped after {took:?}");
        assert_eq!(row.tally.cancelled, 2);
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
    end(&runs).await;
    end(&asks).await;
}

/// An engine that is gone without a word loses its lease, and the one that is there goes on with what it ran.
#[test]
fn a_living_engine_takes_over_from_a_dead_one() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let (mine, theirs) = (
        gated("dies", &book, &opened),
        gated("lives", &book, &opened),
    );
    let (dying, living) = (runtime(), runtime());
    let lives = living.block_on(open(options(&database, "lives", &theirs)));
    let (dies, process) = dying.block_on(async {
        let dies = open(options(&database, "dies", &mine)).await;
        let process = launch(&dies, &mine, Launch::new().lanes(2).entities(entities(4))).await;
        for _ in 0..2 {
            assert_eq!(begins(&mut told).await, "dies");
        }
        (dies, process)
    });
    dying.shutdown_timeout(Duration::ZERO);
    drop(dies);
    let died = Instant::now();
    living.block_on(async {
        assert_eq!(begins(&mut told).await, "lives");
        let took = died.elapsed();
        println!("taken over after {took:?}");
        assert!(took < LEASE * 3, "{took:?}");
        gate.send_replace(true);
        let row = settled(&lives, process).await;
        assert_eq!(
            (row.state, row.tally.succeeded),
            (ProcessState::Succeeded, 4)
        );
        end(&lives).await;
    });
}

/// Whoever is parked when its engine goes is woken by another, which had nothing to do with it before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_parked_is_woken_by_whoever_is_left() {
    let database = Cluster::get().database();
    let waits = Pipeline::new("waits")
        .stage(Stage::new("stage").step(Step::wait("a-while", Duration::from_secs(2))))
        .build()
        .expect("the pipeline is right");
    let goes = open(options(&database, "goes", &waits)).await;
    let stays = open(options(&database, "stays", &waits)).await;
    let process = launch(&goes, &waits, Launch::new().entities(entities(2))).await;
    let parked = async {
        loop {
            let row = goes.reader().process(process).await.expect("it is read");
            if row.is_some_and(|row| row.waiting == 2) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, parked)
        .await
        .expect("they are parked in time");
    end(&goes).await;
    let row = settled(&stays, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    end(&stays).await;
}

/// The lanes of a process are counted over all engines, and both work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_has_no_more_lanes_than_it_says_over_all_engines() {
    let database = Cluster::get().database();
    let (tick, ticks) = watch::channel(0_u32);
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let (book, _told) = Book::new();
    let counted = |who: &'static str| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        let (book, ticks) = (book.clone(), ticks.clone());
        one_step(Step::function("work", move |input: Input<IgnoredAny>| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let (book, mut ticks) = (book.clone(), ticks.clone());
            async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                book.note(who, input.entity_key.as_deref().unwrap_or_default());
                // Until the second beat from now, so that lanes overlap.
                let from = *ticks.borrow_and_update();
                let waited = ticks.wait_for(|tick| *tick >= from + 2).await.map(|_| ());
                running.fetch_sub(1, Ordering::SeqCst);
                waited.map_err(|_| StepFailure::permanent("no more beats"))
            }
        }))
    };
    let (mine, theirs) = (counted("one"), counted("other"));
    let one = open(options(&database, "one", &mine)).await;
    let other = open(options(&database, "other", &theirs)).await;
    let beats = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            tick.send_modify(|tick| *tick += 1);
        }
    });
    let process = launch(&one, &mine, Launch::new().lanes(3).entities(entities(60))).await;
    let row = settled(&other, process).await;
    beats.abort();
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 60)
    );
    let counts = book.counts();
    println!("{counts:?}");
    assert_eq!(most.load(Ordering::SeqCst), 3, "{counts:?}");
    assert!(
        counts.values().all(|count| *count >= 5) && counts.len() == 2,
        "{counts:?}"
    );
    let done: BTreeSet<String> = book
        .0
        .lock()
        .expect("no panic")
        .iter()
        .map(|one| one.1.clone())
        .collect();
    assert_eq!(done.len(), 60);
    end(&one).await;
    end(&other).await;
}

/// Segments open once, whichever engine ends the last lane, and every step is done once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stages_open_once_over_all_engines() {
    let database = Cluster::get().database();
    let (book, _told) = Book::new();
    let staged = |who: &'static str| {
        let book = book.clone();
        let step = move |name: &'static str| {
            let book = book.clone();
            let done = move |input: Input<IgnoredAny>| {
                book.note(
                    who,
                    &format!("{}/{name}", input.entity_key.unwrap_or_default()),
                );
                Ok::<_, StepFailure>(())
            };
            Step::function_blocking(name, done)
        };
        Pipeline::new("staged")
            .overlap(Overlap::Allow)
            .stage(Stage::new("first").step(step("one")))
            .stage(Stage::new("between").per_process().step(step("sum")))
            .stage(Stage::new("last").step(step("two")))
            .build()
            .expect("the pipeline is right")
    };
    let (mine, theirs) = (staged("one"), staged("other"));
    let one = open(options(&database, "one", &mine)).await;
    let other = open(options(&database, "other", &theirs)).await;
    for _ in 0..5 {
        let process = launch(&one, &mine, Launch::new().lanes(6).entities(entities(30))).await;
        for carril in [&one, &other] {
            let row = settled(carril, process).await;
            assert_eq!(
                (row.state, row.tally.succeeded),
                (ProcessState::Succeeded, 30)
            );
        }
    }
    let counts = book.counts();
    println!("{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 5 * 61, "{counts:?}");
    assert_eq!(counts.len(), 2, "{counts:?}");
    end(&one).await;
    end(&other).await;
}

/// What a guard rail has to say is said once, by the engine that decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_rail_is_told_once_over_all_engines() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let failing = |who: &'static str| {
        let (book, gate) = (book.clone(), opened.clone());
        let fails = move |input: Input<IgnoredAny>| {
            let (book, mut gate) = (book.clone(), gate.clone());
            async move {
                book.note(who, input.entity_key.as_deref().unwrap_or_default());
                let _ = gate.wait_for(|open| *open).await;
                Err::<(), _>(StepFailure::permanent("no"))
            }
        };
        Pipeline::new("failing")
            .abort_when(100, 4)
            .stage(Stage::new("stage").step(Step::function("fail", fails)))
            .build()
            .expect("the pipeline is right")
    };
    let (mine, theirs) = (failing("one"), failing("other"));
    let one = open(options(&database, "one", &mine).lanes(Some(2))).await;
    let other = open(options(&database, "other", &theirs).lanes(Some(2))).await;
    let (mut events, mut theirs) = (one.engine().events(), other.engine().events());
    let process = launch(&one, &mine, Launch::new().lanes(4).entities(entities(40))).await;
    for _ in 0..4 {
        begins(&mut told).await;
    }
    gate.send_replace(true);
    for carril in [&one, &other] {
        assert_eq!(settled(carril, process).await.state, ProcessState::Failed);
    }
    end(&one).await;
    end(&other).await;
    drop((one, other));
    let mut alerts = 0;
    for events in [&mut events, &mut theirs] {
        while let Ok(event) = events.try_recv() {
            alerts += u32::from(matches!(
                event,
                Event::Alert {
                    rail: Rail::AbortWhen,
                    ..
                }
            ));
        }
    }
    assert_eq!(alerts, 1);
}

/// Ends every session in a database but the one that asks.
fn cut(database: &Database) {
    let name = database.name();
    Cluster::get().sql(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    ));
}

/// A connection that is lost is made again; what runs does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_stops_no_lane() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let mine = gated("one", &book, &opened);
    let one = open(options(&database, "one", &mine).lease(Duration::from_secs(15))).await;
    let process = launch(&one, &mine, Launch::new().entities(entities(3))).await;
    for _ in 0..3 {
        begins(&mut told).await;
    }
    cut(&database);
    gate.send_replace(true);
    let row = settled(&one, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 3)
    );
    assert_eq!(
        book.counts(),
        BTreeMap::from([("one", 3)]),
        "nothing was done twice"
    );
    end(&one).await;
}

/// While the database is away the lanes stop; when it is back the engine is, and its work goes on from what is durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_outlasts_the_database() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let mine = gated("one", &book, &opened);
    let one = open(options(&database, "one", &mine)).await;
    let process = launch(&one, &mine, Launch::new().entities(entities(3))).await;
    for _ in 0..3 {
        begins(&mut told).await;
    }
    let name = database.name();
    Cluster::get().sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    cut(&database);
    for _ in 0..3 {
        stops(&mut told).await;
    }
    let waiting = tokio::spawn({
        let one = one.clone();
        async move { settled(&one, process).await }
    });
    Cluster::get().sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    for _ in 0..3 {
        begins(&mut told).await;
    }
    gate.send_replace(true);
    let row = tokio::time::timeout(PATIENCE, waiting).await;
    let row = row.expect("it ends in time").expect("no panic");
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 3)
    );
    assert_eq!(
        book.counts(),
        BTreeMap::from([("one", 6)]),
        "each again, once"
    );
    let nodes = database.sql("SELECT count(*) FROM carril.node");
    assert_eq!(nodes.trim(), "2", "it came back as a new one");
    end(&one).await;
}

/// An engine that is to wait only so long for its store stops then, and says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_waits_long_enough_stops() {
    let database = Cluster::get().database();
    let (_gate, closed) = watch::channel(false);
    let (book, mut told) = Book::new();
    let mine = gated("one", &book, &closed);
    let bounded = options(&database, "one", &mine).away_at_most(Duration::from_secs(1));
    let one = open(bounded).await;
    let process = launch(&one, &mine, Launch::new().entities(entities(1))).await;
    begins(&mut told).await;
    let name = database.name();
    Cluster::get().sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    cut(&database);
    let waited = tokio::time::timeout(PATIENCE, one.engine().wait(process)).await;
    let error = waited
        .expect("it ends in time")
        .expect_err("the store is away");
    assert_eq!(error.code(), "CAR0705", "{error}");
    let ended = one.shutdown(Duration::from_secs(1)).await;
    assert!(ended.is_err(), "its last writes could not be made");
    Cluster::get().sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
}
