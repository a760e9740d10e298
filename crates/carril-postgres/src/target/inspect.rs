//! What a step's SQL would touch, told by the server itself while it plans each statement.
//!
//! In a transaction that is rolled back: the tables that a lane has to itself are made there, empty, in a schema of that
//! transaction, and every statement is planned, never run; what the server has locked for the plan is what it would read and
//! write. Statements that make or change tables are run where they touch nothing but that schema, so that later ones find
//! what they make. What only shows when it runs (procedures, triggers, functions) is told as not seen.

use super::column::{self, Whom};
use super::name::{quoted, quoted_list, same};
use super::pool::{Server, Session};
use super::publish::{Place, ensure_entry, is_ready, template_columns};
use super::step::{Ready, Unready, prepare};
use super::stop::Stop;
use super::template::{self, Copy};
use super::text::{Numbers, Written, refusal};
use super::transaction::{LOCK_WAIT, Open};
use super::upkeep::create_own_tables;
use super::{PostgresTarget, fault};
use carril_model::contract::{Access, Inspection, TargetError};
use carril_model::definition::{Publish, SqlText, Workspace};
use carril_model::sql::{Script, Statement};
use futures_util::TryStreamExt as _;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::types::{Json, Type};

/// The longest look at one step.
const TIME: Duration = Duration::from_secs(60);
/// Statements that the server plans.
const PLANNED: [&str; 9] = [
    "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE", "",
];
/// Statements that change what tables there are.
const MAKING: [&str; 4] = ["CREATE", "ALTER", "DROP", "TRUNCATE"];
/// Statements that touch no rows.
const HARMLESS: [&str; 6] = ["SET", "SHOW", "NOTIFY", "ANALYZE", "COMMENT", "EXPLAIN"];

/// The schemas of one look: they never come to be.
struct Scratch {
    /// The lane's own tables; empty where a step has none.
    own: Option<String>,
    /// What will be published.
    published: String,
    /// The views of what will be published.
    views: Vec<String>,
    /// Shared tables of which a step has its own rows.
    rows_of: Vec<String>,
}

impl Scratch {
    /// Whether a table, or what a step has of it, is the execution's own.
    fn is_own(&self, schema: &str, table: &str) -> bool {
        self.own.as_deref() == Some(schema) || self.rows_of.iter().any(|own| same(own, table))
    }
}

impl PostgresTarget {
    /// Looks at every statement; what `published` names counts as there, since the first lane makes it.
    pub(super) async fn inspect_step(
        &self,
        sql: &SqlText,
        own: &[String],
        published: &[Publish],
    ) -> Result<Inspection, TargetError> {
        self.inspect_as(sql, (own, None), published).await
    }

    /// As [`Self::inspect_step`], where executions share the workspace's tables.
    pub(super) async fn inspect_shared(
        &self,
        sql: &SqlText,
        workspace: &Workspace,
        published: &[Publish],
    ) -> Result<Inspection, TargetError> {
        self.inspect_as(sql, (&[], Some(workspace)), published)
            .await
    }

    async fn inspect_as(
        &self,
        sql: &SqlText,
        (own, shared): (&[String], Option<&Workspace>),
        published: &[Publish],
    ) -> Result<Inspection, TargetError> {
        let script = parse(sql)?;
        let stop = Stop::within(Arc::clone(&self.clock), TIME);
        let open = self
            .upkeep(LOCK_WAIT, &stop)
            .await
            .map_err(fault::as_target)?;
        let looked = async {
            let server = self
                .pool
                .server(&open.session)
                .await
                .map_err(fault::as_target)?;
            let column = shared.and_then(Workspace::column);
            let mut scratch = self
                .scratch(&open, server, own, (published, column))
                .await?;
            if let Some((workspace, column)) = shared.zip(column) {
                show_rows(&open.session, server, &script, (workspace, column)).await?;
                scratch.rows_of.clone_from(&workspace.tables);
            }
            look(&open.session, server, &scratch, &script).await
        };
        let looked = looked.await;
        open.roll_back().await;
        looked
    }

