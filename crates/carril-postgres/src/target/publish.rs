//! Publishing: an execution's rows replace, in one transaction, what it has published before.
//!
//! The history table keeps the rows of every execution, with the execution's id first in its key. The `current` view shows
//! of each key the rows of the newest execution, and nothing of an execution that a newer one of the same lane (pipeline,
//! entity and parameters) has replaced: so a re-run that no longer has a row takes it away, and rolling it back brings
//! the earlier result forward, without rewriting anything.

mod history;

pub(crate) use history::{Place, ensure_entry, is_ready};

use super::fault;
use super::name::{in_schema, quoted, quoted_list, same};
use super::pool::{Server, Session};
use super::stop::Stop;
use super::template::{self, Column, columns_of};
use super::transaction::{LOCK_WAIT, Open};
use super::{PostgresTarget, transaction};
use carril_model::contract::{StepCall, StepDone, StepError, TableRows};
use carril_model::definition::{Publish, Workspace};
use carril_model::execution::Context;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_postgres::types::{ToSql, Type};

/// Most lists of published tables that are remembered as ready; one per pipeline in use.
const READY_MAX: usize = 64;

/// One attempt of publishing, ready to run.
pub(crate) struct PublishStep<'a> {
    call: &'a StepCall,
    entries: Vec<&'a Publish>,
    from: From<'a>,
}

