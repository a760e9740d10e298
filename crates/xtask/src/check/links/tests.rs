//! Links, on made-up documents.

use super::*;

/// Checks what is told of README.md beside a guide.
#[track_caller]
fn check_told(readme: &str, expected: &[&str]) {
    let guide = "# First run\n## Two `lanes`, one [key](x.md)\n## First run\n<a id=\"own\"></a>\n";
    let tree = Tree::of(&[
        ("README.md", readme),
        ("docs/guide.md", guide),
        ("docs/x.md", ""),
    ]);
    let found = check(&tree);
    assert_eq!(
        found
            .iter()
            .map(|finding| finding.wrong.as_str())
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn links_that_lead_somewhere_pass() {
    check_told(
        "[a](docs/guide.md) ![b](./docs/x.md \"title\") [c](docs)",
        &[],
    );
    check_told(
        "[a](docs/guide.md#first-run) [b](docs/guide.md#first-run-1)",
        &[],
    );
    check_told(
        "[a](docs/guide.md#two-lanes-one-key) [b](docs/guide.md#own)",
        &[],
    );
    check_told(
        "# Here\n[a](#here) [b](https://x.example/y#z) [c](mailto:a@b.c)",
        &[],
    );
    check_told("[a]: docs/guide.md\n[b]: <docs/x.md>", &[]);
}

#[test]
fn links_that_lead_nowhere_are_told() {
    check_told(
        "[a](docs/none.md)",
        &["the link `docs/none.md` names no file of the repository"],
    );
    check_told(
        "[a](../x.md)",
        &["the link `../x.md` names no file of the repository"],
    );
    check_told(
        "[a]: docs/none.md",
        &["the link `docs/none.md` names no file of the repository"],
    );
    check_told(
        "[a](/docs/x.md)",
        &["the link `/docs/x.md` begins with `/`"],
    );
    check_told(
        "[a](docs/guide.md#none) [b](#none)",
        &[
            "the link `docs/guide.md#none` names no heading of `docs/guide.md`",
            "the link `#none` names no heading of `README.md`",
        ],
    );
}

#[test]
fn code_holds_no_links() {
    check_told(
        "```\n[a](none.md)\n```\n`[b](none.md)` and ``[c](none.md)``",
        &[],
    );
    check_told("~~~\n```\n[a](none.md)\n~~~", &[]);
    check_told(
        "`a` [b](none.md)",
        &["the link `none.md` names no file of the repository"],
    );
}
