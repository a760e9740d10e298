//! Nobody sleeps through what was meant for them: slow clean-ups, launches that fail, rollbacks that do, ends of engines.

use super::rig::{Answers, Rig};
use super::{Gates, in_time};
use crate::harness::House;
use carril::model::contract::{Answer, Clock, EntityRow, Selection, Wish};
use carril::model::definition::{Keep, Overlap};
use carril::model::id::{ExecutionId, RequestId};
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use carril::{EntitySource, Pipeline, PipelineDefinition, Stage, Step, SystemClock, Workspace};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

const WAREHOUSE: &str = "
    create table entities (id text primary key);
    insert into entities values ('a'), ('b');
    create table rows (id text);
";

/// What a step of an entity answers.
type Outcome = fn(&str, &str) -> Result<(), &'static str>;

fn fine() -> Arc<Answers<Outcome>> {
    Arc::new(Answers(|_, _| Ok(())))
}

fn over_entities(name: &str) -> Pipeline {
    Pipeline::new(name)
        .entities_query("warehouse", "id", "select id from entities order by id")
        .workspace(Workspace::new(["rows"]).keep(Keep::Never))
}

fn fill() -> Step {
    Step::sql("fill", "insert into rows select 'x'")
}

/// The only lane still removes a workspace when the next segment opens.
#[tokio::test]
async fn a_segment_that_opens_while_the_last_lane_cleans_up_is_begun() {
    let pipeline = over_entities("p")
        .stage(Stage::new("before").per_process().step(fill()))
        .stage(Stage::new("lanes").step(Step::sql("fill", "insert into rows values (:entity_key)")))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let rig = Rig::open(&house, &[&pipeline], fine()).await;
    rig.moments.discard.shut();
    let mut events = rig.engine.events();
    let process = rig.launch(rig.request(&pipeline, 1)).await;
    rig.moments.discard.reached(1, "cleaning up").await;
    // The segment has opened when the process was told twice: the stage settled, the segment moved.
    for _ in 0..2 {
        super::told(&mut events, "the segment opens", |event| {
            matches!(event, carril::event::Event::Process { .. })
        })
        .await;
    }
    rig.moments.discard.free();
    let row = rig.settled(&house, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    rig.end().await;
}

/// Two full chunks of a launch, and an entity without a key after them.
const MANY: &str = "
    create table many (id integer);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 10500) insert into many select i from n;
    insert into many values (null);
";

/// A launch in chunks that fails in its last one is as if it had never been, for those who had to wait for it too. Until then
/// nobody's executions come between its chunks.
#[tokio::test]
async fn a_launch_that_fails_half_way_holds_nobody_up() {
    let pipeline = Pipeline::new("p")
        .entities_query("warehouse", "id", "select id from many order by rowid")
        .overlap(Overlap::Allow)
        .stage(Stage::new("s").step(Step::noop("n")))
        .build()
        .expect("the pipeline is right");
    let other = Pipeline::new("other")
        .entities_list(["a"])
        .stage(Stage::new("s").step(Step::noop("n")))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(MANY);
    let rig = Rig::open(&house, &[&pipeline, &other], fine()).await;
    rig.moments.entities.shut();
    let mut request = rig.request(&pipeline, 4);
    request.entities = EntitySource::Given(vec![EntityRow {
        key: "2".to_owned(),
        attributes: serde_json::Map::new(),
    }]);
    let meanwhile = async {
        // Two chunks are read before the first is written; then the third is asked for.
        for chunk in 1..=2 {
            rig.moments.entities.reached(chunk, "a chunk").await;
            rig.moments.entities.pass();
        }
        rig.moments.entities.reached(3, "the third chunk").await;
        let mut second = Box::pin(rig.launch(request));
        // The store does one thing after the other: when this has settled, the second would long be launched.
        let others = async {
            let process = rig.launch(rig.request(&other, 1)).await;
            rig.settled(&house, process).await
        };
        tokio::select! {
            biased;
            _ = &mut second => panic!("it is not its turn"),
            row = others => assert_eq!(row.state, ProcessState::Succeeded),
        }
        rig.moments.entities.free();
        second.await
    };
    let first = rig.engine.launch(rig.request(&pipeline, 4));
    let (failed, second) = tokio::join!(in_time("failing", first), meanwhile);
    assert_eq!(failed.expect_err("a key is missing").code(), "CAR0407");
    let row = rig.settled(&house, second).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    rig.end().await;
}

