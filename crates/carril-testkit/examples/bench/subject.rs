//! Carril as it is measured: the library on a new SQLite store, with a pipeline of Rust functions that ask for nothing and do nothing.

use super::arguments::Runtime;
use anyhow::{Context as _, Result};
use carril::model::contract::EntityRow;
use carril::model::definition::Overlap;
use carril::model::id::ProcessId;
use carril::{
    Carril, Input, Launch, OpenOptions, Pipeline, PipelineDefinition, Stage, Step, StepFailure,
};
use serde::de::IgnoredAny;
use serde_json::Map;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An open store with the pipeline that is to run on it.
pub(crate) struct Subject {
    carril: Carril,
    pipeline: PipelineDefinition,
}

/// Starts the runtime under Carril.
pub(crate) fn runtime(kind: Runtime) -> Result<tokio::runtime::Runtime> {
    let mut builder = match kind {
        Runtime::Current => tokio::runtime::Builder::new_current_thread(),
        Runtime::Multi => tokio::runtime::Builder::new_multi_thread(),
    };
    builder
        .enable_all()
        .build()
        .context("the runtime does not start")
}

impl Subject {
    /// Opens a new store in `folder`. Each of the pipeline's steps calls `step`, which does next to nothing.
    pub(crate) async fn open<F>(folder: &Path, steps: u32, lanes: u32, step: F) -> Result<Self>
    where
        F: Fn() + Send + Sync + 'static,
    {
        let pipeline = pipeline(steps, lanes, &Arc::new(step))?;
        let options = OpenOptions::new("store.db")
            .folder(folder)
            .pipeline(&pipeline);
        Ok(Self {
            carril: carril::open(options).await?,
            pipeline,
        })
    }

    /// Launches so many entities; returns when the launch is durable.
    pub(crate) async fn launch(&self, entities: u32) -> Result<ProcessId> {
        let row = |number| EntityRow {
            key: format!("entity-{number:05}"),
            attributes: Map::new(),
        };
        let launch = Launch::new().entities((0..entities).map(row).collect());
        Ok(self.carril.launch(&self.pipeline, launch).await?.process())
    }

    /// Waits until everything of a process has succeeded.
    pub(crate) async fn wait(&self, process: ProcessId, entities: u32) -> Result<()> {
        let row = self.carril.engine().wait(process).await?;
        anyhow::ensure!(
            row.tally.succeeded == u64::from(entities),
            "not all succeeded: {:?}",
            row.tally
        );
        Ok(())
    }

    /// Stops the engine and closes the store.
    pub(crate) async fn close(self) -> Result<()> {
        Ok(self.carril.shutdown(Duration::ZERO).await?)
    }
}

fn pipeline<F>(steps: u32, lanes: u32, step: &Arc<F>) -> Result<PipelineDefinition>
where
    F: Fn() + Send + Sync + 'static,
{
    let mut stage = Stage::new("work");
    for number in 0..steps {
        let step = Arc::clone(step);
        // It asks for none of its values, so that none are made for it.
        let function = move |_: Input<IgnoredAny>| {
            step();
            std::future::ready(Ok::<(), StepFailure>(()))
        };
        stage = stage.step(Step::function(format!("step-{number}"), function));
    }
    let pipeline = Pipeline::new("bench")
        .entities_given()
        .lanes(lanes)
        .overlap(Overlap::Allow)
        .stage(stage);
    Ok(pipeline.build()?)
}
