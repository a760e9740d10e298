//! Carril as it is measured: the library on a new store, with a pipeline of Rust functions that ask for nothing and do nothing.
//!
//! The store is a new SQLite file, or a server's schema `carril`, made anew, where `--store` names one.

use super::arguments::{Arguments, Runtime};
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
use tokio_postgres::{Client, NoTls};

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
    /// Opens a new store, in `folder` if it is a file. Each of the pipeline's steps calls `step`, which does next to nothing.
    pub(crate) async fn open<F>(
        arguments: &Arguments,
        folder: &Path,
        (steps, lanes): (u32, u32),
        step: F,
    ) -> Result<Self>
    where
        F: Fn() + Send + Sync + 'static,
    {
        let pipeline = pipeline(steps, lanes, &Arc::new(step))?;
        Self::with(arguments, folder, pipeline).await
    }

    /// The same with a pipeline of the benchmark's own, whose entities are given.
    pub(crate) async fn with(
        arguments: &Arguments,
        folder: &Path,
        pipeline: PipelineDefinition,
    ) -> Result<Self> {
        if let Some(url) = &arguments.store {
            let client = connect(url).await?;
            let anew = "DROP SCHEMA IF EXISTS carril CASCADE; CHECKPOINT";
            client.batch_execute(anew).await?;
        }
        Self::beside(arguments, folder, pipeline).await
    }

    /// The same on a store that is left as it is: one more engine where others may be.
    pub(crate) async fn beside(
        arguments: &Arguments,
        folder: &Path,
        pipeline: PipelineDefinition,
    ) -> Result<Self> {
        let store = arguments.store.as_deref().unwrap_or("store.db");
        let options = OpenOptions::new(store).folder(folder).pipeline(&pipeline);
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

/// How many steps the store says have succeeded at their first try.
pub(crate) fn step_rows(arguments: &Arguments, folder: &Path) -> Result<i64> {
    let Some(url) = &arguments.store else {
        let connection = Connection::open(folder.join("store.db"))?;
        let count = "SELECT count(*) FROM step WHERE state = 2 AND attempt = 1";
        return Ok(connection.query_row(count, [], |row| row.get(0))?);
    };
    runtime(arguments.runtime)?.block_on(step_rows_in(url, "carril"))
}

/// The same of a schema of a server's.
pub(crate) async fn step_rows_in(url: &str, schema: &str) -> Result<i64> {
    let count = format!("SELECT count(*) FROM {schema}.step WHERE state = 2 AND attempt = 1");
    let client = connect(url).await?;
    Ok(client.query_one(&count, &[]).await?.get(0))
}

/// A connection of the benchmark's own.
pub(crate) async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A pipeline with so many steps, each of which calls `step`.
pub(crate) fn pipeline<F>(steps: u32, lanes: u32, step: &Arc<F>) -> Result<PipelineDefinition>
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
