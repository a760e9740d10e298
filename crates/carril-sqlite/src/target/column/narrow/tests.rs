//! What narrowing makes of statements, and that places in the new text are those of the old one.

use super::super::facts::{Facts, Found};
use super::*;
use carril_model::sql::Script;
use rusqlite::Connection;

fn narrowed(text: &str) -> Narrowed {
    let connection = Connection::open_in_memory().expect("there is memory");
    connection
        .execute_batch("create table t (a, b, e integer, primary key (e, a)); create table n (id integer primary key, e integer, v, unique (e, v, id))")
        .expect("these are tables");
    let script = Script::parse(text).expect("it can be taken apart");
    let statement = &script.statements()[0];
    let change = script.row_change(statement).expect("it changes rows");
    let Ok(Found::Table(facts)) = Facts::of(&connection, &change.table, "E") else {
        panic!("{} is a table", change.table);
    };
    let all = script.sqlite_text();
    let statement = Statement {
        script: &all,
        range: statement.range.clone(),
        change: &change,
    };
    narrow(&statement, &facts, "e", 5, |query| {
        Some(connection.prepare(query).ok()?.column_count())
    })
}

#[test]
fn statements_are_narrowed_to_one_execution() {
    let cases = [
        (
            "insert into t (a) values (:x.y)",
            "insert into main.\"t\" (a, \"e\") select *, 5 from (values (:x_y)) where true",
        ),
        (
            "insert into T values (1, 2)",
            "insert into main.\"t\" (\"a\", \"b\", \"e\") select *, 5 from (values (1, 2)) where true",
        ),
        (
            "insert into t values (1, 2, 5)",
            "insert into main.\"t\" values (1, 2, 5)",
        ),
        (
            "insert into t values (1)",
            "insert into main.\"t\" values (1)",
        ),
        (
            "insert into t (E, a) values (5, 2)",
            "insert into main.\"t\" (E, a) values (5, 2)",
        ),
        (
            "insert into t default values",
            "insert into main.\"t\" (\"e\") values (5)",
        ),
        (
            "with q as (select 1, 2) insert into t as x select * from q on conflict (a) do update set b = x.b returning a",
            "with q as (select 1, 2) insert into main.\"t\" as x (\"a\", \"b\", \"e\") select *, 5 from (select * from q) where true on conflict (a, \"e\") do update set b = x.b returning a",
        ),
        (
            "insert into n (id, v) values (1, 2) on conflict (id) do nothing",
            "insert into main.\"n\" (id, v, \"e\") select *, 5 from (values (1, 2)) where true on conflict (id) do nothing",
        ),
        (
            "insert into n (id, v) values (1, 2) on conflict (v, id) do nothing",
            "insert into main.\"n\" (id, v, \"e\") select *, 5 from (values (1, 2)) where true on conflict (v, id, \"e\") do nothing",
        ),
        (
            "update t set b = 1",
            "update main.\"t\" set b = 1 where \"t\".\"e\" = 5",
        ),
        (
            "update t as x set b = 1 where a = 1 or b = 2 returning a",
            "update main.\"t\" as x set b = 1 where x.\"e\" = 5 and (a = 1 or b = 2) returning a",
        ),
        (
            "delete from t -- all",
            "delete from main.\"t\" where \"t\".\"e\" = 5",
        ),
        (
            "delete from t where a = 1 -- one\n;",
            "delete from main.\"t\" where \"t\".\"e\" = 5 and (a = 1)",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(narrowed(text).text, expected, "{text}");
    }
}

/// Every byte that was not put in is found where it was written.
#[test]
fn places_are_told_in_the_statement_as_written() {
    for text in [
        "insert into t (a) select b from t where b > 3 on conflict (a) do nothing",
        "insert into t select a, b from t",
        "update t set b = 77 where a = 88 returning b",
        "delete from t where a = 99",
    ] {
        let narrowed = narrowed(text);
        for word in [
            "select b",
            "b > 3",
            "do nothing",
            "77",
            "88",
            "returning",
            "99",
        ] {
            if let (Some(new), Some(old)) = (narrowed.text.find(word), text.find(word)) {
                assert_eq!(narrowed.written(new), old, "{word} in {}", narrowed.text);
            }
        }
        assert_eq!(narrowed.written(narrowed.text.len()), text.len(), "{text}");
        assert_eq!(narrowed.written(0), 0);
    }
}
