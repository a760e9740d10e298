//! Which commands run the tests, without running them.

use std::collections::BTreeSet;

use super::*;
use crate::workspace::Crate;

/// Checks the commands for a workspace whose CLI has these features.
#[track_caller]
fn check(features: &[&str], has_nextest: bool, arguments: &[&str], expected: &[&str]) {
    let features: BTreeSet<String> = features
        .iter()
        .map(|feature| (*feature).to_owned())
        .collect();
    let cli = Crate {
        name: "carril-cli".to_owned(),
        features,
        ..Crate::default()
    };
    let workspace = Workspace {
        crates: vec![cli],
        ..Workspace::default()
    };
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    let lines: Vec<String> = lines(&workspace, has_nextest, &arguments)
        .iter()
        .map(|line| line.join(" "))
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn everything_runs() {
    check(
        &["failpoints"],
        true,
        &[],
        &[
            "nextest run --workspace --locked",
            "test --doc --workspace --locked",
            "nextest run --package carril-cli --features failpoints --locked",
        ],
    );
}

#[test]
fn a_feature_that_is_not_there_is_not_asked_for() {
    check(
        &[],
        true,
        &["lane"],
        &["nextest run --workspace --no-tests=warn --locked lane"],
    );
}

#[test]
fn cargo_runs_the_tests_where_nextest_is_missing() {
    check(
        &[],
        false,
        &[],
        &[
            "test --workspace --all-targets --locked",
            "test --doc --workspace --locked",
        ],
    );
}
