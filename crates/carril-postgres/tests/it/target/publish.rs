//! Publishing: one set of results, whatever was run, run again or rolled back.

use super::fixture::*;
use carril_model::contract::{ErrorClass, Target};
use carril_model::plan::Plan;
use serde_json::json;
use std::sync::Arc;

const SCHEMA: &str = "
    create table rows (day date not null, code text not null, amount double precision, primary key (day, code));
    create table source (code text, amount double precision);
";

fn plan() -> Arc<Plan> {
    Pipeline::new(&[(
        "rows",
        "insert into rows select :day, code, amount from source",
    )])
    .tables(&["rows"])
    .publish("rows", "history", &["day", "code"], Some("current"))
    .plan()
}

/// Runs a lane whole: the source holds what it should publish.
async fn lane(house: &House, execution: i64, entity: &'static str, source: &[(&str, f64)]) {
    house.database.sql("delete from source");
    for (code, amount) in source {
        house
            .database
            .sql(&format!("insert into source values ('{code}', {amount})"));
    }
    let plan = plan();
    for step in ["work/rows", "publish/publish"] {
        let call = first_try(&plan, step, execution)
            .entity(entity)
            .param("day", json!("2025-06-30"))
            .call();
        house.attempt(&call, &Switch::new()).await.unwrap();
    }
}

fn current(house: &House) -> Vec<String> {
    house.rows(
        "select code, amount, execution_id from current where day = '2025-06-30' order by code",
    )
}

#[tokio::test]
async fn published_rows_are_shown_with_their_execution() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("A1", 1.0), ("A2", 2.0)]).await;
    lane(&house, 4, "b", &[("B1", 3.0)]).await;
    assert_eq!(current(&house), vec!["A1|1|3", "A2|2|3", "B1|3|4"]);
    let columns = house.rows("select attname from pg_attribute where attrelid = 'history'::regclass and attnum > 0 order by attnum");
    assert_eq!(
        columns,
        ["execution_id", "published_at", "day", "code", "amount"]
    );
    let view = house.rows("select attname from pg_attribute where attrelid = 'current'::regclass and attnum > 0 order by attnum");
    assert_eq!(view, ["day", "code", "amount", "execution_id"]);
    let key = house.rows("select a.attname from pg_index i, unnest(i.indkey) with ordinality as k (number, at), pg_attribute a where i.indrelid = 'history'::regclass and i.indisprimary and a.attrelid = i.indrelid and a.attnum = k.number order by k.at");
    assert_eq!(key, ["execution_id", "day", "code"]);
    assert_eq!(house.rows("select published_at between now() - interval '1 hour' and now() + interval '1 hour' from history limit 1"), ["t"]);
}

#[tokio::test]
async fn a_re_run_replaces_also_the_rows_that_it_no_longer_has() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("A1", 1.0), ("A2", 2.0)]).await;
    lane(&house, 4, "b", &[("B1", 3.0)]).await;
    lane(&house, 8, "a", &[("A1", 1.5)]).await;
    assert_eq!(current(&house), vec!["A1|1.5|8", "B1|3|4"]);
    assert_eq!(
        house.rows("select count(*) from history"),
        vec!["4"],
        "nothing was rewritten"
    );

    house
        .target
        .roll_back(plan().definition(), whose(8))
        .await
        .unwrap();
    assert_eq!(current(&house), vec!["A1|1|3", "A2|2|3", "B1|3|4"]);
}

#[tokio::test]
async fn a_re_run_that_publishes_nothing_shows_nothing() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("A1", 1.0)]).await;
    lane(&house, 5, "a", &[]).await;
    assert_eq!(current(&house), Vec::<String>::new());
    house
        .target
        .roll_back(plan().definition(), whose(5))
        .await
        .unwrap();
    assert_eq!(current(&house), vec!["A1|1|3"]);
}

/// Two lanes publish the same key: the newest shows; when its lane replaces it without that key, the other's does.
#[tokio::test]
async fn a_key_of_two_lanes_shows_the_newest_that_is_not_replaced() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("X", 1.0)]).await;
    lane(&house, 4, "b", &[("X", 2.0)]).await;
    assert_eq!(current(&house), vec!["X|2|4"]);
    lane(&house, 9, "b", &[("Y", 5.0)]).await;
    assert_eq!(current(&house), vec!["X|1|3", "Y|5|9"]);
}

