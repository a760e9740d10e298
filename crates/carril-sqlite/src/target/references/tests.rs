//! Clauses that go, clauses that stay; what is made is given to SQLite to prove it.

use super::*;
use rusqlite::Connection;

fn check(statement: &str, kept: &[&str], expected: &str) {
    let kept: Vec<String> = kept.iter().map(|table| (*table).to_owned()).collect();
    let made = without_foreign(statement, &kept);
    assert_eq!(made, expected);
    Connection::open_in_memory()
        .unwrap()
        .execute_batch(&made)
        .unwrap();
}

#[test]
fn a_statement_without_foreign_keys_stays_byte_for_byte() {
    let statement = "CREATE TABLE \"a b\" (x text default 'references p(q)', -- references p\n y int /* foreign key */ check (y > 0))";
    check(statement, &[], statement);
}

#[test]
fn foreign_keys_among_own_tables_stay() {
    let statement = "CREATE TABLE t (x int references [Own] (id) on delete cascade)";
    check(statement, &["own"], statement);
}

#[test]
fn a_columns_reference_goes_with_all_its_clauses() {
    check(
        "CREATE TABLE t (x int REFERENCES \"the \"\"parent\"(id) ON DELETE SET NULL ON UPDATE NO ACTION MATCH full NOT DEFERRABLE INITIALLY DEFERRED not null, y)",
        &[],
        "CREATE TABLE t (x int CHECK (1) not null, y)",
    );
    check(
        "CREATE TABLE t (x int references p, y int references p on delete cascade)",
        &[],
        "CREATE TABLE t (x int CHECK (1), y int CHECK (1))",
    );
}

#[test]
fn a_tables_reference_goes_and_its_name_stays() {
    check(
        "CREATE TABLE t (a, b, constraint k foreign key (a, b) references p (a, b) on update restrict, foreign key (b) references own (id))",
        &["own"],
        "CREATE TABLE t (a, b, constraint k CHECK (1), foreign key (b) references own (id))",
    );
}

#[test]
fn a_clause_that_ends_in_the_middle_does_no_harm() {
    assert_eq!(
        without_foreign("CREATE TABLE t (x references", &[]),
        "CREATE TABLE t (x references"
    );
    assert_eq!(without_foreign("foreign key (a", &[]), "foreign key (a");
    assert_eq!(without_foreign("x references p(", &[]), "x CHECK (1)");
    assert_eq!(without_foreign("'never ends", &[]), "'never ends");
}
