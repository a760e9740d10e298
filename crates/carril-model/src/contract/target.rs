//! A database that steps act on: entities, workspaces, SQL steps, publishing, rollback.

use super::{Cancellation, Pending, StepCall, StepDone, StepError, TableRows};
use crate::definition::{Definition, Publish, SqlText, Workspace};
use crate::id::{ExecutionId, ProcessId, Run};
use crate::sql::Lookup;
use serde_json::{Map, Value};

/// An entity as its query gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityRow {
    /// The key as text; never empty.
    pub key: String,
    /// Every column, the key's too, by name.
    pub attributes: Map<String, Value>,
}

/// Why a target could not do something outside a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetError {
    /// It cannot be reached, opened or written; the text says what was tried. Exit code 10.
    Unreachable(String),
    /// The SQL is wrong; `offset` is the byte in the text given, where the target tells it.
    Sql {
        /// The target's own words.
        message: String,
        /// The byte in the SQL text.
        offset: Option<usize>,
    },
    /// A row of the entities query is not an entity: a null or repeated key, an attribute that is no plain value.
    Entity(String),
    /// Nobody may wait any longer, or the caller was asked to stop.
    Busy(String),
}

impl std::fmt::Display for TargetError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(text) | Self::Entity(text) | Self::Busy(text) => out.write_str(text),
            Self::Sql { message, .. } => out.write_str(message),
        }
    }
}

impl std::error::Error for TargetError {}

/// Gives entities chunk by chunk, from one snapshot.
pub trait EntityCursor: Send {
    /// The next at most `max` entities; an empty answer is the end.
    ///
    /// # Errors
    /// As [`TargetError`]; after one the cursor gives nothing more.
    fn next(&mut self, max: usize) -> Pending<'_, Result<Vec<EntityRow>, TargetError>>;
}

/// What a statement does to a table, as far as the target can tell without running it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The table, without its schema where it is the workspace's or the default one.
    pub table: String,
    /// Whether rows may be inserted, updated or deleted, or the table itself changed.
    pub writes: bool,
    /// Whether it is one of the execution's own tables.
    pub own: bool,
    /// The trigger or view through which it happens, if any.
    pub through: Option<String>,
    /// Byte offset in the SQL of the statement that does it.
    pub offset: usize,
}

/// What looking at an SQL step told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Every table that its statements read or write.
    pub accesses: Vec<Access>,
    /// Statements that the target cannot see into (dynamic SQL, procedures): offset and why. Reported, never passed as clean.
    pub not_seen: Vec<(usize, String)>,
    /// Columns of the last statement if it returns rows.
    pub columns: Vec<String>,
}

/// What a table lacks that executions are to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableGap {
    /// The table, as the pipeline names it.
    pub table: String,
    /// What it lacks.
    pub lack: TableLack,
    /// The statements that mend it, in order; empty where no statement can.
    pub statements: Vec<String>,
}

/// What a table can lack that executions are to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableLack {
    /// The column that tells executions apart.
    Column,
    /// An index or key that begins with the column.
    Index,
    /// The column, in this unique key: rows of two executions would be in each other's way.
    InKey(Vec<String>),
    /// Row numbers of each execution's own: this column numbers the rows of all, so SQL must leave it to the target.
    Numbers(String),
}

/// How one table gets the column that tells executions apart, or loses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMigration {
    /// The table, as the pipeline names it.
    pub table: String,
    /// The statements, in order, without semicolons; none where nothing is to be done.
    pub statements: Vec<String>,
    /// What no statement can do, for people.
    pub note: Option<String>,
}

/// The connections of a target on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// How many there are at most; a step holds one.
    pub most: u32,
    /// Steps that wait for one.
    pub waiting: u32,
}

/// Where one execution's rows were, or are, on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whose {
    /// The process.
    pub process: ProcessId,
    /// The execution.
    pub execution: ExecutionId,
}

/// A database that steps act on. One per target and engine; it owns its connections and bounds them.
pub trait Target: Send + Sync {
    /// Opens it far enough to know that it is there, what it is and that it can be used; text for people.
    ///
    /// # Errors
    /// [`TargetError::Unreachable`].
    fn probe(&self) -> Pending<'_, Result<String, TargetError>>;