#[tokio::test]
async fn other_parameters_are_another_lane() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("A1", 1.0)]).await;
    let plan = plan();
    for step in ["work/rows", "publish/publish"] {
        let call = first_try(&plan, step, 6)
            .entity("a")
            .param("day", json!("2025-07-31"))
            .call();
        house.attempt(&call, &Switch::new()).await.unwrap();
    }
    assert_eq!(current(&house), vec!["A1|1|3"]);
    assert_eq!(
        house.rows("select day, execution_id from current order by day"),
        vec!["2025-06-30|3", "2025-07-31|6"]
    );
}

#[tokio::test]
async fn the_next_run_of_an_execution_replaces_its_own_rows() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("A1", 1.0), ("A2", 2.0)]).await;
    house
        .database
        .sql("delete from source where code = 'A2'; update source set amount = 7");
    let plan = plan();
    for step in ["work/rows", "publish/publish"] {
        let call = first_try(&plan, step, 3)
            .entity("a")
            .run(2)
            .param("day", json!("2025-06-30"))
            .call();
        let done = house.attempt(&call, &Switch::new()).await.unwrap();
        if step == "publish/publish" {
            assert_eq!(done.rows, vec![table_rows("history", 1, 0, 2)]);
        }
    }
    assert_eq!(current(&house), vec!["A1|7|3"]);
    assert_eq!(house.rows("select count(*) from history"), vec!["1"]);
}

#[tokio::test]
async fn what_is_published_into_is_there_before_the_first_lane_ends() {
    let house = House::new(SCHEMA);
    let call = first_try(&plan(), "work/rows", 1)
        .param("day", json!("2025-06-30"))
        .call();
    house.attempt(&call, &Switch::new()).await.unwrap();
    assert_eq!(current(&house), Vec::<String>::new());
}

#[tokio::test]
async fn tables_and_views_of_others_are_told_and_left_alone() {
    let cases = [
        (
            "create table history (execution_id bigint, published_at timestamptz, day date, code text, extra text)",
            "`history` does not have the columns of `rows`: it lacks \"amount\" and has \"extra\" besides; change it with ALTER TABLE, or publish into a table that does not exist yet",
        ),
        (
            "create view history as select 1 as one",
            "`history` is a view, so nothing can be published into it; name a table, or one that does not exist yet",
        ),
        (
            "create table current (x int)",
            "there is already a table `current` that Carril did not make; choose another name for `current`",
        ),
        (
            "create view current as select 1 as x",
            "there is already a view `current` that Carril did not make; choose another name for `current`",
        ),
    ];
    for (extra, expected) in cases {
        let house = House::new(&format!("{SCHEMA}; {extra}"));
        let defined = "select c.relname, c.relkind, coalesce(pg_get_viewdef(c.oid), ''), string_agg(a.attname, ',' order by a.attnum) from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 where c.relname in ('history', 'current') group by c.oid order by 1";
        let before = house.rows(defined);
        let call = first_try(&plan(), "work/rows", 1)
            .param("day", json!("2025-06-30"))
            .call();
        let error = house
            .attempt(&call, &Switch::new())
            .await
            .expect_err("it is not ours");
        assert_eq!(
            (error.code.as_str(), error.class, error.message.as_str()),
            ("CAR0501", ErrorClass::Permanent, expected)
        );
        assert_eq!(house.rows(defined), before);
    }
}

#[tokio::test]
async fn a_history_table_that_somebody_made_right_is_used() {
    let house = House::new(&format!(
        "{SCHEMA}; create table HISTORY (amount real, code text, Day date, published_at timestamptz, execution_id integer)"
    ));
    lane(&house, 3, "a", &[("A1", 1.0)]).await;
    assert_eq!(current(&house), vec!["A1|1|3"]);
}

#[tokio::test]
async fn a_published_table_may_not_have_the_columns_that_are_added() {
    let house = House::new("create table rows (code text, execution_id integer)");
    let plan = Pipeline::new(&[("s", "select 1")])
        .tables(&["rows"])
        .publish("rows", "history", &["code"], None)
        .plan();
    let error = house
        .run(&plan, "s", 1)
        .await
        .expect_err("it would be there twice");
    assert_eq!(
        error.message,
        "`rows` has a column `execution_id`, which `history` gets by itself; leave it out or name it otherwise"
    );
    let house = House::new("create table rows (code text)");
    let plan = Pipeline::new(&[("s", "select 1")])
        .tables(&["rows"])
        .publish("rows", "history", &["kode"], None)
        .plan();
    let error = house
        .run(&plan, "s", 1)
        .await
        .expect_err("there is no such column");
    assert_eq!(
        error.message,
        "`rows` has no column `kode`, which is in the key of what it publishes"
    );
}

