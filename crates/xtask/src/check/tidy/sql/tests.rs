//! SQL files, on made-up ones.

use super::*;

const CLAIM: &str = "crates/carril-sqlite/src/store/sql/claim_lane.sql";

/// Checks which rules are broken, given SQL files and one source file of the SQLite crate.
#[track_caller]
fn check_told(files: &[(&str, &str)], source: &str, expected: &[&str]) {
    let file = RustFile::parse("crates/carril-sqlite/src/store.rs", source).unwrap();
    let found = check(&Tree::of(files), &[file]);
    assert_eq!(
        found.iter().map(|finding| finding.rule).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn a_file_is_opened_and_used() {
    let used = "const A: &str = include_str!(\"store/sql/claim_lane.sql\");";
    check_told(&[(CLAIM, "-- Claims.\nselect 1")], used, &[]);
    check_told(
        &[(CLAIM, "-- Claims.\n")],
        "fn a() { query!(\"claim_lane\") }",
        &[],
    );
    check_told(&[(CLAIM, "select 1")], used, &["tidy/sql-opening"]);
    check_told(
        &[(CLAIM, "-- Claims.\n")],
        "const A: &str = sql!(\"hot/claim_lane\");",
        &[],
    );
    check_told(
        &[(CLAIM, "-- Claims.\n")],
        "const A: &str = \"unclaim_lane.sql\";",
        &["tidy/sql-unused"],
    );
    check_told(&[("examples/funds/sql/cube.sql", "select 1")], "", &[]);
}

#[test]
fn two_stores_have_the_same_files() {
    let one = ("crates/carril-sqlite/sql/store/a.sql", "-- A.");
    let two = ("crates/carril-postgres/sql/store/a.sql", "-- A.");
    let more = ("crates/carril-postgres/sql/store/b.sql", "-- B.");
    assert!(twins(&Tree::of(&[one]), &[]).is_empty());
    assert!(twins(&Tree::of(&[one, two]), &[]).is_empty());
    let found = twins(&Tree::of(&[one, two, more]), &[]);
    assert_eq!(found[0].path, more.0);
    assert!(twins(&Tree::of(&[one, two, more]), &[(&["b.sql"], "why")]).is_empty());
}
