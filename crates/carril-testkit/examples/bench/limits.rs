//! Limits that do not bind, beside none: what passing them costs.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured, Paces};
use super::floor::micros;
use super::report::{Report, file_system};
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::{Result, ensure};
use carril::model::definition::{BreakerPolicy, Overlap, Rate, RateUnit, Resource};
use carril::{Input, Pipeline, PipelineDefinition, Stage, Step, StepFailure};
use serde::de::IgnoredAny;
use std::path::Path;
use std::time::Instant;

const ENTITIES: u32 = 10_000;
const STEPS: u32 = 7;
const ROUNDS: u32 = 5;

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
        step_rows: subject::step_rows(arguments, &folder)?,
    })
}

async fn work(arguments: &Arguments, side: Side, folder: &Path) -> Result<(f64, f64)> {
    let entities = arguments.entities_or(ENTITIES);
    let pipeline = pipeline(arguments, side == Side::Carril)?;
    let subject = Subject::with(arguments, folder, pipeline).await?;
    let clock = Instant::now();
    let process = subject.launch(entities).await?;
    let launched = clock.elapsed();
    subject.wait(process, entities).await?;
    let wall = clock.elapsed();
    subject.close().await?;
    Ok((micros(wall), micros(launched)))
}

/// The same steps with and without limits. Slots for all lanes and a rate beyond any disk never make anybody wait.
fn pipeline(arguments: &Arguments, limited: bool) -> Result<PipelineDefinition> {
    let mut stage = Stage::new("work");
    for number in 0..arguments.steps_or(STEPS) {
        let nothing = |_: Input<IgnoredAny>| std::future::ready(Ok::<(), StepFailure>(()));
        let mut step = Step::function(format!("step-{number}"), nothing);
        if limited {
            step = step.resource("one").resource("two");
        }
        stage = stage.step(step);
    }
    let mut pipeline = Pipeline::new("bench")
        .entities_given()
        .lanes(arguments.lanes)
        .overlap(Overlap::Allow)
        .stage(stage);
    if limited {
        let rate = Rate::new(1_000_000, RateUnit::Second).burst(1_000_000);
        let open_to_all = Resource::slots(arguments.lanes)
            .rate(rate)
            .breaker(BreakerPolicy::default());
        pipeline = pipeline
            .lane_key("entity.key")
            .resource("one", open_to_all)
            .resource("two", arguments.lanes);
    }
    Ok(pipeline.build()?)
}

fn report(arguments: &Arguments) -> Result<()> {
    let (entities, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let pairs = child::rounds(arguments, rounds)?;
    let wanted = i64::from(entities) * i64::from(arguments.steps_or(STEPS));
    for (off, on) in &pairs {
        let rows = (off.step_rows, on.step_rows);
        ensure!(
            rows == (wanted, wanted),
            "both should write {wanted} step rows, and wrote {rows:?}"
        );
    }
    let steps = f64::from(entities) * f64::from(arguments.steps_or(STEPS));
    let paces = Paces::of(&pairs, steps);
    let heading = format!(
        "{entities} entities × {} no-op steps in {} lanes, without limits (floor) and with limits that do not bind; medians (and spread) of {rounds} rounds",
        arguments.steps_or(STEPS),
        arguments.lanes
    );
    let mut report = Report::new("limits", heading);
    report.key("entities", entities)?;
    report.key("steps", arguments.steps_or(STEPS))?;
    report.key("lanes", arguments.lanes)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    paces.tell(&mut report)?;
    report.at_least("steps per second by those without limits", 0.9, paces.ratio);
    report.print(arguments)
}
