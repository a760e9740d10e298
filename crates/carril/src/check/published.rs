//! What publishing will make, so that SQL which reads it can be looked at before the first run has made it.
//!
//! Targets look at statements on a scratch database without rows. Stand-ins for history tables and `current` views are made
//! there by statements put in front of the step's own; what the target tells about those is taken out again.

use carril_model::contract::{Inspection, TargetError};
use carril_model::definition::{Publish, SqlText};
use std::fmt::Write as _;

/// Statements that make the stand-ins; empty when everything is there.
#[derive(Debug, Default)]
pub(super) struct Prelude {
    text: String,
    names: Vec<String>,
}

impl Prelude {
    /// Adds what an entry will make and is not there yet.
    pub(super) fn add(&mut self, entry: &Publish, has_table: bool, has_view: bool) {
        let into = quoted(&entry.into);
        if !has_table {
            let from = quoted(&entry.from);
            let _ = write!(
                self.text,
                "create table {into} as select 0 as execution_id, 0 as published_at, * from {from}; "
            );
            self.names.push(entry.into.clone());
        }
        if let Some(current) = entry.current.as_ref().filter(|_| !has_view) {
            let _ = write!(
                self.text,
                "create view {} as select * from {into}; ",
                quoted(current)
            );
            self.names.push(current.clone());
        }
    }

    /// A step's SQL behind the stand-ins.
    pub(super) fn before(&self, sql: &SqlText) -> SqlText {
        SqlText {
            file: sql.file.clone(),
            text: format!("{}{}", self.text, sql.text),
        }
    }

    /// What was told about the step's own statements.
    pub(super) fn taken_out(&self, mut inspection: Inspection) -> Inspection {
        let start = self.text.len();
        inspection.accesses.retain(|access| access.offset >= start);
        inspection.not_seen.retain(|(offset, _)| *offset >= start);
        for access in &mut inspection.accesses {
            access.offset -= start;
            // Whatever stands in for it, the real one is shared.
            access.own &= !self
                .names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&access.table));
        }
        for (offset, _) in &mut inspection.not_seen {
            *offset -= start;
        }
        inspection
    }

    /// The same error with its place in the step's own SQL.
    pub(super) fn shifted(&self, error: TargetError) -> TargetError {
        match error {
            TargetError::Sql { message, offset } => TargetError::Sql {
                message,
                offset: offset.map(|offset| offset.saturating_sub(self.text.len())),
            },
            other => other,
        }
    }
}

/// All of a table, for asking whether it is there and which columns it has.
pub(super) fn all_of(table: &str) -> SqlText {
    SqlText {
        file: String::new(),
        text: format!("select * from {}", quoted(table)),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
