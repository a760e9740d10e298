//! What the database says, as the few faults that the contract knows.
//!
//! Retry decisions depend on this table, so every SQLSTATE that means something to them is named; the rest falls to
//! `Unavailable`: better an engine that enters again than one that takes a write for done.

use crate::driver::Gone;
use carril_model::contract::Fault;
use tokio_postgres::Error;

/// Turns a database error into the fault that the contract has for it.
pub(crate) fn fault(error: &Error) -> Fault {
    of_state(
        error.code().map(tokio_postgres::error::SqlState::code),
        told(error),
    )
}

/// The fault for an SQLSTATE; without one the connection is lost.
fn of_state(state: Option<&str>, words: String) -> Fault {
    let Some(state) = state else {
        return Fault::Unavailable(words);
    };
    match state {
        // Two transactions in each other's way, a lock or a statement that took too long, no connection left: nothing was
        // done, and the same again may work.
        "40001" | "40P01" | "55P03" | "57014" | "53300" => Fault::Busy(words),
        // Damaged pages and indexes; and tables that are gone, which only happens to a store that somebody else changed.
        "XX001" | "XX002" | "42P01" | "42703" | "3F000" => Fault::Corrupt(words),
        _ if state.starts_with("23") => Fault::Conflict(words),
        // Among these: the server shuts down or was restarted (57P01 to 57P03, 08...), became a standby (25006), has no disk
        // or memory left (53100, 53200), or ended our session (25P03, 25P04).
        _ => Fault::Unavailable(words),
    }
}

/// What became of a transaction whose COMMIT failed: nobody knows, unless the server says that it lost to another.
pub(crate) fn commit_fault(error: &Error) -> Fault {
    let state = error.code().map(tokio_postgres::error::SqlState::code);
    match state {
        Some("40001" | "40P01") => Fault::Busy(told(error)),
        _ => match fault(error) {
            corrupt @ Fault::Corrupt(_) => corrupt,
            _ => Fault::Unavailable(format!("the commit failed: {}", told(error))),
        },
    }
}

/// The server's own words, with their code; the client's, with their cause, where it was not the server that spoke.
pub(crate) fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
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
