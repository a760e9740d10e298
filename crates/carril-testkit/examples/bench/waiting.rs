//! What it costs that a million executions wait, and how soon one of them is at work when its time or its signal has come.
//!
//! The floor has a table with as many rows and their times in an index, wakes whoever is due with one awaited commit, and writes a
//! signal and whoever it wakes with two. Both are idle for some seconds first, with everybody parked.

use super::arguments::{Arguments, Side};
use super::child;
use super::figures::{quantile, rounded};
use super::floor::{self, micros};
use super::report::{Report, file_system};
use super::subject;
use super::usage::{self, Usage};
use anyhow::{Context as _, Result, ensure};
use carril::model::account::CauseKind;
use carril::model::contract::{Clock as _, ExecutionFilter, ProcessFilter, Selection};
use carril::model::definition::Overlap;
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::moment;
use carril::model::state::ExecutionState;
use carril::model::time::Timestamp;
use carril::{
    Carril, Input, Launch, OpenOptions, Pipeline, PipelineDefinition, Sending, Stage, Step,
    StepFailure, SystemClock,
};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const ENTITIES: u32 = 1_000_000;
const ROUNDS: u32 = 1;
/// One in so many is due while it is measured, and no more than that.
const DUE_SHARE: u32 = 100;
const DUE_MAX: u32 = 10_000;
/// One in so many waits for a signal; so many of them get one.
const SIGNAL_SHARE: u32 = 10;
const SIGNALS: u32 = 300;
/// Over how long those that are due are spread.
const SPREAD: Duration = Duration::from_secs(10);
/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(5);
/// What parking and quieting down may take beyond what was measured, before the first is due.
const SLACK: Duration = Duration::from_secs(4);
/// Between two looks at how many are parked.
const LOOK: Duration = Duration::from_millis(100);
/// Between two signals.
const PACE: Duration = Duration::from_millis(10);
/// After which whoever was woken and is not at work is lost.
const LOST: Duration = Duration::from_secs(60);
/// The rest waits for a time that does not come.
const FAR: &str = "2999-01-01T00:00Z";

/// How many of everything.
#[derive(Debug, Clone, Copy)]
struct Shape {
    far: u32,
    due: u32,
    signals: u32,
}

impl Shape {
    fn of(entities: u32) -> Self {
        let due = (entities / DUE_SHARE).clamp(1, DUE_MAX);
        let far = entities.saturating_sub(due).max(SIGNAL_SHARE);
        let signals = (far / SIGNAL_SHARE).min(SIGNALS);
        Self { far, due, signals }
    }

    /// When each of those is due that are, if the first is at `from`.
    fn times(self, from: Timestamp) -> impl Iterator<Item = Timestamp> {
        let spread = i64::try_from(SPREAD.as_micros()).unwrap_or(i64::MAX);
        let step = spread / i64::from(self.due);
        (0..i64::from(self.due)).map(move |number| Timestamp(from.0 + number * step))
    }
}

/// What one side measured.
#[derive(Debug, Serialize, Deserialize)]
struct Waited {
    parked_per_second: f64,
    rss_bytes: u64,
    idle_cpu_micros_per_second: f64,
    peak_rss_bytes: u64,
    due_micros: Vec<f64>,
    signal_micros: Vec<f64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Some(side) = arguments.side else {
        return report(arguments);
    };
    let folder = arguments.folder()?;
    let shape = Shape::of(arguments.entities_or(ENTITIES));
    child::tell(&match side {
        Side::Floor => floor_side(&folder, shape)?,
        Side::Carril => {
            let side = carril_side(&folder, shape, arguments.lanes);
            subject::runtime(arguments.runtime)?.block_on(side)?
        }
    })
}

// ---- Carril

/// Somebody who waited is at work.
struct Woken {
    execution: ExecutionId,
    /// When it was due; nobody who waited for a signal was.
    due: Option<Timestamp>,
    at: Timestamp,
}

