//! Rollback: all of one execution, nothing of any other.

use super::fixture::*;
use carril_model::contract::Target;
use carril_model::plan::Plan;
use serde_json::json;
use std::sync::Arc;

const SCHEMA: &str =
    "create table rows (id integer primary key, filler text); create table totals (lane integer)";

fn plan() -> Arc<Plan> {
    let fill = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 25000) insert into rows select i, 'x' from n";
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
            "select count(*) from carril_fence where execution_id = {execution}"
        ))
    };
    assert_eq!(fences(1), vec![json!([2])]);
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
        vec![json!([50_000])],
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
        vec![json!([2, 25_000])]
    );
    assert_eq!(
        house.rows("select execution_id from carril_publication"),
        vec![json!([2])]
    );
    assert_eq!((fences(1), fences(2)), (vec![json!([0])], vec![json!([2])]));
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
        vec![json!([50_000])],
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
        .shared()
        .execute_batch("delete from carril_publication; delete from history where id <= 10000")
        .unwrap();
    assert_eq!(house.rows("select count(*) from current"), vec![json!([0])]);
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
    assert_eq!(house.rows("select count(*) from history"), vec![json!([0])]);
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
        house.rows("select count(*) from sqlite_schema where name like 'carril%'"),
        vec![json!([0])]
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

/// The lane's connection is closed before its files go, so nothing of it can be written afterwards under the same name.
#[tokio::test]
async fn a_rolled_back_lane_is_not_reused() {
    let house = House::new(SCHEMA);
    let plan = plan();
    house.run(&plan, "fill", 1).await.unwrap();
    house
        .target
        .roll_back(plan.definition(), whose(1))
        .await
        .unwrap();
    assert_eq!(
        files(&house.folder.path().join("work spaces")),
        Vec::<String>::new()
    );
    house
        .attempt(&first_try(&plan, "fill", 1).run(2).call(), &Switch::new())
        .await
        .unwrap();
    assert_eq!(
        house.lane_rows(1, 2, "select count(*) from rows"),
        vec![json!([25_000])]
    );
    assert!(!house.lane_file(1, 1).exists());
}
