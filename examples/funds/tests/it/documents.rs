//! The real documents. They are not part of the project: `CARRIL_DATA` names their folder, and without it the folder
//! `shared/data` beside the project is tried. Where there is none, these tests say so and check nothing.
//!
//! What the documents publish about themselves is the oracle: each fund's GRAND TOTAL, and the exchange's closing prices.

use crate::figures::{check_betas, check_funds, check_yields};
use crate::runner::{SOURCES, Warehouse, dump, folder};
use funds_example::{LoadError, LoadOptions, load};
use rusqlite::Connection;
use std::env;
use std::path::PathBuf;

/// One month, with the counts that the documents lead to.
pub(crate) struct Month {
    pub(crate) date: &'static str,
    price_date: &'static str,
    pub(crate) funds: i64,
    lines: i64,
    /// Lines whose ISIN the index lists know and whose symbol has a closing price, and those whose value is the same.
    priced: i64,
    equal: i64,
    swaps_and_futures: i64,
    /// Bonds with coupons that are modelled, each ISIN once, and how many of them are within 5 and 15 basis points of the
    /// published yield; then the same of papers without coupons.
    bonds: [i64; 3],
    papers: [i64; 3],
    /// Days of prices in the betas' window.
    days: i64,
}

#[rustfmt::skip]
pub(crate) const MONTHS: [Month; 6] = [
    Month { date: "2024-01-31", price_date: "2024-01-31", funds: 101, lines: 5199, priced: 2203, equal: 2184, swaps_and_futures: 486, bonds: [307, 250, 260], papers: [418, 414, 418], days: 22 },
    Month { date: "2024-04-30", price_date: "2024-04-30", funds: 97, lines: 5235, priced: 2216, equal: 2193, swaps_and_futures: 505, bonds: [314, 255, 271], papers: [436, 431, 436], days: 42 },
    Month { date: "2024-05-31", price_date: "2024-05-31", funds: 98, lines: 5267, priced: 2271, equal: 2245, swaps_and_futures: 492, bonds: [314, 258, 269], papers: [427, 419, 424], days: 64 },
    Month { date: "2024-06-30", price_date: "2024-06-28", funds: 100, lines: 5180, priced: 2279, equal: 2258, swaps_and_futures: 475, bonds: [324, 265, 283], papers: [416, 413, 416], days: 83 },
    Month { date: "2025-05-31", price_date: "2025-05-30", funds: 109, lines: 5741, priced: 2533, equal: 2485, swaps_and_futures: 491, bonds: [463, 381, 414], papers: [426, 420, 425], days: 79 },
    Month { date: "2025-06-30", price_date: "2025-06-30", funds: 109, lines: 5826, priced: 2597, equal: 2557, swaps_and_futures: 519, bonds: [478, 393, 425], papers: [446, 444, 446], days: 100 },
];

pub(crate) fn data() -> Option<PathBuf> {
    let beside = folder().join("../../../shared/data");
    let data = env::var_os("CARRIL_DATA")
        .map_or(beside, PathBuf::from)
        .join("funds");
    if data.is_dir() {
        return Some(data);
    }
    eprintln!(
        "SKIPPED: there are no real documents at {}; set CARRIL_DATA",
        data.display()
    );
    None
}