#[derive(Deserialize)]
struct Values {
    entity: Waiter,
}

#[derive(Deserialize)]
struct Waiter {
    due_micros: Option<i64>,
}

struct Waiters<'a> {
    folder: &'a Path,
    carril: Carril,
    pipeline: PipelineDefinition,
    clock: SystemClock,
    woken: mpsc::Receiver<Woken>,
}

async fn carril_side(folder: &Path, shape: Shape, lanes: u32) -> Result<Waited> {
    let waiters = Waiters::open(folder, lanes).await?;
    let begun = Instant::now();
    waiters.fill(far(shape.far))?;
    let process = waiters.launch().await?;
    waiters.parked(process, shape.far).await?;
    let took = begun.elapsed();

    let lead = took * 2 * shape.due / shape.far + IDLE + SLACK;
    let first = waiters.clock.now().after(lead);
    waiters.fill(shape.times(first).map(Some))?;
    let last = waiters.launch().await?;
    waiters.parked(last, shape.due).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rss_bytes = usage::resident_bytes()?;
    let before = Usage::now()?;
    tokio::time::sleep(IDLE).await;
    let idle = Usage::now()?.cpu_micros - before.cpu_micros;
    ensure!(
        waiters.clock.now() < first,
        "the first was due before everybody was parked"
    );

    let due_micros = waiters.due(shape, first).await?;
    let signal_micros = waiters.signal(shape, process).await?;
    waiters.carril.shutdown(Duration::ZERO).await?;
    Ok(Waited {
        parked_per_second: f64::from(shape.far) / took.as_secs_f64(),
        rss_bytes,
        idle_cpu_micros_per_second: Duration::from_micros(idle).as_secs_f64() * 1e6
            / IDLE.as_secs_f64(),
        peak_rss_bytes: Usage::now()?.peak_rss_bytes,
        due_micros,
        signal_micros,
    })
}

/// Those that wait for a time that does not come, or for a signal.
fn far(count: u32) -> impl Iterator<Item = Option<Timestamp>> {
    let at = moment::parse(FAR).ok();
    (0..count).map(move |number| {
        if number.is_multiple_of(SIGNAL_SHARE) {
            None
        } else {
            at
        }
    })
}

impl<'a> Waiters<'a> {
    async fn open(folder: &'a Path, lanes: u32) -> Result<Self> {
        let clock = SystemClock::new();
        let (tell, woken) = mpsc::channel();
        let now = clock.clone();
        let after = move |input: Input<Values>| {
            // Nobody receives any more once something has failed; that is told by what did.
            let _ = tell.send(Woken {
                execution: input.execution,
                due: input.values.entity.due_micros.map(Timestamp),
                at: now.now(),
            });
            std::future::ready(Ok::<(), StepFailure>(()))
        };
        let stage = Stage::new("work")
            .step(Step::wait_until("until", "entity.due").when("entity.due != ''"))
            .step(Step::signal("signal", "go").when("entity.due == ''"))
            .step(Step::function("after", after));
        let query =
            "select 'entity-' || id as key, due, due_micros from entity order by id".to_owned();
        let pipeline = Pipeline::new("waiting")
            .entities_query("warehouse", "key", query)
            .lanes(lanes)
            .overlap(Overlap::Allow)
            .stage(stage)
            .build()?;
        let options = OpenOptions::new("store.db")
            .folder(folder)
            .target("warehouse", "sqlite:warehouse.db")
            .pipeline(&pipeline);
        let warehouse = Connection::open(folder.join("warehouse.db"))?;
        warehouse.execute_batch(
            "CREATE TABLE entity (id INTEGER PRIMARY KEY AUTOINCREMENT, due TEXT, due_micros INTEGER)",
        )?;
        Ok(Self {
            folder,
            carril: carril::open(options).await?,
            pipeline,
            clock,
            woken,
        })
    }

