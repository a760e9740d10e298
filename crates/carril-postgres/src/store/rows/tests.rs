//! What is written as text must be text to PostgreSQL.

use super::{text, to_json};
use serde_json::{Value, json};

#[test]
fn no_text_has_a_nul() {
    assert_eq!(text("a\0b"), "a\u{fffd}b");
    assert_eq!(text("ab"), "ab");
    let cases = [
        json!({"a\0": "b\0\0c"}),
        json!("\\u0000 is no NUL"),
        json!("\\\0\"\\\\\0"),
        json!(["ä\0ö", "\n", 1]),
    ];
    for value in cases {
        let written = to_json(&value);
        let read: Value = serde_json::from_str(&written).expect("it is JSON");
        let expected = value.to_string().replace("\\u0000", "\u{fffd}");
        let original = value.to_string();
        let has_nul = original != expected && !original.contains("\\\\u0000 is");
        assert_eq!(read == value, !has_nul, "{written}");
        assert!(!format!("{read:?}").contains("\\0"), "{written}");
    }
    assert_eq!(to_json(&json!("\\u0000")), r#""\\u0000""#);
    assert_eq!(to_json(&json!("\\\0")), r#""\\\ufffd""#);
}
