//! What statements are looked at with: tables of a lane's own and of what will be published, in schemas that never come to be.
//!
//! All of it is made in the transaction of one look and goes with it.

use super::wrong;
use crate::target::column::{self, Whom};
use crate::target::name::{quoted, quoted_list, same};
use crate::target::pool::{Server, Session};
use crate::target::publish::{Place, ensure_entry, is_ready, template_columns};
use crate::target::template::{self, Copy};
use crate::target::transaction::Open;
use crate::target::upkeep::create_own_tables;
use crate::target::{PostgresTarget, fault};
use carril_model::contract::TargetError;
use carril_model::definition::{Publish, Workspace};
use carril_model::sql::Script;

/// The schemas of one look: they never come to be.
pub(super) struct Scratch {
    /// The lane's own tables; empty where a step has none.
    pub(super) own: Option<String>,
    /// What will be published.
    pub(super) published: String,
    /// The views of what will be published.
    pub(super) views: Vec<String>,
    /// Shared tables of which a step has its own rows.
    pub(super) rows_of: Vec<String>,
}

impl Scratch {
    /// Whether a table, or what a step has of it, is the execution's own.
    pub(super) fn is_own(&self, schema: &str, table: &str) -> bool {
        self.own.as_deref() == Some(schema) || self.rows_of.iter().any(|own| same(own, table))
    }
}

impl PostgresTarget {
    /// Makes what a look needs.
    pub(super) async fn scratch(
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
        let own_first = scratch.own.as_deref().into_iter();
        let then = (!published.is_empty()).then_some(scratch.published.as_str());
        let path = own_first
            .chain(then)
            .chain(server.path.iter().map(String::as_str));
        session
            .batch_execute(&format!("set local search_path = {}", quoted_list(path)))
            .await
            .map_err(failed)?;
        Ok(scratch)
    }
}

/// Has no execution's rows stand for the shared tables, as a step's own would.
pub(super) async fn show_rows(
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
