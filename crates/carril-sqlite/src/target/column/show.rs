//! What stands in front of shared tables while a step of one execution runs: views of its rows, and triggers that refuse others'.
//!
//! Only what the step's text names is made, within its transaction, and taken away before the commit; a transaction that is
//! given up takes it along. Views of the database that look at shared tables are shown again over the narrowed ones; triggers
//! of the database that do more than take over a row cannot be narrowed, and a step that would set one off is refused.

use super::facts::{Facts, Found};
use super::narrow::{Narrowed, Statement as Narrowing, narrow};
use crate::target::fault;
use crate::target::guard::{Guard, Narrow};
use crate::target::name::{literal, quoted, quoted_list, same};
use carril_model::contract::{ErrorClass, StepError};
use carril_model::definition::Workspace;
use carril_model::sql::{RowChange, Script, Statement};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the temporary triggers' names begin with.
pub(crate) const KEEPER: &str = "carril_keep_";

/// For whom shared tables are shown.
pub(crate) struct Whom<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) execution: i64,
    /// Other tables that the step may write; `None` for any, where somebody only looks.
    pub(crate) shared_writes: Option<&'a [String]>,
}

/// Shared tables as one execution sees them.
pub(crate) struct Shown<'a> {
    guard: &'a Guard,
    column: String,
    execution: i64,
    tables: Vec<Facts>,
    /// Kind and name of what was made, in order.
    made: Vec<(&'static str, String)>,
}

/// Why shared tables cannot be shown.
pub(crate) enum Unshown {
    /// The text names something that it must not; the byte where.
    Text(String, usize),
    /// A table is not as it must be.
    Table(String),
    /// SQLite's own error.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Unshown {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Unshown {
    /// As a step's error; the place is the caller's to give.
    pub(crate) fn as_step(&self) -> StepError {
        match self {
            Self::Text(message, _) => {
                StepError::new(fault::SQL, ErrorClass::Permanent, message.clone())
            }
            Self::Table(message) => {
                StepError::new(fault::NOT_SHARED, ErrorClass::Permanent, message.clone())
            }
            Self::Sql(error) => fault::step(error, "showing the execution's own rows: "),
        }
    }
}

impl<'a> Shown<'a> {
    /// Shows what a script names. Inside the caller's transaction.
    pub(crate) fn new(
        connection: &Connection,
        guard: &'a Arc<Guard>,
        script: &Script,
        whom: &Whom<'_>,
    ) -> Result<Self, Unshown> {
        let workspace = whom.workspace;
        let column = workspace.column().unwrap_or_default();
        refuse_schema(script, workspace)?;
        let around = Around::of(connection, workspace)?;
        let (views, bad) = around.reachable(script);
        let names = |name: &str| {
            let texts = views.iter().map(|view| &view.script).chain([script]);
            texts
                .flat_map(Script::names)
                .any(|(word, _)| same(word, name))
        };
        let with_column = names(column);
        let mut shown = Self {
            guard,
            column: column.to_owned(),
            execution: whom.execution,
            tables: Vec::new(),
            made: Vec::new(),
        };
        for table in workspace.tables.iter().filter(|table| names(table)) {
            let facts = shown.facts(connection, table)?;
            shown.show(connection, facts, with_column)?;
        }
        for view in &views {
            let sql = view
                .script
                .text()
                .replacen("CREATE VIEW", "CREATE TEMP VIEW", 1);
            connection.execute_batch(&sql)?;
            shown.made.push(("view", view.name.clone()));
        }
        shown.keep_rows(connection, script, workspace)?;
        guard.narrow(Some(Narrow {
            own: workspace.tables.clone(),
            shared_writes: whom.shared_writes.map(<[String]>::to_vec),
            bad,
        }));
        Ok(shown)
    }

    fn facts(&self, connection: &Connection, table: &str) -> Result<Facts, Unshown> {
        let column = &self.column;
        match Facts::of(connection, table, column)? {
            Found::Nothing => Err(Unshown::Table(format!(
                "workspace table `{table}` does not exist; create it, with a column `{column}` and an index that begins with it"
            ))),
            Found::View => Err(Unshown::Table(format!(
                "workspace table `{table}` is a view; list tables only"
            ))),
            Found::Table(facts) if facts.column.is_none() => Err(Unshown::Table(format!(
                "workspace table `{table}` has no column `{column}`, by which executions are told apart; `carril workspace migrate` prints how it gets one"
            ))),
            Found::Table(facts) => Ok(*facts),
        }
    }

