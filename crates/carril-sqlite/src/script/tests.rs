//! Scripts run whole or not at all.

use super::{ScriptValue, run_script};
use carril_model::contract::TargetError;
use rusqlite::Connection;

fn count(path: &std::path::Path) -> i64 {
    Connection::open(path)
        .unwrap()
        .query_row("select count(*) from t", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn runs_all_scripts_with_their_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let scripts = [
        "create table t (n integer, d text); select 1;",
        "insert into t values (:n, :d); insert into t (n) values (:n + 1);",
    ];
    run_script(
        &path,
        &scripts,
        &[
            ("n", ScriptValue::Integer(7)),
            ("d", ScriptValue::Text("2025-06-30")),
        ],
    )
    .unwrap();
    let connection = Connection::open(&path).unwrap();
    let told: String = connection
        .query_row(
            "select group_concat(n || coalesce(d, ''), ' ') from t",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(told, "72025-06-30 8");
}

#[test]
fn a_failing_statement_undoes_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    run_script(
        &path,
        &["create table t (n integer primary key); insert into t values (1);"],
        &[],
    )
    .unwrap();
    let error = run_script(
        &path,
        &["insert into t values (2);", "insert into t values (1);"],
        &[],
    )
    .unwrap_err();
    assert!(matches!(error, TargetError::Sql { .. }), "{error:?}");
    assert_eq!(count(&path), 1);
}

#[test]
fn a_file_that_it_made_goes_when_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let error = run_script(
        &path,
        &["create table t (n integer); insert into elsewhere values (1);"],
        &[],
    )
    .unwrap_err();
    assert!(error.to_string().contains("elsewhere"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_database_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    std::fs::write(
        &path,
        "this is a text that is longer than a hundred bytes, ".repeat(4),
    )
    .unwrap();
    let error = run_script(&path, &["create table t (n integer)"], &[]).unwrap_err();
    assert!(matches!(error, TargetError::Unreachable(_)), "{error:?}");
    assert!(path.exists());
}
