//! What looking at a step's SQL tells, without running it.

use super::fixture::*;
use carril_model::contract::{Inspection, Target, TargetError};
use serde_json::json;

const SCHEMA: &str = "
    create table own (id integer primary key, name text);
    create index own_by_name on own (name);
    create table shared (id integer primary key, name text);
    create table log (what text);
    create view shown as select s.id, l.what from shared s join log l;
    create trigger on_shared after update on shared begin insert into log values ('x'); delete from own; end;
    create view doors as select id from shared;
    create trigger on_doors instead of insert on doors begin insert into shared (id) values (new.id); end;
    insert into shared values (1, 'one');
";

async fn inspect(sql: &str, own: &[&str]) -> Result<Inspection, TargetError> {
    let house = House::new(SCHEMA);
    let before = std::fs::read(house.path()).unwrap();
    let own: Vec<String> = own.iter().map(|table| (*table).to_owned()).collect();
    let found = house.target.inspect(&text(sql), &own).await;
    assert_eq!(house.rows("select count(*) from shared"), vec![json!([1])]);
    assert_eq!(
        std::fs::read(house.path()).unwrap(),
        before,
        "looking changes nothing"
    );
    found
}

/// `own/shared read/write table [through]`, sorted.
async fn accesses(sql: &str, own: &[&str]) -> Vec<String> {
    let found = inspect(sql, own).await.unwrap();
    assert_eq!(found.not_seen, vec![]);
    let mut lines: Vec<String> = found
        .accesses
        .iter()
        .map(|access| {
            let through = access
                .through
                .as_ref()
                .map(|through| format!(" by {through}"))
                .unwrap_or_default();
            format!(
                "{} {} {}{through}",
                if access.own { "own" } else { "shared" },
                if access.writes { "writes" } else { "reads" },
                access.table
            )
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

#[tokio::test]
async fn own_and_shared_tables_are_told_apart() {
    let lines = accesses(
        "insert into own select id, name from shared; select count(*) from own",
        &["own"],
    )
    .await;
    assert_eq!(
        lines,
        ["own reads own", "own writes own", "shared reads shared"]
    );
    let lines = accesses(
        "delete from own; update shared set name = 'x' where id = 1",
        &["own"],
    )
    .await;
    assert_eq!(
        lines,
        [
            "own writes own",
            "shared reads log by on_shared",
            "shared reads shared",
            "shared writes log by on_shared",
            "shared writes own by on_shared",
            "shared writes shared"
        ]
        .into_iter()
        .filter(|line| *line != "shared reads log by on_shared")
        .collect::<Vec<_>>(),
        "the trigger of the shared table deletes from the shared `own`"
    );
}

#[tokio::test]
async fn views_and_their_triggers_are_seen_through() {
    let lines = accesses("insert into own (id) select id from shown", &["own"]).await;
    assert!(
        lines.contains(&"shared reads shared by shown".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"shared reads log by shown".to_owned()),
        "{lines:?}"
    );
    let lines = accesses("insert into doors values (5)", &["own"]).await;
    assert!(
        lines.contains(&"shared writes shared by on_doors".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn without_a_workspace_every_table_is_shared() {
    let lines = accesses("insert into own values (1, 'x'); create table made as select * from own; insert into made values (2, 'y')", &[]).await;
    assert_eq!(
        lines,
        [
            "shared reads own",
            "shared writes made",
            "shared writes own"
        ]
    );
}

#[tokio::test]
async fn statements_may_need_what_earlier_ones_make() {
    let sql = "
        create table notes (id integer primary key, note text);
        create temp table scratch as select id from shared;
        alter table own add column extra text;
        create index own_by_extra on own (extra);
        insert into notes (note) select extra from own join scratch using (id);
        drop table notes;
        select note from (select 1 as note) where :param.day is not null;
    ";
    let found = inspect(sql, &["own"]).await.unwrap();
    assert_eq!(found.columns, ["note"]);
    assert!(
        found
            .accesses
            .iter()
            .all(|access| access.own || !access.writes),
        "{:?}",
        found.accesses
    );
    assert!(
        found
            .accesses
            .iter()
            .all(|access| access.table != "scratch"),
        "what is temporary is nobody else's"
    );
    let made = found
        .accesses
        .iter()
        .find(|access| access.table == "notes" && access.writes)
        .unwrap();
    assert_eq!(&sql[made.offset..made.offset + 18], "create table notes");
}

#[tokio::test]
async fn columns_are_those_of_the_last_statement() {
    assert_eq!(
        inspect("select 1 as one, 2 as two", &["own"])
            .await
            .unwrap()
            .columns,
        ["one", "two"]
    );
    assert_eq!(
        inspect("select 1 as one; delete from own", &["own"])
            .await
            .unwrap()
            .columns,
        Vec::<String>::new()
    );
    assert_eq!(
        inspect(
            "insert into own (id) values (1) returning id as number",
            &["own"]
        )
        .await
        .unwrap()
        .columns,
        ["number"]
    );
}

#[tokio::test]
async fn statements_that_do_not_prepare_are_told_with_their_place() {
    let table = [
        ("select 1;\nselect nme from own", "no such column: nme", 17),
        (
            "delete from own;\n\ninsert into nowhere values (1)",
            "no such table: nowhere",
            30,
        ),
        ("select 1; selct 2", "near \"selct\": syntax error", 10),
        (
            "delete from own; commit",
            "a step is one transaction that Carril begins and ends; its SQL may not begin, end or nest one",
            17,
        ),
        (
            "pragma foreign_keys = off",
            "a step's SQL may not use pragmas (`foreign_keys`)",
            0,
        ),
        (
            "delete from carril_fence",
            "no such table: carril_fence",
            12,
        ),
        ("select 'x", "unterminated string literal", 7),
    ];
    for (sql, expected, at) in table {
        let Err(TargetError::Sql { message, offset }) = inspect(sql, &["own"]).await else {
            panic!("{sql} is wrong")
        };
        assert_eq!(
            (message.to_lowercase(), offset),
            (expected.to_lowercase(), Some(at)),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn what_will_be_published_counts_as_there() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("s", "select 1")])
        .tables(&["own"])
        .publish("own", "history", &["id"], Some("latest"))
        .plan();
    let published = &plan.definition().workspace.as_ref().unwrap().publish;
    let own = ["own".to_owned()];
    let sql = text("insert into own select id, name from latest where execution_id > 3");
    let before = house.target.inspect(&sql, &own).await;
    assert_eq!(
        before,
        Err(TargetError::Sql {
            message: "no such table: latest".to_owned(),
            offset: Some(37)
        })
    );
    let found = house
        .target
        .inspect_published(&sql, &own, published)
        .await
        .unwrap();
    let reads = found
        .accesses
        .iter()
        .find(|access| access.table == "history")
        .unwrap();
    assert_eq!(
        (reads.own, reads.writes, reads.through.as_deref()),
        (false, false, Some("latest"))
    );
    assert_eq!(
        house.rows("select count(*) from sqlite_schema where name = 'history'"),
        vec![json!([0])]
    );
}
