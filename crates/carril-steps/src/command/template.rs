//! Puts values into arguments and variables: `{name}` is the value of that name, `{{` and `}}` are braces.
//!
//! The value becomes part of one argument, whatever is in it; nothing splits, quotes or interprets it afterwards.

#[cfg(test)]
mod tests;

use carril_model::contract::{ErrorClass, StepError};
use carril_model::sql::Lookup;
use serde_json::Value;

/// Fills one text.
///
/// # Errors
/// `CAR0510` when a name has no value, or one that no argument can hold, or when a brace stands alone.
pub(super) fn fill(text: &str, values: &dyn Lookup) -> Result<String, Box<StepError>> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            filled.push_str(brace);
            rest = after;
            continue;
        }
        let named = if brace == "{" {
            after.split_once('}')
        } else {
            None
        };
        let Some((name, after)) = named.filter(|(name, _)| is_name(name)) else {
            return Err(not_bindable(format!(
                "`{text}` has a brace that belongs to no `{{name}}`; a brace itself is written twice"
            )));
        };
        filled.push_str(&value_of(name, values)?);
        rest = after;
    }
    filled.push_str(rest);
    without_nul(filled, &format!("`{text}`"))
}

/// The text unless it holds a NUL character, where arguments and variables would end.
pub(super) fn without_nul(text: String, what: &str) -> Result<String, Box<StepError>> {
    if text.contains('\0') {
        return Err(not_bindable(format!(
            "{what} becomes a text with a NUL character, which no argument or variable can hold"
        )));
    }
    Ok(text)
}

fn value_of(name: &str, values: &dyn Lookup) -> Result<String, Box<StepError>> {
    match values.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Null) => Err(not_bindable(format!(
            "`{{{name}}}` is null, and an argument has no null; leave the step out with `when`, or give it a value"
        ))),
        Some(value) => Ok(value.to_string()),
        None => Err(not_bindable(format!(
            "there is no value `{name}` for `{{{name}}}`"
        ))),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | '.'))
}

fn not_bindable(message: String) -> Box<StepError> {
    Box::new(StepError::new("CAR0510", ErrorClass::Permanent, message))
}
