//! What a call has done, for people (stderr) and for programs (`--json` on stdout).

use serde::Serialize;
use std::fmt;

/// What was loaded, from where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The documents that were loaded, in order.
    pub documents: Vec<LoadedDocument>,
    /// The documents that were passed over with `--skip-unknown`.
    pub skipped: Vec<SkippedDocument>,
}

/// One document that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadedDocument {
    /// Its path, then ` > ` and the name for every archive it lies in.
    pub document: String,
    /// `statements`, `custodian`, `filing`, `prices`, `index_list` or `rates`.
    pub kind: &'static str,
    /// The first day it is about, `YYYY-MM-DD`; none for an index list.
    pub first_date: Option<String>,
    /// The last day it is about.
    pub last_date: Option<String>,
    /// How many funds it is about; none where it is not about funds.
    pub funds: Option<usize>,
    /// Rows written to the source tables.
    pub rows: usize,
}

/// One document of an unknown kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedDocument {
    /// As [`LoadedDocument::document`].
    pub document: String,
    /// What it looks like.
    pub found: String,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Beyond this many documents of a kind only their sum is shown: a month of prices is twenty files.
        const SHOWN_MAX: usize = 6;
        for kind in [
            "statements",
            "custodian",
            "filing",
            "prices",
            "index_list",
            "rates",
        ] {
            let of_kind: Vec<&LoadedDocument> = self
                .documents
                .iter()
                .filter(|one| one.kind == kind)
                .collect();
            if of_kind.len() <= SHOWN_MAX {
                of_kind
                    .iter()
                    .try_for_each(|one| writeln!(f, "{}: {}", one.document, about(one)))?;
            } else {
                let rows: usize = of_kind.iter().map(|one| one.rows).sum();
                let first = of_kind
                    .iter()
                    .filter_map(|one| one.first_date.as_deref())
                    .min();
                let last = of_kind
                    .iter()
                    .filter_map(|one| one.last_date.as_deref())
                    .max();
                writeln!(
                    f,
                    "{} documents: {kind}, {rows} rows{}",
                    of_kind.len(),
                    days(first, last)
                )?;
            }
        }
        for skipped in self.skipped.iter().take(SHOWN_MAX) {
            writeln!(f, "{}: passed over, {}", skipped.document, skipped.found)?;
        }
        if self.skipped.len() > SHOWN_MAX {
            let more = self.skipped.len() - SHOWN_MAX;
            writeln!(f, "{more} more documents passed over (`--json` lists them)")?;
        }
        Ok(())
    }
}

fn about(one: &LoadedDocument) -> String {
    let funds = one
        .funds
        .map(|funds| format!(" of {funds} funds"))
        .unwrap_or_default();
    let days = days(one.first_date.as_deref(), one.last_date.as_deref());
    format!("{}{funds}, {} rows{days}", one.kind, one.rows)
}

fn days(first: Option<&str>, last: Option<&str>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first == last => format!(", {first}"),
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    }
}
