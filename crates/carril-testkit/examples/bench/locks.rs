//! Who blocks whom, on a real server: scenes whose truth is known, and what Carril's store says of them afterwards.
//!
//! In each scene somebody holds a lock and an execution waits for it. Right is who names the one at the root and the table. The truth
//! about the time is the server's: its clock around the statement that waits. What looking costs is measured apart: the
//! same steps with and without it, in turns, long enough each that they are looked at.

use super::arguments::Arguments;
use super::figures::{Figure, quantile};
use super::report::Report;
use super::subject;
use anyhow::{Context as _, Result, ensure};
use carril::model::contract::{EntityRow, LockRow};
use carril::model::definition::Overlap;
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::lock::Blocker;
use carril::model::retry::mix;
use carril::{Carril, Launch, OpenOptions, Pipeline, PipelineDefinition, Stage, Step};
use carril_testkit::postgres::{Cluster, Database};
use serde::Serialize;
use serde_json::Map;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

/// Of each of the seven scenes.
const TRIALS: u32 = 18;
const ROUNDS: u32 = 6;
const ENTITIES: u32 = 24;
const STEPS: u32 = 6;
/// The longest that anything of a scene may take.
const LIMIT: Duration = Duration::from_secs(60);
const SCHEMA: &str = "create table positions (id int primary key, amount int);
    insert into positions select id, 0 from generate_series(1, 9) id;
    create table keys (id int primary key);
    create table noise (id int);
    create function timed(what text) returns bigint language plpgsql as $$
        declare began timestamptz := clock_timestamp();
        begin execute what; return extract(epoch from clock_timestamp() - began) * 1000000; end $$";
/// Something of 80 ms or so: long enough that it is looked at.
const BUSY: &str = "select sum(sqrt(n)) as done from generate_series(1, 150000) n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    Row,
    Key,
    Table,
    Idle,
    Chain,
    Deadlock,
    ForeignDeadlock,
}

const SCENES: [(Scene, &str); 7] = [
    (Scene::Row, "row"),
    (Scene::Key, "unique key"),
    (Scene::Table, "whole table"),
    (Scene::Idle, "idle in transaction"),
    (Scene::Chain, "chain of three"),
    (Scene::Deadlock, "deadlock of two executions"),
    (Scene::ForeignDeadlock, "deadlock with a stranger"),
];

/// What became of one scene.
#[derive(Debug, Default)]
struct Trial {
    is_right: bool,
    /// By how much the time told was off, and whether that is within what is wanted.
    off: Option<(f64, bool)>,
    /// What was told, for those that are not right.
    said: String,
}

#[derive(Debug, Default, Serialize)]
struct Sum {
    trials: u32,
    right: u32,
    in_time: u32,
    timed: u32,
}

impl Sum {
    fn add(&mut self, trial: &Trial) {
        self.trials += 1;
        self.right += u32::from(trial.is_right);
        if let Some((_, in_time)) = trial.off {
            self.timed += 1;
            self.in_time += u32::from(in_time);
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir_in(arguments.folder()?)?;
    let runtime = subject::runtime(arguments.runtime)?;
    let trials = arguments.entities_or(TRIALS);
    let (mut all, mut scenes, mut errors) = (Sum::default(), BTreeMap::new(), Vec::new());
    for (scene, name) in SCENES {
        let mut sum = Sum::default();
        for number in 0..trials {
            let seed = mix(u64::from(number) + 1_000 * (scene as u64));
            let trial = runtime.block_on(async {
                let stage = Theatre::open(folder.path(), scene).await?;
                let played = tokio::time::timeout(LIMIT, stage.play(scene, seed)).await;
                stage.close().await?;
                played.with_context(|| format!("{name}: it never ended"))?
            })?;
            if !trial.is_right {
                eprintln!("{name}, trial {number}: told wrongly: {}", trial.said);
            }
            errors.extend(trial.off.map(|(off, _)| off / 1_000.0));
            sum.add(&trial);
            all.add(&trial);
        }
        scenes.insert(name, sum);
    }
    errors.sort_by(f64::total_cmp);
    let rounds = arguments.rounds_or(ROUNDS);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for turn in 0..2 {
            let sees = (round + turn) % 2 == 0;
            let rate = runtime.block_on(rate(folder.path(), arguments, sees))?;
            if sees { &mut with } else { &mut without }.push(rate);
        }
    }
    report(arguments, &all, &scenes, &errors, (&without, &with))
}

fn report(
    arguments: &Arguments,
    all: &Sum,
    scenes: &BTreeMap<&str, Sum>,
    errors: &[f64],
    (without, with): (&[f64], &[f64]),
) -> Result<()> {
    let ratios = without
        .iter()
        .zip(with)
        .map(|(without, with)| with / without);
    let ratio = Figure::of(ratios).median;
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
    let heading = format!(
        "{} scenes of locks: who is told as the holder, on which table, for how long; and steps without (floor) and with looking at locks, {} rounds",
        all.trials,
        with.len()
    );
    let mut report = Report::new("locks", heading);
    report.key("trials", all.trials)?;
    report.key("right", all.right)?;
    report.key("timed", all.timed)?;
    report.key("in_time", all.in_time)?;
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|part| quantile(errors, part));
    report.key(
        "error_millis",
        BTreeMap::from([("p50", p50), ("p99", p99), ("max", max)]),
    )?;
    report.key("scenes", scenes)?;
    report.key("rounds", with.len())?;
    report.key("ratio", ratio)?;
    let (floor, carril) = (
        Figure::of(without.iter().copied()),
        Figure::of(with.iter().copied()),
    );
    report.key("floor", BTreeMap::from([("steps_per_second", floor)]))?;
    report.key("carril", BTreeMap::from([("steps_per_second", carril)]))?;
    for (name, sum) in scenes {
        let told = format!(
            "{} of {} right, {} of {} in time",
            sum.right, sum.trials, sum.in_time, sum.timed
        );
        report.row(name, "", told);
    }
    let off = format!("{p50:.1} median, {p99:.1} p99, {max:.1} at most");
    report.row("error of the time, ms", "", off);
    report.row("steps per second", floor.shown(), carril.shown());
    report.at_least(
        "told with the right holder and table",
        0.99,
        share(all.right, all.trials),
    );
    report.at_least(
        "told with the right time",
        0.99,
        share(all.in_time, all.timed),
    );
    report.at_least(
        "steps per second with looking, by those without",
        0.98,
        ratio,
    );
    report.print(arguments)
}

