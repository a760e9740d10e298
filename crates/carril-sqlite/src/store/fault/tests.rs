//! Each database code that matters, and the fault it must be.

use super::{commit_fault, fault};
use carril_model::contract::Fault;
use rusqlite::{Error, ffi};

fn of(code: i32) -> Error {
    Error::SqliteFailure(ffi::Error::new(code), None)
}

fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::LostLease => "lost",
        Fault::Conflict(_) => "conflict",
        Fault::Busy(_) => "busy",
        Fault::Unavailable(_) => "unavailable",
        Fault::Corrupt(_) => "corrupt",
        Fault::Version { .. } => "version",
    }
}

#[test]
fn codes_become_the_faults_that_the_contract_names() {
    let table = [
        (ffi::SQLITE_BUSY, "busy"),
        (ffi::SQLITE_BUSY_SNAPSHOT, "busy"),
        (ffi::SQLITE_LOCKED, "busy"),
        (ffi::SQLITE_FULL, "unavailable"),
        (ffi::SQLITE_IOERR, "unavailable"),
        (ffi::SQLITE_READONLY, "unavailable"),
        (ffi::SQLITE_CANTOPEN, "unavailable"),
        (ffi::SQLITE_INTERRUPT, "unavailable"),
        (ffi::SQLITE_CORRUPT, "corrupt"),
        (ffi::SQLITE_NOTADB, "corrupt"),
        (ffi::SQLITE_CONSTRAINT_UNIQUE, "conflict"),
    ];
    for (code, expected) in table {
        assert_eq!(kind(&fault(&of(code))), expected, "code {code}");
    }
    assert_eq!(kind(&fault(&Error::QueryReturnedNoRows)), "corrupt");
}

#[test]
fn a_failed_commit_is_unknown_and_never_a_conflict() {
    for code in [
        ffi::SQLITE_FULL,
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_CONSTRAINT,
    ] {
        assert_eq!(kind(&commit_fault(&of(code))), "unavailable", "code {code}");
    }
    assert_eq!(kind(&commit_fault(&of(ffi::SQLITE_BUSY))), "busy");
}
