//! What a step's SQL would touch, told by SQLite itself while it prepares each statement.
//!
//! On a scratch database in memory: the tables that a lane has to itself as its main file, the shared file's tables, views and
//! triggers beside it, all without a row. So no statement can read or change anything, and one that needs a table which an
//! earlier one makes finds it: statements that make or change tables are run, there.

use super::column::{KEEPER, Narrowed, Shown, Unshown, Whom};
use super::fault;
use super::guard::{Does, Guard, Touched};
use super::name::{SHARED, same};
use super::references::without_foreign;
use super::template::open_read_only;
use super::{publish, shared};
use carril_model::contract::{Access, Inspection, TargetError};
use carril_model::definition::{Publish, SqlText, Workspace};
use carril_model::sql::{Script, Statement};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

/// The scratch database.
struct Scratch {
    connection: Connection,
    /// Objects of the shared file that cannot be made without what only the user's program has (modules, collations).
    unknown: Vec<String>,
}

/// Whose tables a step's SQL finds.
#[derive(Clone, Copy)]
enum Own<'a> {
    /// These are the lane's, apart from the shared ones.
    Apart(&'a [String]),
    /// Its rows of those that this workspace shares.
    Rows(&'a Workspace),
}

/// Looks at every statement; blocks for some milliseconds. `own` lists the tables that each execution has to itself;
/// what `published` names counts as there, since the first lane makes it.
///
/// # Errors
/// `Sql` for a statement that does not prepare; `Unreachable` when the shared file cannot be read.
pub(crate) fn inspect(
    path: &Path,
    sql: &SqlText,
    own: &[String],
    published: &[Publish],
) -> Result<Inspection, TargetError> {
    let script = parse(sql)?;
    let mut scratch = Scratch::new(path, own, published, None)?;
    let guard = scratch.guard()?;
    scratch.look(&guard, &script, Own::Apart(own), None)
}

/// As [`inspect`], where executions share the workspace's tables.
///
/// # Errors
/// As [`inspect`]; also `Sql` for what cannot be narrowed to one execution's rows.
pub(crate) fn inspect_by_column(
    path: &Path,
    sql: &SqlText,
    workspace: &Workspace,
    published: &[Publish],
) -> Result<Inspection, TargetError> {
    let script = parse(sql)?;
    let mut scratch = Scratch::new(path, &[], published, workspace.column())?;
    let guard = scratch.guard()?;
    let whom = Whom {
        workspace,
        execution: 0,
        shared_writes: None,
    };
    let shown = Shown::new(&scratch.connection, &guard, &script, &whom);
    let shown = shown.map_err(|unshown| match unshown {
        Unshown::Text(message, at) => TargetError::Sql {
            message,
            offset: Some(at),
        },
        Unshown::Table(message) => TargetError::Sql {
            message,
            offset: None,
        },
        Unshown::Sql(error) => TargetError::Sql {
            message: fault::words(&error),
            offset: None,
        },
    })?;
    scratch.look(&guard, &script, Own::Rows(workspace), Some(&shown))
}

fn parse(sql: &SqlText) -> Result<Script, TargetError> {
    Script::parse(&sql.text).map_err(|error| TargetError::Sql {
        message: error.message,
        offset: Some(error.offset),
    })
}

/// Placeholders stay unbound, which is null.
fn run_on_scratch(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    let mut prepared = connection.prepare(text)?;
    let mut rows = prepared.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

fn wrong(
    error: &rusqlite::Error,
    refused: Option<String>,
    statement: &Statement,
    (text, narrowed): (&str, Option<&Narrowed>),
) -> TargetError {
    let within = fault::offset(error, text).unwrap_or(0);
    let within = narrowed.map_or(within, |narrowed| narrowed.written(within));
    TargetError::Sql {
        message: refused.unwrap_or_else(|| fault::words(error)),
        offset: Some((statement.range.start + within).min(statement.range.end)),
    }
}

impl Own<'_> {
    /// Whether a table of the main file is the execution's own. Without a workspace the main file is the shared one; with
    /// one, whatever is made there is the lane's.
    fn has(self, table: &str) -> bool {
        match self {
            Self::Apart(tables) => !tables.is_empty(),
            Self::Rows(workspace) => workspace.has_table(table),
        }
    }
}

impl Scratch {
    /// What the hooks of the scratch connection tell.
    fn guard(&mut self) -> Result<Arc<Guard>, TargetError> {
        let guard: Arc<Guard> = Arc::default();
        guard
            .watch(&mut self.connection, true)
            .map_err(|error| fault::target(&error, ""))?;
        Ok(guard)
    }

    fn look(
        &self,
        guard: &Guard,
        script: &Script,
        own: Own<'_>,
        shown: Option<&Shown<'_>>,
    ) -> Result<Inspection, TargetError> {
        let user = guard.user_sql();
        let all = script.sqlite_text();
        let mut inspection = Inspection::default();
        for statement in script.statements() {
            let narrowed =
                shown.and_then(|shown| shown.narrowed(&self.connection, script, &all, statement));
            let text = match &narrowed {
                Some(narrowed) => narrowed.text.as_str(),
                None => &all[statement.range.clone()],
            };
            // Counting what is inserted has touched tables, too.
            drop(user.touched());
            let told = (text, narrowed.as_ref());
            let prepared = match self.connection.prepare(text) {
                Ok(prepared) => prepared,
                Err(error) => match self.unseen(&error) {
                    Some(why) => {
                        inspection.not_seen.push((statement.range.start, why));
                        continue;
                    }
                    None => return Err(wrong(&error, user.refused(), statement, told)),
                },
            };
            let touched = user.touched();
            inspection.columns = prepared.column_names().map(str::to_owned).collect();
            drop(prepared);
            if touched.iter().any(|touched| touched.does == Does::Change) {
                run_on_scratch(&self.connection, text)
                    .map_err(|error| wrong(&error, user.refused(), statement, told))?;
                // Running it may have prepared it again.
                drop(user.touched());
            }
            self.collect(&touched, own, statement, &mut inspection.accesses);
        }
        Ok(inspection)
    }

    fn new(
        path: &Path,
        own: &[String],
        published: &[Publish],
        column: Option<&str>,
    ) -> Result<Self, TargetError> {
        let objects = objects_of(path)?;
        let failed = |error: rusqlite::Error| fault::target(&error, "making a scratch database: ");
        let mut unknown = Vec::new();
        let shared = Connection::open_in_memory().map_err(failed)?;
        for object in &objects {
            // What SQLite makes by itself along with another object is there already.
            if shared.execute_batch(&object.sql).is_err()
                && !object.is_in(&shared).map_err(failed)?
            {
                unknown.push(object.name.clone());
            }
        }
        make_published(&shared, published, column)?;
        if own.is_empty() {
            return Ok(Self {
                connection: shared,
                unknown,
            });
        }
        let mut connection = Connection::open_in_memory().map_err(failed)?;
        connection
            .execute_batch(&format!("attach ':memory:' as {SHARED}"))
            .map_err(failed)?;
        rusqlite::backup::Backup::new_with_names(&shared, "main", &mut connection, SHARED)
            .and_then(|backup| backup.run_to_completion(1_024, std::time::Duration::ZERO, None))
            .map_err(failed)?;
        for object in objects.iter().filter(|object| object.is_template_of(own)) {
            if connection
                .execute_batch(&without_foreign(&object.sql, own))
                .is_err()
            {
                unknown.push(object.name.clone());
            }
        }
        Ok(Self {
            connection,
            unknown,
        })
    }

    fn collect(
        &self,
        touched: &[Touched],
        own: Own<'_>,
        statement: &Statement,
        accesses: &mut Vec<Access>,
    ) {
        for touched in touched {
            let schema = if touched.schema.is_empty() {
                self.schema_of(&touched.table)
            } else {
                touched.schema.as_str()
            };
            let is_keeper = |through: &String| through.starts_with(KEEPER);
            if schema == "temp" || touched.through.as_ref().is_some_and(is_keeper) {
                continue;
            }
            let access = Access {
                table: touched.table.clone(),
                writes: touched.does != Does::Read,
                own: schema == "main" && own.has(&touched.table),
                through: touched.through.clone(),
                offset: statement.range.start,
            };
            if !accesses.contains(&access) {
                accesses.push(access);
            }
        }
    }

    /// Where SQLite finds a table of this name; a name that is no table stands for something temporary.
    fn schema_of(&self, table: &str) -> &'static str {
        let is_in = |schema: &str, objects: &str| {
            let query = format!(
                "select 1 from {schema}.{objects} where name = ?1 collate nocase and type in ('table', 'view')"
            );
            self.connection
                .prepare(&query)
                .and_then(|mut found| found.exists([table]))
                .unwrap_or(false)
        };
        if is_in("temp", "sqlite_temp_schema") {
            "temp"
        } else if is_in("main", "sqlite_schema") {
            "main"
        } else if is_in(SHARED, "sqlite_schema") {
            SHARED
        } else {
            "temp"
        }
    }

    /// Why a statement that does not prepare may still be right, if so.
    fn unseen(&self, error: &rusqlite::Error) -> Option<String> {
        let words = fault::words(error);
        let named = words.strip_prefix("no such table: ")?;
        let table = named.rsplit('.').next().unwrap_or(named);
        let known = self.unknown.iter().any(|name| same(name, table));
        known.then(|| {
            format!("`{table}` needs a module or function that only the user's own program has")
        })
    }
}

