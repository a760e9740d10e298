//! `cargo xtask`: the project's own commands, which people and CI run alike.
//!
//! This file reads the command line and hands over; each command is a module. Nothing here is published, and no
//! crate of Carril depends on it. It is compiled in every CI run, so its dependencies are few.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

mod bench;
mod check;
mod command;
mod console;
mod finding;
mod needs;
mod simulate;
mod source;
mod test;
mod tree;
mod workspace;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Checks the house: every fault is told, with what would be right.
    Check {
        /// The parts to run; all when none is named.
        parts: Vec<check::Part>,
        /// Mends first what a tool can mend: formatting, and the lints that know their cure.
        #[arg(long)]
        fix: bool,
    },
    /// Installs what the tests need and runs all of them.
    Test {
        /// Goes to the test runner; for instance a part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs a benchmark; without a name, lists them.
    Bench {
        /// The benchmark's name.
        name: Option<String>,
        /// Goes to the benchmark; `--json` prints one object.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Lives through seeds of the simulator: `--seed N` tells one, `--seeds N [--from N] [--threads N]` many.
    Simulate {
        /// Goes to the simulator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Fuzzes what reads texts of people: `--seconds N`, or `--inputs N`, and `--seed N`.
    Fuzz {
        /// Goes to the fuzzer.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kills and breaks a running Carril, and looks whether its promises hold; `--syscalls` before every system call, `--power`
    /// by power failures, `--postgres --minutes N` workers on one PostgreSQL store, with `--failover` or `--pgbouncer` on those.
    Chaos {
        /// Goes to the chaos program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<bool> {
    let root = root()?;
    match task {
        Task::Check { parts, fix } => check::run(&root, &parts, fix),
        Task::Test { arguments } => test::run(&root, &arguments),
        Task::Bench { name, arguments } => bench::bench(&root, name.as_deref(), &arguments),
        Task::Simulate { arguments } => simulate::simulate(&root, &arguments),
        Task::Fuzz { arguments } => simulate::fuzz(&root, &arguments),
        Task::Chaos { arguments } => bench::chaos(&root, &arguments),
    }
}

/// Returns the root of the repository that this program was built in.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here
        .ancestors()
        .nth(2)
        .context("the crate is not two folders below the root")?;
    Ok(root.to_owned())
}
