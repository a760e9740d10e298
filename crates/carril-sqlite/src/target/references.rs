//! Takes foreign keys to other tables out of a `CREATE TABLE` statement, and leaves every other byte as it is.
//!
//! Pure. A lane's file holds only some tables, and SQLite refuses every change of a table whose parent is missing. SQLite
//! has no way to drop a constraint, so the text is changed: each such clause becomes `CHECK (1)`, which is a legal
//! constraint wherever the clause was one.

use super::name::same;
use std::ops::Range;

/// What stands where a clause was.
const NOTHING: &str = "CHECK (1)";

/// The statement without its references to tables that are not in `kept`.
pub(crate) fn without_foreign(statement: &str, kept: &[String]) -> String {
    let tokens = tokens(statement);
    let mut text = String::with_capacity(statement.len());
    let mut from = 0;
    let mut at = 0;
    while at < tokens.len() {
        let Some(clause) = clause_at(statement, &tokens, at) else {
            at += 1;
            continue;
        };
        if !kept.iter().any(|table| same(table, &clause.parent)) {
            let bytes = tokens[clause.tokens.start].start..tokens[clause.tokens.end - 1].end;
            text.push_str(&statement[from..bytes.start]);
            text.push_str(NOTHING);
            from = bytes.end;
        }
        at = clause.tokens.end;
    }
    text.push_str(&statement[from..]);
    text
}

struct Clause {
    parent: String,
    tokens: Range<usize>,
}

/// The clause that begins at a token: `REFERENCES …` of a column, or `FOREIGN KEY (…) REFERENCES …` of the table.
fn clause_at(text: &str, tokens: &[Range<usize>], start: usize) -> Option<Clause> {
    let word = |at: usize, word: &str| {
        tokens
            .get(at)
            .is_some_and(|token| text[token.clone()].eq_ignore_ascii_case(word))
    };
    let mut at = start;
    if word(at, "FOREIGN") && word(at + 1, "KEY") {
        at = after_parentheses(text, tokens, at + 2);
    }
    if !word(at, "REFERENCES") {
        return None;
    }
    let parent = unquoted(&text[tokens.get(at + 1)?.clone()]);
    at = after_parentheses(text, tokens, at + 2);
    loop {
        let follows_on = word(at, "ON") && (word(at + 1, "DELETE") || word(at + 1, "UPDATE"));
        at += match () {
            () if follows_on && (word(at + 2, "NO") || word(at + 2, "SET")) => 4,
            () if follows_on => 3,
            () if word(at, "MATCH") || word(at, "INITIALLY") => 2,
            () if word(at, "NOT") && word(at + 1, "DEFERRABLE") => 2,
            () if word(at, "DEFERRABLE") => 1,
            () => {
                return Some(Clause {
                    parent,
                    tokens: start..at.min(tokens.len()),
                });
            }
        };
    }
}

/// The token after a list in parentheses, or `at` where none begins.
fn after_parentheses(text: &str, tokens: &[Range<usize>], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(token) = tokens.get(at) {
        match &text[token.clone()] {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return if &text[token.clone()] == ")" {
                at + 1
            } else {
                at
            };
        }
        at += 1;
    }
    at
}

fn unquoted(name: &str) -> String {
    let (first, last) = (name.chars().next(), name.chars().last());
    match (first, last) {
        (Some('['), Some(']')) if name.len() > 1 => name[1..name.len() - 1].to_owned(),
        (Some(quote @ ('"' | '`' | '\'')), Some(end)) if quote == end && name.len() > 1 => {
            let doubled: String = [quote, quote].iter().collect();
            name[1..name.len() - 1].replace(&doubled, &quote.to_string())
        }
        _ => name.to_owned(),
    }
}

/// Words, quoted names and strings, and single other characters; blanks and comments are dropped.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let end = at + token_length(&text[at..], first);
        if !(first.is_whitespace() || text[at..].starts_with("--") || text[at..].starts_with("/*"))
        {
            found.push(at..end);
        }
        at = end;
    }
    found
}

fn token_length(rest: &str, first: char) -> usize {
    let is_word = |letter: char| {
        letter.is_alphanumeric() || matches!(letter, '_' | '$') || !letter.is_ascii()
    };
    let until = |end: Option<usize>| end.unwrap_or(rest.len());
    match first {
        '"' | '`' | '\'' => quoted_length(rest, first),
        '[' => until(rest.find(']').map(|at| at + 1)),
        '-' if rest.starts_with("--") => until(rest.find('\n')),
        '/' if rest.starts_with("/*") => until(rest[2..].find("*/").map(|at| at + 4)),
        _ if is_word(first) => until(rest.find(|letter| !is_word(letter))),
        _ => first.len_utf8(),
    }
}

/// A doubled quote is the quote itself.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(end) = rest[at..].find(quote) {
        at += end + 1;
        if !rest[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests;