    /// Makes these the entities of the next launch: when each is due, or that it waits for a signal.
    fn fill(&self, times: impl Iterator<Item = Option<Timestamp>>) -> Result<()> {
        let mut warehouse = Connection::open(self.folder.join("warehouse.db"))?;
        let transaction = warehouse.transaction()?;
        transaction.execute("DELETE FROM entity", [])?;
        {
            let mut insert =
                transaction.prepare("INSERT INTO entity (due, due_micros) VALUES (?1, ?2)")?;
            for time in times {
                let text = time.map(moment::to_text).unwrap_or_default();
                insert.execute(params![text, time.map(|at| at.0)])?;
            }
        }
        Ok(transaction.commit()?)
    }

    async fn launch(&self) -> Result<ProcessId> {
        Ok(self
            .carril
            .launch(&self.pipeline, Launch::new())
            .await?
            .process())
    }

    /// Waits until so many of a process are parked.
    async fn parked(&self, process: ProcessId, count: u32) -> Result<()> {
        let filter = ProcessFilter {
            max: 10,
            ..ProcessFilter::default()
        };
        loop {
            let rows = self.carril.history().processes(&filter).await?;
            let row = rows.iter().find(|row| row.id == process);
            let row = row.context("the process is in the store")?;
            ensure!(
                row.tally.settled() == 0,
                "somebody did not wait: {:?}",
                row.tally
            );
            if row.waiting == u64::from(count) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// From the time that somebody was due to its next step at work.
    async fn due(&self, shape: Shape, first: Timestamp) -> Result<Vec<f64>> {
        let wait = first.until_from(self.clock.now()) + SPREAD;
        tokio::time::sleep(wait).await;
        let woken = self.gathered(shape.due).await?;
        woken
            .iter()
            .map(|woken| {
                let due = woken.due.context("nobody was sent a signal")?;
                Ok(as_f64(woken.at.micros_since(due)))
            })
            .collect()
    }

    /// From the acknowledgement of a signal to the next step at work.
    async fn signal(&self, shape: Shape, process: ProcessId) -> Result<Vec<f64>> {
        let filter = ExecutionFilter {
            states: vec![ExecutionState::Waiting],
            max: shape.signals * SIGNAL_SHARE,
            ..ExecutionFilter::default()
        };
        let rows = self.carril.history().executions(process, &filter).await?;
        let waiting = rows
            .iter()
            .filter(|row| row.account.cause().kind == CauseKind::Signal);
        let mut sent = HashMap::new();
        for row in waiting {
            let signal = Sending {
                name: "go".to_owned(),
                data: Value::Null,
                sent_by: "bench".to_owned(),
                idempotency_key: None,
            };
            let selection = Selection::Executions(vec![row.id]);
            self.carril.engine().signal(&selection, signal).await?;
            sent.insert(row.id, self.clock.now());
            tokio::time::sleep(PACE).await;
        }
        let woken = self
            .gathered(u32::try_from(sent.len()).unwrap_or(u32::MAX))
            .await?;
        woken
            .iter()
            .map(|woken| {
                let sent = sent
                    .get(&woken.execution)
                    .context("only who was sent a signal woke")?;
                Ok(as_f64(woken.at.micros_since(*sent)).max(0.0))
            })
            .collect()
    }

    /// All that are expected to be at work.
    async fn gathered(&self, count: u32) -> Result<Vec<Woken>> {
        let begun = Instant::now();
        let mut woken = Vec::new();
        while woken.len() < count as usize {
            woken.extend(self.woken.try_iter());
            ensure!(
                begun.elapsed() < LOST,
                "only {} of {count} woke",
                woken.len()
            );
            tokio::time::sleep(LOOK).await;
        }
        Ok(woken)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a minute at most"
)]
const fn as_f64(micros: i64) -> f64 {
    micros as f64
}

// ---- the floor

fn floor_side(folder: &Path, shape: Shape) -> Result<Waited> {
    let mut connection = floor::open(folder)?;
    connection.execute_batch(
        "CREATE TABLE waiter (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, wake_at INTEGER, since INTEGER);
         CREATE INDEX waiter_due ON waiter (wake_at) WHERE wake_at IS NOT NULL;
         CREATE TABLE sent (waiter INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (waiter, number)) WITHOUT ROWID;",
    )?;
    let clock = SystemClock::new();
    let begun = Instant::now();
    insert(&mut connection, far(shape.far))?;
    let took = begun.elapsed();
    let first = clock.now().after(IDLE + SLACK);
    insert(&mut connection, shape.times(first).map(Some))?;
    let rss_bytes = usage::resident_bytes()?;
    let before = Usage::now()?;
    std::thread::sleep(IDLE);
    let idle = Usage::now()?.cpu_micros - before.cpu_micros;

    let mut due_micros = Vec::new();
    while due_micros.len() < shape.due as usize {
        let next: i64 = connection
            .prepare_cached(
                "SELECT min(wake_at) FROM waiter INDEXED BY waiter_due WHERE wake_at IS NOT NULL",
            )?
            .query_row([], |row| row.get(0))?;
        std::thread::sleep(Timestamp(next).until_from(clock.now()));
        wake(&mut connection, &clock, &mut due_micros)?;
    }
    let signal_micros = (0..shape.signals)
        .map(|number| {
            let waiter = 1 + number * SIGNAL_SHARE;
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached("INSERT INTO sent VALUES (?1, 1)")?
                .execute([waiter])?;
            transaction.commit()?;
            let sent = Instant::now();
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached("UPDATE waiter SET state = 1 WHERE id = ?1")?
                .execute([waiter])?;
            transaction.commit()?;
            Ok(micros(sent.elapsed()))
        })
        .collect::<Result<_>>()?;
    Ok(Waited {
        parked_per_second: f64::from(shape.far) / took.as_secs_f64(),
        rss_bytes,
        idle_cpu_micros_per_second: Duration::from_micros(idle).as_secs_f64() * 1e6
            / IDLE.as_secs_f64(),
        peak_rss_bytes: Usage::now()?.peak_rss_bytes,
        due_micros,
        signal_micros,
    })
}

fn insert(
    connection: &mut Connection,
    times: impl Iterator<Item = Option<Timestamp>>,
) -> Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut insert =
            transaction.prepare("INSERT INTO waiter (state, wake_at) VALUES (2, ?1)")?;
        for time in times {
            insert.execute([time.map(|at| at.0)])?;
        }
    }
    Ok(transaction.commit()?)
}

