//! What is a moment, which one it is, and what is said about a text that is none.

use super::*;

fn at(text: &str) -> String {
    parse(text).map_or_else(|why| format!("error: {why}"), to_text)
}

#[test]
fn offsets_and_zones_name_a_moment() {
    for (text, moment) in [
        ("2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        ("2026-03-01 09:00:00Z", "2026-03-01T09:00:00Z"),
        ("2026-03-01T09:00-05:00", "2026-03-01T14:00:00Z"),
        ("2026-03-01T09:00:00.25+01:00", "2026-03-01T08:00:00.25Z"),
        ("2026-07-01T09:00[Europe/Madrid]", "2026-07-01T07:00:00Z"),
        ("2026-01-01T09:00[Europe/Madrid]", "2026-01-01T08:00:00Z"),
        ("2026-03-01[America/New_York]", "2026-03-01T05:00:00Z"),
        // 02:30 is left out that night; 02:30 comes twice in October.
        ("2026-03-29T02:30[Europe/Madrid]", "2026-03-29T01:30:00Z"),
        ("2026-10-25T02:30[Europe/Madrid]", "2026-10-25T00:30:00Z"),
    ] {
        assert_eq!(at(text), moment, "{text}");
    }
}

#[test]
fn what_names_no_moment_is_said_so() {
    for (text, part) in [
        ("2026-03-01", "`2026-03-01[Europe/Madrid]`"),
        ("2026-03-01T09:00", "neither an offset nor a zone"),
        ("tomorrow", "is no moment"),
        ("", "is no moment"),
        ("2026-02-30T09:00Z", "is no moment"),
        ("2026-03-01T09:00[Europe/Atlantis]", "is no moment"),
    ] {
        let told = parse(text).expect_err(text);
        assert!(told.contains(part), "{text}: {told}");
    }
}
