//! Several engines on one store on PostgreSQL share the limits of resources: never more uses at once than there are slots, never more begun
//! than the rate says, whoever lives, dies or sleeps. Told by the steps themselves.

use crate::harness::{PATIENCE, end, settled};
use crate::nodes::{
    Book, LEASE, begins, entities, gated_step, launch, open, options, runtime, stops,
};
use carril::model::contract::{Clock as _, EntityRow, LimitKind};
use carril::model::definition::{Overlap, Rate, RateUnit, Resource};
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{
    Carril, Input, Launch, Pipeline, PipelineDefinition, Stage, Step, StepFailure, Subject,
    SystemClock,
};
use carril_testkit::postgres::Cluster;
use serde::de::IgnoredAny;
use serde_json::Map;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A pipeline of one step that uses the desk.
fn at_the_desk(limits: Resource, step: Step) -> PipelineDefinition {
    Pipeline::new("desk")
        .overlap(Overlap::Allow)
        .resource("desk", limits)
        .stage(Stage::new("stage").step(step.resource("desk")))
        .build()
        .expect("the pipeline is right")
}

fn gated(
    who: &'static str,
    slots: u32,
    book: &Book,
    gate: &watch::Receiver<bool>,
) -> PipelineDefinition {
    at_the_desk(Resource::slots(slots), gated_step(who, book, gate))
}

fn named(key: &str) -> Launch {
    let entity = EntityRow {
        key: key.to_owned(),
        attributes: Map::new(),
    };
    Launch::new().lanes(1).entities(vec![entity])
}

async fn succeeded(carril: &Carril, process: ProcessId) {
    let row = settled(carril, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);
}

