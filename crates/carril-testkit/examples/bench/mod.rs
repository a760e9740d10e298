//! What the benchmarks share, and the benchmarks themselves: each `bench-NAME.rs` beside this folder is one of them.
//!
//! Every benchmark measures a floor and Carril in the same run. Each side of each round is a process of its own,
//! started by this one with `--side`, so that CPU time, bytes and memory are that side's alone; the sides take turns
//! and swap their order every round. What is reported are medians and their spread. Nothing here judges: a target
//! that is missed is shown as missed, and the program ends well.

mod arguments;
mod child;
mod cold;
mod contention;
mod dispatch;
mod fairness;
mod fanout;
mod figures;
mod floor;
mod funds_sql;
mod hot;
mod launch;
mod limits;
mod locks;
mod nodes;
mod postgres;
mod report;
mod scale;
mod subject;
mod usage;
mod waiting;

use anyhow::{Result, bail};
use arguments::Arguments;
use carril_testkit::postgres::Cluster;
use clap::Parser as _;
use std::process::ExitCode;

/// Runs the benchmark with this name, or one side of it, as the command line says.
pub(crate) fn main(name: &str) -> ExitCode {
    // It has a command line of its own.
    let ended = match name {
        "contention" => contention::run(),
        name => run_placed(name, Arguments::parse()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Those that can have their store on a server.
const ON_A_SERVER: [&str; 4] = ["dispatch", "fairness", "hot", "limits"];
/// Those that always have it there.
const ALWAYS_ON_A_SERVER: [&str; 2] = ["nodes", "postgres"];
/// What `--store` says where the benchmark is to start a server itself.
const OWN: &str = "own";

/// Runs it where it is to have its store. A side's process is told where by the one that starts it.
fn run_placed(name: &str, mut arguments: Arguments) -> Result<()> {
    if arguments.side.is_some() {
        return run(name, &arguments);
    }
    let always = ALWAYS_ON_A_SERVER.contains(&name);
    if arguments.store.is_some() && !always && !ON_A_SERVER.contains(&name) {
        bail!("`{name}` always has its store in a file; leave `--store` out");
    }
    if always && arguments.store.is_none() {
        arguments.store = Some(OWN.to_owned());
    }
    let database = (arguments.store.as_deref() == Some(OWN)).then(|| Cluster::get().database());
    if let Some(database) = &database {
        arguments.store = Some(database.url());
    }
    run(name, &arguments)
}

fn run(name: &str, arguments: &Arguments) -> Result<()> {
    match name {
        "fanout" => fanout::run(arguments),
        "fairness" => fairness::run(arguments),
        "hot" => hot::run(arguments),
        "limits" => limits::run(arguments),
        "funds-sql" => funds_sql::run(arguments),
        "locks" => locks::run(arguments),
        "nodes" => nodes::run(arguments),
        "postgres" => postgres::run(arguments),
        "dispatch" => dispatch::run(arguments),
        "launch" => launch::run(arguments),
        "cold" => cold::run(arguments),
        "scale" => scale::run(arguments),
        "waiting" => waiting::run(arguments),
        other => bail!("there is no benchmark `{other}`"),
    }
}
