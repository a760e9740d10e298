//! Times are told as a calendar tells them.

use super::*;
use proptest::prelude::*;

#[test]
fn times_are_told_in_utc() {
    let cases = [
        (0, "1970-01-01 00:00:00 UTC"),
        (951_782_399_999_999, "2000-02-28 23:59:59 UTC"),
        (951_782_400_000_000, "2000-02-29 00:00:00 UTC"),
        (951_868_800_000_000, "2000-03-01 00:00:00 UTC"),
        (1_751_263_205_123_456, "2025-06-30 06:00:05 UTC"),
        (-1, "1969-12-31 23:59:59 UTC"),
        (4_107_542_400_000_000, "2100-03-01 00:00:00 UTC"),
    ];
    for (micros, expected) in cases {
        assert_eq!(Timestamp(micros).to_string(), expected);
    }
}

proptest! {
    #[test]
    fn days_follow_each_other(day in -800_000i64..800_000) {
        let (year, month, of_month) = civil(day);
        let next = civil(day + 1);
        let same_month = next == (year, month, of_month + 1);
        let next_month = of_month >= 28 && next == (year, month + 1, 1);
        let next_year = (month, of_month) == (12, 31) && next == (year + 1, 1, 1);
        prop_assert!(same_month || next_month || next_year);
        prop_assert!((1..=12).contains(&month) && (1..=31).contains(&of_month));
    }
}
