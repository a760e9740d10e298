//! One statement that is looked at: planned, or run where it only makes what later ones need.
//!
//! What a plan locks is what it would read and write. Nothing is run that anybody else could see.

use super::scratch::Scratch;
use super::wrong;
use crate::target::fault;
use crate::target::name::{OWN, quoted, same};
use crate::target::pool::{Server, Session};
use crate::target::step::{Ready, Unready, prepare};
use crate::target::text::Written;
use crate::target::value::Bound;
use carril_model::contract::{Access, Inspection, TargetError};
use carril_model::sql::{Script, Statement};
use futures_util::TryStreamExt as _;
use serde_json::Value;
use tokio_postgres::types::{Json, Type};
use tokio_postgres::{Error, Row};

/// Statements that the server plans.
const PLANNED: [&str; 9] = [
    "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE", "",
];
/// Statements that change what tables there are.
const MAKING: [&str; 4] = ["CREATE", "ALTER", "DROP", "TRUNCATE"];
/// Statements that touch no rows.
const HARMLESS: [&str; 6] = ["SET", "SHOW", "NOTIFY", "ANALYZE", "COMMENT", "EXPLAIN"];

/// One statement that is looked at.
pub(super) struct One<'a> {
    pub(super) session: &'a Session,
    pub(super) server: &'a Server,
    pub(super) scratch: &'a Scratch,
    pub(super) script: &'a Script,
    pub(super) statement: &'a Statement,
    pub(super) written: Written,
}

impl One<'_> {
    pub(super) async fn look(&self, inspection: &mut Inspection) -> Result<(), TargetError> {
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
            .query_typed_one(include_str!("../../../sql/target/locked.sql"), &[])
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
        let nothing = vec![Bound(None); kinds.len()];
        let plan = self
            .session
            .query_raw(&explained, nothing.iter())
            .await
            .map_err(|error| self.wrong(&error))?;
        let plan: Vec<Row> = plan
            .try_collect()
            .await
            .map_err(|error| self.wrong(&error))?;
        let rows = self
            .session
            .query_typed(
                include_str!("../../../sql/target/looked_at.sql"),
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

    fn collect(&self, rows: &[Row], inspection: &mut Inspection) {
        let at = self.statement.range.start;
        let views: Vec<String> = rows
            .iter()
            .filter(|row| matches!(row.get(2), "v" | "m"))
            .map(|row| row.get(1))
            .collect();
        for row in rows {
            let (schema, table, kind): (String, String, String) =
                (row.get(0), row.get(1), row.get(2));
            if schema == OWN {
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
                include_str!("../../../sql/target/functions.sql"),
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
        let nothing = vec![Bound(None); prepared.params().len()];
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
        // The tokens have lost their quotes: a name is what is written, or else what the server makes of it without them.
        let mut found = None;
        for written in [name.to_owned(), name.to_lowercase()] {
            let parts: Vec<String> = written.split('.').map(quoted).collect();
            let row = self
                .session
                .query_typed_opt(
                    include_str!("../../../sql/target/resolved.sql"),
                    &[(&parts.join("."), Type::TEXT)],
                )
                .await
                .map_err(|error| self.wrong(&error))?;
            found = found.or(row.map(|row| row.get(0)));
        }
        let plain = name.rsplit('.').next().unwrap_or(name);
        let first = self.scratch.own.as_deref().unwrap_or(self.server.shared());
        let schema: String = found.unwrap_or_else(|| {
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
