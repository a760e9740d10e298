//! What is done outside steps: looking, listing, carrying over, removing, rolling back.
//!
//! The asynchronous side of it. Everything runs to its end once begun; what was removed stays removed, and each of these may be
//! asked for again.

use super::lane::{LaneKey, Shape};
use super::pool::OpenFor;
use super::stop::Stop;
use super::{SqliteTarget, column, fault, inspect, probe, rollback, shared, template};
use crate::driver::Gone;
use carril_model::contract::{Inspection, TableRows, TargetError, Whose};
use carril_model::definition::{Definition, Publish, SqlText, Workspace};
use carril_model::id::{ExecutionId, ProcessId, Run};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;

/// How long rollback waits for another program's lock.
const LOCK_WAIT: Duration = Duration::from_secs(30);

impl SqliteTarget {
    pub(super) async fn look(&self) -> Result<String, TargetError> {
        let path = self.path.clone();
        self.on_reader(move || probe::probe(&path)).await
    }

    pub(super) async fn inspect_step(
        &self,
        sql: &SqlText,
        own: &[String],
        published: &[Publish],
    ) -> Result<Inspection, TargetError> {
        let (path, sql) = (self.path.clone(), sql.clone());
        let (own, published) = (own.to_vec(), published.to_vec());
        self.on_reader(move || inspect::inspect(&path, &sql, &own, &published))
            .await
    }

    pub(super) async fn inspect_shared(
        &self,
        sql: &SqlText,
        workspace: &Workspace,
        published: &[Publish],
    ) -> Result<Inspection, TargetError> {
        let (path, sql) = (self.path.clone(), sql.clone());
        let (workspace, published) = (workspace.clone(), published.to_vec());
        self.on_reader(move || inspect::inspect_by_column(&path, &sql, &workspace, &published))
            .await
    }

