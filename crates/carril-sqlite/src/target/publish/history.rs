//! The history table and the `current` view of a publish entry: made at first use, then only compared.
//!
//! A table or view of these names that somebody else made is never changed: the error says what differs.

use super::{publication_name, refuse, template_columns};
use crate::target::name::{literal, quoted, quoted_list, same};
use crate::target::stop::Stop;
use crate::target::template::{Column, columns_of};
use crate::target::{fault, shared, transaction};
use carril_model::contract::StepError;
use carril_model::definition::Publish;
use rusqlite::Connection;
use std::path::Path;

/// Columns that the history table has besides those of the published table.
const ADDED: [&str; 2] = ["execution_id", "published_at"];
/// By this a view is known to be ours, and may be made anew.
const MARK: &str = "/* made by carril */";

/// Makes what is missing of all entries, whose tables may have a column that tells executions apart, in one transaction of its own; nothing is written when nothing is missing.
///
/// # Errors
/// `CAR0501` when a table or view of that name is something else; `CAR0516` without the template; else as SQLite says.
pub(crate) fn ensure(
    connection: &Connection,
    shared_file: &Path,
    (entries, column): (&[Publish], Option<&str>),
    stop: &Stop,
) -> Result<(), StepError> {
    let mut missing = false;
    for entry in entries {
        let columns = template_columns(connection, shared_file, &entry.from, column)?;
        missing |= !is_ready(connection, entry, &columns)?;
    }
    if !missing {
        return Ok(());
    }
    let failed =
        |error: rusqlite::Error| fault::step(&error, "making the tables to publish into: ");
    let transaction = transaction::begin(connection, true, stop)?;
    shared::create_own_tables(&transaction).map_err(failed)?;
    for entry in entries {
        let columns = template_columns(&transaction, shared_file, &entry.from, column)?;
        ensure_entry(&transaction, entry, &columns)?;
    }
    transaction.commit().map_err(failed)
}

/// Makes what is missing of one entry, inside the caller's transaction.
pub(crate) fn ensure_entry(
    connection: &Connection,
    entry: &Publish,
    columns: &[Column],
) -> Result<(), StepError> {
    if is_ready(connection, entry, columns)? {
        return Ok(());
    }
    let failed =
        |error: rusqlite::Error| fault::step(&error, &format!("making `{}`: ", entry.into));
    connection
        .execute_batch(&history_statements(entry, columns))
        .map_err(failed)?;
    let Some(current) = &entry.current else {
        return Ok(());
    };
    let drop = format!("drop view if exists main.{}", quoted(current));
    connection
        .execute_batch(&drop)
        .and_then(|()| connection.execute_batch(&view_statement(entry, current, columns)))
        .map_err(failed)
}

/// Whether history table and view are as they should be; an error when what stands there is not ours to change.
fn is_ready(
    connection: &Connection,
    entry: &Publish,
    columns: &[Column],
) -> Result<bool, StepError> {
    let failed =
        |error: rusqlite::Error| fault::step(&error, &format!("looking at `{}`: ", entry.into));
    check_names(entry, columns)?;
    let table_ready = match shared::object(connection, &entry.into).map_err(failed)? {
        None => false,
        Some((kind, _)) if kind == "view" => {
            return Err(refuse(format!(
                "`{}` is a view, so nothing can be published into it; name a table, or one that does not exist yet",
                entry.into
            )));
        }
        Some(_) => {
            let there = columns_of(connection, "main", &entry.into).map_err(failed)?;
            compare(entry, columns, &there)?;
            true
        }
    };
    let Some(current) = &entry.current else {
        return Ok(table_ready);
    };
    let view_ready = match shared::object(connection, current).map_err(failed)? {
        None => false,
        Some((kind, sql)) if kind == "view" && sql.contains(MARK) => {
            sql == view_statement(entry, current, columns)
        }
        Some((kind, _)) => {
            return Err(refuse(format!(
                "there is already a {kind} `{current}` that Carril did not make; choose another name for `current`"
            )));
        }
    };
    Ok(table_ready && view_ready)
}

