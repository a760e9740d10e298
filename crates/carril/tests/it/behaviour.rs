//! What must hold whatever happens: nobody is stuck, numbers are right, accounts add up. Each test ends by counting again.

mod again;
mod ends;
mod keys;
mod limits;
mod outages;
mod pauses;
mod rails;
mod rig;
mod stages;
mod stops;
mod wakes;

use crate::harness::{House, PATIENCE};
use carril::event::Event;
use carril::model::contract::ExecutionFilter;
use carril::model::id::{ExecutionId, ProcessId};
use carril::{Carril, Input, LaunchOutcome, PipelineDefinition, Step, StepFailure};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Steps that wait for the test's word. An attempt is called `entity/step`, the process's own `own/step`.
pub(crate) struct Gates {
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
    begun: watch::Sender<Vec<String>>,
}

impl Gates {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            gates: Mutex::default(),
            begun: watch::Sender::new(Vec::new()),
        })
    }

    fn gate(&self, name: &str) -> Arc<Semaphore> {
        let mut gates = self.gates.lock().expect("nobody panics with it");
        Arc::clone(
            gates
                .entry(name.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(0))),
        )
    }

    /// From now on this passes, however often it comes.
    pub(crate) fn open(&self, name: &str) {
        self.gate(name).close();
    }

    /// A step that passes its gate, or fails when it is asked to stop.
    pub(crate) fn step(self: &Arc<Self>, name: &'static str) -> Step {
        let gates = Arc::clone(self);
        Step::function(name, move |input: Input| {
            let gates = Arc::clone(&gates);
            async move { gates.pass(name, input).await }
        })
    }

    async fn pass(&self, step: &str, input: Input) -> Result<(), StepFailure> {
        let name = format!("{}/{step}", input.entity_key.as_deref().unwrap_or("own"));
        self.begun.send_modify(|begun| begun.push(name.clone()));
        let gate = self.gate(&name);
        tokio::select! {
            biased;
            _ = gate.acquire() => Ok(()),
            () = input.cancel.cancelled() => Err(StepFailure::permanent("stopped")),
        }
    }

    /// Waits until an attempt of this name has begun `times` times.
    pub(crate) async fn begun(&self, name: &str, times: usize) {
        let mut begun = self.begun.subscribe();
        let enough = |names: &Vec<String>| names.iter().filter(|one| *one == name).count() >= times;
        in_time(name, begun.wait_for(enough))
            .await
            .expect("the gates live as long as the test");
    }

    pub(crate) fn so_far(&self) -> Vec<String> {
        self.begun.borrow().clone()
    }
}

/// Longest wait for what must happen; what is stuck is told sooner than by the end of the test's patience.
const SOON: Duration = Duration::from_secs(15);

pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    assert!(SOON < PATIENCE);
    match tokio::time::timeout(SOON, future).await {
        Ok(done) => done,
        Err(_) => panic!("{what} does not happen"),
    }
}

/// The process once it has settled, told soon if it never does, and counted again.
pub(crate) async fn settled(
    house: &House,
    carril: &Carril,
    process: ProcessId,
) -> carril::model::contract::ProcessRow {
    let waiting = in_time("settling", carril.engine().wait(process));
    let row = waiting.await.expect("the engine lives");
    sound(house);
    row
}

pub(crate) async fn launch(
    carril: &Carril,
    pipeline: &PipelineDefinition,
    launch: carril::Launch,
) -> ProcessId {
    match in_time("launching", carril.launch(pipeline, launch)).await {
        Ok(LaunchOutcome::Launched(process)) => process,
        other => panic!("{other:?}"),
    }
}

/// The id of an entity's execution.
pub(crate) async fn of(carril: &Carril, process: ProcessId, entity: &str) -> ExecutionId {
    let filter = ExecutionFilter {
        max: 1_000,
        ..ExecutionFilter::default()
    };
    let rows = carril.history().executions(process, &filter).await;
    let rows = rows.expect("the history is read");
    let found = rows
        .iter()
        .find(|row| row.entity.as_deref() == Some(entity));
    found.expect("the entity was launched").id
}

/// Waits for an event.
pub(crate) async fn told(
    events: &mut tokio::sync::broadcast::Receiver<Event>,
    what: &str,
    which: impl Fn(&Event) -> bool,
) {
    let waiting = async {
        loop {
            if which(&events.recv().await.expect("the engine lives")) {
                return;
            }
        }
    };
    in_time(what, waiting).await;
}

/// Counts everything again, by SQL over the store's own tables, and compares it with what the store says (P3, P10).
pub(crate) fn sound(house: &House) {
    let store = rusqlite::Connection::open_with_flags(
        house.path().join("carril.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .expect("the store is there");
    let rules = [
        (
            "tallies are those of the executions",
            "select p.id from process p where (p.total, p.succeeded, p.failed, p.skipped, p.cancelled, p.rolled_back) <> (
               select count(*), count(*) filter (where e.state = 3), count(*) filter (where e.state = 4), count(*) filter (where e.state = 5),
                 count(*) filter (where e.state = 6), count(*) filter (where e.state = 7)
               from execution e where e.process_id = p.id and e.per_process = 0)",
        ),
        (
            "open counts the unsettled ones of the segment",
            "select p.id from process p
             where p.open <> (select count(*) from execution e where e.process_id = p.id and e.state < 3 and e.segment = p.segment)",
        ),
        (
            "a settled process has nobody left",
            "select e.id from execution e join process p on p.id = e.process_id where p.state > 2 and (e.state < 3 or e.rolling_back = 1)",
        ),
        (
            "what is settled has no attempt under way",
            "select e.id from execution e join step s on s.execution_id = e.id where s.state = 1 and (e.state > 2 or s.run < e.run)",
        ),
        (
            "the account of a first run is its life",
            "select e.id from execution e join process p on p.id = e.process_id left join entity n on n.execution_id = e.id
             where e.run = 1 and e.state between 3 and 6
               and (e.since <> e.ended_at
                 or coalesce((select sum(value) from json_each(e.sums)), 0) <> e.ended_at - coalesce(n.launched_at, p.launched_at))",
        ),
        (
            "of the live ones of a lane key exactly one is the head",
            "select min(id) from execution where state < 3 and lane_hash is not null group by lane_hash having sum(ready) <> 1",
        ),
        (
            "no two of a lane key run at once",
            "select min(id) from execution where state = 1 and lane_hash is not null group by lane_hash having count(*) > 1",
        ),
    ];
    for (rule, sql) in rules {
        let mut statement = store.prepare(sql).expect("the rule is right");
        let broken: Vec<i64> = statement
            .query_map([], |row| row.get(0))
            .expect("the rule is asked")
            .collect::<Result<_, _>>()
            .expect("the rule is asked");
        assert!(broken.is_empty(), "{rule}: not for {broken:?}");
    }
}
