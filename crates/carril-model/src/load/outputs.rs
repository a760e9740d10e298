//! Outputs of SQL steps: the columns of a step's last statement, known only when its target has been asked.

use super::check::{fallback_fields, no_field};
use crate::contract::Inspection;
use crate::definition::Definition;
use crate::finding::{Finding, Place};
use std::collections::BTreeMap;

/// A field that a pipeline uses of the output of one of its SQL steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedOutput {
    /// Positions of stage and step in the definition as written.
    pub step: (usize, usize),
    /// The field: a column of what the step's last statement returns.
    pub field: String,
    /// Where it is used first; `None` in definitions that were built in Rust, outside their SQL.
    pub place: Option<Place>,
}

/// Compares the columns that steps really give with what later steps use of them.
///
/// `inspections` are what the targets told, by the positions of stage and step; a step that is not in it is not judged. A
/// field that no output of the step can have is an error (`CAR0127`).
#[must_use]
pub fn check_outputs(
    definition: &Definition,
    used: &[UsedOutput],
    inspections: &BTreeMap<(usize, usize), &Inspection>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for UsedOutput { step, field, place } in used {
        let Some(inspection) = inspections.get(step) else {
            continue;
        };
        let stage = &definition.stages[step.0];
        let Some(by_fallback) = fallback_fields(&stage.steps, step.1) else {
            continue;
        };
        let columns = inspection.columns.iter().map(String::as_str);
        let known: Vec<&str> = columns.chain(by_fallback).collect();
        if known.contains(&field.as_str()) {
            continue;
        }
        let path = format!("{}/{}", stage.name, stage.steps[step.1].name);
        let finding = if inspection.columns.is_empty() {
            let message = format!("`{path}` has no output: its last statement returns no rows");
            Finding::error("CAR0127", message).help(format!(
                "let it end with a query that gives it, as in `select … as {field}`, or with `returning`"
            ))
        } else {
            no_field(&path, field, &known)
        };
        findings.push(finding.maybe_at(place.clone()));
    }
    findings
}

#[cfg(test)]
mod tests;
