//! Values of parameters: what a launch gives as text, and what defaults may be.

use super::similar::suggestion;
use super::values::date_problem;
use crate::definition::{Definition, ParameterKind};
use crate::finding::Finding;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most bytes of one parameter's value; they are part of every process and every lane.
const VALUE_BYTES_MAX: usize = 4_096;

/// Turns the texts of `--set NAME=VALUE` into values of the parameters' types, adds the defaults, and leaves nothing out.
///
/// The same texts always give the same values, so that two launches of the same work are known to be the same.
///
/// # Errors
/// A finding for each name that is no parameter or value that does not fit (`CAR0401`), and for each parameter without
/// default that is not given (`CAR0402`).
pub fn parameters(
    definition: &Definition,
    given: &BTreeMap<String, String>,
) -> Result<Map<String, Value>, Vec<Finding>> {
    let mut findings = Vec::new();
    for name in given
        .keys()
        .filter(|name| !definition.params.contains_key(*name))
    {
        let finding = Finding::error("CAR0401", format!("the pipeline has no parameter `{name}`"));
        let help = suggestion(name, definition.params.keys().map(String::as_str));
        findings.push(finding.maybe_help(help.or_else(|| Some("leave it out".to_owned()))));
    }
    let mut values = Map::new();
    for (name, parameter) in &definition.params {
        let value = match (given.get(name), &parameter.default) {
            (Some(text), _) => of_text(parameter.kind, text),
            (None, Some(default)) => Ok(canonical(parameter.kind, default)),
            (None, None) => {
                let finding =
                    Finding::error("CAR0402", format!("the parameter `{name}` is not set"));
                findings.push(finding.help(format!(
                    "set it: `--set {name}={}`",
                    example(parameter.kind)
                )));
                continue;
            }
        };
        match value {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(problem) => {
                let finding = Finding::error(
                    "CAR0401",
                    format!("the value of `{name}` does not fit: {problem}"),
                );
                findings.push(finding.help(format!(
                    "it is as in `--set {name}={}`",
                    example(parameter.kind)
                )));
            }
        }
    }
    if findings.is_empty() {
        Ok(values)
    } else {
        Err(findings)
    }
}

/// A value of that type, as a person would write it.
fn example(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Text => "full",
        ParameterKind::Integer => "12",
        ParameterKind::Number => "0.5",
        ParameterKind::Boolean => "true",
        ParameterKind::Date => "2025-06-30",
    }
}

/// The same as it stands in a pipeline file.
pub(super) fn default_example(kind: ParameterKind) -> String {
    match kind {
        ParameterKind::Text | ParameterKind::Date => format!("\"{}\"", example(kind)),
        ParameterKind::Integer | ParameterKind::Number | ParameterKind::Boolean => {
            example(kind).to_owned()
        }
    }
}

/// What is wrong with a default, if anything.
pub(super) fn default_problem(kind: ParameterKind, value: &Value) -> Option<String> {
    let expected = match (kind, value) {
        (ParameterKind::Text, Value::String(text)) => return of_text(kind, text).err(),
        (ParameterKind::Date, Value::String(text)) => return date_problem(text),
        (ParameterKind::Boolean, Value::Bool(_)) | (ParameterKind::Number, Value::Number(_)) => {
            return None;
        }
        (ParameterKind::Integer, Value::Number(number)) if number.is_i64() => return None,
        (ParameterKind::Text, _) => "a text",
        (ParameterKind::Date, _) => "a date",
        (ParameterKind::Boolean, _) => "`true` or `false`",
        (ParameterKind::Number, _) => "a number",
        (ParameterKind::Integer, _) => "a whole number of 64 bits",
    };
    let written = value.to_string();
    let shown: String = written.chars().take(40).collect();
    Some(format!("`{shown}` is not {expected}"))
}

fn of_text(kind: ParameterKind, text: &str) -> Result<Value, String> {
    if text.len() > VALUE_BYTES_MAX {
        return Err(format!(
            "it has {} bytes, at most {VALUE_BYTES_MAX} are taken",
            text.len()
        ));
    }
    match kind {
        ParameterKind::Text if text.contains('\0') => {
            Err("it has a NUL character in it".to_owned())
        }
        ParameterKind::Text => Ok(Value::from(text)),
        ParameterKind::Integer => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| format!("`{text}` is not a whole number of 64 bits")),
        ParameterKind::Number => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::from(number)),
            _ => Err(format!("`{text}` is not a number")),
        },
        ParameterKind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("`{text}` is neither `true` nor `false`")),
        },
        ParameterKind::Date => match date_problem(text) {
            None => Ok(Value::from(text)),
            Some(problem) => Err(problem),
        },
    }
}

/// A default as the same value given as text would be: numbers with a point.
fn canonical(kind: ParameterKind, default: &Value) -> Value {
    match (kind, default.as_f64()) {
        (ParameterKind::Number, Some(number)) => Value::from(number),
        _ => default.clone(),
    }
}

#[cfg(test)]
mod tests;
