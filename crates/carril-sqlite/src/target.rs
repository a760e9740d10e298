//! A user's SQLite database: what SQL steps, publishing and rollback act on.
//!
//! Each execution with a workspace has a file of its own, so lanes never wait for each other; the shared file is attached to
//! it for reading only. Everything that writes the shared file goes over one thread, and the engine lets one step at a
//! time come there. This module owns threads and connections and knows which work belongs to which; what the work is, is
//! said by the modules below.
//!
//! ```text
//! run_sql ──▶ [ pool: lane seats ] ──▶ p7/e12-r1.db (main) + shared file (read-only)
//! publish, shared_writes, roll_back ──▶ [ writer seat ] ──▶ shared file (main) + lane's file (read-only)
//! probe, inspect, previews ──▶ [ reader seat ] ──▶ read-only
//! ```

mod column;
mod entities;
mod fault;
mod fence;
mod guard;
mod inspect;
mod lane;
mod name;
mod pool;
mod probe;
mod publish;
mod references;
mod rollback;
mod shared;
mod step;
mod stop;
mod template;
mod transaction;
mod upkeep;
mod value;
mod work;

use carril_model::contract::{
    Cancellation, Clock, EntityCursor, Inspection, Pending, StepCall, StepDone, StepError,
    TableGap, TableMigration, TableRows, Target, TargetError, Whose,
};
use carril_model::definition::{Definition, Publish, SqlText, Workspace};
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::sql::Lookup;
use lane::Lanes;
use pool::{LazySeat, Pool};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many lane files are kept open by default; more lanes than this take turns.
pub const CONNECTIONS_DEFAULT: usize = 64;

/// How a target is opened.
#[derive(Clone)]
pub struct TargetOptions {
    /// The shared database file. It must exist.
    pub path: PathBuf,
    /// The folder of the lanes' files; made at first use, must not be another target's.
    pub workspaces_dir: PathBuf,
    /// Lane files that are open at once, each with a thread; at least 1, default [`CONNECTIONS_DEFAULT`]. With fewer than
    /// lanes, lanes wait in order for their turn; each takes about five file descriptors.
    pub connections: usize,
    /// Tells deadlines, and when something was done.
    pub clock: Arc<dyn Clock>,
}

impl TargetOptions {
    /// The defaults for a file and a folder.
    #[must_use]
    pub fn new(
        path: impl Into<PathBuf>,
        workspaces_dir: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            path: path.into(),
            workspaces_dir: workspaces_dir.into(),
            connections: CONNECTIONS_DEFAULT,
            clock,
        }
    }
}

/// A user's SQLite database. Dropping it waits for the work that runs on its threads.
pub struct SqliteTarget {
    name: String,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    lanes: Arc<Lanes>,
    pool: Arc<Pool>,
    writer: LazySeat,
    reader: LazySeat,
    /// What has been made ready to publish into, so that a lane's first step need not look.
    ready: tokio::sync::Mutex<HashSet<String>>,
}

impl SqliteTarget {
    /// Takes the file and the folder; `name` is what pipelines call it. Nothing is written, and the file is not opened yet.
    ///
    /// # Errors
    /// [`TargetError::Unreachable`] when there is no such file.
    pub fn open(name: &str, options: TargetOptions) -> Result<Self, TargetError> {
        let path = options.path;
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => {
                return Err(TargetError::Unreachable(format!(
                    "{} is not a file; give the path of an SQLite database",
                    path.display()
                )));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(TargetError::Unreachable(format!(
                    "there is no file {}; create the database first, or give another with --target {name}=sqlite:PATH",
                    path.display()
                )));
            }
            Err(error) => {
                return Err(TargetError::Unreachable(format!(
                    "looking at {}: {error}",
                    path.display()
                )));
            }
        }
        // Lane files name the shared one; a relative path would mean another file after a change of folder.
        let path = path.canonicalize().map_err(|error| {
            TargetError::Unreachable(format!("looking at {}: {error}", path.display()))
        })?;
        Ok(Self {
            name: name.to_owned(),
            lanes: Arc::new(Lanes::new(path.clone(), options.workspaces_dir)),
            path,
            clock: options.clock,
            pool: Pool::new("carril-lane", options.connections),
            writer: LazySeat::new("carril-writer"),
            reader: LazySeat::new("carril-reader"),
            ready: tokio::sync::Mutex::default(),
        })
    }

    /// The workspace of a definition, if it is on this target.
    fn workspace<'a>(&self, definition: &'a Definition) -> Option<&'a Workspace> {
        definition
            .workspace
            .as_ref()
            .filter(|workspace| workspace.target == self.name)
    }
}

