//! Lives through seeds of the simulator: any number of them on any number of threads, or one with its whole event log.
//!
//! `cargo xtask simulate` builds this for release and starts it. What is simulated is in `docs/operations/simulator.md`.

use carril_testkit::simulator::{Bug, Outcome, simulate, simulate_told};
use clap::Parser;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seeds that a thread takes at once.
const CHUNK: u64 = 64;

/// Lives through seeds, and checks every promise after every write.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask simulate")]
struct Arguments {
    /// Only this seed, with every line of its event log.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads that share the seeds.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// Plants this bug; without a name that is known, lists them.
    #[arg(long)]
    bug: Option<String>,
    /// Plants every bug, one after the other, and tells after how many seeds each was found.
    #[arg(long)]
    bugs: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let bug = match &arguments.bug {
        None => None,
        Some(name) => match Bug::from_name(name) {
            Some(bug) => Some(bug),
            None => {
                eprintln!("error: there is no bug `{name}`; the bugs are {}", names());
                return ExitCode::FAILURE;
            }
        },
    };
    let well = match arguments.seed {
        Some(seed) => tell(seed, bug),
        None if arguments.bugs => hunt(&arguments),
        None => live(&arguments, bug),
    };
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn names() -> String {
    let names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
    names.join(", ")
}

/// Tells one seed, line by line.
fn tell(seed: u64, bug: Option<Bug>) -> bool {
    let (outcome, entries) = simulate_told(seed, bug);
    for entry in entries {
        println!("{entry}");
    }
    println!(
        "seed {seed}: {} events, hash {:016x}",
        outcome.events, outcome.hash
    );
    is_well(&outcome)
}

/// Lives through many seeds, until one fails.
fn live(arguments: &Arguments, bug: Option<Bug>) -> bool {
    let began = Instant::now();
    let next = AtomicU64::new(arguments.from);
    let until = arguments.from.saturating_add(arguments.seeds);
    let first: Mutex<Option<Outcome>> = Mutex::new(None);
    let (lived, events) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                while let Some(outcome) = live_chunk(&next, until, bug, (&lived, &events)) {
                    next.store(until, Ordering::Relaxed);
                    let mut first = first.lock().expect("nobody panics with the lock");
                    if first.as_ref().is_none_or(|first| first.seed > outcome.seed) {
                        *first = Some(outcome);
                    }
                }
            });
        }
    });
    let (lived, events) = (lived.into_inner(), events.into_inner());
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{lived} seeds from {}, {events} events, {seconds:.1} s, {:.0} seeds/s on {} thread(s)",
        arguments.from,
        lived as f64 / seconds.max(0.001),
        arguments.threads.max(1)
    );
    let first = first.into_inner().expect("nobody panics with the lock");
    first.is_none_or(|outcome| is_well(&outcome))
}

/// Lives through chunks of seeds until none is left, or one fails.
fn live_chunk(
    next: &AtomicU64,
    until: u64,
    bug: Option<Bug>,
    (lived, events): (&AtomicU64, &AtomicU64),
) -> Option<Outcome> {
    loop {
        let from = next.fetch_add(CHUNK, Ordering::Relaxed);
        if from >= until {
            return None;
        }
        for seed in from..until.min(from + CHUNK) {
            let outcome = simulate(seed, bug);
            lived.fetch_add(1, Ordering::Relaxed);
            events.fetch_add(outcome.events, Ordering::Relaxed);
            if outcome.broken.is_some() {
                return Some(outcome);
            }
        }
    }
}

/// Plants each bug in turn.
fn hunt(arguments: &Arguments) -> bool {
    let mut all = true;
    for bug in Bug::ALL {
        let seeds = arguments.from..arguments.from.saturating_add(arguments.seeds);
        let found = seeds
            .map(|seed| simulate(seed, Some(*bug)))
            .find(|outcome| outcome.broken.is_some());
        match found.and_then(|outcome| outcome.broken.map(|broken| (outcome.seed, broken))) {
            Some((seed, broken)) => {
                let after = seed - arguments.from + 1;
                println!("{:<24} after {after:>5}  {}", bug.name(), broken.rule);
            }
            None => {
                all = false;
                println!("{:<24} NOT FOUND", bug.name());
            }
        }
    }
    all
}

fn is_well(outcome: &Outcome) -> bool {
    let Some(broken) = &outcome.broken else {
        return true;
    };
    eprintln!("error: seed {}: {broken}", outcome.seed);
    eprintln!("repeat it: cargo xtask simulate --seed {}", outcome.seed);
    false
}
