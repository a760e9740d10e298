//! Values there and back, and what is refused.

use super::*;
use serde_json::json;

#[test]
fn json_becomes_what_sqlite_has() {
    let table = [
        (json!(null), Bound::Null),
        (json!(true), Bound::Integer(1)),
        (json!(false), Bound::Integer(0)),
        (json!(-7), Bound::Integer(-7)),
        (json!(i64::MAX), Bound::Integer(i64::MAX)),
        (json!(0.5), Bound::Real(0.5)),
        (json!("it's"), Bound::Text("it's".to_owned())),
        (json!([1, "a"]), Bound::Text("[1,\"a\"]".to_owned())),
        (
            json!({"b": 1, "a": null}),
            Bound::Text("{\"b\":1,\"a\":null}".to_owned()),
        ),
    ];
    for (json, bound) in table {
        assert_eq!(to_sqlite(&json), Ok(bound), "{json}");
    }
}

#[test]
fn a_number_beyond_64_bits_is_refused_not_rounded() {
    let error = to_sqlite(&json!(u64::MAX)).expect_err("it does not fit");
    assert_eq!(
        error,
        "18446744073709551615 does not fit SQLite's 64-bit integers"
    );
}

#[test]
fn columns_become_json_or_say_why_not() {
    assert_eq!(to_json(ValueRef::Integer(5)), Ok(json!(5)));
    assert_eq!(to_json(ValueRef::Real(1.5)), Ok(json!(1.5)));
    assert_eq!(to_json(ValueRef::Text(b"x")), Ok(json!("x")));
    assert_eq!(to_json(ValueRef::Null), Ok(Value::Null));
    assert_eq!(to_json(ValueRef::Blob(b"x")), Err("a blob"));
    assert_eq!(
        to_json(ValueRef::Real(f64::INFINITY)),
        Err("an infinite number")
    );
    assert_eq!(
        to_json(ValueRef::Text(&[0xff])),
        Err("text that is not UTF-8")
    );
}