    /// The view of the execution's own rows. The column is left out of it where nobody names it, so that SQL which knows nothing
    /// of it finds the table as it would be without.
    fn show(
        &mut self,
        connection: &Connection,
        facts: Facts,
        with_column: bool,
    ) -> rusqlite::Result<()> {
        let columns = facts.columns.iter().map(String::as_str);
        let columns = quoted_list(columns.filter(|name| with_column || !same(name, &self.column)));
        let (name, column) = (quoted(&facts.name), quoted(&self.column));
        connection.execute_batch(&format!(
            "create temp view {name} as select {columns} from main.{name} where {column} = {}",
            self.execution
        ))?;
        self.made.push(("view", facts.name.clone()));
        self.tables.push(facts);
        Ok(())
    }

    /// Triggers for the tables that a script writes, and for those that foreign keys change along.
    fn keep_rows(
        &mut self,
        connection: &Connection,
        script: &Script,
        workspace: &Workspace,
    ) -> Result<(), Unshown> {
        let changes: Vec<RowChange> = script
            .statements()
            .iter()
            .filter_map(|statement| script.row_change(statement))
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        let mut kept: BTreeSet<String> = BTreeSet::new();
        let written = workspace
            .tables
            .iter()
            .filter(|table| changes.iter().any(|change| same(&change.table, table)));
        kept.extend(written.map(|table| table.to_lowercase()));
        let mut children =
            connection.prepare_cached(include_str!("../../../sql/target/column_children.sql"))?;
        let children = children.query_map([], |row| row.get::<_, String>(0))?;
        for child in children {
            let child = child?;
            if workspace.has_table(&child) {
                kept.insert(child.to_lowercase());
            }
        }
        for table in kept {
            let known = self
                .tables
                .iter()
                .find(|facts| same(&facts.name, &table))
                .cloned();
            let facts = match known {
                Some(facts) => facts,
                None => self.facts(connection, &table)?,
            };
            self.keep(connection, &facts)?;
        }
        Ok(())
    }

    fn keep(&mut self, connection: &Connection, facts: &Facts) -> rusqlite::Result<()> {
        let (table, column) = (quoted(&facts.name), quoted(&self.column));
        let execution = self.execution;
        // A key without the column may be another's already: its row must neither go nor be silently kept.
        let without = facts
            .keys()
            .filter(|key| !key.iter().any(|name| same(name, &self.column)));
        let taken: Vec<String> = without
            .map(|key| {
                let parts = key.iter().map(|name| format!("o.{0} = new.{0}", quoted(name)));
                let parts: Vec<String> = parts.collect();
                format!(
                    " or exists (select 1 from main.{table} as o where {} and o.{column} is not {execution})",
                    parts.join(" and ")
                )
            })
            .collect();
        let taken = taken.concat();
        let other = |side: &str| format!("{side}.{column} is not {execution}");
        let keepers = [
            ("insert", format!("{}{taken}", other("new"))),
            (
                "update",
                format!("{} or {}{taken}", other("old"), other("new")),
            ),
            ("delete", other("old")),
        ];
        for (verb, refused) in keepers {
            let name = format!("{KEEPER}{verb}_{}", facts.name);
            let why = literal(&format!(
                "a row of another execution in `{}`: its `{}` is not {execution}, or its key is taken by another execution's row",
                facts.name, self.column
            ));
            connection.execute_batch(&format!(
                "create temp trigger {} before {verb} on main.{table} when {refused} begin select raise(abort, {why}); end",
                quoted(&name)
            ))?;
            self.made.push(("trigger", name));
        }
        Ok(())
    }

