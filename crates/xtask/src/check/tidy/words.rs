//! Words that may not stand in a Rust file, and the paragraph that must stand at its top.
//!
//! The words are looked for among the tokens and comments, so a string may name them, as the ones here do.

use crate::finding::Finding;
use crate::source::{Comment, Kind, Role, RustFile, Token};

#[cfg(test)]
mod tests;

/// A file's opening says at least this much, in characters; a title alone does not.
const OPENING_CHARACTERS_MIN: usize = 40;

/// Tells unfinished marks, silenced lints, left-over prints, sleeps and ignored tests.
pub(super) fn check(file: &RustFile) -> Vec<Finding> {
    let mut found: Vec<Finding> = file
        .comments
        .iter()
        .filter_map(|comment| mark(file, comment))
        .collect();
    for index in 0..file.tokens.len() {
        found.extend(word(file, index));
    }
    for (name, line) in &file.inline_tests {
        found.push(
            Finding::error(
                "tidy/inline-tests",
                &file.path,
                format!("the test module `{name}` stands inside the file"),
                "`mod tests;` and a sibling file, so that editing a test rebuilds nothing else",
            )
            .at(*line),
        );
    }
    found
}

/// Tells a file that does not open with a paragraph on what it is for.
pub(super) fn opening(file: &RustFile) -> Option<Finding> {
    let right =
        "the file opens with `//!`: what it is for, who owns its state, what it does not do";
    let opening: Vec<&str> = file
        .comments
        .iter()
        .enumerate()
        .take_while(|(index, comment)| comment.line == index + 1 && comment.text.starts_with("//!"))
        .map(|(_, comment)| comment.text.trim_start_matches("//!").trim())
        .collect();
    let characters: usize = opening.iter().map(|line| line.chars().count()).sum();
    let wrong = if opening.is_empty() {
        "the first line is not `//!`"
    } else if characters < OPENING_CHARACTERS_MIN && file.role != Role::Test {
        "the opening is a title, not a sentence about the file"
    } else if !opening
        .iter()
        .any(|line| line.ends_with(['.', ':', '?', '!', '`']))
    {
        "the opening is not a sentence with its full stop"
    } else {
        return None;
    };
    Some(Finding::error("tidy/opening", &file.path, wrong, right).at(1))
}

/// Marks of unfinished work, in comments.
fn mark(file: &RustFile, comment: &Comment) -> Option<Finding> {
    let words = comment.text.split(|letter: char| !letter.is_alphanumeric());
    let mark = words
        .into_iter()
        .find(|word| matches!(*word, "TODO" | "FIXME" | "XXX" | "HACK"))?;
    let wrong = format!("the comment says `{mark}`");
    let right = "finish it, or say in a sentence what is so and why";
    Some(Finding::error("tidy/unfinished", &file.path, wrong, right).at(comment.line))
}

/// Judges the token at `index` with its neighbours.
fn word(file: &RustFile, index: usize) -> Option<Finding> {
    let token = &file.tokens[index];
    if token.kind != Kind::Word {
        return None;
    }
    let sign = |index: usize| {
        file.tokens
            .get(index)
            .filter(|sign| sign.kind == Kind::Sign)
    };
    let before = index
        .checked_sub(1)
        .and_then(sign)
        .map_or("", |sign| sign.text.as_str());
    let next = sign(index + 1).map_or("", |sign| sign.text.as_str());
    let (rule, right) = match token.text.as_str() {
        "allow" if next == "(" && matches!(before, "[" | ",") => (
            "tidy/allow",
            "`#[expect(the_lint, reason = \"…\")]`, which is told when it is no longer needed",
        ),
        "dbg" | "todo" | "unimplemented" if next == "!" => {
            ("tidy/unfinished", "finished code without left-over prints")
        }
        "ignore" if before == "[" && matches!(next, "]" | "=" | "(") => (
            "tidy/ignored-test",
            "a test that asserts today's behaviour, with a note, or none",
        ),
        "sleep" if next == "(" && sleeps(file, token, index, before) => (
            "tidy/sleep",
            "wait for a value to reach a condition, with a limit",
        ),
        _ => return None,
    };
    let wrong = format!("`{}` stands here", token.text);
    Some(Finding::error(rule, &file.path, wrong, right).at(token.line))
}

/// A sleep is a call of the function; a method `sleep` is a simulated clock's.
fn sleeps(file: &RustFile, token: &Token, index: usize, before: &str) -> bool {
    let is_definition = index > 0 && file.tokens[index - 1].text == "fn";
    file.is_test(token.in_test) && before != "." && !is_definition
}
