//! What came of a run, for people and as JSON.

use super::fault::Fault;
use super::ground::Kind;
use super::{Settings, Wanted};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Report {
    /// The seed.
    pub(crate) seed: u64,
    /// What was done, and how often.
    pub(crate) faults: BTreeMap<&'static str, u32>,
    /// Rounds.
    pub(crate) rounds: u32,
    /// Processes and executions that came to their end.
    pub(crate) processes: u64,
    /// Executions among them.
    pub(crate) executions: u64,
    /// Attempts of steps, and how many of them were interrupted or failed.
    pub(crate) attempts: u64,
    /// Those among them that did not succeed.
    pub(crate) in_vain: u64,
    /// Engines that entered the store, all in all.
    pub(crate) engines: u64,
    /// Rules that were asked, each time.
    pub(crate) rules: u32,
    /// The longest time that it took until all had settled once it was quiet.
    pub(crate) longest_quiet: Duration,
    /// What was wrong.
    pub(crate) wrong: Vec<String>,
    /// How long it took.
    pub(crate) took: Duration,
    /// How the same is asked for again.
    pub(crate) repeat: String,
}

impl Report {
    pub(crate) fn new(settings: &Settings) -> Self {
        let much = match &settings.schedule {
            Wanted::For(time) => format!("--minutes {}", time.as_secs().div_ceil(60).max(1)),
            Wanted::Counts(counts) => {
                let all: u32 = counts.iter().map(|(_, count)| count).sum();
                format!("--kills {all}")
            }
        };
        let ground = match settings.ground {
            Kind::Server => "--postgres",
            Kind::Pooler => "--pgbouncer",
            Kind::Failover => "--failover",
        };
        let repeat = format!("cargo xtask chaos {ground} {much} --seed {}", settings.seed);
        Self {
            seed: settings.seed,
            faults: BTreeMap::new(),
            rounds: 0,
            processes: 0,
            executions: 0,
            attempts: 0,
            in_vain: 0,
            engines: 0,
            rules: 0,
            longest_quiet: Duration::ZERO,
            wrong: Vec::new(),
            took: Duration::ZERO,
            repeat,
        }
    }

    pub(crate) fn count(&mut self, fault: Fault) {
        *self.faults.entry(fault.name()).or_default() += 1;
    }

    /// Whether nothing was wrong.
    pub(crate) fn is_well(&self) -> bool {
        self.wrong.is_empty()
    }

    /// Takes note of something wrong.
    pub(crate) fn wrong(&mut self, what: String) {
        eprintln!("chaos: wrong: {what}");
        self.wrong.push(what);
    }

    /// One object.
    pub(crate) fn json(&self) -> Value {
        json!({
            "seed": self.seed, "faults": self.faults, "rounds": self.rounds, "processes": self.processes,
            "executions": self.executions, "attempts": self.attempts, "attempts_in_vain": self.in_vain, "engines": self.engines,
            "rules_asked": self.rules, "longest_quiet_ms": u64::try_from(self.longest_quiet.as_millis()).unwrap_or(u64::MAX),
            "seconds": self.took.as_secs(), "wrong": self.wrong, "repeat": self.repeat,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.values().sum::<u32>();
        writeln!(
            out,
            "seed {}: {faults} faults in {} rounds, {} s",
            self.seed,
            self.rounds,
            self.took.as_secs()
        )?;
        for (name, times) in &self.faults {
            writeln!(out, "  {name:<44} {times:>4}")?;
        }
        writeln!(
            out,
            "{} processes with {} executions came to their end by way of {} attempts of which {} were in vain, in {} engines;\n\
             {} times a rule was asked; after the last fault of a round all had settled within {:.1} s",
            self.processes,
            self.executions,
            self.attempts,
            self.in_vain,
            self.engines,
            self.rules,
            self.longest_quiet.as_secs_f64()
        )?;
        for wrong in &self.wrong {
            writeln!(out, "wrong: {wrong}")?;
        }
        if self.is_well() {
            return write!(out, "nothing lost, nothing doubled");
        }
        write!(out, "promises were broken; repeat: {}", self.repeat)
    }
}
