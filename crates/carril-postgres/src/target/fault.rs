//! PostgreSQL's errors in the words of the contracts: code, class, place.
//!
//! Decides by SQLSTATE what may go away by itself. Where an error says less than we know (a statement that was stopped, a
//! commit that nobody answered), the one who knows writes the text; here are only the server's own words.

use super::stop::Why;
use super::text::Written;
use carril_model::contract::{ErrorClass, StepError, TargetError};
use carril_model::definition::SqlText;
use std::error::Error as _;
use std::ops::Range;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

/// SQL is wrong, or broke a rule of the database.
pub(crate) const SQL: &str = "CAR0501";
/// Somebody else holds what is needed.
pub(crate) const BUSY: &str = "CAR0502";
/// A newer claim or attempt owns the step.
pub(crate) const FENCED: &str = "CAR0504";
/// The step's output is too large, or not JSON.
pub(crate) const OUTPUT: &str = "CAR0508";
/// A value is missing or cannot be bound.
pub(crate) const VALUE: &str = "CAR0510";
/// The server cannot be reached, or the connection was lost.
pub(crate) const UNREACHABLE: &str = "CAR0511";
/// Nobody knows what became of a commit.
pub(crate) const UNKNOWN: &str = "CAR0513";
/// The workspace cannot be made, or is gone.
pub(crate) const WORKSPACE: &str = "CAR0516";
/// No space is left.
pub(crate) const FULL: &str = "CAR0517";

/// Most characters of what tells where inside a function an error is.
const WITHIN_CHARS: usize = 200;

/// Code and class of an error by its SQLSTATE.
pub(crate) fn class_of(state: &str) -> (&'static str, ErrorClass) {
    use ErrorClass::{Permanent, Transient};
    match (state, state.get(..2).unwrap_or_default()) {
        // Deadlock, serialisation, lock time-out, an object in use.
        ("40001" | "40P01" | "55P03" | "55006", _) => (BUSY, Transient),
        ("40003", _) => (UNKNOWN, ErrorClass::OutcomeUnknown),
        ("53100", _) => (FULL, Transient),
        // Too many connections, memory, a server that is going down or comes up, a session that was ended.
        (_, "53") => (BUSY, Transient),
        ("25P03" | "25P04" | "57P01" | "57P02" | "57P03" | "57P05", _) | (_, "08" | "58") => {
            (UNREACHABLE, Transient)
        }
        ("XX001" | "XX002" | "3D000" | "57P04", _) | (_, "28") => (UNREACHABLE, Permanent),
        _ => (SQL, Permanent),
    }
}

/// Whether nobody is at the other end any more: nothing more can be asked on this connection.
pub(crate) fn is_lost(error: &Error) -> bool {
    match error.as_db_error() {
        Some(told) => matches!(
            told.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        ),
        None => error.is_closed() || io_of(error).is_some(),
    }
}

fn io_of(error: &Error) -> Option<&std::io::Error> {
    error.source().and_then(|cause| cause.downcast_ref())
}

/// Whether a statement was cancelled, by a time-out or by hand; the server does not tell which.
pub(crate) fn is_cancelled(error: &Error) -> bool {
    error.code() == Some(&SqlState::QUERY_CANCELED)
}

/// The server's words, with what it knows besides.
pub(crate) fn words(error: &Error) -> String {
    let Some(told) = error.as_db_error() else {
        return match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
    };
    let mut words = told.message().to_owned();
    if is_cancelled(error) {
        words.push_str(" (by hand, or by a time-out of the server's own)");
    }
    let class = told.code().code().get(..2).unwrap_or_default();
    // What a deadlock or a lock is about names processes; elsewhere the detail shows values of rows, which are nobody's business.
    if let Some(detail) = told.detail().filter(|_| matches!(class, "40" | "55")) {
        words.push_str("; ");
        words.push_str(&detail.replace('\n', "; "));
    }
    if let Some(hint) = told.hint().filter(|_| class == "42") {
        words.push_str("; ");
        words.push_str(hint);
    }
    name_constraint(told, &mut words);
    // Where it happened inside what was called: the server names function and line there, the innermost first.
    if let Some(within) = told.where_().and_then(|within| within.lines().next()) {
        words.push_str("; ");
        words.extend(within.chars().take(WITHIN_CHARS));
    }
    words
}

