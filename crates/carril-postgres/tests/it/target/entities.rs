//! The entities query: rows as they come, and one clear error for every row that is no entity.

use super::fixture::*;
use carril_model::contract::{EntityRow, Target, TargetError};
use serde_json::{Map, Value, json};

struct Params(Map<String, Value>);

impl carril_model::sql::Lookup for Params {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }
}

fn params() -> Params {
    let Value::Object(params) = json!({"day": "2025-06-30", "param.day": "2025-06-30"}) else {
        unreachable!()
    };
    Params(params)
}

async fn query(sql: &str, chunk: usize) -> Result<Vec<EntityRow>, TargetError> {
    let house = House::new(
        "create table funds (id integer, code text, size real, flag int, opened date);
         insert into funds values (1, 'A', 1.5, 1, '2020-01-31'), (2, 'B', null, 0, null), (30, 'C', 3, 1, null)",
    );
    let sql = text(sql);
    let mut cursor = house.target.entities(&sql, "code", &params()).await?;
    let mut all = Vec::new();
    loop {
        let rows = cursor.next(chunk).await?;
        if rows.is_empty() {
            return Ok(all);
        }
        assert!(rows.len() <= chunk);
        all.extend(rows);
    }
}

#[tokio::test]
async fn every_row_is_an_entity_with_its_columns() {
    let rows = query(
        "select code, size, flag, :param.day as day, opened from funds where :day > '2025' order by id",
        2,
    )
    .await
    .unwrap();
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["A", "B", "C"]);
    assert_eq!(
        Value::Object(rows[1].attributes.clone()),
        json!({"code": "B", "size": null, "flag": 0, "day": "2025-06-30", "opened": null})
    );
    let rows = query("select id as CODE from funds order by id", 1)
        .await
        .unwrap();
    assert_eq!(
        rows[2].key, "30",
        "whole numbers are keys too, and names match in any case of letters"
    );
}

#[tokio::test]
async fn a_long_query_comes_in_chunks_and_may_be_left() {
    let house = House::new("create table t (x int)");
    let sql = text(
        "with recursive n (i) as (select 1 union all select i + 1 from n) select i as code from n",
    );
    let mut cursor = house
        .target
        .entities(&sql, "code", &params())
        .await
        .unwrap();
    assert_eq!(cursor.next(5_000).await.unwrap().len(), 5_000);
    assert_eq!(cursor.next(1).await.unwrap()[0].key, "5001");
    drop(cursor);
    assert_eq!(
        query("select 1 as code where false", 5).await.unwrap(),
        vec![],
        "no rows are no error here"
    );
}

#[tokio::test]
async fn rows_are_of_one_snapshot() {
    let house = House::new("create table t (code text); insert into t values ('old')");
    let sql = text("select code || i as code from generate_series(1, 5000) as n (i), t");
    let mut cursor = house
        .target
        .entities(&sql, "code", &params())
        .await
        .unwrap();
    assert_eq!(cursor.next(1).await.unwrap().len(), 1);
    house.database.sql("insert into t values ('new')");
    let mut count = 1;
    loop {
        let rows = cursor.next(1_000).await.unwrap();
        if rows.is_empty() {
            break;
        }
        assert!(rows.iter().all(|row| row.key.starts_with("old")));
        count += rows.len();
    }
    assert_eq!(count, 5_000);
}

#[tokio::test]
async fn what_is_no_entity_is_told_with_its_row() {
    let table = [
        (
            "select nullif(code, 'B') as code from funds order by id",
            "row 2 of the entities query: the key `code` is null",
        ),
        (
            "select '' as code",
            "row 1 of the entities query: the key `code` is empty",
        ),
        (
            "select 1.5 as code",
            "row 1 of the entities query: the key `code` is the number 1.5; give an integer or a text",
        ),
        (
            "select '\\x00'::bytea as code",
            "row 1 of the entities query: `code` holds bytes; give a number or a text",
        ),
        (
            "select code, '\\x00'::bytea as logo from funds",
            "row 1 of the entities query: `logo` holds bytes; give a number or a text",
        ),
        (
            "select code, 'infinity'::float8 as size from funds",
            "row 1 of the entities query: `size` holds an infinite number; give a number or a text",
        ),
        (
            "select id, size from funds",
            "the entities query has no column `code`, which is to be the key; it has id, size",
        ),
        (
            "select code, id as x, size as x from funds",
            "the entities query has two columns `x`; name one of them otherwise",
        ),
    ];
    for (sql, expected) in table {
        assert_eq!(
            query(sql, 10).await,
            Err(TargetError::Entity(expected.to_owned())),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn wrong_sql_is_told_with_its_place() {
    let table = [
        (
            "select code from fundz",
            "relation \"fundz\" does not exist",
            Some(17),
        ),
        (
            "select code,\n from funds",
            "syntax error at or near \"from\"",
            Some(14),
        ),
        (
            "select 'é', :day, nme as code from funds",
            "column \"nme\" does not exist",
            Some(19),
        ),
        (
            "select code from funds; select 1",
            "the entities query is one statement; here a second begins",
            Some(24),
        ),
        ("-- nothing", "the entities query is empty", Some(0)),
        ("select :none as code", "`:none` has no value", Some(7)),
        (
            "delete from funds returning code",
            "the entities query must be one that only reads rows",
            None,
        ),
        (
            "select 1 as code from funds where code = $1",
            "a placeholder that is a number has no name that a value could have; write `:name`",
            Some(41),
        ),
    ];
    for (sql, message, offset) in table {
        let found = query(sql, 10).await;
        assert_eq!(
            found,
            Err(TargetError::Sql {
                message: message.to_owned(),
                offset
            }),
            "{sql}"
        );
    }
    for sql in [
        "with gone as (delete from funds returning code) select code from gone",
        "select 1 / 0 as code",
        "select nextval('nowhere') as code",
    ] {
        assert!(
            matches!(query(sql, 10).await, Err(TargetError::Sql { .. })),
            "{sql}"
        );
    }
}

/// Dropping the cursor ends the query on the server.
#[tokio::test]
async fn a_query_that_is_left_ends() {
    let house = House::new("create table t (x int)");
    let sql = text(
        "with recursive n (i) as (select 1 union all select i + 1 from n) select i as code from n",
    );
    let mut cursor = house
        .target
        .entities(&sql, "code", &params())
        .await
        .unwrap();
    cursor.next(10).await.unwrap();
    let open = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'carril/entities'";
    assert_eq!(house.rows(open), ["1"]);
    drop(cursor);
    house.until(open, "0").await;
}
