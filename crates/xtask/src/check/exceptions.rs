//! The exceptions to the rules, each with its reason, in one table.
//!
//! Adding a line here is a commit that explains itself. An exception that nothing needs any more is a fault: the
//! table never holds a permission that somebody could grow into unseen.

use crate::finding::Finding;

#[cfg(test)]
mod tests;

/// One permission.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exception {
    /// The rule, as findings name it.
    pub(super) rule: &'static str,
    /// The file.
    pub(super) path: &'static str,
    /// Why this file may.
    pub(super) reason: &'static str,
}

/// Why cases of a suite may be long.
const CASES: &str = "cases that every store passes are tests, though they stand in the test kit: each tells one life from beginning to end";

/// Every permission there is.
pub(super) const GRANTED: &[Exception] = &[
    Exception {
        rule: "tidy/function-length",
        path: "crates/carril-testkit/src/store/history.rs",
        reason: CASES,
    },
    Exception {
        rule: "tidy/function-length",
        path: "crates/carril-testkit/src/store/history/figures.rs",
        reason: CASES,
    },
    Exception {
        rule: "tidy/function-length",
        path: "crates/carril-testkit/src/store/history/later.rs",
        reason: CASES,
    },
    Exception {
        rule: "tidy/function-length",
        path: "crates/carril-testkit/src/store/history/views.rs",
        reason: CASES,
    },
];

/// Takes the permitted findings out; with `whole`, tells the permissions that were not needed.
pub(super) fn apply(findings: Vec<Finding>, granted: &[Exception], whole: bool) -> Vec<Finding> {
    let mut needed = vec![false; granted.len()];
    let mut kept = Vec::new();
    for finding in findings {
        let permitted = granted
            .iter()
            .position(|exception| exception.rule == finding.rule && exception.path == finding.path);
        match permitted {
            Some(index) => needed[index] = true,
            None => kept.push(finding),
        }
    }
    for (exception, needed) in granted.iter().zip(needed) {
        if whole && !needed {
            kept.push(Finding::error(
                "check/exceptions",
                "crates/xtask/src/check/exceptions.rs",
                format!(
                    "`{}` is excepted from {} (\"{}\") and does not need it",
                    exception.path, exception.rule, exception.reason
                ),
                "take the line out of the table",
            ));
        }
    }
    kept
}
