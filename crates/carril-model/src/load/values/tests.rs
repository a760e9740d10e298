//! Tables of what is taken and what is not.

use super::*;
use proptest::prelude::*;

#[test]
fn durations() {
    for (text, micros) in [
        ("250ms", 250_000),
        ("90s", 90_000_000),
        ("1.5s", 1_500_000),
        ("5m", 300_000_000),
        ("2h", 7_200_000_000),
        ("0ms", 0),
        ("0.001ms", 1),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_micros(micros)), "{text}");
    }
    for text in [
        "",
        "5",
        "s",
        "-5s",
        "5 s",
        "5S",
        "1..2s",
        "1e3s",
        "5d",
        "721h",
        "99999999999999999999h",
        ".s",
        "5msx",
    ] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn backoffs() {
    assert_eq!(
        backoff("50ms..5s"),
        Ok((Duration::from_millis(50), Duration::from_secs(5)))
    );
    assert_eq!(
        backoff("1s .. 1s"),
        Ok((Duration::from_secs(1), Duration::from_secs(1)))
    );
    for text in ["50ms", "5s..50ms", "50..5s", "..", "50ms...5s"] {
        assert!(backoff(text).is_err(), "{text}");
    }
}

#[test]
fn shares() {
    for (text, permille) in [
        ("50%", 500),
        ("0%", 0),
        ("12.5%", 125),
        ("99.9%", 999),
        ("50 %", 500),
    ] {
        assert_eq!(percentage(text), Ok(permille), "{text}");
    }
    for text in ["50", "100%", "-1%", "0.01%", "half", "%", "1e1%", "nan%"] {
        assert!(percentage(text).is_err(), "{text}");
    }
    assert_eq!(share(0.5), Ok(500));
    assert_eq!(share(0.29), Ok(290));
    for number in [1.0, -0.1, 50.0, f64::NAN, f64::INFINITY] {
        assert!(share(number).is_err(), "{number}");
    }
}

#[test]
fn dates() {
    for text in [
        "2025-06-30",
        "2024-02-29",
        "2000-02-29",
        "0001-01-01",
        "9999-12-31",
    ] {
        assert_eq!(date_problem(text), None, "{text}");
    }
    for text in [
        "2025-06-31",
        "2025-02-29",
        "1900-02-29",
        "2025-13-01",
        "2025-00-01",
        "2025-01-00",
        "0000-01-01",
        "2025-6-30",
        "30-06-2025",
        "2025-06-30 ",
        "2025/06/30",
        "+025-01-01",
        "２025-01-0",
    ] {
        assert!(date_problem(text).is_some(), "{text}");
    }
}

#[test]
fn paths_stay_inside() {
    for (text, clean) in [
        ("sql/a.sql", "sql/a.sql"),
        ("./sql//a.sql", "sql/a.sql"),
        ("a", "a"),
        ("sql/..a.sql", "sql/..a.sql"),
    ] {
        assert_eq!(path(text).as_deref(), Ok(clean), "{text}");
    }
    for text in [
        "",
        ".",
        "/",
        "/etc/passwd",
        "../a.sql",
        "sql/../../a.sql",
        "sql/../a.sql",
        "C:/a.sql",
        "C:a",
        "\\\\host\\a",
        "sql\\a.sql",
        "a\0b",
    ] {
        assert!(path(text).is_err(), "{text}");
    }
}

#[test]
fn names() {
    for name in ["a", "fund-report", "Fund_2"] {
        assert_eq!(name_problem(name), None, "{name}");
    }
    assert_eq!(name_problem(&"a".repeat(64)), None);
    for name in [
        "",
        "1a",
        "_a",
        "-a",
        "a b",
        "a.b",
        "año",
        "a/b",
        &"a".repeat(65),
    ] {
        assert!(name_problem(name).is_some(), "{name}");
    }
}

#[test]
fn tables_and_columns() {
    for name in ["extract_ipa", "My Table", "año", "2025"] {
        assert_eq!(identifier_problem(name), None, "{name}");
    }
    for name in [
        "",
        "dbo.t",
        "\"t\"",
        "[t]",
        "t;",
        "a\0",
        "carril_fence",
        "CARRIL_x",
    ] {
        assert!(identifier_problem(name).is_some(), "{name}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,30}|[0-9.smh%-]{0,12}|[a-z./\\\\:]{0,12}") {
        let _ = (name_problem(&text), identifier_problem(&text), duration(&text), backoff(&text));
        let _ = (percentage(&text), date_problem(&text));
        if let Ok(path) = path(&text) {
            prop_assert!(!path.starts_with('/') && !path.split('/').any(|part| matches!(part, ".." | "." | "")), "{path}");
        }
    }
}
