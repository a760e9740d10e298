//! Attributes: the columns of the entities query, known only when a target has been asked.

use super::check;
use super::places::Places;
use super::similar::suggestion;
use crate::definition::{Definition, Entities};
use crate::finding::{Finding, Place};
use std::collections::BTreeSet;

/// A name that a pipeline takes for an attribute of its entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedAttribute {
    /// The attribute.
    pub name: String,
    /// Where it is used first; `None` in definitions that were built in Rust, outside their SQL.
    pub place: Option<Place>,
}

/// Compares what the entities query really gives with what the pipeline relies on.
///
/// `columns` are all columns of the query, `assumed` comes from [`super::Loaded`]. Names that the query does not give are
/// errors (`CAR0304`), and so are a key that is none of its columns, a column that has a parameter's or a built-in name, and
/// two columns of one name (`CAR0308`).
#[must_use]
pub fn check_attributes(
    definition: &Definition,
    places: &Places,
    assumed: &[AssumedAttribute],
    columns: &[String],
) -> Vec<Finding> {
    let Entities::Query { key, sql, .. } = &definition.entities else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if !columns.contains(key) {
        let message = format!("the entities query has no column `{key}`, which is to be the key");
        let help = suggestion(key, columns.iter().map(String::as_str));
        let finding = Finding::error("CAR0308", message).maybe_help(help);
        findings.push(finding.maybe_at(places.at("entities/key")));
    }
    let place = places.sql("entities/sql", sql, 0..1);
    let hiding = hiding_columns(definition, key, columns);
    findings.extend(
        hiding
            .into_iter()
            .map(|finding| finding.maybe_at(place.clone())),
    );
    let attributes: BTreeSet<&str> = columns.iter().map(String::as_str).collect();
    for AssumedAttribute { name, place } in assumed {
        if attributes.contains(name.as_str()) {
            continue;
        }
        let known = definition.params.keys().map(String::as_str);
        let help = suggestion(name, attributes.iter().copied().chain(known))
            .unwrap_or_else(|| format!("let the entities query select a column `{name}`"));
        let message = format!(
            "nothing provides `{name}`: it is no parameter, and the entities query has no such column"
        );
        findings.push(
            Finding::error("CAR0304", message)
                .help(help)
                .maybe_at(place.clone()),
        );
    }
    findings
}

/// Columns that another one, a parameter or a value of Carril's own has the name of.
fn hiding_columns(definition: &Definition, key: &str, columns: &[String]) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    for column in columns {
        // A key column may be called `entity_key`: it is what that name means.
        let what = if column == key && column == "entity_key" {
            continue;
        } else if !seen.insert(column) {
            "another column"
        } else if definition.params.contains_key(column) || check::is_built_in(column) {
            "a parameter or a value of Carril's own"
        } else {
            continue;
        };
        let message =
            format!("the entities query has a column `{column}`, and {what} has that name");
        let help = format!("give it another name: `{column} as …`");
        findings.push(Finding::error("CAR0308", message).help(help));
    }
    findings
}

#[cfg(test)]
mod tests;
