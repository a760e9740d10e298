//! Codes and pages, on made-up ones.

use super::*;

/// Checks what is told of a source text and pages.
#[track_caller]
fn check_told(source: &str, pages: &[(&str, &str)], expected: &[&str]) {
    let file = RustFile::parse("crates/carril/src/x.rs", source).unwrap();
    let found = check(&Tree::of(pages), &[file]);
    assert_eq!(
        found
            .iter()
            .map(|finding| finding.wrong.as_str())
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn codes_and_pages_agree() {
    let source = "const A: &str = \"CAR0001\"; enum E { CAR0002 }";
    let first = ("docs/errors/CAR0001.md", "# CAR0001: a cycle\n");
    let second = ("docs/errors/CAR0002.md", "# CAR0002: a type\n");
    check_told(
        source,
        &[first, second, ("docs/errors/README.md", "# Errors")],
        &[],
    );
    check_told(source, &[first], &["the code CAR0002 has no page"]);
    check_told("fn a() {}", &[first], &["no code says CAR0001"]);
}

#[test]
fn a_page_is_titled_with_its_code() {
    check_told(
        "const A: &str = \"[CAR0001] x\";",
        &[("docs/errors/CAR0001.md", "# A cycle\n")],
        &["the title does not begin with the code"],
    );
}

#[test]
fn tests_and_longer_words_hold_no_codes() {
    check_told(
        "#[cfg(test)]\nfn a() { b(\"CAR9999\"); }\n// CAR9998\n",
        &[],
        &[],
    );
    check_told("const A: &str = \"CAR00011 XCAR0001 CAR001\";", &[], &[]);
}
