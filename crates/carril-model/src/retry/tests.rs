//! The waits: bounded, growing, repeatable, and none after the last attempt.

use super::*;
use proptest::prelude::*;

fn policy(attempts: u32, on: RetryOn) -> RetryPolicy {
    RetryPolicy {
        attempts,
        backoff_min: Duration::from_millis(50),
        backoff_max: Duration::from_secs(5),
        on,
    }
}

proptest! {
    #[test]
    fn waits_stay_between_half_and_all_of_the_doubled_base(failures in 1u32..40, seed: u64) {
        let wait = delay(&policy(1_000, RetryOn::Any), ErrorClass::Permanent, failures, None, seed).expect("attempts are left");
        let full = 50_000u128.saturating_mul(1 << (failures - 1).min(62)).min(5_000_000);
        prop_assert!(wait.as_micros() >= full / 2 && wait.as_micros() <= full);
        prop_assert_eq!(delay(&policy(1_000, RetryOn::Any), ErrorClass::Permanent, failures, None, seed), Some(wait));
    }
}

#[test]
fn the_class_and_the_count_decide() {
    let cases = [
        (RetryOn::Transient, ErrorClass::Transient, 1, true),
        (RetryOn::Transient, ErrorClass::Timeout, 2, true),
        (RetryOn::Transient, ErrorClass::Permanent, 1, false),
        (RetryOn::Any, ErrorClass::Permanent, 1, true),
        (RetryOn::Any, ErrorClass::Fenced, 1, false),
        (RetryOn::Any, ErrorClass::Cancelled, 1, false),
        (RetryOn::Never, ErrorClass::Transient, 1, false),
        (RetryOn::Any, ErrorClass::Transient, 3, false),
    ];
    for (on, class, failures, expected) in cases {
        assert_eq!(
            delay(&policy(3, on), class, failures, None, 7).is_some(),
            expected,
            "{on:?} {class:?} {failures}"
        );
    }
}

#[test]
fn nobody_is_called_before_the_time_they_asked_for() {
    let policy = policy(3, RetryOn::Transient);
    let wait = |at_least, failures| delay(&policy, ErrorClass::Transient, failures, at_least, 7);
    let drawn = wait(None, 1).expect("attempts are left");
    let second = Duration::from_secs(1);
    let cases = [
        (Some(Duration::ZERO), Some(drawn)),
        (Some(Duration::from_millis(1)), Some(drawn)),
        (Some(second), Some(second)),
        // Longer than the policy's own longest wait.
        (Some(second * 60), Some(second * 60)),
        (Some(RETRY_AFTER_MAX), Some(RETRY_AFTER_MAX)),
        (Some(RETRY_AFTER_MAX + second), Some(RETRY_AFTER_MAX)),
        (Some(Duration::MAX), Some(RETRY_AFTER_MAX)),
    ];
    for (at_least, expected) in cases {
        assert_eq!(wait(at_least, 1), expected, "{at_least:?}");
        // No wish of theirs makes an attempt that the policy does not allow.
        assert_eq!(wait(at_least, 3), None, "{at_least:?}");
    }
}