#[tokio::test]
async fn a_changed_key_changes_the_view() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("A1", 1.0)]).await;
    let other = Pipeline::new(&[("rows", "select 1")])
        .tables(&["rows"])
        .publish("rows", "history", &["code"], Some("current"))
        .plan();
    house.run(&other, "rows", 20).await.unwrap();
    assert_eq!(current(&house), vec!["A1|1|3"]);
    let sql = house
        .rows("select pg_get_viewdef('current'::regclass)")
        .concat();
    assert!(!sql.contains("n.day = h.day"), "{sql}");
}

#[tokio::test]
async fn the_newest_execution_is_told_whoever_left_it() {
    let house = House::new(SCHEMA);
    assert_eq!(house.target.newest_execution().await, Ok(0));
    lane(&house, 4_711, "a", &[("A1", 1.0)]).await;
    assert_eq!(house.target.newest_execution().await, Ok(4_711));
}

/// Engines publish for the first time at once: all find table and view made, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_publish_first_make_one_table() {
    let house = House::new(SCHEMA);
    house.database.sql("insert into source values ('A1', 1)");
    let url = house.database.url();
    let plan = plan();
    let engines: Vec<_> = (1..=4)
        .map(|execution| {
            let (target, plan) = (target_at(&url, |_| {}), Arc::clone(&plan));
            tokio::spawn(async move {
                for step in ["work/rows", "publish/publish"] {
                    let call = first_try(&plan, step, execution)
                        .entity("a")
                        .param("day", json!("2025-06-30"))
                        .call();
                    let switch = Switch::new();
                    if step == "work/rows" {
                        target.run_sql(&call, &switch).await.unwrap();
                    } else {
                        target.publish(&call, &switch).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for engine in engines {
        engine.await.unwrap();
    }
    assert_eq!(house.rows("select count(*) from history"), ["4"]);
    assert_eq!(current(&house), ["A1|1|4"]);
}

/// Publishing is fenced like any other step.
#[tokio::test]
async fn a_late_publisher_is_refused() {
    let house = House::new(SCHEMA);
    lane(&house, 3, "a", &[("A1", 1.0)]).await;
    let plan = plan();
    let again = first_try(&plan, "publish/publish", 3).again(2, 1).call();
    let done = house.attempt(&again, &Switch::new()).await.unwrap();
    assert_eq!(
        done.rows,
        vec![table_rows("history", 1, 0, 0)],
        "as it was told the first time"
    );
    let late = house
        .attempt(
            &first_try(&plan, "publish/publish", 3).call(),
            &Switch::new(),
        )
        .await;
    assert_eq!(late.expect_err("it is done").class, ErrorClass::Fenced);
    assert_eq!(house.rows("select count(*) from history"), ["1"]);
}

/// Somebody's transaction has read templates, histories and views, has written rows of its own, and stays open. Lanes are made, publish,
/// are rolled back and go all the same: whatever needs a lock that shuts out readers (a partition attached or dropped, a view made anew)
/// would wait here, and everybody behind it.
#[tokio::test]
async fn a_transaction_that_stays_open_holds_up_no_lane() {
    let house = House::new(SCHEMA);
    lane(&house, 1, "a", &[("A1", 1.0)]).await;
    let (stranger, connection) =
        tokio_postgres::connect(&house.database.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    stranger
        .batch_execute(
            "begin; select * from rows; select * from current; select * from history; select * from carril_target.publication;
             select * from carril_target.workspace; insert into rows values ('2020-01-01', 'X', 1);
             update history set amount = amount where execution_id = 1",
        )
        .await
        .unwrap();
    let plan = plan();
    let all = async {
        lane(&house, 2, "b", &[("B1", 2.0)]).await;
        lane(&house, 3, "c", &[("C1", 3.0)]).await;
        let undone = house.target.roll_back(plan.definition(), whose(2)).await;
        undone.unwrap();
        let gone = house
            .target
            .discard_workspace(plan.definition(), whose(3))
            .await;
        gone.unwrap();
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, all)
        .await
        .expect("nobody waits for who reads");
    assert_eq!(current(&house), ["A1|1|1", "C1|3|3"]);
    stranger.batch_execute("rollback").await.unwrap();
}
