//! How a statement that changes rows is put together: its table, its columns, its rows, its condition.
//!
//! For targets that narrow such a statement to the rows of one execution. Words alone tell: verbs, parentheses and the few
//! words that begin a part. What cannot be told apart so is left alone, and the target then says what it thinks of it.

use super::lexer::{Kind, Token};
use std::ops::Range;

/// What a statement does to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `INSERT`, `REPLACE`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
}

/// A statement that changes rows of one table, taken apart. All ranges are bytes of the script's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// What it does.
    pub verb: Verb,
    /// Where the verb begins; common table expressions come before it.
    pub start: usize,
    /// The table, without quotes and schema.
    pub table: String,
    /// The table's schema, without quotes, if it is written.
    pub schema: Option<String>,
    /// The table's name as written, with its schema.
    pub name: Range<usize>,
    /// What the table is called in the rest of the statement, as written, if it is given another name.
    pub alias: Option<Range<usize>>,
    /// `INSERT`: the columns that are named, if any are.
    pub columns: Option<NameList>,
    /// `INSERT`: the `VALUES` or the query that gives the rows; `None` for `DEFAULT VALUES`.
    pub rows: Option<Range<usize>>,
    /// `INSERT`: where `DEFAULT VALUES` stands.
    pub default_values: Option<Range<usize>>,
    /// `INSERT`: what each `ON CONFLICT` names.
    pub conflicts: Vec<NameList>,
    /// `UPDATE`, `DELETE`: what follows `WHERE`.
    pub condition: Option<Range<usize>>,
    /// `UPDATE`, `DELETE`: where a `WHERE` would stand that is not there.
    pub end: usize,
}

/// Names in parentheses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameList {
    /// Without quotes; `None` when something else than plain names is among them.
    pub names: Option<Vec<String>>,
    /// Where the closing parenthesis stands.
    pub end: usize,
}

/// Takes a statement's tokens apart, if it changes rows.
pub(super) fn row_change(tokens: &[Token]) -> Option<RowChange> {
    let at = verb_at(tokens)?;
    let token = &tokens[at];
    let is_or = |at: usize| tokens.get(at).is_some_and(|next| next.is_word("OR"));
    let (verb, mut next) = if token.is_word("UPDATE") {
        let after = if is_or(at + 1) { at + 3 } else { at + 1 };
        (Verb::Update, after)
    } else if token.is_word("DELETE") {
        (Verb::Delete, word_at(tokens, at + 1, "FROM")?)
    } else {
        let after = if is_or(at + 1) { at + 3 } else { at + 1 };
        (Verb::Insert, word_at(tokens, after, "INTO")?)
    };
    let (schema, table, name) = table_at(tokens, &mut next)?;
    let mut change = RowChange {
        verb,
        start: token.range.start,
        table,
        schema,
        name,
        alias: alias_at(tokens, &mut next),
        columns: None,
        rows: None,
        default_values: None,
        conflicts: Vec::new(),
        condition: None,
        end: tokens.last()?.range.end,
    };
    match verb {
        Verb::Insert => insert(tokens, next, &mut change)?,
        Verb::Update | Verb::Delete => narrowed(tokens, next, &mut change),
    }
    Some(change)
}

/// The verb: the first word, or what follows the common table expressions.
fn verb_at(tokens: &[Token]) -> Option<usize> {
    let verbs = ["INSERT", "REPLACE", "UPDATE", "DELETE"];
    if !tokens.first()?.is_word("WITH") {
        return tokens[0].is_one_of(&verbs).then_some(0);
    }
    let found = at_depth_zero(tokens, 1)
        .find(|at| tokens[*at].is_one_of(&["SELECT", "VALUES"]) || tokens[*at].is_one_of(&verbs))?;
    tokens[found].is_one_of(&verbs).then_some(found)
}

fn word_at(tokens: &[Token], at: usize, word: &str) -> Option<usize> {
    tokens.get(at)?.is_word(word).then_some(at + 1)
}

fn table_at(tokens: &[Token], next: &mut usize) -> Option<(Option<String>, String, Range<usize>)> {
    let first = tokens.get(*next)?;
    let start = first.range.start;
    let mut name = part(first)?;
    let mut schema = None;
    let mut end = first.range.end;
    *next += 1;
    if tokens.get(*next).is_some_and(|token| token.is_symbol('.')) {
        let second = tokens.get(*next + 1)?;
        schema = Some(std::mem::replace(&mut name, part(second)?));
        end = second.range.end;
        *next += 2;
    }
    Some((schema, name, start..end))
}

