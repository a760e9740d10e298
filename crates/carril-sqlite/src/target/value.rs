//! JSON values in, SQLite values out, and back.
//!
//! Pure. Booleans become 0 and 1, lists and objects become JSON text. What JSON cannot hold (blobs, infinities, text that is
//! no UTF-8) is refused with the reason; nothing is rounded or cut.

use rusqlite::types::{Value as Bound, ValueRef};
use serde_json::{Number, Value};

/// The value that is bound for a JSON value.
///
/// # Errors
/// A fragment that says why it cannot be.
pub(crate) fn to_sqlite(value: &Value) -> Result<Bound, String> {
    match value {
        Value::Null => Ok(Bound::Null),
        Value::Bool(yes) => Ok(Bound::Integer(i64::from(*yes))),
        Value::Number(number) => number_to_sqlite(number),
        Value::String(text) => Ok(Bound::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => Ok(Bound::Text(value.to_string())),
    }
}

fn number_to_sqlite(number: &Number) -> Result<Bound, String> {
    if let Some(whole) = number.as_i64() {
        return Ok(Bound::Integer(whole));
    }
    match number.as_f64() {
        Some(real) if !number.is_u64() => Ok(Bound::Real(real)),
        _ => Err(format!("{number} does not fit SQLite's 64-bit integers")),
    }
}

/// The JSON value of a column.
///
/// # Errors
/// A fragment that says what it is that JSON cannot hold.
pub(crate) fn to_json(value: ValueRef<'_>) -> Result<Value, &'static str> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(whole) => Ok(Value::from(whole)),
        ValueRef::Real(real) => Number::from_f64(real)
            .map(Value::Number)
            .ok_or("an infinite number"),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .map(Value::from)
            .map_err(|_| "text that is not UTF-8"),
        ValueRef::Blob(_) => Err("a blob"),
    }
}

#[cfg(test)]
mod tests;
