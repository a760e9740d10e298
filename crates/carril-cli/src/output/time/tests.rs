//! Times and spans.

use super::{local, rfc3339, span};
use carril::model::time::Timestamp;
use jiff::tz::{TimeZone, offset};

#[test]
fn spans_keep_the_digits_that_matter() {
    let cases = [
        (-5, "0 s"),
        (0, "0 s"),
        (850, "850 µs"),
        (1_540, "1.5 ms"),
        (12_999, "12 ms"),
        (1_000_000, "1 s"),
        (1_290_000, "1.2 s"),
        (60_000_000, "60 s"),
        (99_900_000, "99.9 s"),
        (125_000_000, "2 min 05 s"),
        (600_000_000, "10 min"),
        (11_220_000_000, "3 h 07 min"),
        (187_200_000_000, "2 d 4 h"),
    ];
    for (micros, expected) in cases {
        assert_eq!(span(micros), expected, "{micros}");
    }
}

#[test]
fn programs_get_utc_and_people_their_zone() {
    let time = Timestamp(1_751_292_185_123_456);
    assert_eq!(rfc3339(time), "2025-06-30T14:03:05.123456Z");
    assert_eq!(
        local(time, &TimeZone::fixed(offset(2))),
        "2025-06-30 16:03:05"
    );
}

#[test]
fn times_beyond_the_calendar_do_not_panic() {
    assert_eq!(
        rfc3339(Timestamp(i64::MIN)),
        jiff::Timestamp::MIN.to_string()
    );
}
