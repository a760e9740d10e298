//! What a step's transaction has changed: rows per table, and whether it may have.
//!
//! Asked of the server when all statements have run: every table that a transaction writes stays locked until its end, whoever
//! wrote it, so nothing that a trigger, a function or a procedure did is missed.

use super::name::{OWN, same};
use super::pool::Session;
use super::step::SqlStep;
use super::transaction::Open;
use super::{fault, lock};
use carril_model::contract::{StepError, TableRows};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

/// Where a step may write.
pub(crate) struct Bounds<'a> {
    /// The workspace's schema, in which it may write everything; `None` where all tables are shared and free.
    pub(crate) own: Option<&'a str>,
    /// Tables of which it writes its own rows, where executions share them; none where it has a schema.
    pub(crate) rows_of: &'a [String],
    /// Shared tables that it may write besides.
    pub(crate) shared_writes: &'a [String],
    /// The schema whose tables are told by their plain names.
    pub(crate) shared: &'a str,
}

/// Most relations whose names are kept; one that is not is only asked for once more.
const NAMES_MAX: usize = 65_536;

/// What relations are called, by oid. A name is kept as long as nobody has locked the relation itself.
pub(crate) type Names = Mutex<HashMap<u32, Named>>;

/// What a relation is called.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    schema: String,
    table: String,
    /// Whether it counts as a table.
    counts: bool,
    is_view: bool,
}

/// One relation that was locked for writing.
pub(crate) struct Locked {
    oid: u32,
    /// Whether the relation itself may have been changed, or emptied as a whole.
    is_strong: bool,
    rows: [i64; 3],
}

/// One table that was written.
struct Written {
    schema: String,
    table: String,
    rows: [i64; 3],
    is_strong: bool,
}

/// What the transaction that is open has locked for writing. May be asked right behind the last statement, without waiting for its
/// end: the server answers in order.
///
/// # Errors
/// As the server says; where a statement before it has failed, nothing but that.
pub(crate) async fn locked(session: &Session) -> Result<Vec<Locked>, StepError> {
    let rows = session
        .query_typed(include_str!("../../sql/target/changed.sql"), &[])
        .await
        .map_err(|error| uncounted(&error))?;
    let locked = rows.iter().map(|row| Locked {
        oid: row.get(0),
        is_strong: row.get(1),
        rows: [row.get(2), row.get(3), row.get(4)],
    });
    Ok(locked.collect())
}

fn uncounted(error: &Error) -> StepError {
    fault::step(error, "counting what was changed: ")
}

