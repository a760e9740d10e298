//! The chaos run on PostgreSQL: workers on one store move money on a target of the same server, while workers, the server and the
//! network between them break; then it is quiet, everything must come to its end, and rules are asked with SQL.
//!
//! ```text
//!  schedule ──fault──▶ workers, lines, server          launches ──▶ processes
//!      ▲ seed               │                                           │
//!      └────────────────── quiet ──▶ all has settled? ──▶ rules ◀───────┘
//! ```
//!
//! A run is rounds: each launches processes, does its faults, heals everything, and is judged. Whoever starts it says where the
//! program is; nothing of Carril is linked in but the test kit's server and network.

pub(crate) mod check;
pub(crate) mod fault;
pub(crate) mod ground;
mod judge;
mod load;
pub(crate) mod place;
mod report;
mod takeover;
mod worker;

use crate::random::Random;
use fault::{Fault, Schedule};
use place::{Failure, Place};
pub(crate) use report::Report;
use std::path::PathBuf;
use std::time::{Duration, Instant};
pub(crate) use takeover::takeover;

/// How long it may take until others have the work of a worker that died, with the usual lease: the lease, the sign of life after
/// which it is noticed, and a busy machine's delay.
pub(crate) const TAKEOVER_MAX: Duration = Duration::from_secs(21);
/// Faults of a round, after which it is quiet and the rules are asked.
const FAULTS_OF_A_ROUND: usize = 12;

/// What a run is given.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The `carril` binary.
    pub(crate) carril: PathBuf,
    /// Where the logs of workers and the history are kept.
    pub(crate) folder: PathBuf,
    /// What all choices come from.
    pub(crate) seed: u64,
    /// Which faults: so many rounds as these take, or as many as fit into a time.
    pub(crate) schedule: Wanted,
    /// What they stand on.
    pub(crate) ground: ground::Kind,
    /// The lease of the workers.
    pub(crate) lease: Duration,
}

/// How much is wanted.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// Each so often, in an order that the seed gives.
    Counts(Vec<(Fault, u32)>),
    /// Every fault that the machine can do, in turn, for this long at least.
    For(Duration),
}

/// Runs it.
///
/// # Errors
/// When a program cannot be started or the database not be asked while it is quiet.
pub(crate) fn run(settings: &Settings) -> Result<Report, Failure> {
    let began = Instant::now();
    std::fs::create_dir_all(&settings.folder)?;
    let mut place = Place::make(settings)?;
    let mut random = Random::new(settings.seed);
    let mut report = Report::new(settings);
    let mut schedule = Schedule::new(&settings.schedule, settings.ground, &mut random);
    let mut round = 0;
    while report.wrong.is_empty() && !schedule.is_done(began.elapsed()) {
        round += 1;
        place.note("round", &round.to_string())?;
        let mut load = load::Load::begin(&mut place, round)?;
        for _ in 0..FAULTS_OF_A_ROUND {
            let Some(fault) = schedule.next(&mut random, began.elapsed()) else {
                break;
            };
            // There is always something under way that a fault can meet.
            load.keep_up(&mut place)?;
            let gap = Duration::from_millis(50 + random.below(600));
            place.pass(gap)?;
            fault.act(&mut place, &mut load, &mut random)?;
            report.count(fault);
        }
        place.heal()?;
        judge::round(&mut place, &mut load, round == 1, &mut report)?;
    }
    judge::end(&mut place, &mut report)?;
    report.rounds = round;
    report.took = began.elapsed();
    if !report.wrong.is_empty() {
        place.keep_server_log()?;
    }
    Ok(report)
}
