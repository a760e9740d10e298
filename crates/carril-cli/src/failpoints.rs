//! Failpoints for the crash tests; only in builds with the feature `failpoints`, which nobody ships.
//!
//! `FAILPOINTS` sets points as the `fail` crate reads them. `CARRIL_KILL_AT=NAME:N` kills this program, as `kill -9` does, when
//! it passes the point NAME for the N-th time; the file that `CARRIL_KILL_LOG` names gets the point's name first, so that a test
//! can tell a point that was reached from one that was not.

use crate::context::Surroundings;
use fail::FailScenario;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sets up what the environment asks for; holds until it is dropped.
///
/// # Panics
/// When the environment asks for something that makes no sense: a test that tests nothing should not pass.
pub(crate) fn set_up(surroundings: &Surroundings) -> FailScenario<'static> {
    let scenario = FailScenario::setup();
    if let Some(wanted) = (surroundings.lookup)("CARRIL_KILL_AT") {
        let log = (surroundings.lookup)("CARRIL_KILL_LOG").map(PathBuf::from);
        kill_at(&wanted, log);
    }
    scenario
}

fn kill_at(wanted: &str, log: Option<PathBuf>) {
    let (name, nth) = wanted.rsplit_once(':').expect("CARRIL_KILL_AT is NAME:N");
    let nth: u64 = nth.parse().expect("the N of CARRIL_KILL_AT is a number");
    let hits = AtomicU64::new(0);
    let point = name.to_owned();
    let reached = move || {
        if hits.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            if let Some(log) = &log {
                note(log, &point);
            }
            kill_this_program();
        }
    };
    fail::cfg_callback(name, reached).expect("a failpoint takes any callback");
}

fn note(log: &PathBuf, point: &str) {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .expect("the file of CARRIL_KILL_LOG can be written");
    writeln!(file, "{point}").expect("the file of CARRIL_KILL_LOG can be written");
}

/// No destructor runs, nothing is flushed: what a test of crashes is about.
fn kill_this_program() -> ! {
    let killed = std::process::Command::new("kill")
        .arg("-KILL")
        .arg(std::process::id().to_string())
        .status();
    // The signal may come a moment after `kill` has ended; a program that goes on meanwhile would test nothing.
    if killed.is_ok() {
        loop {
            std::thread::park();
        }
    }
    std::process::abort()
}
