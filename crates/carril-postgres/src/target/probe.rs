//! What can be told of a database by looking: that it is there, what it is, and whether it can be written. Nothing is changed.

use super::{PostgresTarget, fault};
use carril_model::contract::TargetError;

impl PostgresTarget {
    pub(super) async fn look(&self) -> Result<String, TargetError> {
        let looked = async {
            let session = self.pool.session().await?;
            let server = self.pool.server(&session).await?;
            let row = session
                .query_typed_one(include_str!("../../sql/target/probe.sql"), &[])
                .await
                .map_err(|error| fault::step(&error, "looking at the database: "))?;
            session.is_as_before();
            let (version, database, tables): (String, String, i64) =
                (row.get(0), row.get(1), row.get(2));
            // Distributions write more behind the version than anybody wants to know here.
            let version = version.split(' ').next().unwrap_or_default();
            let access = if row.get(3) { ", read-only" } else { "" };
            Ok(format!(
                "PostgreSQL {version}, database {database}, schema {}, {tables} tables{access}",
                server.shared()
            ))
        };
        looked
            .await
            .map_err(|error: carril_model::contract::StepError| {
                TargetError::Unreachable(error.message)
            })
    }
}