fn check_names(entry: &Publish, columns: &[Column]) -> Result<(), StepError> {
    let has = |name: &str| columns.iter().any(|column| same(&column.name, name));
    if let Some(added) = ADDED.iter().find(|added| has(added)) {
        return Err(refuse(format!(
            "`{}` has a column `{added}`, which `{}` gets by itself; leave it out or name it otherwise",
            entry.from, entry.into
        )));
    }
    match entry.key.iter().find(|key| !has(key)) {
        Some(key) => Err(refuse(format!(
            "`{}` has no column `{key}`, which is in the key of what it publishes",
            entry.from
        ))),
        None => Ok(()),
    }
}

/// The history table must have just the columns that it would be made with; their order does not matter.
fn compare(entry: &Publish, columns: &[Column], there: &[Column]) -> Result<(), StepError> {
    let wanted: Vec<&str> = ADDED
        .iter()
        .copied()
        .chain(columns.iter().map(|column| column.name.as_str()))
        .collect();
    let lacks: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|name| !there.iter().any(|column| same(&column.name, name)))
        .collect();
    let extra: Vec<&str> = there
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !wanted.iter().any(|wanted| same(wanted, name)))
        .collect();
    if lacks.is_empty() && extra.is_empty() {
        return Ok(());
    }
    let mut differs = Vec::new();
    if !lacks.is_empty() {
        differs.push(format!("lacks {}", quoted_list(lacks)));
    }
    if !extra.is_empty() {
        differs.push(format!("has {} besides", quoted_list(extra)));
    }
    Err(refuse(format!(
        "`{}` does not have the columns of `{}`: it {}; change it with ALTER TABLE, or publish into a table that does not exist yet",
        entry.into,
        entry.from,
        differs.join(" and ")
    )))
}

fn history_statements(entry: &Publish, columns: &[Column]) -> String {
    let into = quoted(&entry.into);
    let mut parts = vec![
        "execution_id integer not null".to_owned(),
        "published_at text not null".to_owned(),
    ];
    for column in columns {
        let is_key = entry.key.iter().any(|key| same(key, &column.name));
        let not_null = if column.not_null || is_key {
            " not null"
        } else {
            ""
        };
        parts.push(format!(
            "{} {}{not_null}",
            quoted(&column.name),
            kind_of(column)
        ));
    }
    let key = quoted_list(entry.key.iter().map(String::as_str));
    parts.push(format!("primary key (execution_id, {key})"));
    let index = quoted(&format!("carril_{}_by_key", entry.into));
    format!(
        "create table if not exists main.{into} (\n    {}\n);\ncreate index if not exists main.{index} on {into} ({key}, execution_id);",
        parts.join(",\n    ")
    )
}

/// A declared type as it may stand in a new statement: it may be made of any words, and quoting keeps them a name.
fn kind_of(column: &Column) -> String {
    let plain = |letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '_' | '(' | ')' | ',')
    };
    if column.kind.is_empty() || column.kind.chars().all(plain) {
        column.kind.clone()
    } else {
        quoted(&column.kind)
    }
}

fn view_statement(entry: &Publish, current: &str, columns: &[Column]) -> String {
    let (view, into, name) = (
        quoted(current),
        quoted(&entry.into),
        literal(&publication_name(&entry.into)),
    );
    let shown: Vec<String> = columns
        .iter()
        .map(|column| format!("h.{}", quoted(&column.name)))
        .collect();
    let key: Vec<String> = entry
        .key
        .iter()
        .map(|key| format!("n.{key} = h.{key}", key = quoted(key)))
        .collect();
    format!(
        "CREATE VIEW {view} AS {MARK}
select {shown}, h.execution_id
from {into} as h
where h.execution_id = (
    select n.execution_id
    from {into} as n
    where {key}
      and exists (
          select 1
          from carril_publication as p
          where p.into_table = {name} and p.execution_id = n.execution_id
            and not exists (
                select 1
                from carril_publication as q
                where q.into_table = p.into_table and q.lane = p.lane and q.execution_id > p.execution_id
            )
      )
    order by n.execution_id desc
    limit 1
)",
        shown = shown.join(", "),
        key = key.join(" and "),
    )
}