/// Rows changed per table, by name, if all of them may be changed.
///
/// # Errors
/// `CAR0501` for a table that the step may not write; else as the server says.
pub(crate) async fn of_step(
    open: &Open,
    (step, locked): (&SqlStep<'_>, &[Locked]),
    bounds: &Bounds<'_>,
    names: &Names,
) -> Result<Vec<TableRows>, StepError> {
    let mut told: Vec<TableRows> = Vec::new();
    let written = written(open, names, locked).await;
    for written in written.map_err(|error| uncounted(&error))? {
        if let Some(text) = bounds.refusal(&written) {
            let mut fault = fault::refuse(text);
            fault.place = step.place_of(&written.schema, &written.table);
            return Err(fault);
        }
        let before = open.counted_before(&written.schema, &written.table);
        let count = |at: usize| {
            let rows = written.rows[at].saturating_sub(before[at]);
            rows.max(0).unsigned_abs()
        };
        let rows = TableRows {
            table: bounds.shown(&written),
            inserted: count(0),
            updated: count(1),
            deleted: count(2),
        };
        if rows.inserted + rows.updated + rows.deleted > 0 {
            told.push(rows);
        }
    }
    told.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(told)
}

/// Every table that the transaction has written or may have changed, once, by name.
async fn written(open: &Open, names: &Names, locked: &[Locked]) -> Result<Vec<Written>, Error> {
    let named = named(open, names, locked).await?;
    let mut tables: BTreeMap<(String, String), Written> = BTreeMap::new();
    for locked in locked {
        // One that is gone by now was made by the same transaction.
        let Some(named) = named.get(&locked.oid) else {
            continue;
        };
        if !named.counts || (named.is_view && !locked.is_strong) {
            continue;
        }
        let table = tables
            .entry((named.schema.clone(), named.table.clone()))
            .or_insert_with(|| Written {
                schema: named.schema.clone(),
                table: named.table.clone(),
                rows: [0; 3],
                is_strong: false,
            });
        table.is_strong |= locked.is_strong;
        for (sum, rows) in table.rows.iter_mut().zip(locked.rows) {
            *sum += rows;
        }
    }
    Ok(tables.into_values().collect())
}

/// What the relations are called: as it is known, or as the server says where it may have changed.
async fn named(
    open: &Open,
    names: &Names,
    locked: &[Locked],
) -> Result<HashMap<u32, Named>, Error> {
    let mut named: HashMap<u32, Named> = HashMap::new();
    let mut unknown = Vec::new();
    {
        let names = lock(names);
        for locked in locked {
            match names.get(&locked.oid) {
                Some(known) if !locked.is_strong => {
                    named.insert(locked.oid, known.clone());
                }
                _ => unknown.push(locked.oid),
            }
        }
    }
    if unknown.is_empty() {
        return Ok(named);
    }
    let rows = open
        .session
        .query_typed(
            include_str!("../../sql/target/relation_names.sql"),
            &[(&unknown, Type::OID_ARRAY)],
        )
        .await?;
    let mut names = room_in(names);
    for (oid, told) in rows.iter().map(Named::read) {
        let is_strong = locked
            .iter()
            .any(|locked| locked.oid == oid && locked.is_strong);
        if is_strong {
            // What the transaction makes of it is not there before it commits, or never.
            names.remove(&oid);
        } else {
            names.insert(oid, told.clone());
        }
        named.insert(oid, told);
    }
    Ok(named)
}

/// What the tables of a schema are called that the open transaction has just made; to be kept once it is committed.
///
/// # Errors
/// As the server says.
pub(crate) async fn names_in(session: &Session, schema: &str) -> Result<Vec<(u32, Named)>, Error> {
    let rows = session
        .query_typed(
            include_str!("../../sql/target/schema_names.sql"),
            &[(&schema, Type::TEXT)],
        )
        .await?;
    Ok(rows.iter().map(Named::read).collect())
}

/// Keeps names of relations that are there now.
pub(crate) fn keep(names: &Names, told: Vec<(u32, Named)>) {
    room_in(names).extend(told);
}

fn room_in(names: &Names) -> MutexGuard<'_, HashMap<u32, Named>> {
    let mut names = lock(names);
    if names.len() >= NAMES_MAX {
        names.clear();
    }
    names
}

impl Named {
    /// From a row of `relation_names.sql` or `schema_names.sql`, with its oid.
    fn read(row: &Row) -> (u32, Self) {
        let named = Self {
            schema: row.get(1),
            table: row.get(2),
            counts: row.get(3),
            is_view: row.get(4),
        };
        (row.get(0), named)
    }
}

impl Bounds<'_> {
    /// Why a table may not be written, or `None`.
    fn refusal(&self, written: &Written) -> Option<String> {
        if written.schema == OWN {
            return Some(format!(
                "`{OWN}.{}` is Carril's own table; a step's SQL may read it but not change it",
                written.table
            ));
        }
        if self.own.is_none() && self.rows_of.is_empty() {
            return None;
        }
        let full = format!("{}.{}", written.schema, written.table);
        let is_named = |name: &String| same(name, &full) || same(name, &written.table);
        let has_rows = self.rows_of.iter().any(is_named);
        if has_rows && written.is_strong {
            return Some(format!(
                "`{}` is shared by executions, so a step's SQL may change its rows but not the table",
                self.shown(written)
            ));
        }
        let is_own = has_rows || self.own == Some(&written.schema);
        if is_own || self.shared_writes.iter().any(is_named) {
            return None;
        }
        Some(format!(
            "`{}` is shared by all lanes and can only be read here; list it in `[workspace] tables`, or name it in the step's `shared_writes`",
            self.shown(written)
        ))
    }

    /// What a table is called: with its schema only where that says something.
    fn shown(&self, written: &Written) -> String {
        if self.own == Some(&written.schema) || written.schema == self.shared {
            written.table.clone()
        } else {
            format!("{}.{}", written.schema, written.table)
        }
    }
}
