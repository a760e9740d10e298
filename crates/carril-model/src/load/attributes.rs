//! Attributes: the columns of the entities query, known only when a target has been asked.

use super::check;
use super::places::Places;
use super::similar::suggestion;
use crate::definition::{Definition, Entities};
use crate::finding::{Finding, Place};

/// A name that a pipeline takes for an attribute of its entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedAttribute {
    /// The attribute.
    pub name: String,
    /// Where it is used first; `None` in definitions that were built in Rust, outside their SQL.
    pub place: Option<Place>,
}

/// What a definition takes for attributes.
pub(super) fn assumed(definition: &Definition, places: &Places) -> Vec<AssumedAttribute> {
    check::attributes(definition, places)
}

/// Compares what the entities query really gives with what the pipeline relies on.
///
/// `columns` are all columns of the query, `assumed` comes from [`super::Loaded`]. Names that the query does not give are
/// errors (`CAR0304`), and so are a key that is none of its columns, a column that has a parameter's or a built-in name, and
/// two columns of one name (`CAR0308`).
#[must_use]
pub fn check_attributes(definition: &Definition, places: &Places, assumed: &[AssumedAttribute], columns: &[String]) -> Vec<Finding> {
    let Entities::Query { key, sql, .. } = &definition.entities else { return Vec::new() };
    let mut findings = Vec::new();
    let query = || places.sql("entities/sql", sql, 0..1);
    if !columns.contains(key) {
        let finding = Finding::error("CAR0308", format!("the entities query has no column `{key}`, which is to be the key"));
        findings.push(finding.maybe_help(suggestion(key, columns.iter().map(String::as_str))).maybe_at(places.at("entities/key")));
    }
    let attributes = || columns.iter().map(String::as_str).filter(|column| column != key);
    for (at, column) in columns.iter().enumerate() {
        let twice = columns[..at].contains(column);
        let hides = definition.params.contains_key(column) || check::is_built_in(column);
        if column != key && (twice || hides) {
            let what = if twice { "another column" } else { "a parameter or a value of Carril's own" };
            let finding = Finding::error("CAR0308", format!("the entities query has a column `{column}`, and {what} has that name"));
            findings.push(finding.help(format!("give it another name: `{column} as …`")).maybe_at(query()));
        }
    }
    for attribute in assumed.iter().filter(|attribute| !attributes().any(|column| column == attribute.name)) {
        let name = &attribute.name;
        let known = attributes().chain(definition.params.keys().map(String::as_str));
        let help = if name == key {
            "the key is `:entity_key` in SQL and `entity.key` in expressions".to_owned()
        } else {
            suggestion(name, known).unwrap_or_else(|| format!("let the entities query select a column `{name}`"))
        };
        let finding = Finding::error("CAR0304", format!("nothing provides `{name}`: it is no parameter, and the entities query has no such column"));
        findings.push(finding.help(help).maybe_at(attribute.place.clone()));
    }
    findings
}

#[cfg(test)]
mod tests;
