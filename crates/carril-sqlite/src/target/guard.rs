//! What stands between user SQL and a connection: which statements may run, what they touch, what they changed.
//!
//! One [`Guard`] per connection, told by SQLite's hooks. The authorizer is asked while a statement is prepared: it refuses what
//! would end the step's transaction or reach around it, and notes tables. The update hook counts rows. The progress
//! handler stops statements. All three do nothing while Carril's own SQL runs.

use super::column::KEEPER;
use super::lock;
use super::name::{SHARED, is_engine_table, is_system_table, same};
use super::stop::Stop;
use carril_model::contract::TableRows;
use rusqlite::Connection;
use rusqlite::hooks::{Action, AuthAction, AuthContext, Authorization};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// How many virtual machine instructions run between two looks at the stop switch: some tens of microseconds.
const STOP_CHECK_INSTRUCTIONS: i32 = 2_000;

/// What SQL is told that would begin or end a transaction.
const ONE_TRANSACTION: &str = "a step is one transaction that Carril begins and ends; its SQL may \
                               not begin, end or nest one";

/// The state that the hooks of one connection share with whoever runs SQL on it.
#[derive(Default)]
pub(crate) struct Guard {
    user: AtomicBool,
    /// The connection's main file is the one that all lanes share.
    on_shared: AtomicBool,
    notes: Mutex<Notes>,
    stop: Mutex<Option<Arc<Stop>>>,
    /// Set while an execution's step works in tables that executions share.
    narrow: Mutex<Option<Narrow>>,
}

/// What a step may do where executions share tables.
pub(crate) struct Narrow {
    /// The shared tables of which the step has its own rows.
    pub(crate) own: Vec<String>,
    /// Other tables that it may write; `None` for any.
    pub(crate) shared_writes: Option<Vec<String>>,
    /// Views and triggers of the database that would show rows of all executions.
    pub(crate) bad: Vec<String>,
}

/// What the hooks have seen since the notes were last taken.
#[derive(Default)]
struct Notes {
    touched: Vec<Touched>,
    counts: Vec<TableRows>,
    /// The position in `counts` that was hit last; rows come in long runs for one table.
    last: usize,
    refused: Option<String>,
    temporary: bool,
}

/// One table that a statement reads or writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    /// `main`, `temp` or the name of an attached file; empty where SQLite does not tell (a table of which only rows are counted).
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) does: Does,
    /// The innermost trigger or view by which it happens.
    pub(crate) through: Option<String>,
}

/// What is done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Read,
    Insert,
    Update,
    Delete,
    /// The table itself, an index or a trigger of it.
    Change,
}

impl Guard {
    /// Sets the hooks of a new connection.
    pub(crate) fn watch(
        self: &Arc<Self>,
        connection: &mut Connection,
        on_shared: bool,
    ) -> rusqlite::Result<()> {
        self.on_shared.store(on_shared, Ordering::Relaxed);
        self.user.store(false, Ordering::Relaxed);
        *lock(&self.notes) = Notes::default();
        let guard = Arc::clone(self);
        connection.authorizer(Some(move |context: AuthContext<'_>| guard.judge(&context)))?;
        let guard = Arc::clone(self);
        connection.update_hook(Some(move |action, schema: &str, table: &str, _| {
            guard.count(action, schema, table);
        }))?;
        let guard = Arc::clone(self);
        connection.progress_handler(STOP_CHECK_INSTRUCTIONS, Some(move || guard.should_stop()))
    }

    /// From here on statements on the connection are the user's, until the answer is dropped.
    pub(crate) fn user_sql(&self) -> UserSql<'_> {
        *lock(&self.notes) = Notes::default();
        self.user.store(true, Ordering::Relaxed);
        UserSql { guard: self }
    }

    /// Has statements of the connection stopped by this switch, until the answer is dropped.
    pub(crate) fn stopped_by(&self, stop: &Arc<Stop>) -> Stoppable<'_> {
        *lock(&self.stop) = Some(Arc::clone(stop));
        Stoppable { guard: self }
    }

    /// From here on user SQL may only do this, until it is told otherwise.
    pub(crate) fn narrow(&self, narrow: Option<Narrow>) {
        *lock(&self.narrow) = narrow;
    }

    fn should_stop(&self) -> bool {
        lock(&self.stop)
            .as_ref()
            .is_some_and(|stop| stop.check().is_err())
    }

