//! JSON values in, PostgreSQL values out, and back.
//!
//! Pure. A value goes to the server as text, and the server reads it as whatever type stands where the placeholder is: a date,
//! a numeric, an enum, an array. What JSON cannot hold (bytes, infinities, intervals, numbers with more digits than it has) is
//! refused with the reason; nothing is rounded or cut.

use jiff::civil::{Date, DateTime, Time};
use serde_json::{Number, Value};
use std::error::Error;
use std::fmt::Write as _;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

/// A value to be bound, in the server's text form; `None` is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound(pub(crate) Option<String>);

impl ToSql for Bound {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The value that is bound for a JSON value where the server expects this type.
///
/// # Errors
/// A fragment that says why it cannot be.
pub(crate) fn to_postgres(value: &Value, kind: &Type) -> Result<Bound, String> {
    let text = match (value, kind.kind()) {
        (Value::Null, _) => return Ok(Bound(None)),
        (Value::Bool(yes), _) if is_number(kind) => i32::from(*yes).to_string(),
        (Value::String(text), _) if is_json(kind) => Value::from(text.as_str()).to_string(),
        (Value::String(text), _) => text.clone(),
        (Value::Array(items), Kind::Array(of)) => array_text(items, of)?,
        (other, _) => other.to_string(),
    };
    if text.contains('\0') {
        return Err("it has a zero byte in it, which PostgreSQL's texts cannot have".to_owned());
    }
    Ok(Bound(Some(text)))
}

/// The type that a value should be declared to have where the server can only guess text.
pub(crate) fn natural_type(value: &Value) -> Option<Type> {
    match value {
        Value::Bool(_) => Some(Type::BOOL),
        Value::Number(number) if number.is_i64() => Some(Type::INT8),
        Value::Number(number) if number.is_f64() => Some(Type::FLOAT8),
        Value::Number(_) => Some(Type::NUMERIC),
        _ => None,
    }
}

fn is_number(kind: &Type) -> bool {
    matches!(
        *kind,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::NUMERIC | Type::FLOAT4 | Type::FLOAT8
    )
}

fn is_json(kind: &Type) -> bool {
    matches!(*kind, Type::JSON | Type::JSONB)
}

/// A list as the server writes arrays: every item in double quotes, so that none of its characters means anything.
fn array_text(items: &[Value], of: &Type) -> Result<String, String> {
    let mut text = String::from("{");
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match (item, to_postgres(item, of)?.0) {
            (_, None) => text.push_str("NULL"),
            // A list in a list is an array of more dimensions, which has the same type as its rows.
            (Value::Array(inner), Some(_)) if !is_json(of) => {
                text.push_str(&array_text(inner, of)?);
            }
            (_, Some(item)) => {
                text.push('"');
                text.push_str(&item.replace('\\', "\\\\").replace('"', "\\\""));
                text.push('"');
            }
        }
    }
    text.push('}');
    Ok(text)
}

/// One value of a row, as JSON or why it cannot be; to be asked for as this type whatever the column is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell(pub(crate) Result<Value, String>);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        decoded(kind, raw).map(Self)
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Ok(Value::Null)))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

type Decoded = Result<Result<Value, String>, Box<dyn Error + Sync + Send>>;

fn decoded(kind: &Type, raw: &[u8]) -> Decoded {
    match kind.kind() {
        Kind::Domain(of) => return decoded(of, raw),
        Kind::Enum(_) => return text(raw),
        Kind::Array(_) => return array(kind, raw),
        _ => {}
    }
    Ok(match *kind {
        Type::BOOL => Ok(Value::Bool(bool::from_sql(kind, raw)?)),
        Type::INT2 => Ok(Value::from(i16::from_sql(kind, raw)?)),
        Type::INT4 => Ok(Value::from(i32::from_sql(kind, raw)?)),
        Type::INT8 => Ok(Value::from(i64::from_sql(kind, raw)?)),
        Type::OID => Ok(Value::from(u32::from_sql(kind, raw)?)),
        Type::FLOAT4 => real(
            f64::from(f32::from_sql(kind, raw)?),
            &f32::from_sql(kind, raw)?.to_string(),
        ),
        Type::FLOAT8 => {
            let number = f64::from_sql(kind, raw)?;
            real(number, &number.to_string())
        }
        Type::NUMERIC => numeric(raw),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => {
            return text(raw);
        }
        Type::JSON | Type::JSONB => Ok(Value::from_sql(kind, raw)?),
        Type::UUID => uuid(raw),
        Type::DATE | Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::TIME => moment(kind, raw)?,
        Type::VOID => Ok(Value::Null),
        Type::BYTEA => Err("bytes".to_owned()),
        _ if kind.name() == "citext" => return text(raw),
        _ => Err(format!("a value of type {}", kind.name())),
    })
}

