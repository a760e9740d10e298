//! The command line of the contention benchmark.

use carril_testkit::contention::{self, Size};
use clap::{Parser, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;

/// Measures tenants that write into shared tables at once: in the old design, one after the other, and in Carril.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Arguments {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
    /// Runs in all, each one tenant's passage; rounds follow from them.
    #[arg(long, default_value_t = 1_000)]
    runs: u32,
    /// Tenants at once.
    #[arg(long, default_value_t = 50)]
    tenants: u32,
    /// How often all tenants pass, instead of `--runs`; with `--check`, the round whose rows are looked for.
    #[arg(long)]
    rounds: Option<u32>,
    /// Connections of the old design; Carril has 20.
    #[arg(long, default_value_t = 20)]
    pub(crate) connections: u32,
    /// Holdings that a portfolio offers; a tenant has about three quarters of them.
    #[arg(long, default_value_t = 120)]
    instruments: u32,
    /// Most lots of a holding; half of it is the mean.
    #[arg(long, default_value_t = 20)]
    lots: u32,
    /// A database of its own on a PostgreSQL server, instead of a server that is started for the benchmark. Its schemas
    /// `contention_…`, `carril_target` and `carril_p…` are removed and made anew.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Where Carril's store is; by default a new SQLite file in the build folder.
    #[arg(long)]
    pub(crate) store: Option<String>,
    /// How Carril keeps the work tables of its lanes apart.
    #[arg(long, value_enum, default_value_t = Isolation::Own)]
    pub(crate) isolation: Isolation,
    /// Write the result as a picture to this file, too.
    #[arg(long)]
    pub(crate) svg: Option<PathBuf>,
    /// Measure nothing; write tables, input, SQL and expected rows to this folder, for other tools.
    #[arg(long, value_name = "DIR")]
    pub(crate) write_input: Option<PathBuf>,
    /// Measure nothing; compare the final tables at `--target` with what they must say after the last round.
    #[arg(long)]
    pub(crate) check: bool,
}

/// How Carril keeps the work tables of its lanes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Isolation {
    /// Each execution has tables of its own.
    Own,
    /// All executions share them, and the column `batch` tells whose a row is.
    Column,
}

impl Arguments {
    pub(crate) const fn size(&self) -> Size {
        Size {
            tenants: self.tenants,
            instruments: self.instruments,
            lots: self.lots,
        }
    }

    pub(crate) fn rounds(&self) -> u32 {
        let of_runs = self.runs.div_ceil(self.tenants.max(1));
        self.rounds.unwrap_or(of_runs).max(1)
    }

    /// Final rows of one tenant, mean of the first round.
    pub(crate) fn rows_per_run(&self) -> f64 {
        let rows = contention::expected(self.size(), 1).lines().count();
        let rows = u32::try_from(rows).map_or(f64::INFINITY, f64::from);
        rows / f64::from(self.tenants.max(1))
    }

    /// What kind of store Carril has.
    pub(crate) const fn store_shown(&self) -> &'static str {
        if self.store.is_some() {
            "named"
        } else {
            "sqlite"
        }
    }
}