/// A database, an engine on it and a stranger.
struct Theatre {
    carril: Carril,
    first: PipelineDefinition,
    second: PipelineDefinition,
    database: Database,
    stranger: Client,
    pid: i32,
    /// Somebody who only looks.
    looker: Client,
    /// Its store, which goes with it.
    _folder: tempfile::TempDir,
}

impl Theatre {
    async fn open(folder: &Path, scene: Scene) -> Result<Self> {
        let database = Cluster::get().database();
        database.sql(SCHEMA);
        let (first, second) = scripts(scene)?;
        let folder = tempfile::tempdir_in(folder)?;
        let options = OpenOptions::new("store.db")
            .folder(folder.path())
            .target("warehouse", database.url())
            .pipeline(&first)
            .pipeline(&second);
        let stranger = connect(&database.url()).await?;
        let pid = stranger
            .query_one("select pg_backend_pid()", &[])
            .await?
            .get(0);
        Ok(Self {
            carril: carril::open(options).await?,
            first,
            second,
            stranger,
            pid,
            looker: connect(&database.url()).await?,
            database,
            _folder: folder,
        })
    }

    async fn close(self) -> Result<()> {
        let Self {
            carril, database, ..
        } = self;
        carril.shutdown(Duration::ZERO).await?;
        drop(database);
        Ok(())
    }

    async fn play(&self, scene: Scene, seed: u64) -> Result<Trial> {
        match scene {
            Scene::Row | Scene::Key | Scene::Table | Scene::Idle => self.wait(scene, seed).await,
            Scene::Chain => self.chain(seed).await,
            Scene::Deadlock => self.deadlock().await,
            Scene::ForeignDeadlock => self.foreign_deadlock().await,
        }
    }

    /// An execution waits for the stranger, who goes on after a while that the seed draws.
    async fn wait(&self, scene: Scene, seed: u64) -> Result<Trial> {
        let (taken, let_go, table) = match scene {
            Scene::Key => ("insert into keys values (3)", "rollback", "keys"),
            Scene::Table => (
                "lock table positions in access exclusive mode",
                "commit",
                "positions",
            ),
            _ => (
                "update positions set amount = 1 where id = 3",
                "commit",
                "positions",
            ),
        };
        self.stranger
            .batch_execute(&format!("begin; insert into noise values (1); {taken}"))
            .await?;
        let process = self.launch(&self.first).await?;
        self.until_waiting(1).await?;
        if scene == Scene::Idle {
            // Nothing is asked of its session: it sits there while somebody else lets the time pass.
            self.looker.batch_execute(&pause(seed)).await?;
        } else {
            self.stranger.batch_execute(&pause(seed)).await?;
        }
        self.stranger.batch_execute(let_go).await?;
        let (execution, truth) = self.done(process).await?;
        let told = self.told(process, execution).await?;
        Ok(self.judged(&told, truth, |lock| self.is_stranger(&lock.blocker), table))
    }

