//! What tables lack for being shared by executions, and the statements that give it to them or take it away. Runs none of them.

use super::facts::{Facts, Found, Index};
use crate::target::fault;
use crate::target::name::{quoted, same};
use carril_model::contract::{TableGap, TableLack, TableMigration, TargetError};
use carril_model::definition::Workspace;
use rusqlite::Connection;

/// Words that SQLite does not take for a name without quotes.
const RESERVED: [&str; 57] = [
    "add",
    "all",
    "alter",
    "and",
    "as",
    "autoincrement",
    "between",
    "case",
    "check",
    "collate",
    "commit",
    "constraint",
    "create",
    "default",
    "deferrable",
    "delete",
    "distinct",
    "drop",
    "else",
    "escape",
    "except",
    "exists",
    "foreign",
    "from",
    "group",
    "having",
    "in",
    "index",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "limit",
    "not",
    "nothing",
    "notnull",
    "null",
    "on",
    "or",
    "order",
    "primary",
    "references",
    "returning",
    "select",
    "set",
    "table",
    "then",
    "to",
    "transaction",
    "union",
    "unique",
    "update",
    "values",
    "when",
    "where",
];

/// What each table of a workspace lacks; tables that are not there, and views, are told elsewhere.
pub(crate) fn gaps(
    connection: &Connection,
    workspace: &Workspace,
) -> Result<Vec<TableGap>, TargetError> {
    let column = workspace.column().unwrap_or_default();
    let mut gaps = Vec::new();
    for table in &workspace.tables {
        let Found::Table(facts) = look(connection, table, column)? else {
            continue;
        };
        let gap = |lack, statements| TableGap {
            table: table.clone(),
            lack,
            statements,
        };
        if facts.column.is_none() {
            gaps.push(gap(TableLack::Column, up(&facts, column)));
        } else if !facts.is_indexed_by(column) {
            gaps.push(gap(TableLack::Index, up(&facts, column)));
        }
        for key in facts.keys_without(column) {
            let key = key.into_iter().map(str::to_owned).collect();
            gaps.push(gap(TableLack::InKey(key), Vec::new()));
        }
        if let Some(rowid) = facts.rowid.as_ref().filter(|rowid| !same(rowid, column)) {
            gaps.push(gap(TableLack::Numbers(rowid.clone()), Vec::new()));
        }
    }
    Ok(gaps)
}

/// The statements for every table of a workspace.
pub(crate) fn migration(
    connection: &Connection,
    workspace: &Workspace,
    back: bool,
) -> Result<Vec<TableMigration>, TargetError> {
    let column = workspace.column().unwrap_or_default();
    let mut migrations = Vec::new();
    for table in &workspace.tables {
        let (statements, note) = match look(connection, table, column)? {
            Found::Nothing => (
                Vec::new(),
                Some(format!(
                    "there is no table {table}: create it with a column {column}, first in its key or in an index"
                )),
            ),
            Found::View => (
                Vec::new(),
                Some(format!("{table} is a view; list tables only")),
            ),
            Found::Table(facts) if back => down(&facts, column),
            Found::Table(facts) => (up(&facts, column), in_the_way(&facts, column)),
        };
        migrations.push(TableMigration {
            table: table.clone(),
            statements,
            note,
        });
    }
    Ok(migrations)
}

fn look(connection: &Connection, table: &str, column: &str) -> Result<Found, TargetError> {
    Facts::of(connection, table, column)
        .map_err(|error| fault::target(&error, &format!("looking at `{table}`: ")))
}

/// Rows that are there already belong to no execution, so the column may be null.
fn up(facts: &Facts, column: &str) -> Vec<String> {
    let mut statements = Vec::new();
    if facts.column.is_none() {
        statements.push(format!(
            "alter table {} add column {} integer",
            plain(&facts.name),
            plain(column)
        ));
    }
    if facts.column.is_none() || !facts.is_indexed_by(column) {
        statements.push(format!(
            "create index {} on {} ({})",
            plain(&index_name(facts, column)),
            plain(&facts.name),
            plain(column)
        ));
    }
    statements
}

/// A key that lacks the column stays in the way whatever is added.
fn in_the_way(facts: &Facts, column: &str) -> Option<String> {
    let keys: Vec<String> = facts
        .keys_without(column)
        .map(|key| key.join(", "))
        .collect();
    (!keys.is_empty()).then(|| {
        format!(
            "{} has a unique key without {column} ({}): SQLite cannot change it in place, so make the table anew with {column} in it",
            facts.name,
            keys.join("; ")
        )
    })
}

/// The indexes first: a column that one of them has cannot go.
fn down(facts: &Facts, column: &str) -> (Vec<String>, Option<String>) {
    if facts.column.is_none() {
        return (Vec::new(), None);
    }
    let has = |index: &&Index| {
        index
            .columns
            .iter()
            .flatten()
            .any(|name| same(name, column))
    };
    let in_primary = facts.primary.iter().any(|name| same(name, column));
    if in_primary || facts.indexes.iter().filter(has).any(|index| !index.is_made) {
        let note = format!(
            "{} has {column} in a key: SQLite cannot take it out of there, so make the table anew without it",
            facts.name
        );
        return (Vec::new(), Some(note));
    }
    let drops = facts.indexes.iter().filter(has);
    let mut statements: Vec<String> = drops
        .map(|index| format!("drop index {}", plain(&index.name)))
        .collect();
    statements.push(format!(
        "alter table {} drop column {}",
        plain(&facts.name),
        plain(column)
    ));
    (statements, None)
}

/// A name that no index of the table has.
fn index_name(facts: &Facts, column: &str) -> String {
    let name = format!("{}_by_{column}", facts.name);
    let is_taken = |name: &str| facts.indexes.iter().any(|index| same(&index.name, name));
    let mut free = name.clone();
    let mut number = 2;
    while is_taken(&free) {
        free = format!("{name}_{number}");
        number += 1;
    }
    free
}

/// A name as people write it, in quotes only where it needs them.
fn plain(name: &str) -> String {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && name
            .chars()
            .next()
            .is_some_and(|first| !first.is_ascii_digit());
    let is_word = RESERVED.iter().any(|word| same(word, name));
    if is_plain && !is_word {
        name.to_owned()
    } else {
        quoted(name)
    }
}
