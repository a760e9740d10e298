//! Tokens and the log of deeds: kept by hash, ended for ever, bounded.

use super::House;
use carril_model::contract::{DEEDS_KEPT, DeedRow, Fault, NewDeed, NewToken, Role, TokenRow};
use carril_model::time::Timestamp;

fn token(name: &str, hash: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        role: Role::Operator,
        hash: hash.to_owned(),
        by: "ada".to_owned(),
        at: Timestamp(5),
        expires_at: Some(Timestamp(50)),
    }
}

fn deed(number: i64) -> NewDeed {
    NewDeed {
        at: Timestamp(number),
        who: "ada".to_owned(),
        role: Role::Admin,
        what: format!("POST /{number}"),
        from: "127.0.0.1".to_owned(),
    }
}

/// A token is found by the hash of its secret and by nothing else, and read back as it was.
pub fn a_token_is_found_by_its_hash(house: &mut House) {
    let (harness, book) = (&house.harness, &house.history);
    assert_eq!(harness.wait(book.has_tokens()), Ok(false));
    let id = harness
        .wait(book.add_token(&token("console", "aa")))
        .expect("it is kept");
    let wanted = TokenRow {
        id,
        name: "console".to_owned(),
        role: Role::Operator,
        created_by: "ada".to_owned(),
        created_at: Timestamp(5),
        expires_at: Some(Timestamp(50)),
        revoked_at: None,
    };
    assert_eq!(harness.wait(book.token_of("aa")), Ok(Some(wanted.clone())));
    assert_eq!(harness.wait(book.token_of("a")), Ok(None));
    assert_eq!(harness.wait(book.tokens()), Ok(vec![wanted]));
    assert_eq!(harness.wait(book.has_tokens()), Ok(true));
}

/// A name is taken until its token is revoked; a revoked token is remembered, so that a store that had one stays locked.
pub fn a_name_is_free_again_when_its_token_is_revoked(house: &mut House) {
    let (harness, book) = (&house.harness, &house.history);
    let add = |hash| harness.wait(book.add_token(&token("console", hash)));
    add("aa").expect("it is kept");
    assert!(matches!(add("bb"), Err(Fault::Conflict(_))));
    assert_eq!(harness.wait(book.token_of("bb")), Ok(None));
    let now = Timestamp(7);
    assert_eq!(harness.wait(book.revoke_token("other", now)), Ok(false));
    assert_eq!(harness.wait(book.revoke_token("console", now)), Ok(true));
    assert_eq!(harness.wait(book.revoke_token("console", now)), Ok(false));
    let revoked = harness.wait(book.token_of("aa")).expect("it is asked");
    let revoked = revoked.expect("it is remembered");
    assert_eq!(revoked.revoked_at, Some(now));
    assert!(!revoked.is_good(now));
    add("bb").expect("its name is free");
    let names = harness.wait(book.tokens()).expect("they are asked");
    let hashes: Vec<i64> = names.iter().map(|row| row.id).collect();
    assert!(hashes.is_sorted_by(|one, other| one > other), "{hashes:?}");
    assert_eq!(harness.wait(book.has_tokens()), Ok(true));
}

/// What is begun is there at once, and how it ended when it has; pages go on.
pub fn deeds_are_told_newest_first_with_how_they_ended(house: &mut House) {
    let (harness, book) = (&house.harness, &house.history);
    let begin = |number| {
        harness
            .wait(book.begin_deed(&deed(number)))
            .expect("it is kept")
    };
    let ids: Vec<i64> = (1..=3).map(begin).collect();
    let ended = harness.wait(book.end_deed(ids[1], 409, Some("CAR0422")));
    assert_eq!(ended, Ok(()));
    assert_eq!(harness.wait(book.end_deed(ids[0], 202, None)), Ok(()));
    let row = |at: usize, status, code: Option<&str>| DeedRow {
        id: ids[at],
        deed: deed(at as i64 + 1),
        status,
        code: code.map(str::to_owned),
    };
    let wanted = vec![row(2, None, None), row(1, Some(409), Some("CAR0422"))];
    assert_eq!(harness.wait(book.deeds(None, 2)), Ok(wanted));
    let rest = vec![row(0, Some(202), None)];
    assert_eq!(harness.wait(book.deeds(Some(ids[1]), 9)), Ok(rest));
}

/// The log is bounded: what lies too far behind the newest is forgotten when something is written.
pub fn old_deeds_are_forgotten(house: &mut House) {
    let first = {
        let (harness, book) = (&house.harness, &house.history);
        harness.wait(book.begin_deed(&deed(1))).expect("it is kept")
    };
    // As if more deeds than are kept had been written since.
    let far = first + DEEDS_KEPT + 5;
    house.raw(&format!(
        "INSERT INTO deed (id, at, who, role, what, came_from) VALUES ({far}, 1, 'ada', 'admin', 'GET /', '?')"
    ));
    let (harness, book) = (&house.harness, &house.history);
    harness.wait(book.begin_deed(&deed(2))).expect("it is kept");
    let left = harness.wait(book.deeds(None, 9)).expect("they are asked");
    let left: Vec<i64> = left.iter().map(|row| row.id).collect();
    assert!(!left.contains(&first) && left.contains(&far), "{left:?}");
}
