//! Manifests, on made-up ones.

use super::*;

const SHARED_LINES: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
    rust-version.workspace = true\nlicense.workspace = true\nrepository.workspace = true\n\
    authors.workspace = true\n[lints]\nworkspace = true\n";

/// Checks what is told of a root and one member.
#[track_caller]
fn check_told(root: &str, member: &str, expected: &[&str]) {
    let found = check(&Tree::of(&[
        ("Cargo.toml", root),
        ("crates/a/Cargo.toml", member),
    ]));
    assert_eq!(
        found
            .iter()
            .map(|finding| finding.wrong.as_str())
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn versions_stand_in_the_workspace_only() {
    let root = "[workspace.dependencies]\nx = \"1\"\ny = \"1\"";
    let good = "[dependencies]\nx.workspace = true\ny = { workspace = true, optional = true }";
    check_told(root, &format!("{SHARED_LINES}{good}"), &[]);
    let bad =
        "[dependencies]\nx = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\ny = { path = \"y\" }";
    check_told(
        root,
        &format!("{SHARED_LINES}{bad}"),
        &[
            "`x` has a version, path or source of its own",
            "`y` has a version, path or source of its own",
        ],
    );
}

#[test]
fn a_version_without_a_user_is_told() {
    check_told(
        "[workspace.dependencies]\nx = \"1\"",
        SHARED_LINES,
        &["no member uses `x`"],
    );
}

#[test]
fn members_share_what_the_workspace_says() {
    let own = SHARED_LINES.replace("edition.workspace = true", "edition = \"2021\"");
    check_told("", &own, &["package.edition is not the workspace's"]);
    let own = SHARED_LINES.replace("[lints]\nworkspace = true\n", "");
    check_told("", &own, &["the lints are not the workspace's"]);
}