    /// The statement as it is to be prepared, if it changes rows of a shared table.
    pub(crate) fn narrowed(
        &self,
        connection: &Connection,
        script: &Script,
        text: &str,
        statement: &Statement,
    ) -> Option<Narrowed> {
        let change = script.row_change(statement)?;
        let facts = self
            .tables
            .iter()
            .find(|facts| same(&facts.name, &change.table))?;
        if change.schema.is_some() {
            return None;
        }
        let statement = Narrowing {
            script: text,
            range: statement.range.clone(),
            change: &change,
        };
        let column = facts.column.as_deref().unwrap_or(&self.column);
        let count = |query: &str| Some(connection.prepare(query).ok()?.column_count());
        Some(narrow(&statement, facts, column, self.execution, count))
    }

    /// Takes everything away again; the database's own tables are behind their names then.
    pub(crate) fn hide(mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.guard.narrow(None);
        while let Some((kind, name)) = self.made.pop() {
            connection.execute_batch(&format!("drop {kind} temp.{}", quoted(&name)))?;
        }
        Ok(())
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.guard.narrow(None);
    }
}

/// The schema's name would lead past the view to the rows of all executions.
fn refuse_schema(script: &Script, workspace: &Workspace) -> Result<(), Unshown> {
    let found = script
        .names_in("main")
        .find(|(name, _)| workspace.has_table(name));
    match found {
        None => Ok(()),
        Some((name, at)) => Err(Unshown::Text(
            format!(
                "`{name}` is shared by executions; write it without its schema, so that only the execution's own rows are meant"
            ),
            at,
        )),
    }
}

/// A view or trigger of the database that has to do with shared tables.
struct Object {
    name: String,
    script: Script,
}

/// The views and triggers of the database that have to do with shared tables.
struct Around {
    views: Vec<Object>,
    /// Views that name a shared table with its schema, and triggers that name one in their body.
    bad: Vec<String>,
}

impl Around {
    fn of(connection: &Connection, workspace: &Workspace) -> rusqlite::Result<Self> {
        let mut query =
            connection.prepare_cached(include_str!("../../../sql/target/column_objects.sql"))?;
        let mut rows = query.query([])?;
        let (mut all_views, mut triggers, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
            match Script::parse(&row.get::<_, String>(2)?) {
                Ok(script) if kind == "view" => all_views.push(Object { name, script }),
                Ok(script) => triggers.push(Object { name, script }),
                // What cannot be read may be about anything.
                Err(_) => bad.push(name),
            }
        }
        let mut views: Vec<Object> = Vec::new();
        loop {
            let known: Vec<String> = views.iter().map(|view| view.name.clone()).collect();
            let is_about = |object: &Object| {
                let is_known = |name: &str| {
                    workspace.has_table(name) || known.iter().any(|view| same(view, name))
                };
                object.script.names().any(|(name, _)| is_known(name))
            };
            let (found, rest): (Vec<Object>, Vec<Object>) =
                all_views.into_iter().partition(is_about);
            all_views = rest;
            if found.is_empty() {
                break;
            }
            views.extend(found);
        }
        let is_about = |name: &str| {
            workspace.has_table(name) || views.iter().any(|view| same(&view.name, name))
        };
        let in_body = |object: &Object| {
            let mut names = object
                .script
                .names()
                .skip_while(|(word, _)| !same(word, "on"));
            // The table that the trigger is of.
            names.nth(1);
            names.any(|(name, _)| is_about(name))
        };
        bad.extend(
            triggers
                .into_iter()
                .filter(in_body)
                .map(|trigger| trigger.name),
        );
        Ok(Self { views, bad })
    }

    /// The views that a script comes to, and the names through which nothing may be read.
    fn reachable(self, script: &Script) -> (Vec<Object>, Vec<String>) {
        let Self {
            views: mut left,
            mut bad,
        } = self;
        let mut reached: Vec<Object> = Vec::new();
        loop {
            let is_named = |view: &Object| {
                let texts = reached.iter().map(|view| &view.script).chain([script]);
                texts
                    .flat_map(Script::names)
                    .any(|(name, _)| same(name, &view.name))
            };
            let (found, rest): (Vec<Object>, Vec<Object>) = left.into_iter().partition(is_named);
            left = rest;
            if found.is_empty() {
                break;
            }
            reached.extend(found);
        }
        let (past, views): (Vec<Object>, Vec<Object>) = reached
            .into_iter()
            .partition(|view| view.script.names_in("main").next().is_some());
        bad.extend(past.into_iter().chain(left).map(|view| view.name));
        (views, bad)
    }
}
