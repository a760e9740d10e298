//! What looking at a step's SQL tells, without running it.

use super::fixture::*;
use carril_model::contract::{Inspection, Target, TargetError};

const SCHEMA: &str = "
    create table own (id integer primary key, name text);
    create index own_by_name on own (name);
    create table shared (id integer primary key, name text);
    create table log (what text);
    create view shown as select s.id, l.what from shared s cross join log l;
    create function logs() returns trigger language plpgsql as $$ begin insert into log values ('x'); return new; end $$;
    create trigger on_log after update on log for each row execute function logs();
    create function adds(n int) returns int language sql volatile as 'insert into shared values (n, null) returning id';
    create function doubles(n int) returns int language sql immutable as 'select n * 2';
    create procedure clears() language sql as 'delete from shared';
    insert into shared values (1, 'one');
";

async fn inspect_in(house: &House, sql: &str, own: &[&str]) -> Result<Inspection, TargetError> {
    let own: Vec<String> = own.iter().map(|table| (*table).to_owned()).collect();
    let objects = "select count(*), (select count(*) from shared), (select count(*) from pg_namespace) from pg_class";
    let before = house.rows(objects);
    let found = house.target.inspect(&text(sql), &own).await;
    assert_eq!(house.rows(objects), before, "looking changes nothing");
    found
}

async fn inspect(sql: &str, own: &[&str]) -> Result<Inspection, TargetError> {
    inspect_in(&House::new(SCHEMA), sql, own).await
}

