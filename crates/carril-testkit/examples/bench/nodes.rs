//! Several engines on one PostgreSQL store beside one engine alone: they share the work, and are no slower for it.
//!
//! The machine is the same, so nobody can be faster; what is seen is what it costs that they hear of each other, share the lanes
//! of the process and pass the same turnstile. All engines are of one process, each on a thread and a runtime of its own.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured, Paces};
use super::fanout::check_rows;
use super::figures::Figure;
use super::floor::micros;
use super::report::Report;
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::{Context as _, Result, anyhow};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

const ENTITIES: u32 = 10_000;
const STEPS: u32 = 7;
const ROUNDS: u32 = 5;
/// Engines of the side that has several.
const NODES: usize = 3;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

fn side_of(arguments: &Arguments, side: Side) -> Result<Measured> {
    let folder = arguments.folder()?;
    let others = match side {
        Side::Floor => 0,
        Side::Carril => NODES - 1,
    };
    let (wall_micros, launch_micros, steps_of) = work(arguments, &folder, others)?;
    let usage = Usage::now()?;
    Ok(Measured {
        wall_micros,
        launch_micros,
        samples_micros: steps_of.into_iter().map(f64::from).collect(),
        usage,
        step_rows: subject::step_rows(arguments, &folder)?,
    })
}

/// Runs it all with so many engines besides the one that launches; gives wall time, time of the launch and how many steps each did.
fn work(arguments: &Arguments, folder: &Path, others: usize) -> Result<(f64, f64, Vec<u32>)> {
    let entities = arguments.entities_or(ENTITIES);
    let counts: Vec<Arc<AtomicU32>> = (0..=others).map(|_| Arc::default()).collect();
    let pipeline_of = |count: &Arc<AtomicU32>| {
        let count = Arc::clone(count);
        let step = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        subject::pipeline(arguments.steps_or(STEPS), arguments.lanes, &Arc::new(step))
    };
    let runtime = subject::runtime(arguments.runtime)?;
    let first = Subject::with(arguments, folder, pipeline_of(&counts[0])?);
    let first = runtime.block_on(first)?;
    let mut beside = Vec::new();
    for (number, count) in counts.iter().enumerate().skip(1) {
        let folder = folder.join(format!("node-{number}"));
        std::fs::create_dir(&folder)?;
        beside.push(Beside::start(arguments, &folder, pipeline_of(count)?)?);
    }
    let (wall, launched) = runtime.block_on(async {
        let clock = Instant::now();
        let process = first.launch(entities).await?;
        let launched = clock.elapsed();
        first.wait(process, entities).await?;
        anyhow::Ok((clock.elapsed(), launched))
    })?;
    for engine in beside {
        engine.end()?;
    }
    runtime.block_on(first.close())?;
    let steps_of = counts.iter().map(|count| count.load(Ordering::Relaxed));
    Ok((micros(wall), micros(launched), steps_of.collect()))
}

/// One more engine, on a thread of its own.
struct Beside {
    thread: JoinHandle<Result<()>>,
    over: oneshot::Sender<()>,
}

impl Beside {
    /// Returns when it is open.
    fn start(
        arguments: &Arguments,
        folder: &Path,
        pipeline: carril::PipelineDefinition,
    ) -> Result<Self> {
        let (open, opened) = oneshot::channel();
        let (over, until) = oneshot::channel::<()>();
        let (arguments, folder) = (arguments.clone(), folder.to_owned());
        let thread = std::thread::spawn(move || {
            subject::runtime(arguments.runtime)?.block_on(async {
                let subject = Subject::beside(&arguments, &folder, pipeline).await?;
                // Nobody waits any more where the benchmark has failed, which drops the other channel, too.
                let _ = open.send(());
                let _ = until.await;
                subject.close().await
            })
        });
        match opened.blocking_recv() {
            Ok(()) => Ok(Self { thread, over }),
            Err(_) => joined(thread).and_then(|()| Err(anyhow!("an engine has ended at once"))),
        }
    }

    fn end(self) -> Result<()> {
        drop(self.over);
        joined(self.thread)
    }
}

fn joined(thread: JoinHandle<Result<()>>) -> Result<()> {
    let ended = thread.join();
    ended.map_err(|_| anyhow!("an engine's thread has panicked"))?
}

fn report(arguments: &Arguments) -> Result<()> {
    let (entities, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let each = arguments.steps_or(STEPS);
    let pairs = child::rounds(arguments, rounds)?;
    check_rows(entities, each, &pairs)?;
    let steps = f64::from(entities) * f64::from(each);
    let paces = Paces::of(&pairs, steps);
    let least = |round: &Measured| {
        let least = round.samples_micros.iter().copied();
        least.fold(f64::INFINITY, f64::min) / steps
    };
    let least = Figure::of(pairs.iter().map(|(_, together)| least(together))).median;
    let shares = &pairs.last().context("there is no round")?.1.samples_micros;
    let heading = format!(
        "{entities} entities × {each} no-op steps in {} lanes on PostgreSQL, one engine (floor) and {NODES}; CPU is that of all engines; medians (and spread) of {rounds} rounds",
        arguments.lanes
    );
    let mut report = Report::new("nodes", heading);
    report.key("entities", entities)?;
    report.key("steps", each)?;
    report.key("lanes", arguments.lanes)?;
    report.key("nodes", NODES)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    paces.tell(&mut report)?;
    report.key("least_share", least)?;
    report.key("steps_of_each", shares)?;
    report.at_least("steps per second by those of one engine", 1.0, paces.ratio);
    report.at_least("share of the engine that did least", 0.1, least);
    report.print(arguments)
}
