//! `carril run` as people start it: a process of its own, no store yet, and an exact history when it has ended.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured};
use super::figures::Figure;
use super::floor::{self, Shape, micros};
use super::report::{Report, file_system};
use super::subject::step_rows;
use super::usage::Usage;
use anyhow::{Context as _, Result, bail, ensure};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ENTITIES: u32 = 50;
const STEPS: u32 = 7;
const ROUNDS: u32 = 15;

/// One round's times, in milliseconds.
struct Round {
    carril: f64,
    floor: f64,
    version: f64,
    spawn: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(Side::Floor) => child::tell(&floor_side(arguments)?),
        Some(Side::Carril) => bail!("Carril's side of this benchmark is its own program"),
        None => report(arguments),
    }
}

fn floor_side(arguments: &Arguments) -> Result<Measured> {
    let folder = arguments.folder()?;
    let shape = Shape {
        entities: arguments.entities_or(ENTITIES),
        steps: arguments.steps_or(STEPS),
        lanes: arguments.lanes,
        writer: arguments.floor,
    };
    let (took, connection) = floor::fanout(floor::open(&folder)?, shape)?;
    connection.close().map_err(|(_, error)| error)?;
    let (wall_micros, launch_micros) = (took.wall, took.launch);
    Ok(Measured {
        wall_micros,
        launch_micros,
        samples_micros: Vec::new(),
        usage: Usage::now()?,
        step_rows: 0,
    })
}

fn report(arguments: &Arguments) -> Result<()> {
    let carril = std::env::var_os("CARRIL_BIN")
        .context("CARRIL_BIN does not say where `carril` is; `cargo xtask bench cold` does")?;
    let carril = PathBuf::from(carril);
    let (entities, rounds) = (arguments.entities_or(ENTITIES), arguments.rounds_or(ROUNDS));
    let measured: Vec<Round> = (0..rounds)
        .map(|_| round(arguments, &carril))
        .collect::<Result<_>>()?;
    let figure = |of: fn(&Round) -> f64| Figure::of(measured.iter().map(of));
    let heading = format!(
        "`carril run` of {entities} entities × {} no-op steps from nothing; medians (and spread) of {rounds} rounds",
        arguments.steps_or(STEPS)
    );
    let mut report = Report::new("cold", heading);
    report.key("entities", entities)?;
    report.key("steps", arguments.steps_or(STEPS))?;
    report.key("lanes", arguments.lanes)?;
    report.key("rounds", rounds)?;
    report.key("file_system", file_system(arguments)?)?;
    report.key("ratio", figure(|round| round.floor / round.carril).median)?;
    report.key("carril_run_millis", figure(|round| round.carril))?;
    report.key("floor_millis", figure(|round| round.floor))?;
    report.key("version_millis", figure(|round| round.version))?;
    report.key("spawn_millis", figure(|round| round.spawn))?;
    let binary_bytes = std::fs::metadata(&carril)?.len();
    report.key("binary_bytes", binary_bytes)?;
    let megabytes = binary_bytes as f64 / 1e6;
    report.row(
        "run from nothing, ms",
        figure(|round| round.floor).shown(),
        figure(|round| round.carril).shown(),
    );
    report.row(
        "a program that does nothing, ms",
        figure(|round| round.spawn).shown(),
        "",
    );
    report.row("--version, ms", "", figure(|round| round.version).shown());
    report.row("size of the program, MB", "", format!("{megabytes:.1}"));
    report.at_most(
        "run from nothing, ms",
        500.0,
        figure(|round| round.carril).median,
    );
    report.at_most(
        "run from nothing, ms (aim)",
        150.0,
        figure(|round| round.carril).median,
    );
    report.at_most("--version, ms", 10.0, figure(|round| round.version).median);
    report.at_most("size of the program, MB", 20.0, megabytes);
    report.print(arguments)
}

fn round(arguments: &Arguments, carril: &Path) -> Result<Round> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(arguments.folder()?)?;
    let (pipeline, floors) = (folder.path().join("pipeline"), folder.path().join("floor"));
    std::fs::create_dir_all(&pipeline)?;
    std::fs::create_dir_all(&floors)?;
    std::fs::write(pipeline.join("pipeline.toml"), definition(arguments))?;
    let mut run = Command::new(carril);
    run.arg("run")
        .arg(&pipeline)
        .arg("--store")
        .arg(folder.path().join("store.db"));
    run.arg(format!("--lanes={}", arguments.lanes))
        .current_dir(folder.path());
    let carril_took = timed(&mut run)?;
    check_history(arguments, folder.path())?;
    let mut floor = Command::new(std::env::current_exe()?);
    floor.args(arguments.of_side(Side::Floor, floors).words());
    Ok(Round {
        carril: carril_took,
        floor: timed(&mut floor)?,
        version: timed(Command::new(carril).arg("--version"))?,
        spawn: timed(&mut Command::new("true"))?,
    })
}

/// Milliseconds from starting a program to its end, which must be a success.
fn timed(command: &mut Command) -> Result<f64> {
    command.stdin(Stdio::null());
    let clock = Instant::now();
    let output = command.output()?;
    let took = micros(clock.elapsed()) / 1e3;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(took)
}

/// All executions and all steps succeeded, each once.
fn check_history(arguments: &Arguments, folder: &Path) -> Result<()> {
    let entities = i64::from(arguments.entities_or(ENTITIES));
    let wanted = (1, entities, entities * i64::from(arguments.steps_or(STEPS)));
    let connection = Connection::open(folder.join("store.db"))?;
    let count = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
    let processes = count("SELECT count(*) FROM process WHERE state = 3 AND succeeded = total")?;
    let executions =
        count("SELECT count(*) FROM execution WHERE state = 3 AND run = 1 AND token = 1")?;
    let found = (processes, executions, step_rows(arguments, folder)?);
    ensure!(
        found == wanted,
        "succeeded processes, executions and steps should be {wanted:?}, the store has {found:?}"
    );
    Ok(())
}

fn definition(arguments: &Arguments) -> String {
    let keys: Vec<String> = (0..arguments.entities_or(ENTITIES))
        .map(|number| format!("\"entity-{number:05}\""))
        .collect();
    let steps: String = (0..arguments.steps_or(STEPS))
        .map(|number| format!("\n[[stage.step]]\nname = \"step-{number}\"\nnoop = true\n"))
        .collect();
    format!(
        "name = \"cold\"\n\n[entities]\nlist = [{}]\n\n[[stage]]\nname = \"work\"\n{steps}",
        keys.join(", ")
    )
}
