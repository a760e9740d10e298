//! Publishing: an execution's rows replace, in one transaction, what it has published before.
//!
//! The history table keeps the rows of every execution, with the execution's id first in its key. The `current` view shows
//! of each key the rows of the newest execution, and nothing of an execution that a newer one of the same lane (pipeline,
//! entity and parameters) has replaced: so a re-run that no longer has a row takes it away, and rolling it back brings
//! the earlier result forward, without rewriting anything.

mod history;

pub(crate) use history::{ensure, ensure_entry};

use super::fault;
use super::fence::Key;
use super::guard::Guard;
use super::name::{LANE, is_engine_table, quoted, quoted_list, read_only_uri, same};
use super::shared;
use super::stop::Stop;
use super::template::{Column, columns_of};
use super::transaction::{Part, transact};
use carril_model::contract::{ErrorClass, StepCall, StepDone, StepError, TableRows};
use carril_model::definition::{Publish, Workspace};
use carril_model::execution::Context;
use carril_model::time::Timestamp;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One attempt of publishing, ready to run.
pub(crate) struct PublishStep {
    pub(crate) call: StepCall,
    pub(crate) entries: Vec<Publish>,
    pub(crate) from: From,
}

/// Where the rows are that are published.
pub(crate) enum From {
    /// In the lane's file.
    Lane(PathBuf),
    /// In the shared file's tables, where this column tells whose they are.
    Shared(String),
}

impl PublishStep {
    /// The entries that this step publishes; positions that the workspace does not have cannot come from a plan.
    pub(crate) fn new(
        call: &StepCall,
        workspace: &Workspace,
        entries: &[usize],
        from: From,
    ) -> Self {
        let entries = entries
            .iter()
            .filter_map(|at| workspace.publish.get(*at).cloned())
            .collect();
        Self {
            call: call.clone(),
            entries,
            from,
        }
    }

    /// Does the attempt on the shared file's connection.
    pub(crate) fn run(
        &self,
        connection: &Connection,
        guard: &Arc<Guard>,
        stop: &Arc<Stop>,
    ) -> Result<StepDone, StepError> {
        stop.begin(connection.get_interrupt_handle())
            .map_err(fault::stopped)?;
        let _stoppable = guard.stopped_by(stop);
        create_before(connection, stop)?;
        if let From::Lane(file) = &self.from {
            let attach = format!("attach ?1 as {LANE}");
            connection
                .execute(&attach, [read_only_uri(file)])
                .map_err(|error| {
                    let doing = format!("reading the workspace {}: ", file.display());
                    fault::step(&error, &doing)
                })?;
        }
        let done = transact(
            connection,
            Part::Publish,
            Some(&Key::of(&self.call)),
            stop,
            |connection| self.publish(connection, stop),
        );
        if matches!(self.from, From::Shared(_)) {
            return done;
        }
        connection
            .execute_batch(&format!("detach {LANE}"))
            .map_err(|error| fault::step(&error, "detaching the workspace: "))?;
        done
    }

    fn publish(&self, connection: &Connection, stop: &Stop) -> Result<StepDone, StepError> {
        let lane = lane_identity(&self.call.context, &self.call.plan.definition().name);
        let published_at = time_text(stop.now());
        let mut rows = Vec::new();
        for entry in &self.entries {
            let columns = match &self.from {
                From::Lane(_) => columns_of(connection, LANE, &entry.from),
                From::Shared(column) => shared_columns(connection, &entry.from, Some(column)),
            };
            let columns = columns.map_err(|error| failed(&error, entry, stop))?;
            if columns.is_empty() {
                return Err(refuse(format!(
                    "workspace table `{}` is gone, so it cannot be published",
                    entry.from
                )));
            }
            ensure_entry(connection, entry, &columns)?;
            rows.push(
                self.replace(connection, entry, &columns, &lane, &published_at)
                    .map_err(|error| failed(&error, entry, stop))?,
            );
        }
        Ok(StepDone {
            output: None,
            rows,
            log: None,
        })
    }

