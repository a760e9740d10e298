//! Bursts, the rate after them, and that callers do not touch each other.

use super::{CALLERS_MAX, Pace};

#[test]
fn a_burst_passes_and_then_the_rate_holds() {
    let mut pace = Pace::new(10);
    let passed = (0..100).filter(|_| pace.take("a", 0).is_ok()).count();
    assert_eq!(passed, 40, "four seconds' worth");
    assert_eq!(pace.take("b", 0), Ok(()), "another caller has their own");
    let wait = pace.take("a", 0).unwrap_err();
    assert_eq!(pace.take("a", wait - 1), Err(1));
    assert_eq!(pace.take("a", wait), Ok(()));
    let second = (0..100)
        .filter(|_| pace.take("a", wait + 1_000_000).is_ok())
        .count();
    assert_eq!(second, 10);
}

#[test]
fn callers_that_are_remembered_are_bounded() {
    let mut pace = Pace::new(1);
    for caller in 0..CALLERS_MAX {
        assert_eq!(pace.take(&caller.to_string(), 0), Ok(()));
    }
    assert!(pace.take("new", 0).is_err());
    assert_eq!(pace.take("1", 0), Ok(()), "who is known goes on");
    assert_eq!(
        pace.take("new", 3_000_000),
        Ok(()),
        "who rests is forgotten"
    );
    assert!(pace.due.len() < CALLERS_MAX);
}
