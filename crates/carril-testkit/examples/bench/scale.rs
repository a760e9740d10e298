//! What a step costs with few and with many entities. They come from a query, as they do for whoever has so many.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured};
use super::fanout::{self, Figures, check_rows, figures};
use super::figures::{Figure, rounded};
use super::floor::micros;
use super::report::{Report, file_system};
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::Result;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

const SMALLEST: u32 = 1_000;
const LARGEST: u32 = 1_000_000;
const STEPS: u32 = 3;
const ROUNDS: u32 = 1;
/// How long the longest bar of the table is.
const BAR: f64 = 30.0;

/// One number of entities.
#[derive(Debug, Serialize)]
struct Size {
    entities: u32,
    ratio: f64,
    floor: Figures,
    carril: Figures,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

fn side_of(arguments: &Arguments, side: Side) -> Result<Measured> {
    let folder = arguments.folder()?;
    let (entities, steps) = (arguments.entities_or(LARGEST), arguments.steps_or(STEPS));
    let (wall_micros, launch_micros) = match side {
        Side::Floor => fanout::floor_side(arguments, entities, steps, &folder)?,
        Side::Carril => {
            let side = carril_side(arguments, entities, steps, &folder);
            subject::runtime(arguments.runtime)?.block_on(side)?
        }
    };
    let usage = Usage::now()?;
    Ok(Measured {
        wall_micros,
        launch_micros,
        samples_micros: Vec::new(),
        usage,
        step_rows: subject::step_rows(arguments, &folder)?,
    })
}

async fn carril_side(
    arguments: &Arguments,
    entities: u32,
    steps: u32,
    folder: &Path,
) -> Result<(f64, f64)> {
    let subject = Subject::open_with_query(folder, entities, steps, arguments.lanes).await?;
    let clock = Instant::now();
    let process = subject.launch_query().await?;
    let launched = clock.elapsed();
    subject.wait(process, entities).await?;
    let wall = clock.elapsed();
    subject.close().await?;
    Ok((micros(wall), micros(launched)))
}

fn report(arguments: &Arguments) -> Result<()> {
    let (steps, rounds) = (arguments.steps_or(STEPS), arguments.rounds_or(ROUNDS));
    let largest = arguments.entities_or(LARGEST);
    let mut numbers: Vec<u32> =
        std::iter::successors(Some(SMALLEST), |number| number.checked_mul(10))
            .take_while(|number| *number < largest)
            .collect();
    numbers.push(largest);
    let sizes: Vec<Size> = numbers
        .into_iter()
        .map(|entities| measure(arguments, entities, steps, rounds))
        .collect::<Result<_>>()?;
    let growth = |of: fn(&Figures) -> Figure| {
        let least = sizes.iter().map(|size| of(&size.carril).median);
        let least = least.fold(f64::INFINITY, f64::min);
        sizes
            .last()
            .map_or(f64::NAN, |last| of(&last.carril).median / least)
    };
    let (cpu, bytes) = (
        growth(|side| side.cpu_micros_per_step),
        growth(|side| side.bytes_per_step),
    );
    let memory = sizes.iter().map(|size| size.carril.peak_rss_bytes.max);
    let memory = memory.fold(0.0, f64::max) * 1e-6;
    let heading = format!(
        "entities from a query × {steps} no-op steps in {} lanes, every commit on disk; medians of {rounds} rounds",
        arguments.lanes
    );
    let mut report = Report::new("scale", heading);
    report.key("steps", steps)?;
    report.key("lanes", arguments.lanes)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    report.key("ratio", 1.0 / cpu)?;
    report.key("sizes", &sizes)?;
    table(&mut report, &sizes);
    report.at_most("CPU per step, the largest number's by the least", 1.25, cpu);
    report.at_most(
        "bytes per step, the largest number's by the least",
        1.5,
        bytes,
    );
    report.at_most("peak memory, MB", 50.0, memory);
    report.print(arguments)
}

fn measure(arguments: &Arguments, entities: u32, steps: u32, rounds: u32) -> Result<Size> {
    let pairs = child::rounds(&arguments.with(entities, steps), rounds)?;
    check_rows(entities, steps, &pairs)?;
    let all = f64::from(entities) * f64::from(steps);
    let side = |pick: fn(&(Measured, Measured)) -> &Measured| {
        figures(&pairs.iter().map(pick).collect::<Vec<_>>(), all)
    };
    let ratios = pairs
        .iter()
        .map(|(floor, carril)| floor.wall_micros / carril.wall_micros);
    Ok(Size {
        entities,
        ratio: Figure::of(ratios).median,
        floor: side(|pair| &pair.0),
        carril: side(|pair| &pair.1),
    })
}

fn table(report: &mut Report, sizes: &[Size]) {
    report.columns([
        "entities",
        "steps/s",
        "by the floor's",
        "CPU/step, µs",
        "bytes/step",
        "peak, MB",
        "launch, ms",
        "CPU/step",
    ]);
    let most = sizes
        .iter()
        .map(|size| size.carril.cpu_micros_per_step.median);
    let most = most.fold(0.0, f64::max);
    for size in sizes {
        let carril = &size.carril;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between nothing and the longest bar"
        )]
        let bar = (carril.cpu_micros_per_step.median / most * BAR).round() as usize;
        report.line(&[
            rounded(f64::from(size.entities)),
            rounded(carril.steps_per_second.median),
            rounded(size.ratio),
            rounded(carril.cpu_micros_per_step.median),
            rounded(carril.bytes_per_step.median),
            rounded(carril.peak_rss_bytes.median * 1e-6),
            rounded(carril.launch_millis.median),
            "█".repeat(bar),
        ]);
    }
}