/// A target that cannot undo leaves a process that still ends, and can be asked again.
#[tokio::test]
async fn a_rollback_that_fails_leaves_no_process_behind_that_never_ends() {
    let gates = Gates::new();
    let pipeline = over_entities("p")
        .stage(Stage::new("s").step(fill()).step(gates.step("gate")))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let stuck = Arc::new(Waits);
    let rig = Rig::open(&house, &[&pipeline], stuck).await;
    let process = rig.launch(rig.request(&pipeline, 2)).await;
    rig.moments.roll_back_fails.store(true, Ordering::Relaxed);
    let undone = rig.engine.roll_back(Selection::Process(process));
    let undone = in_time("rolling back", undone).await;
    assert_eq!(undone.expect_err("it cannot").code(), "CAR0511");
    let row = in_time("settling", rig.engine.wait(process)).await;
    assert_eq!(
        row.expect("the engine lives").state,
        ProcessState::CompletedWithErrors
    );
    rig.moments.roll_back_fails.store(false, Ordering::Relaxed);
    let undone = rig.engine.roll_back(Selection::Process(process));
    in_time("rolling back", undone).await.expect("it can now");
    assert_eq!(
        rig.settled(&house, process).await.state,
        ProcessState::RolledBack
    );
    rig.end().await;
}

/// Steps that end only when they are asked to.
struct Waits;

impl carril::model::contract::StepRunner for Waits {
    fn run<'a>(
        &'a self,
        _call: &'a carril::model::contract::StepCall,
        cancel: &'a dyn carril::model::contract::Cancellation,
    ) -> carril::model::contract::Pending<
        'a,
        Result<carril::model::contract::StepDone, carril::model::contract::StepError>,
    > {
        Box::pin(async move {
            cancel.cancelled().await;
            Ok(carril::model::contract::StepDone::default())
        })
    }
}

/// A rollback that another program asked for is under way when the engine ends.
#[tokio::test]
async fn a_rollback_does_not_keep_the_engine_from_ending() {
    let pipeline = over_entities("p")
        .stage(Stage::new("s").step(fill()))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let rig = Rig::open(&house, &[&pipeline], fine()).await;
    let process = rig.launch(rig.request(&pipeline, 2)).await;
    rig.settled(&house, process).await;
    rig.moments.undo.shut();
    post(&reader(&house).await, Selection::Process(process)).await;
    rig.moments.undo.reached(1, "the first removal").await;
    tokio::join!(rig.end(), async { rig.moments.undo.free() });
}

