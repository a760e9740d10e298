//! Made-up funds through the whole pipeline. Every figure of the report is computed a second time, straight from the
//! source tables and another way than the steps do.

use crate::runner::{SOURCES, Warehouse, dump};
use funds_example::{FUNDS_MAX, LoadError, generate};
use jiff::civil::date;
use rusqlite::Connection;
use std::collections::BTreeSet;

const DATE: &str = "2025-06-30";

fn ran(funds: u32) -> (Warehouse, Connection) {
    let mut warehouse = Warehouse::new();
    generate(&warehouse.path, funds, date(2025, 6, 30)).unwrap();
    assert_eq!(warehouse.run(DATE), funds as usize);
    let connection = warehouse.open();
    (warehouse, connection)
}

fn one<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> T {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Rows where the report and the second computation differ by more than half of the report's rounding.
fn check_none(connection: &Connection, what: &str, sql: &str) {
    let rows: Vec<String> = connection
        .prepare(sql)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(rows.is_empty(), "{what}: {rows:?}");
}

#[test]
fn every_figure_of_the_report_can_be_computed_again() {
    let (_warehouse, connection) = ran(50);
    assert_eq!(
        one::<i64>(
            &connection,
            "select count(*) from fund_report where market_value > 0"
        ),
        50
    );
    check_none(
        &connection,
        "market value is the published total",
        "select fund_code from fund_report where abs(market_value - published_total) > max(0.06, 2e-6 * published_total)",
    );
    check_none(
        &connection,
        "cash is that of the SONA feed",
        "select r.fund_code from fund_report r join bd_funds f using (fund_code)
         where abs(r.cash - (select sum(s.market_value) from homol_sona s
             where s.report_date = r.report_date and s.portfolio = f.portfolio_geneva)) > 0.0005",
    );
    check_none(
        &connection,
        "positions are the lines of both feeds",
        "select r.fund_code from fund_report r join bd_funds f using (fund_code)
         where r.positions <> (select count(*) from homol_sona s
                 where s.report_date = r.report_date and s.portfolio = f.portfolio_geneva)
             + (select count(*) from homol_ipa i where i.report_date = r.report_date and i.portfolio = f.portfolio_geneva)",
    );
    check_none(
        &connection,
        "derivatives stand apart, and only where the fund has the flag",
        "select r.fund_code from fund_report r join bd_funds f using (fund_code)
         where abs(r.derivatives_value - coalesce((select sum(v.market_value) from homol_derivados v
             where v.report_date = r.report_date and v.portfolio = f.portfolio_derivados), 0)) > 0.00051
            or (r.derivatives_value <> 0) <> f.flag_derivados",
    );
    check_none(
        &connection,
        "euros at the rate of the day",
        "select r.fund_code from fund_report r
         join homol_fx x on x.rate_date = r.report_date and x.currency = 'INR'
         where abs(r.market_value_million_eur - r.market_value * 100000 / x.per_euro / 1000000) > 0.001",
    );
    check_none(
        &connection,
        "every share is priced, and the price agrees",
        "select r.fund_code from fund_report r join bd_funds f using (fund_code)
         where r.priced_positions <> r.price_matches or r.priced_positions <> (select count(*) from homol_ipa i
             where i.report_date = r.report_date and i.portfolio = f.portfolio_geneva and i.section like 'Equity%')",
    );
    assert!(one::<i64>(&connection, "select sum(priced_positions) from fund_report") > 1000);
}

#[test]
fn pnl_is_previous_quantity_times_price_change() {
    let (_warehouse, connection) = ran(50);
    // Prices of the two dates side by side; 2025-05-31 is a Saturday and takes those of the Friday.
    check_none(
        &connection,
        "PNL",
        "with again as (
             select f.fund_code, sum(before.quantity * (c.close - p.close)) / 100000 as pnl
             from bd_funds f
             join homol_ipa before on before.portfolio = f.portfolio_geneva and before.report_date = '2025-05-31'
             join homol_ipa now on now.portfolio = f.portfolio_geneva and now.report_date = '2025-06-30' and now.isin = before.isin
             join bd_instruments n on n.isin = now.isin
             join homol_capm p on p.symbol = n.symbol and p.price_date = '2025-05-30'
             join homol_capm c on c.symbol = n.symbol and c.price_date = '2025-06-30'
             group by f.fund_code
         )
         select r.fund_code from fund_report r left join again a using (fund_code)
         where r.pnl is null or abs(r.pnl - coalesce(a.pnl, 0)) > 0.0006 or r.previous_report_date <> '2025-05-31'",
    );
    assert!(
        one::<i64>(
            &connection,
            "select count(*) from fund_report where pnl > 0"
        ) > 5
    );
    assert!(
        one::<i64>(
            &connection,
            "select count(*) from fund_report where pnl < 0"
        ) > 5
    );
}

