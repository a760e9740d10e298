//! Kills a running Carril a hundred times and looks whether its promises hold.
//!
//! `cargo xtask chaos [--kills N] [--seed N] [--scenario fanout|funds|rollback]` builds the programs and starts this one, with
//! their paths in `CARRIL_BIN` and `FUNDS_LOAD_BIN`; with `--syscalls` or `--power` it does what a machine may do instead, with
//! `--postgres` it breaks workers, server and network of a store that many engines share. What it does, and what it found so far, is in `docs/operations/faults.md`.
//! The work is in `chaos/`; here is the command line. The command line's own tests run the same, smaller.

use clap::{Parser, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[path = "chaos/harness.rs"]
mod harness;
#[path = "chaos/machine.rs"]
mod machine;
#[path = "chaos/nodes/run.rs"]
mod nodes;
#[path = "chaos/random.rs"]
mod random;

use harness::{Scenario, Settings};
use std::time::Duration;

/// Kills a running Carril again and again, and looks whether its promises hold.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask chaos")]
struct Arguments {
    /// How often to kill, all scenarios together; with `--postgres`, how many faults.
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// What all choices come from; a number of the clock when it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this scenario. May be repeated.
    #[arg(long, value_enum)]
    scenario: Vec<Named>,
    /// Instead, kills before every system call that changes a file, or every so many-th.
    #[arg(long, value_name = "EVERY", num_args = 0..=1, default_missing_value = "1", conflicts_with = "power")]
    syscalls: Option<usize>,
    /// Instead, power failures: so many images of what a disk may hold.
    #[arg(long, value_name = "IMAGES", num_args = 0..=1, default_missing_value = "500")]
    power: Option<u32>,
    /// Instead, workers on one PostgreSQL store: workers, the server and the network between them break.
    #[arg(long, conflicts_with_all = ["syscalls", "power", "scenario"], group = "nodes")]
    postgres: bool,
    /// The same behind PgBouncer.
    #[arg(long, conflicts_with_all = ["syscalls", "power", "scenario"], group = "nodes")]
    pgbouncer: bool,
    /// The same on two servers of which one takes the other's place, by Patroni.
    #[arg(long, conflicts_with_all = ["syscalls", "power", "scenario"], group = "nodes")]
    failover: bool,
    /// With `--postgres`, `--pgbouncer` or `--failover`: every fault in turn for so many minutes, instead of so many faults.
    #[arg(
        long,
        value_name = "N",
        requires = "postgres",
        conflicts_with = "kills"
    )]
    minutes: Option<u64>,
    /// There: the lease of the workers, in seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "postgres",
        default_value_t = 2
    )]
    lease: u64,
    /// With `--postgres`: how long it takes until others have the work of a worker that died, with the usual lease, and nothing else.
    #[arg(long, requires = "postgres", conflicts_with = "minutes")]
    takeover: bool,
    /// There: one JSON object on standard output.
    #[arg(long, requires = "nodes")]
    json: bool,
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
    let carril =
        named("CARRIL_BIN").ok_or("CARRIL_BIN is not set; start this with `cargo xtask chaos`")?;
    if arguments.syscalls.is_some() || arguments.power.is_some() {
        return machine(arguments, &carril, &folder, seed);
    }
    if arguments.postgres || arguments.pgbouncer || arguments.failover {
        return on_postgres(arguments, carril, seed, (folder, temporary));
    }
    let scenarios = match arguments.scenario.as_slice() {
        [] => vec![Scenario::Fanout, Scenario::Funds, Scenario::Rollback],
        named => named.iter().map(|named| named.scenario()).collect(),
    };
    let settings = Settings {
        carril,
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

/// Workers on one PostgreSQL store.
fn on_postgres(
    arguments: &Arguments,
    carril: PathBuf,
    seed: u64,
    (folder, temporary): (PathBuf, Option<tempfile::TempDir>),
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let ground = match (arguments.pgbouncer, arguments.failover) {
        (true, _) => nodes::ground::Kind::Pooler,
        (_, true) => nodes::ground::Kind::Failover,
        _ => nodes::ground::Kind::Server,
    };
    let schedule = match arguments.minutes {
        Some(minutes) => nodes::Wanted::For(Duration::from_secs(minutes * 60)),
        None => nodes::Wanted::Counts(nodes::fault::counts(arguments.kills, ground)),
    };
    eprintln!("chaos: seed {seed}, on PostgreSQL, in {}", folder.display());
    let mut settings = nodes::Settings {
        carril,
        folder,
        seed,
        schedule,
        ground,
        lease: Duration::from_secs(arguments.lease),
    };
    if arguments.takeover {
        settings.lease = Duration::from_secs(15);
        let took = nodes::takeover(&settings)?;
        println!(
            "others had the work of a worker that died after {:.1} s",
            took.as_secs_f64()
        );
        return Ok(took < nodes::TAKEOVER_MAX);
    }
    let report = nodes::run(&settings)?;
    if arguments.json {
        println!("{}", report.json());
    } else {
        println!("{report}");
    }
    if let Some(temporary) = temporary.filter(|_| !report.is_well()) {
        eprintln!("chaos: the logs are in {}", temporary.keep().display());
    }
    Ok(report.is_well())
}

/// Kills at system calls, or power failures with the lies that must be told.
fn machine(
    arguments: &Arguments,
    carril: &Path,
    folder: &Path,
    seed: u64,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    if let Some(every) = arguments.syscalls {
        let settings = machine::SyscallSettings {
            carril: carril.to_owned(),
            folder: folder.join("syscalls"),
            every: every.max(1),
        };
        let found = machine::syscalls(&settings)?;
        println!("kills before system calls\n{found}");
        return Ok(found.wrong.is_empty());
    }
    let mut is_well = true;
    for synchronous in ["full", "normal"] {
        for lie in [
            None,
            Some(machine::Lie::NoSync),
            Some(machine::Lie::SaidEarly),
        ] {
            let settings = machine::PowerSettings {
                carril: carril.to_owned(),
                folder: folder.join(format!("power-{synchronous}-{lie:?}")),
                images: arguments.power.unwrap_or(500),
                seed,
                synchronous,
                lie,
            };
            let found = machine::power(&settings)?;
            println!("power failures, planted: {lie:?}\n{found}");
            is_well &= found.wrong.is_empty() == lie.is_none();
        }
    }
    Ok(is_well)
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
