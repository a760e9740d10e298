//! Tables as they are read: names of columns, and every value as text. Owned by whoever read them; nothing is judged here but
//! which column is which.

use super::MapError;
use std::collections::BTreeMap;

/// Most rows of one table that are read; more are refused rather than held in memory. Twenty years of a thousand funds on every
/// working day are five million.
pub const FLAT_ROWS_MAX: u64 = 5_000_000;

/// Columns that may have another name in the source.
pub(super) const KNOWN: &[&str] = &[
    "ID_Ejecucion",
    "FechaReporte",
    "Estado",
    "FechaInicio",
    "FechaFin",
    "TotalFondos",
    "FondosExitosos",
    "FondosFallidos",
    "ID_Fund",
    "MensajeError",
];

/// A table that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatWanted {
    /// The schema; SQLite, which has none, knows the table as `NAME`, `SCHEMA_NAME` or `SCHEMA.NAME`.
    pub schema: String,
    /// Its name; capitals make a difference only where two tables differ in nothing else.
    pub name: String,
    /// Whether it is an error when there is no such table.
    pub required: bool,
}

/// Why a source cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlatError {
    /// Nobody answers there, or it is no database.
    #[error("the source cannot be reached: {0}")]
    Unreachable(String),
    /// A table is not there.
    #[error("the source has no table {wanted}; {there}")]
    NoTable {
        /// What was looked for.
        wanted: String,
        /// What is there instead, as a fragment.
        there: String,
    },
    /// More rows than are held in memory.
    #[error(
        "table {table} has more than {FLAT_ROWS_MAX} rows; import it in parts, from views that have some of them each"
    )]
    TooMany {
        /// The table.
        table: String,
    },
    /// It was refused while it was read: no right, a lost connection.
    #[error("table {table} cannot be read: {why}")]
    Unreadable {
        /// The table.
        table: String,
        /// In the database's words.
        why: String,
    },
}

/// A table that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlatTable {
    /// As it is called in the source.
    pub name: String,
    /// Names of its columns, in order.
    pub columns: Vec<String>,
    /// Values as text, times in the source's own words; `None` for null. Every row has as many as there are columns.
    pub rows: Vec<Vec<Option<String>>>,
}

/// The tables of a source, from one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// A row per run.
    pub runs: FlatTable,
    /// A row per run and fund.
    pub funds: FlatTable,
    /// A row per fund, if the source has them.
    pub people: Option<FlatTable>,
}

impl FlatTable {
    /// Where a column is, whatever its capitals.
    pub(super) fn find(&self, name: &str) -> Result<Option<usize>, MapError> {
        let mut found = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.eq_ignore_ascii_case(name));
        let first = found.next().map(|(at, _)| at);
        if found.next().is_none() {
            return Ok(first);
        }
        // Where one is written exactly so, it is meant.
        match self.columns.iter().position(|column| column == name) {
            Some(exact) => Ok(Some(exact)),
            None => Err(MapError::TwoColumns {
                table: self.name.clone(),
                column: name.to_owned(),
            }),
        }
    }

    /// Where a known column is, under its own name or the one that the options give.
    pub(super) fn known(
        &self,
        name: &str,
        renamed: &BTreeMap<String, String>,
    ) -> Result<Option<usize>, MapError> {
        let other = renamed
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        self.find(other.map_or(name, |(_, other)| other.as_str()))
    }

    /// The same, where nothing has a meaning without it.
    pub(super) fn needed(
        &self,
        name: &str,
        renamed: &BTreeMap<String, String>,
    ) -> Result<usize, MapError> {
        self.known(name, renamed)?.ok_or_else(|| {
            let other = renamed
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            MapError::NoColumn {
                table: self.name.clone(),
                column: other.map_or(name, |(_, other)| other.as_str()).to_owned(),
                there: self.columns.join(", "),
            }
        })
    }

    /// A value, without blanks around it; nothing for null, for blanks alone, and for a column that is not there.
    pub(super) fn cell(&self, row: usize, column: Option<usize>) -> Option<&str> {
        let value = self.rows.get(row)?.get(column?)?.as_deref()?.trim();
        (!value.is_empty()).then_some(value)
    }
}
