//! Launching many executions: all of them durable, and the first of them claimed, when the call returns.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured};
use super::figures::Figure;
use super::floor;
use super::report::{Report, file_system};
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::Result;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

const ENTITIES: u32 = 10_000;
const ROUNDS: u32 = 9;
/// Few lanes, so that the steps of the first executions do not stand in the way of the launch.
const LANES: u32 = 1;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

fn side_of(arguments: &Arguments, side: Side) -> Result<Measured> {
    let (entities, folder) = (arguments.entities_or(ENTITIES), arguments.folder()?);
    let launch_micros = match side {
        Side::Floor => {
            let mut connection = floor::open(&folder)?;
            let clock = Instant::now();
            floor::launch(&mut connection, 1, entities, LANES, clock)?;
            floor::micros(clock.elapsed())
        }
        Side::Carril => subject::runtime(arguments.runtime)?
            .block_on(carril_side(arguments, &folder, entities))?,
    };
    let usage = Usage::now()?;
    Ok(Measured {
        wall_micros: launch_micros,
        launch_micros,
        samples_micros: Vec::new(),
        usage,
        step_rows: 0,
    })
}

async fn carril_side(arguments: &Arguments, folder: &Path, entities: u32) -> Result<f64> {
    let subject = Subject::open(arguments, folder, (1, LANES), || {}).await?;
    let clock = Instant::now();
    subject.launch(entities).await?;
    let took = clock.elapsed();
    subject.close().await?;
    Ok(floor::micros(took))
}

fn report(arguments: &Arguments) -> Result<()> {
    let (entities, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let pairs = child::rounds(arguments, rounds)?;
    let floor = Figure::of(pairs.iter().map(|(floor, _)| floor.launch_micros / 1e3));
    let carril = Figure::of(pairs.iter().map(|(_, carril)| carril.launch_micros / 1e3));
    let ratio = Figure::of(
        pairs
            .iter()
            .map(|(floor, carril)| floor.launch_micros / carril.launch_micros),
    )
    .median;
    let mut report = Report::new(
        "launch",
        format!("launching {entities} executions; medians (and spread) of {rounds} rounds"),
    );
    report.key("entities", entities)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    report.key("ratio", ratio)?;
    report.key("floor", json!({ "launch_millis": floor }))?;
    report.key("carril", json!({ "launch_millis": carril }))?;
    report.row("launch, ms", floor.shown(), carril.shown());
    report.at_most("launch, ms", 500.0, carril.median);
    report.print(arguments)
}
