//! The one transaction of a part: begin, work, fence, commit (P5).
//!
//! Shared by SQL steps and publishing. Knows what each way to fail means for the outcome: before COMMIT everything is
//! rolled back and known; a COMMIT that fails by itself is rolled back too, unless the disk failed under it.

use super::fault;
use super::fence::{Begun, Key};
use super::stop::{Stop, Why};
use carril_model::contract::{ErrorClass, StepDone, StepError};
use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};

/// Whose transaction it is: names its failpoints.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Sql,
    Publish,
}

/// Begins, has the work done, writes the fence and commits; or leaves nothing behind.
///
/// Without a key nothing is fenced, and a file that cannot be written can still be read.
///
/// # Errors
/// What the work says; `CAR0504` when fenced; `CAR0513` when nobody knows whether the commit was done.
pub(crate) fn transact(
    connection: &Connection,
    part: Part,
    key: Option<&Key>,
    stop: &Stop,
    work: impl FnOnce(&Connection) -> Result<StepDone, StepError>,
) -> Result<StepDone, StepError> {
    let writable = !connection.is_readonly("main").unwrap_or(false);
    if let Some(key) = key
        && let Begun::Done(done) = waiting(stop, || key.begin(connection))?
    {
        return Ok(done);
    }
    let transaction = begin(connection, writable, stop)?;
    let done = work(&transaction)?;
    if let Some(key) = key {
        key.finish(&transaction, &done, stop.now())?;
    }
    match part {
        Part::Sql => fail::fail_point!("target::sql::before_commit"),
        Part::Publish => fail::fail_point!("target::publish::before_commit"),
    }
    stop.commit_begins().map_err(fault::stopped)?;
    transaction.commit().map_err(|error| uncommitted(&error))?;
    match part {
        Part::Sql => fail::fail_point!("target::sql::after_commit"),
        Part::Publish => fail::fail_point!("target::publish::after_commit"),
    }
    Ok(done)
}

/// Begins a transaction, waiting for whoever holds the lock.
pub(crate) fn begin<'c>(
    connection: &'c Connection,
    writable: bool,
    stop: &Stop,
) -> Result<Transaction<'c>, StepError> {
    let behavior = if writable {
        TransactionBehavior::Immediate
    } else {
        TransactionBehavior::Deferred
    };
    waiting(stop, || {
        Transaction::new_unchecked(connection, behavior)
            .map_err(|error| fault::step(&error, "beginning the transaction: "))
    })
}

/// Tries again while another program's lock is in the way, until most of the time that is left has gone: the rest is for
/// saying so. SQLite sleeps inside each try, for a few milliseconds.
pub(crate) fn waiting<T>(
    stop: &Stop,
    mut work: impl FnMut() -> Result<T, StepError>,
) -> Result<T, StepError> {
    let until = stop.lock_wait_ends();
    loop {
        let error = match work() {
            Err(error) if is_locked(&error) => error,
            outcome => return outcome,
        };
        stop.check()
            .or_else(|why| {
                if why == Why::Deadline {
                    Ok(())
                } else {
                    Err(why)
                }
            })
            .map_err(fault::stopped)?;
        if stop.now() >= until {
            return Err(locked(error));
        }
    }
}

/// Only where SQLite itself has slept before it gave up; anything else would be tried again without a pause.
fn is_locked(error: &StepError) -> bool {
    let native = error
        .native
        .as_deref()
        .and_then(|native| native.parse::<i32>().ok());
    native.is_some_and(|native| native & 0xff == ffi::SQLITE_BUSY)
}

fn locked(error: StepError) -> StepError {
    let words =
        "another program holds the write lock of the database file, and SQLite cannot tell which";
    StepError {
        message: format!("{words} ({})", error.message),
        ..error
    }
}

/// What a failed COMMIT means. While the transaction is still open, nothing was written; a disk that failed may have taken
/// the commit all the same.
fn uncommitted(error: &rusqlite::Error) -> StepError {
    let mut fault = fault::step(error, "committing: ");
    if matches!(fault::primary(error), ffi::SQLITE_IOERR) {
        fault.code = fault::UNKNOWN.to_owned();
        fault.class = ErrorClass::OutcomeUnknown;
        fault.message = format!(
            "the disk failed while the commit was written, so nobody knows whether it is done: {}",
            fault::words(error)
        );
    }
    fault
}
