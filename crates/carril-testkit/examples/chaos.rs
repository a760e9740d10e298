//! Kills a running Carril a hundred times and looks whether its promises hold.
//!
//! `cargo xtask chaos [--kills N] [--seed N] [--scenario fanout|funds|rollback]` builds the programs and starts this one, with
//! their paths in `CARRIL_BIN` and `FUNDS_LOAD_BIN`. What it does, and what it found so far, is in `docs/operations/faults.md`.
//! The work is in `chaos/`; here is the command line. The command line's own tests run the same, smaller.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

#[path = "chaos/harness.rs"]
mod harness;

use harness::{Scenario, Settings};

/// Kills a running Carril again and again, and looks whether its promises hold.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask chaos")]
struct Arguments {
    /// How often to kill, all scenarios together.
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// What all choices come from; a number of the clock when it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this scenario. May be repeated.
    #[arg(long, value_enum)]
    scenario: Vec<Named>,
    /// Entities of the fan-out.
    #[arg(long, default_value_t = 40)]
    entities: u32,
    /// Funds of the funds example.
    #[arg(long, default_value_t = 25)]
    funds: u32,
    /// Where the worlds are made and stay; a temporary folder, kept only after a failure, when it is not given.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Named {
    Fanout,
    Funds,
    Rollback,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let seed = arguments.seed.unwrap_or_else(seed_of_the_clock);
    let (folder, temporary) = match &arguments.keep {
        Some(folder) => (folder.clone(), None),
        None => {
            let temporary = tempfile::Builder::new().prefix("carril-chaos-").tempdir()?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let scenarios = match arguments.scenario.as_slice() {
        [] => vec![Scenario::Fanout, Scenario::Funds, Scenario::Rollback],
        named => named.iter().map(|named| named.scenario()).collect(),
    };
    let settings = Settings {
        carril: named("CARRIL_BIN")
            .ok_or("CARRIL_BIN is not set; start this with `cargo xtask chaos`")?,
        funds_load: named("FUNDS_LOAD_BIN"),
        funds: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/funds"),
        folder: folder.clone(),
        seed,
        kills: arguments.kills,
        scenarios,
        entities: arguments.entities,
        fund_count: arguments.funds,
    };
    eprintln!(
        "chaos: seed {seed}, {} kills, in {}",
        arguments.kills,
        folder.display()
    );
    let report = harness::run(&settings)?;
    println!("{report}");
    if !report.is_well() {
        println!(
            "repeat: cargo xtask chaos --seed {seed} --kills {}",
            arguments.kills
        );
        if let Some(temporary) = temporary {
            println!("the worlds are in {}", temporary.keep().display());
        }
    }
    Ok(report.is_well())
}

impl Named {
    const fn scenario(self) -> Scenario {
        match self {
            Self::Fanout => Scenario::Fanout,
            Self::Funds => Scenario::Funds,
            Self::Rollback => Scenario::Rollback,
        }
    }
}

/// Only has to differ from one run to the next.
fn seed_of_the_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |since| u64::from(since.subsec_nanos()) ^ since.as_secs()) % 1_000_000
}
