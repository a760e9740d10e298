//! Each database says the same trouble in its own number.

use super::*;

fn group(code: &str, native: Option<&str>, attempts: u64, retried: u64) -> FailedAttempts {
    FailedAttempts {
        code: code.to_owned(),
        native: native.map(str::to_owned),
        attempts,
        retried,
    }
}

#[test]
fn codes_mean_what_databases_mean_by_them() {
    let cases = [
        ("CAR0502", Some("5"), Some(Trouble::LockTimeout)),
        ("CAR0502", Some("6"), Some(Trouble::LockTimeout)),
        ("CAR0502", Some("517"), Some(Trouble::LockTimeout)),
        ("CAR0502", Some("262"), Some(Trouble::LockTimeout)),
        ("CAR0502", Some("7"), None),
        ("CAR0502", Some("17"), None),
        ("CAR0502", None, None),
        ("CAR0501", Some("5"), None),
        ("CAR0507", Some("5"), None),
        ("CAR0503", None, Some(Trouble::Timeout)),
        ("CAR0503", Some("9"), Some(Trouble::Timeout)),
        ("CAR0502", Some("40P01"), Some(Trouble::Deadlock)),
        ("CAR0502", Some("1205"), Some(Trouble::Deadlock)),
        ("CAR0502", Some("40001"), Some(Trouble::Serialisation)),
        ("CAR0502", Some("3960"), Some(Trouble::Serialisation)),
        ("CAR0502", Some("55P03"), Some(Trouble::LockTimeout)),
        ("CAR0502", Some("1222"), Some(Trouble::LockTimeout)),
        ("CAR0501", Some("25P02"), Some(Trouble::Uncommittable)),
        ("CAR0501", Some("3998"), Some(Trouble::Uncommittable)),
        ("CAR0501", Some("3930"), Some(Trouble::Uncommittable)),
        ("CAR0532", Some("503"), None),
    ];
    for (code, native, expected) in cases {
        assert_eq!(Trouble::of(code, native), expected, "{code} {native:?}");
    }
}

#[test]
fn figures_count_every_attempt_once_and_every_retry() {
    let failed = [
        group("CAR0502", Some("5"), 3, 2),
        group("CAR0502", Some("517"), 1, 1),
        group("CAR0502", Some("40P01"), 4, 4),
        group("CAR0502", Some("40001"), 5, 5),
        group("CAR0503", None, 2, 0),
        group("CAR0501", Some("3998"), 6, 0),
        group("CAR0501", Some("1"), 7, 1),
    ];
    let expected = Figures {
        deadlocks: 4,
        lock_timeouts: 4,
        escalations: 0,
        serialisation_failures: 5,
        timeouts: 2,
        uncommittable: 6,
        retries: 13,
    };
    assert_eq!(Figures::of(&failed), expected);
    assert!(!expected.is_zero());
    assert!(Figures::of(&[group("CAR0501", None, 1, 0)]).is_zero());
}
