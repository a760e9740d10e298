//! What is written as text must be text to PostgreSQL.

use super::{text, to_json};
use serde_json::{Value, json};

#[test]
fn no_text_has_a_nul() {
    assert_eq!(text("a\0b"), "a\u{fffd}b");
    assert_eq!(text("ab"), "ab");
    let cases = [
        (
            json!({"a\0": "b\0\0c"}),
            json!({"a\u{fffd}": "b\u{fffd}\u{fffd}c"}),
        ),
        (json!("\\\0\"\\\\\0"), json!("\\\u{fffd}\"\\\\\u{fffd}")),
        (json!(["ä\0ö", "\n", 1]), json!(["ä\u{fffd}ö", "\n", 1])),
        // Only what JSON escapes is a NUL, not who writes about one.
        (json!("\\u0000 is no NUL"), json!("\\u0000 is no NUL")),
        (json!("\\\\u0000\0"), json!("\\\\u0000\u{fffd}")),
    ];
    for (given, expected) in cases {
        let written = to_json(&given);
        let read: Value = serde_json::from_str(&written).expect("it is JSON");
        assert_eq!(read, expected, "{written}");
    }
}
