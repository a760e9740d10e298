//! The same work in Carril: the same SQL files as a pipeline, a process for each round, all tenants in lanes at once.

use super::Round;
use super::arguments::{Arguments, Isolation};
use super::place::Place;
use anyhow::{Context as _, Result};
use carril::model::figures::{FailedAttempts, Figures};

use carril::{Carril, Launch, OpenOptions, PipelineDefinition};
use carril_testkit::contention;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An engine with the pipeline.
pub(crate) struct Lanes {
    carril: Carril,
    pipeline: PipelineDefinition,
    tenants: u32,
    _folder: TempDir,
}

impl Lanes {
    /// Opens a store and loads the pipeline from files, as people do.
    pub(crate) async fn open(arguments: &Arguments, place: &Place) -> Result<Self> {
        let program = std::env::current_exe().context("where this program is, is not known")?;
        let parent = program.parent().context("this program is in no folder")?;
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(parent)?;
        let files = folder.path().join("pipeline");
        contention::write(&files, arguments.size(), 0)?;
        if arguments.isolation == Isolation::Column {
            let shared = "isolation = \"column\"\ncolumn = \"batch\"";
            let pipeline = contention::PIPELINE.replace("isolation = \"own\"", shared);
            fs::write(files.join("pipeline.toml"), pipeline)?;
        }
        let pipeline = PipelineDefinition::from_loaded(carril::pipeline::load_dir(&files))?;
        let store = arguments.store.as_deref().unwrap_or("store.db");
        let options = OpenOptions::new(store)
            .folder(folder.path())
            .target("warehouse", place.url())
            .pipeline(&pipeline);
        Ok(Self {
            carril: carril::open(options).await?,
            pipeline,
            tenants: arguments.size().tenants,
            _folder: folder,
        })
    }

    /// Lets all tenants pass once; the time is from the launch to the settled process, its workspaces removed.
    pub(crate) async fn round(&self, round: u32) -> Result<Round> {
        let clock = Instant::now();
        let launch = Launch::new().set("round", round).lanes(self.tenants);
        let ended = self.carril.run(&self.pipeline, launch).await?.process;
        let wall = clock.elapsed();
        let failed = self.carril.history().failed_attempts(ended.id).await?;
        let deadlocks = Figures::of(&failed).deadlocks;
        let attempts: u64 = failed.iter().map(|group| group.attempts).sum();
        let unsuccessful = ended.tally.total - ended.tally.succeeded;
        let cause = |group: &FailedAttempts| {
            let code = group.native.clone().unwrap_or_else(|| group.code.clone());
            (code, group.attempts)
        };
        Ok(Round {
            wall,
            // Whoever did not succeed is an error, and its rows are looked at like everybody's.
            failed: BTreeSet::new(),
            deadlocks,
            errors: (attempts - deadlocks).max(unsuccessful),
            causes: failed.iter().map(cause).collect(),
        })
    }

    pub(crate) async fn close(self) -> Result<()> {
        Ok(self.carril.shutdown(Duration::ZERO).await?)
    }
}
