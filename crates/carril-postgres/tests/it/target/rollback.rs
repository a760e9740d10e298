//! Rollback: all of one execution, nothing of any other.

use super::fixture::*;
use carril_model::contract::Target;
use carril_model::plan::Plan;
use std::sync::Arc;

const SCHEMA: &str =
    "create table rows (id integer primary key, filler text); create table totals (lane integer)";

fn plan() -> Arc<Plan> {
    let fill = "insert into rows select i, 'x' from generate_series(1, 25000) as n (i)";
    Pipeline::new(&[
        ("fill", fill),
        ("total", "insert into totals values (:execution_id)"),
    ])
    .tables(&["rows"])
    .publish("rows", "history", &["id"], Some("current"))
    .shared_writes("total", &["totals"])
    .plan()
}

#[tokio::test]
async fn all_of_an_execution_goes_and_nothing_else() {
    let house = House::new(SCHEMA);
    let plan = plan();
    for execution in [1, 2] {
        for step in ["fill", "total", "publish/publish"] {
            house.run(&plan, step, execution).await.unwrap();
        }
    }
    let fences = |execution: i64| {
        house.rows(&format!(
            "select count(*) from carril_target.fence where execution_id = {execution} and done_fence is not null"
        ))
    };
    assert_eq!(fences(1), vec!["3"]);
    let expected = vec![
        table_rows("history", 0, 0, 25_000),
        table_rows("rows", 0, 0, 25_000),
    ];
    assert_eq!(
        house
            .target
            .preview_rollback(plan.definition(), whose(1))
            .await
            .unwrap(),
        expected
    );
    assert_eq!(
        house.rows("select count(*) from history"),
        vec!["50000"],
        "a preview removes nothing"
    );

    assert_eq!(
        house
            .target
            .roll_back(plan.definition(), whose(1))
            .await
            .unwrap(),
        expected
    );
    assert_eq!(
        house.rows("select execution_id, count(*) from history group by 1"),
        vec!["2|25000"]
    );
    assert_eq!(
        house.rows("select execution_id from carril_target.publication"),
        vec!["2"]
    );
    assert_eq!(fences(2), vec!["3"]);
    assert_eq!(
        house.target.workspaces(PROCESS).await.unwrap(),
        vec![whose(2).execution]
    );

    assert_eq!(
        house
            .target
            .roll_back(plan.definition(), whose(1))
            .await
            .unwrap(),
        vec![],
        "a second time finds nothing"
    );
    assert_eq!(
        house
            .target
            .preview_rollback(plan.definition(), whose(1))
            .await
            .unwrap(),
        vec![]
    );
    for step in ["fill", "publish/publish"] {
        house
            .attempt(&first_try(&plan, step, 1).run(2).call(), &Switch::new())
            .await
            .unwrap();
    }
    assert_eq!(
        house.rows("select count(*) from history"),
        vec!["50000"],
        "it can run again"
    );
}

/// A rollback that was killed has taken back that the execution published: its rows are hidden, and a second one goes on.
#[tokio::test]
async fn half_a_rollback_hides_the_rows_and_a_second_one_goes_on() {
    let house = House::new(SCHEMA);
    let plan = plan();
    for step in ["fill", "publish/publish"] {
        house.run(&plan, step, 1).await.unwrap();
    }
    house
        .database
        .sql("delete from carril_target.publication; delete from history where id <= 10000");
    assert_eq!(house.rows("select count(*) from current"), vec!["0"]);
    let rows = house
        .target
        .roll_back(plan.definition(), whose(1))
        .await
        .unwrap();
    assert_eq!(
        rows,
        vec![
            table_rows("history", 0, 0, 15_000),
            table_rows("rows", 0, 0, 25_000)
        ]
    );
    assert_eq!(house.rows("select count(*) from history"), vec!["0"]);
}

#[tokio::test]
async fn an_execution_that_did_nothing_rolls_back_to_nothing() {
    let house = House::new(SCHEMA);
    assert_eq!(
        house
            .target
            .roll_back(plan().definition(), whose(5))
            .await
            .unwrap(),
        vec![]
    );
    assert_eq!(
        house.rows("select count(*) from pg_namespace where nspname like 'carril%'"),
        vec!["0"]
    );
    let elsewhere = Pipeline::new(&[("s", "select 1")]).plan();
    assert_eq!(
        house
            .target
            .roll_back(elsewhere.definition(), whose(5))
            .await
            .unwrap(),
        vec![]
    );
}

/// Run 2 has its own place; nobody who still works for run 1 gets anything into it, or into what was published.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_writers_are_refused() {
    let house = House::new(SCHEMA);
    let slow = Pipeline::new(&[
        ("fill", "insert into rows values (1, 'slow'); insert into totals values (1); select pg_sleep(3600)"),
        ("next", "insert into rows values (2, 'late')"),
    ])
    .tables(&["rows"])
    .shared_writes("fill", &["totals"])
    .plan();
    let plan = plan();
    for step in ["fill", "publish/publish"] {
        house.run(&plan, step, 1).await.unwrap();
    }
    let switch = Switch::new();
    let call = first_try(&slow, "fill", 1).again(3, 1).run(2).call();
    let (late, rolled_back) = tokio::join!(house.target.run_sql(&call, &switch), async {
        house.until("select state from pg_stat_activity where query like '%pg_sleep%' and datname = current_database() and pid <> pg_backend_pid()", "active").await;
        house.target.roll_back(plan.definition(), whose(1)).await
    });
    assert_eq!(
        rolled_back.unwrap(),
        vec![
            table_rows("history", 0, 0, 25_000),
            table_rows("rows", 0, 0, 25_000)
        ]
    );
    assert!(late.is_err(), "its session was ended");
    // Of another engine, which does not know that the workspace is gone.
    let url = house.database.url();
    for (step, run) in [("fill", 2), ("next", 2), ("next", 1)] {
        let other = target_at(&url, |_| {});
        for first in [true, false] {
            let mut call = first_try(&slow, step, 1).again(3, 2).run(run).call();
            call.first = first;
            let late = other.run_sql(&call, &Switch::new()).await;
            late.expect_err("it was rolled back");
        }
    }
    assert_eq!(
        house.rows("select (select count(*) from totals), (select count(*) from history)"),
        ["0|0"]
    );
    assert_eq!(
        house.rows("select count(*) from pg_namespace where nspname like 'carril\\_p%'"),
        ["0"]
    );
    let call = first_try(&plan, "fill", 1).run(3).call();
    house.attempt(&call, &Switch::new()).await.unwrap();
    assert_eq!(
        house.rows("select count(*) from carril_p7_e1_r3.rows"),
        ["25000"]
    );
}

/// An engine that has the workspace in its memory, and begins its step after another has rolled it back.
#[tokio::test]
async fn an_engine_that_remembers_the_workspace_is_refused() {
    let house = House::new(SCHEMA);
    let plan = plan();
    house.run(&plan, "fill", 1).await.unwrap();
    let other = target_at(&house.database.url(), |_| {});
    other.roll_back(plan.definition(), whose(1)).await.unwrap();
    for step in ["total", "publish/publish"] {
        let error = house.run(&plan, step, 1).await.expect_err("it is gone");
        assert_eq!(error.code, "CAR0516", "{error:?}");
    }
    assert_eq!(house.rows("select count(*) from totals"), ["0"]);
}
