//! Which URLs, statuses and headers a step may have.

use super::*;

#[test]
fn a_url_says_by_itself_where_it_leads() {
    for url in [
        "https://api.example.org",
        "http://api.example.org:8080/funds/{entity_key}?date={report_date}",
        "HTTPS://api.example.org?x={x}",
        "https://[2001:db8::1]:443/",
        "https://[::1]/",
        "http://2130706433/",
    ] {
        assert_eq!(url_problem(url), None, "{url}");
    }
    let cases = [
        ("ftp://example.org", "begins with neither"),
        ("api.example.org/funds", "begins with neither"),
        ("https:/example.org", "begins with neither"),
        ("{url}", "begins with neither"),
        ("https://", "names no host"),
        ("https:///funds", "names no host"),
        ("https://:80/", "names no host"),
        ("https://{entity_key}.example.org/", "no value can say"),
        ("https://example.org{x}/", "no value can say"),
        ("https://example.org:{port}/", "no value can say"),
        (
            "https://good.example@bad.example/",
            "no user and no password",
        ),
        ("https://a:b@example.org", "no user and no password"),
        ("https://example.org\\@bad.example/", "neither blanks nor"),
        ("https://exam\tple.org/", "neither blanks nor"),
        (" https://example.org/", "neither blanks nor"),
        ("https://example.org/a b", "neither blanks nor"),
        ("https://example.org:0/", "is no port"),
        ("https://example.org:65536/", "is no port"),
        ("https://example.org:/", "is no port"),
        ("https://example.org:+80/", "is no port"),
        ("https://example.org/#part", "never sent"),
    ];
    for (url, expected) in cases {
        let (problem, help) = url_problem(url).unwrap_or_default();
        assert!(problem.contains(expected), "{url}: {problem}");
        assert!(!help.is_empty(), "{url}");
    }
}

#[test]
fn statuses_are_numbers_or_classes() {
    for (text, from, to) in [
        ("200", 200, 200),
        ("2xx", 200, 299),
        ("5xx", 500, 599),
        ("304", 304, 304),
    ] {
        let range = StatusRange::parse(text).expect(text);
        assert_eq!((range.from, range.to), (from, to));
        assert_eq!(range.to_string(), text);
        assert!(range.has(from) && range.has(to) && !range.has(to + 1));
    }
    for text in [
        "", "1xx", "6xx", "xx", "2XX", "99", "600", "20x", "-200", "ok",
    ] {
        assert!(StatusRange::parse(text).is_err(), "{text}");
    }
}

#[test]
fn headers_have_names_and_some_are_taken() {
    for name in ["X-Team", "authorization", "Content-Type", "a"] {
        assert_eq!(header_problem(name), None, "{name}");
    }
    for name in ["", "a b", "a:", "ü", "x\r\ny"] {
        assert!(
            header_problem(name).expect(name).contains("cannot be"),
            "{name}"
        );
    }
    for name in ["Host", "IDEMPOTENCY-KEY", "Traceparent", "Content-Length"] {
        assert!(
            header_problem(name).expect(name).contains("not for steps"),
            "{name}"
        );
    }
}