/// Where the rows are that are published.
#[derive(Clone, Copy)]
pub(crate) enum From<'a> {
    /// In the lane's schema.
    Lane(&'a str),
    /// In tables that executions share, where this column tells whose they are.
    Shared(&'a str),
}

impl<'a> PublishStep<'a> {
    /// The entries that this step publishes; positions that the workspace does not have cannot come from a plan.
    pub(crate) fn new(
        call: &'a StepCall,
        workspace: &'a Workspace,
        entries: &[usize],
        from: From<'a>,
    ) -> Self {
        let entries = entries
            .iter()
            .filter_map(|at| workspace.publish.get(*at))
            .collect();
        Self {
            call,
            entries,
            from,
        }
    }

    /// Does the attempt in the transaction that is open; the fence is the caller's.
    ///
    /// # Errors
    /// `CAR0501` for a table that is gone or is somebody else's; else as the server says.
    pub(crate) async fn publish(
        &self,
        session: &Session,
        server: &Server,
        stop: &Stop<'_>,
    ) -> Result<StepDone, StepError> {
        let shared = server.shared();
        let lane = lane_identity(&self.call.context, &self.call.plan.definition().name);
        let mut rows = Vec::new();
        for entry in &self.entries {
            let place = Place::find(session, entry, shared).await?;
            let names = [entry.from.clone()];
            let schemas = match self.from {
                From::Lane(schema) => vec![schema.to_owned()],
                From::Shared(_) => server.path.clone(),
            };
            let found = template::find(session, &names, &schemas)
                .await
                .map_err(|error| failed(&error, entry))?;
            let Some(from) = found.into_iter().flatten().next() else {
                return Err(fault::refuse(format!(
                    "workspace table `{}` is gone, so it cannot be published",
                    entry.from
                )));
            };
            let from = in_schema(&from.schema, &from.name);
            let mut columns = columns_of(session, &from)
                .await
                .map_err(|error| failed(&error, entry))?;
            let from = self.rows_of(&from, &mut columns);
            ensure_entry(session, entry, &place, &columns).await?;
            let replaced = self.replace(session, (entry, &place), (&from, &columns), (&lane, stop));
            rows.push(replaced.await.map_err(|error| failed(&error, entry))?);
        }
        Ok(StepDone {
            output: None,
            rows,
            log: None,
        })
    }

    /// The execution's rows of a table, whose columns lose the one that tells executions apart.
    fn rows_of(&self, from: &str, columns: &mut Vec<Column>) -> String {
        let From::Shared(column) = self.from else {
            return from.to_owned();
        };
        let at = columns.iter().position(|there| same(&there.name, column));
        let own = at.map_or_else(|| column.to_owned(), |at| columns.remove(at).name);
        format!("{from} where {} = $1", quoted(&own))
    }

    async fn replace(
        &self,
        session: &Session,
        (entry, place): (&Publish, &Place),
        (from, columns): (&str, &[Column]),
        (lane, stop): (&str, &Stop<'_>),
    ) -> Result<TableRows, tokio_postgres::Error> {
        let (execution, now) = (self.call.execution().0, stop.now().0);
        let into = place.qualified();
        let deleted = session
            .execute_typed(
                &format!("delete from {into} where execution_id = $1"),
                &[(&execution, Type::INT8)],
            )
            .await?;
        let names = quoted_list(columns.iter().map(|column| column.name.as_str()));
        let insert = format!(
            "insert into {into} (execution_id, published_at, {names}) select $1, to_timestamp($2::double precision / 1000000), {names} from {from}"
        );
        let inserted = session
            .execute_typed(&insert, &[(&execution, Type::INT8), (&now, Type::INT8)])
            .await?;
        let name = place.publication_name();
        let values: [(&(dyn ToSql + Sync), Type); 4] = [
            (&name, Type::TEXT),
            (&execution, Type::INT8),
            (&lane, Type::TEXT),
            (&now, Type::INT8),
        ];
        session
            .execute_typed(
                include_str!("../../sql/target/publication_set.sql"),
                &values,
            )
            .await?;
        Ok(TableRows {
            table: entry.into.clone(),
            inserted,
            updated: 0,
            deleted,
        })
    }
}

impl PostgresTarget {
    /// What lanes publish into is there before the first lane begins: a later stage may read it although nobody has published.
    ///
    /// # Errors
    /// `CAR0501` when a table or view of that name is something else; `CAR0516` without the template; else as the server says.
    pub(super) async fn make_ready(
        &self,
        workspace: &Workspace,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        if workspace.publish.is_empty() {
            return Ok(());
        }
        let key = format!("{:?} {:?}", workspace.publish, workspace.isolation);
        let mut ready = self.ready.lock().await;
        if ready.contains(&key) {
            return Ok(());
        }
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        let made = self.ensure_all(&open, workspace).await;
        open.end(made).await?;
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.insert(key);
        Ok(())
    }

    /// Makes what is missing of all entries; nothing is locked when nothing is missing.
    async fn ensure_all(&self, open: &Open, workspace: &Workspace) -> Result<(), StepError> {
        let session = &open.session;
        let server = self.pool.server(session).await?;
        let mut missing = false;
        let mut entries = Vec::new();
        for entry in &workspace.publish {
            let place = Place::find(session, entry, server.shared()).await?;
            let columns =
                template_columns(session, entry, &server.path, workspace.column()).await?;
            missing |= !is_ready(session, entry, &place, &columns).await?;
            entries.push((entry, columns));
        }
        if !missing {
            return Ok(());
        }
        transaction::ddl_alone(session).await?;
        for (entry, columns) in entries {
            // Somebody else may have made it meanwhile.
            let place = Place::find(session, entry, server.shared()).await?;
            ensure_entry(session, entry, &place, &columns).await?;
        }
        Ok(())
    }
}

/// The columns of a template, as published rows have them: without the one that tells executions apart, if one does.
///
/// # Errors
/// `CAR0516` when it is not there.
pub(crate) async fn template_columns(
    session: &Session,
    entry: &Publish,
    path: &[String],
    column: Option<&str>,
) -> Result<Vec<Column>, StepError> {
    let names = [entry.from.clone()];
    let found = template::templates(session, &names, path).await?;
    let table = in_schema(&found[0].schema, &found[0].name);
    let mut columns = columns_of(session, &table)
        .await
        .map_err(|error| fault::step(&error, "reading a workspace table: "))?;
    columns.retain(|there| column.is_none_or(|column| !same(&there.name, column)));
    Ok(columns)
}

/// What a newer execution must share with an older one to replace it: pipeline, entity and parameters, as JSON.
fn lane_identity(context: &Context, pipeline: &str) -> String {
    let params: BTreeMap<&String, &Value> = context.params.iter().collect();
    json!([pipeline, context.entity_key.as_deref(), params]).to_string()
}

fn failed(error: &tokio_postgres::Error, entry: &Publish) -> StepError {
    fault::step(
        error,
        &format!("publishing `{}` into `{}`: ", entry.from, entry.into),
    )
}