#[test]
fn the_first_statement_of_a_fund_has_no_pnl() {
    let mut warehouse = Warehouse::new();
    generate(&warehouse.path, 10, date(2025, 6, 30)).unwrap();
    assert_eq!(warehouse.run("2025-05-31"), 10);
    let connection = warehouse.open();
    assert_eq!(
        one::<i64>(
            &connection,
            "select count(*) from fund_report where pnl is null"
        ),
        10
    );
}

#[test]
fn the_market_value_is_summed_and_the_published_total_only_compared() {
    let mut warehouse = Warehouse::new();
    generate(&warehouse.path, 3, date(2025, 6, 30)).unwrap();
    let connection = warehouse.open();
    connection
        .execute_batch(
            "update homol_ipa set market_value = market_value + 1000
             where report_date = '2025-06-30' and line = (select min(line) from homol_ipa) and portfolio = 'GVA-MERLC';",
        )
        .unwrap();
    assert_eq!(connection.changes(), 1);
    warehouse.run(DATE);
    let differences: Vec<(String, f64)> = connection
        .prepare("select fund_code, difference from fund_report order by difference desc")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(differences[0], ("MERLC".to_owned(), 1000.0));
    assert!(
        differences[1..]
            .iter()
            .all(|(_, difference)| *difference == 0.0),
        "{differences:?}"
    );
}

