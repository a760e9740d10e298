//! A warehouse file, a pipeline over it, and attempts of its steps as the engine would make them.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose house cannot be built has failed"
)]

use carril_model::contract::{Clock, StepCall, StepDone, StepError, Target};
use carril_model::definition::Action;
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use carril_sqlite::target::{SqliteTarget, TargetOptions};
pub(crate) use carril_testkit::target::{PROCESS, Pipeline, Switch, Try, table_rows, text, whose};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// What the clock says first, in microseconds.
const BEGINNING: i64 = 1_750_000_000_000_000;

/// Every look at it is a millisecond later, so that whatever waits for a time comes to it without sleeping.
pub(crate) struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(BEGINNING + self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) target: Arc<SqliteTarget>,
    pub(crate) clock: Arc<Ticking>,
}

impl House {
    /// A warehouse made by these statements.
    pub(crate) fn new(schema: &str) -> Self {
        Self::with(schema, |_| {})
    }

    pub(crate) fn with(schema: &str, change: impl FnOnce(&mut TargetOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ware house?.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch(schema)
            .unwrap();
        let clock = Arc::new(Ticking(AtomicI64::new(0)));
        let mut options = TargetOptions::new(
            &path,
            folder.path().join("work spaces"),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        change(&mut options);
        let target = Arc::new(SqliteTarget::open("warehouse", options).unwrap());
        Self {
            folder,
            target,
            clock,
        }
    }

    /// The same files, opened by another engine.
    pub(crate) fn reopened(self) -> Self {
        drop(self.target);
        let target = opened(&self.folder, &self.clock);
        Self { target, ..self }
    }

    /// The same files, opened by one more engine.
    pub(crate) fn another_target(&self) -> Arc<SqliteTarget> {
        opened(&self.folder, &self.clock)
    }

    /// A time-out that is over in some forty looks at the clock.
    pub(crate) fn soon(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.clock.now().0 - BEGINNING).unwrap())
            + Duration::from_millis(40)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ware house?.db")
    }

    pub(crate) fn lane_file(&self, execution: i64, run: u32) -> PathBuf {
        self.folder
            .path()
            .join(format!("work spaces/p7/e{execution}-r{run}.db"))
    }

    /// A connection of another program.
    pub(crate) fn shared(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Rows of a query on the shared file, each as a list of JSON values.
    pub(crate) fn rows(&self, sql: &str) -> Vec<Value> {
        rows(&self.shared(), sql)
    }

    /// Rows of a query on a lane's file.
    pub(crate) fn lane_rows(&self, execution: i64, run: u32, sql: &str) -> Vec<Value> {
        rows(
            &Connection::open(self.lane_file(execution, run)).unwrap(),
            sql,
        )
    }

    /// Runs a step of a plan as the engine would at the first try.
    pub(crate) async fn run(
        &self,
        plan: &Arc<Plan>,
        step: &str,
        execution: i64,
    ) -> Result<StepDone, StepError> {
        self.attempt(&first_try(plan, step, execution).call(), &Switch::new())
            .await
    }

    pub(crate) async fn attempt(
        &self,
        call: &StepCall,
        cancel: &Switch,
    ) -> Result<StepDone, StepError> {
        match call.plan.step(call.step).action {
            Action::Publish { .. } => self.target.publish(call, cancel).await,
            _ => self.target.run_sql(call, cancel).await,
        }
    }
}

fn opened(folder: &TempDir, clock: &Arc<Ticking>) -> Arc<SqliteTarget> {
    let options = TargetOptions::new(
        folder.path().join("ware house?.db"),
        folder.path().join("work spaces"),
        Arc::clone(clock) as Arc<dyn Clock>,
    );
    Arc::new(SqliteTarget::open("warehouse", options).unwrap())
}

fn rows(connection: &Connection, sql: &str) -> Vec<Value> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        (0..columns)
            .map(|index| {
                Ok(match row.get::<_, rusqlite::types::Value>(index)? {
                    rusqlite::types::Value::Null => Value::Null,
                    rusqlite::types::Value::Integer(whole) => json!(whole),
                    rusqlite::types::Value::Real(real) => json!(real),
                    rusqlite::types::Value::Text(text) => json!(text),
                    rusqlite::types::Value::Blob(blob) => json!(blob),
                })
            })
            .collect::<rusqlite::Result<Vec<Value>>>()
    };
    statement
        .query_map([], row)
        .unwrap()
        .map(|row| Value::Array(row.unwrap()))
        .collect()
}

/// The first attempt of a step, whose time runs from the clock's beginning.
pub(crate) fn first_try(plan: &Arc<Plan>, step: &str, execution: i64) -> Try {
    Try::first(plan, step, execution, || Timestamp(BEGINNING))
}

/// Names of the files in a folder, sorted; none if there is no such folder.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
