//! Which status a code has: what a client does next depends on it.

use super::status_of;

#[test]
fn codes_have_the_status_that_says_what_to_do_next() {
    let cases = [
        ("CAR0803", 404),
        ("CAR0416", 404),
        ("CAR0123", 422),
        ("CAR0301", 422),
        ("CAR0403", 422),
        ("CAR0511", 502),
        ("CAR0705", 503),
        ("CAR0911", 503),
        ("CAR0422", 409),
        ("CAR0450", 409),
        ("CAR0800", 500),
    ];
    for (code, status) in cases {
        assert_eq!(status_of(code).as_u16(), status, "{code}");
    }
}
