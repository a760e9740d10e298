//! Findings as people see them.

use super::{draw, tally};
use carril::model::finding::{Finding, Place};

#[track_caller]
fn check(finding: Finding, expected: &str) {
    assert_eq!(
        anstream::adapter::strip_str(&draw(&[finding])).to_string(),
        expected
    );
}

#[test]
fn the_caret_stands_under_its_place() {
    let text = "[workspace]\ntables = [\"a\"]\n";
    let at = text.find("tables").unwrap();
    let place = Place::of("pipeline.toml", text, at..at + 6);
    check(
        Finding::error("CAR0102", "there is no key `tables`")
            .at(place)
            .help("did you mean `table`?"),
        "error[CAR0102]: there is no key `tables`\n  --> pipeline.toml:2:1\n   |\n 2 | tables = [\"a\"]\n   | ^^^^^^\n  help: did you mean `table`?",
    );
}

#[test]
fn tabs_before_the_place_stay_tabs() {
    let text = "\tselect x";
    check(
        Finding::warning("CAR0301", "odd").at(Place::of("a.sql", text, 8..9)),
        "warning[CAR0301]: odd\n  --> a.sql:1:9\n   |\n 1 | \tselect x\n   | \t       ^",
    );
}

#[test]
fn of_a_long_line_the_part_around_the_place_is_shown() {
    let text = format!("{}HERE{}", "a".repeat(400), "b".repeat(400));
    let drawn = draw(&[Finding::error("CAR0301", "odd").at(Place::of("a.sql", &text, 400..404))]);
    let drawn = anstream::adapter::strip_str(&drawn).to_string();
    let lines: Vec<&str> = drawn.lines().collect();
    let source = lines[3].strip_prefix(" 1 | ").unwrap();
    let caret = lines[4].strip_prefix("   | ").unwrap();
    assert!(source.chars().count() <= 162, "{source}");
    let column = caret.chars().take_while(|letter| *letter == ' ').count();
    assert_eq!(
        source.chars().skip(column).take(4).collect::<String>(),
        "HERE"
    );
    assert_eq!(caret.trim(), "^^^^");
}

#[test]
fn without_a_place_there_is_the_sentence() {
    check(
        Finding::error("CAR0106", "there is no `pipeline.toml` in this folder"),
        "error[CAR0106]: there is no `pipeline.toml` in this folder",
    );
}

#[test]
fn the_tally_counts_by_severity() {
    assert_eq!(tally(&[]), None);
    let findings = [
        Finding::error("CAR0102", "a"),
        Finding::error("CAR0102", "b"),
        Finding::warning("CAR0301", "c"),
    ];
    assert_eq!(tally(&findings).as_deref(), Some("2 errors, 1 warning"));
}
