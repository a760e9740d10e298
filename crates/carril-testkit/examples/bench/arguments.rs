//! The command line that all benchmarks share. What a benchmark has no use for, it ignores.

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Measures Carril and its floor in turns.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Arguments {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// How many entities; each benchmark has its own default.
    #[arg(long)]
    entities: Option<u32>,
    /// How many no-op steps each entity goes through; each benchmark has its own default.
    #[arg(long)]
    steps: Option<u32>,
    /// How many lanes run at once.
    #[arg(long, default_value_t = 50)]
    pub(crate) lanes: u32,
    /// How often both sides are measured; each benchmark has its own default.
    #[arg(long)]
    rounds: Option<u32>,
    /// The tokio runtime under Carril.
    #[arg(long, value_enum, default_value_t = Runtime::Current)]
    pub(crate) runtime: Runtime,
    /// Where the floor's one writer runs.
    #[arg(long, value_enum, default_value_t = Writer::Inline)]
    pub(crate) floor: Writer,
    /// A folder on the disk to be measured; by default the one this program was built in.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Keep the store on a PostgreSQL server: a URL of a database of its own, whose schemas `carril` and `floor` are removed and made
    /// anew, or `own` for a server that the benchmark starts itself and that does not sync its files. For `dispatch`, `fairness`,
    /// `hot`, `limits`, `nodes` and `postgres`, of which the last two always have one.
    #[arg(long)]
    pub(crate) store: Option<String>,
    /// Where a side's target is; for the benchmark's own use.
    #[arg(long, hide = true)]
    pub(crate) target: Option<String>,
    /// Measure one side in this process and print its figures; for the benchmark's own use.
    #[arg(long, value_enum, hide = true)]
    pub(crate) side: Option<Side>,
}

/// The two programs that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The bare program.
    Floor,
    /// Carril.
    Carril,
}

/// The tokio runtime under Carril.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runtime {
    /// All tasks on one thread.
    Current,
    /// A thread per core.
    Multi,
}

/// Where the floor's one writer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Writer {
    /// On the clients' thread, which has nothing else to do while all of them wait.
    Inline,
    /// On a thread of its own.
    Thread,
}

impl Arguments {
    pub(crate) fn entities_or(&self, default: u32) -> u32 {
        self.entities.unwrap_or(default)
    }

    pub(crate) fn steps_or(&self, default: u32) -> u32 {
        self.steps.unwrap_or(default).max(1)
    }

    pub(crate) fn rounds_or(&self, default: u32) -> u32 {
        self.rounds.unwrap_or(default).max(1)
    }

    /// The folder to measure in: never the system's one for temporary files, which is often memory and no disk.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let program = std::env::current_exe().context("where this program is, is not known")?;
        let folder = program.parent().context("this program is in no folder")?;
        Ok(folder.to_owned())
    }

    /// The same, as the command line of one side's process.
    pub(crate) fn of_side(&self, side: Side, folder: PathBuf) -> Self {
        Self {
            side: Some(side),
            folder: Some(folder),
            json: false,
            ..self.clone()
        }
    }

    /// The same with other numbers.
    pub(crate) fn with(&self, entities: u32, steps: u32) -> Self {
        Self {
            entities: Some(entities),
            steps: Some(steps),
            ..self.clone()
        }
    }

    /// The same for another target and store, with so many lanes.
    pub(crate) fn on(&self, target: String, store: Option<String>, lanes: u32) -> Self {
        Self {
            target: Some(target),
            store,
            lanes,
            ..self.clone()
        }
    }

    /// As words of a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value
                .map(|value| value.get_name().to_owned())
                .unwrap_or_default()
        };
        let mut words = vec![
            format!("--lanes={}", self.lanes),
            format!("--runtime={}", name(self.runtime.to_possible_value())),
            format!("--floor={}", name(self.floor.to_possible_value())),
        ];
        words.extend(self.steps.map(|steps| format!("--steps={steps}")));
        words.extend(self.store.as_ref().map(|store| format!("--store={store}")));
        words.extend(
            self.target
                .as_ref()
                .map(|target| format!("--target={target}")),
        );
        words.extend(
            self.entities
                .map(|entities| format!("--entities={entities}")),
        );
        words.extend(
            self.folder
                .as_ref()
                .map(|folder| format!("--folder={}", folder.display())),
        );
        words.extend(
            self.side
                .map(|side| format!("--side={}", name(side.to_possible_value()))),
        );
        words
    }
}
