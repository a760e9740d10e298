//! Many entities through no-op steps on a PostgreSQL server: what the engine and its store cost beside a program that only writes.
//!
//! The floor is what no durable engine on a server can do without: one writer on one connection takes all that waits, and writes it
//! with a statement for each kind of row, one behind the other, in one transaction. Its tables are those of Carril's store. The
//! server is whoever's the URL names, and its settings are part of what is measured.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured, Paces};
use super::fanout::check_rows;
use super::floor::{self, CHUNK_MAX, GROUP_MAX, PROCESS, Shape, Write, micros};
use super::report::Report;
use super::subject::{self, Subject, connect};
use super::usage::Usage;
use anyhow::{Context as _, Result};
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

const ENTITIES: u32 = 10_000;
const STEPS: u32 = 7;
const ROUNDS: u32 = 3;
const TABLES: &str =
    include_str!("../../../carril-postgres/sql/store/migrations/0001_initial.up.sql");

const PROCESS_INSERT: &str = "INSERT INTO process (id, definition_id, state, segment, opened, total, first_execution, \
     last_execution, segments, lanes, priority, pipeline, params, targets, launched_by, launched_at, overlap_hash, node) \
     VALUES ($1::bigint, 1, 1, 0, 0, $2::bigint, $1::bigint, $1::bigint + $2::bigint, 1, 50, 0, 'bench', '{}', '{}', 'bench', 0, 7, 1)";
const EXECUTION_INSERT: &str = "INSERT INTO execution (id, process_id, run, token, state, segment, ready, per_process, lane_hash, \
     since, cause, cancelling, rolling_back, parked, warnings, unread) \
     SELECT id, $1::bigint, 1, 0, 0, 0, true, false, hash, $4::bigint, 'queued', false, false, false, 0, 0 \
     FROM unnest($2::bigint[], $3::bigint[]) AS e (id, hash)";
const ENTITY_INSERT: &str = "INSERT INTO entity (execution_id, process_id, entity_key) \
     SELECT id, $1::bigint, 'entity-' || id FROM unnest($2::bigint[]) AS e (id)";
const STEP: &str = "INSERT INTO step (execution_id, run, step, attempt, state, began, micros) \
     SELECT id, 1, step, 1, 2, began, micros \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS s (id, step, began, micros)";
const SETTLE: &str = "UPDATE execution e SET state = 3, ended_at = s.at, cause = 'store', since = s.at, sums = s.sums \
     FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS s (id, at, sums) WHERE e.id = s.id";
const CLAIM: &str = "UPDATE execution e SET state = 1, token = 1, node = 1, started_at = $2::bigint, cause = 'running', since = $2::bigint, \
     sums = '{\"queued\":123456}' FROM unnest($1::bigint[]) AS s (id) WHERE e.id = s.id";
const TALLY: &str = "INSERT INTO tally VALUES ($1::bigint, 1, -$2::bigint, $2::bigint, 0, 0, 0, 0, 0) ON CONFLICT (process_id, node) DO UPDATE \
     SET open = tally.open + excluded.open, succeeded = tally.succeeded + excluded.succeeded";

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

fn url(arguments: &Arguments) -> Result<&str> {
    let named = arguments.store.as_deref();
    named.context("a side is told which server to work on")
}

fn side_of(arguments: &Arguments, side: Side) -> Result<Measured> {
    let shape = Shape {
        entities: arguments.entities_or(ENTITIES),
        steps: arguments.steps_or(STEPS),
        lanes: arguments.lanes,
        writer: arguments.floor,
    };
    let url = url(arguments)?;
    let runtime = subject::runtime(arguments.runtime)?;
    let (wall_micros, launch_micros) = match side {
        Side::Floor => LocalSet::new().block_on(&runtime, floor_side(url, shape))?,
        Side::Carril => runtime.block_on(carril_side(arguments, shape))?,
    };
    let usage = Usage::now()?;
    let schema = match side {
        Side::Floor => "floor",
        Side::Carril => "carril",
    };
    let step_rows = runtime.block_on(subject::step_rows_in(url, schema))?;
    Ok(Measured {
        wall_micros,
        launch_micros,
        samples_micros: Vec::new(),
        usage,
        step_rows,
    })
}

async fn carril_side(arguments: &Arguments, shape: Shape) -> Result<(f64, f64)> {
    let folder = arguments.folder()?;
    let subject = Subject::open(arguments, &folder, (shape.steps, shape.lanes), || {}).await?;
    let clock = Instant::now();
    let process = subject.launch(shape.entities).await?;
    let launched = clock.elapsed();
    subject.wait(process, shape.entities).await?;
    let wall = clock.elapsed();
    subject.close().await?;
    Ok((micros(wall), micros(launched)))
}

async fn floor_side(url: &str, shape: Shape) -> Result<(f64, f64)> {
    let writer = Writer::at(url).await?;
    let clock = Instant::now();
    writer.launch(PROCESS, shape, clock).await?;
    let launched = clock.elapsed();
    let (queue, waiting) = mpsc::channel(4_096);
    let writing = tokio::task::spawn_local(writer.run(waiting));
    floor::clients(queue, shape, clock).await;
    writing.await??;
    Ok((micros(clock.elapsed()), micros(launched)))
}