/// Wakes all that are due with one commit.
fn wake(connection: &mut Connection, clock: &SystemClock, samples: &mut Vec<f64>) -> Result<()> {
    let transaction = connection.transaction()?;
    let found: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT id, wake_at FROM waiter INDEXED BY waiter_due WHERE wake_at <= ?1 ORDER BY wake_at LIMIT 256",
        )?
        .query_map([clock.now().0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, _) in &found {
        transaction
            .prepare_cached(
                "UPDATE waiter SET state = 1, wake_at = NULL, since = ?2 WHERE id = ?1",
            )?
            .execute(params![id, clock.now().0])?;
    }
    transaction.commit()?;
    let now = clock.now();
    samples.extend(
        found
            .iter()
            .map(|(_, due)| as_f64(now.micros_since(Timestamp(*due)))),
    );
    Ok(())
}

// ---- the report

/// One side over all rounds.
struct Told {
    rounds: Vec<Waited>,
    due: Vec<f64>,
    signal: Vec<f64>,
}

impl Told {
    fn of(rounds: Vec<Waited>) -> Self {
        let sorted = |of: fn(&Waited) -> &Vec<f64>| {
            let mut all: Vec<f64> = rounds.iter().flat_map(of).copied().collect();
            all.sort_by(f64::total_cmp);
            all
        };
        Self {
            due: sorted(|round| &round.due_micros),
            signal: sorted(|round| &round.signal_micros),
            rounds,
        }
    }