    async fn scratch(
        &self,
        open: &Open,
        server: &Server,
        own: &[String],
        (published, column): (&[Publish], Option<&str>),
    ) -> Result<Scratch, TargetError> {
        let failed = |error| fault::target(&error, "making tables to look with: ");
        let scratch = Scratch {
            own: (!own.is_empty()).then(|| format!("carril_look_{}", open.number)),
            published: format!("carril_look_{}_published", open.number),
            views: published
                .iter()
                .filter_map(|entry| entry.current.clone())
                .collect(),
            rows_of: Vec::new(),
        };
        let session = &open.session;
        if !published.is_empty() {
            make_published(session, server, (published, column), &scratch.published).await?;
        }
        if let Some(schema) = &scratch.own {
            let found = template::find(session, own, &server.path)
                .await
                .map_err(failed)?;
            // One that is missing, or is no table, is told by whoever asks for the workspace's tables.
            let tables: Vec<u32> = found
                .iter()
                .flatten()
                .filter(|found| matches!(found.kind.as_str(), "r" | "p"))
                .map(|found| found.oid)
                .collect();
            let copy = Copy {
                tables: &tables,
                into: schema,
                rows: None,
            };
            self.make_schema(open, &copy)
                .await
                .map_err(fault::as_target)?;
        }
        let mut path: Vec<&str> = scratch.own.as_deref().into_iter().collect();
        if !published.is_empty() {
            path.push(&scratch.published);
        }
        path.extend(server.path.iter().map(String::as_str));
        session
            .batch_execute(&format!("set local search_path = {}", quoted_list(path)))
            .await
            .map_err(failed)?;
        Ok(scratch)
    }
}

fn wrong(message: impl Into<String>, offset: Option<usize>) -> TargetError {
    TargetError::Sql {
        message: message.into(),
        offset,
    }
}

fn parse(sql: &SqlText) -> Result<Script, TargetError> {
    let script =
        Script::parse(&sql.text).map_err(|error| wrong(error.message, Some(error.offset)))?;
    if let Some(at) = script.numbered_placeholder() {
        let text =
            "a placeholder that is a number has no name that a value could have; write `:name`";
        return Err(wrong(text, Some(at)));
    }
    for statement in script.statements() {
        if let Some(text) = refusal(&script, statement) {
            return Err(wrong(text, Some(statement.range.start)));
        }
    }
    Ok(script)
}

/// Has no execution's rows stand for the shared tables, as a step's own would.
async fn show_rows(
    session: &Session,
    server: &Server,
    script: &Script,
    (workspace, column): (&Workspace, &str),
) -> Result<(), TargetError> {
    if let Some((text, at)) = column::past_views(script, server, workspace) {
        return Err(wrong(text, Some(at)));
    }
    let whom = Whom {
        workspace,
        column,
        execution: 0,
    };
    let shown = column::show(session, server, script, &whom).await;
    shown.map_err(|error| match error.code.as_str() {
        column::NOT_SHARED => wrong(error.message, None),
        _ => fault::as_target(error),
    })
}

/// Makes what the first lane would make, in a schema of this look; what is there already must be ours.
async fn make_published(
    session: &Session,
    server: &Server,
    (published, column): (&[Publish], Option<&str>),
    schema: &str,
) -> Result<(), TargetError> {
    let told = |error: carril_model::contract::StepError| match error.code.as_str() {
        fault::SQL => wrong(error.message, None),
        _ => fault::as_target(error),
    };
    create_own_tables(session).await.map_err(fault::as_target)?;
    session
        .batch_execute(&format!("create schema {}", quoted(schema)))
        .await
        .map_err(|error| fault::target(&error, "making tables to look with: "))?;
    for entry in published {
        let columns = match template_columns(session, entry, &server.path, column).await {
            Ok(columns) => columns,
            // A template that is missing is told elsewhere.
            Err(error) if error.code == fault::WORKSPACE => continue,
            Err(error) => return Err(fault::as_target(error)),
        };
        let there = Place::find(session, entry, server.shared())
            .await
            .map_err(told)?;
        if is_ready(session, entry, &there, &columns)
            .await
            .map_err(told)?
        {
            continue;
        }
        let place = Place {
            schema: schema.to_owned(),
            ..there
        };
        ensure_entry(session, entry, &place, &columns)
            .await
            .map_err(told)?;
    }
    Ok(())
}

