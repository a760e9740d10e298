//! The server's words about a deadlock.

use super::*;

const WORDS: &str = "deadlock detected; Process 71 waits for ShareLock on transaction 5; blocked by process 82.; \
    Process 82 waits for ShareLock on transaction 6; blocked by process 71.; while updating tuple (0,1) in relation \"positions\"";

#[test]
fn the_failed_side_learns_who_blocked_it_and_where() {
    let found = circle(WORDS, 71, |_| false).unwrap();
    assert_eq!((found.by, found.table.as_deref()), (82, Some("positions")));
    assert_eq!(found.mode.as_deref(), Some("ShareLock"));
    assert_eq!(found.kind.as_deref(), Some("transactionid"));
    assert_eq!(circle(WORDS, 82, |_| false).unwrap().by, 71);
}

#[test]
fn in_another_language_a_number_that_is_known_is_the_other_side() {
    let words = "Verklemmung entdeckt; Prozess 71 wartet auf ShareLock-Sperre auf Transaktion 5; blockiert von Prozess 82.";
    let found = circle(words, 71, |pid| pid == 82).unwrap();
    assert_eq!((found.by, found.table), (82, None));
    assert_eq!(circle(words, 71, |_| false), None);
}
