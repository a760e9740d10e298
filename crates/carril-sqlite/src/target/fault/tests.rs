//! Which codes and classes SQLite's results become, and where a name is found in a text.

use super::*;

fn failure(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some("words".to_owned()))
}

#[test]
fn what_may_go_away_is_told_from_what_will_not() {
    let table = [
        (ffi::SQLITE_BUSY, "CAR0502", ErrorClass::Transient),
        (ffi::SQLITE_BUSY_SNAPSHOT, "CAR0502", ErrorClass::Transient),
        (ffi::SQLITE_LOCKED, "CAR0502", ErrorClass::Transient),
        (ffi::SQLITE_FULL, "CAR0517", ErrorClass::Transient),
        (ffi::SQLITE_IOERR_FSYNC, "CAR0511", ErrorClass::Transient),
        (ffi::SQLITE_CANTOPEN, "CAR0511", ErrorClass::Transient),
        (ffi::SQLITE_READONLY, "CAR0511", ErrorClass::Permanent),
        (ffi::SQLITE_CORRUPT, "CAR0511", ErrorClass::Permanent),
        (ffi::SQLITE_NOTADB, "CAR0511", ErrorClass::Permanent),
        (ffi::SQLITE_ERROR, "CAR0501", ErrorClass::Permanent),
        (ffi::SQLITE_AUTH, "CAR0501", ErrorClass::Permanent),
        (
            ffi::SQLITE_CONSTRAINT_UNIQUE,
            "CAR0501",
            ErrorClass::Permanent,
        ),
        (ffi::SQLITE_MISMATCH, "CAR0501", ErrorClass::Permanent),
    ];
    for (code, expected, class) in table {
        let fault = step(&failure(code), "doing: ");
        assert_eq!((fault.code.as_str(), fault.class), (expected, class));
        assert_eq!(fault.message, "doing: words");
        assert_eq!(fault.native, Some(code.to_string()));
    }
}

#[test]
fn names_are_found_as_whole_words() {
    let at = |message: &str, text: &str| {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(1), Some(message.to_owned()));
        offset(&error, text)
    };
    assert_eq!(
        at(
            "no such table: t",
            "select tt, t_t from (select 1) at, t where 1"
        ),
        Some(35)
    );
    assert_eq!(at("no such table: t", "select 1"), None);
    assert_eq!(at("something else: t", "select t"), None);
    assert_eq!(at("no such table: größe", "select * from größe"), Some(14));
}