fn one<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> T {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The documents of some months, given as `YYYY-MM`.
pub(crate) fn documents(data: &std::path::Path, months: &[&str]) -> Vec<PathBuf> {
    let mut paths = vec![data.join("refdata"), data.join("fx/eurofxref-hist.zip")];
    for month in months {
        paths.push(data.join(format!("nse_prices/{month}.tar.xz")));
        paths.extend(
            std::fs::read_dir(data.join("absl"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| {
                    path.file_name()
                        .unwrap()
                        .to_string_lossy()
                        .starts_with(month)
                }),
        );
    }
    paths
}

/// Hundreds of lanes over real documents take their time on a busy machine.
mod long {
    use super::*;

    #[test]
    fn six_months_come_out_as_published() {
        let Some(data) = data() else { return };
        let mut warehouse = Warehouse::new();
        let months: Vec<&str> = MONTHS.iter().map(|month| &month.date[..7]).collect();
        let mut paths = documents(&data, &months);
        paths.extend(
            ["2025-02", "2025-03", "2025-04"]
                .map(|month| data.join(format!("nse_prices/{month}.tar.xz"))),
        );
        load(&warehouse.path, &paths, LoadOptions::default()).unwrap();
        let connection = warehouse.open();
        for month in &MONTHS {
            warehouse.run(month.date);
            check_month(&connection, month);
            check_window(&connection, month);
            check_again(&connection, month);
        }
        // The same share stands in many funds at once, which is what makes lanes meet.
        let most_held: i64 = one(
            &connection,
            "select max(funds) from (
                 select count(distinct portfolio) as funds from homol_ipa where isin like 'INE%' group by report_date, isin)",
        );
        assert!((28..=40).contains(&most_held), "{most_held}");
        check_pnl(&connection);
    }
}

pub(crate) fn check_month(connection: &Connection, month: &Month) {
    let date = month.date;
    let count = |column: &str| -> i64 {
        one(
            connection,
            &format!("select {column} from fund_report where report_date = '{date}'"),
        )
    };
    assert_eq!(count("count(*)"), month.funds, "{date}");
    let wrong = count(
        "coalesce(sum(abs(market_value - published_total) > max(0.06, 2e-6 * abs(published_total))), 0)",
    );
    assert_eq!(wrong, 0, "{date}: every fund is worth what it publishes");
    assert_eq!(count("sum(positions)"), month.lines, "{date}");
    assert_eq!(
        (count("sum(priced_positions)"), count("sum(price_matches)")),
        (month.priced, month.equal),
        "{date}"
    );
    let block = format!("select count(*) from homol_derivados where report_date = '{date}'");
    assert_eq!(
        one::<i64>(connection, &block),
        month.swaps_and_futures,
        "{date}"
    );
    let unknown = format!(
        "select count(*) from fund_position where report_date = '{date}' and asset_class = 'other'"
    );
    assert_eq!(
        one::<i64>(connection, &unknown),
        0,
        "{date}: every heading is understood"
    );
    let days = format!(
        "select max(data_date) from bd_feed_days where feed = 'capm' and data_date <= '{date}' and usable_until >= '{date}'"
    );
    assert_eq!(one::<String>(connection, &days), month.price_date);
    let house = format!(
        "select abs(c.market_value - (select sum(r.market_value) from fund_report r where r.report_date = c.report_date))
         from fund_cube c where c.report_date = '{date}' and c.dimension = 'house'"
    );
    assert!(
        one::<f64>(connection, &house) < 0.1,
        "{date}: the cube is the sum of the funds"
    );
    check_modelled(connection, month);
}

/// What is modelled, against what is published.
fn check_modelled(connection: &Connection, month: &Month) {
    let date = month.date;
    for (coupons, expected) in [
        ("m.coupon > 0", month.bonds),
        ("m.coupon = 0", month.papers),
    ] {
        let found = yields_within(connection, date, coupons);
        assert_eq!(found, expected, "{date}: yields with {coupons}");
    }
    // Half of all bonds are within a quarter of a basis point.
    let middle: f64 = one(
        connection,
        &format!(
            "with apart as ({}) select apart from apart order by apart limit 1 offset (select count(*) / 2 from apart)",
            apart(date, "m.coupon > 0")
        ),
    );
    assert!(middle < 0.25, "{date}: the median is {middle} basis points");
    check_funds(connection, date);
    check_futures(connection, month);
}

/// What is modelled, by other methods.
fn check_again(connection: &Connection, month: &Month) {
    let date = month.date;
    assert!(check_yields(connection, date) > 700);
    assert!(check_betas(connection, date, "NIFTYBEES") > 350);
}

/// How many days of prices the betas look back on, where the months before are loaded as well.
fn check_window(connection: &Connection, month: &Month) {
    let days: i64 = one(
        connection,
        &format!(
            "select count(*) from homol_capm c join bd_feed_days d on d.feed = 'capm' and d.data_date = '{price_date}'
             where c.symbol = 'NIFTYBEES' and c.price_date > d.window_start and c.price_date <= '{price_date}'",
            price_date = month.price_date
        ),
    );
    assert_eq!(days, month.days, "{}: days in the window", month.date);
}

/// How far each modelled yield is from the published one, in basis points. A bond is the same in every fund and counts once,
/// where most of it is held: values are rounded, and the more there is the less that does to its price.
fn apart(date: &str, which: &str) -> String {
    format!(
        "select abs(p.yield - m.yield) * 10000 as apart, max(m.market_value)
         from fund_position p
         join homol_posmodrf m on m.report_date = p.report_date and m.portfolio = p.fund_code and m.line = p.line
         where p.report_date = '{date}' and p.yield is not null and m.yield is not null and {which}
         group by m.isin"
    )
}

fn yields_within(connection: &Connection, date: &str, which: &str) -> [i64; 3] {
    let sql = format!(
        "select count(*), sum(apart <= 5), sum(apart <= 15) from ({})",
        apart(date, which)
    );
    connection
        .query_row(&sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
        .unwrap()
}

/// A future is worth what its share is worth, within the interest of two months; its share of the fund is published as well.
fn check_futures(connection: &Connection, month: &Month) {
    let date = month.date;
    let (futures, priced, far, shares): (i64, i64, i64, i64) = connection
        .query_row(
            &format!(
                "select count(*), count(c.close),
                     coalesce(sum(abs(v.market_value / (v.quantity * c.close / 100000) - 1) > 0.02), 0),
                     sum(abs(v.pct_net_assets - v.market_value / t.published_total) > 0.00006)
                 from homol_derivados v
                 join homol_sona_totals t on t.report_date = v.report_date and t.portfolio = v.portfolio
                 left join homol_capm c on c.symbol = v.underlying and c.series = 'EQ' and c.price_date = '{}'
                 where v.report_date = '{date}' and v.class = 'future'",
                month.price_date
            ),
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert!(
        futures > 240 && priced * 100 > futures * 95,
        "{date}: {priced} of {futures}"
    );
    assert_eq!((far, shares), (0, 0), "{date}");
    let unclassed = format!(
        "select count(*) from homol_derivados where report_date = '{date}' and class not in ('future', 'swap')"
    );
    assert_eq!(one::<i64>(connection, &unclassed), 0, "{date}");
}

/// PNL from one month to the next, computed again from the feeds.
pub(crate) fn check_pnl(connection: &Connection) {
    for (before, before_day, date, day) in [
        ("2024-04-30", "2024-04-30", "2024-05-31", "2024-05-31"),
        ("2024-05-31", "2024-05-31", "2024-06-30", "2024-06-28"),
        ("2025-05-31", "2025-05-30", "2025-06-30", "2025-06-30"),
    ] {
        let differing: i64 = one(
            connection,
            &format!(
                "with again as (
                     select b.portfolio, sum(b.quantity * (c.close - p.close)) / 100000 as pnl
                     from homol_ipa b
                     join homol_ipa n on n.portfolio = b.portfolio and n.isin = b.isin and n.report_date = '{date}'
                     join bd_instruments s on s.isin = b.isin
                     join homol_capm p on p.symbol = s.symbol and p.series = 'EQ' and p.price_date = '{before_day}'
                     join homol_capm c on c.symbol = s.symbol and c.series = 'EQ' and c.price_date = '{day}'
                     where b.report_date = '{before}'
                     group by b.portfolio
                 )
                 select count(*) from fund_report r
                 left join again a on a.portfolio = r.fund_code
                 where r.report_date = '{date}' and r.previous_report_date = '{before}'
                   and (r.pnl is null or abs(r.pnl - coalesce(a.pnl, 0)) > 0.0006)"
            ),
        );
        assert_eq!(differing, 0, "{date}");
        let with_pnl =
            format!("select count(*) from fund_report where report_date = '{date}' and pnl <> 0");
        assert!(one::<i64>(connection, &with_pnl) > 40, "{date}");
    }
    let first =
        "select count(*) from fund_report where report_date = '2024-01-31' and pnl is not null";
    assert_eq!(
        one::<i64>(connection, first),
        0,
        "the first month has nothing to compare with"
    );
    // Three companies gave bonus shares in these months; their prices fell by a third to three quarters.
    let bonus: String = one(
        connection,
        "select group_concat(n.symbol, ' ') from (
             select distinct s.symbol from homol_capm p
             join homol_capm c on c.symbol = p.symbol and c.series = 'EQ'
             join bd_instruments s on s.symbol = p.symbol
             join homol_ipa i on i.isin = s.isin and i.report_date = '2024-06-30'
             where p.series = 'EQ' and p.price_date = '2024-05-31' and c.price_date = '2024-06-28' and c.close * 3 < p.close * 2
             order by 1) n",
    );
    assert_eq!(bonus, "BPCL HINDPETRO");
    let marked: i64 = one(
        connection,
        "select sum(pnl_large_moves) from fund_report where report_date = '2024-06-30'",
    );
    assert!(
        marked >= 10,
        "they are marked for people to look at: {marked}"
    );
    // Funds that hold shares and sell as many futures do not move with the market.
    let (funds, far): (i64, i64) = connection
        .query_row(
            "select count(*), sum(abs(beta_with_futures) > 0.1) from fund_report
             where fund_name like '%arbitrage%' and equity_value > 0",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert!(funds >= 6, "{funds}");
    assert_eq!(far, 0, "of {funds} arbitrage funds");
}

#[test]
fn the_traps_of_the_real_workbooks_are_stepped_over() {
    let Some(data) = data() else { return };
    let warehouse = Warehouse::new();
    let before = load(
        &warehouse.path,
        &documents(&data, &["2025-06"]),
        LoadOptions::default(),
    )
    .unwrap();
    let connection = warehouse.open();
    let count = |sql: &str| one::<i64>(&connection, sql);
    assert_eq!(
        count(
            "select count(*) from homol_fx where currency in ('INR', 'USD') and rate_date = '2025-06-30'"
        ),
        2
    );
    // `$0.00%` is text in the percent column.
    assert!(count("select count(*) from homol_derivados where pct_net_assets = 0") > 150);
    // Reverse repos carry codes like an ISIN, and are cash.
    assert_eq!(
        count("select count(*) from homol_ipa where isin like '%REPO%'"),
        0
    );
    assert_eq!(
        count("select count(*) from homol_sona where kind = 'reverse_repo'"),
        31
    );
    // Funds without any ISIN are funds.
    let without = "select count(*) from homol_sona_totals t where not exists (
        select 1 from homol_ipa i where i.portfolio = t.portfolio and i.isin is not null)";
    assert_eq!(count(without), 4);
    // Coupons and maturities stand in the names of bonds.
    assert!(
        count(
            "select count(*) from homol_posmodrf where coupon between 4 and 13 and maturity > '2025-06-30'"
        ) > 1000
    );
    assert_eq!(
        count("select count(*) from homol_posmodrf where yield > 0.2"),
        0,
        "yields are fractions"
    );
    let sources = dump(&warehouse.path, &SOURCES);
    let again = load(
        &warehouse.path,
        &documents(&data, &["2025-06"]),
        LoadOptions::default(),
    )
    .unwrap();
    assert_eq!(before, again);
    assert!(
        sources == dump(&warehouse.path, &SOURCES),
        "loading again has changed something"
    );
}

#[test]
fn workbooks_of_other_layouts_are_refused_by_name() {
    let Some(data) = data() else { return };
    for document in ["hdfc", "uti", "fx/fred_monthly_exchange_rates.csv"] {
        let warehouse = Warehouse::new();
        let error = load(
            &warehouse.path,
            &[data.join(document)],
            LoadOptions::default(),
        )
        .expect_err("another layout");
        assert!(
            matches!(error, LoadError::Unknown { .. }),
            "{document}: {error}"
        );
        assert!(!warehouse.path.exists());
    }
}
