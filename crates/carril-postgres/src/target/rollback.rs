//! Rolling an execution back: its published rows, its bookkeeping, its workspaces, and a count that nothing is left.
//!
//! The caller has raised the execution's token. Here its workspaces are shut first and the sessions that still work for it ended,
//! so that whoever comes late is refused by the fence; then it is taken back that the execution has published, which hides all
//! its rows from the `current` views at once; then the rows go in batches. Killed in between, a second call goes on.

use super::name::{in_schema, same};
use super::publish::Place;
use super::stop::Stop;
use super::transaction::{LOCK_WAIT, Open};
use super::{PostgresTarget, fault, template};
use carril_model::contract::{StepError, TableRows, TargetError, Whose};
use carril_model::definition::{Definition, Workspace};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::types::Type;

/// Most rows that one transaction removes.
const BATCH_ROWS: i64 = 10_000;
/// The longest rollback.
const TIME: Duration = Duration::from_secs(3_600);

impl PostgresTarget {
    /// Counts what a rollback would remove; tables without such rows are left out.
    pub(super) async fn count_rows(
        &self,
        definition: &Definition,
        whose: Whose,
    ) -> Result<Vec<TableRows>, TargetError> {
        let Some(workspace) = self.workspace(definition) else {
            return Ok(Vec::new());
        };
        let stop = Stop::within(Arc::clone(&self.clock), TIME);
        let open = self
            .upkeep(LOCK_WAIT, &stop)
            .await
            .map_err(fault::as_target)?;
        let counted = self.count_in(&open, workspace, whose).await;
        // Counting changes nothing, so it need not be kept.
        open.roll_back().await;
        counted.map_err(fault::as_target)
    }

    async fn count_in(
        &self,
        open: &Open,
        workspace: &Workspace,
        whose: Whose,
    ) -> Result<Vec<TableRows>, StepError> {
        let mut found = self.count_published(open, workspace, whose).await?;
        found.retain(|rows| rows.deleted > 0);
        found.extend(if workspace.column().is_some() {
            self.count_shared(open, workspace, whose).await?
        } else {
            self.count_in_workspaces(open, workspace, whose).await?
        });
        Ok(found)
    }

    /// Rows of an execution in the history tables that there are.
    async fn count_published(
        &self,
        open: &Open,
        workspace: &Workspace,
        whose: Whose,
    ) -> Result<Vec<TableRows>, StepError> {
        let mut found = Vec::new();
        for (table, into) in self.histories(open, workspace).await? {
            let count = format!("select count(*) from {into} where execution_id = $1");
            let row = open
                .session
                .query_typed_one(&count, &[(&whose.execution.0, Type::INT8)])
                .await
                .map_err(|error| counting(&error, &table))?;
            found.push(TableRows {
                table,
                inserted: 0,
                updated: 0,
                deleted: row.get::<_, i64>(0).unsigned_abs(),
            });
        }
        Ok(found)
    }

    /// The history tables of a workspace that are there and have the column of an execution: name and what SQL calls it.
    async fn histories(
        &self,
        open: &Open,
        workspace: &Workspace,
    ) -> Result<Vec<(String, String)>, StepError> {
        let shared = self.pool.server(&open.session).await?.shared();
        let mut tables: BTreeMap<String, String> = BTreeMap::new();
        for entry in &workspace.publish {
            let into = Place::find(&open.session, entry, shared).await?.qualified();
            let columns = template::columns_of(&open.session, &into)
                .await
                .map_err(|error| counting(&error, &entry.into))?;
            if columns.iter().any(|column| column.name == "execution_id") {
                tables.entry(into).or_insert_with(|| entry.into.clone());
            }
        }
        Ok(tables
            .into_iter()
            .map(|(into, table)| (table, into))
            .collect())
    }

    /// Rows in the workspaces of an execution, of all runs together, per workspace table that has any.
    async fn count_in_workspaces(
        &self,
        open: &Open,
        workspace: &Workspace,
        whose: Whose,
    ) -> Result<Vec<TableRows>, StepError> {
        if !self.has_own_tables(&open.session).await? {
            return Ok(Vec::new());
        }
        let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
        for lane in self.runs_of(open, whose).await? {
            let schema = lane.schema();
            let found = template::find(
                &open.session,
                &workspace.tables,
                std::slice::from_ref(&schema),
            );
            let found = found.await.map_err(|error| counting(&error, &schema))?;
            for table in &workspace.tables {
                let mut there = found.iter().flatten();
                let Some(there) = there.find(|there| same(&there.name, table)) else {
                    continue;
                };
                let count = format!("select count(*) from {}", in_schema(&schema, &there.name));
                let row = open
                    .session
                    .query_typed_one(&count, &[])
                    .await
                    .map_err(|error| counting(&error, table))?;
                *rows.entry(table).or_default() += row.get::<_, i64>(0).unsigned_abs();
            }
        }
        let rows = rows.into_iter().filter(|(_, deleted)| *deleted > 0);
        Ok(rows
            .map(|(table, deleted)| TableRows {
                table: table.to_owned(),
                inserted: 0,
                updated: 0,
                deleted,
            })
            .collect())
    }

