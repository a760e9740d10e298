//! Many entities through no-op steps: what the engine and its journal cost, beside a program that only writes.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured};
use super::figures::Figure;
use super::floor::{self, Shape, micros};
use super::report::{Report, file_system};
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::{Result, ensure};
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

const ENTITIES: u32 = 10_000;
const STEPS: u32 = 7;
const ROUNDS: u32 = 5;

/// One side's figures over all rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Figures {
    pub(crate) steps_per_second: Figure,
    pub(crate) cpu_micros_per_step: Figure,
    pub(crate) bytes_per_step: Figure,
    pub(crate) disk_bytes_per_step: Figure,
    pub(crate) peak_rss_bytes: Figure,
    pub(crate) launch_millis: Figure,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

fn side_of(arguments: &Arguments, side: Side) -> Result<Measured> {
    let folder = arguments.folder()?;
    let (wall_micros, launch_micros) = match side {
        Side::Floor => {
            let entities = arguments.entities_or(ENTITIES);
            floor_side(arguments, entities, arguments.steps_or(STEPS), &folder)?
        }
        Side::Carril => {
            subject::runtime(arguments.runtime)?.block_on(carril_side(arguments, &folder))?
        }
    };
    let usage = Usage::now()?;
    let step_rows = subject::step_rows(arguments, &folder)?;
    Ok(Measured {
        wall_micros,
        launch_micros,
        samples_micros: Vec::new(),
        usage,
        step_rows,
    })
}

pub(crate) fn floor_side(
    arguments: &Arguments,
    entities: u32,
    steps: u32,
    folder: &Path,
) -> Result<(f64, f64)> {
    let shape = Shape {
        entities,
        steps,
        lanes: arguments.lanes,
        writer: arguments.floor,
    };
    let (took, connection) = floor::fanout(floor::open(folder)?, shape)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok((took.wall, took.launch))
}

async fn carril_side(arguments: &Arguments, folder: &Path) -> Result<(f64, f64)> {
    let entities = arguments.entities_or(ENTITIES);
    let subject = Subject::open(
        arguments,
        folder,
        (arguments.steps_or(STEPS), arguments.lanes),
        || {},
    )
    .await?;
    let clock = Instant::now();
    let process = subject.launch(entities).await?;
    let launched = clock.elapsed();
    subject.wait(process, entities).await?;
    let wall = clock.elapsed();
    subject.close().await?;
    Ok((micros(wall), micros(launched)))
}

fn report(arguments: &Arguments) -> Result<()> {
    let (entities, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let pairs = child::rounds(arguments, rounds)?;
    check_rows(entities, arguments.steps_or(STEPS), &pairs)?;
    let steps = f64::from(entities) * f64::from(arguments.steps_or(STEPS));
    let floor = figures(
        &pairs.iter().map(|(floor, _)| floor).collect::<Vec<_>>(),
        steps,
    );
    let carril = figures(
        &pairs.iter().map(|(_, carril)| carril).collect::<Vec<_>>(),
        steps,
    );
    let ratios = pairs
        .iter()
        .map(|(floor, carril)| floor.wall_micros / carril.wall_micros);
    let ratio = Figure::of(ratios).median;
    let bytes_ratio = carril.bytes_per_step.median / floor.bytes_per_step.median;
    let heading = format!(
        "{entities} entities × {} no-op steps in {} lanes, every commit on disk; medians (and spread) of {rounds} rounds",
        arguments.steps_or(STEPS),
        arguments.lanes
    );
    let mut report = Report::new("fanout", heading);
    report.key("entities", entities)?;
    report.key("steps", arguments.steps_or(STEPS))?;
    report.key("lanes", arguments.lanes)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    report.key("ratio", ratio)?;
    report.key("bytes_ratio", bytes_ratio)?;
    report.key("floor", floor)?;
    report.key("carril", carril)?;
    rows(&mut report, &floor, &carril);
    report.at_least("steps per second by the floor's", 0.5, ratio);
    report.at_most("CPU per step, µs", 25.0, carril.cpu_micros_per_step.median);
    report.at_most("bytes by the floor's", 1.5, bytes_ratio);
    report.at_most("peak memory, MB", 50.0, carril.peak_rss_bytes.max * 1e-6);
    report.print(arguments)
}

/// Both sides must have written every step, or their times are no comparison.
pub(crate) fn check_rows(entities: u32, steps: u32, pairs: &[(Measured, Measured)]) -> Result<()> {
    let wanted = i64::from(entities) * i64::from(steps);
    for (floor, carril) in pairs {
        let rows = (floor.step_rows, carril.step_rows);
        ensure!(
            rows == (wanted, wanted),
            "both should write {wanted} step rows; floor and Carril wrote {rows:?}"
        );
    }
    Ok(())
}

fn rows(report: &mut Report, floor: &Figures, carril: &Figures) {
    let mut row = |what, of: fn(&Figures) -> Figure| {
        report.row(what, of(floor).shown(), of(carril).shown());
    };
    row("steps per second", |side| side.steps_per_second);
    row("CPU per step, µs", |side| side.cpu_micros_per_step);
    row("bytes per step", |side| side.bytes_per_step);
    row("bytes per step on disk", |side| side.disk_bytes_per_step);
    row("peak memory, MB", |side| side.peak_rss_bytes.scaled(1e-6));
    row("launch, ms", |side| side.launch_millis);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of bytes and microseconds, far below 2^52"
)]
pub(crate) fn figures(measured: &[&Measured], steps: f64) -> Figures {
    let figure = |of: fn(&Measured) -> f64| Figure::of(measured.iter().map(|side| of(side)));
    Figures {
        steps_per_second: Figure::of(measured.iter().map(|side| steps / side.wall_micros * 1e6)),
        cpu_micros_per_step: figure(|side| side.usage.cpu_micros as f64).scaled(1.0 / steps),
        bytes_per_step: figure(|side| side.usage.written_bytes as f64).scaled(1.0 / steps),
        disk_bytes_per_step: figure(|side| side.usage.disk_bytes as f64).scaled(1.0 / steps),
        peak_rss_bytes: figure(|side| side.usage.peak_rss_bytes as f64),
        launch_millis: figure(|side| side.launch_micros).scaled(1e-3),
    }
}