/// Makes what the first lane would make; a template that is missing is told elsewhere.
fn make_published(
    scratch: &Connection,
    published: &[Publish],
    column: Option<&str>,
) -> Result<(), TargetError> {
    let wrong = |message| TargetError::Sql {
        message,
        offset: None,
    };
    if !published.is_empty() {
        shared::create_own_tables(scratch).map_err(|error| wrong(fault::words(&error)))?;
    }
    for entry in published {
        let columns = publish::shared_columns(scratch, &entry.from, column)
            .map_err(|error| wrong(fault::words(&error)))?;
        if !columns.is_empty() {
            publish::ensure_entry(scratch, entry, &columns)
                .map_err(|error| wrong(error.message))?;
        }
    }
    Ok(())
}

/// One statement of the shared file's schema.
struct Object {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

impl Object {
    fn is_template_of(&self, own: &[String]) -> bool {
        matches!(self.kind.as_str(), "table" | "index")
            && own.iter().any(|table| same(table, &self.table))
    }

    fn is_in(&self, connection: &Connection) -> rusqlite::Result<bool> {
        connection
            .prepare("select 1 from sqlite_schema where name = ?1")?
            .exists([&self.name])
    }
}

fn objects_of(path: &Path) -> Result<Vec<Object>, TargetError> {
    let connection = open_read_only(path).map_err(fault::as_target)?;
    let unreadable = |error: rusqlite::Error| {
        fault::target(
            &error,
            &format!("reading the tables of {}: ", path.display()),
        )
    };
    let mut query = connection
        .prepare(include_str!("../../sql/target/schema_all.sql"))
        .map_err(unreadable)?;
    query
        .query_map([], |row| {
            Ok(Object {
                kind: row.get(0)?,
                name: row.get(1)?,
                table: row.get(2)?,
                sql: row.get(3)?,
            })
        })
        .and_then(Iterator::collect)
        .map_err(unreadable)
}
