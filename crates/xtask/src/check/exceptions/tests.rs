//! Permissions, on made-up findings.

use super::*;

const ONE: &[Exception] = &[Exception {
    rule: "tidy/x",
    path: "a.rs",
    reason: "because",
}];

fn finding(rule: &'static str, path: &str) -> Finding {
    Finding::error(rule, path, "w", "r")
}

#[test]
fn a_permission_is_for_one_rule_in_one_file() {
    let found = vec![
        finding("tidy/x", "a.rs"),
        finding("tidy/y", "a.rs"),
        finding("tidy/x", "b.rs"),
    ];
    let kept = apply(found.clone(), ONE, true);
    assert_eq!(kept, found[1..]);
}

#[test]
fn an_unused_permission_is_told_when_everything_ran() {
    assert_eq!(apply(Vec::new(), ONE, true)[0].rule, "check/exceptions");
    assert!(apply(Vec::new(), ONE, false).is_empty());
}
