//! Counting and removing an execution's rows from tables that executions share, and closing one run for the next.

use super::shared_tables;
use crate::target::name::{in_schema, quoted, same};
use crate::target::stop::Stop;
use crate::target::template::{Found, columns_of};
use crate::target::transaction::{LOCK_WAIT, Once, Open};
use crate::target::{PostgresTarget, fault};
use carril_model::contract::{StepError, TableRows, Whose};
use carril_model::definition::Workspace;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

impl PostgresTarget {
    /// Rows of an execution in the tables of a workspace, for those that have any. A table that has lost its column has none.
    pub(in crate::target) async fn count_shared(
        &self,
        open: &Open,
        workspace: &Workspace,
        whose: Whose,
    ) -> Result<Vec<TableRows>, StepError> {
        let mut rows = Vec::new();
        for (found, column) in self.shared(open, workspace).await? {
            let count = format!(
                "select count(*) from {} where {} = $1",
                in_schema(&found.schema, &found.name),
                quoted(&column)
            );
            let row = open
                .session
                .query_typed_one(&count, &[(&whose.execution.0, Type::INT8)])
                .await
                .map_err(|error| {
                    fault::step(&error, &format!("counting rows of `{}`: ", found.name))
                })?;
            let deleted = row.get::<_, i64>(0).unsigned_abs();
            if deleted > 0 {
                rows.push(TableRows {
                    table: found.name,
                    inserted: 0,
                    updated: 0,
                    deleted,
                });
            }
        }
        Ok(rows)
    }

    /// The shared tables with the column as each has it.
    async fn shared(
        &self,
        open: &Open,
        workspace: &Workspace,
    ) -> Result<Vec<(Found, String)>, StepError> {
        let server = self.pool.server(&open.session).await?;
        let column = workspace.column().unwrap_or_default();
        let mut tables = Vec::new();
        for found in shared_tables(&open.session, server, workspace).await? {
            let table = in_schema(&found.schema, &found.name);
            let columns = columns_of(&open.session, &table)
                .await
                .map_err(|error| fault::step(&error, "looking at a shared table: "))?;
            if let Some(there) = columns.into_iter().find(|there| same(&there.name, column)) {
                tables.push((found, there.name));
            }
        }
        Ok(tables)
    }

    /// Removes an execution's rows from some tables of a workspace, or from all; those that others refer to go last.
    pub(in crate::target) async fn remove_shared(
        &self,
        workspace: &Workspace,
        only: Option<&[String]>,
        whose: Whose,
        stop: &Stop<'_>,
    ) -> Result<(), StepError> {
        let open = self.upkeep(LOCK_WAIT, stop).await?;
        let tables = self.shared(&open, workspace).await;
        let mut left = open.end(tables).await?;
        left.retain(|(found, _)| {
            only.is_none_or(|only| only.iter().any(|name| same(name, &found.name)))
        });
        let all = only.is_none();
        loop {
            if left.is_empty() && all {
                return self.note_emptied(whose, stop).await;
            }
            let mut referred = Vec::new();
            let before = left.len();
            for (found, column) in left {
                let table = in_schema(&found.schema, &found.name);
                let removed = self
                    .remove_batches(&table, &quoted(&column), whose, stop)
                    .await;
                match removed {
                    // Rows of another table still refer to these.
                    Err(error)
                        if error.native.as_deref()
                            == Some(SqlState::FOREIGN_KEY_VIOLATION.code()) =>
                    {
                        referred.push(((found, column), error));
                    }
                    outcome => outcome?,
                }
            }
            if referred.len() == before {
                // Nothing went in this round, so nothing will in the next.
                return referred.pop().map_or(Ok(()), |(_, error)| Err(error));
            }
            left = referred.into_iter().map(|(table, _)| table).collect();
        }
    }

    /// Notes that nothing is left, which comes last: until then whoever looks for what an interrupted removal left finds it.
    async fn note_emptied(&self, whose: Whose, stop: &Stop<'_>) -> Result<(), StepError> {
        let once = Once {
            statement: include_str!("../../../sql/target/workspace_emptied.sql"),
            values: &[(&whose.execution.0, Type::INT8)],
            what: "noting that a workspace is empty: ",
        };
        self.once(&once, LOCK_WAIT, stop).await.map(|_| ())
    }
}
