//! Statuses by class, and what `Retry-After` asks for.

use super::*;
use reqwest::header::HeaderValue;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            let name = reqwest::header::HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

#[test]
fn a_status_says_whether_to_try_again() {
    for status in [408, 425, 429, 500, 501, 502, 503, 504, 507, 599] {
        let error = unexpected(status, None, "2xx", &HeaderMap::new());
        assert_eq!(error.class, ErrorClass::Transient, "{status}");
    }
    for status in [
        204, 301, 304, 400, 401, 403, 404, 405, 409, 410, 418, 422, 451, 499,
    ] {
        let error = unexpected(status, None, "2xx", &HeaderMap::new());
        assert_eq!(error.class, ErrorClass::Permanent, "{status}");
        assert_eq!(error.native, Some(status.to_string()));
    }
}

#[test]
fn only_those_who_may_succeed_later_say_when() {
    let asked = headers(&[("retry-after", "7")]);
    let wait = |status| unexpected(status, None, "2xx", &asked).retry_after;
    assert_eq!(wait(503), Some(Duration::from_secs(7)));
    assert_eq!(wait(429), Some(Duration::from_secs(7)));
    assert_eq!(wait(404), None);
}

#[test]
fn retry_after_is_seconds_or_a_point_in_time() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let cases = [
        ("0", Some(0)),
        ("120", Some(120)),
        (" 3 ", Some(3)),
        ("99999999999999999999999", Some(u64::MAX)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Mon, 07 Nov 1994 08:49:37 GMT", Some(86_400)),
        // Already over.
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
    ];
    for (text, expected) in cases {
        let found = retry_after(&headers(&[("retry-after", text), ("date", date)]));
        assert_eq!(found, expected.map(Duration::from_secs), "{text:?}");
    }
    let without_date = headers(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]);
    assert_eq!(retry_after(&without_date), None);
    assert_eq!(retry_after(&HeaderMap::new()), None);
}
