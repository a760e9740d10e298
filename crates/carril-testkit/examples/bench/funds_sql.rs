//! Funds through SQL stages on PostgreSQL: what lanes, fences and bookkeeping add to a program that somebody wrote for just this work.
//!
//! Both sides make seven tables for each fund in a schema of its own, run each stage in a transaction, and drop the schema; both have
//! as many connections. The sides are processes of their own that take turns, and what they leave is compared.

mod lanes;
mod place;
mod written;

use super::arguments::{Arguments, Side};
use super::child;
use super::figures::Figure;
use super::report::Report;
use super::subject;
use super::usage::Usage;
use anyhow::{Context as _, Result, ensure};
use carril_testkit::postgres::Cluster;
use place::Place;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;

pub(crate) const FUNDS: u32 = 50;
pub(crate) const STAGES: u32 = 7;
const ROWS: u32 = 1_000;
const ROUNDS: u32 = 7;
const CONNECTIONS: [u32; 2] = [8, 50];

/// How one side of one round went.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Went {
    wall_s: f64,
    cpu_s: f64,
    /// What each fund came to, so that both sides are known to have done the same.
    totals: Vec<(i64, i64, i64)>,
}

/// One side over all rounds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Figures {
    wall_s: Figure,
    cpu_s: Figure,
}

/// One number of connections with one kind of store.
#[derive(Debug, Clone, Serialize)]
struct Case {
    connections: u32,
    store: &'static str,
    ratio: f64,
    extra_cpu_s: f64,
    control: Figures,
    carril: Figures,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(side) => child::tell(&side_of(arguments, side)?),
        None => report(arguments),
    }
}

/// One side, in this process. Connections are made within the time, as they are needed.
fn side_of(arguments: &Arguments, side: Side) -> Result<Went> {
    let funds = arguments.entities_or(FUNDS);
    let url = arguments
        .target
        .as_deref()
        .context("a side is told where to work")?;
    let runtime = subject::runtime(arguments.runtime)?;
    runtime.block_on(async {
        let place = Arc::new(Place::make(url, funds, ROWS).await?);
        let (before, clock) = match side {
            Side::Floor => {
                let measured = (Usage::now()?, Instant::now());
                written::run(&place, funds, arguments.lanes).await?;
                measured
            }
            Side::Carril => {
                let lanes = lanes::Lanes::open(arguments, &place).await?;
                let measured = (Usage::now()?, Instant::now());
                lanes.run(funds).await?;
                measured
            }
        };
        let wall_s = clock.elapsed().as_secs_f64();
        let cpu = Usage::now()?.cpu_micros - before.cpu_micros;
        let cpu = u32::try_from(cpu).map_or(f64::INFINITY, f64::from);
        Ok(Went {
            wall_s,
            cpu_s: cpu * 1e-6,
            totals: place.totals().await?,
        })
    })
}

fn report(arguments: &Arguments) -> Result<()> {
    let rounds = arguments.rounds_or(ROUNDS);
    let funds = arguments.entities_or(FUNDS);
    let mut cases = Vec::new();
    for connections in CONNECTIONS {
        cases.extend(case(arguments, connections, rounds)?);
    }
    let heading = format!(
        "{funds} funds × {STAGES} stages of {ROWS} rows on PostgreSQL; medians (and spread) of {rounds} rounds"
    );
    let worst = |of: fn(&Case) -> f64| cases.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    let (ratio, extra) = (worst(|case| case.ratio), worst(|case| case.extra_cpu_s));
    let mut report = Report::new("funds-sql", heading);
    report.key("funds", funds)?;
    report.key("stages", STAGES)?;
    report.key("rows", ROWS)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("ratio", ratio)?;
    report.key("extra_cpu_s", extra)?;
    report.key("cases", &cases)?;
    report.columns([
        "",
        "by hand, s",
        "Carril, s",
        "ratio",
        "by hand, CPU s",
        "Carril, CPU s",
    ]);
    for case in &cases {
        let name = format!("{} connections, store on {}", case.connections, case.store);
        report.line(&[
            name,
            case.control.wall_s.shown(),
            case.carril.wall_s.shown(),
            format!("{:.3}", case.ratio),
            case.control.cpu_s.shown(),
            case.carril.cpu_s.shown(),
        ]);
    }
    report.at_most("wall time by that of the program by hand", 1.05, ratio);
    report.at_most("extra CPU of Carril's process, s", 0.1, extra);
    report.print(arguments)
}

/// All rounds with so many connections: by hand, and in Carril with its store on SQLite and on the server.
fn case(arguments: &Arguments, connections: u32, rounds: u32) -> Result<Vec<Case>> {
    let stores = ["sqlite", "postgres"];
    let mut by_hand: Vec<Went> = Vec::new();
    let mut carril: [Vec<Went>; 2] = Default::default();
    for round in 0..rounds {
        for turn in 0..3 {
            match (turn + round) % 3 {
                0 => by_hand.push(side(arguments, connections, Side::Floor, None)?),
                1 => carril[0].push(side(arguments, connections, Side::Carril, Some(stores[0]))?),
                _ => carril[1].push(side(arguments, connections, Side::Carril, Some(stores[1]))?),
            }
        }
    }
    let same = |went: &Went| went.totals == by_hand[0].totals;
    ensure!(
        by_hand.iter().chain(carril.iter().flatten()).all(same),
        "the sides came to different totals, so their times are no comparison"
    );
    let compared = |(store, carril): (&'static str, &Vec<Went>)| {
        let pairs = || by_hand.iter().zip(carril);
        Case {
            connections,
            store,
            ratio: Figure::of(pairs().map(|(hand, ours)| ours.wall_s / hand.wall_s)).median,
            extra_cpu_s: Figure::of(pairs().map(|(hand, ours)| ours.cpu_s - hand.cpu_s)).median,
            control: figures(&by_hand),
            carril: figures(carril),
        }
    };
    Ok(stores.into_iter().zip(&carril).map(compared).collect())
}

/// One side of one round, on a database of its own.
fn side(arguments: &Arguments, connections: u32, side: Side, store: Option<&str>) -> Result<Went> {
    let cluster = Cluster::get();
    let (database, store_database) = (cluster.database(), cluster.database());
    let store = (store == Some("postgres")).then(|| store_database.url());
    child::run(&arguments.on(database.url(), store, connections), side)
}

fn figures(rounds: &[Went]) -> Figures {
    Figures {
        wall_s: Figure::of(rounds.iter().map(|went| went.wall_s)),
        cpu_s: Figure::of(rounds.iter().map(|went| went.cpu_s)),
    }
}
