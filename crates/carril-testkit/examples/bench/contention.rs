//! Tenants that pass at the same time through staging tables into shared final tables: in the old design, one after the other, and in
//! Carril. All three run the very same SQL files over the same input, and the same oracle looks at what they leave.
//!
//! The sides take turns, round by round, each in tables of its own; input and check are outside the time. What counts as wrong is
//! decided by the oracle of the test kit, which has never seen a database.

mod arguments;
mod chart;
mod control;
mod lanes;
mod place;

use super::figures::rounded;
use super::report::Report;
use anyhow::{Context as _, Result, bail};
use arguments::Arguments;
use carril_testkit::contention::{self, Size};
use carril_testkit::postgres::{Cluster, Database};
use clap::Parser as _;
use control::Control;
use lanes::Lanes;
use place::Place;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What one side came to.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Tally {
    /// Passages of one tenant in one round.
    runs: u64,
    /// Attempts that were the victim of a deadlock.
    deadlocks: u64,
    /// Attempts that failed otherwise.
    errors: u64,
    /// Runs that said they had succeeded, and left other rows than the input says.
    wrong: u64,
    /// Runs that left just the rows that they should.
    right: u64,
    /// The time of all rounds.
    wall_s: f64,
    /// Failed attempts by SQLSTATE or code.
    causes: BTreeMap<String, u64>,
}

/// What one round of one side came to.
#[derive(Debug, Default)]
pub(crate) struct Round {
    wall: Duration,
    /// Tenants whose run said that it failed.
    failed: BTreeSet<u32>,
    deadlocks: u64,
    errors: u64,
    causes: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, tenants: u32, round: Round, wrong: &BTreeSet<u32>) {
        self.runs += u64::from(tenants);
        self.deadlocks += round.deadlocks;
        self.errors += round.errors;
        self.wrong += wrong.difference(&round.failed).count() as u64;
        self.right += u64::from(tenants) - wrong.union(&round.failed).count() as u64;
        self.wall_s += round.wall.as_secs_f64();
        for (cause, count) in round.causes {
            *self.causes.entry(cause).or_default() += count;
        }
    }

    /// Of a hundred runs, rounded down: only where all are right it is a hundred.
    fn right_percent(&self) -> u32 {
        u32::try_from(self.right * 100 / self.runs.max(1)).unwrap_or(0)
    }

    /// Wall time of a thousand runs, in seconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a count of runs, far below 2^52"
    )]
    fn per_thousand(&self) -> f64 {
        self.wall_s * 1_000.0 / self.runs.max(1) as f64
    }
}

/// All that was measured.
struct Measured {
    server: String,
    control: Tally,
    serial: Tally,
    carril: Tally,
}

pub(crate) fn run() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(folder) = &arguments.write_input {
        contention::write(folder, arguments.size(), arguments.rounds())?;
        eprintln!(
            "wrote tables, input, SQL and what is expected to {}",
            folder.display()
        );
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if arguments.check {
        let url = arguments.target.as_deref();
        let url =
            url.context("name the database whose final tables are to be checked with --target")?;
        return runtime.block_on(check(&arguments, url));
    }
    let (_kept, url) = server(&arguments);
    let measured = runtime.block_on(measure(&arguments, &url))?;
    if let Some(path) = &arguments.svg {
        let picture = chart::draw(&arguments, &measured);
        std::fs::write(path, picture).with_context(|| format!("writing {}", path.display()))?;
    }
    report(&arguments, &measured)
}

/// The database that is named, or a new one on a server of the benchmark's own.
fn server(arguments: &Arguments) -> (Option<Database>, String) {
    if let Some(url) = &arguments.target {
        return (None, url.clone());
    }
    let database = Cluster::get().database();
    let url = database.url();
    (Some(database), url)
}

/// Looks at the final tables of a database that anybody has worked on.
async fn check(arguments: &Arguments, url: &str) -> Result<()> {
    let found = Place::there(url).found().await?;
    let expected = contention::expected(arguments.size(), arguments.rounds());
    let wrong = contention::wrong(&expected, &found);
    if wrong.is_empty() {
        println!(
            "every tenant's final rows are those of round {}",
            arguments.rounds()
        );
        return Ok(());
    }
    bail!(
        "of round {}, the final rows of {} tenants are wrong: {wrong:?}",
        arguments.rounds(),
        wrong.len()
    )
}

