//! Dying at the instants that matter: the work panics there, and the next attempt finds out what is done.

use super::fixture::*;
use carril_model::contract::{ErrorClass, StepError, Target, TargetError};
use fail::FailScenario;
use serde_json::json;

const SCHEMA: &str = "create table work (id integer); create table source (id integer);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 12000) insert into source select i from n";
const ADD: &str = "insert into work select id from source";

fn plan() -> std::sync::Arc<carril_model::plan::Plan> {
    Pipeline::new(&[("add", ADD)])
        .tables(&["work"])
        .publish("work", "history", &["id"], Some("latest"))
        .plan()
}

/// Runs a step that dies at a failpoint.
async fn dies(house: &House, step: &str, point: &str) -> StepError {
    fail::cfg(point, "panic").unwrap();
    let error = house.run(&plan(), step, 1).await.expect_err("it dies");
    fail::remove(point);
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0513", ErrorClass::OutcomeUnknown),
        "{point}"
    );
    error
}

async fn again(house: &House, step: &str) -> Vec<carril_model::contract::TableRows> {
    let call = first_try(&plan(), step, 1).again(2, 1).call();
    house.attempt(&call, &Switch::new()).await.unwrap().rows
}

#[tokio::test]
async fn a_step_that_dies_around_its_commit_happens_once() {
    for point in [
        "target::workspace::made",
        "target::sql::before_commit",
        "target::sql::after_commit",
    ] {
        let scenario = FailScenario::setup();
        let house = House::new(SCHEMA);
        dies(&house, "add", point).await;
        let house = house.reopened();
        assert_eq!(
            again(&house, "add").await,
            vec![table_rows("work", 12_000, 0, 0)],
            "{point}"
        );
        assert_eq!(
            house.lane_rows(1, 1, "select count(*) from work"),
            vec![json!([12_000])],
            "{point}"
        );
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_publish_that_dies_around_its_commit_happens_once() {
    for point in [
        "target::publish::before_commit",
        "target::publish::after_commit",
    ] {
        let scenario = FailScenario::setup();
        let house = House::new(SCHEMA);
        house.run(&plan(), "add", 1).await.unwrap();
        dies(&house, "publish/publish", point).await;
        // The same engine goes on, with whatever connection the panic left.
        assert_eq!(
            again(&house, "publish/publish").await,
            vec![table_rows("history", 12_000, 0, 0)],
            "{point}"
        );
        assert_eq!(
            house.rows("select count(*) from latest"),
            vec![json!([12_000])],
            "{point}"
        );
        scenario.teardown();
    }
}

fn by_column() -> std::sync::Arc<carril_model::plan::Plan> {
    Pipeline::new(&[("add", "insert into work (id) select id from source")])
        .tables(&["work"])
        .by_column("execution_id")
        .plan()
}

/// A house with 12,000 rows of execution 1 and of execution 2, in one table.
const SHARED: &str = "create table work (id integer, execution_id integer); create index work_by on work (execution_id);
    create table source (id integer);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 12000) insert into source select i from n";

#[tokio::test]
async fn a_step_on_shared_tables_that_dies_around_its_commit_happens_once() {
    for point in ["target::sql::before_commit", "target::sql::after_commit"] {
        let scenario = FailScenario::setup();
        let house = House::new(SHARED);
        house.run(&by_column(), "add", 2).await.unwrap();
        fail::cfg(point, "panic").unwrap();
        let error = house
            .run(&by_column(), "add", 1)
            .await
            .expect_err("it dies");
        fail::remove(point);
        assert_eq!(error.class, ErrorClass::OutcomeUnknown, "{point}");
        let call = first_try(&by_column(), "add", 1).again(2, 1).call();
        let again = house.attempt(&call, &Switch::new()).await.unwrap();
        assert_eq!(
            again.rows,
            vec![table_rows("work", 12_000, 0, 0)],
            "{point}"
        );
        assert_eq!(
            house.rows("select execution_id, count(*) from work group by 1"),
            vec![json!([1, 12_000]), json!([2, 12_000])],
            "{point}"
        );
        scenario.teardown();
    }
}

#[tokio::test]
async fn removing_rows_of_shared_tables_goes_on_where_it_died() {
    for discards in [false, true] {
        let scenario = FailScenario::setup();
        let house = House::new(SHARED);
        for execution in [1, 2] {
            house.run(&by_column(), "add", execution).await.unwrap();
        }
        let plan = by_column();
        let remove = || async {
            if discards {
                house
                    .target
                    .discard_workspace(plan.definition(), whose(1))
                    .await
            } else {
                house
                    .target
                    .roll_back(plan.definition(), whose(1))
                    .await
                    .map(|_| ())
            }
        };
        fail::cfg("target::column::half", "panic").unwrap();
        let error = remove().await.expect_err("it dies after its first batch");
        assert!(matches!(error, TargetError::Unreachable(_)), "{error:?}");
        fail::remove("target::column::half");
        let left = "select execution_id, count(*) from work group by 1";
        assert_eq!(
            house.rows(left),
            vec![json!([1, 2_000]), json!([2, 12_000])]
        );
        // Whoever sweeps still finds it.
        let found = house.target.workspaces(PROCESS).await.unwrap();
        assert_eq!(found.first().map(|execution| execution.0), Some(1));
        remove().await.unwrap();
        assert_eq!(house.rows(left), vec![json!([2, 12_000])]);
        let found = house.target.workspaces(PROCESS).await.unwrap();
        assert_eq!(
            found
                .iter()
                .map(|execution| execution.0)
                .collect::<Vec<_>>(),
            [2]
        );
        scenario.teardown();
    }
}

#[tokio::test]
async fn a_rollback_that_dies_half_way_is_finished_by_the_next() {
    let scenario = FailScenario::setup();
    let house = House::new(SCHEMA);
    house.run(&plan(), "add", 1).await.unwrap();
    house.run(&plan(), "publish/publish", 1).await.unwrap();
    fail::cfg("target::rollback::half", "panic").unwrap();
    let error = house.target.roll_back(plan().definition(), whose(1)).await;
    assert!(
        matches!(error, Err(TargetError::Unreachable(_))),
        "{error:?}"
    );
    fail::remove("target::rollback::half");
    assert_eq!(
        house.rows("select count(*) from history"),
        vec![json!([2_000])]
    );
    assert_eq!(house.rows("select count(*) from latest"), vec![json!([0])]);
    let rows = house
        .target
        .roll_back(plan().definition(), whose(1))
        .await
        .unwrap();
    assert_eq!(
        rows,
        vec![
            table_rows("history", 0, 0, 2_000),
            table_rows("work", 0, 0, 12_000)
        ]
    );
    assert_eq!(house.rows("select count(*) from history"), vec![json!([0])]);
    scenario.teardown();
}