    /// One waits for the stranger, another for the one.
    async fn chain(&self, seed: u64) -> Result<Trial> {
        self.stranger
            .batch_execute("begin; update positions set amount = 1 where id = 1")
            .await?;
        let middle = self.launch(&self.first).await?;
        self.until_waiting(1).await?;
        let last = self.launch(&self.second).await?;
        self.until_waiting(2).await?;
        self.stranger.batch_execute(&pause(seed)).await?;
        self.stranger.batch_execute("commit").await?;
        let (between, _) = self.done(middle).await?;
        let (execution, truth) = self.done(last).await?;
        let told = self.told(last, execution).await?;
        // When the stranger has gone the middle may be waited for a moment longer; what is judged is who was told first.
        let is_right = |lock: &carril::model::lock::LockWait| {
            self.is_stranger(&lock.blocker)
                && lock.through.iter().any(|link| is_execution(link, between))
        };
        Ok(self.judged(&told, truth, is_right, "positions"))
    }

    async fn deadlock(&self) -> Result<Trial> {
        let (up, down) = (
            self.launch(&self.first).await?,
            self.launch(&self.second).await?,
        );
        let (first, _) = self.done(up).await?;
        let (second, _) = self.done(down).await?;
        let mut told = self.told(up, first).await?;
        told.extend(self.told(down, second).await?);
        let mut victims = told.iter().filter(|row| row.lock.deadlock);
        let victim = victims.next();
        let is_right = victims.next().is_none()
            && victim.is_some_and(|row| {
                let other = if row.execution == first {
                    second
                } else {
                    first
                };
                is_execution(&row.lock.blocker, other)
                    && row.lock.table.as_deref() == Some("positions")
            });
        Ok(Trial {
            is_right,
            off: None,
            said: said(&told),
        })
    }

    async fn foreign_deadlock(&self) -> Result<Trial> {
        let taken =
            "set deadlock_timeout = '60s'; begin; update positions set amount = 1 where id = 2";
        self.stranger.batch_execute(taken).await?;
        let process = self.launch(&self.first).await?;
        self.until_waiting(1).await?;
        self.stranger
            .batch_execute("update positions set amount = 1 where id = 1; commit")
            .await?;
        let (execution, _) = self.done(process).await?;
        let told = self.told(process, execution).await?;
        let victim = told.iter().find(|row| row.lock.deadlock);
        let is_right = victim.is_some_and(|row| {
            self.is_stranger(&row.lock.blocker) && row.lock.table.as_deref() == Some("positions")
        });
        Ok(Trial {
            is_right,
            off: None,
            said: said(&told),
        })
    }

    async fn launch(&self, pipeline: &PipelineDefinition) -> Result<ProcessId> {
        let entity = EntityRow {
            key: "only".to_owned(),
            attributes: Map::new(),
        };
        let launch = Launch::new().entities(vec![entity]);
        Ok(self.carril.launch(pipeline, launch).await?.process())
    }

    /// Waits until so many executions wait for locks.
    async fn until_waiting(&self, many: i64) -> Result<()> {
        let query = "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'carril/%' and wait_event_type = 'Lock'";
        loop {
            let row = self.looker.query_one(query, &[]).await?;
            if row.get::<_, i64>(0) >= many {
                return Ok(());
            }
        }
    }

    /// The execution of a process once it has succeeded, and how long its last step says that it waited.
    async fn done(&self, process: ProcessId) -> Result<(ExecutionId, i64)> {
        let row = self.carril.engine().wait(process).await?;
        ensure!(
            row.tally.succeeded == 1,
            "it did not succeed: {:?}",
            row.tally
        );
        let filter = carril::model::contract::ExecutionFilter {
            max: 1,
            ..Default::default()
        };
        let history = self.carril.history();
        let rows = history.executions(process, &filter).await?;
        let id = rows.first().context("it has an execution")?.id;
        let attempts = history.attempts(id, None).await?;
        let output = attempts
            .iter()
            .rev()
            .find_map(|attempt| attempt.output.clone());
        let micros = output.and_then(|output| output["micros"].as_i64());
        Ok((id, micros.unwrap_or_default()))
    }

    async fn told(&self, process: ProcessId, execution: ExecutionId) -> Result<Vec<LockRow>> {
        let mut rows = self.carril.history().locks(process, 100).await?;
        rows.retain(|row| row.execution == execution);
        rows.sort_by_key(|row| row.began);
        Ok(rows)
    }