fn lines(found: &Inspection) -> Vec<String> {
    let mut lines: Vec<String> = found
        .accesses
        .iter()
        .map(|access| {
            let whose = if access.own { "own" } else { "shared" };
            let does = if access.writes { "writes" } else { "reads" };
            let through = access
                .through
                .as_ref()
                .map(|through| format!(" by {through}"));
            format!(
                "{whose} {does} {}{}",
                access.table,
                through.unwrap_or_default()
            )
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// `own/shared read/write table [through]`, sorted; everything is seen.
async fn accesses(sql: &str, own: &[&str]) -> Vec<String> {
    let found = inspect(sql, own).await.unwrap();
    assert_eq!(found.not_seen, vec![], "{sql}");
    lines(&found)
}

#[tokio::test]
async fn own_and_shared_tables_are_told_apart() {
    let found = accesses(
        "insert into own select id, name from shared; select count(*) from own",
        &["own"],
    )
    .await;
    assert_eq!(
        found,
        ["own reads own", "own writes own", "shared reads shared"]
    );
    let found = accesses(
        "delete from own; update shared set name = :param.day where id = :run",
        &["own"],
    )
    .await;
    assert_eq!(found, ["own writes own", "shared writes shared"]);
    let found = accesses(
        "with gone as (delete from shared returning id) insert into own (id) select id from gone",
        &["own"],
    )
    .await;
    assert_eq!(found, ["own writes own", "shared writes shared"]);
    let found = accesses("insert into own (id) select 1 on conflict (id) do update set name = (select max(what) from log)", &["own"]).await;
    assert_eq!(found, ["own writes own", "shared reads log"]);
    let found = accesses(
        "truncate shared, own; insert into public.own values (1)",
        &["own"],
    )
    .await;
    assert_eq!(
        found,
        [
            "own writes own",
            "shared writes own",
            "shared writes shared"
        ]
    );
    let found = accesses("select * from shared for update", &[]).await;
    assert_eq!(found, ["shared reads shared"]);
}

#[tokio::test]
async fn views_are_seen_through() {
    let found = accesses("insert into own (id) select id from shown", &["own"]).await;
    assert_eq!(
        found,
        [
            "own writes own",
            "shared reads log by shown",
            "shared reads shared by shown"
        ]
    );
}

#[tokio::test]
async fn without_a_workspace_every_table_is_shared() {
    let found = accesses("insert into own values (1, 'x'); delete from shared where false; create table made as select * from own", &[]).await;
    assert_eq!(
        found,
        [
            "shared writes made",
            "shared writes own",
            "shared writes shared"
        ]
    );
}

/// What shows only when it runs is never passed as clean.
#[tokio::test]
async fn what_cannot_be_seen_is_told() {
    let table = [
        ("call clears()", "what `CALL` does"),
        ("do $$ begin delete from shared; end $$", "what `DO` does"),
        (
            "update log set what = 'y'",
            "what trigger `on_log` of `log` does",
        ),
        ("select adds(7)", "what function `adds` does"),
        (
            "insert into own (id) select adds (id) from shared",
            "what function `adds` does",
        ),
        ("lock table shared", "what `LOCK` does"),
        ("execute something", "what `EXECUTE` does"),
    ];
    for (sql, expected) in table {
        let found = inspect(sql, &["own"]).await.unwrap();
        assert_eq!(found.not_seen.len(), 1, "{sql}: {found:?}");
        assert!(
            found.not_seen[0].1.starts_with(expected),
            "{sql}: {:?}",
            found.not_seen
        );
    }
    for sql in [
        "select doubles(id), lower(name), now() from shared",
        "select count(*) as adds from shared",
        "set local work_mem = '8MB'",
    ] {
        assert_eq!(
            inspect(sql, &["own"]).await.unwrap().not_seen,
            vec![],
            "{sql}"
        );
    }
}

#[tokio::test]
async fn statements_may_need_what_earlier_ones_make() {
    let sql = "
        create table notes (id integer primary key, note text);
        create temp table scratch as select id from shared, pg_sleep(3600);
        alter table own add column extra text;
        create index own_by_extra on own (extra);
        insert into notes (id, note) select id, extra from own join scratch using (id);
        create view noted as select note from notes;
        select note from noted where :param.day is not null;
        drop table notes cascade;
        select note from (select 1 as note) as n where :param.day is not null;
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
    let mut made = found.accesses.iter();
    let made = made
        .find(|access| access.table == "notes" && access.writes)
        .unwrap();
    assert!(
        sql[made.offset..].starts_with("notes (id integer"),
        "{made:?}"
    );
}

/// Only what nobody else could see is made while looking, whatever case of letters its name is in.
#[tokio::test]
async fn tables_that_are_shared_are_never_changed_by_looking() {
    let house = House::new(&format!("{SCHEMA} create table \"Mixed\" (id integer)"));
    let sql = "alter table \"Mixed\" add column x int; drop table SHARED; create index on public.log (what); alter table OWN add column y int; select y from own";
    let found = inspect_in(&house, sql, &["own"]).await.unwrap();
    assert_eq!(
        lines(&found),
        [
            "own reads own",
            "own writes OWN",
            "shared writes Mixed",
            "shared writes SHARED",
            "shared writes log"
        ]
    );
}

#[tokio::test]
async fn columns_are_those_of_the_last_statement() {
    let columns = |sql| async move { inspect(sql, &["own"]).await.unwrap().columns };
    assert_eq!(columns("select 1 as one, 2 as two").await, ["one", "two"]);
    assert_eq!(
        columns("select 1 as one; delete from own").await,
        Vec::<String>::new()
    );
    assert_eq!(
        columns("insert into own (id) values (1) returning id as number").await,
        ["number"]
    );
}

#[tokio::test]
async fn statements_that_do_not_prepare_are_told_with_their_place() {
    let table = [
        (
            "select 1;\nselect nme from own",
            "column \"nme\" does not exist",
            17,
        ),
        (
            "delete from own;\n\ninsert into nowhere values (1)",
            "relation \"nowhere\" does not exist",
            30,
        ),
        ("select 1; selct 2", "syntax error at or near \"selct\"", 10),
        (
            "select 'é', :entity.code; call nothing()",
            "procedure nothing() does not exist",
            32,
        ),
        (
            "delete from own; commit",
            "a step is one transaction that Carril begins and ends; its SQL may not begin, end or nest one",
            17,
        ),
        (
            "set search_path = x",
            "a setting would stay on the connection",
            0,
        ),
        ("select 'x", "unterminated string literal", 7),
    ];
    for (sql, expected, at) in table {
        let outcome = inspect(sql, &["own"]).await;
        let Err(TargetError::Sql { message, offset }) = outcome else {
            panic!("{sql} is wrong: {outcome:?}")
        };
        assert!(
            message.to_lowercase().starts_with(&expected.to_lowercase()),
            "{sql}: {message}"
        );
        assert_eq!(offset, Some(at), "{sql}");
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
    let Err(TargetError::Sql { message, offset }) = house.target.inspect(&sql, &own).await else {
        panic!("it is not there yet")
    };
    assert_eq!(
        (message.as_str(), offset),
        ("relation \"latest\" does not exist", Some(37))
    );
    let found = house
        .target
        .inspect_published(&sql, &own, published)
        .await
        .unwrap();
    assert_eq!(
        lines(&found),
        ["own writes own", "shared reads history by latest"]
    );
    assert_eq!(
        house.rows("select count(*) from pg_namespace where nspname like 'carril%'"),
        ["0"]
    );
    // Once it is there it is the same.
    house.run(&plan, "s", 1).await.unwrap();
    let again = house
        .target
        .inspect_published(&sql, &own, published)
        .await
        .unwrap();
    assert_eq!(lines(&again), lines(&found));
    house
        .database
        .sql("drop view latest; create table latest (x int)");
    let Err(TargetError::Sql { message, offset }) =
        house.target.inspect_published(&sql, &own, published).await
    else {
        panic!("it is somebody else's")
    };
    assert_eq!(
        (message.as_str(), offset),
        (
            "there is already a table `latest` that Carril did not make; choose another name for `current`",
            None
        )
    );
}

/// Looking waits for nobody who works, and nobody waits for it.
#[tokio::test]
async fn looking_is_not_held_up_by_lanes() {
    let house = House::new(SCHEMA);
    let (client, connection) =
        tokio_postgres::connect(&house.database.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    client
        .batch_execute("begin; insert into shared values (2, 'two'); update own set name = 'x'")
        .await
        .unwrap();
    let found = house.target.inspect(&text("truncate shared; alter table shared add column x int; insert into own select * from shared"), &["own".to_owned()]).await.unwrap();
    assert_eq!(
        lines(&found),
        [
            "own writes own",
            "shared reads shared",
            "shared writes shared"
        ]
    );
}
