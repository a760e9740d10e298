//! Tables that executions share, told apart by a column: a step sees and touches its own execution's rows alone.
//!
//! While a step runs, temporary views of the tables' names stand before them, since the server looks for names among temporary
//! ones first. A view shows the execution's rows, refuses every other row that would be written through it, and gives new rows the
//! execution's id; where the step's text never names the column a second view hides it. The server itself rewrites what is done to
//! them. Past the views lead only names with a schema, which are refused, and functions that write them.

mod gaps;
mod remove;

use super::fault;
use super::name::{in_schema, literal, quoted, quoted_list, same};
use super::pool::{Server, Session};
use super::template::{self, Found, columns_of};
use carril_model::contract::{ErrorClass, StepError};
use carril_model::definition::Workspace;
use carril_model::sql::Script;

/// A table that executions share is not made for it.
pub(crate) const NOT_SHARED: &str = "CAR0520";

/// Whose rows of which tables a step works on.
pub(crate) struct Whom<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) column: &'a str,
    pub(crate) execution: i64,
}

/// Why a script leads past the views, with the byte where it does.
pub(crate) fn past_views(
    script: &Script,
    server: &Server,
    workspace: &Workspace,
) -> Option<(String, usize)> {
    let words = script.text().to_ascii_lowercase();
    if let Some(at) = words.find("search_path") {
        let text = "where executions share tables, a step's SQL may not set `search_path`, by which it finds its own rows";
        return Some((text.to_owned(), at));
    }
    let mut schemas = server.path.iter();
    schemas.find_map(|schema| {
        let mut named = script.names_in(schema);
        let (table, at) = named.find(|(name, _)| workspace.tables.iter().any(|table| same(table, name)))?;
        let text = format!(
            "`{schema}.{table}` has rows of all executions; name `{table}` without a schema to work on the step's own"
        );
        Some((text, at))
    })
}

/// Has the execution's own rows stand for the shared tables, until the end of the session's transaction or its clearing.
///
/// # Errors
/// `CAR0520` for a table that is missing, is a view, or lacks the column; else as the server says.
pub(crate) async fn show(
    session: &Session,
    server: &Server,
    script: &Script,
    whom: &Whom<'_>,
) -> Result<(), StepError> {
    let failed = |error| fault::step(&error, "showing the execution's own rows: ");
    let is_named = script.names().any(|(name, _)| same(name, whom.column));
    let mut statements = Vec::new();
    for found in shared_tables(session, server, whom.workspace).await? {
        let table = in_schema(&found.schema, &found.name);
        let columns = columns_of(session, &table).await.map_err(failed)?;
        let Some(column) = columns.iter().find(|there| same(&there.name, whom.column)) else {
            return Err(unshared(format!(
                "table `{}` has no column `{}`, by which executions are told apart; `carril workspace migrate` prints how it gets one",
                found.name, whom.column
            )));
        };
        let others = columns.iter().filter(|there| there.name != column.name);
        let others = quoted_list(others.map(|there| there.name.as_str()));
        let inner = if is_named {
            found.name.clone()
        } else {
            format!("carril_rows_{}", found.oid)
        };
        let (inner, own) = (quoted(&inner), quoted(&column.name));
        let id = literal(&whom.execution.to_string());
        let shown = if others.is_empty() {
            own.clone()
        } else {
            format!("{others}, {own}")
        };
        statements.push(format!(
            "create temp view {inner} with (check_option = cascaded) as select {shown} from {table} where {own} = {id}"
        ));
        statements.push(format!(
            "alter view pg_temp.{inner} alter column {own} set default {id}"
        ));
        if !is_named {
            statements.push(format!(
                "create temp view {} with (check_option = cascaded) as select {others} from pg_temp.{inner}",
                quoted(&found.name)
            ));
        }
    }
    session
        .batch_execute(&statements.join(";\n"))
        .await
        .map_err(failed)
}

/// The tables of a workspace that executions share.
///
/// # Errors
/// `CAR0520` for one that is missing or is a view.
pub(crate) async fn shared_tables(
    session: &Session,
    server: &Server,
    workspace: &Workspace,
) -> Result<Vec<Found>, StepError> {
    let found = template::templates(session, &workspace.tables, &server.path).await;
    found.map_err(|error| {
        if error.code == fault::WORKSPACE {
            unshared(error.message)
        } else {
            error
        }
    })
}

fn unshared(text: String) -> StepError {
    StepError::new(NOT_SHARED, ErrorClass::Permanent, text)
}