    fn most(&self, of: fn(&Waited) -> f64) -> f64 {
        self.rounds.iter().map(of).fold(0.0, f64::max)
    }

    fn rss(&self) -> f64 {
        self.most(|round| bytes(round.rss_bytes))
    }

    fn idle(&self) -> f64 {
        self.most(|round| round.idle_cpu_micros_per_second)
    }

    fn json(&self) -> Value {
        let samples = |sorted: &[f64]| {
            json!({
                "p50_micros": quantile(sorted, 0.5), "p99_micros": quantile(sorted, 0.99), "max_micros": quantile(sorted, 1.0),
            })
        };
        json!({
            "parked_per_second": self.most(|round| round.parked_per_second),
            "rss_bytes": self.rss(), "peak_rss_bytes": self.most(|round| bytes(round.peak_rss_bytes)),
            "idle_cpu_micros_per_second": self.idle(),
            "due": samples(&self.due), "signal": samples(&self.signal),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below what counts exactly")]
const fn bytes(bytes: u64) -> f64 {
    bytes as f64
}

fn report(arguments: &Arguments) -> Result<()> {
    let (entities, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let shape = Shape::of(entities);
    let side = |side| {
        let rounds = (0..rounds).map(|_| child::run(arguments, side));
        Ok::<_, anyhow::Error>(Told::of(rounds.collect::<Result<_>>()?))
    };
    let (floor, carril) = (side(Side::Floor)?, side(Side::Carril)?);
    let heading = format!(
        "{} executions parked; {} due over {} s, then {} signals; {rounds} rounds",
        rounded(f64::from(shape.far + shape.due)),
        rounded(f64::from(shape.due)),
        SPREAD.as_secs(),
        shape.signals
    );
    let mut report = Report::new("waiting", heading);
    report.key("entities", shape.far + shape.due)?;
    report.key("due", shape.due)?;
    report.key("signals", shape.signals)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    let late = |side: &Told| quantile(&side.due, 0.99);
    report.key("ratio", late(&floor) / late(&carril))?;
    report.key("floor", floor.json())?;
    report.key("carril", carril.json())?;
    table(&mut report, &floor, &carril);
    report.at_most("memory while all wait, MB", 50.0, carril.rss() * 1e-6);
    report.at_most("p99 from due time to work, ms", 20.0, late(&carril) * 1e-3);
    let heard = quantile(&carril.signal, 0.99) * 1e-3;
    report.at_most("p99 from signal to work, ms", 20.0, heard);
    report.print(arguments)
}

fn table(report: &mut Report, floor: &Told, carril: &Told) {
    let mut row = |what: &str, of: &dyn Fn(&Told) -> f64| {
        report.row(what, rounded(of(floor)), rounded(of(carril)));
    };
    row("parked per second", &|side| {
        side.most(|round| round.parked_per_second)
    });
    row("memory while all wait, MB", &|side| side.rss() * 1e-6);
    row("peak memory, MB", &|side| {
        side.most(|round| bytes(round.peak_rss_bytes)) * 1e-6
    });
    row("CPU while nothing happens, ms/s", &|side| {
        side.idle() * 1e-3
    });
    for (what, share) in [("p50", 0.5), ("p99", 0.99), ("slowest", 1.0)] {
        row(&format!("due to work, {what}, ms"), &|side| {
            quantile(&side.due, share) * 1e-3
        });
    }
    for (what, share) in [("p50", 0.5), ("p99", 0.99), ("slowest", 1.0)] {
        row(&format!("signal to work, {what}, ms"), &|side| {
            quantile(&side.signal, share) * 1e-3
        });
    }
}