impl Target for SqliteTarget {
    fn probe(&self) -> Pending<'_, Result<String, TargetError>> {
        Box::pin(self.look())
    }

    fn entities<'a>(
        &'a self,
        sql: &'a SqlText,
        key: &'a str,
        values: &'a (dyn Lookup + 'a),
    ) -> Pending<'a, Result<Box<dyn EntityCursor>, TargetError>> {
        Box::pin(async move {
            let query = entities::EntitiesQuery::new(self.path.clone(), sql, key, values)?;
            query.start(self.endless()).await
        })
    }

    fn inspect<'a>(
        &'a self,
        sql: &'a SqlText,
        own: &'a [String],
    ) -> Pending<'a, Result<Inspection, TargetError>> {
        Box::pin(self.inspect_step(sql, own, &[]))
    }

    fn inspect_published<'a>(
        &'a self,
        sql: &'a SqlText,
        own: &'a [String],
        published: &'a [Publish],
    ) -> Pending<'a, Result<Inspection, TargetError>> {
        Box::pin(self.inspect_step(sql, own, published))
    }

    fn inspect_by_column<'a>(
        &'a self,
        sql: &'a SqlText,
        workspace: &'a Workspace,
        published: &'a [Publish],
    ) -> Pending<'a, Result<Inspection, TargetError>> {
        Box::pin(self.inspect_shared(sql, workspace, published))
    }

    fn column_gaps<'a>(
        &'a self,
        workspace: &'a Workspace,
    ) -> Pending<'a, Result<Vec<TableGap>, TargetError>> {
        Box::pin(self.look_at_tables(workspace, column::gaps))
    }

    fn column_migration<'a>(
        &'a self,
        workspace: &'a Workspace,
        back: bool,
    ) -> Pending<'a, Result<Vec<TableMigration>, TargetError>> {
        Box::pin(
            self.look_at_tables(workspace, move |connection, workspace| {
                column::migration(connection, workspace, back)
            }),
        )
    }

    fn shared_writers(&self) -> Option<u32> {
        Some(1)
    }

    fn run_sql<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(self.sql_step(call, cancel))
    }

    fn publish<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(self.publish_step(call, cancel))
    }

    fn carry_workspace<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
        from: Run,
        to: Run,
        clear: &'a [String],
    ) -> Pending<'a, Result<(), TargetError>> {
        Box::pin(self.carry(definition, whose, from, to, clear))
    }

    fn newest_execution(&self) -> Pending<'_, Result<i64, TargetError>> {
        Box::pin(self.newest())
    }

    fn workspaces(&self, process: ProcessId) -> Pending<'_, Result<Vec<ExecutionId>, TargetError>> {
        Box::pin(self.list_workspaces(process))
    }

    fn discard_workspace<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<(), TargetError>> {
        Box::pin(async move {
            match self.workspace(definition) {
                Some(workspace) if workspace.column().is_some() => {
                    self.remove_shared_rows(workspace, whose).await
                }
                Some(_) => self.remove_workspaces(whose).await,
                None => Ok(()),
            }
        })
    }

    fn preview_rollback<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<Vec<TableRows>, TargetError>> {
        Box::pin(self.count_rows(definition, whose))
    }

    fn roll_back<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<Vec<TableRows>, TargetError>> {
        Box::pin(self.remove_rows(definition, whose))
    }
}

/// Locks a mutex whose data is whole whenever nobody holds it, also after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
