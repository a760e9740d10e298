//! Lengths, on made-up files.

use super::*;
use crate::finding::Weight;

const PATH: &str = "crates/carril/src/x.rs";

/// Returns the rules and weights of a file with this text.
fn judge(path: &str, text: &str) -> Vec<(&'static str, Weight)> {
    let file = RustFile::parse(path, text).unwrap();
    check(&file)
        .iter()
        .map(|finding| (finding.rule, finding.weight))
        .collect()
}

fn function(lines: usize) -> String {
    format!("fn long() {{{}}}", "\n".repeat(lines - 1))
}

#[test]
fn a_function_has_a_habit_and_a_wall() {
    assert_eq!(judge(PATH, &function(50)), []);
    assert_eq!(
        judge(PATH, &function(51)),
        [("tidy/function-length", Weight::Warning)]
    );
    assert_eq!(
        judge(PATH, &function(70)),
        [("tidy/function-length", Weight::Warning)]
    );
    assert_eq!(
        judge(PATH, &function(71)),
        [("tidy/function-length", Weight::Error)]
    );
}

#[test]
fn a_file_has_a_habit_and_a_wall() {
    let lines = |number| "//\n".repeat(number);
    assert_eq!(judge(PATH, &lines(500)), []);
    assert_eq!(
        judge(PATH, &lines(501)),
        [("tidy/file-length", Weight::Warning)]
    );
    assert_eq!(
        judge(PATH, &lines(801)),
        [("tidy/file-length", Weight::Error)]
    );
}

#[test]
fn tests_are_apart() {
    let long = format!("#[cfg(test)]\nmod tests {{\n{}\n}}", function(900));
    assert_eq!(judge(PATH, &long), []);
    assert_eq!(judge("crates/carril/src/x/tests.rs", &function(900)), []);
}

#[test]
fn the_console_is_code() {
    let file = |path: &str| TextFile {
        path: path.to_owned(),
        text: "\n".repeat(801),
    };
    assert_eq!(
        assets(&file("console/app.js")).unwrap().weight,
        Weight::Error
    );
    assert_eq!(assets(&file("docs/guide.md")), None);
}
