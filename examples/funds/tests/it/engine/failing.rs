//! Three funds of a hundred fail: the others are right, and the three come back once what was wrong is mended.

use super::house::{DATE, House, end, retry, run};
use carril::PipelineDefinition;
use carril::model::contract::Selection;
use carril::model::state::ProcessState;

/// Fails for a fund that stands in a table of blocked ones: a line of cash must say what it is.
const BLOCKED: &str = "-- Stands for bad data of single funds.
insert into ipa_cash (line, kind, description, market_value)
select -1, null, b.reason, 0 from blocked b where b.id_fund = :id_fund;
";

const STEP: &str = "[[stage]]\nname = \"report\"\n\n  [[stage.step]]\n  name = \"blocked\"\n  sql = \"sql/blocked.sql\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_of_a_hundred_fail_and_come_back() {
    let house = House::generated(100);
    block(&house, &[107, 142, 199]);
    let pipeline = blocking(&house);
    let carril = house.open().await;
    let process = run(&carril, &pipeline, DATE).await.process;
    assert_eq!(process.state, ProcessState::CompletedWithErrors);
    assert_eq!((process.tally.succeeded, process.tally.failed), (97, 3));
    assert_eq!(
        house.rows(
            "select id_fund from bd_funds where id_fund not in (select id_fund from fund_report)"
        ),
        ["[Integer(107)]", "[Integer(142)]", "[Integer(199)]"]
    );
    check_values(&house, 97);
    house.assert_cube_is_the_sum(DATE, 97);
    let rest = house.report("true");

    house
        .warehouse()
        .execute_batch("delete from blocked")
        .unwrap();
    let row = retry(&carril, Selection::Unsuccessful(process.id), None).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!((row.tally.succeeded, row.tally.failed), (100, 0));
    check_values(&house, 100);
    house.assert_cube_is_the_sum(DATE, 100);
    assert_eq!(
        house.report("id_fund not in (107, 142, 199)"),
        rest,
        "the others stand as they stood"
    );
    assert_eq!(house.lane_files_of_all(), Vec::<std::path::PathBuf>::new());
    end(&carril).await;
}

/// The example's pipeline with one more step, which fails for funds that are blocked.
pub(crate) fn blocking(house: &House) -> PipelineDefinition {
    house.changed_pipeline(
        |text| text.replace("[[stage]]\nname = \"report\"\n", STEP),
        &[("sql/blocked.sql", BLOCKED)],
    )
}

/// Blocks these funds, until somebody empties the table.
pub(crate) fn block(house: &House, funds: &[i64]) {
    let warehouse = house.warehouse();
    let create = "create table blocked (id_fund integer primary key, reason text not null)";
    warehouse.execute_batch(create).unwrap();
    for fund in funds {
        warehouse
            .execute(
                "insert into blocked values (?1, 'its file is damaged')",
                [fund],
            )
            .unwrap();
    }
}

/// Every fund that is published is worth what its statement says.
fn check_values(house: &House, funds: i64) {
    assert_eq!(house.one::<i64>("select count(*) from fund_report"), funds);
    let right: i64 = house.one(
        "select count(*) from fund_report r
         join bd_funds f on f.id_fund = r.id_fund
         join homol_sona_totals t on t.portfolio = f.portfolio_geneva and t.report_date = r.report_date
         where abs(r.market_value - t.published_total) <= max(0.06, 2e-6 * abs(t.published_total))",
    );
    assert_eq!(right, funds);
}
