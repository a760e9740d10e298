//! The history table and the `current` view of a publish entry: made at first use, then only compared.
//!
//! A table or view of these names that somebody else made is never changed: the error says what differs. A view of ours is known
//! by its comment, which holds the statement that made it.

use crate::target::fault;
use crate::target::name::{OWN, in_schema, literal, quoted, quoted_list, same};
use crate::target::pool::Session;
use crate::target::template::{self, Column, columns_of};
use carril_model::contract::StepError;
use carril_model::definition::Publish;
use tokio_postgres::types::Type;

/// Columns that the history table has besides those of the published table.
const ADDED: [&str; 2] = ["execution_id", "published_at"];
/// By this a view is known to be ours, and may be made anew.
const MARK: &str = "made by carril: ";

/// Where an entry's table and view are, or will be.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) view: Option<String>,
}

impl Place {
    /// The names as the server has them; where it has none, small letters for plain words and else what is written.
    ///
    /// # Errors
    /// As the server says.
    pub(crate) async fn find(
        session: &Session,
        entry: &Publish,
        shared: &str,
    ) -> Result<Self, StepError> {
        let mut names = vec![entry.into.clone()];
        names.extend(entry.current.clone());
        let found = template::find(session, &names, &[shared.to_owned()])
            .await
            .map_err(|error| fault::step(&error, &format!("looking at `{}`: ", entry.into)))?;
        let mut all = names
            .iter()
            .zip(found)
            .map(|(name, found)| found.map_or_else(|| folded(name), |found| found.name));
        Ok(Self {
            schema: shared.to_owned(),
            table: all.next().unwrap_or_default(),
            view: all.next(),
        })
    }

    /// The history table, quoted.
    pub(crate) fn qualified(&self) -> String {
        in_schema(&self.schema, &self.table)
    }

