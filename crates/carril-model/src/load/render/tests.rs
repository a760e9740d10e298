//! The picture of a finding, also of lines that are long, indented or hostile.

use super::*;

fn finding(text: &str, start: usize, end: usize) -> Finding {
    Finding::error("CAR0102", "there is no key `lane` here")
        .at(Place::of("pipeline.toml", text, start..end))
        .help("did you mean `lanes`?")
}

#[test]
fn a_finding_shows_its_line_and_points_at_the_place() {
    let text = "name = \"x\"\n\n\tlane = 4\n";
    let expected = "error[CAR0102]: there is no key `lane` here\n  --> pipeline.toml:3:2\n   |\n 3 |  lane = 4\n   |  ^^^^\n   = help: did you mean `lanes`?\n";
    assert_eq!(finding(text, 13, 17).render(), expected);
}

#[test]
fn a_finding_without_a_place_is_two_lines() {
    let text = Finding::warning("CAR0999", "odd").help("look").render();
    assert_eq!(text, "warning[CAR0999]: odd\n   = help: look\n");
}

#[test]
fn a_long_line_is_cut_around_the_caret() {
    let text = format!("{}lane = 4{}", "x".repeat(500), "y".repeat(500));
    let drawn = finding(&text, 500, 504).render();
    assert!(
        drawn.contains("xxxlane = 4yyy")
            && drawn
                .lines()
                .all(|line| line.chars().count() <= WIDTH_MAX + 10),
        "{drawn}"
    );
    let caret = drawn.lines().nth(4).unwrap();
    assert_eq!(caret.find('^'), drawn.lines().nth(3).unwrap().find("lane"));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let drawn = finding("lane\u{1b}[2J = 4", 0, 4).render();
    assert!(!drawn.contains('\u{1b}'), "{drawn:?}");
}