/// Who is at work at the same time, seen from the steps.
#[derive(Clone, Default)]
struct AtWork {
    now: Arc<AtomicU32>,
    most: Arc<AtomicU32>,
    by: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl AtWork {
    fn step(&self, who: &'static str, millis: u64) -> Step {
        let at_work = self.clone();
        Step::function("work", move |_: Input<IgnoredAny>| {
            let at_work = at_work.clone();
            async move {
                let now = at_work.now.fetch_add(1, Ordering::SeqCst) + 1;
                at_work.most.fetch_max(now, Ordering::SeqCst);
                *at_work.by.lock().expect("no panic").entry(who).or_default() += 1;
                let mut pace = tokio::time::interval(Duration::from_millis(millis));
                pace.tick().await;
                pace.tick().await;
                at_work.now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, StepFailure>(())
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_and_three_slots_are_three_at_work() {
    for slots in [1, 3] {
        let database = Cluster::get().database();
        let at_work = AtWork::default();
        let pipeline = |who| at_the_desk(Resource::slots(slots), at_work.step(who, 30));
        let (mine, theirs) = (pipeline("one"), pipeline("other"));
        let one = open(options(&database, "one", &mine).takes_up(false)).await;
        let other = open(options(&database, "other", &theirs).takes_up(false)).await;
        let many = 60 * slots;
        let work = |many| Launch::new().lanes(20).entities(entities(many));
        let first = launch(&one, &mine, work(many)).await;
        let second = launch(&other, &theirs, work(many)).await;
        let began = Instant::now();
        succeeded(&one, first).await;
        succeeded(&other, second).await;
        let took = began.elapsed();
        let most = at_work.most.load(Ordering::SeqCst);
        println!("{slots} slots: {took:?}, at most {most} at work");
        assert_eq!(most, slots, "never more, and all of them");
        end(&one).await;
        end(&other).await;
    }
}

/// Both get some while both want more than there is, before the first has done all of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_slot_goes_from_engine_to_engine() {
    let database = Cluster::get().database();
    let at_work = AtWork::default();
    let pipeline = |who| at_the_desk(Resource::slots(1), at_work.step(who, 20));
    let (mine, theirs) = (pipeline("one"), pipeline("other"));
    let one = open(options(&database, "one", &mine).takes_up(false)).await;
    let other = open(options(&database, "other", &theirs).takes_up(false)).await;
    let long = Launch::new().lanes(5).entities(entities(10_000));
    let first = launch(&one, &mine, long).await;
    let began = Instant::now();
    let short = launch(
        &other,
        &theirs,
        Launch::new().lanes(5).entities(entities(5)),
    )
    .await;
    succeeded(&other, short).await;
    let took = began.elapsed();
    println!("its turn came and five were done in {took:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
    let cancelled = carril::model::contract::Selection::Process(first);
    one.engine()
        .cancel(cancelled, "enough")
        .await
        .expect("it is asked");
    settled(&one, first).await;
    assert_eq!(at_work.most.load(Ordering::SeqCst), 1);
    end(&one).await;
    end(&other).await;
}

/// What an engine does not use is another's at once, where they tell each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_slots_go_to_who_goes_short() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(true);
    let (book, mut told) = Book::new();
    let (mine, theirs) = (
        gated("one", 4, &book, &opened),
        gated("other", 4, &book, &opened),
    );
    let one = open(options(&database, "one", &mine).takes_up(false)).await;
    let other = open(options(&database, "other", &theirs).takes_up(false)).await;
    let process = launch(&one, &mine, named("first")).await;
    assert_eq!(begins(&mut told).await, "one");
    succeeded(&one, process).await;
    gate.send_replace(false);
    let began = Instant::now();
    let launched = Launch::new().lanes(4).entities(entities(4));
    let process = launch(&other, &theirs, launched).await;
    for _ in 0..4 {
        assert_eq!(begins(&mut told).await, "other");
    }
    let took = began.elapsed();
    println!("all four were there after {took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    gate.send_replace(true);
    succeeded(&other, process).await;
    end(&one).await;
    end(&other).await;
}

/// Who waits is told who has it, and on which engine; what each may use is told, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_told_of_the_other_engine() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let (mine, theirs) = (
        gated("one", 1, &book, &opened),
        gated("other", 1, &book, &opened),
    );
    let one = open(options(&database, "one", &mine).takes_up(false)).await;
    let other = open(options(&database, "other", &theirs).takes_up(false)).await;
    let first = launch(&one, &mine, named("holder")).await;
    assert_eq!(begins(&mut told).await, "one");
    let second = launch(&other, &theirs, named("waiter")).await;
    let subject = Subject::Entity("waiter".to_owned());
    let sentence = async {
        loop {
            let now = SystemClock::new().now();
            let why = carril::why(other.reader(), &subject, now).await;
            let sentence = why.expect("it is there").sentence;
            if sentence.contains("on engine") {
                return sentence;
            }
            tokio::task::yield_now().await;
        }
    };
    let sentence = tokio::time::timeout(PATIENCE, sentence).await;
    let sentence = sentence.expect("it is told in time");
    let holder = "for a slot of `desk` (1 slot), held by holder (`stage/work` since ";
    assert!(sentence.contains(holder), "{sentence}");
    let engine = "on engine 1 (`one` on here)); engine 1 (`one` on here) may use 1";
    assert!(sentence.ends_with(engine), "{sentence}");
    let resources = other.history().resources().await.expect("they are read");
    let desk = &resources[0];
    assert_eq!((desk.in_use, desk.waiting_slot), (1, 1));
    let shares: Vec<_> = desk
        .shares
        .iter()
        .map(|share| {
            (
                share.kind,
                share.command.as_str(),
                share.granted,
                share.wants,
            )
        })
        .collect();
    let expected = [
        (LimitKind::Slot, "one", 1, 1),
        (LimitKind::Slot, "other", 0, 1),
    ];
    assert_eq!(shares, expected);
    gate.send_replace(true);
    succeeded(&one, first).await;
    succeeded(&other, second).await;
    end(&one).await;
    end(&other).await;
}

/// An engine that is gone without a word keeps its slots until its lease is over, and not longer.
#[test]
fn the_slots_of_a_dead_engine_come_back_with_its_lease() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let (mine, theirs) = (
        gated("dies", 2, &book, &opened),
        gated("lives", 2, &book, &opened),
    );
    let (dying, living) = (runtime(), runtime());
    let lives = living.block_on(open(options(&database, "lives", &theirs).takes_up(false)));
    let dies = dying.block_on(async {
        let dies = open(options(&database, "dies", &mine).takes_up(false)).await;
        launch(&dies, &mine, Launch::new().lanes(2).entities(entities(2))).await;
        for _ in 0..2 {
            assert_eq!(begins(&mut told).await, "dies");
        }
        dies
    });
    dying.shutdown_timeout(Duration::ZERO);
    drop(dies);
    let died = Instant::now();
    living.block_on(async {
        let process = launch(&lives, &theirs, named("next")).await;
        assert_eq!(begins(&mut told).await, "lives");
        let took = died.elapsed();
        println!("its slots came back after {took:?}");
        // Its last sign of life may have been a fifth of a lease before.
        assert!(took > LEASE * 3 / 4, "before its lease was over: {took:?}");
        assert!(took < LEASE * 3, "{took:?}");
        gate.send_replace(true);
        succeeded(&lives, process).await;
        end(&lives).await;
    });
}

/// An engine that slept through its lease begins nothing more with what has been another's since.
#[test]
fn who_wakes_after_its_lease_has_nothing() {
    let database = Cluster::get().database();
    let (gate, opened) = watch::channel(false);
    let (book, mut told) = Book::new();
    let (mine, theirs) = (
        gated("sleeps", 1, &book, &opened),
        gated("lives", 1, &book, &opened),
    );
    let (sleeping, living) = (runtime(), runtime());
    let sleeps = sleeping.block_on(open(options(&database, "sleeps", &mine).takes_up(false)));
    let lives = living.block_on(open(options(&database, "lives", &theirs).takes_up(false)));
    let process = sleeping.block_on(async {
        let launched = Launch::new().lanes(3).entities(entities(3));
        let process = launch(&sleeps, &mine, launched).await;
        assert_eq!(begins(&mut told).await, "sleeps");
        process
    });
    // Its only thread does nothing until it is told to.
    let (wake, woken) = std::sync::mpsc::channel::<()>();
    sleeping.spawn(async move { woken.recv() });
    let next = living.block_on(async {
        let next = launch(&lives, &theirs, named("next")).await;
        assert_eq!(begins(&mut told).await, "lives");
        next
    });
    wake.send(()).expect("it sleeps");
    living.block_on(async {
        stops(&mut told).await;
        let quiet = tokio::time::timeout(LEASE, told.recv()).await;
        assert!(
            quiet.is_err(),
            "{quiet:?} began beside the one that has the slot"
        );
        gate.send_replace(true);
        succeeded(&lives, next).await;
    });
    sleeping.block_on(async {
        succeeded(&sleeps, process).await;
        end(&sleeps).await;
    });
    living.block_on(end(&lives));
}

/// Uses of two engines, as they began: over any time no more than the rate and its burst, one for each engine, and what a busy machine
/// moves a beginning by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_holds_over_two_engines() {
    const COUNT: u32 = 40;
    const LATE: f64 = 0.25;
    let database = Cluster::get().database();
    let begun: Arc<Mutex<Vec<(&str, Instant)>>> = Arc::default();
    let pipeline = |who: &'static str| {
        let begun = Arc::clone(&begun);
        let step = Step::function_blocking("work", move |_: Input<IgnoredAny>| {
            begun.lock().expect("no panic").push((who, Instant::now()));
            Ok::<_, StepFailure>(())
        });
        let rate = Rate::new(COUNT, RateUnit::Second);
        at_the_desk(Resource::unlimited().rate(rate), step)
    };
    let (mine, theirs) = (pipeline("one"), pipeline("other"));
    let one = open(options(&database, "one", &mine).takes_up(false)).await;
    let other = open(options(&database, "other", &theirs).takes_up(false)).await;
    let work = || Launch::new().lanes(10).entities(entities(100));
    let first = launch(&one, &mine, work()).await;
    let second = launch(&other, &theirs, work()).await;
    succeeded(&one, first).await;
    succeeded(&other, second).await;
    let begun = std::mem::take(&mut *begun.lock().expect("no panic"));
    assert_eq!(begun.len(), 200);
    let (from, until) = (begun[0].1, begun[199].1);
    println!("200 uses at {COUNT}/s in {:?}", until - from);
    for (at, (_, earlier)) in begun.iter().enumerate() {
        for (later, (_, time)) in begun.iter().enumerate().skip(at) {
            let passed = (*time - *earlier).as_secs_f64() + LATE;
            let most = f64::from(COUNT) * passed + 3.0;
            let uses = f64::from(u32::try_from(later - at + 1).expect("few"));
            assert!(uses <= most, "{uses} uses in {passed} s");
        }
    }
    // The rate is not lost either: what one does not use the other does.
    let least = 200.0 / f64::from(COUNT);
    let took = (until - from).as_secs_f64();
    assert!(took < least * 2.0 + 3.0, "{took} s");
    let early = |who: &str| begun[..150].iter().filter(|(by, _)| *by == who).count();
    assert!(
        early("one") > 30 && early("other") > 30,
        "{} and {}",
        early("one"),
        early("other")
    );
    end(&one).await;
    end(&other).await;
}
