//! What tables lack for being shared by executions, and the statements that give it to them or take it away. Runs none of them.

use crate::target::name::{in_schema, quoted};
use crate::target::pool::Session;
use crate::target::stop::Stop;
use crate::target::template::{self, Found};
use crate::target::transaction::{LOCK_WAIT, Open};
use crate::target::{PostgresTarget, fault};
use carril_model::contract::{TableGap, TableLack, TableMigration, TargetError};
use carril_model::definition::Workspace;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::types::{ToSql, Type};

/// The longest look at a workspace's tables.
const TIME: Duration = Duration::from_secs(60);

/// What is known about a table that executions share.
struct Facts {
    /// The table, quoted, with its schema.
    table: String,
    /// The column that tells executions apart, as the table has it, if it is there.
    column: Option<String>,
    is_indexed: bool,
    /// Unique keys without the column, each as its columns.
    keys_without: Vec<String>,
    /// Indexes that have the column and that no constraint made, quoted, with their schema.
    indexes: Vec<String>,
    /// Whether a key has the column.
    is_in_key: bool,
}

impl Facts {
    async fn of(session: &Session, found: &Found, column: &str) -> Result<Self, Error> {
        let values: [(&(dyn ToSql + Sync), Type); 2] =
            [(&found.oid, Type::OID), (&column, Type::TEXT)];
        let row = session
            .query_typed_one(
                include_str!("../../../sql/target/column_facts.sql"),
                &values,
            )
            .await?;
        let indexes: Vec<String> = row.get(4);
        Ok(Self {
            table: in_schema(&found.schema, &found.name),
            column: row.get(0),
            is_indexed: row.get(2),
            keys_without: row.get(3),
            indexes: indexes
                .iter()
                .map(|index| in_schema(&found.schema, index))
                .collect(),
            is_in_key: row.get(5),
        })
    }

    /// Rows that are there already belong to no execution, so the column may be null.
    fn up(&self, column: &str) -> Vec<String> {
        let name = self.column.as_deref().unwrap_or(column);
        let mut statements = Vec::new();
        if self.column.is_none() {
            statements.push(format!(
                "alter table {} add column {} bigint",
                self.table,
                quoted(name)
            ));
        }
        if !self.is_indexed {
            statements.push(format!("create index on {} ({})", self.table, quoted(name)));
        }
        statements
    }

    /// The indexes first: what hangs on them is told then, and not with the column.
    fn down(&self) -> (Vec<String>, Option<String>) {
        let Some(column) = &self.column else {
            return (Vec::new(), None);
        };
        if self.is_in_key {
            let note = format!(
                "{} has {column} in a key: drop the key, or make it anew without the column, then drop the column",
                self.table
            );
            return (Vec::new(), Some(note));
        }
        let mut statements: Vec<String> = self
            .indexes
            .iter()
            .map(|index| format!("drop index {index}"))
            .collect();
        statements.push(format!(
            "alter table {} drop column {}",
            self.table,
            quoted(column)
        ));
        (statements, None)
    }

    /// A key that lacks the column stays in the way whatever is added.
    fn in_the_way(&self, column: &str) -> Option<String> {
        (!self.keys_without.is_empty()).then(|| {
            format!(
                "{} has a unique key without {column} ({}): make that key anew with {column} first in it",
                self.table,
                self.keys_without.join("; ")
            )
        })
    }
}

impl PostgresTarget {
    /// What each table of a workspace lacks; tables that are not there, and views, are told elsewhere.
    pub(in crate::target) async fn gaps(
        &self,
        workspace: &Workspace,
    ) -> Result<Vec<TableGap>, TargetError> {
        let column = workspace.column().unwrap_or_default();
        let mut gaps = Vec::new();
        for (table, facts) in self.facts(workspace, column).await? {
            let Looked::Table(facts) = facts else {
                continue;
            };
            let gap = |lack, statements| TableGap {
                table: table.clone(),
                lack,
                statements,
            };
            if facts.column.is_none() {
                gaps.push(gap(TableLack::Column, facts.up(column)));
            } else if !facts.is_indexed {
                gaps.push(gap(TableLack::Index, facts.up(column)));
            }
            for key in &facts.keys_without {
                let key = key.split(", ").map(str::to_owned).collect();
                gaps.push(gap(TableLack::InKey(key), Vec::new()));
            }
        }
        Ok(gaps)
    }

    /// The statements for every table of a workspace.
    pub(in crate::target) async fn migration(
        &self,
        workspace: &Workspace,
        back: bool,
    ) -> Result<Vec<TableMigration>, TargetError> {
        let column = workspace.column().unwrap_or_default();
        let mut migrations = Vec::new();
        for (table, facts) in self.facts(workspace, column).await? {
            let (statements, note) = match facts {
                Looked::Nothing => (
                    Vec::new(),
                    Some(format!(
                        "there is no table {table}: create it with a column {column}, first in its key or in an index"
                    )),
                ),
                Looked::Other => (
                    Vec::new(),
                    Some(format!("{table} is no table; list tables only")),
                ),
                Looked::Table(facts) if back => facts.down(),
                Looked::Table(facts) => (facts.up(column), facts.in_the_way(column)),
            };
            migrations.push(TableMigration {
                table,
                statements,
                note,
            });
        }
        Ok(migrations)
    }

    async fn facts(
        &self,
        workspace: &Workspace,
        column: &str,
    ) -> Result<Vec<(String, Looked)>, TargetError> {
        let stop = Stop::within(Arc::clone(&self.clock), TIME);
        let open = self
            .upkeep(LOCK_WAIT, &stop)
            .await
            .map_err(fault::as_target)?;
        let looked = self.facts_in(&open, workspace, column).await;
        open.roll_back().await;
        looked.map_err(|error| fault::target(&error, "looking at the workspace's tables: "))
    }

    async fn facts_in(
        &self,
        open: &Open,
        workspace: &Workspace,
        column: &str,
    ) -> Result<Vec<(String, Looked)>, Error> {
        let path = &open.path;
        let found = template::find(&open.session, &workspace.tables, path).await?;
        let mut all = Vec::new();
        for (table, found) in workspace.tables.iter().zip(found) {
            let looked = match found {
                None => Looked::Nothing,
                Some(found) if matches!(found.kind.as_str(), "r" | "p") => {
                    Looked::Table(Facts::of(&open.session, &found, column).await?)
                }
                Some(_) => Looked::Other,
            };
            all.push((table.clone(), looked));
        }
        Ok(all)
    }
}

/// What stands under a name.
enum Looked {
    Nothing,
    /// A view, or a table of another database.
    Other,
    Table(Facts),
}