    /// How the bookkeeping calls the history table.
    pub(crate) fn publication_name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

/// A name as SQL without quotes would have it.
fn folded(name: &str) -> String {
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_plain {
        name.to_ascii_lowercase()
    } else {
        name.to_owned()
    }
}

/// Makes what is missing of one entry, inside the caller's transaction.
///
/// # Errors
/// `CAR0501` when a table or view of that name is something else; else as the server says.
pub(crate) async fn ensure_entry(
    session: &Session,
    entry: &Publish,
    place: &Place,
    columns: &[Column],
) -> Result<(), StepError> {
    if is_ready(session, entry, place, columns).await? {
        return Ok(());
    }
    let mut statements = history_statements(entry, place, columns);
    if let Some(current) = &place.view {
        let view = in_schema(&place.schema, current);
        let query = view_query(entry, place, columns);
        statements.push(format!("drop view if exists {view}"));
        statements.push(format!("create view {view} as {query}"));
        statements.push(format!(
            "comment on view {view} is {}",
            literal(&format!("{MARK}{query}"))
        ));
    }
    session
        .batch_execute(&statements.join(";\n"))
        .await
        .map_err(|error| fault::step(&error, &format!("making `{}`: ", entry.into)))
}

/// Whether history table and view are as they should be; an error when what stands there is not ours to change.
///
/// # Errors
/// As [`ensure_entry`].
pub(crate) async fn is_ready(
    session: &Session,
    entry: &Publish,
    place: &Place,
    columns: &[Column],
) -> Result<bool, StepError> {
    let failed = |error| fault::step(&error, &format!("looking at `{}`: ", entry.into));
    check_names(entry, columns)?;
    let into = place.qualified();
    let table_ready = match object(session, &into).await.map_err(failed)? {
        None => false,
        Some((kind, _)) if matches!(kind.as_str(), "r" | "p" | "f") => {
            let there = columns_of(session, &into).await.map_err(failed)?;
            compare(entry, columns, &there)?;
            true
        }
        Some((kind, _)) => {
            return Err(fault::refuse(format!(
                "`{}` is a {}, so nothing can be published into it; name a table, or one that does not exist yet",
                entry.into,
                word_of(&kind)
            )));
        }
    };
    let (Some(current), Some(view)) = (&entry.current, &place.view) else {
        return Ok(table_ready);
    };
    let found = object(session, &in_schema(&place.schema, view))
        .await
        .map_err(failed)?;
    let view_ready = match found {
        None => false,
        Some((kind, Some(comment))) if kind == "v" && comment.starts_with(MARK) => {
            comment[MARK.len()..] == view_query(entry, place, columns)
        }
        Some((kind, _)) => {
            return Err(fault::refuse(format!(
                "there is already a {} `{current}` that Carril did not make; choose another name for `current`",
                word_of(&kind)
            )));
        }
    };
    Ok(table_ready && view_ready)
}

/// What a name stands for: its kind and its comment.
async fn object(
    session: &Session,
    name: &str,
) -> Result<Option<(String, Option<String>)>, tokio_postgres::Error> {
    let row = session
        .query_typed_opt(
            include_str!("../../../sql/target/object.sql"),
            &[(&name, Type::TEXT)],
        )
        .await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

fn word_of(kind: &str) -> &'static str {
    match kind {
        "v" => "view",
        "m" => "materialized view",
        "S" => "sequence",
        "i" | "I" => "index",
        "c" => "type",
        _ => "table",
    }
}

fn check_names(entry: &Publish, columns: &[Column]) -> Result<(), StepError> {
    let has = |name: &str| columns.iter().any(|column| same(&column.name, name));
    if let Some(added) = ADDED.iter().find(|added| has(added)) {
        return Err(fault::refuse(format!(
            "`{}` has a column `{added}`, which `{}` gets by itself; leave it out or name it otherwise",
            entry.from, entry.into
        )));
    }
    match entry.key.iter().find(|key| !has(key)) {
        Some(key) => Err(fault::refuse(format!(
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
        .filter(|name| !there.iter().any(|column| column.name == *name))
        .collect();
    let extra: Vec<&str> = there
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !wanted.contains(name))
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
    Err(fault::refuse(format!(
        "`{}` does not have the columns of `{}`: it {}; change it with ALTER TABLE, or publish into a table that does not exist yet",
        entry.into,
        entry.from,
        differs.join(" and ")
    )))
}

/// The key's columns as the published table has them.
fn key_of(entry: &Publish, columns: &[Column]) -> Vec<String> {
    let named = |key: &String| {
        let found = columns.iter().find(|column| same(&column.name, key));
        found.map_or_else(|| key.clone(), |column| column.name.clone())
    };
    entry.key.iter().map(named).collect()
}

fn history_statements(entry: &Publish, place: &Place, columns: &[Column]) -> Vec<String> {
    let into = place.qualified();
    let names = key_of(entry, columns);
    let mut parts = vec![
        "execution_id bigint not null".to_owned(),
        "published_at timestamptz not null".to_owned(),
    ];
    for column in columns {
        let not_null = if column.not_null || names.contains(&column.name) {
            " not null"
        } else {
            ""
        };
        parts.push(format!(
            "{} {}{not_null}",
            quoted(&column.name),
            column.kind
        ));
    }
    let key = quoted_list(names.iter().map(String::as_str));
    parts.push(format!("primary key (execution_id, {key})"));
    let index = quoted(&index_name(&place.table));
    vec![
        format!(
            "create table if not exists {into} (\n    {}\n)",
            parts.join(",\n    ")
        ),
        format!("create index if not exists {index} on {into} ({key}, execution_id)"),
    ]
}

/// The index by key: its table's name in it, within the 63 bytes that the server keeps.
fn index_name(table: &str) -> String {
    let mut end = table.len().min(63 - "carril__by_key".len());
    while !table.is_char_boundary(end) {
        end -= 1;
    }
    format!("carril_{}_by_key", &table[..end])
}

fn view_query(entry: &Publish, place: &Place, columns: &[Column]) -> String {
    let (into, name) = (place.qualified(), literal(&place.publication_name()));
    let shown: Vec<String> = columns
        .iter()
        .map(|column| format!("h.{}", quoted(&column.name)))
        .collect();
    let key: Vec<String> = key_of(entry, columns)
        .iter()
        .map(|key| format!("n.{key} = h.{key}", key = quoted(key)))
        .collect();
    format!(
        "select {shown}, h.execution_id
from {into} as h
where h.execution_id = (
    select n.execution_id
    from {into} as n
    where {key}
      and exists (
          select 1
          from {OWN}.publication as p
          where p.into_table = {name} and p.execution_id = n.execution_id
            and not exists (
                select 1
                from {OWN}.publication as q
                where q.into_table = p.into_table and md5(q.lane) = md5(p.lane) and q.lane = p.lane
                  and q.execution_id > p.execution_id
            )
      )
    order by n.execution_id desc
    limit 1
)",
        shown = shown.join(", "),
        key = key.join(" and "),
    )
}
