//! A guess, from words alone, which tables a statement writes; for targets that cannot be asked.
//!
//! Errs towards naming too many: what is named is checked, what is missed is not. What cannot be seen at all (procedures,
//! dynamic SQL) is told by [`dynamic`].

use super::WrittenTable;
use super::lexer::{Kind, Token};

/// Words that stand between a verb and its table.
const FILLERS: [&str; 15] = [
    "TABLE",
    "VIEW",
    "INDEX",
    "TRIGGER",
    "SEQUENCE",
    "IF",
    "NOT",
    "EXISTS",
    "ONLY",
    "OR",
    "REPLACE",
    "UNIQUE",
    "MATERIALIZED",
    "VIRTUAL",
    "EXTERNAL",
];

/// The tables that a statement seems to write, each once, in order.
pub(super) fn written(tokens: &[Token]) -> Vec<WrittenTable> {
    let mut tables: Vec<WrittenTable> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some((first, list)) = target(tokens, at) {
            let mut next = first;
            while let Some((table, after)) = name(tokens, next) {
                if !is_temporary(&table.table)
                    && !tables.iter().any(|known| known.table == table.table)
                {
                    tables.push(table);
                }
                if !list || !tokens.get(after).is_some_and(|token| token.is_symbol(',')) {
                    break;
                }
                next = after + 1;
            }
        }
        at += 1;
    }
    tables
}

/// The word by which a statement does what cannot be seen.
pub(super) fn dynamic(tokens: &[Token]) -> Option<&str> {
    let first = tokens.first()?;
    let found = if first.is_one_of(&["CALL", "EXEC", "EXECUTE", "DO", "PREPARE"]) {
        first
    } else if first.is_one_of(&["CREATE", "ALTER"]) {
        tokens
            .windows(2)
            .find(|pair| {
                pair[0].is_word("EXECUTE") && pair[1].is_one_of(&["FUNCTION", "PROCEDURE"])
            })
            .map(|pair| &pair[0])?
    } else if first.is_word("INSERT") {
        // `INSERT INTO t EXEC p` writes more than its table.
        tokens
            .iter()
            .find(|token| token.is_one_of(&["EXEC", "EXECUTE"]))?
    } else {
        return None;
    };
    match &found.kind {
        Kind::Word(word) => Some(word),
        _ => None,
    }
}

/// Where the written table's name starts if the token at `at` is a verb that writes one, and whether a list may follow.
fn target(tokens: &[Token], at: usize) -> Option<(usize, bool)> {
    let Kind::Word(verb) = &tokens[at].kind else {
        return None;
    };
    let next_is = |words: &[&str]| tokens.get(at + 1).is_some_and(|next| next.is_one_of(words));
    let follows_delete = at > 0 && tokens[at - 1].is_word("DELETE");
    let starts = at == 0 || starts_after(&tokens[at - 1]);
    let verb = verb.to_ascii_uppercase();
    match verb.as_str() {
        "INTO" => Some((skip(tokens, at + 1), false)),
        "FROM" if follows_delete => Some((skip(tokens, at + 1), false)),
        _ if !starts => None,
        "UPDATE" if next_is(&["OR"]) => Some((at + 3, false)),
        "UPDATE" if next_is(&["SET"]) => None,
        "DELETE" | "MERGE" if next_is(&["FROM", "INTO"]) => None,
        "CREATE" if next_is(&["TEMP", "TEMPORARY"]) => None,
        "CREATE"
            if tokens[at..]
                .iter()
                .take(4)
                .any(|token| token.is_one_of(&["INDEX", "TRIGGER"])) =>
        {
            let on = tokens[at..].iter().position(|token| token.is_word("ON"))?;
            Some((skip(tokens, at + on + 1), false))
        }
        "COPY" => tokens[at..]
            .iter()
            .any(|token| token.is_word("FROM"))
            .then_some((at + 1, false)),
        "UPDATE" | "DELETE" | "MERGE" | "CREATE" | "ALTER" => Some((skip(tokens, at + 1), false)),
        "DROP" | "TRUNCATE" => Some((skip(tokens, at + 1), true)),
        _ => None,
    }
}

/// Whether a statement, or one inside another, can start behind this token.
fn starts_after(before: &Token) -> bool {
    before.is_symbol(';')
        || before.is_symbol('(')
        || before.is_symbol(')')
        || before.is_one_of(&["BEGIN", "THEN", "ELSE", "AS"])
}

/// Tables of the session alone, and variables.
fn is_temporary(table: &str) -> bool {
    table.starts_with(['#', '@'])
        || table
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("temp."))
}

fn skip(tokens: &[Token], mut at: usize) -> usize {
    while tokens
        .get(at)
        .is_some_and(|token| token.is_one_of(&FILLERS))
    {
        at += 1;
    }
    at
}

/// The dotted name at `at`, and where it ends.
fn name(tokens: &[Token], at: usize) -> Option<(WrittenTable, usize)> {
    let offset = tokens.get(at)?.range.start;
    let mut table = part(tokens.get(at)?)?.to_owned();
    let mut end = at + 1;
    while tokens.get(end).is_some_and(|token| token.is_symbol('.')) {
        let Some(next) = tokens.get(end + 1).and_then(part) else {
            break;
        };
        table = format!("{table}.{next}");
        end += 2;
    }
    Some((WrittenTable { table, offset }, end))
}

fn part(token: &Token) -> Option<&str> {
    match &token.kind {
        Kind::Word(text) | Kind::Quoted(text) => Some(text),
        Kind::Symbol(_) | Kind::Other => None,
    }
}