/// Looks at one statement after the other.
async fn look(
    session: &Session,
    server: &Server,
    scratch: &Scratch,
    script: &Script,
) -> Result<Inspection, TargetError> {
    let mut inspection = Inspection::default();
    for statement in script.statements() {
        let one = One {
            session,
            server,
            scratch,
            script,
            statement,
            written: Written::new(script, statement, Numbers::PerName),
        };
        inspection.columns = Vec::new();
        one.look(&mut inspection).await?;
    }
    inspection.accesses.dedup();
    Ok(inspection)
}

/// One statement that is looked at.
struct One<'a> {
    session: &'a Session,
    server: &'a Server,
    scratch: &'a Scratch,
    script: &'a Script,
    statement: &'a Statement,
    written: Written,
}

impl One<'_> {
    async fn look(&self, inspection: &mut Inspection) -> Result<(), TargetError> {
        let word = self.statement.first_word.as_str();
        let at = self.statement.range.start;
        if PLANNED.contains(&word) {
            return self.plan(inspection).await;
        }
        if MAKING.contains(&word) {
            return self.make(inspection).await;
        }
        // The server at least knows whether it is a statement, and whether what is called is there.
        self.prepared().await?;
        for written in self.script.written_tables(self.statement) {
            let access = self.access_of(&written.table, written.offset).await?;
            inspection.accesses.push(access);
        }
        if !HARMLESS.contains(&word) && word != "COPY" {
            inspection
                .not_seen
                .push((at, format!("what `{word}` does shows only when it runs")));
        }
        Ok(())
    }

    /// Has the statement planned, and notes what the server has locked for it.
    async fn plan(&self, inspection: &mut Inspection) -> Result<(), TargetError> {
        self.batch("savepoint carril_look").await?;
        let before = self
            .session
            .query_typed_one(include_str!("../../sql/target/locked.sql"), &[])
            .await
            .map_err(|error| self.wrong(&error))?;
        let before: Vec<String> = before.get(0);
        let Ready {
            written, prepared, ..
        } = self.prepared().await?;
        let columns = prepared.columns().iter();
        inspection.columns = columns.map(|column| column.name().to_owned()).collect();
        let explained = format!("explain (verbose, costs off, format json) {}", written.text);
        let kinds: Vec<Type> = prepared.params().to_vec();
        let explained = self
            .session
            .prepare_typed(&explained, &kinds)
            .await
            .map_err(|error| self.wrong(&error))?;
        let nothing = vec![super::value::Bound(None); kinds.len()];
        let plan = self
            .session
            .query_raw(&explained, nothing.iter())
            .await
            .map_err(|error| self.wrong(&error))?;
        let plan: Vec<tokio_postgres::Row> = plan
            .try_collect()
            .await
            .map_err(|error| self.wrong(&error))?;
        let rows = self
            .session
            .query_typed(
                include_str!("../../sql/target/looked_at.sql"),
                &[(&before, Type::TEXT_ARRAY)],
            )
            .await
            .map_err(|error| self.wrong(&error))?;
        self.batch("rollback to savepoint carril_look; release savepoint carril_look")
            .await?;
        self.collect(&rows, inspection);
        for row in &plan {
            let Json(plan): Json<Value> = row.get(0);
            self.collect_scanned(&plan, inspection);
        }
        self.functions(inspection).await
    }

    fn collect(&self, rows: &[tokio_postgres::Row], inspection: &mut Inspection) {
        let at = self.statement.range.start;
        let views: Vec<String> = rows
            .iter()
            .filter(|row| matches!(row.get(2), "v" | "m"))
            .map(|row| row.get(1))
            .collect();
        for row in rows {
            let (schema, table, kind): (String, String, String) =
                (row.get(0), row.get(1), row.get(2));
            if schema == super::name::OWN {
                continue;
            }
            if let Some(trigger) = row.get::<_, Option<String>>(4) {
                let why =
                    format!("what trigger `{trigger}` of `{table}` does shows only when it runs");
                inspection.not_seen.push((at, why));
            }
            if kind == "v" {
                continue;
            }
            let through = views.first().filter(|_| !self.names(&table)).cloned();
            let access = Access {
                own: self.scratch.is_own(&schema, &table),
                table: self.shown(&schema, &table),
                writes: row.get(3),
                through,
                offset: at,
            };
            if !inspection.accesses.contains(&access) {
                inspection.accesses.push(access);
            }
        }
    }

    /// Notes the tables of this look that a plan reads: those are locked from when they were made, so that locks say nothing.
    fn collect_scanned(&self, plan: &Value, inspection: &mut Inspection) {
        match plan {
            Value::Array(parts) => parts
                .iter()
                .for_each(|part| self.collect_scanned(part, inspection)),
            Value::Object(fields) => {
                let name = |key: &str| fields.get(key).and_then(Value::as_str);
                if let (Some(schema), Some(table)) = (name("Schema"), name("Relation Name")) {
                    let own = self.scratch.own.as_deref() == Some(schema);
                    let access = Access {
                        table: table.to_owned(),
                        writes: false,
                        own,
                        through: self.view_of(table),
                        offset: self.statement.range.start,
                    };
                    let same_table = |known: &Access| {
                        known.table == access.table
                            && known.own == own
                            && known.offset == access.offset
                    };
                    if (own || schema == self.scratch.published)
                        && !inspection.accesses.iter().any(same_table)
                    {
                        inspection.accesses.push(access);
                    }
                }
                fields
                    .values()
                    .for_each(|part| self.collect_scanned(part, inspection));
            }
            _ => {}
        }
    }

    /// The published view through which a table is read that the statement does not name.
    fn view_of(&self, table: &str) -> Option<String> {
        if self.names(table) {
            return None;
        }
        let mut views = self.scratch.views.iter();
        views.find(|view| self.names(view)).cloned()
    }

    /// Whether the statement's own words have this name.
    fn names(&self, table: &str) -> bool {
        let mut names = self.script.names();
        names.any(|(name, at)| self.statement.range.contains(&at) && same(name, table))
    }

    /// Functions of users that it calls and that may change something.
    async fn functions(&self, inspection: &mut Inspection) -> Result<(), TargetError> {
        let text = self.script.text();
        let called: Vec<String> = self
            .script
            .names()
            .filter(|(name, at)| {
                let after = text[*at..].trim_start_matches('"').strip_prefix(*name);
                self.statement.range.contains(at)
                    && after.is_some_and(|after| {
                        after.trim_start_matches('"').trim_start().starts_with('(')
                    })
            })
            .map(|(name, _)| name.to_lowercase())
            .collect();
        if called.is_empty() {
            return Ok(());
        }
        let rows = self
            .session
            .query_typed(
                include_str!("../../sql/target/functions.sql"),
                &[(&called, Type::TEXT_ARRAY)],
            )
            .await
            .map_err(|error| self.wrong(&error))?;
        for row in rows {
            let why = format!(
                "what function `{}` does shows only when it runs",
                row.get::<_, &str>(0)
            );
            inspection.not_seen.push((self.statement.range.start, why));
        }
        Ok(())
    }

    /// Runs what makes or changes tables, if it touches nothing that anybody else could see.
    async fn make(&self, inspection: &mut Inspection) -> Result<(), TargetError> {
        let mut harmless = true;
        for written in self.script.written_tables(self.statement) {
            let access = self.access_of(&written.table, written.offset).await?;
            if self
                .scratch
                .rows_of
                .iter()
                .any(|own| same(own, &access.table))
            {
                let text = format!(
                    "`{}` is shared by executions, so a step's SQL may change its rows but not the table",
                    access.table
                );
                return Err(wrong(text, Some(written.offset)));
            }
            harmless &= access.own;
            inspection.accesses.push(access);
        }
        if self.scratch.own.is_none() && !self.is_temporary() {
            harmless = false;
        }
        if let Some(word) = self.script.dynamic_word(self.statement) {
            let why = format!(
                "what `{}` does shows only when it runs",
                word.to_uppercase()
            );
            inspection.not_seen.push((self.statement.range.start, why));
        }
        if !harmless {
            return Ok(());
        }
        let text = format!("{}{}", self.written.text, self.without_rows());
        // No values can stand in such a statement but in the query of `create table … as`, where nothing will do.
        let prepared = self
            .session
            .prepare(&text)
            .await
            .map_err(|error| self.wrong(&error))?;
        let nothing = vec![super::value::Bound(None); prepared.params().len()];
        self.session
            .execute_raw(&prepared, nothing.iter())
            .await
            .map_err(|error| self.wrong(&error))?;
        Ok(())
    }

    /// What keeps `create table … as` and its like from running their query.
    fn without_rows(&self) -> &'static str {
        let words: Vec<String> = self
            .script
            .names()
            .filter(|(_, at)| self.statement.range.contains(at))
            .map(|(word, _)| word.to_ascii_uppercase())
            .collect();
        let makes_table = words
            .iter()
            .take(5)
            .any(|word| word == "TABLE" || word == "MATERIALIZED");
        let has_query = words.windows(2).any(|pair| {
            pair[0] == "AS" && matches!(pair[1].as_str(), "SELECT" | "WITH" | "VALUES" | "TABLE")
        });
        let says = words.last().is_some_and(|word| word == "DATA");
        if words.first().is_some_and(|word| word == "CREATE") && makes_table && has_query && !says {
            " with no data"
        } else {
            ""
        }
    }

    fn is_temporary(&self) -> bool {
        let mut names = self.script.names();
        names.any(|(name, at)| {
            self.statement.range.contains(&at)
                && (name.eq_ignore_ascii_case("temp") || name.eq_ignore_ascii_case("temporary"))
        })
    }

    /// What a name that is written stands for; a new one is made in the first schema of the path.
    async fn access_of(&self, name: &str, offset: usize) -> Result<Access, TargetError> {
        let parts: Vec<String> = name.split('.').map(quoted_if_needed).collect();
        let row = self
            .session
            .query_typed_opt(
                include_str!("../../sql/target/resolved.sql"),
                &[(&parts.join("."), Type::TEXT)],
            )
            .await
            .map_err(|error| self.wrong(&error))?;
        let plain = name.rsplit('.').next().unwrap_or(name);
        let first = self.scratch.own.as_deref().unwrap_or(self.server.shared());
        let schema = row.map(|row| row.get(0)).unwrap_or_else(|| {
            name.split_once('.')
                .map_or(first, |(schema, _)| schema)
                .to_owned()
        });
        Ok(Access {
            table: self.shown(&schema, plain),
            writes: true,
            own: self.scratch.is_own(&schema, plain) || schema.starts_with("pg_temp"),
            through: None,
            offset,
        })
    }

    /// What a table is called: with its schema only where that says something.
    fn shown(&self, schema: &str, table: &str) -> String {
        let is_plain = self.scratch.own.as_deref() == Some(schema)
            || schema == self.scratch.published
            || schema.starts_with("pg_temp")
            || schema == self.server.shared();
        if is_plain {
            table.to_owned()
        } else {
            format!("{schema}.{table}")
        }
    }

    async fn prepared(&self) -> Result<Ready, TargetError> {
        let look_up = |_: &str, _: std::ops::Range<usize>| Ok(Value::Null);
        let prepared = prepare(
            self.session,
            (self.script, self.statement, ""),
            look_up,
            true,
        );
        prepared.await.map_err(|unready| match unready {
            Unready::Value(error) => error,
            Unready::Server(error, written) => self.wrong_in(&error, &written),
        })
    }

    async fn batch(&self, text: &str) -> Result<(), TargetError> {
        self.session
            .batch_execute(text)
            .await
            .map_err(|error| self.wrong(&error))
    }

    fn wrong(&self, error: &Error) -> TargetError {
        self.wrong_in(error, &self.written)
    }

    fn wrong_in(&self, error: &Error, written: &Written) -> TargetError {
        let state = error
            .code()
            .map(|state| state.code().to_owned())
            .unwrap_or_default();
        if fault::is_lost(error) || matches!(state.get(..2), Some("40" | "53" | "55" | "57" | "58"))
        {
            return fault::target(error, "looking at a statement: ");
        }
        let at = fault::position(error).map_or(self.statement.range.start, |position| {
            written.source(position)
        });
        wrong(fault::words(error), Some(at))
    }
}

/// A part of a name as SQL would take it: the tokens have lost their quotes.
fn quoted_if_needed(part: &str) -> String {
    if part.chars().any(|letter| letter.is_ascii_uppercase())
        && part
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    {
        part.to_owned()
    } else {
        quoted(part)
    }
}
