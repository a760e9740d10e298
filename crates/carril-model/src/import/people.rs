//! The table of all funds: what it knows of a fund is added to the attributes that the fund's row of a run does not have.

use super::MapError;
use super::flat::FlatTable;
use super::report::{Problem, ProblemKind};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// The funds by their ids.
pub(super) struct People<'a> {
    table: &'a FlatTable,
    id: usize,
    rows: HashMap<&'a str, usize>,
}

impl<'a> People<'a> {
    /// Finds each fund's row; of one that is there twice the first.
    pub(super) fn new(
        table: &'a FlatTable,
        renamed: &BTreeMap<String, String>,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, MapError> {
        let id = table.needed("ID_Fund", renamed)?;
        let mut rows = HashMap::new();
        for row in 0..table.rows.len() {
            let Some(fund) = table.cell(row, Some(id)) else {
                continue;
            };
            if rows.contains_key(fund) {
                let text = format!("{} has this fund twice; the first row counts", table.name);
                let problem = Problem::of_fund(ProblemKind::FundsTwice, None, Some(fund), text);
                problems.push(problem);
            } else {
                rows.insert(fund, row);
            }
        }
        Ok(Self { table, id, rows })
    }

    /// Whether a fund is there.
    pub(super) fn knows(&self, fund: &str) -> bool {
        self.rows.contains_key(fund)
    }

    /// The table's name.
    pub(super) fn name(&self) -> &str {
        &self.table.name
    }

    /// Adds what is known of a fund and not said yet.
    pub(super) fn complete(&self, fund: &str, attributes: &mut Map<String, Value>) {
        let Some(row) = self.rows.get(fund) else {
            return;
        };
        for (at, column) in self.table.columns.iter().enumerate() {
            if at == self.id || attributes.contains_key(column) {
                continue;
            }
            if let Some(value) = self.table.cell(*row, Some(at)) {
                attributes.insert(column.clone(), Value::from(value));
            }
        }
    }
}
