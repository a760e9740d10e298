//! What is modelled of made-up funds: betas, yields, durations, changes of value. The figures are there to be found: prices
//! follow a market by a known beta, and bonds are priced from a known yield.

use crate::figures::{check_betas, check_funds, check_yields};
use crate::runner::Warehouse;
use funds_example::generate;
use jiff::civil::date;
use rusqlite::Connection;
use rusqlite::types::FromSql;

const DATE: &str = "2025-06-30";

fn made(funds: u32) -> Warehouse {
    let warehouse = Warehouse::new();
    generate(&warehouse.path, funds, date(2025, 6, 30)).unwrap();
    warehouse
}

fn one<T: FromSql>(connection: &Connection, sql: &str) -> T {
    connection
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

#[test]
fn every_modelled_figure_comes_out_by_another_method() {
    let mut warehouse = made(50);
    warehouse.run("2025-05-31");
    warehouse.run(DATE);
    let connection = warehouse.open();
    for date in ["2025-05-31", DATE] {
        assert!(check_betas(&connection, date, "MKTETF") > 250);
        assert!(check_yields(&connection, date) > 110);
    }
    assert_eq!(check_funds(&connection, "2025-05-31"), 0);
    assert_eq!(check_funds(&connection, DATE), 50);
}

#[test]
fn made_up_bonds_yield_what_their_statements_say() {
    let mut warehouse = made(50);
    warehouse.run(DATE);
    let connection = warehouse.open();
    let (bonds, far): (i64, i64) = connection
        .query_row(
            "select count(*), sum(abs(p.yield - m.yield) > 1e-5)
             from fund_position p join bd_funds f using (fund_code)
             join homol_posmodrf m on m.report_date = p.report_date and m.portfolio = f.portfolio_geneva and m.line = p.line
             where m.market_value > 100",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert!(bonds > 300, "{bonds}");
    assert_eq!(far, 0, "of {bonds} bonds");
    assert_eq!(
        one::<i64>(
            &connection,
            "select count(*) from fund_report where duration_coverage < 1"
        ),
        0
    );
}

/// Betas are drawn between 0.4 and 1.6, and the noise around them is small.
#[test]
fn made_up_shares_move_as_their_betas_say() {
    let mut warehouse = made(50);
    warehouse.run(DATE);
    let connection = warehouse.open();
    let (low, mean, high): (f64, f64, f64) = connection
        .query_row(
            "select min(beta), avg(beta), max(beta) from fund_position",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert!((0.8..1.2).contains(&mean), "{mean}");
    assert!(
        low > -0.5 && high < 2.5 && high - low > 1.0,
        "{low} to {high}"
    );
    let hedged: i64 = one(
        &connection,
        "select count(*) from fund_report where beta is not null and beta_with_futures < beta - 0.02",
    );
    assert!(hedged > 5, "short futures lower the beta of {hedged} funds");
}

/// A share that is not traded often, one that the exchange does not list, and one that split: none may have a false beta.
#[test]
fn a_share_without_enough_days_has_no_beta_and_is_counted_as_uncovered() {
    let mut warehouse = made(3);
    let connection = warehouse.open();
    let symbol: String = one(
        &connection,
        "select s.symbol from homol_ipa i join bd_instruments s on s.isin = i.isin
         where i.portfolio = 'GVA-MERLC' and i.report_date = '2025-06-30' order by i.line limit 1",
    );
    let deleted = connection
        .execute(
            "delete from homol_capm where symbol = ?1 and price_date < '2025-06-10'",
            [&symbol],
        )
        .unwrap();
    assert!(deleted > 20, "{deleted}");
    warehouse.run(DATE);
    let of_share: Option<f64> = connection
        .query_row(
            "select p.beta from fund_position p join bd_instruments s on s.isin = p.isin
             where s.symbol = ?1 and p.fund_code = 'MERLC'",
            [&symbol],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(of_share, None);
    let coverage: f64 = one(
        &connection,
        "select beta_coverage from fund_report where fund_code = 'MERLC'",
    );
    assert!(coverage > 0.5 && coverage < 0.999, "{coverage}");
}

#[test]
fn a_split_is_no_return_of_a_day() {
    let beta = |halve: bool| {
        let mut warehouse = made(3);
        let connection = warehouse.open();
        if halve {
            // From the tenth on, everything about the share is halved but the previous close of that day.
            connection
                .execute_batch(
                    "update homol_capm set close = close / 2 where symbol = 'ALDERBANK' and price_date >= '2025-06-10';
                     update homol_capm set prev_close = prev_close / 2
                     where symbol = 'ALDERBANK' and price_date > '2025-06-10';",
                )
                .unwrap();
        }
        warehouse.run(DATE);
        one::<f64>(
            &connection,
            "select min(p.beta) from fund_position p join bd_instruments s on s.isin = p.isin where s.symbol = 'ALDERBANK'",
        )
    };
    let (plain, split) = (beta(false), beta(true));
    assert!(
        (plain - split).abs() < 0.2,
        "one day less, and no crash: {plain}, {split}"
    );
    assert!(
        (plain - split).abs() > 0.0,
        "the day of the split is left out"
    );
}

#[test]
fn without_a_market_or_prices_there_are_no_betas_and_the_report_is_whole() {
    let mut warehouse = made(10);
    let connection = warehouse.open();
    connection
        .execute("delete from homol_capm where symbol = 'MKTETF'", [])
        .unwrap();
    assert_eq!(warehouse.run(DATE), 10);
    let (funds, betas): (i64, i64) = connection
        .query_row("select count(*), count(beta) from fund_report", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((funds, betas), (10, 0));
}

/// Every reason for which a bond has no yield of ours, on one bond each.
#[test]
fn what_is_not_modelled_is_said_and_lowers_the_coverage() {
    let changes = [
        "quantity = 0",
        "coupon = null",
        "maturity = null, coupons_left = null, days_to_coupon = null, days_in_period = null, days_to_maturity = null",
        "is_floating = 1",
        "coupons_per_year = null",
        "coupons_left = null, days_to_coupon = null, days_in_period = null, days_to_maturity = null",
        "quantity = quantity * 2",
    ];
    for change in changes {
        let mut warehouse = made(2);
        let connection = warehouse.open();
        let fund = "portfolio = (select min(portfolio) from homol_posmodrf) and report_date = '2025-06-30'";
        let line: i64 = one(
            &connection,
            &format!(
                "select min(line) from homol_posmodrf where {fund} and coupon > 0 and coupons_left > 1"
            ),
        );
        connection
            .execute_batch(&format!(
                "update homol_posmodrf set {change} where {fund} and line = {line}"
            ))
            .unwrap();
        warehouse.run(DATE);
        let code = "(select fund_code from bd_funds where portfolio_geneva = (select min(portfolio) from homol_posmodrf))";
        let modelled: Option<f64> = one(
            &connection,
            &format!("select yield from fund_position where fund_code = {code} and line = {line}"),
        );
        assert_eq!(modelled, None, "{change}");
        let coverage: f64 = one(
            &connection,
            &format!("select duration_coverage from fund_report where fund_code = {code}"),
        );
        assert!(coverage > 0.5 && coverage < 1.0, "{change}: {coverage}");
    }
}

/// A bond far from par, one that yields nothing, one that yields less than nothing, and one of fifty years.
#[test]
fn newton_finds_yields_that_are_far_from_where_it_starts() {
    let mut warehouse = made(2);
    let connection = warehouse.open();
    let fund =
        "portfolio = (select min(portfolio) from homol_posmodrf) and report_date = '2025-06-30'";
    let lines: Vec<i64> = connection
        .prepare(&format!(
            "select line from homol_posmodrf where {fund} and coupon > 0 and coupons_per_year = 1 and coupons_left > 1 limit 4"
        ))
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    // Coupon, years left and clean price.
    let terms = [
        (4.0, 50, 81.0),
        (0.5, 2, 101.0),
        (14.0, 3, 124.0),
        (2.0, 3, 80.5),
    ];
    for (line, (coupon, years, clean)) in lines.iter().zip(terms) {
        connection
            .execute_batch(&format!(
                "update homol_posmodrf set coupon = {coupon}, coupons_left = {years}, days_to_coupon = 365,
                     days_in_period = 365, days_to_maturity = 365 * {years}, maturity = '{}-07-01',
                     market_value = quantity * {clean} / 100
                 where {fund} and line = {line};",
                2025 + years
            ))
            .unwrap();
    }
    warehouse.run(DATE);
    assert!(check_yields(&connection, DATE) > 5);
    let found: i64 = one(
        &connection,
        &format!(
            "select count(*) from fund_position where yield is not null and fund_code = (
                 select fund_code from bd_funds where portfolio_geneva = (select min(portfolio) from homol_posmodrf))
               and line in ({})",
            lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
    );
    assert_eq!(found, 4);
}