/// What another program asks for, and the engine's answer.
async fn asked(house: &House, selection: Selection) -> Answer {
    let reader = reader(house).await;
    let request = post(&reader, selection).await;
    let answered = async {
        loop {
            let answer = reader.mailbox().answer_of(request).await;
            if let Some(answer) = answer.expect("anybody may read") {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    in_time("answering", answered).await
}

async fn reader(house: &House) -> carril::Reader {
    carril::read("carril.db", house.path(), &carril::no_references())
        .await
        .expect("anybody may read")
}

async fn post(reader: &carril::Reader, selection: Selection) -> RequestId {
    let wish = Wish::RollBack { selection };
    let posted = reader.mailbox().post(&wish, Timestamp(1));
    posted.await.expect("it is posted")
}

/// A wish that cannot be carried out is refused, not accepted and then dropped.
#[tokio::test]
async fn a_rollback_asked_for_while_a_process_stage_runs_is_refused() {
    let gates = Gates::new();
    let pipeline = over_entities("p")
        .stage(Stage::new("lanes").step(fill()))
        .stage(Stage::new("own").per_process().step(gates.step("own")))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let rig = Rig::open(&house, &[&pipeline], Arc::new(Waits)).await;
    let mut events = rig.engine.events();
    let process = rig.launch(rig.request(&pipeline, 2)).await;
    super::told(&mut events, "the process's own stage begins", |event| {
        matches!(event, carril::event::Event::Started { entity: None, .. })
    })
    .await;
    // Right after the process comes its own execution, then the lanes.
    let lane = Selection::Executions(vec![ExecutionId(process.0 + 2)]);
    match asked(&house, lane.clone()).await {
        Answer::Refused { code, .. } => assert_eq!(code, "CAR0428"),
        accepted => panic!("{accepted:?}"),
    }
    match asked(&house, Selection::Executions(vec![ExecutionId(999)])).await {
        Answer::Refused { code, .. } => assert_eq!(code, "CAR0427"),
        accepted => panic!("{accepted:?}"),
    }
    rig.end().await;
}

/// Once the answer is there, the store knows what was asked for: an engine that dies then leaves it to the next.
#[tokio::test]
async fn an_accepted_rollback_is_durable() {
    let pipeline = over_entities("p")
        .stage(Stage::new("s").step(fill()))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let rig = Rig::open(&house, &[&pipeline], fine()).await;
    let process = rig.launch(rig.request(&pipeline, 2)).await;
    rig.settled(&house, process).await;
    rig.moments.undo.shut();
    let answer = asked(&house, Selection::Process(process)).await;
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    let store = rusqlite::Connection::open(house.path().join("carril.db")).expect("it is there");
    let marked = "select count(*) from execution where rolling_back = 1";
    let marked: i64 = store
        .query_row(marked, [], |row| row.get(0))
        .expect("anybody may read");
    assert_eq!(marked, 2);
    rig.moments.undo.free();
    let undone = in_time("undoing", async {
        let mut moved = rig.engine.events();
        while rig.engine.wait(process).await.expect("it lives").state != ProcessState::RolledBack {
            let _ = moved.recv().await;
        }
    });
    undone.await;
    rig.end().await;
}

/// A failed lane of a running process is tried again while the process's end is being prepared.
#[tokio::test]
async fn a_retry_while_the_process_is_about_to_settle_is_run_and_settles() {
    let broken = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&broken);
    let pipeline: PipelineDefinition = over_entities("p")
        .stage(Stage::new("s").step(Step::function_named("work", "work")))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let steps = Answers(move |entity: &str, _: &str| {
        if entity == "a" && fails.load(Ordering::Relaxed) {
            Err("no")
        } else {
            Ok(())
        }
    });
    let rig = Rig::open(&house, &[&pipeline], Arc::new(steps)).await;
    rig.moments.sweep.shut();
    let process = rig.launch(rig.request(&pipeline, 2)).await;
    rig.moments.sweep.reached(1, "the sweep").await;
    broken.store(false, Ordering::Relaxed);
    let again = rig.engine.retry(Selection::Unsuccessful(process), None);
    in_time("retrying", again).await.expect("it is retried");
    rig.moments.sweep.free();
    let row = rig.settled(&house, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    rig.end().await;
}

/// An engine that loses its store while it reads the entities says that, and not merely that it has stopped.
#[tokio::test]
async fn a_launch_that_ends_with_its_engine_tells_what_ended_it() {
    let pipeline = over_entities("p")
        .stage(Stage::new("s").step(fill()))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let rig = Rig::open(&house, &[&pipeline], fine()).await;
    rig.moments.entities.shut();
    let launching = in_time("failing", rig.engine.launch(rig.request(&pipeline, 1)));
    let meanwhile = async {
        rig.moments.entities.reached(1, "the first chunk").await;
        // The store goes to another engine, which this one finds out with its next sign of life.
        let other = Rig::open(&house, &[], fine()).await;
        other.end().await;
    };
    let (failed, ()) = tokio::join!(launching, meanwhile);
    assert_eq!(
        failed.expect_err("its store is another's").code(),
        "CAR0703"
    );
}

/// Whoever launches may stop waiting at any moment: what is visible then runs to its end all the same.
#[tokio::test]
async fn a_launch_that_nobody_waits_for_any_more_runs_or_never_was() {
    let pipeline = over_entities("p")
        .overlap(Overlap::Allow)
        .stage(Stage::new("s").step(fill()))
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let rig = Rig::open(&house, &[&pipeline], fine()).await;
    for polls in 1.. {
        let mut launching = Box::pin(rig.engine.launch(rig.request(&pipeline, 2)));
        if polled(&mut launching, polls).await.is_some() {
            break;
        }
    }
    // One more: when it has settled, so has whatever the others left to be done.
    let last = rig.launch(rig.request(&pipeline, 2)).await;
    rig.settled(&house, last).await;
    let store = rusqlite::Connection::open(house.path().join("carril.db")).expect("it opens");
    let mut visible = store
        .prepare("select id from process where state > 0")
        .expect("it is asked");
    let visible: Vec<i64> = visible
        .query_map([], |row| row.get(0))
        .expect("it is asked")
        .collect::<Result<_, _>>()
        .expect("it is asked");
    for process in visible {
        let row = rig
            .settled(&house, carril::model::id::ProcessId(process))
            .await;
        assert_eq!(row.state, ProcessState::Succeeded);
    }
    rig.end().await;
}

/// Polls a future so many times, each time when it asks for it; gives its output if that was enough.
async fn polled<F: Future + Unpin>(future: &mut F, times: usize) -> Option<F::Output> {
    let mut left = times;
    std::future::poll_fn(|context| {
        left -= 1;
        match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
            std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await
}

/// A clock that falls behind when the machine sleeps, and says how far it was once somebody looks.
#[derive(Default)]
struct Sleepy {
    awake: SystemClock,
    /// Slept, and not noticed yet, in microseconds.
    slept: AtomicI64,
    ahead: AtomicI64,
}

impl Clock for Sleepy {
    fn now(&self) -> Timestamp {
        Timestamp(self.awake.now().0 + self.ahead.load(Ordering::SeqCst))
    }

    fn catch_up(&self) -> Duration {
        let slept = self.slept.swap(0, Ordering::SeqCst);
        self.ahead.fetch_add(slept, Ordering::SeqCst);
        Duration::from_micros(slept.unsigned_abs())
    }
}

const TWO_HOURS: Duration = Duration::from_secs(2 * 3_600);

/// A laptop is closed for the night: what was due meanwhile goes on when it is opened, without anybody's help.
#[tokio::test]
async fn who_was_due_while_the_machine_slept_is_woken() {
    let pipeline = Pipeline::new("p")
        .entities_list(["a", "b"])
        .stage(
            Stage::new("s")
                .step(Step::wait("night", TWO_HOURS))
                .step(Step::noop("morning")),
        )
        .build()
        .expect("the pipeline is right");
    let house = House::with_warehouse(WAREHOUSE);
    let clock = Arc::new(Sleepy::default());
    let rig = Rig::open_at(&house, &[&pipeline], fine(), clock.clone()).await;
    let process = rig.launch(rig.request(&pipeline, 2)).await;
    let store = rusqlite::Connection::open(house.path().join("carril.db")).expect("it is there");
    let parked = || {
        let waiting: i64 = store
            .query_row("select waiting from processes", [], |row| row.get(0))
            .expect("the process is there");
        waiting == 2
    };
    in_time("parking", async {
        while !parked() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let micros = i64::try_from(TWO_HOURS.as_micros()).expect("hours are few");
    clock.slept.store(micros, Ordering::SeqCst);
    let row = rig.settled(&house, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    rig.end().await;
}