    fn judged(
        &self,
        told: &[LockRow],
        truth: i64,
        is_right: impl Fn(&carril::model::lock::LockWait) -> bool,
        table: &str,
    ) -> Trial {
        let micros: i64 = told.iter().map(|row| row.micros).sum();
        let off = (micros - truth).abs();
        let first = told.first();
        Trial {
            is_right: first
                .is_some_and(|row| is_right(&row.lock) && row.lock.table.as_deref() == Some(table)),
            off: Some((as_float(off), off <= (truth / 10).max(100_000))),
            said: format!("{}; it took {truth} µs", said(told)),
        }
    }

    fn is_stranger(&self, blocker: &Blocker) -> bool {
        matches!(blocker, Blocker::Session(session) if session.pid == self.pid)
    }
}

fn said(told: &[LockRow]) -> String {
    let rows = told.iter().map(|row| {
        let through: Vec<String> = row.lock.through.iter().map(ToString::to_string).collect();
        let about = row.lock.about();
        format!(
            "{about} behind {} through {through:?} for {} µs",
            row.lock.blocker, row.micros
        )
    });
    rows.collect::<Vec<_>>().join("; ")
}

fn is_execution(blocker: &Blocker, id: ExecutionId) -> bool {
    matches!(blocker, Blocker::Execution { execution, .. } if *execution == id)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of seconds")]
const fn as_float(micros: i64) -> f64 {
    micros as f64
}

/// Between 200 and 1,000 ms that the server lets pass.
fn pause(seed: u64) -> String {
    format!("select pg_sleep({}e-3)", 200 + seed % 800)
}

/// A step that does this and tells how long it took by the server's own clock, in `micros`.
fn timed(sql: &str) -> String {
    format!("select timed('{sql}') as micros")
}

/// What the first and the second execution of a scene do.
fn scripts(scene: Scene) -> Result<(PipelineDefinition, PipelineDefinition)> {
    let both = |one: i32, other: i32, pause: &str| {
        format!(
            "update positions set amount = 2 where id = {one}; {pause}update positions set amount = 2 where id = {other}"
        )
    };
    let (first, second) = match scene {
        Scene::Key => (timed("insert into keys values (3)"), String::new()),
        Scene::Chain => (
            both(2, 1, ""),
            timed("update positions set amount = 3 where id = 2"),
        ),
        Scene::Deadlock => {
            let pause = "select pg_sleep(0.3)::text; ";
            (both(1, 2, pause), both(2, 1, pause))
        }
        Scene::ForeignDeadlock => (both(1, 2, ""), String::new()),
        Scene::Row | Scene::Table | Scene::Idle => (
            timed("update positions set amount = 2 where id = 3"),
            String::new(),
        ),
    };
    let second = if second.is_empty() {
        "select 1 as one".to_owned()
    } else {
        second
    };
    Ok((script("first", &first)?, script("second", &second)?))
}

fn script(name: &str, sql: &str) -> Result<PipelineDefinition> {
    let step = ["positions", "keys"].into_iter().fold(
        Step::sql("work", sql).target("warehouse"),
        Step::shared_write,
    );
    let pipeline = Pipeline::new(name)
        .entities_given()
        .overlap(Overlap::Allow)
        .stage(Stage::new("stage").step(step));
    Ok(pipeline.build()?)
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Steps per second of lanes that are busy in the database and wait for nobody.
async fn rate(folder: &Path, arguments: &Arguments, sees_locks: bool) -> Result<f64> {
    let database = Cluster::get().database();
    let folder = tempfile::tempdir_in(folder)?;
    let steps = arguments.steps_or(STEPS);
    let stage = (0..steps).fold(Stage::new("work"), |stage, number| {
        stage.step(Step::sql(format!("step-{number}"), BUSY).target("warehouse"))
    });
    let pipeline = Pipeline::new("busy")
        .entities_given()
        .lanes(8)
        .stage(stage)
        .build()?;
    let options = OpenOptions::new("store.db")
        .folder(folder.path())
        .target("warehouse", database.url())
        .sees_locks(sees_locks)
        .pipeline(&pipeline);
    let carril = carril::open(options).await?;
    let entities = (0..ENTITIES).map(|number| EntityRow {
        key: format!("e{number}"),
        attributes: Map::new(),
    });
    let clock = Instant::now();
    let launch = Launch::new().entities(entities.collect());
    let process = carril.launch(&pipeline, launch).await?.process();
    let row = carril.engine().wait(process).await?;
    let seconds = clock.elapsed().as_secs_f64();
    ensure!(
        row.tally.succeeded == u64::from(ENTITIES),
        "not all succeeded: {:?}",
        row.tally
    );
    carril.shutdown(Duration::ZERO).await?;
    Ok(f64::from(ENTITIES * steps) / seconds)
}