    /// Has the tables of a workspace looked at, without writing anything.
    pub(super) async fn look_at_tables<T: Send + 'static>(
        &self,
        workspace: &Workspace,
        look: impl FnOnce(&Connection, &Workspace) -> Result<T, TargetError> + Send + 'static,
    ) -> Result<T, TargetError> {
        let (path, workspace) = (self.path.clone(), workspace.clone());
        self.on_reader(move || {
            let connection = template::open_read_only(&path).map_err(fault::as_target)?;
            look(&connection, &workspace)
        })
        .await
    }

    pub(super) async fn newest(&self) -> Result<i64, TargetError> {
        let path = self.path.clone();
        self.on_reader(move || {
            let connection = template::open_read_only(&path).map_err(fault::as_target)?;
            probe::newest_execution(&connection)
        })
        .await
    }

    pub(super) async fn list_workspaces(
        &self,
        process: ProcessId,
    ) -> Result<Vec<ExecutionId>, TargetError> {
        let (lanes, path) = (Arc::clone(&self.lanes), self.path.clone());
        self.on_reader(move || {
            let failed = |error: &dyn std::fmt::Display| {
                unreachable(&format!("listing workspaces: {error}"))
            };
            let mut found = lanes.executions(process).map_err(|error| failed(&error))?;
            let connection = template::open_read_only(&path).map_err(fault::as_target)?;
            let noted = column::executions(&connection, process);
            found.extend(noted.map_err(|error| failed(&error))?);
            found.sort();
            found.dedup();
            Ok(found)
        })
        .await
    }

    pub(super) async fn carry(
        &self,
        definition: &Definition,
        whose: Whose,
        from: Run,
        to: Run,
        clear: &[String],
    ) -> Result<(), TargetError> {
        let Some(workspace) = self.workspace(definition) else {
            return Ok(());
        };
        if workspace.column().is_some() {
            return self.carry_rows(workspace, (whose, from), clear).await;
        }
        let (lanes, shape, clear) = (
            Arc::clone(&self.lanes),
            Shape::of(workspace, false, &[]),
            clear.to_vec(),
        );
        let nothing_to_keep = workspace.tables.iter().all(|table| {
            clear
                .iter()
                .any(|cleared| super::name::same(cleared, table))
        });
        let run = |run| LaneKey {
            process: whose.process,
            execution: whose.execution,
            run,
        };
        let (from, to) = (run(from), run(to));
        let carried = self
            .on_reader(move || {
                let carried = if nothing_to_keep {
                    lanes.renew(to, &shape).map(|()| true)
                } else {
                    lanes.copy(from, to, shape.synchronous, |connection| {
                        template::clear(connection, &clear)
                    })
                };
                carried.map_err(fault::as_target)
            })
            .await?;
        if carried {
            return Ok(());
        }
        Err(gone(whose, from.run))
    }

    /// One place for all runs: what the next one is not to find goes, the rest stays where it is.
    async fn carry_rows(
        &self,
        workspace: &Workspace,
        (whose, from): (Whose, Run),
        clear: &[String],
    ) -> Result<(), TargetError> {
        let is_cleared = |table: &String| clear.iter().any(|name| super::name::same(name, table));
        let keeps = !workspace.tables.iter().all(is_cleared);
        let (workspace, clear) = (workspace.clone(), clear.to_vec());
        self.on_shared(move |connection, stop| {
            if keeps && !column::exists(connection, whose)? {
                return Err(gone(whose, from));
            }
            column::clear(connection, &workspace, &clear, whose, stop)
        })
        .await
    }

    /// Removes an execution's rows from tables that executions share.
    pub(super) async fn remove_shared_rows(
        &self,
        workspace: &Workspace,
        whose: Whose,
    ) -> Result<(), TargetError> {
        let workspace = workspace.clone();
        self.on_shared(move |connection, stop| column::remove(connection, &workspace, whose, stop))
            .await
    }

    /// Counts what a rollback would remove; tables without such rows are left out.
    pub(super) async fn count_rows(
        &self,
        definition: &Definition,
        whose: Whose,
    ) -> Result<Vec<TableRows>, TargetError> {
        let Some(workspace) = self.workspace(definition).cloned() else {
            return Ok(Vec::new());
        };
        let (path, lanes) = (self.path.clone(), Arc::clone(&self.lanes));
        self.on_reader(move || {
            let connection = template::open_read_only(&path).map_err(fault::as_target)?;
            let mut rows = rollback::published(&connection, &workspace, whose)?;
            rows.retain(|rows| rows.deleted > 0);
            rows.extend(if workspace.column().is_some() {
                column::count(&connection, &workspace, whose)?
            } else {
                rollback::in_workspaces(&lanes, &workspace, whose)?
            });
            Ok(rows)
        })
        .await
    }

    pub(super) async fn remove_rows(
        &self,
        definition: &Definition,
        whose: Whose,
    ) -> Result<Vec<TableRows>, TargetError> {
        let rows = self.count_rows(definition, whose).await?;
        let workspace = self.workspace(definition).cloned();
        self.on_shared(move |connection, stop| {
            rollback::remove(connection, workspace.as_ref(), whose, stop)
        })
        .await?;
        self.remove_workspaces(whose).await?;
        Ok(rows)
    }

    /// Has the shared file written outside a step, on the thread through which every write to it goes.
    async fn on_shared<F>(&self, work: F) -> Result<(), TargetError>
    where
        F: FnOnce(&Connection, &Stop) -> Result<(), TargetError> + Send + 'static,
    {
        let seat = self
            .writer
            .get()
            .map_err(|error| unreachable(&format!("starting a thread: {error}")))?;
        let (path, clock) = (self.path.clone(), Arc::clone(&self.clock));
        let done = seat.call(move |session| {
            let (connection, _) = session
                .open(OpenFor::Shared, |guard| shared::open(&path, guard))
                .map_err(fault::as_target)?;
            let stop = Stop::new(Arc::clone(&clock), clock.now().after(LOCK_WAIT));
            work(connection, &stop)
        });
        done.await.map_err(|Gone| panicked())?
    }

    /// Closes the execution's connections, then removes its files.
    pub(super) async fn remove_workspaces(&self, whose: Whose) -> Result<(), TargetError> {
        self.pool
            .close(|lane| lane.execution == whose.execution)
            .await
            .map_err(|Gone| panicked())?;
        let lanes = Arc::clone(&self.lanes);
        self.on_reader(move || {
            let failed = |error: std::io::Error| {
                unreachable(&format!(
                    "removing the workspaces of execution {}: {error}",
                    whose.execution
                ))
            };
            lanes.remove(whose).map_err(failed)?;
            match lanes.files_of(whose).map_err(failed)?.first() {
                None => Ok(()),
                Some(left) => Err(unreachable(&format!(
                    "{} came back while it was removed; remove it again",
                    left.display()
                ))),
            }
        })
        .await
    }

    /// Has blocking work done that only reads the shared file, or is about files alone.
    async fn on_reader<T, F>(&self, work: F) -> Result<T, TargetError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, TargetError> + Send + 'static,
    {
        let seat = self
            .reader
            .get()
            .map_err(|error| unreachable(&format!("starting a thread: {error}")))?;
        seat.call(move |_| work())
            .await
            .map_err(|Gone| panicked())?
    }
}

fn gone(whose: Whose, run: Run) -> TargetError {
    unreachable(&format!(
        "run {run} of execution {} has no workspace any more, so nothing can be taken over from it; retry the execution from its beginning",
        whose.execution
    ))
}

fn panicked() -> TargetError {
    unreachable("the database thread panicked; please report it")
}

fn unreachable(text: &str) -> TargetError {
    TargetError::Unreachable(text.to_owned())
}
