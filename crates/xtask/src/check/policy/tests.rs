//! Licences, bans and sources, on made-up crates.

use super::*;

const POLICY: &str = r#"
[licenses]
allow = ["MIT", "Apache-2.0", "Unicode-3.0"]
[bans]
deny = [{ crate = "chrono", use-instead = "jiff", reason = "one library for time" }]
[sources]
allow-registry = ["https://registry.example/index"]
"#;

const SOURCE: &str = "registry+https://registry.example/index";

/// Checks which rules a crate breaks.
#[track_caller]
fn check_told(name: &str, licence: Option<&str>, source: Option<&str>, expected: &[&str]) {
    let foreign = Foreign {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        licence: licence.map(str::to_owned),
        source: source.map(str::to_owned),
    };
    let found = judge(&foreign, &read(POLICY).unwrap());
    assert_eq!(
        found.iter().map(|finding| finding.rule).collect::<Vec<_>>(),
        expected,
        "{licence:?}"
    );
}

#[test]
fn licence_expressions_are_understood() {
    let good = [
        "MIT",
        "MIT OR GPL-3.0-only",
        "MIT/Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR MIT",
    ];
    for licence in good {
        check_told("x", Some(licence), Some(SOURCE), &[]);
    }
    let bad = [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "Apache-2.0 WITH LLVM-exception",
        "free",
        "",
    ];
    for licence in bad {
        check_told("x", Some(licence), Some(SOURCE), &["policy/licence"]);
    }
    check_told("x", None, Some(SOURCE), &["policy/licence"]);
}

#[test]
fn banned_crates_are_told_with_what_to_use() {
    check_told("chrono", Some("MIT"), Some(SOURCE), &["policy/ban"]);
    check_told("chrono-tz", Some("MIT"), Some(SOURCE), &[]);
}

#[test]
fn crates_come_from_the_registry() {
    check_told(
        "x",
        Some("MIT"),
        Some("git+https://x.example/y"),
        &["policy/source"],
    );
    check_told(
        "x",
        Some("MIT"),
        Some("registry+https://other.example/index"),
        &["policy/source"],
    );
    check_told("x", Some("MIT"), None, &["policy/source"]);
}

#[test]
fn a_policy_that_lacks_a_table_is_told() {
    assert!(read("").is_err());
    assert!(read(&POLICY.replace("reason", "because")).is_err());
    assert!(read(&POLICY.replace("\"MIT\"", "1")).is_err());
}