    fn count(&self, action: Action, schema: &str, table: &str) {
        if schema == "main" && self.user.load(Ordering::Relaxed) {
            let mut notes = lock(&self.notes);
            let rows = notes.rows_of(table);
            match action {
                Action::SQLITE_INSERT => rows.inserted += 1,
                Action::SQLITE_UPDATE => rows.updated += 1,
                Action::SQLITE_DELETE => rows.deleted += 1,
                _ => {}
            }
        }
    }

    fn judge(&self, context: &AuthContext<'_>) -> Authorization {
        if !self.user.load(Ordering::Relaxed) {
            return Authorization::Allow;
        }
        let mut notes = lock(&self.notes);
        match self.refusal(context) {
            Some(refused) => {
                notes.refused.get_or_insert(refused);
                Authorization::Deny
            }
            None => {
                notes.take(context);
                Authorization::Allow
            }
        }
    }

    /// Why a statement may not do this, or `None`.
    fn refusal(&self, context: &AuthContext<'_>) -> Option<String> {
        match context.action {
            AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
                Some(ONE_TRANSACTION.to_owned())
            }
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
                Some("a step's SQL may not attach or detach files".to_owned())
            }
            AuthAction::Pragma { pragma_name, .. } => Some(format!(
                "a step's SQL may not use pragmas (`{pragma_name}`)"
            )),
            _ => self.refused_write(context).or_else(|| {
                lock(&self.narrow)
                    .as_ref()
                    .and_then(|narrow| narrow.refusal(context))
            }),
        }
    }

    fn refused_write(&self, context: &AuthContext<'_>) -> Option<String> {
        let (table, does) = touched(&context.action)?;
        let schema = schema_of(context);
        if does == Does::Read || is_system_table(table) {
            return None;
        }
        if is_engine_table(table) && !same(schema, "temp") {
            return Some(format!(
                "`{table}` is Carril's own table; a step's SQL may read it but not change it"
            ));
        }
        if schema == SHARED && !self.on_shared.load(Ordering::Relaxed) {
            return Some(format!(
                "`{table}` is shared by all lanes and can only be read here; list it in \
                 `[workspace] tables`, or name it in the step's `shared_writes`"
            ));
        }
        None
    }
}

impl Narrow {
    /// Why a statement may not do this where executions share tables, or `None`.
    fn refusal(&self, context: &AuthContext<'_>) -> Option<String> {
        let is_own = |name: &str| self.own.iter().any(|table| same(table, name));
        if let AuthAction::DropTempView { view_name: name }
        | AuthAction::DropTempTrigger {
            trigger_name: name, ..
        } = context.action
            && (is_own(name) || name.starts_with(KEEPER))
        {
            return Some(format!("`{name}` keeps executions apart and stays"));
        }
        let (table, does) = touched(&context.action)?;
        let schema = schema_of(context);
        if schema == "temp" || is_system_table(table) || is_engine_table(table) {
            return None;
        }
        if is_own(table) {
            let past = context
                .accessor
                .filter(|accessor| self.bad.iter().any(|bad| same(bad, accessor)));
            return match (past, does) {
                (Some(past), _) => Some(format!(
                    "`{past}` would work on rows of all executions in `{table}`; have the step's own SQL do what it does"
                )),
                (None, Does::Change) => Some(format!(
                    "`{table}` is shared by executions, so a step's SQL may change its rows but not the table"
                )),
                _ => None,
            };
        }
        let is_named = |writes: &Vec<String>| writes.iter().any(|name| same(name, table));
        let is_free = self.shared_writes.as_ref().is_none_or(is_named);
        (does != Does::Read && !is_free).then(|| {
            format!(
                "`{table}` is shared by all lanes and can only be read here; list it in \
                 `[workspace] tables`, or name it in the step's `shared_writes`"
            )
        })
    }
}

impl Notes {
    fn take(&mut self, context: &AuthContext<'_>) {
        self.temporary |= matches!(
            context.action,
            AuthAction::CreateTempTable { .. }
                | AuthAction::CreateTempView { .. }
                | AuthAction::CreateTempTrigger { .. }
        );
        let Some((table, does)) = touched(&context.action) else {
            return;
        };
        if is_system_table(table) {
            return;
        }
        let touched = Touched {
            schema: schema_of(context).to_owned(),
            table: table.to_owned(),
            does,
            through: context.accessor.map(str::to_owned),
        };
        if !self.touched.contains(&touched) {
            self.touched.push(touched);
        }
    }

