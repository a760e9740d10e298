//! A folder with a store and a warehouse, and what most tests do with them.

use carril::model::contract::{ExecutionFilter, ExecutionRow, ProcessRow};
use carril::model::id::ProcessId;
use carril::{Carril, Launch, OpenOptions, Outcome, PipelineDefinition};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for something that must happen; a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct House {
    folder: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder for the test"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A warehouse with these statements run in it.
    pub(crate) fn with_warehouse(sql: &str) -> Self {
        let house = Self::new();
        house
            .warehouse()
            .execute_batch(sql)
            .expect("the warehouse is made");
        house
    }

    pub(crate) fn warehouse(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("warehouse.db")).expect("the warehouse opens")
    }

    /// One text from the warehouse.
    pub(crate) fn text(&self, sql: &str) -> String {
        let value: rusqlite::types::Value = self
            .warehouse()
            .query_row(sql, [], |row| row.get(0))
            .expect("the query gives a row");
        match value {
            rusqlite::types::Value::Null => "null".to_owned(),
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Real(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Blob(_) => "blob".to_owned(),
        }
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions::new("carril.db")
            .folder(self.path())
            .node("test", "a test")
            .target("warehouse", "sqlite:warehouse.db")
    }

    pub(crate) async fn open(&self, pipelines: &[&PipelineDefinition]) -> Carril {
        let options = pipelines.iter().fold(self.options(), |options, pipeline| {
            options.pipeline(pipeline)
        });
        carril::open(options).await.expect("the store opens")
    }

    /// Writes a pipeline's folder and loads it.
    pub(crate) fn pipeline(&self, files: &[(&str, &str)]) -> PipelineDefinition {
        let folder = self.path().join("pipeline");
        for (path, text) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("it is in the folder"))
                .expect("the folder is made");
            std::fs::write(path, text).expect("the file is written");
        }
        PipelineDefinition::from_loaded(carril::pipeline::load_dir(&folder))
            .expect("the pipeline is right")
    }
}

pub(crate) async fn run(carril: &Carril, pipeline: &PipelineDefinition, launch: Launch) -> Outcome {
    let running = carril.run(pipeline, launch);
    tokio::time::timeout(PATIENCE, running)
        .await
        .expect("it ends in time")
        .expect("it is launched")
}

/// The process once it has settled.
pub(crate) async fn settled(carril: &Carril, process: ProcessId) -> ProcessRow {
    let waiting = carril.engine().wait(process);
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it ends in time")
        .expect("it ends")
}

pub(crate) async fn executions(carril: &Carril, process: ProcessId) -> Vec<ExecutionRow> {
    let filter = ExecutionFilter {
        max: 1_000,
        ..ExecutionFilter::default()
    };
    carril
        .history()
        .executions(process, &filter)
        .await
        .expect("the history is read")
}

/// `F1 succeeded, F2 failed`, in order of id; the process's own execution is called so.
pub(crate) async fn states(carril: &Carril, process: ProcessId) -> String {
    let rows = executions(carril, process).await;
    let words: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.entity.as_deref().unwrap_or("own"), row.state))
        .collect();
    words.join(", ")
}

pub(crate) async fn end(carril: &Carril) {
    carril
        .shutdown(Duration::from_secs(10))
        .await
        .expect("the engine ends");
}
