//! What a step's transaction has changed: rows per table, and whether it may have.
//!
//! Asked of the server when all statements have run: every table that a transaction writes stays locked until its end, whoever
//! wrote it, so nothing that a trigger, a function or a procedure did is missed.

use super::fault;
use super::name::{OWN, same};
use super::step::SqlStep;
use super::transaction::Open;
use carril_model::contract::{StepError, TableRows};

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

/// One table that was locked for writing.
struct Written {
    schema: String,
    table: String,
    rows: [i64; 3],
    /// Whether the table itself may have been changed, or emptied as a whole.
    is_strong: bool,
}

/// Rows changed per table, by name, if all of them may be changed.
///
/// # Errors
/// `CAR0501` for a table that the step may not write; else as the server says.
pub(crate) async fn of_step(
    open: &Open,
    step: &SqlStep<'_>,
    bounds: &Bounds<'_>,
) -> Result<Vec<TableRows>, StepError> {
    let rows = open
        .session
        .query_typed(include_str!("../../sql/target/changed.sql"), &[])
        .await
        .map_err(|error| fault::step(&error, "counting what was changed: "))?;
    let written = rows.iter().map(|row| Written {
        schema: row.get(0),
        table: row.get(1),
        rows: [row.get(2), row.get(3), row.get(4)],
        is_strong: row.get(5),
    });
    let mut told: Vec<TableRows> = Vec::new();
    for written in written {
        if let Some(text) = bounds.refusal(&written) {
            let mut fault = fault::refuse(text);
            fault.place = step.place_of(&written.schema, &written.table);
            return Err(fault);
        }
        let before = open.counted_before(&written.schema, &written.table);
        let count = |at: usize| {
            written.rows[at]
                .saturating_sub(before[at])
                .max(0)
                .unsigned_abs()
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
