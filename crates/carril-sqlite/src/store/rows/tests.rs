//! What is written can be read back.

use super::{account, sums_json};
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::time::Timestamp;
use rusqlite::Connection;

#[test]
fn an_account_reads_back_as_it_was_written() {
    let connection = Connection::open_in_memory().unwrap();
    let mut expected = TimeAccount::open(Cause::plain(CauseKind::Queued), Timestamp(5));
    for (at, kind) in CauseKind::ALL.iter().enumerate() {
        let at = i64::try_from(at).unwrap();
        let mut statement = connection.prepare("SELECT 0, ?1, ?2, ?3, ?4").unwrap();
        let cause = expected.cause().clone();
        let values = rusqlite::params![
            cause.kind.name(),
            cause.about,
            expected.since().0,
            sums_json(&expected)
        ];
        let read = statement
            .query_row(values, |row| Ok(account(row, 1).unwrap()))
            .unwrap();
        assert_eq!(read, expected);
        expected.switch(Cause::about(*kind, "x \" ü"), Timestamp(10 + at * 7));
    }
}
