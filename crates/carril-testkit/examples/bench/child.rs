//! One side of one round, in a process of its own with a folder of its own.

use super::arguments::{Arguments, Side};
use super::figures::Figure;
use super::report::Report;
use super::usage::Usage;
use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::process::Command;

/// What one side measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// From the launch to the last settled lane.
    pub(crate) wall_micros: f64,
    /// The launch alone.
    pub(crate) launch_micros: f64,
    /// Single measurements, where a benchmark takes many in one process.
    pub(crate) samples_micros: Vec<f64>,
    /// What the process used, from its beginning to the closed store.
    pub(crate) usage: Usage,
    /// Step rows in the file at the end: both sides must have as many.
    pub(crate) step_rows: i64,
}

/// How fast one side was over all rounds, and at what cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Pace {
    pub(crate) steps_per_second: Figure,
    pub(crate) cpu_micros_per_step: Figure,
}

impl Pace {
    /// Of one side's rounds, each of so many steps.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of microseconds, far below 2^52"
    )]
    pub(crate) fn of<'a>(rounds: impl Iterator<Item = &'a Measured> + Clone, steps: f64) -> Self {
        let cpu = rounds.clone();
        let cpu = cpu.map(|side| side.usage.cpu_micros as f64 / steps);
        Self {
            steps_per_second: Figure::of(rounds.map(|side| steps / side.wall_micros * 1e6)),
            cpu_micros_per_step: Figure::of(cpu),
        }
    }
}

/// How fast both sides were.
pub(crate) struct Paces {
    floor: Pace,
    pub(crate) carril: Pace,
    /// Carril's steps per second by the floor's, median over the rounds.
    pub(crate) ratio: f64,
}

impl Paces {
    /// Of rounds of so many steps.
    pub(crate) fn of(pairs: &[(Measured, Measured)], steps: f64) -> Self {
        let ratios = pairs
            .iter()
            .map(|(floor, carril)| floor.wall_micros / carril.wall_micros);
        Self {
            floor: Pace::of(pairs.iter().map(|(floor, _)| floor), steps),
            carril: Pace::of(pairs.iter().map(|(_, carril)| carril), steps),
            ratio: Figure::of(ratios).median,
        }
    }

    /// As keys `ratio`, `floor` and `carril`, and as lines of the table.
    pub(crate) fn tell(&self, report: &mut Report) -> Result<()> {
        report.key("ratio", self.ratio)?;
        report.key("floor", self.floor)?;
        report.key("carril", self.carril)?;
        let mut row = |what, of: fn(&Pace) -> Figure| {
            report.row(what, of(&self.floor).shown(), of(&self.carril).shown());
        };
        row("steps per second", |side| side.steps_per_second);
        row("CPU per step, µs", |side| side.cpu_micros_per_step);
        Ok(())
    }
}

/// Prints what this process, which is one side, has measured.
pub(crate) fn tell(measured: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}

/// Runs a side in a process of its own, in an empty folder that is removed afterwards.
pub(crate) fn run<T: DeserializeOwned>(arguments: &Arguments, side: Side) -> Result<T> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(arguments.folder()?)?;
    let side_arguments = arguments.of_side(side, folder.path().to_owned());
    let program = std::env::current_exe().context("where this program is, is not known")?;
    let output = Command::new(program)
        .args(side_arguments.words())
        .output()?;
    if !output.status.success() {
        bail!(
            "{side:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    serde_json::from_slice(&output.stdout).context("a side did not tell its figures")
}

/// Both sides in every round, each going first in every other one.
pub(crate) fn rounds(arguments: &Arguments, rounds: u32) -> Result<Vec<(Measured, Measured)>> {
    let mut all = Vec::new();
    for round in 0..rounds {
        let floor_first = round.is_multiple_of(2);
        let early: Measured = run(
            arguments,
            if floor_first {
                Side::Floor
            } else {
                Side::Carril
            },
        )?;
        let late: Measured = run(
            arguments,
            if floor_first {
                Side::Carril
            } else {
                Side::Floor
            },
        )?;
        all.push(if floor_first {
            (early, late)
        } else {
            (late, early)
        });
    }
    Ok(all)
}
