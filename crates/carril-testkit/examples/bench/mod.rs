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
mod postgres;
mod report;
mod scale;
mod subject;
mod usage;
mod waiting;

use anyhow::{Result, bail};
use arguments::Arguments;
use clap::Parser as _;
use std::process::ExitCode;

/// Runs the benchmark with this name, or one side of it, as the command line says.
pub(crate) fn main(name: &str) -> ExitCode {
    // It has a command line of its own.
    let ended = match name {
        "contention" => contention::run(),
        name => run(name, &Arguments::parse()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, arguments: &Arguments) -> Result<()> {
    match name {
        "fanout" => fanout::run(arguments),
        "fairness" => fairness::run(arguments),
        "hot" => hot::run(arguments),
        "limits" => limits::run(arguments),
        "funds-sql" => funds_sql::run(arguments),
        "locks" => locks::run(arguments),
        "postgres" => postgres::run(arguments),
        "dispatch" => dispatch::run(arguments),
        "launch" => launch::run(arguments),
        "cold" => cold::run(arguments),
        "scale" => scale::run(arguments),
        "waiting" => waiting::run(arguments),
        other => bail!("there is no benchmark `{other}`"),
    }
}