async fn measure(arguments: &Arguments, url: &str) -> Result<Measured> {
    let size = arguments.size();
    place::clear(url).await?;
    let places = [
        Place::make(url, "contention_control", size).await?,
        Place::make(url, "contention_serial", size).await?,
        Place::make(url, "contention_carril", size).await?,
    ];
    let mut control = Control::open(&places[0], size, arguments.connections).await?;
    let mut serial = Control::open(&places[1], size, 1).await?;
    let lanes = Lanes::open(arguments, &places[2]).await?;
    let mut tallies = [Tally::default(), Tally::default(), Tally::default()];
    for round in 1..=arguments.rounds() {
        let expected = contention::expected(size, round);
        for turn in 0..3 {
            let side = (turn + round as usize) % 3;
            places[side].load(size, round).await?;
            let outcome = match side {
                0 => control.round(round).await?,
                1 => serial.round(round).await?,
                _ => lanes.round(round).await?,
            };
            let wrong = contention::wrong(&expected, &places[side].found().await?);
            tallies[side].add(size.tenants, outcome, &wrong);
        }
        if !arguments.json {
            eprintln!("round {round} of {}", arguments.rounds());
        }
    }
    lanes.close().await?;
    let [control, serial, carril] = tallies;
    Ok(Measured {
        server: places[0].server().await?,
        control,
        serial,
        carril,
    })
}

fn report(arguments: &Arguments, measured: &Measured) -> Result<()> {
    let Size { tenants, .. } = arguments.size();
    let Measured {
        control,
        serial,
        carril,
        ..
    } = measured;
    let heading = format!(
        "{tenants} tenants × {} rounds, {} final rows a run, PostgreSQL {}",
        arguments.rounds(),
        rounded(arguments.rows_per_run()),
        measured.server
    );
    let ratio = serial.wall_s / carril.wall_s;
    let mut report = Report::new("contention", heading);
    report.key("tenants", tenants)?;
    report.key("rounds", arguments.rounds())?;
    report.key("rows_per_run", arguments.rows_per_run())?;
    report.key("cores", std::thread::available_parallelism()?.get())?;
    report.key("server", &measured.server)?;
    report.key("isolation", arguments.isolation)?;
    report.key("store", arguments.store_shown())?;
    report.key("control", control)?;
    report.key("serial", serial)?;
    report.key("carril", carril)?;
    report.key("ratio", ratio)?;
    report.columns(["", "old design", "one after the other", "Carril"]);
    let mut row = |what: &str, of: &dyn Fn(&Tally) -> String| {
        report.line(&[what.to_owned(), of(control), of(serial), of(carril)]);
    };
    row("runs", &|side| side.runs.to_string());
    row("deadlocks", &|side| side.deadlocks.to_string());
    row("errors", &|side| side.errors.to_string());
    row("wrong rows, silently", &|side| side.wrong.to_string());
    row("right runs", &|side| format!("{} %", side.right_percent()));
    row("seconds", &|side| rounded(side.wall_s));
    row("seconds per 1,000 runs", &|side| {
        rounded(side.per_thousand())
    });
    row("causes of failures", &|side| causes(&side.causes));
    report.at_most("deadlocks in Carril", 0.0, as_figure(carril.deadlocks));
    report.at_most("errors in Carril", 0.0, as_figure(carril.errors));
    report.at_most("wrong rows in Carril", 0.0, as_figure(carril.wrong));
    report.at_least("one after the other by Carril, wall time", 1.0, ratio);
    report.show(arguments.json)
}

#[expect(clippy::cast_precision_loss, reason = "a count, far below 2^52")]
fn as_figure(count: u64) -> f64 {
    count as f64
}

fn causes(causes: &BTreeMap<String, u64>) -> String {
    let each = causes
        .iter()
        .map(|(cause, count)| format!("{count} × {cause}"));
    each.collect::<Vec<_>>().join(", ")
}
