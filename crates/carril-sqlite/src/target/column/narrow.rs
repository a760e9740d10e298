//! A statement narrowed to the rows of one execution.
//!
//! Pure, but for counting the columns of what is inserted. An `INSERT` gets the execution's id as one more value, an `UPDATE`
//! or `DELETE` one more condition; the table's own name is written with its schema, past the view of that name. Everything
//! else stays as it was written, and places in the new text can be told in the old one.

use super::facts::Facts;
use crate::target::name::{quoted, quoted_list, same};
use carril_model::sql::{NameList, RowChange, Verb};
use std::ops::Range;

/// The text of a narrowed statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Narrowed {
    pub(crate) text: String,
    /// What was replaced, in order: bytes of the old statement, and how long the new piece is.
    pieces: Vec<(Range<usize>, usize)>,
}

impl Narrowed {
    /// The byte of the statement as it was written for a byte of the new text.
    pub(crate) fn written(&self, offset: usize) -> usize {
        let (mut old, mut new) = (0, 0);
        for (range, length) in &self.pieces {
            let until = new + (range.start - old);
            if offset < until {
                break;
            }
            if offset < until + length {
                return range.start;
            }
            (old, new) = (range.end, until + length);
        }
        old + (offset - new)
    }
}

/// A statement, its bytes in the script, and how it is put together.
pub(crate) struct Statement<'a> {
    /// The whole script, as SQLite takes it.
    pub(crate) script: &'a str,
    pub(crate) range: Range<usize>,
    pub(crate) change: &'a RowChange,
}

/// Narrows a statement that changes rows of a shared table. `count` tells how many columns a query gives.
pub(crate) fn narrow(
    statement: &Statement<'_>,
    facts: &Facts,
    column: &str,
    execution: i64,
    count: impl FnOnce(&str) -> Option<usize>,
) -> Narrowed {
    let change = statement.change;
    let mut edits = vec![(change.name.clone(), format!("main.{}", quoted(&facts.name)))];
    match change.verb {
        Verb::Insert => edits.extend(insert(statement, facts, column, execution, count)),
        Verb::Update | Verb::Delete => edits.extend(condition(statement, facts, column, execution)),
    }
    edited(statement, edits)
}

type Edit = (Range<usize>, String);

fn insert(
    statement: &Statement<'_>,
    facts: &Facts,
    column: &str,
    execution: i64,
    count: impl FnOnce(&str) -> Option<usize>,
) -> Vec<Edit> {
    let change = statement.change;
    let is_named = |list: &NameList| list.names.as_ref().is_none_or(|names| has(names, column));
    let mut edits = Vec::new();
    match (&change.columns, &change.rows, &change.default_values) {
        // Whoever names the column gives its value, and a trigger looks whether it is the right one.
        (Some(list), Some(_), _) if is_named(list) => {}
        (Some(list), Some(rows), _) => {
            edits.push((list.end..list.end, format!(", {}", quoted(column))));
            edits.extend(one_more_value(rows, execution));
        }
        (None, Some(rows), _) => {
            let with = &statement.script[statement.range.start..change.start];
            let query = format!("{with}select * from ({})", &statement.script[rows.clone()]);
            // As many as there are columns: the column's value is among them. Any other number is SQLite's to refuse.
            if count(&query).map(|given| given + 1) == Some(facts.insertable.len()) {
                let others = facts.insertable.iter().map(String::as_str);
                let names = quoted_list(others.filter(|name| !same(name, column)));
                let after = change
                    .alias
                    .as_ref()
                    .map_or(change.name.end, |alias| alias.end);
                edits.push((after..after, format!(" ({names}, {})", quoted(column))));
                edits.extend(one_more_value(rows, execution));
            }
        }
        (None, None, Some(words)) => {
            let values = format!("({}) values ({execution})", quoted(column));
            edits.push((words.clone(), values));
        }
        (_, None, _) => {}
    }
    let conflicts = change
        .conflicts
        .iter()
        .filter(|list| needs_column(list, facts, column));
    edits.extend(conflicts.map(|list| (list.end..list.end, format!(", {}", quoted(column)))));
    edits
}

/// `WHERE TRUE` tells an `ON CONFLICT` that follows from the condition of a join.
fn one_more_value(rows: &Range<usize>, execution: i64) -> [Edit; 2] {
    [
        (
            rows.start..rows.start,
            format!("select *, {execution} from ("),
        ),
        (rows.end..rows.end, ") where true".to_owned()),
    ]
}

/// Whether the columns name a key of the table only together with the column that tells executions apart.
fn needs_column(list: &NameList, facts: &Facts, column: &str) -> bool {
    let Some(names) = &list.names else {
        return false;
    };
    if has(names, column) {
        return false;
    }
    let is_key = |with: usize, key: &[&str]| {
        let rest = key.iter().filter(|part| !same(part, column));
        key.len() == names.len() + with
            && rest.clone().all(|part| has(names, part))
            && rest.count() == names.len()
    };
    !facts.keys().any(|key| is_key(0, &key)) && facts.keys().any(|key| is_key(1, &key))
}

fn condition(statement: &Statement<'_>, facts: &Facts, column: &str, execution: i64) -> Vec<Edit> {
    let change = statement.change;
    let table = change.alias.as_ref().map_or_else(
        || quoted(&facts.name),
        |alias| statement.script[alias.clone()].to_owned(),
    );
    let own = format!("{table}.{} = {execution}", quoted(column));
    match &change.condition {
        None => vec![(change.end..change.end, format!(" where {own}"))],
        Some(written) => vec![
            (written.start..written.start, format!("{own} and (")),
            (written.end..written.end, ")".to_owned()),
        ],
    }
}

fn has(names: &[String], column: &str) -> bool {
    names.iter().any(|name| same(name, column))
}

fn edited(statement: &Statement<'_>, mut edits: Vec<Edit>) -> Narrowed {
    // Stable: what is put at one place stays in the order it was thought of.
    edits.sort_by_key(|(range, _)| range.start);
    let (script, base) = (statement.script, statement.range.start);
    let mut text = String::new();
    let mut pieces = Vec::with_capacity(edits.len());
    let mut from = base;
    for (range, new) in edits {
        text.push_str(&script[from..range.start]);
        text.push_str(&new);
        pieces.push((range.start - base..range.end - base, new.len()));
        from = range.end;
    }
    text.push_str(&script[from..statement.range.end]);
    Narrowed { text, pieces }
}

#[cfg(test)]
mod tests;