fn text(raw: &[u8]) -> Decoded {
    Ok(match std::str::from_utf8(raw) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => Err("text that is not UTF-8".to_owned()),
    })
}

fn array(kind: &Type, raw: &[u8]) -> Decoded {
    let Ok(cells) = Vec::<Cell>::from_sql(kind, raw) else {
        return Ok(Err("an array of several dimensions".to_owned()));
    };
    Ok(cells
        .into_iter()
        .map(|cell| cell.0)
        .collect::<Result<Vec<_>, _>>()
        .map(Value::Array))
}

/// A number with the digits that its own type shows: the nearest of a single-precision one would show digits it never had.
fn real(number: f64, shown: &str) -> Result<Value, String> {
    if number.is_nan() {
        return Err("no number (NaN)".to_owned());
    }
    shown
        .parse()
        .ok()
        .and_then(Number::from_f64)
        .map(Value::Number)
        .ok_or_else(|| "an infinite number".to_owned())
}

/// A decimal number: JSON's where it is just that, else refused.
fn numeric(raw: &[u8]) -> Result<Value, String> {
    let decimal = Decimal::read(raw)?;
    let shown = decimal.shown();
    if let Ok(whole) = shown.parse::<i64>() {
        return Ok(Value::from(whole));
    }
    let number: f64 = shown.parse().unwrap_or(f64::INFINITY);
    let exact = number.is_finite() && plain(number) == shown;
    match Number::from_f64(number).filter(|_| exact) {
        Some(number) => Ok(Value::Number(number)),
        None => Err(format!(
            "{shown}, of which JSON's numbers lose digits (cast it to text)"
        )),
    }
}

/// A number as it is written without an exponent, with as many digits as tell it from its neighbours.
fn plain(number: f64) -> String {
    format!("{number}")
}

/// A decimal number as the server sends it: digits of ten thousand, the first worth `10_000^weight`.
struct Decimal {
    negative: bool,
    weight: i32,
    digits: Vec<u16>,
}

impl Decimal {
    fn read(raw: &[u8]) -> Result<Self, String> {
        let word = |at: usize| {
            raw.get(at * 2..at * 2 + 2)
                .map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
                .ok_or_else(|| "a number that cannot be read".to_owned())
        };
        let (count, weight, sign) = (word(0)?, word(1)?, word(2)?);
        match sign {
            0xC000 => return Err("no number (NaN)".to_owned()),
            0xD000 | 0xF000 => return Err("an infinite number".to_owned()),
            _ => {}
        }
        let digits = (0..usize::from(count))
            .map(|at| word(4 + at))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            negative: sign == 0x4000,
            weight: i32::from(weight.cast_signed()),
            digits,
        })
    }

    /// Its digits without an exponent, without needless zeros.
    fn shown(&self) -> String {
        let digit = |place: i32| {
            usize::try_from(self.weight - place)
                .ok()
                .and_then(|at| self.digits.get(at))
                .copied()
                .unwrap_or(0)
        };
        let mut text = String::new();
        for place in (0..=self.weight.max(0)).rev() {
            write!(text, "{:04}", digit(place)).expect("writing to a String cannot fail");
        }
        let mut whole = text.trim_start_matches('0').to_owned();
        if whole.is_empty() {
            whole.push('0');
        }
        let last = self.weight - i32::try_from(self.digits.len()).unwrap_or(i32::MAX) + 1;
        let mut fraction = String::new();
        for place in (last..0).rev() {
            write!(fraction, "{:04}", digit(place)).expect("writing to a String cannot fail");
        }
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.negative { "-" } else { "" };
        if fraction.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }
}

fn uuid(raw: &[u8]) -> Result<Value, String> {
    let mut text = String::with_capacity(36);
    for (at, byte) in raw.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    Ok(Value::from(text))
}

/// A day or a moment as ISO 8601 writes it.
fn moment(kind: &Type, raw: &[u8]) -> Result<Result<Value, String>, Box<dyn Error + Sync + Send>> {
    let endless = match *kind {
        Type::DATE => matches!(raw, [0x7f, 0xff, 0xff, 0xff] | [0x80, 0, 0, 0]),
        Type::TIME => false,
        _ => matches!(raw, [0x7f, 0xff, ..] | [0x80, 0, ..]),
    };
    if endless {
        return Ok(Err("an infinite time".to_owned()));
    }
    let text = match *kind {
        Type::DATE => Date::from_sql(kind, raw).map(|day| day.to_string()),
        Type::TIME => Time::from_sql(kind, raw).map(|time| time.to_string()),
        Type::TIMESTAMP => DateTime::from_sql(kind, raw).map(|moment| moment.to_string()),
        _ => jiff::Timestamp::from_sql(kind, raw).map(|moment| moment.to_string()),
    };
    Ok(text
        .map(Value::from)
        .map_err(|_| "a time beyond the year 9999".to_owned()))
}

#[cfg(test)]
mod tests;
