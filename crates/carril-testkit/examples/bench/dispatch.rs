//! The time from the call that launches until its first step is at work, on an engine that has nothing else to do.
//!
//! A launch has one commit between the call and the step: so the floor is one awaited commit of the same rows.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured};
use super::figures::{quantile, rounded};
use super::floor;
use super::postgres;
use super::report::{Report, file_system};
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;
use tokio::task::LocalSet;

/// Launches of each side, over all rounds.
const LAUNCHES: u32 = 2_000;
const ROUNDS: u32 = 4;
/// Launches that are made first and not counted: files grow and statements are prepared.
const WARM_UP: usize = 20;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

fn side_of(arguments: &Arguments, side: Side) -> Result<Measured> {
    let folder = arguments.folder()?;
    let launches = arguments
        .entities_or(LAUNCHES)
        .div_ceil(arguments.rounds_or(ROUNDS)) as usize
        + WARM_UP;
    let mut samples_micros = match side {
        Side::Floor => match &arguments.store {
            Some(url) => {
                let work = postgres::launches(url, launches);
                LocalSet::new().block_on(&subject::runtime(arguments.runtime)?, work)?
            }
            None => floor_side(&folder, launches)?,
        },
        Side::Carril => subject::runtime(arguments.runtime)?
            .block_on(carril_side(arguments, &folder, launches))?,
    };
    samples_micros.drain(..WARM_UP);
    let usage = Usage::now()?;
    Ok(Measured {
        wall_micros: 0.0,
        launch_micros: 0.0,
        samples_micros,
        usage,
        step_rows: 0,
    })
}

fn floor_side(folder: &Path, launches: usize) -> Result<Vec<f64>> {
    let mut connection = floor::open(folder)?;
    let clock = Instant::now();
    let launch = |number: usize| {
        let begun = Instant::now();
        floor::launch(&mut connection, 1 + 2 * i64::try_from(number)?, 1, 1, clock)?;
        Ok(floor::micros(begun.elapsed()))
    };
    (0..launches).map(launch).collect()
}

async fn carril_side(arguments: &Arguments, folder: &Path, launches: usize) -> Result<Vec<f64>> {
    let (begun, begins) = mpsc::channel();
    let step = move || {
        // Nobody receives any more once a launch has failed; that is told by the launch.
        let _ = begun.send(Instant::now());
    };
    let subject = Subject::open(arguments, folder, (1, 1), step).await?;
    let mut samples = Vec::with_capacity(launches);
    for _ in 0..launches {
        let called = Instant::now();
        let process = subject.launch(1).await?;
        subject.wait(process, 1).await?;
        let begun = begins.try_recv().context("the step did not run")?;
        samples.push(floor::micros(begun - called));
    }
    subject.close().await?;
    Ok(samples)
}

fn report(arguments: &Arguments) -> Result<()> {
    let rounds = arguments.rounds_or(ROUNDS);
    let pairs = child::rounds(arguments, rounds)?;
    let (floor, carril): (Vec<Vec<f64>>, Vec<Vec<f64>>) = pairs
        .into_iter()
        .map(|(floor, carril)| (floor.samples_micros, carril.samples_micros))
        .unzip();
    let (floor, carril) = (sorted(floor), sorted(carril));
    let launches = carril.len();
    let heading = format!(
        "{launches} launches of one entity, from the call to the first step; {rounds} rounds"
    );
    let mut report = Report::new("dispatch", heading);
    report.key("launches", launches)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    report.key("ratio", quantile(&floor, 0.5) / quantile(&carril, 0.5))?;
    let figures = |side: &[f64]| {
        json!({
            "p50_micros": quantile(side, 0.5), "p90_micros": quantile(side, 0.9),
            "p99_micros": quantile(side, 0.99), "max_micros": quantile(side, 1.0),
        })
    };
    report.key("floor", figures(&floor))?;
    report.key("carril", figures(&carril))?;
    for (what, share) in [
        ("p50, µs", 0.5),
        ("p90, µs", 0.9),
        ("p99, µs", 0.99),
        ("slowest, µs", 1.0),
    ] {
        report.row(
            what,
            rounded(quantile(&floor, share)),
            rounded(quantile(&carril, share)),
        );
    }
    let p50 = if arguments.store.is_some() {
        600.0
    } else {
        400.0
    };
    report.at_most("p50, µs", p50, quantile(&carril, 0.5));
    report.at_most("p99, µs", 2_000.0, quantile(&carril, 0.99));
    report.print(arguments)
}

fn sorted(samples: Vec<Vec<f64>>) -> Vec<f64> {
    let mut all: Vec<f64> = samples.into_iter().flatten().collect();
    all.sort_by(f64::total_cmp);
    all
}
