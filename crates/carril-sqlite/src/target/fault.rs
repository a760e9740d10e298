//! SQLite's errors in the words of the contracts: code, class, place.
//!
//! Decides what may go away by itself. Where an error says less than we know (a refused statement, a stopped one), the one
//! who knows writes the text; here are only SQLite's own words.

use super::stop::Why;
use carril_model::contract::{ErrorClass, StepError, TargetError};
use carril_model::definition::SqlText;
use rusqlite::ffi;
use std::ops::Range;

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
/// The file cannot be opened, read or written.
pub(crate) const UNREACHABLE: &str = "CAR0511";
/// Nobody knows what became of a commit.
pub(crate) const UNKNOWN: &str = "CAR0513";
/// The workspace cannot be made, or is damaged.
pub(crate) const WORKSPACE: &str = "CAR0516";
/// No space is left.
pub(crate) const FULL: &str = "CAR0517";

/// A table that executions share is not made for it.
pub(crate) const NOT_SHARED: &str = "CAR0520";

/// The extended result code, or 0 for an error of the library itself.
pub(crate) fn native(error: &rusqlite::Error) -> i32 {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            error.extended_code
        }
        _ => 0,
    }
}

/// The primary result code, or 0 for an error of the library itself.
pub(crate) fn primary(error: &rusqlite::Error) -> i32 {
    native(error) & 0xff
}

/// SQLite's words, without the SQL text that the library would repeat.
pub(crate) fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

/// The byte in the prepared text where the error is: as SQLite tells it, else where the name that it tells stands.
pub(crate) fn offset(error: &rusqlite::Error, text: &str) -> Option<usize> {
    match error {
        rusqlite::Error::SqlInputError { offset, .. } => usize::try_from(*offset).ok(),
        other => {
            let words = words(other);
            let (what, name) = words.split_once(": ")?;
            what.starts_with("no such ")
                .then(|| position_of(text, name))
                .flatten()
        }
    }
}

/// Where a name stands as a word of its own.
fn position_of(text: &str, name: &str) -> Option<usize> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Whether the file itself is damaged or is no database.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(primary(error), ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB)
}

/// Whether somebody else's lock is in the way.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(primary(error), ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED)
}

/// An error of SQL that a step runs, at a place of its text if that is known.
pub(crate) fn step(error: &rusqlite::Error, doing: &str) -> StepError {
    let (code, class) = match primary(error) {
        ffi::SQLITE_BUSY
        | ffi::SQLITE_LOCKED
        | ffi::SQLITE_SCHEMA
        | ffi::SQLITE_NOMEM
        | ffi::SQLITE_PROTOCOL => (BUSY, ErrorClass::Transient),
        ffi::SQLITE_FULL => (FULL, ErrorClass::Transient),
        ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN => (UNREACHABLE, ErrorClass::Transient),
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB | ffi::SQLITE_READONLY | ffi::SQLITE_PERM => {
            (UNREACHABLE, ErrorClass::Permanent)
        }
        _ => (SQL, ErrorClass::Permanent),
    };
    let mut fault = StepError::new(code, class, format!("{doing}{}", words(error)));
    fault.native = native_text(error);
    fault
}

/// The extended code as the trace shows it.
pub(crate) fn native_text(error: &rusqlite::Error) -> Option<String> {
    Some(native(error))
        .filter(|code| *code != 0)
        .map(|code| code.to_string())
}

/// The same for what is done outside a step.
pub(crate) fn target(error: &rusqlite::Error, doing: &str) -> TargetError {
    let text = format!("{doing}{}", words(error));
    if is_busy(error) {
        TargetError::Busy(text)
    } else {
        TargetError::Unreachable(text)
    }
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

/// `file:line:column` of a byte range.
pub(crate) fn place(sql: &SqlText, range: Range<usize>) -> String {
    let place = sql.place(range);
    format!("{}:{}:{}", place.file, place.line, place.column)
}

#[cfg(test)]
mod tests;
