//! Who is the same blocker, and that no value of a statement is ever told.

use super::*;
use proptest::prelude::*;

fn session(pid: i32, state: &str) -> Blocker {
    Blocker::Session(Box::new(Session {
        pid,
        user: Some("ana".to_owned()),
        application: Some("psql".to_owned()),
        state: Some(state.to_owned()),
        ..Session::default()
    }))
}

fn wait(table: Option<&str>, blocker: Blocker) -> LockWait {
    LockWait {
        target: "funds".to_owned(),
        table: table.map(str::to_owned),
        kind: "transactionid".to_owned(),
        mode: "ShareLock".to_owned(),
        pid: 7,
        since: Timestamp(1),
        blocker,
        through: Vec::new(),
        deadlock: false,
    }
}

#[test]
fn a_blocker_that_changes_its_state_is_the_same_and_one_with_another_process_is_not() {
    let first = wait(Some("positions"), session(3, "active"));
    assert!(first.is_same_wait(&wait(Some("positions"), session(3, "idle in transaction"))));
    assert!(!first.is_same_wait(&wait(Some("positions"), session(4, "active"))));
    assert!(!first.is_same_wait(&wait(Some("prices"), session(3, "active"))));
    let ours = Blocker::Execution {
        execution: ExecutionId(9),
        step: "a/b".to_owned(),
        pid: 3,
    };
    // A pooled connection serves one execution after the other.
    assert!(!first.is_same_wait(&wait(Some("positions"), ours)));
}

#[test]
fn blockers_read_well_in_lists() {
    assert_eq!(session(3, "active").to_string(), "psql (user ana, pid 3)");
    let nobody = Blocker::Session(Box::new(Session {
        pid: 5,
        ..Session::default()
    }));
    assert_eq!(nobody.to_string(), "session (pid 5)");
    assert_eq!(wait(None, nobody).about(), "a transaction");
}

#[test]
fn the_chain_goes_on_with_the_nearest_execution() {
    let ours = |execution| Blocker::Execution {
        execution: ExecutionId(execution),
        step: "a/b".to_owned(),
        pid: 3,
    };
    let mut chain = wait(Some("positions"), ours(9));
    assert_eq!(chain.next_execution(), Some(ExecutionId(9)));
    chain.through = vec![session(4, "active"), ours(8)];
    assert_eq!(chain.next_execution(), Some(ExecutionId(8)));
    chain.blocker = session(5, "active");
    chain.through.clear();
    assert_eq!(chain.next_execution(), None);
}

#[test]
fn what_is_told_of_a_wait_is_read_back_as_it_was() {
    let mut told = wait(Some("positions"), session(3, "active"));
    told.through = vec![Blocker::Prepared];
    told.deadlock = true;
    let text = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<LockWait>(&text).unwrap(), told);
}

#[test]
fn values_of_statements_are_not_told() {
    for (sql, words) in [
        (
            "update positions set amount = 12.5 where fund = 'F001'",
            "update positions set amount = ? where fund = ?",
        ),
        ("select E'it\\'s 7', x1 from t2", "select ?, x1 from t2"),
        ("select 'it''s', $1, $$a 'b' 3$$", "select ?, $1, ?"),
        ("select $tag$ 5 $$ 6 $tag$ + 7", "select ? + ?"),
        ("delete -- of 5 rows\n from \"T 1\"", "delete from \"T 1\""),
        ("/* a /* 1 */ 2 */ vacuum", "vacuum"),
        ("insert into t values ('open", "insert into t values (?"),
        (
            "update t set a = 17 where f = 'F001';",
            "update t set a = ? where f = ?",
        ),
        ("lock   table\n\tt ;; ", "lock table t"),
        ("", ""),
    ] {
        assert_eq!(redacted(sql), words, "{sql}");
    }
}

#[test]
fn long_statements_are_cut() {
    let told = redacted(&"select column_name from table_name; ".repeat(100));
    assert!(told.chars().count() > QUERY_CHARS - 3, "{told}");
    assert!(told.ends_with('…'), "{told}");
}

proptest! {
    #[test]
    fn no_digit_outside_a_word_and_no_text_is_ever_shown(
        secret in "[a-z]{12}", number in 1_000_000_000u64.., before in "[a-z ,=(]{0,20}", after in ".{0,40}",
    ) {
        let told = redacted(&format!("{before} '{secret}' {number} {after}"));
        prop_assert!(!told.contains(&secret) || after.contains(&secret) || before.contains(&secret));
        prop_assert!(!told.contains(&number.to_string()));
    }

    #[test]
    fn any_text_is_taken(sql in "\\PC*|['\"$/*\\\\a1 -]{0,60}") {
        prop_assert!(redacted(&sql).chars().count() <= QUERY_CHARS);
    }
}
