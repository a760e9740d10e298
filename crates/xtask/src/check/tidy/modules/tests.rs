//! Forgotten files, on made-up crates.

use super::*;
use crate::workspace::Crate;

/// Checks which of `files` are told, when the targets begin at `roots`.
#[track_caller]
fn check_told(roots: &[&str], files: &[(&str, &str)], expected: &[(&str, &str)]) {
    let files: Vec<RustFile> = files
        .iter()
        .map(|(path, text)| RustFile::parse(path, text).unwrap())
        .collect();
    let ours = Crate {
        roots: roots.iter().map(|&root| root.to_owned()).collect(),
        ..Crate::default()
    };
    let workspace = Workspace {
        crates: vec![ours],
        ..Workspace::default()
    };
    let found = check(&files, &workspace);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|finding| (finding.rule, finding.path.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn modules_are_followed_as_the_compiler_does() {
    check_told(
        &["a/src/lib.rs"],
        &[
            (
                "a/src/lib.rs",
                "mod b;\nmod c;\nmod d { mod e; }\n#[path = \"../f.rs\"] mod f;",
            ),
            ("a/src/b.rs", "mod g;"),
            ("a/src/b/g.rs", ""),
            ("a/src/c/mod.rs", "mod h;"),
            ("a/src/c/h.rs", ""),
            ("a/src/d/e.rs", ""),
            ("a/f.rs", "mod i;"),
            ("a/i.rs", ""),
        ],
        &[],
    );
}

#[test]
fn a_forgotten_file_is_told() {
    check_told(
        &["a/tests/it/main.rs"],
        &[
            ("a/tests/it/main.rs", "mod x;"),
            ("a/tests/it/x.rs", ""),
            ("a/tests/it/y.rs", ""),
        ],
        &[("tidy/forgotten-file", "a/tests/it/y.rs")],
    );
}

#[test]
fn integration_tests_are_one_program() {
    check_told(
        &["a/tests/x.rs"],
        &[("a/tests/x.rs", "")],
        &[("tidy/test-program", "a/tests/x.rs")],
    );
}
