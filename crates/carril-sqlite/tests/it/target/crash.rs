//! Attempts that come again: after a commit that nobody heard of, under a newer claim, after an error or a stop.

use super::fixture::*;
use carril_model::contract::{ErrorClass, Target};
use serde_json::json;
use std::time::Duration;

const SCHEMA: &str = "create table work (id integer); create table source (id integer); insert into source values (1), (2)";
const ADD: &str = "insert into work select id from source; select count(*) as rows from work";

#[tokio::test]
async fn an_attempt_after_the_commit_does_nothing_and_knows_the_outcome() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("add", ADD)]).tables(&["work"]).plan();
    let first = house.run(&plan, "add", 1).await.unwrap();
    // The engine died before it heard of it; another claims the execution with a higher token.
    let house = house.reopened();
    for (token, attempt) in [(2, 1), (3, 2)] {
        let again = house
            .attempt(
                &first_try(&plan, "add", 1).again(token, attempt).call(),
                &Switch::new(),
            )
            .await
            .unwrap();
        assert_eq!(again, first);
    }
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([2])]
    );
}

#[tokio::test]
async fn an_attempt_that_left_nothing_is_done_by_the_next() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("add", ADD)]).tables(&["work"]).plan();
    let done = house
        .attempt(
            &first_try(&plan, "add", 1).again(1, 2).call(),
            &Switch::new(),
        )
        .await
        .unwrap();
    assert_eq!(done.output, Some(json!({"rows": 2})));
    let late = house
        .run(&plan, "add", 1)
        .await
        .expect_err("the first attempt comes too late");
    assert_eq!(
        (late.code.as_str(), late.class),
        ("CAR0504", ErrorClass::Fenced)
    );
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([2])]
    );
}

/// A later attempt has begun (its fence stands) and has not committed: neither an earlier one nor a first one may commit now.
#[tokio::test]
async fn stale_tokens_are_fenced_and_leave_nothing() {
    let house = House::new(SCHEMA);
    let fails = Pipeline::new(&[("add", "insert into work values (1); select * from nowhere")])
        .tables(&["work"])
        .plan();
    let plan = Pipeline::new(&[("add", ADD)]).tables(&["work"]).plan();
    let newer = house
        .attempt(
            &first_try(&fails, "add", 1).again(5, 3).call(),
            &Switch::new(),
        )
        .await;
    assert_eq!(newer.expect_err("its SQL is wrong").code, "CAR0501");
    let stale = [
        first_try(&plan, "add", 1),
        first_try(&plan, "add", 1).again(5, 2),
        first_try(&plan, "add", 1).again(4, 60),
    ];
    for stale in stale {
        let error = house
            .attempt(&stale.call(), &Switch::new())
            .await
            .expect_err("a newer attempt owns the step");
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0504", ErrorClass::Fenced)
        );
    }
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([0])]
    );
    house
        .attempt(
            &first_try(&plan, "add", 1).again(5, 4).call(),
            &Switch::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([2])]
    );
}

/// The statement would run for hours; the cancel fires once it runs, or before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_stops_a_running_statement_and_rolls_it_back() {
    let house = House::new(SCHEMA);
    let endless = "insert into work values (1);
        with recursive n(i) as (select 1 union all select i + 1 from n) insert into work select i from n";
    let plan = Pipeline::new(&[
        ("endless", endless),
        ("after", "insert into work values (7)"),
    ])
    .tables(&["work"])
    .plan();
    let switch = Switch::new();
    let call = first_try(&plan, "endless", 1).call();
    let attempt = house.target.run_sql(&call, &switch);
    let fire = async {
        // The lane's log grows only when rows are spilled into it: the statement runs.
        let log = house.lane_file(1, 1).with_extension("db-wal");
        while std::fs::metadata(&log).map_or(0, |found| found.len()) == 0 {
            tokio::task::yield_now().await;
        }
        switch.fire();
    };
    let (outcome, ()) = tokio::join!(attempt, fire);
    let error = outcome.expect_err("it was stopped");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0505", ErrorClass::Cancelled)
    );
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([0])]
    );

    let before = Switch::new();
    before.fire();
    let error = house
        .attempt(&first_try(&plan, "after", 1).call(), &before)
        .await
        .expect_err("it was not to begin");
    assert_eq!(error.class, ErrorClass::Cancelled);
    house.run(&plan, "after", 1).await.unwrap();
    assert_eq!(
        house.lane_rows(1, 1, "select id from work"),
        vec![json!([7])],
        "the connection works on"
    );
}

#[tokio::test]
async fn a_deadline_stops_a_statement_without_being_asked() {
    let house = House::new(SCHEMA);
    let endless =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
    let plan = Pipeline::new(&[("endless", endless)])
        .tables(&["work"])
        .plan();
    let mut soon = first_try(&plan, "endless", 1);
    soon.timeout = Duration::from_secs(2);
    let error = house
        .attempt(&soon.call(), &Switch::new())
        .await
        .expect_err("it never ends by itself");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0503", ErrorClass::Timeout)
    );
}

/// Somebody who stops waiting stops the work; the next attempt finds the lane free and the fence true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_attempt_ends_by_itself() {
    let house = House::new(SCHEMA);
    let endless = "insert into work values (1); with recursive n(i) as (select 1 union all select i + 1 from n) insert into work select i from n";
    let plan = Pipeline::new(&[("step", endless)]).tables(&["work"]).plan();
    let switch = Switch::new();
    let call = first_try(&plan, "step", 1).call();
    {
        let mut attempt = house.target.run_sql(&call, &switch);
        let log = house.lane_file(1, 1).with_extension("db-wal");
        while std::fs::metadata(&log).map_or(0, |found| found.len()) == 0 {
            tokio::select! {
                biased;
                _ = &mut attempt => panic!("it never ends by itself"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let plan = Pipeline::new(&[("step", ADD)]).tables(&["work"]).plan();
    house
        .attempt(
            &first_try(&plan, "step", 1).again(1, 2).call(),
            &Switch::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([2])]
    );
}

#[tokio::test]
async fn publishing_again_after_the_commit_does_nothing_and_knows_the_outcome() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("add", ADD)])
        .tables(&["work"])
        .publish("work", "history", &["id"], Some("latest"))
        .plan();
    house.run(&plan, "add", 1).await.unwrap();
    let first = house.run(&plan, "publish/publish", 1).await.unwrap();
    assert_eq!(first.rows, vec![table_rows("history", 2, 0, 0)]);
    let house = house.reopened();
    let again = house
        .attempt(
            &first_try(&plan, "publish/publish", 1).again(2, 1).call(),
            &Switch::new(),
        )
        .await
        .unwrap();
    assert_eq!(again, first);
    let stale = house
        .run(&plan, "publish/publish", 1)
        .await
        .expect_err("it is done");
    assert_eq!(stale.class, ErrorClass::Fenced);
    assert_eq!(house.rows("select count(*) from history"), vec![json!([2])]);
}
