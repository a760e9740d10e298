//! Whose a schema is, decided from what was found of it.

use super::{Found, Next, decide, mark};

fn found(comment: Option<&str>, things: i64, own: bool) -> Found {
    Found {
        comment: comment.map(str::to_owned),
        things,
        own,
    }
}

#[test]
fn only_what_is_free_or_this_stores_is_used() {
    let ours = mark("carril");
    for (found, expected) in [
        (None, Ok(Next::Make)),
        (Some(found(Some(&ours), 5, true)), Ok(Next::Renew)),
        (Some(found(Some(&ours), 9, false)), Ok(Next::Renew)),
        (Some(found(None, 0, true)), Ok(Next::Take)),
        (
            Some(found(Some("of the old system"), 0, true)),
            Ok(Next::Take),
        ),
        (Some(found(None, 0, false)), Err("another user")),
        (Some(found(None, 3, true)), Err("in it: 3")),
        (
            Some(found(Some(&mark("other")), 5, true)),
            Err("another store"),
        ),
        (
            Some(found(Some(&mark("other")), 0, true)),
            Err("another store"),
        ),
    ] {
        match (decide(found.as_ref(), "carril"), expected) {
            (Ok(next), Ok(expected)) => assert_eq!(next, expected, "{found:?}"),
            (Err(why), Err(part)) => assert!(why.contains(part), "{found:?}: {why}"),
            (decided, expected) => panic!("{found:?}: {decided:?}, not {expected:?}"),
        }
    }
}
