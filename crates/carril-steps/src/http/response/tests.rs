//! Bodies of every kind as parts of an output.

use super::*;
use reqwest::header::HeaderValue;

#[test]
fn a_body_is_json_text_or_nothing() {
    let cases = [
        (&b"{\"a\": 1}"[..], true, Some(json!({"a": 1}))),
        (b"{\"a\": 1}", false, Some(json!("{\"a\": 1}"))),
        (b"", true, Some(Value::Null)),
        (b"", false, Some(Value::Null)),
        (b"{\"a\": 1} {", true, None),
        (b"plain", true, None),
        (b"\xff\xfe", false, None),
        ("grün".as_bytes(), false, Some(json!("grün"))),
    ];
    for (bytes, is_json, expected) in cases {
        let found = body(Some(bytes.to_vec()), is_json);
        assert_eq!(found.as_ref().ok(), expected.as_ref(), "{bytes:?}");
        if let Err(error) = found {
            assert_eq!(error.code, "CAR0508");
        }
    }
    let error = body(None, false).expect_err("too large");
    assert!(error.message.contains("more than 65536 bytes"), "{error:?}");
}

#[test]
fn answers_say_whether_they_are_json() {
    for (kind, expected) in [
        ("application/json", true),
        ("application/json; charset=utf-8", true),
        ("Application/Problem+JSON", true),
        ("text/json", true),
        ("text/plain", false),
        ("application/jsonp", false),
        ("text/html; x=/json", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        assert_eq!(says_json(&headers), expected, "{kind}");
    }
    assert!(!says_json(&HeaderMap::new()));
}