    fn replace(
        &self,
        connection: &Connection,
        entry: &Publish,
        columns: &[Column],
        lane: &str,
        published_at: &str,
    ) -> rusqlite::Result<TableRows> {
        let execution = self.call.execution().0;
        let (into, from) = (quoted(&entry.into), quoted(&entry.from));
        let names = quoted_list(columns.iter().map(|column| column.name.as_str()));
        let deleted = connection.execute(
            &format!("delete from main.{into} where execution_id = ?1"),
            [execution],
        )?;
        let rows = match &self.from {
            From::Lane(_) => format!("{LANE}.{from}"),
            From::Shared(column) => format!("main.{from} where {} = ?1", quoted(column)),
        };
        let insert = format!(
            "insert into main.{into} (execution_id, published_at, {names}) select ?1, ?2, {names} from {rows}"
        );
        let inserted = connection.execute(&insert, params![execution, published_at])?;
        let note = include_str!("../../sql/target/publication_set.sql");
        connection.prepare_cached(note)?.execute(params![
            publication_name(&entry.into),
            execution,
            lane,
            published_at
        ])?;
        Ok(TableRows {
            table: entry.into.clone(),
            inserted: inserted as u64,
            updated: 0,
            deleted: deleted as u64,
        })
    }
}

/// The fence's table must be there before an attempt that is not the first looks into it.
fn create_before(connection: &Connection, stop: &Stop) -> Result<(), StepError> {
    let failed = |error: rusqlite::Error| fault::step(&error, "making Carril's tables: ");
    let there = shared::object(connection, "carril_fence")
        .map_err(failed)?
        .is_some()
        && shared::object(connection, "carril_publication")
            .map_err(failed)?
            .is_some();
    if there {
        return Ok(());
    }
    let transaction = super::transaction::begin(connection, true, stop)?;
    shared::create_own_tables(&transaction).map_err(failed)?;
    transaction.commit().map_err(failed)
}

/// Makes the fence's table in the shared file for a step that runs there.
pub(crate) fn create_own(connection: &Connection, stop: &Stop) -> Result<(), StepError> {
    create_before(connection, stop)
}

/// How the bookkeeping calls a history table: names are the same in either case of letters.
pub(crate) fn publication_name(into: &str) -> String {
    into.to_ascii_lowercase()
}

/// The history tables of a workspace, each once.
pub(crate) fn history_tables(workspace: &Workspace) -> Vec<String> {
    let mut tables: BTreeMap<String, String> = BTreeMap::new();
    for entry in &workspace.publish {
        tables
            .entry(publication_name(&entry.into))
            .or_insert_with(|| entry.into.clone());
    }
    tables
        .into_values()
        .filter(|table| !is_engine_table(table))
        .collect()
}

/// What a newer execution must share with an older one to replace it: pipeline, entity and parameters, as JSON.
fn lane_identity(context: &Context, pipeline: &str) -> String {
    let params: BTreeMap<&String, &Value> = context.params.iter().collect();
    json!([pipeline, context.entity_key.as_deref(), params]).to_string()
}

fn time_text(now: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(now.0) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        Err(_) => now.0.to_string(),
    }
}

fn failed(error: &rusqlite::Error, entry: &Publish, stop: &Stop) -> StepError {
    if fault::primary(error) == rusqlite::ffi::SQLITE_INTERRUPT
        && let Err(why) = stop.check()
    {
        return fault::stopped(why);
    }
    fault::step(
        error,
        &format!("publishing `{}` into `{}`: ", entry.from, entry.into),
    )
}

pub(crate) fn refuse(text: String) -> StepError {
    StepError::new(fault::SQL, ErrorClass::Permanent, text)
}

/// The columns of a table of the shared file without the one that tells executions apart, if one does.
pub(crate) fn shared_columns(
    connection: &Connection,
    from: &str,
    column: Option<&str>,
) -> rusqlite::Result<Vec<Column>> {
    let mut columns = columns_of(connection, "main", from)?;
    columns.retain(|there| column.is_none_or(|column| !same(&there.name, column)));
    Ok(columns)
}

/// The columns of a template in the shared file, as published rows have them.
pub(crate) fn template_columns(
    connection: &Connection,
    shared: &Path,
    from: &str,
    column: Option<&str>,
) -> Result<Vec<Column>, StepError> {
    let columns = shared_columns(connection, from, column)
        .map_err(|error| fault::step(&error, "reading a workspace table: "))?;
    if columns.is_empty() {
        return Err(super::template::unmade(format!(
            "workspace table `{from}` does not exist in {}",
            shared.display()
        )));
    }
    Ok(columns)
}
