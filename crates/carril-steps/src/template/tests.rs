//! Which texts are filled with what, and which are refused.

use super::*;
use serde_json::json;

struct Values;

impl Lookup for Values {
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "entity_key" => Some(json!("A 1; rm -rf '{x}'\n")),
            "param.count" => Some(json!(12)),
            "param.flag" => Some(json!(true)),
            "steps.extract.my-step.rows" => Some(json!([1, 2])),
            "nothing" => Some(Value::Null),
            "nul" => Some(json!("a\0b")),
            _ => None,
        }
    }
}

fn error_of(text: &str) -> String {
    let error = fill_argument(text, &Values).expect_err(text);
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0510", ErrorClass::Permanent)
    );
    error.message
}

#[test]
fn values_are_put_in_as_they_are() {
    let cases = [
        ("plain", "plain"),
        ("", ""),
        ("--key={entity_key}", "--key=A 1; rm -rf '{x}'\n"),
        ("{param.count}/{param.flag}", "12/true"),
        ("{steps.extract.my-step.rows}", "[1,2]"),
        ("{{entity_key}}", "{entity_key}"),
        ("{{\"a\":{param.count}}}", "{\"a\":12}"),
        ("{{{{}}}}", "{{}}"),
        ("ü{param.count}ü", "ü12ü"),
    ];
    for (text, filled) in cases {
        assert_eq!(
            fill_argument(text, &Values).as_deref(),
            Ok(filled),
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_put_in_is_named() {
    assert_eq!(
        error_of("--day={param.day}"),
        "there is no value `param.day` for `{param.day}`"
    );
    assert!(error_of("{nothing}").starts_with("`{nothing}` is null"));
    assert!(error_of("{nul}").contains("NUL"));
    for text in [
        "{",
        "}",
        "a { b",
        "{}",
        "{\"a\": 1}",
        "{ entity_key }",
        "{1}",
        "{{{",
        "{entity_key",
    ] {
        assert!(error_of(text).contains("written twice"), "{text}");
    }
}
