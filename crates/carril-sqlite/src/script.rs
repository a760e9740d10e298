//! Runs a script of SQL statements over a database file, all of it or nothing: how samples and demos fill their databases.
//!
//! This is no step: it has no fence, no checkpoint and no workspace, and blocks the thread that calls it. The
//! connection lives as long as the call.

use carril_model::contract::TargetError;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::Value;
use rusqlite::{Batch, Connection, ErrorCode, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// How long to wait for another program that writes the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A value of a script's parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScriptValue<'a> {
    /// A whole number.
    Integer(i64),
    /// Text; also a date, as `YYYY-MM-DD`.
    Text(&'a str),
}

impl From<ScriptValue<'_>> for Value {
    fn from(value: ScriptValue<'_>) -> Self {
        match value {
            ScriptValue::Integer(number) => Self::Integer(number),
            ScriptValue::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

/// Runs all statements of `scripts`, one script after the other, in one transaction on the SQLite file at `path`.
///
/// The file is made when it is not there; one that the call itself made is removed when it fails. `parameters` are bound
/// by name, without the colon, wherever a statement has them; rows that a statement returns are passed over. Waits up to
/// 10 s for another program that writes.
///
/// # Errors
/// [`TargetError::Unreachable`] where the file cannot be opened or written, [`TargetError::Busy`] where somebody else
/// writes for too long, [`TargetError::Sql`] where a statement is refused. The file is then as it was before.
pub fn run_script(
    path: &Path,
    scripts: &[&str],
    parameters: &[(&str, ScriptValue<'_>)],
) -> Result<(), TargetError> {
    let was_there = path.exists();
    let result = run(path, scripts, parameters).map_err(|error| told(path, &error));
    if result.is_err() && !was_there {
        // The error that is on its way says more than a failed removal could.
        let _ = std::fs::remove_file(path);
    }
    result
}

fn run(
    path: &Path,
    scripts: &[&str],
    parameters: &[(&str, ScriptValue<'_>)],
) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for script in scripts {
        run_one(&transaction, script, parameters)?;
    }
    transaction.commit()
}

fn run_one(
    transaction: &Transaction<'_>,
    script: &str,
    parameters: &[(&str, ScriptValue<'_>)],
) -> rusqlite::Result<()> {
    let mut statements = Batch::new(transaction, script);
    while let Some(mut statement) = statements.next()? {
        for (name, value) in parameters {
            if let Some(index) = statement.parameter_index(&format!(":{name}"))? {
                statement.raw_bind_parameter(index, Value::from(*value))?;
            }
        }
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(())
}

fn told(path: &Path, error: &rusqlite::Error) -> TargetError {
    let unreachable = || {
        TargetError::Unreachable(format!(
            "the database `{}` cannot be written: {error}",
            path.display()
        ))
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let waited = BUSY_TIMEOUT.as_secs();
            TargetError::Busy(format!(
                "the database `{}` is locked by another program for more than {waited} s",
                path.display()
            ))
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull
            | ErrorCode::NotADatabase
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::SystemIoFailure
            | ErrorCode::PermissionDenied,
        ) => unreachable(),
        Some(_) => TargetError::Sql {
            message: error.to_string(),
            offset: None,
        },
        None => match error {
            rusqlite::Error::SqlInputError { msg, .. } => TargetError::Sql {
                message: msg.clone(),
                offset: None,
            },
            other => TargetError::Sql {
                message: other.to_string(),
                offset: None,
            },
        },
    }
}

#[cfg(test)]
mod tests;
