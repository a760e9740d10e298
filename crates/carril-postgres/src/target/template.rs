//! Tables like others: a lane's own after the shared ones, a run's after those of the run before.
//!
//! The server writes the statements (`template_statements.sql`), with its own quoting; here they are asked for and told in
//! errors. Triggers, row security and foreign keys to other tables do not come along.

use super::fault;
use super::pool::Session;
use carril_model::contract::StepError;
use tokio_postgres::types::{ToSql, Type};

/// A table as it is found by a pipeline's name.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    /// As the server writes it.
    pub(crate) name: String,
    /// `pg_class.relkind`.
    pub(crate) kind: String,
}

/// Looks names up in schemas, in the order of the names.
///
/// # Errors
/// As the server says.
pub(crate) async fn find(
    session: &Session,
    names: &[String],
    schemas: &[String],
) -> Result<Vec<Option<Found>>, tokio_postgres::Error> {
    let values: [(&(dyn ToSql + Sync), Type); 2] =
        [(&names, Type::TEXT_ARRAY), (&schemas, Type::TEXT_ARRAY)];
    let rows = session
        .query_typed(include_str!("../../sql/target/template_find.sql"), &values)
        .await?;
    let found = rows.iter().map(|row| {
        Some(Found {
            oid: row.get::<_, Option<u32>>(1)?,
            schema: row.get(2),
            name: row.get(3),
            kind: row.get(4),
        })
    });
    Ok(found.collect())
}

/// The templates of a workspace's tables.
///
/// # Errors
/// `CAR0516` for one that is missing or is no table.
pub(crate) async fn templates(
    session: &Session,
    tables: &[String],
    schemas: &[String],
) -> Result<Vec<Found>, StepError> {
    let found = find(session, tables, schemas)
        .await
        .map_err(|error| fault::step(&error, "reading the workspace's tables: "))?;
    let shared = schemas.first().map_or("", String::as_str);
    tables
        .iter()
        .zip(found)
        .map(|(table, found)| match found {
            None => Err(fault::unmade(format!(
                "workspace table `{table}` does not exist in schema `{shared}`; create it there, empty, as the template of each lane's own"
            ))),
            Some(found) => match found.kind.as_str() {
                "r" | "p" => Ok(found),
                "f" => Err(fault::unmade(format!(
                    "workspace table `{table}` is a foreign table; list tables of this database only"
                ))),
                _ => Err(fault::unmade(format!(
                    "workspace table `{table}` is a view; list tables only"
                ))),
            },
        })
        .collect()
}

/// What is to be made like what.
pub(crate) struct Copy<'a> {
    /// The tables, whose schema is first in the search path.
    pub(crate) tables: &'a [u32],
    /// The schema to make them in.
    pub(crate) into: &'a str,
    /// Whether their rows come along, and of which they do not.
    pub(crate) rows: Option<&'a [u32]>,
}

impl Copy<'_> {
    /// The statements, one after the other.
    ///
    /// # Errors
    /// As the server says.
    pub(crate) async fn statements(
        &self,
        session: &Session,
    ) -> Result<Vec<String>, tokio_postgres::Error> {
        let (copies, cleared) = (self.rows.is_some(), self.rows.unwrap_or_default());
        let values: [(&(dyn ToSql + Sync), Type); 4] = [
            (&self.tables, Type::OID_ARRAY),
            (&self.into, Type::TEXT),
            (&copies, Type::BOOL),
            (&cleared, Type::OID_ARRAY),
        ];
        let text = include_str!("../../sql/target/template_statements.sql");
        let rows = session.query_typed(text, &values).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As the server writes its type.
    pub(crate) kind: String,
    pub(crate) not_null: bool,
}

/// The columns of a table; none if it is not there.
///
/// # Errors
/// As the server says.
pub(crate) async fn columns_of(
    session: &Session,
    table: &str,
) -> Result<Vec<Column>, tokio_postgres::Error> {
    let rows = session
        .query_typed(
            include_str!("../../sql/target/columns.sql"),
            &[(&table, Type::TEXT)],
        )
        .await?;
    let columns = rows.iter().map(|row| Column {
        name: row.get(0),
        kind: row.get(1),
        not_null: row.get(2),
    });
    Ok(columns.collect())
}
