//! What is known about a table that executions share: its columns and keys. Read from the shared file, never kept.

use crate::target::name::same;
use crate::target::shared;
use rusqlite::{Connection, OptionalExtension as _, Row};

/// A table of the shared file.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Its name as the file has it.
    pub(crate) name: String,
    /// All columns that can be seen, in order.
    pub(crate) columns: Vec<String>,
    /// Those that a row is inserted with.
    pub(crate) insertable: Vec<String>,
    /// The column that tells executions apart, as the file writes it, if it is there.
    pub(crate) column: Option<String>,
    /// Every index, those of keys among them.
    pub(crate) indexes: Vec<Index>,
    /// The primary key, in its order.
    pub(crate) primary: Vec<String>,
    /// The column that is the rowid by another name.
    pub(crate) rowid: Option<String>,
    pub(crate) has_rowids: bool,
}

/// One index.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// Whether somebody made it, and no constraint of the table.
    pub(crate) is_made: bool,
    pub(crate) is_unique: bool,
    pub(crate) is_partial: bool,
    /// Nothing stands for an expression.
    pub(crate) columns: Vec<Option<String>>,
}

/// What stands under a name.
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// A view.
    View,
    /// A table.
    Table(Box<Facts>),
}

impl Facts {
    /// Looks a table up in the main file.
    pub(crate) fn of(
        connection: &Connection,
        table: &str,
        column: &str,
    ) -> rusqlite::Result<Found> {
        let object = connection
            .prepare_cached(include_str!("../../../sql/target/column_table.sql"))?
            .query_row([table], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        match object {
            None => Ok(Found::Nothing),
            Some((_, kind)) if kind == "view" => Ok(Found::View),
            Some((name, _)) => Ok(Found::Table(Box::new(Self::read(
                connection, name, column,
            )?))),
        }
    }

    fn read(connection: &Connection, name: String, column: &str) -> rusqlite::Result<Self> {
        let mut query =
            connection.prepare_cached(include_str!("../../../sql/target/column_columns.sql"))?;
        let read = |row: &Row<'_>| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, i64>(3)?,
            ))
        };
        let found: Vec<(String, String, i64, i64)> = query
            .query_map([&name], read)?
            .collect::<rusqlite::Result<_>>()?;
        let named = |keep: fn(i64) -> bool| {
            let kept = found.iter().filter(move |(_, _, hidden, _)| keep(*hidden));
            kept.map(|(name, ..)| name.clone()).collect::<Vec<_>>()
        };
        let mut primary: Vec<(i64, &String, &String)> = found
            .iter()
            .filter(|(_, _, _, place)| *place > 0)
            .map(|(name, kind, _, place)| (*place, name, kind))
            .collect();
        primary.sort_by_key(|(place, ..)| *place);
        let indexes = indexes_of(connection, &name)?;
        let has_rowids = crate::target::template::has_rowids(connection, &name);
        let rowid = match primary.as_slice() {
            [(_, name, kind)] if has_rowids && kind.eq_ignore_ascii_case("integer") => {
                Some((*name).clone())
            }
            _ => None,
        };
        Ok(Self {
            columns: named(|hidden| hidden != 1),
            insertable: named(|hidden| hidden == 0),
            column: found
                .iter()
                .map(|(name, ..)| name)
                .find(|name| same(name, column))
                .cloned(),
            primary: primary.iter().map(|(_, name, _)| (*name).clone()).collect(),
            rowid,
            has_rowids,
            indexes,
            name,
        })
    }

    /// The columns of every unique key that holds for all rows and has no expression in it.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Vec<&str>> {
        let keys = self
            .indexes
            .iter()
            .filter(|index| index.is_unique && !index.is_partial);
        let of_indexes = keys.filter_map(|index| {
            index
                .columns
                .iter()
                .map(Option::as_deref)
                .collect::<Option<Vec<&str>>>()
        });
        of_indexes.chain(self.rowid.iter().map(|name| vec![name.as_str()]))
    }

    /// Unique keys of which the column that tells executions apart is no part, the rowid's name apart.
    pub(crate) fn keys_without<'f>(
        &'f self,
        column: &'f str,
    ) -> impl Iterator<Item = Vec<&'f str>> {
        self.keys()
            .filter(move |key| !key.iter().any(|name| same(name, column)))
            .filter(|key| !matches!((key.as_slice(), &self.rowid), ([name], Some(rowid)) if name == rowid))
    }

    /// Whether an index, or key, for all rows begins with the column.
    pub(crate) fn is_indexed_by(&self, column: &str) -> bool {
        let begins = |index: &Index| {
            let first = index.columns.first().and_then(Option::as_deref);
            !index.is_partial && first.is_some_and(|first| same(first, column))
        };
        self.indexes.iter().any(begins)
            || self
                .rowid
                .as_deref()
                .is_some_and(|rowid| same(rowid, column))
    }
}

fn indexes_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Index>> {
    let mut query =
        connection.prepare_cached(include_str!("../../../sql/target/column_keys.sql"))?;
    let mut rows = query.query([table])?;
    let mut indexes: Vec<Index> = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let column: Option<String> = row.get(4)?;
        match indexes.last_mut() {
            Some(last) if last.name == name => last.columns.push(column),
            _ => indexes.push(Index {
                is_made: row.get::<_, String>(1)? == "c",
                is_unique: row.get(2)?,
                is_partial: row.get(3)?,
                columns: vec![column],
                name,
            }),
        }
    }
    Ok(indexes)
}

/// The tables of a workspace that refer to each other, those that refer before those that are referred to: so rows can be
/// removed table by table. Tables that refer in a circle come in the order given.
pub(crate) fn children_first(
    connection: &Connection,
    tables: &[String],
) -> rusqlite::Result<Vec<String>> {
    let mut left: Vec<(String, Vec<String>)> = Vec::new();
    let mut parents =
        connection.prepare_cached(include_str!("../../../sql/target/column_parents.sql"))?;
    for table in tables {
        if shared::object(connection, table)?.is_none_or(|(kind, _)| kind != "table") {
            continue;
        }
        let refers = parents
            .query_map([table], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()?;
        left.push((table.clone(), refers));
    }
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_free = |at: &usize| {
            let table = &left[*at].0;
            let others = left.iter().filter(|(other, _)| other != table);
            !others
                .flat_map(|(_, refers)| refers)
                .any(|parent| same(parent, table))
        };
        let next = (0..left.len()).find(is_free).unwrap_or(0);
        ordered.push(left.remove(next).0);
    }
    Ok(ordered)
}
