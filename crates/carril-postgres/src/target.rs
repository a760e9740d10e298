//! A user's PostgreSQL database: what SQL steps, publishing and rollback act on.
//!
//! Each execution with a workspace has a schema of its own, first in the search path of its steps, so lanes never wait for each
//! other's tables. Every part is one transaction, whose last statement is the fence row. This module owns the connections and
//! knows which work belongs where; what the work is, is said by the modules below.
//!
//! ```text
//! run_sql, publish ──▶ [ pool, in order ] ──▶ begin · settings · statements · what changed · fence · commit
//! carry, discard, roll_back ──▶ [ pool ] ──▶ short transactions, whose locks give up soon
//! entities ──▶ a connection of its own, read-only
//! ```

mod changes;
mod column;
mod entities;
mod fault;
mod fence;
mod inspect;
mod name;
mod notices;
mod pool;
mod probe;
mod publish;
mod rollback;
mod step;
mod stop;
mod template;
mod text;
mod transaction;
mod upkeep;
mod value;
mod watch;
mod work;
mod workspace;

use crate::address::Address;
use carril_model::contract::{
    Cancellation, Clock, EntityCursor, Inspection, Pending, StepCall, StepDone, StepError,
    TableGap, TableMigration, TableRows, Target, TargetError, Whose,
};
use carril_model::definition::{Definition, Publish, SqlText, Workspace};
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::sql::Lookup;
use name::LaneKey;
use pool::Pool;
use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use watch::Watch;

/// How many connections there are by default; more lanes than this take turns.
pub const CONNECTIONS_DEFAULT: usize = 20;

/// How a target is opened.
#[derive(Clone)]
pub struct TargetOptions {
    /// Where the database is.
    pub address: Address,
    /// Connections of this engine at once; at least 1, default [`CONNECTIONS_DEFAULT`]. With fewer than lanes, steps wait in
    /// order for their turn (a URL that says `connections=` says it instead); with more than the server's `max_connections` allows, steps are refused and tried again.
    pub connections: usize,
    /// Tells deadlines, and when something was published.
    pub clock: Arc<dyn Clock>,
    /// Whether to look, over one more connection and only while steps run, which locks they wait for and who holds those; default
    /// true. Without it that time counts as running.
    pub sees_locks: bool,
}

impl TargetOptions {
    /// The defaults for a database.
    #[must_use]
    pub fn new(address: Address, clock: Arc<dyn Clock>) -> Self {
        Self {
            address,
            connections: CONNECTIONS_DEFAULT,
            clock,
            sees_locks: true,
        }
    }
}

impl fmt::Debug for TargetOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TargetOptions")
            .field("address", &self.address)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// A user's PostgreSQL database, versions 14 to 18.
pub struct PostgresTarget {
    name: String,
    clock: Arc<dyn Clock>,
    pool: Arc<Pool>,
    /// Carril's own tables are known to be there.
    own_ready: AtomicBool,
    /// What has been made ready to publish into, so that a lane's first step need not look.
    ready: tokio::sync::Mutex<HashSet<String>>,
    /// Workspaces that are known to be there, so that only a lane's first step looks.
    made: Mutex<HashSet<LaneKey>>,
    /// What relations are called that steps have written.
    names: changes::Names,
    /// Who works on which connection, and what for a lock it waits.
    watch: Arc<Watch>,
}

impl PostgresTarget {
    /// Takes the place; `name` is what pipelines call it. Nothing is connected yet.
    #[must_use]
    pub fn open(name: &str, options: TargetOptions) -> Self {
        Self {
            name: name.to_owned(),
            watch: Watch::new(name, Arc::clone(&options.clock), options.sees_locks),
            clock: options.clock,
            pool: Pool::new(options.address, options.connections),
            own_ready: AtomicBool::new(false),
            ready: tokio::sync::Mutex::default(),
            made: Mutex::default(),
            names: changes::Names::default(),
        }
    }

    /// The workspace of a definition, if it is on this target.
    fn workspace<'a>(&self, definition: &'a Definition) -> Option<&'a Workspace> {
        definition
            .workspace
            .as_ref()
            .filter(|workspace| workspace.target == self.name)
    }
}

impl Target for PostgresTarget {
    fn probe(&self) -> Pending<'_, Result<String, TargetError>> {
        Box::pin(self.look())
    }

    fn entities<'a>(
        &'a self,
        sql: &'a SqlText,
        key: &'a str,
        values: &'a (dyn Lookup + 'a),
    ) -> Pending<'a, Result<Box<dyn EntityCursor>, TargetError>> {
        Box::pin(self.entity_rows(sql, key, values))
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
        Box::pin(self.gaps(workspace))
    }

    fn column_migration<'a>(
        &'a self,
        workspace: &'a Workspace,
        back: bool,
    ) -> Pending<'a, Result<Vec<TableMigration>, TargetError>> {
        Box::pin(self.migration(workspace, back))
    }

    fn shared_writers(&self) -> Option<u32> {
        None
    }

    fn connections(&self) -> Option<u32> {
        Some(u32::try_from(self.pool.max()).unwrap_or(u32::MAX))
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
        Box::pin(self.carry(definition, whose, (from, to), clear))
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
                Some(workspace) => self.discard(workspace, whose).await,
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
