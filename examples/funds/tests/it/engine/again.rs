//! A report date that is run more than once: the newest result is what stands, down to rows that are gone from it.

use super::house::{DATE, House, end, pipeline, roll_back, run};
use crate::runner::Warehouse;
use carril::LaunchOutcome;
use carril::model::contract::Selection;
use carril::model::state::ProcessState;
use funds_example::generate;
use jiff::civil::date;

/// The engine, its lanes and its publishing add nothing and lose nothing: what comes out is what the steps compute when
/// they run one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_lanes_compute_what_one_after_the_other_does() {
    let mut in_turn = Warehouse::new();
    generate(&in_turn.path, 100, date(2025, 6, 30)).unwrap();
    in_turn.run(DATE);

    let house = House::generated(100);
    let carril = house.open().await;
    // Before anything has been published as well as after: the cube reads views that are made by publishing.
    house.assert_pipeline_is_right(&carril).await;
    let outcome = run(&carril, &pipeline(), DATE).await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded);
    house.assert_pipeline_is_right(&carril).await;
    end(&carril).await;

    let attached = house.warehouse();
    attached
        .execute("attach ?1 as in_turn", [in_turn.path.display().to_string()])
        .unwrap();
    for (view, template, without) in [
        ("fund_report", "report_rows", ""),
        ("fund_position", "report_positions", ""),
        // Sums over the funds depend on the order in which floating-point numbers are added.
        ("fund_cube", "cube_rows", "market_value share"),
    ] {
        let columns: Vec<String> = attached
            .prepare(&format!("select name from pragma_table_info('{template}')"))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .filter(|column: &String| !without.split(' ').any(|left_out| left_out == column))
            .collect();
        let columns = columns.join(", ");
        let differing: i64 = super::house::one(
            &attached,
            &format!(
                "select count(*) from (
                     select * from (select {columns} from main.{view} except select {columns} from in_turn.{view})
                     union all
                     select * from (select {columns} from in_turn.{view} except select {columns} from main.{view}))"
            ),
        );
        assert_eq!(differing, 0, "{view}");
    }
    let far: i64 = super::house::one(
        &attached,
        "select count(*) from main.fund_cube m join in_turn.fund_cube t using (report_date, dimension, member)
         where abs(m.market_value - t.market_value) > 0.0011 or abs(m.share - t.share) > 1e-9",
    );
    assert_eq!(far, 0);
    assert_eq!(house.lane_files_of_all(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_date_run_twice_leaves_one_row_for_each_fund_and_keeps_both_in_the_history() {
    let house = House::generated(20);
    let carril = house.open().await;
    let first = run(&carril, &pipeline(), DATE).await;
    let of_first = house.rows("select id_fund, execution_id from fund_report");
    let report = house.report("true");
    let second = run(&carril, &pipeline(), DATE).await;
    assert!(matches!(second.launch, LaunchOutcome::Launched(_)));
    assert_eq!(second.process.state, ProcessState::Succeeded);

    assert_eq!(
        report,
        house.report("true"),
        "one row a fund, the same figures"
    );
    assert_eq!(report.len(), 20);
    let of_second = house.rows("select id_fund, execution_id from fund_report");
    assert!(
        of_second.iter().all(|row| !of_first.contains(row)),
        "each row is the second run's: {of_second:?}"
    );
    let newest: i64 = house.one("select min(execution_id) from fund_report");
    assert!(newest > first.process.own.unwrap().0);
    let mut of_both = of_first;
    of_both.extend(of_second);
    of_both.sort_unstable();
    assert_eq!(
        of_both,
        house.rows("select id_fund, execution_id from fund_report_history")
    );
    let positions: i64 = house.one("select sum(positions) from fund_report");
    assert_eq!(
        house.one::<i64>("select count(*) from fund_position"),
        positions
    );
    assert_eq!(
        house.one::<i64>("select count(*) from fund_position_history"),
        2 * positions
    );
    assert_eq!(
        house.rows("select distinct execution_id from fund_cube_history"),
        [first.process.own, second.process.own].map(|own| format!("[Integer({})]", own.unwrap()))
    );
    house.assert_cube_is_the_sum(DATE, 20);
    end(&carril).await;
}

/// Rows that a newer result no longer has do not shine through from an older one, in positions or in the cube.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_gone_from_a_newer_result_are_gone() {
    let house = House::generated(10);
    let carril = house.open().await;
    run(&carril, &pipeline(), DATE).await;
    let everything = ["fund_report", "fund_position", "fund_cube"]
        .map(|view| house.rows(&format!("select * from {view}")));
    // One fund has a line with a rating that nobody else has; then it sells that line.
    let warehouse = house.warehouse();
    let changed = warehouse
        .execute(
            "update homol_ipa set industry_rating = 'Forsaken' where (report_date, portfolio, line) = (
                 select report_date, portfolio, line from homol_ipa
                 where report_date = ?1 and section like 'Debt%' order by portfolio, line desc limit 1)",
            [DATE],
        )
        .unwrap();
    assert_eq!(changed, 1);
    let second = run(&carril, &pipeline(), DATE).await;
    assert_eq!(forsaken(&house), (1, 1), "it is there once");
    warehouse
        .execute_batch("delete from homol_ipa where industry_rating = 'Forsaken'")
        .unwrap();
    let third = run(&carril, &pipeline(), DATE).await;
    assert_eq!(forsaken(&house), (0, 0), "it is gone");
    let lines: i64 = house.one("select count(*) from fund_position");
    let wanted: i64 = house.one("select sum(positions) from fund_report");
    assert_eq!(lines, wanted);
    house.assert_cube_is_the_sum(DATE, 10);

    // Each rollback shows what stood there before.
    roll_back(&carril, Selection::Process(third.process.id)).await;
    assert_eq!(forsaken(&house), (1, 1));
    roll_back(&carril, Selection::Process(second.process.id)).await;
    let now = ["fund_report", "fund_position", "fund_cube"]
        .map(|view| house.rows(&format!("select * from {view}")));
    assert!(
        everything == now,
        "the first result stands again, as it was"
    );
    end(&carril).await;
}

/// How many positions and cells of the cube speak of the rating that one line had.
fn forsaken(house: &House) -> (i64, i64) {
    (
        house.one("select count(*) from fund_position where rating = 'Forsaken'"),
        house.one("select count(*) from fund_cube where member = 'Forsaken'"),
    )
}
