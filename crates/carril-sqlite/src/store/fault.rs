//! What the database says, as the few faults that the contract knows.
//!
//! Retry decisions depend on this table, so every code is named or falls to `Unavailable`: better an engine that enters
//! again than one that takes a write for done.

use crate::driver::Gone;
use carril_model::contract::Fault;
use rusqlite::{Error, ErrorCode};

/// Turns a database error into the fault that the contract has for it.
pub(crate) fn fault(error: &Error) -> Fault {
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Fault::Busy(error.to_string()),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                Fault::Corrupt(error.to_string())
            }
            ErrorCode::ConstraintViolation => Fault::Conflict(error.to_string()),
            _ => Fault::Unavailable(error.to_string()),
        },
        // A value that is not what its column promises, or a row that must be there and is not.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..)
        | Error::QueryReturnedNoRows => Fault::Corrupt(error.to_string()),
        _ => Fault::Unavailable(error.to_string()),
    }
}

/// What became of a group whose COMMIT failed: nobody knows, unless the database says that it only waited in vain.
pub(crate) fn commit_fault(error: &Error) -> Fault {
    match fault(error) {
        busy @ Fault::Busy(_) => busy,
        corrupt @ Fault::Corrupt(_) => corrupt,
        other => Fault::Unavailable(format!("the commit failed: {other}")),
    }
}

/// The thread that owns the connection is gone, or the work on it panicked.
pub(crate) fn gone(_: Gone) -> Fault {
    Fault::Unavailable(Gone.to_string())
}

/// A stored value that no version of this program writes.
pub(crate) fn damaged(what: impl Into<String>) -> Fault {
    Fault::Corrupt(what.into())
}

/// Lets `?` turn database errors into faults.
pub(crate) trait OrFault<T> {
    /// The same, with the fault of the contract.
    fn or_fault(self) -> Result<T, Fault>;
}

impl<T> OrFault<T> for Result<T, Error> {
    fn or_fault(self) -> Result<T, Fault> {
        self.map_err(|error| fault(&error))
    }
}

#[cfg(test)]
mod tests;