/// The floor of a dispatch: one awaited commit of what a launch of one entity writes, so many times. Gives microseconds.
pub(crate) async fn launches(url: &str, launches: usize) -> Result<Vec<f64>> {
    let writer = Writer::at(url).await?;
    let clock = Instant::now();
    let shape = Shape {
        entities: 1,
        steps: 1,
        lanes: 1,
        writer: super::arguments::Writer::Inline,
    };
    let mut took = Vec::with_capacity(launches);
    for number in 0..launches {
        let begun = Instant::now();
        let process = PROCESS + 2 * i64::try_from(number)?;
        writer.launch(process, shape, clock).await?;
        took.push(micros(begun.elapsed()));
    }
    Ok(took)
}

/// The one writer of the journal.
struct Writer {
    client: Client,
    step: Statement,
    settle: Statement,
    claim: Statement,
    tally: Statement,
}

impl Writer {
    /// Over new tables.
    async fn at(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        let prepare = format!(
            "DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor; SET search_path = floor, pg_temp; {TABLES}; CHECKPOINT"
        );
        client.batch_execute(&prepare).await?;
        Ok(Self {
            step: client.prepare(STEP).await?,
            settle: client.prepare(SETTLE).await?,
            claim: client.prepare(CLAIM).await?,
            tally: client.prepare(TALLY).await?,
            client,
        })
    }

    /// Writes a process with its executions, in chunks, and claims as many of them as there are lanes.
    async fn launch(&self, process: i64, shape: Shape, clock: Instant) -> Result<()> {
        let now = floor::now(clock);
        let (mut first, end) = (process + 1, process + 1 + i64::from(shape.entities));
        while first < end {
            let last = end.min(first + CHUNK_MAX) - 1;
            let ids: Vec<i64> = (first..=last).collect();
            let hashes: Vec<i64> = ids.iter().map(|id| floor::scattered(*id)).collect();
            self.client.batch_execute("BEGIN").await?;
            if first == process + 1 {
                let total = i64::from(shape.entities);
                self.client
                    .execute(PROCESS_INSERT, &[&process, &total])
                    .await?;
            }
            let values: [&(dyn ToSql + Sync); 4] = [&process, &ids, &hashes, &now];
            self.client.execute(EXECUTION_INSERT, &values).await?;
            self.client
                .execute(ENTITY_INSERT, &[&process, &ids])
                .await?;
            if last + 1 == end {
                let lanes: Vec<i64> = (process + 1..end).take(shape.lanes as usize).collect();
                self.client.execute(&self.claim, &[&lanes, &now]).await?;
            }
            self.client.batch_execute("COMMIT").await?;
            first = last + 1;
        }
        Ok(())
    }

    /// Writes until no client is left.
    async fn run(self, mut waiting: mpsc::Receiver<Write>) -> Result<()> {
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
            self.commit(&group).await?;
            for write in group.drain(..) {
                write.done.send(()).ok().context("a client did not wait")?;
            }
        }
        Ok(())
    }

    /// One group, all of its statements sent one behind the other.
    async fn commit(&self, group: &[Write]) -> Result<()> {
        let column = |of: fn(&Write) -> i64| -> Vec<i64> { group.iter().map(of).collect() };
        let (ids, steps) = (
            column(|write| write.execution),
            column(|write| i64::from(write.step)),
        );
        let (began, took) = (
            column(|write| write.began),
            column(|write| write.now - write.began),
        );
        let settled = || group.iter().filter(|write| write.settled.is_some());
        let over: Vec<i64> = settled().map(|write| write.execution).collect();
        let times: Vec<i64> = settled().map(|write| write.now).collect();
        let sums: Vec<&str> = settled()
            .filter_map(|write| write.settled.as_deref())
            .collect();
        let claimed: Vec<i64> = settled().filter_map(|write| write.next).collect();
        let at = group.last().map_or(0, |write| write.now);
        let count = i64::try_from(over.len())?;
        let client = &self.client;
        let step: [&(dyn ToSql + Sync); 4] = [&ids, &steps, &began, &took];
        let write = async {
            if over.is_empty() {
                client.execute(&self.step, &step).await?;
                return Ok(());
            }
            let (settle, claim): ([&(dyn ToSql + Sync); 3], [&(dyn ToSql + Sync); 2]) =
                ([&over, &times, &sums], [&claimed, &at]);
            let tally: [&(dyn ToSql + Sync); 2] = [&PROCESS, &count];
            tokio::try_join!(
                client.execute(&self.step, &step),
                client.execute(&self.settle, &settle),
                client.execute(&self.claim, &claim),
                client.execute(&self.tally, &tally),
            )?;
            Ok::<_, tokio_postgres::Error>(())
        };
        let all = async {
            tokio::try_join!(
                client.batch_execute("BEGIN"),
                write,
                client.batch_execute("COMMIT")
            )
        };
        all.await?;
        Ok(())
    }
}

fn report(arguments: &Arguments) -> Result<()> {
    let (entities, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let each = arguments.steps_or(STEPS);
    let pairs = child::rounds(arguments, rounds)?;
    check_rows(entities, each, &pairs)?;
    let steps = f64::from(entities) * f64::from(each);
    let paces = Paces::of(&pairs, steps);
    let heading = format!(
        "{entities} entities × {each} no-op steps in {} lanes on PostgreSQL; CPU is the client's; medians (and spread) of {rounds} rounds",
        arguments.lanes
    );
    let mut report = Report::new("postgres", heading);
    report.key("entities", entities)?;
    report.key("steps", each)?;
    report.key("lanes", arguments.lanes)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    paces.tell(&mut report)?;
    report.at_least("steps per second by the floor's", 0.5, paces.ratio);
    report.at_most(
        "CPU per step, µs",
        40.0,
        paces.carril.cpu_micros_per_step.median,
    );
    report.print(arguments)
}
