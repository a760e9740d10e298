//! The real documents. They are not part of the project: `CARRIL_DATA` names their folder, and without it the folder
//! `shared/data` beside the project is tried. Where there is none, these tests say so and check nothing.
//!
//! What the documents publish about themselves is the oracle: each fund's GRAND TOTAL, and the exchange's closing prices.

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
}

#[rustfmt::skip]
pub(crate) const MONTHS: [Month; 6] = [
    Month { date: "2024-01-31", price_date: "2024-01-31", funds: 101, lines: 5199, priced: 2203, equal: 2184, swaps_and_futures: 486 },
    Month { date: "2024-04-30", price_date: "2024-04-30", funds: 97, lines: 5235, priced: 2216, equal: 2193, swaps_and_futures: 505 },
    Month { date: "2024-05-31", price_date: "2024-05-31", funds: 98, lines: 5267, priced: 2271, equal: 2245, swaps_and_futures: 492 },
    Month { date: "2024-06-30", price_date: "2024-06-28", funds: 100, lines: 5180, priced: 2279, equal: 2258, swaps_and_futures: 475 },
    Month { date: "2025-05-31", price_date: "2025-05-30", funds: 109, lines: 5741, priced: 2533, equal: 2485, swaps_and_futures: 491 },
    Month { date: "2025-06-30", price_date: "2025-06-30", funds: 109, lines: 5826, priced: 2597, equal: 2557, swaps_and_futures: 519 },
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

#[test]
fn six_months_come_out_as_published() {
    let Some(data) = data() else { return };
    let mut warehouse = Warehouse::new();
    let months: Vec<&str> = MONTHS.iter().map(|month| &month.date[..7]).collect();
    load(
        &warehouse.path,
        &documents(&data, &months),
        LoadOptions::default(),
    )
    .unwrap();
    let connection = warehouse.open();
    for month in &MONTHS {
        warehouse.run(month.date);
        check_month(&connection, month);
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
    for document in [
        "icici_15sep2025",
        "hdfc",
        "uti",
        "sec_nport/NPORT.Dupree.xml.gz",
        "fx/fred_monthly_exchange_rates.csv",
    ] {
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