    /// Runs the entities query.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn entities<'a>(
        &'a self,
        sql: &'a SqlText,
        key: &'a str,
        values: &'a (dyn Lookup + 'a),
    ) -> Pending<'a, Result<Box<dyn EntityCursor>, TargetError>>;

    /// Looks at what a step's SQL would do, without doing it. `own` lists the tables that each execution has to itself.
    ///
    /// # Errors
    /// As [`TargetError`]; `Sql` for statements that do not prepare.
    fn inspect<'a>(
        &'a self,
        sql: &'a SqlText,
        own: &'a [String],
    ) -> Pending<'a, Result<Inspection, TargetError>>;

    /// As [`Target::inspect`], with the tables and views of `published` taken for there: the first lane makes them, so a later
    /// stage may read them although the target does not have them yet. A target that nothing is published into needs no more
    /// than [`Target::inspect`].
    ///
    /// # Errors
    /// As [`Target::inspect`]; also `Sql`, without an offset, when a table or view of such a name is somebody else's.
    fn inspect_published<'a>(
        &'a self,
        sql: &'a SqlText,
        own: &'a [String],
        published: &'a [Publish],
    ) -> Pending<'a, Result<Inspection, TargetError>> {
        let _ = published;
        self.inspect(sql, own)
    }

    /// As [`Target::inspect_published`], for a pipeline whose executions share the workspace's tables and are told apart by a
    /// column of them: what a statement does to its own rows there counts as done to the execution's own table.
    ///
    /// # Errors
    /// As [`Target::inspect`]; a target that cannot do this refuses it.
    fn inspect_by_column<'a>(
        &'a self,
        sql: &'a SqlText,
        workspace: &'a Workspace,
        published: &'a [Publish],
    ) -> Pending<'a, Result<Inspection, TargetError>> {
        let _ = (sql, workspace, published);
        Box::pin(std::future::ready(Err(not_by_column())))
    }

    /// What the workspace's tables lack for being shared by executions, table by table; tables that are not there are left out.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn column_gaps<'a>(
        &'a self,
        workspace: &'a Workspace,
    ) -> Pending<'a, Result<Vec<TableGap>, TargetError>> {
        let _ = workspace;
        Box::pin(std::future::ready(Err(not_by_column())))
    }

    /// The statements that give the workspace's tables the column by which executions are told apart, with an index; with
    /// `back` those that take both away. Nothing is run. Tables for which nothing is to be done are among them, too.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn column_migration<'a>(
        &'a self,
        workspace: &'a Workspace,
        back: bool,
    ) -> Pending<'a, Result<Vec<TableMigration>, TargetError>> {
        let _ = (workspace, back);
        Box::pin(std::future::ready(Err(not_by_column())))
    }

    /// How many steps may write its shared part at once: 1 for SQLite, where the engine then queues them in order.
    fn shared_writers(&self) -> Option<u32>;

    /// How many steps it takes at once and how many wait for that now; `None`, the default, for a database that works in this process, whose
    /// pace this machine sets.
    fn connections(&self) -> Option<Connections> {
        None
    }

    /// Does one attempt of an SQL step, its checkpoint and its effect in one transaction (P5).
    ///
    /// With a workspace on this target (and no `shared_writes`) it runs in the execution's own place, which is made first if need be.
    fn run_sql<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>>;

    /// Does one attempt of publishing: replaces what this execution published, in one transaction with its fence row.
    fn publish<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>>;

    /// Gives run `to` the workspace that run `from` left, without the rows of `clear` (a retry from a step). Run `to` has not
    /// begun: what may lie in its place was prepared by a retry that came to nothing, and goes. With every table in `clear`
    /// it gets a new one. Where executions share their tables there is one place for all runs, and the rows of `clear` go.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn carry_workspace<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
        from: Run,
        to: Run,
        clear: &'a [String],
    ) -> Pending<'a, Result<(), TargetError>>;

    /// The highest execution id that anything here bears, 0 where nothing does: fence rows, publications. A store that is newer than
    /// its target (a deleted `carril.db`, a restored copy) must give out higher ones.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn newest_execution(&self) -> Pending<'_, Result<i64, TargetError>>;

    /// Executions of a process that have a workspace here, in whatever run. For the sweep that leaves none behind.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn workspaces(&self, process: ProcessId) -> Pending<'_, Result<Vec<ExecutionId>, TargetError>>;

    /// Removes an execution's workspaces of all runs; absent ones are no error.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn discard_workspace<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<(), TargetError>>;

    /// Counts what [`Target::roll_back`] would remove, per table.
    ///
    /// # Errors
    /// As [`TargetError`].
    fn preview_rollback<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<Vec<TableRows>, TargetError>>;

    /// Removes all that an execution published and its workspaces, then counts that nothing is left; may run twice.
    ///
    /// The caller has raised the execution's token first, so that whoever still works for it is refused.
    ///
    /// # Errors
    /// As [`TargetError`]; what was removed before stays removed, and a second call goes on.
    fn roll_back<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<Vec<TableRows>, TargetError>>;
}

fn not_by_column() -> TargetError {
    TargetError::Unreachable(
        "this target cannot keep executions apart by a column; give each its own tables, with `isolation = \"own\"`"
            .to_owned(),
    )
}
