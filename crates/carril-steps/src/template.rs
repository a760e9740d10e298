//! Puts values into texts: `{name}` is the value of that name, `{{` and `}}` are braces.
//!
//! What a name is, the model says. The value becomes part of one text, whatever is in it; nothing splits, quotes or
//! interprets it afterwards.

#[cfg(test)]
mod tests;

use carril_model::contract::{ErrorClass, StepError};
use carril_model::sql::Lookup;
use carril_model::template::{Piece, pieces};
use serde_json::Value;

/// Fills one text.
///
/// # Errors
/// `CAR0510` when a name has no value, or when a brace stands alone.
pub(crate) fn fill(text: &str, values: &dyn Lookup) -> Result<String, Box<StepError>> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text).map_err(|_| lone_brace(text))? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Value { name, .. } => filled.push_str(&text_of(name, values)?),
            Piece::Secret { .. } => return Err(lone_brace(text)),
        }
    }
    Ok(filled)
}

/// The same for arguments and variables, which end where a NUL character is.
///
/// # Errors
/// `CAR0510` as [`fill`], and for a NUL character.
pub(crate) fn fill_argument(text: &str, values: &dyn Lookup) -> Result<String, Box<StepError>> {
    without_nul(fill(text, values)?, &format!("`{text}`"))
}

/// The text unless it holds a NUL character.
pub(crate) fn without_nul(text: String, what: &str) -> Result<String, Box<StepError>> {
    if text.contains('\0') {
        return Err(not_bindable(format!(
            "{what} becomes a text with a NUL character, which no argument or variable can hold"
        )));
    }
    Ok(text)
}

/// The value of a name as text.
///
/// # Errors
/// `CAR0510` when there is none, or null.
pub(crate) fn text_of(name: &str, values: &dyn Lookup) -> Result<String, Box<StepError>> {
    match value_of(name, values)? {
        Value::String(text) => Ok(text),
        Value::Null => Err(not_bindable(format!(
            "`{{{name}}}` is null, and a text has no null; leave the step out with `when`, or give it a value"
        ))),
        value => Ok(value.to_string()),
    }
}

/// The value of a name as it is.
///
/// # Errors
/// `CAR0510` when there is none.
pub(crate) fn value_of(name: &str, values: &dyn Lookup) -> Result<Value, Box<StepError>> {
    values
        .get(name)
        .ok_or_else(|| not_bindable(format!("there is no value `{name}` for `{{{name}}}`")))
}

/// A brace that belongs to no name; the check of the pipeline lets none through.
pub(crate) fn lone_brace(text: &str) -> Box<StepError> {
    not_bindable(format!(
        "`{text}` has a brace that belongs to no `{{name}}`; a brace itself is written twice"
    ))
}

/// A value that is missing, or cannot stand where it should.
pub(crate) fn not_bindable(message: String) -> Box<StepError> {
    Box::new(StepError::new("CAR0510", ErrorClass::Permanent, message))
}
