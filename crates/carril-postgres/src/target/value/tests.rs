//! Values there and back.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn bound(value: &Value, kind: &Type) -> Option<String> {
    to_postgres(value, kind).unwrap().0
}

#[test]
fn values_go_as_the_servers_text() {
    let table = [
        (json!(null), Type::INT4, None),
        (json!(true), Type::BOOL, Some("true")),
        (json!(true), Type::INT4, Some("1")),
        (json!(12), Type::TEXT, Some("12")),
        (json!(2.5), Type::NUMERIC, Some("2.5")),
        (json!("2025-06-30"), Type::DATE, Some("2025-06-30")),
        (json!("it's"), Type::TEXT, Some("it's")),
        (json!("a"), Type::JSONB, Some("\"a\"")),
        (json!([1, {"a": 2}]), Type::TEXT, Some("[1,{\"a\":2}]")),
        (json!([1, {"a": 2}]), Type::JSONB, Some("[1,{\"a\":2}]")),
        (
            json!([1, null, 3]),
            Type::INT4_ARRAY,
            Some("{\"1\",NULL,\"3\"}"),
        ),
        (
            json!(["a\"b", "c\\d", "null", ""]),
            Type::TEXT_ARRAY,
            Some(r#"{"a\"b","c\\d","null",""}"#),
        ),
        (
            json!([[1, 2], [3, 4]]),
            Type::INT4_ARRAY,
            Some(r#"{{"1","2"},{"3","4"}}"#),
        ),
    ];
    for (value, kind, expected) in table {
        assert_eq!(
            bound(&value, &kind).as_deref(),
            expected,
            "{value} as {kind}"
        );
    }
    let zero = to_postgres(&json!("a\0b"), &Type::TEXT).unwrap_err();
    assert!(zero.contains("zero byte"), "{zero}");
}

fn number(digits: &[u16], weight: i16, sign: u16, scale: u16) -> Result<Value, String> {
    let mut raw = Vec::new();
    let words = [
        u16::try_from(digits.len()).unwrap(),
        weight.cast_unsigned(),
        sign,
        scale,
    ];
    for word in words.iter().chain(digits) {
        raw.extend_from_slice(&word.to_be_bytes());
    }
    numeric(&raw)
}

#[test]
fn decimal_numbers_are_never_rounded() {
    assert_eq!(number(&[], 0, 0, 0), Ok(json!(0)));
    assert_eq!(number(&[12], 0, 0, 2), Ok(json!(12)));
    assert_eq!(number(&[12, 5_000], 0, 0x4000, 2), Ok(json!(-12.5)));
    assert_eq!(number(&[1_000], -1, 0, 1), Ok(json!(0.1)));
    assert_eq!(number(&[1], -2, 0, 8), Ok(json!(0.000_000_01)));
    assert_eq!(number(&[1], 4, 0, 0), Ok(json!(10_000_000_000_000_000_i64)));
    let lost = number(&[1_234, 5_678, 9_012, 3_456, 7_890, 1_234], 2, 0, 12).unwrap_err();
    assert!(
        lost.starts_with("123456789012.345678901234, of which"),
        "{lost}"
    );
    assert_eq!(number(&[], 0, 0xC000, 0), Err("no number (NaN)".to_owned()));
    assert_eq!(
        number(&[], 0, 0xD000, 0),
        Err("an infinite number".to_owned())
    );
    assert!(numeric(&[0, 3]).is_err(), "half a number is none");
}

#[test]
fn times_and_odd_types_are_told() {
    let day = decoded(&Type::DATE, &9_312_i32.to_be_bytes()).unwrap();
    assert_eq!(day, Ok(json!("2025-06-30")));
    let never = decoded(&Type::DATE, &i32::MAX.to_be_bytes()).unwrap();
    assert_eq!(never, Err("an infinite time".to_owned()));
    let moment = decoded(&Type::TIMESTAMPTZ, &1_000_000_i64.to_be_bytes()).unwrap();
    assert_eq!(moment, Ok(json!("2000-01-01T00:00:01Z")));
    assert_eq!(
        decoded(&Type::BYTEA, b"x").unwrap(),
        Err("bytes".to_owned())
    );
    assert_eq!(
        decoded(&Type::INTERVAL, &[0; 16]).unwrap(),
        Err("a value of type interval".to_owned())
    );
    assert_eq!(
        decoded(&Type::FLOAT4, &0.1_f32.to_be_bytes()).unwrap(),
        Ok(json!(0.1)),
        "with its own digits"
    );
    assert!(
        decoded(&Type::FLOAT8, &f64::INFINITY.to_be_bytes())
            .unwrap()
            .is_err()
    );
}

proptest! {
    #[test]
    fn whatever_is_sent_is_read_without_panic(raw in prop::collection::vec(any::<u8>(), 0..40)) {
        for kind in [Type::NUMERIC, Type::DATE, Type::TIMESTAMP, Type::TIME, Type::UUID, Type::TEXT, Type::INT4_ARRAY, Type::JSONB] {
            // Either outcome will do; what matters is that there is one.
            let _ = decoded(&kind, &raw);
        }
    }
}