#[test]
fn the_cube_adds_up_to_the_report() {
    let (_warehouse, connection) = ran(50);
    let house: (f64, i64, i64) = connection
        .query_row(
            "select market_value, funds, positions from fund_cube where currency = 'INR' and dimension = 'house' and member = 'all'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    let report: (f64, i64, i64) = connection
        .query_row(
            "select sum(market_value), count(*), sum(positions) from fund_report",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert!((house.0 - report.0).abs() < 0.05, "{house:?} {report:?}");
    assert_eq!((house.1, house.2), (report.1, report.2));
    let sum = |dimension: &str| -> f64 {
        one(
            &connection,
            &format!("select sum(market_value) from fund_cube where dimension = '{dimension}'"),
        )
    };
    assert!((sum("asset_class") - report.0).abs() < 0.05);
    let equity: f64 = one(&connection, "select sum(equity_value) from fund_report");
    let debt: f64 = one(&connection, "select sum(debt_value) from fund_report");
    assert!((sum("industry") - equity).abs() < 0.05);
    assert!((sum("rating") - debt).abs() < 0.05);
    assert!(
        one::<i64>(
            &connection,
            "select count(*) from fund_cube where dimension = 'industry'"
        ) > 15
    );
}

#[test]
fn the_custodian_is_compared_where_there_is_one() {
    let mut warehouse = Warehouse::new();
    generate(&warehouse.path, 50, date(2025, 6, 30)).unwrap();
    let connection = warehouse.open();
    assert_eq!(
        one::<i64>(
            &connection,
            "select count(*) from bd_funds where flag_ubs = 1"
        ),
        10
    );
    let absent: String = one(
        &connection,
        "select min(fund_code) from bd_funds where flag_ubs = 1",
    );
    connection
        .execute(
            "delete from homol_ubs where portfolio = 'UBS-' || ?1",
            [&absent],
        )
        .unwrap();
    warehouse.run(DATE);
    check_none(
        &connection,
        "breaks are the securities that differ or are missing on one side",
        "select r.fund_code from fund_report r join bd_funds f using (fund_code)
         where f.flag_ubs = 1 and r.ubs_breaks is not null and r.ubs_breaks <> (
             select count(*) from homol_ipa i
             left join homol_ubs u on u.report_date = i.report_date and u.portfolio = f.portfolio_ubs and u.isin = i.isin
             where i.report_date = r.report_date and i.portfolio = f.portfolio_geneva
               and (u.isin is null or u.quantity <> i.quantity))",
    );
    assert!(one::<i64>(&connection, "select sum(ubs_breaks) from fund_report") > 5);
    check_none(
        &connection,
        "no custodian's file, no comparison",
        &format!(
            "select r.fund_code from fund_report r join bd_funds f using (fund_code)
             where (r.ubs_breaks is null) <> (f.flag_ubs = 0 or f.fund_code = '{absent}')"
        ),
    );
}

#[test]
fn the_made_up_funds_are_like_real_ones() {
    let (_warehouse, connection) = ran(50);
    assert_eq!(
        one::<i64>(
            &connection,
            "select count(distinct fund_name) from bd_funds"
        ),
        50
    );
    check_none(
        &connection,
        "names are names",
        "select fund_name from bd_funds where fund_name not like '% Fund%' or fund_name glob '*[0-9][0-9][0-9]*'",
    );
    let most_held: i64 = one(
        &connection,
        "select max(funds) from (select count(distinct portfolio) as funds from homol_ipa
         where section like 'Equity%' group by isin)",
    );
    assert!(most_held >= 10, "funds share shares: {most_held}");
    assert!(
        one::<i64>(
            &connection,
            "select count(*) from homol_sona where market_value < 0"
        ) > 5
    );
    assert!(
        one::<i64>(
            &connection,
            "select count(*) from bd_funds where flag_derivados = 1"
        ) > 10
    );
    assert!(
        one::<f64>(
            &connection,
            "select min(debt_value) from fund_report where equity_value = 0"
        ) > 0.0
    );
}

#[test]
fn generating_again_changes_nothing_and_a_later_date_adds() {
    let warehouse = Warehouse::new();
    generate(&warehouse.path, 30, date(2025, 6, 30)).unwrap();
    let first = dump(&warehouse.path, &SOURCES);
    generate(&warehouse.path, 30, date(2025, 6, 30)).unwrap();
    assert!(
        first == dump(&warehouse.path, &SOURCES),
        "the second time has changed something"
    );
    generate(&warehouse.path, 30, date(2025, 7, 31)).unwrap();
    let later = dump(&warehouse.path, &SOURCES);
    let later: BTreeSet<&str> = later.lines().collect();
    let missing: Vec<&str> = first
        .lines()
        .filter(|row| !later.contains(row))
        .take(3)
        .collect();
    assert!(
        missing.is_empty(),
        "a later date took rows away: {missing:?}"
    );
    let connection = warehouse.open();
    let dates: String = one(
        &connection,
        "select group_concat(report_date || ' ' || funds) from (
             select report_date, count(*) as funds from homol_sona_totals group by 1 order by 1)",
    );
    assert_eq!(dates, "2025-05-31 30,2025-06-30 30,2025-07-31 30");
    generate(&warehouse.path, 40, date(2025, 7, 31)).unwrap();
    let ids: i64 = one(
        &connection,
        "select max(id_fund) - min(id_fund) + 1 from bd_funds",
    );
    assert_eq!(ids, 40, "the thirty keep their ids, ten count on");
}

#[test]
fn running_a_date_twice_leaves_one_row_for_each_fund() {
    let (mut warehouse, connection) = ran(12);
    let columns = "report_date, fund_code, market_value, pnl, cash, positions";
    let report = format!("(select {columns} from fund_report)");
    let first = dump(&warehouse.path, &[&report]);
    assert_eq!(warehouse.run(DATE), 12);
    assert!(
        first == dump(&warehouse.path, &[&report]),
        "the second run reports something else"
    );
    assert_eq!(
        one::<i64>(&connection, "select count(*) from fund_report"),
        12
    );
    assert_eq!(
        one::<i64>(&connection, "select count(*) from fund_report_history"),
        24
    );
}

#[test]
fn a_step_that_runs_twice_does_no_more_than_once() {
    let (warehouse, _connection) = ran(12);
    let mut again = Warehouse::new();
    again.times = 2;
    generate(&again.path, 12, date(2025, 6, 30)).unwrap();
    again.run(DATE);
    let tables = ["fund_report", "fund_position", "fund_cube"];
    assert!(dump(&warehouse.path, &tables) == dump(&again.path, &tables));
}

#[test]
fn a_number_of_funds_out_of_range_makes_no_file() {
    let warehouse = Warehouse::new();
    for funds in [0, FUNDS_MAX + 1] {
        let error = generate(&warehouse.path, funds, date(2025, 6, 30)).expect_err("out of range");
        assert!(matches!(error, LoadError::Funds { .. }), "{error}");
        assert!(!warehouse.path.exists());
    }
}
