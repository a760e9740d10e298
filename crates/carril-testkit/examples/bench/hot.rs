//! Work that is free to run, beside a crowd that cannot: what waiting costs those who do not wait.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured, Paces};
use super::floor::micros;
use super::report::{Report, file_system};
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::Result;
use carril::model::contract::EntityRow;
use carril::model::definition::Overlap;
use carril::{Input, Pipeline, PipelineDefinition, Stage, Step, StepFailure};
use serde::de::IgnoredAny;
use serde_json::{Map, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Executions that are free to run; twice as many wait.
const ENTITIES: u32 = 50_000;
const STEPS: u32 = 7;
const ROUNDS: u32 = 3;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

fn side_of(arguments: &Arguments, side: Side) -> Result<Measured> {
    let folder = arguments.folder()?;
    let work = work(arguments, side, &folder);
    let (wall_micros, launch_micros) = subject::runtime(arguments.runtime)?.block_on(work)?;
    Ok(Measured {
        wall_micros,
        launch_micros,
        samples_micros: Vec::new(),
        usage: Usage::now()?,
        step_rows: 0,
    })
}

async fn work(arguments: &Arguments, side: Side, folder: &Path) -> Result<(f64, f64)> {
    let free = arguments.entities_or(ENTITIES);
    let gate = Arc::new(Semaphore::new(0));
    let subject = Subject::with(arguments, folder, pipeline(arguments, &gate)?).await?;
    let mut blocked = Vec::new();
    if side == Side::Carril {
        let keyed = |number: u32| row(number, &format!("hot-{}", number % 2), "key");
        blocked.push(
            subject
                .launch_rows((0..2 * free).map(keyed).collect())
                .await?,
        );
        let slotted = |number: u32| row(number, &format!("slot-{number}"), "slot");
        let lanes = 2 * arguments.lanes;
        blocked.push(
            subject
                .launch_rows((0..lanes).map(slotted).collect())
                .await?,
        );
    }
    let clock = Instant::now();
    let free_row = |number: u32| row(number, &format!("free-{number}"), "free");
    let process = subject
        .launch_rows((0..free).map(free_row).collect())
        .await?;
    let launched = clock.elapsed();
    subject.wait(process, free).await?;
    let wall = clock.elapsed();
    // The blocked are handed back as they are: what is measured is done.
    subject.close().await?;
    drop(blocked);
    Ok((micros(wall), micros(launched)))
}

fn row(number: u32, group: &str, kind: &str) -> EntityRow {
    let attributes =
        [("group", group), ("kind", kind)].map(|(name, value)| (name.to_owned(), json!(value)));
    EntityRow {
        key: format!("entity-{number:06}"),
        attributes: Map::from_iter(attributes),
    }
}

/// Steps of the free do nothing; the first of a lane key waits for a gate that stays shut, and so does the first to have the
/// resource's one slot.
fn pipeline(arguments: &Arguments, gate: &Arc<Semaphore>) -> Result<PipelineDefinition> {
    let waiting = |name: &str| {
        let gate = Arc::clone(gate);
        Step::function(name, move |input: Input<IgnoredAny>| {
            let gate = Arc::clone(&gate);
            async move {
                tokio::select! {
                    _ = gate.acquire() => Ok(()),
                    () = input.cancel.cancelled() => Err(StepFailure::transient("it was asked to stop")),
                }
            }
        })
    };
    let mut stage = Stage::new("work")
        .step(waiting("held").when("entity.kind == 'key'"))
        .step(
            waiting("slot")
                .when("entity.kind == 'slot'")
                .resource("one"),
        );
    for number in 0..arguments.steps_or(STEPS) {
        let nothing = |_: Input<IgnoredAny>| std::future::ready(Ok::<(), StepFailure>(()));
        stage = stage.step(Step::function(format!("step-{number}"), nothing));
    }
    let pipeline = Pipeline::new("bench")
        .entities_given()
        .lanes(arguments.lanes)
        .lane_key("entity.group")
        .overlap(Overlap::Allow)
        .resource("one", 1)
        .stage(stage);
    Ok(pipeline.build()?)
}

fn report(arguments: &Arguments) -> Result<()> {
    let (free, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let pairs = child::rounds(arguments, rounds)?;
    let steps = f64::from(free) * f64::from(arguments.steps_or(STEPS));
    let paces = Paces::of(&pairs, steps);
    let heading = format!(
        "{free} free entities × {} no-op steps in {} lanes, alone (floor) and beside {} that wait on two lane keys and {} that wait for one slot; medians (and spread) of {rounds} rounds",
        arguments.steps_or(STEPS),
        arguments.lanes,
        2 * free,
        2 * arguments.lanes
    );
    let mut report = Report::new("hot", heading);
    report.key("entities", free)?;
    report.key("blocked", 2 * free)?;
    report.key("steps", arguments.steps_or(STEPS))?;
    report.key("lanes", arguments.lanes)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    paces.tell(&mut report)?;
    report.at_least("steps per second by those alone", 0.9, paces.ratio);
    report.print(arguments)
}
