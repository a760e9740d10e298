//! The chaos run: worlds are made, driven to their end under kills, and checked, until there have been enough kills and every
//! failpoint was reached. Before that, the checks themselves are checked.
//!
//! ```text
//!  scenario ──next command──▶ driver ──kill──▶ carril ──▶ store, warehouse, lane files
//!      ▲                        │ history.jsonl                 │
//!      └──── looks at the world ┴── checks, from outside ◀──────┘
//! ```
//!
//! Whoever starts it says where the programs are; nothing of Carril is linked in.

pub(crate) mod check;
pub(crate) mod fanout;
pub(crate) mod funds;
mod history;
pub(crate) mod kill;
mod planted;
mod program;
mod rollback;
pub(crate) mod world;

use check::Violation;
use history::History;
use kill::{Chooser, Moment};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use world::{Driver, Failure};

/// Worlds after which a scenario ends, however few kills came of them.
const WORLDS_MAX: u32 = 200;

/// What is done to Carril.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A fan-out with steps that fail by chance and for good.
    Fanout,
    /// The funds example.
    Funds,
    /// Rolling back and retrying, of both.
    Rollback,
}

impl Scenario {
    /// The moments whose failpoints it must reach.
    const fn moments(self) -> &'static [Moment] {
        match self {
            Self::Fanout | Self::Funds => &[Moment::Launch, Moment::Run],
            Self::Rollback => &[Moment::Rollback],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Fanout => "fanout",
            Self::Funds => "funds",
            Self::Rollback => "rollback",
        }
    }
}

/// What a chaos run is given.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The `carril` binary, with its failpoints.
    pub(crate) carril: PathBuf,
    /// The loader of the funds example; without it funds are made by the example's own SQL.
    pub(crate) funds_load: Option<PathBuf>,
    /// The folder of the funds example.
    pub(crate) funds: PathBuf,
    /// Where the worlds are made.
    pub(crate) folder: PathBuf,
    /// What all choices come from.
    pub(crate) seed: u64,
    /// Kills, all scenarios together.
    pub(crate) kills: u32,
    /// Which scenarios.
    pub(crate) scenarios: Vec<Scenario>,
    /// Entities of a fan-out; at least 8.
    pub(crate) entities: u32,
    /// Funds of the example; at least 2.
    pub(crate) fund_count: u32,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Report {
    /// The seed.
    pub(crate) seed: u64,
    /// Kills.
    pub(crate) kills: u32,
    /// Kills at random instants among them.
    pub(crate) kills_at_instants: u32,
    /// Commands.
    pub(crate) commands: u32,
    /// Worlds.
    pub(crate) worlds: u32,
    /// How often each failpoint was reached.
    pub(crate) reached: Vec<(&'static str, u32)>,
    /// Failpoints that should have been reached and were not.
    pub(crate) unreached: Vec<&'static str>,
    /// What was wrong.
    pub(crate) violations: Vec<Violation>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Report {
    /// Whether nothing was wrong and every failpoint was reached.
    pub(crate) fn is_well(&self) -> bool {
        self.violations.is_empty() && self.unreached.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "seed {}: {} kills ({} at random instants), {} commands, {} worlds, {} s",
            self.seed,
            self.kills,
            self.kills_at_instants,
            self.commands,
            self.worlds,
            self.took.as_secs()
        )?;
        for (name, times) in &self.reached {
            writeln!(out, "  {name:<34} {times:>4}")?;
        }
        for name in &self.unreached {
            writeln!(out, "never reached: {name}")?;
        }
        for violation in &self.violations {
            writeln!(out, "wrong: {violation}")?;
        }
        write!(
            out,
            "{}",
            if self.is_well() {
                "every promise held"
            } else {
                "promises were broken"
            }
        )
    }
}

/// Runs the scenarios.
///
/// # Errors
/// When a program cannot be started or a world not be looked at.
pub(crate) fn run(settings: &Settings) -> Result<Report, Failure> {
    let began = Instant::now();
    std::fs::create_dir_all(&settings.folder)?;
    let mut driver = Driver {
        carril: settings.carril.clone(),
        folder: settings.folder.clone(),
        chooser: Chooser::new(settings.seed),
        history: History::open(&settings.folder.join("history.jsonl"))?,
        kills: 0,
        kills_at_instants: 0,
        kills_wanted: 0,
        commands: 0,
        violations: Vec::new(),
    };
    for untold in planted::untold(&mut driver, settings.entities)? {
        driver.violations.push(Violation {
            world: "planted".to_owned(),
            invariant: "planted bugs are told",
            what: untold,
        });
    }
    let mut worlds = 1;
    let mut moments: Vec<Moment> = Vec::new();
    let parts = u32::try_from(settings.scenarios.len()).unwrap_or(1).max(1);
    for (done, scenario) in (1..).zip(&settings.scenarios) {
        moments.extend(scenario.moments());
        driver.kills_wanted = settings.kills * done / parts;
        for number in 1..=WORLDS_MAX {
            if driver.is_sated() && driver.chooser.unreached(&moments).is_empty() {
                break;
            }
            // Points that are still to be reached are worth a few kills more.
            driver.kills_wanted = driver.kills_wanted.max(driver.kills + 1);
            worlds += 1;
            let name = format!("{}-{number}", scenario.name());
            match scenario {
                Scenario::Fanout => fanout::play(&mut driver, &name, settings.entities)?,
                Scenario::Funds => funds::play(&mut driver, settings, &name)?,
                Scenario::Rollback => rollback::play(&mut driver, settings, &name, number)?,
            }
            if !driver.violations.is_empty() {
                break;
            }
        }
    }
    Ok(Report {
        seed: settings.seed,
        kills: driver.kills,
        kills_at_instants: driver.kills_at_instants,
        commands: driver.commands,
        worlds,
        reached: kill::POINTS
            .iter()
            .map(|point| (point.name, driver.chooser.reached_at(point.name)))
            .collect(),
        unreached: driver.chooser.unreached(&moments),
        violations: driver.violations,
        took: began.elapsed(),
    })
}
