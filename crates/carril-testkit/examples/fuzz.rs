//! Fuzzes what reads texts of people, for as long as it is told: `cargo xtask fuzz [--seconds N] [--seed N]`.
//!
//! The work is in `fuzz/blind.rs`, which a test runs too, for a fixed number of inputs. An input that was found is written into
//! the folder for temporary files, and named.

use clap::Parser;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

#[path = "fuzz/blind.rs"]
mod blind;

use blind::{Target, Until};

/// Fuzzes what reads texts of people.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask fuzz")]
struct Arguments {
    /// How long, all targets together.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Instead, so many inputs of each target: the same ones in every run.
    #[arg(long, conflicts_with = "seconds")]
    inputs: Option<u64>,
    /// What all inputs come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut is_well = true;
    // A panic is an answer here, and told below.
    std::panic::set_hook(Box::new(|_| {}));
    for target in Target::ALL {
        let each = Duration::from_secs(arguments.seconds) / 4;
        let until = arguments.inputs.map_or(Until::Time(each), Until::Inputs);
        let seeds = blind::seeds(target, &repository);
        let count = seeds.len();
        let fuzzed = blind::fuzz(target, seeds, arguments.seed, until);
        println!(
            "{target:?}: {} inputs from {count} seeds, {} answers, the longest took {} ms",
            fuzzed.inputs,
            fuzzed.answers,
            fuzzed.longest.as_millis()
        );
        if let Some(crash) = fuzzed.crash {
            is_well = false;
            let file = std::env::temp_dir().join(format!("carril-fuzz-{target:?}.txt"));
            match std::fs::write(&file, &crash.input) {
                Ok(()) => println!("wrong: {}; the input is in {}", crash.what, file.display()),
                Err(_) => println!("wrong: {}; the input is {:?}", crash.what, crash.input),
            }
        }
    }
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