/// Names constraint and table where the message does not.
fn name_constraint(told: &DbError, words: &mut String) {
    let table = told.table().unwrap_or_default();
    if let Some(constraint) = told.constraint().filter(|name| !words.contains(name)) {
        words.push_str(&format!(" (constraint \"{constraint}\" of \"{table}\")"));
    } else if !table.is_empty() && !words.contains(table) {
        words.push_str(&format!(" (table \"{table}\")"));
    }
}

/// An error of SQL that a step runs.
pub(crate) fn step(error: &Error, doing: &str) -> StepError {
    let state = error.code().map(SqlState::code);
    let (code, class) = match state {
        Some(state) => class_of(state),
        None if is_lost(error) => (UNREACHABLE, ErrorClass::Transient),
        None if error.to_string().contains("connecting") => (UNREACHABLE, ErrorClass::Transient),
        None => (SQL, ErrorClass::Permanent),
    };
    let mut fault = StepError::new(code, class, format!("{doing}{}", words(error)));
    fault.native = state.map(str::to_owned);
    fault
}

/// An error of one of a step's statements, with its place.
pub(crate) fn statement(
    error: &Error,
    sql: &SqlText,
    written: &Written,
    range: Range<usize>,
) -> StepError {
    let mut fault = step(error, "");
    let at = position(error).map(|position| written.source(position));
    fault.place = Some(place(sql, at.map_or(range, |at| at..at + 1)));
    if fault.native.as_deref() == Some("2D000") {
        fault.message.push_str(
            "; a procedure that commits by itself needs `effects = \"at_least_once\"` in its step",
        );
    }
    fault
}

/// Where in the text sent the server sees the error.
pub(crate) fn position(error: &Error) -> Option<u32> {
    match error.as_db_error()?.position()? {
        ErrorPosition::Original(position) => Some(*position),
        ErrorPosition::Internal { .. } => None,
    }
}

/// The same for what is done outside a step.
pub(crate) fn target(error: &Error, doing: &str) -> TargetError {
    as_target(step(error, doing))
}

/// A step's error as an error of the target, for work that both do.
pub(crate) fn as_target(error: StepError) -> TargetError {
    match error.code.as_str() {
        BUSY => TargetError::Busy(error.message),
        _ => TargetError::Unreachable(error.message),
    }
}

/// A step that was stopped; what it did is rolled back.
pub(crate) fn stopped(why: Why) -> StepError {
    match why {
        Why::Cancelled => StepError::new(
            "CAR0505",
            ErrorClass::Cancelled,
            "it was asked to stop; its transaction was rolled back",
        ),
        Why::Deadline => StepError::new(
            "CAR0503",
            ErrorClass::Timeout,
            "it did not end in its time; its transaction was rolled back",
        ),
    }
}

/// The step is somebody else's now.
pub(crate) fn fenced() -> StepError {
    StepError::new(
        FENCED,
        ErrorClass::Fenced,
        "a newer claim or attempt owns this step; nothing of this attempt was kept",
    )
}

/// What cannot be done as the pipeline says it.
pub(crate) fn refuse(text: impl Into<String>) -> StepError {
    StepError::new(SQL, ErrorClass::Permanent, text)
}

/// The workspace cannot be made, and trying again will not help.
pub(crate) fn unmade(text: impl Into<String>) -> StepError {
    StepError::new(WORKSPACE, ErrorClass::Permanent, text)
}

/// `file:line:column` of a byte range.
pub(crate) fn place(sql: &SqlText, range: Range<usize>) -> String {
    let place = sql.place(range);
    format!("{}:{}:{}", place.file, place.line, place.column)
}

#[cfg(test)]
mod tests;
