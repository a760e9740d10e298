//! Carril as it is measured: the library on a new SQLite store, with a pipeline of Rust functions that ask for nothing and do nothing.

use super::arguments::Runtime;
use anyhow::{Context as _, Result};
use carril::model::contract::EntityRow;
use carril::model::definition::Overlap;
use carril::model::id::ProcessId;
use carril::{
    Carril, Input, Launch, OpenOptions, Pipeline, PipelineDefinition, Stage, Step, StepFailure,
};
use rusqlite::Connection;
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
        Self::with(folder, pipeline(steps, lanes, &Arc::new(step))?).await
    }

    /// The same on another store, which is named by its URL.
    pub(crate) async fn open_at(
        store: &str,
        folder: &Path,
        steps: u32,
        lanes: u32,
    ) -> Result<Self> {
        let pipeline = pipeline(steps, lanes, &Arc::new(|| {}))?;
        let options = OpenOptions::new(store).folder(folder).pipeline(&pipeline);
        Ok(Self {
            carril: carril::open(options).await?,
            pipeline,
        })
    }

    /// The same with a pipeline of the benchmark's own, whose entities are given.
    pub(crate) async fn with(folder: &Path, pipeline: PipelineDefinition) -> Result<Self> {
        let options = OpenOptions::new("store.db")
            .folder(folder)
            .pipeline(&pipeline);
        Ok(Self {
            carril: carril::open(options).await?,
            pipeline,
        })
    }

    /// The same with the entities that a query on a database beside the store gives, so that nobody has all of them at once.
    pub(crate) async fn open_with_query(
        folder: &Path,
        entities: u32,
        steps: u32,
        lanes: u32,
    ) -> Result<Self> {
        warehouse(folder, entities)?;
        let query = "select 'entity-' || substr('000000' || id, -7) as key from entity order by id";
        let pipeline = with_stage(
            Pipeline::new("bench").entities_query("warehouse", "key", query),
            steps,
            lanes,
            &Arc::new(|| {}),
        )?;
        let options = OpenOptions::new("store.db")
            .folder(folder)
            .target("warehouse", "sqlite:warehouse.db")
            .pipeline(&pipeline);
        Ok(Self {
            carril: carril::open(options).await?,
            pipeline,
        })
    }

    /// Launches what the query gives; returns when the launch is durable.
    pub(crate) async fn launch_query(&self) -> Result<ProcessId> {
        Ok(self
            .carril
            .launch(&self.pipeline, Launch::new())
            .await?
            .process())
    }

    /// Launches so many entities; returns when the launch is durable.
    pub(crate) async fn launch(&self, entities: u32) -> Result<ProcessId> {
        let row = |number| EntityRow {
            key: format!("entity-{number:05}"),
            attributes: Map::new(),
        };
        self.launch_rows((0..entities).map(row).collect()).await
    }

    /// Launches these entities; returns when the launch is durable.
    pub(crate) async fn launch_rows(&self, rows: Vec<EntityRow>) -> Result<ProcessId> {
        let launch = Launch::new().entities(rows);
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
    with_stage(Pipeline::new("bench").entities_given(), steps, lanes, step)
}

fn with_stage<F>(
    pipeline: Pipeline,
    steps: u32,
    lanes: u32,
    step: &Arc<F>,
) -> Result<PipelineDefinition>
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
    let pipeline = pipeline.lanes(lanes).overlap(Overlap::Allow).stage(stage);
    Ok(pipeline.build()?)
}

/// A database with so many numbers.
fn warehouse(folder: &Path, entities: u32) -> Result<()> {
    let connection = Connection::open(folder.join("warehouse.db"))?;
    connection.execute_batch("CREATE TABLE entity (id INTEGER PRIMARY KEY)")?;
    let fill = "WITH RECURSIVE n (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM n WHERE id + 1 < ?1) INSERT INTO entity SELECT id FROM n";
    connection.execute(fill, [entities])?;
    Ok(())
}
