//! What a step's SQL would touch, told by the server itself while it plans each statement.
//!
//! In a transaction that is rolled back: the tables that a lane has to itself are made there, empty, in a schema of that
//! transaction, and every statement is planned, never run; what the server has locked for the plan is what it would read and
//! write. Statements that make or change tables are run where they touch nothing but that schema, so that later ones find
//! what they make. What only shows when it runs (procedures, triggers, functions) is told as not seen.

mod scratch;
mod statement;

use super::pool::{Server, Session};
use super::stop::Stop;
use super::text::{Numbers, Written, refusal};
use super::transaction::LOCK_WAIT;
use super::{PostgresTarget, fault};
use carril_model::contract::{Inspection, TargetError};
use carril_model::definition::{Publish, SqlText, Workspace};
use carril_model::sql::Script;
use scratch::{Scratch, show_rows};
use statement::One;
use std::sync::Arc;
use std::time::Duration;

/// The longest look at one step.
const TIME: Duration = Duration::from_secs(60);

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
