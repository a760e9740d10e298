//! The real documents, month by month: loaded, checked, run in fifty lanes, and held against what they publish.

use super::house::{House, end, one, pipeline, run};
use crate::documents::{MONTHS, Month, check_month, check_pnl, data, documents};
use carril::model::state::ProcessState;
use carril::{Carril, LaunchOutcome};
use funds_example::{LoadOptions, load};
use rusqlite::Connection;
use std::path::Path;

/// Five months in order; then the one before the last, which comes late and changes nothing of the last; and the last once
/// more, which now knows what was held the month before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_months_run_as_they_are_published_also_when_one_comes_late() {
    let Some(data) = data() else { return };
    let house = House::new();
    load_month(&house, &data, &MONTHS[0], &data.join("refdata"));
    let carril = house.open().await;
    let mut earlier = None;
    for month in [0, 1, 2, 3, 5].map(|at| &MONTHS[at]) {
        if earlier.is_some() {
            load_month(&house, &data, month, &data.join("fx/eurofxref-hist.zip"));
        }
        house.assert_pipeline_is_right(&carril).await;
        run_month(&house, &carril, month).await;
        check_earlier(&house.warehouse(), month, earlier);
        earlier = Some(month.date);
    }

    let (late, last) = (&MONTHS[4], &MONTHS[5]);
    let of_last = format!("report_date = '{}'", last.date);
    let before = house.report(&of_last);
    load_month(&house, &data, late, &data.join("refdata"));
    run_month(&house, &carril, late).await;
    check_earlier(&house.warehouse(), late, Some(MONTHS[3].date));
    assert_eq!(
        before,
        house.report(&of_last),
        "the last month stands as it was published"
    );
    run_month(&house, &carril, last).await;
    check_earlier(&house.warehouse(), last, Some(late.date));
    check_pnl(&house.warehouse());
    end(&carril).await;
}

/// Loads a month's statements and prices, and something that is not about a month.
fn load_month(house: &House, data: &Path, month: &Month, besides: &Path) {
    let mut documents = documents(data, &[&month.date[..7]]);
    let lasting = [data.join("refdata"), data.join("fx/eurofxref-hist.zip")];
    documents.retain(|document| !lasting.contains(document));
    documents.push(besides.to_owned());
    load(&house.warehouse_file(), &documents, LoadOptions::default()).unwrap();
}

async fn run_month(house: &House, carril: &Carril, month: &Month) {
    let outcome = run(carril, &pipeline(), month.date).await;
    assert!(matches!(outcome.launch, LaunchOutcome::Launched(_)));
    let process = outcome.process;
    let tally = process.tally;
    assert_eq!(process.state, ProcessState::Succeeded, "{}", month.date);
    assert_eq!(process.lanes, 50);
    assert_eq!(
        (tally.total, tally.succeeded),
        (month.funds.unsigned_abs(), month.funds.unsigned_abs()),
        "{}",
        month.date
    );
    let warehouse = house.warehouse();
    check_month(&warehouse, month);
    house.assert_cube_is_the_sum(month.date, funds_with_lines(&warehouse, month));
}

/// Funds that hold anything at all: the cube counts those.
fn funds_with_lines(warehouse: &Connection, month: &Month) -> i64 {
    one(
        warehouse,
        &format!(
            "select count(distinct portfolio) from (
                 select portfolio from homol_ipa where report_date = '{date}'
                 union all select portfolio from homol_sona where report_date = '{date}')",
            date = month.date
        ),
    )
}

/// PNL is there for exactly those funds that have a statement of an earlier month.
fn check_earlier(warehouse: &Connection, month: &Month, earlier: Option<&str>) {
    let date = month.date;
    let wrong: i64 = one(
        warehouse,
        &format!(
            "select count(*) from fund_report r where r.report_date = '{date}' and (
                 (r.pnl is null) <> (r.previous_report_date is null)
                 or r.previous_report_date is not (
                     select max(t.report_date) from homol_sona_totals t
                     where t.portfolio = r.fund_code and t.report_date < r.report_date))"
        ),
    );
    assert_eq!(wrong, 0, "{date}");
    let with_pnl: i64 = one(
        warehouse,
        &format!(
            "select count(*) from fund_report where report_date = '{date}' and pnl is not null"
        ),
    );
    match earlier {
        None => assert_eq!(with_pnl, 0, "{date} has nothing to compare with"),
        Some(_) => assert!(with_pnl > 80, "{date}: {with_pnl}"),
    }
}