    fn rows_of(&mut self, table: &str) -> &mut TableRows {
        if self
            .counts
            .get(self.last)
            .is_none_or(|rows| rows.table != table)
        {
            self.last = self
                .counts
                .iter()
                .position(|rows| rows.table == table)
                .unwrap_or_else(|| {
                    self.counts.push(TableRows {
                        table: table.to_owned(),
                        inserted: 0,
                        updated: 0,
                        deleted: 0,
                    });
                    self.counts.len() - 1
                });
        }
        &mut self.counts[self.last]
    }
}

/// The file that an action is about; ALTER TABLE tells it elsewhere than all others.
fn schema_of<'c>(context: &AuthContext<'c>) -> &'c str {
    match context.action {
        AuthAction::AlterTable { database_name, .. } => database_name,
        _ => context.database_name.unwrap_or_default(),
    }
}

/// The table of an action and what is done to it.
fn touched<'c>(action: &AuthAction<'c>) -> Option<(&'c str, Does)> {
    match *action {
        AuthAction::Read { table_name, .. } => Some((table_name, Does::Read)),
        AuthAction::Insert { table_name } => Some((table_name, Does::Insert)),
        AuthAction::Update { table_name, .. } => Some((table_name, Does::Update)),
        AuthAction::Delete { table_name } => Some((table_name, Does::Delete)),
        AuthAction::CreateTable { table_name }
        | AuthAction::CreateTempTable { table_name }
        | AuthAction::CreateIndex { table_name, .. }
        | AuthAction::CreateTrigger { table_name, .. }
        | AuthAction::CreateVtable { table_name, .. }
        | AuthAction::DropTable { table_name }
        | AuthAction::DropIndex { table_name, .. }
        | AuthAction::DropTrigger { table_name, .. }
        | AuthAction::DropVtable { table_name, .. }
        | AuthAction::AlterTable { table_name, .. } => Some((table_name, Does::Change)),
        AuthAction::CreateView { view_name } | AuthAction::DropView { view_name } => {
            Some((view_name, Does::Change))
        }
        _ => None,
    }
}

/// While it lives, the connection's statements are the user's.
pub(crate) struct UserSql<'a> {
    guard: &'a Guard,
}

impl UserSql<'_> {
    /// Why the last statement was refused, if the authorizer refused it.
    pub(crate) fn refused(&self) -> Option<String> {
        lock(&self.guard.notes).refused.take()
    }

    /// What has been touched since this was last asked.
    pub(crate) fn touched(&self) -> Vec<Touched> {
        std::mem::take(&mut lock(&self.guard.notes).touched)
    }

    /// Whether something temporary was made, which stays on the connection.
    pub(crate) fn made_temporary(&self) -> bool {
        lock(&self.guard.notes).temporary
    }

    /// Rows per table so far, by name; the engine's own tables are never among them.
    pub(crate) fn rows(&self) -> Vec<TableRows> {
        let mut counts = lock(&self.guard.notes).counts.clone();
        counts.retain(|rows| {
            !is_engine_table(&rows.table) && !is_system_table(&rows.table) && total(rows) > 0
        });
        counts.sort_by(|one, other| one.table.cmp(&other.table));
        counts
    }

    /// Changes of one table so far, as the hook saw them.
    pub(crate) fn seen(&self, table: &str) -> u64 {
        lock(&self.guard.notes)
            .counts
            .iter()
            .find(|rows| same(&rows.table, table))
            .map_or(0, total)
    }

    /// Adds rows that the hook cannot see: a whole table emptied at once, and tables without rowid.
    ///
    /// Such a statement may insert here and update there (an upsert); then all count as inserted.
    pub(crate) fn add_unseen(&self, table: &str, does: Does, rows: u64) {
        let mut notes = lock(&self.guard.notes);
        let counts = notes.rows_of(table);
        match does {
            Does::Insert => counts.inserted += rows,
            Does::Update => counts.updated += rows,
            Does::Delete => counts.deleted += rows,
            Does::Read | Does::Change => {}
        }
    }
}

impl Drop for UserSql<'_> {
    fn drop(&mut self) {
        self.guard.user.store(false, Ordering::Relaxed);
    }
}

/// While it lives, the connection's statements can be stopped.
pub(crate) struct Stoppable<'a> {
    guard: &'a Guard,
}

impl Drop for Stoppable<'_> {
    fn drop(&mut self) {
        *lock(&self.guard.stop) = None;
    }
}

fn total(rows: &TableRows) -> u64 {
    rows.inserted + rows.updated + rows.deleted
}