    /// Removes all of an execution and tells what was there.
    pub(super) async fn remove_rows(
        &self,
        definition: &Definition,
        whose: Whose,
    ) -> Result<Vec<TableRows>, TargetError> {
        let stop = Stop::within(Arc::clone(&self.clock), TIME);
        let outcome = async {
            let open = self.upkeep(LOCK_WAIT, &stop).await?;
            let there = self.has_own_tables(&open.session).await;
            if !open.end(there).await? {
                // Nobody has ever done anything here.
                return Ok(Vec::new());
            }
            self.shut_workspaces(whose, &stop).await?;
            let rows = match self.workspace(definition) {
                Some(workspace) => {
                    let open = self.upkeep(LOCK_WAIT, &stop).await?;
                    let counted = self.count_in(&open, workspace, whose).await;
                    open.end(counted).await?
                }
                None => Vec::new(),
            };
            self.remove_own(whose, &stop).await?;
            if let Some(workspace) = self.workspace(definition) {
                self.remove_published(workspace, whose, &stop).await?;
                if workspace.column().is_some() {
                    self.remove_shared(workspace, None, whose, &stop).await?;
                    return Ok(rows);
                }
            }
            self.drop_schemas(whose, &stop).await?;
            Ok(rows)
        };
        outcome.await.map_err(fault::as_target)
    }

    /// Takes back that the execution has published, and shuts out whoever still does a step of it.
    async fn remove_own(&self, whose: Whose, stop: &Stop<'_>) -> Result<(), StepError> {
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        let removed = async {
            for statement in [
                include_str!("../../sql/target/publication_remove.sql"),
                include_str!("../../sql/target/fence_raise.sql"),
            ] {
                open.session
                    .execute_typed(statement, &[(&whose.execution.0, Type::INT8)])
                    .await
                    .map_err(|error| removing(&error))?;
            }
            Ok(())
        };
        let removed = removed.await;
        open.end(removed).await
    }

    /// Removes published rows in batches, and counts that none is left.
    async fn remove_published(
        &self,
        workspace: &Workspace,
        whose: Whose,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        let histories = self.histories(&open, workspace).await;
        for (_, into) in open.end(histories).await? {
            self.remove_batches(&into, "execution_id", whose, stop)
                .await?;
        }
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        let left = self.count_published(&open, workspace, whose).await;
        let left: u64 = open.end(left).await?.iter().map(|rows| rows.deleted).sum();
        if left == 0 {
            return Ok(());
        }
        Err(StepError::new(
            fault::BUSY,
            carril_model::contract::ErrorClass::Transient,
            format!(
                "{left} rows of execution {} came back while it was rolled back; roll it back again",
                whose.execution
            ),
        ))
    }

    /// Removes an execution's rows from a table, so many in a transaction.
    pub(super) async fn remove_batches(
        &self,
        table: &str,
        column: &str,
        whose: Whose,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        // In order of their place, so that two who remove the same rows never wait for each other both.
        let delete = format!(
            "delete from {table} where {column} = $1 and ctid = any (array(
                select ctid from {table} where {column} = $1 order by ctid limit {BATCH_ROWS} for update
            ))"
        );
        loop {
            let open = self.upkeep(LOCK_WAIT, stop).await?;
            let deleted = open
                .session
                .execute_typed(&delete, &[(&whose.execution.0, Type::INT8)])
                .await
                .map_err(|error| removing(&error));
            if i64::try_from(open.end(deleted).await?).unwrap_or(i64::MAX) < BATCH_ROWS {
                return Ok(());
            }
        }
    }
}

fn counting(error: &tokio_postgres::Error, table: &str) -> StepError {
    fault::step(error, &format!("counting rows of `{table}`: "))
}

fn removing(error: &tokio_postgres::Error) -> StepError {
    fault::step(error, "removing what the execution published: ")
}