fn alias_at(tokens: &[Token], next: &mut usize) -> Option<Range<usize>> {
    let after = word_at(tokens, *next, "AS")?;
    let alias = tokens.get(after)?;
    part(alias)?;
    *next = after + 1;
    Some(alias.range.clone())
}

/// The columns, the rows and the conflicts of an `INSERT`.
fn insert(tokens: &[Token], mut next: usize, change: &mut RowChange) -> Option<()> {
    let opens = tokens.get(next).is_some_and(|token| token.is_symbol('('));
    // `INSERT INTO t (SELECT …)` is no SQL of SQLite, and elsewhere has no columns.
    if opens
        && !tokens
            .get(next + 1)?
            .is_one_of(&["SELECT", "WITH", "VALUES"])
    {
        let (list, after) = name_list(tokens, next)?;
        change.columns = Some(list);
        next = after;
    }
    if tokens.get(next)?.is_word("DEFAULT") {
        let after = word_at(tokens, next + 1, "VALUES")?;
        change.default_values = Some(tokens[next].range.start..tokens[after - 1].range.end);
        return Some(());
    }
    let tail = |at: &usize| {
        let next = tokens.get(*at + 2);
        let on_conflict = tokens[*at].is_word("ON")
            && tokens
                .get(*at + 1)
                .is_some_and(|next| next.is_word("CONFLICT"))
            && next.is_some_and(|next| next.is_symbol('(') || next.is_word("DO"));
        on_conflict || tokens[*at].is_word("RETURNING")
    };
    let end = at_depth_zero(tokens, next).find(tail);
    let last = end.unwrap_or(tokens.len()).checked_sub(1)?;
    change.rows = Some(tokens.get(next)?.range.start..tokens.get(last)?.range.end);
    let Some(end) = end else { return Some(()) };
    for at in at_depth_zero(tokens, end) {
        let names_some = tokens[at].is_word("CONFLICT")
            && tokens.get(at + 1).is_some_and(|token| token.is_symbol('('));
        if names_some && at > 0 && tokens[at - 1].is_word("ON") {
            change.conflicts.push(name_list(tokens, at + 1)?.0);
        }
    }
    Some(())
}

/// The condition of an `UPDATE` or `DELETE`.
fn narrowed(tokens: &[Token], next: usize, change: &mut RowChange) {
    let last_of = |at: usize| tokens.get(at.wrapping_sub(1)).map(|token| token.range.end);
    let end = at_depth_zero(tokens, next)
        .find(|at| tokens[*at].is_one_of(&["RETURNING", "LIMIT"]) || orders(tokens, *at))
        .unwrap_or(tokens.len());
    change.end = last_of(end).unwrap_or(change.end);
    let begins = at_depth_zero(tokens, next).find(|at| *at < end && tokens[*at].is_word("WHERE"));
    let first = begins.and_then(|at| tokens.get(at + 1));
    if let Some(first) = first {
        change.condition = Some(first.range.start..change.end);
    }
}

fn orders(tokens: &[Token], at: usize) -> bool {
    tokens[at].is_word("ORDER") && tokens.get(at + 1).is_some_and(|next| next.is_word("BY"))
}

/// The names from an opening parenthesis on, and the token after the closing one.
fn name_list(tokens: &[Token], open: usize) -> Option<(NameList, usize)> {
    let mut names = Some(Vec::new());
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_symbol('(') {
            depth += 1;
        } else if token.is_symbol(')') {
            depth -= 1;
        }
        if depth == 0 {
            let end = token.range.start;
            return Some((NameList { names, end }, at + 1));
        }
        if at == open || (depth == 1 && token.is_symbol(',')) {
            continue;
        }
        let alone = tokens[at - 1].is_symbol('(') || tokens[at - 1].is_symbol(',');
        match (part(token), &mut names) {
            (Some(name), Some(names)) if alone && depth == 1 => names.push(name),
            _ => names = None,
        }
    }
    None
}

/// The positions of tokens from `from` on that are in no parentheses; the parentheses themselves are not among them.
fn at_depth_zero(tokens: &[Token], from: usize) -> impl Iterator<Item = usize> + '_ {
    let mut depth = 0_usize;
    (from..tokens.len()).filter(move |at| {
        if tokens[*at].is_symbol('(') {
            depth += 1;
            return false;
        }
        if tokens[*at].is_symbol(')') {
            depth = depth.saturating_sub(1);
            return false;
        }
        depth == 0
    })
}

fn part(token: &Token) -> Option<String> {
    match &token.kind {
        Kind::Word(text) | Kind::Quoted(text) => Some(text.clone()),
        Kind::Symbol(_) | Kind::Other => None,
    }
}

#[cfg(test)]
mod tests;
