//! Real documents of other houses and layouts: custodians' files and filings with the SEC, each against what it says of itself.
//! Skipped, loudly, where there are no documents; see `documents`.

use crate::documents::{data, documents};
use crate::runner::{SOURCES, Warehouse, dump};
use funds_example::{LoadError, LoadOptions, Summary, load};
use rusqlite::Connection;
use rusqlite::types::FromSql;
use std::fs;
use std::path::{Path, PathBuf};

fn one<T: FromSql>(connection: &Connection, sql: &str) -> T {
    connection
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn loaded(warehouse: &Warehouse, paths: &[PathBuf]) -> Summary {
    load(&warehouse.path, paths, LoadOptions::default()).unwrap()
}

fn custodians(data: &Path) -> PathBuf {
    data.join("icici_15sep2025/icici_fortnightly_2025.zip")
}

#[test]
fn thirty_three_custodians_files_come_out_as_published() {
    let Some(data) = data() else { return };
    let mut warehouse = Warehouse::new();
    let summary = loaded(&warehouse, &[custodians(&data)]);
    assert_eq!(summary.documents.len(), 33);
    assert_eq!(warehouse.run("2025-09-15"), 33);
    let connection = warehouse.open();
    let wrong: i64 = one(
        &connection,
        "select count(*) from fund_report where abs(market_value - published_total) > 0.06
             or custodian_total is null or abs(custodian_value - custodian_total) > 0.06
             or source <> 'custodian' or ubs_breaks is not null",
    );
    assert_eq!(
        wrong, 0,
        "every file adds up to its own total, and stands in for the statement"
    );
    let lines: (i64, i64) = connection
        .query_row(
            "select count(*), (select sum(positions) from fund_report) from homol_ubs",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(lines.0, lines.1, "each line of the files is a position");
    let unknown: i64 = one(
        &connection,
        "select count(*) from fund_position where asset_class = 'other'",
    );
    assert_eq!(unknown, 0, "every heading is understood");
    let repos: i64 = one(
        &connection,
        "select count(*) from homol_ipa where isin like '%REPO%'",
    );
    assert_eq!(repos, 0, "a repo's code is no ISIN");
    // Published shares of the total are those of the lines.
    let far: i64 = one(
        &connection,
        "select count(*) from homol_ipa i join homol_sona_totals t using (report_date, portfolio)
         where abs(i.pct_net_assets - i.market_value / t.published_total) > 0.0001",
    );
    assert_eq!(far, 0);
}

/// A custodian's file has coupons and no maturities, a statement's names have maturities and government bonds no coupons.
/// Together they give yields to both, in whichever order they come.
#[test]
fn what_one_document_knows_of_a_bond_completes_another() {
    let Some(data) = data() else { return };
    let statements = documents(&data, &["2025-06"]);
    let mut warehouse = Warehouse::new();
    loaded(&warehouse, &statements);
    loaded(&warehouse, &[custodians(&data)]);
    let other = Warehouse::new();
    loaded(&other, &[custodians(&data)]);
    loaded(&other, &statements);
    let bonds = [
        "(select report_date, portfolio, line, coupon, maturity, coupons_left from homol_posmodrf)",
    ];
    assert!(
        dump(&warehouse.path, &bonds) == dump(&other.path, &bonds),
        "the order matters"
    );
    warehouse.run("2025-06-30");
    warehouse.run("2025-09-15");
    let connection = warehouse.open();
    let within = |date: &str, which: &str| -> (i64, i64, f64) {
        let sql = format!(
            "with apart as (
                 select abs(p.yield - m.yield) * 10000 as apart, max(m.market_value)
                 from fund_position p
                 join homol_posmodrf m on m.report_date = p.report_date and m.portfolio = p.fund_code and m.line = p.line
                 where p.report_date = '{date}' and p.yield is not null and m.yield is not null and {which}
                 group by m.isin
             )
             select count(*), sum(apart <= 5),
                 (select apart from apart order by 1 limit 1 offset (select count(*) / 2 from apart))
             from apart"
        );
        connection
            .query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
    };
    // Government bonds pay half-yearly, and the published yield is the effective one of a year.
    let (bonds, near, median) = within("2025-06-30", "m.coupons_per_year = 2");
    assert_eq!((bonds, near), (76, 71));
    assert!(median < 0.15, "{median}");
    // Another house, another date: the same conventions.
    let (bonds, near, median) = within("2025-09-15", "m.coupons_per_year = 2 and m.coupon > 0");
    assert_eq!((bonds, near), (76, 70));
    assert!(median < 0.5, "{median}");
    let (bonds, near, median) = within("2025-09-15", "m.coupons_per_year = 1 and m.coupon > 0");
    assert_eq!((bonds, near), (179, 132));
    assert!(median < 0.6, "{median}");
}

#[test]
fn a_statement_takes_the_place_of_the_custodians_file() {
    let Some(data) = data() else { return };
    let warehouse = Warehouse::new();
    loaded(&warehouse, &documents(&data, &["2025-06"]));
    let connection = warehouse.open();
    let taken: i64 = one(
        &connection,
        "select count(*) from bd_funds where flag_ubs = 1",
    );
    assert_eq!(taken, 0);
    // The house says that one of its funds is in a custodian's file: then no fund is made for that file.
    let funds: i64 = one(&connection, "select count(*) from bd_funds");
    connection
        .execute("update bd_funds set portfolio_ubs = 'GILT' where id_fund = (select min(id_fund) from bd_funds)", [])
        .unwrap();
    loaded(&warehouse, &[custodians(&data)]);
    assert_eq!(
        one::<i64>(&connection, "select count(*) from bd_funds"),
        funds + 32
    );
    assert_eq!(
        one::<i64>(
            &connection,
            "select flag_ubs from bd_funds where portfolio_ubs = 'GILT'"
        ),
        1
    );
    let sources = dump(&warehouse.path, &SOURCES);
    loaded(&warehouse, &[custodians(&data)]);
    assert!(
        sources == dump(&warehouse.path, &SOURCES),
        "loading again has changed something"
    );
}

struct Filing {
    file: &'static str,
    date: &'static str,
    securities: i64,
    derivatives: i64,
    /// In dollars: the sum of all positions, and the net assets.
    sum: f64,
    net_assets: f64,
}

#[test]
fn filings_come_out_as_published() {
    let Some(data) = data() else { return };
    let filings = [
        Filing {
            file: "NPORT.GoldmanSachsBondFund.2023-03-31.xml.gz",
            date: "2023-03-31",
            securities: 911,
            derivatives: 774,
            sum: 376_129_711.56,
            net_assets: 361_898_455.93,
        },
        // It begins with a blank line, which XML does not allow before its declaration.
        Filing {
            file: "NPORT.Dupree.xml.gz",
            date: "2022-12-31",
            securities: 55,
            derivatives: 0,
            sum: 40_455_026.70,
            net_assets: 41_349_926.01,
        },
        Filing {
            file: "NPORT.AdvancedSeries.xml.gz",
            date: "2022-12-30",
            securities: 0,
            derivatives: 0,
            sum: 0.0,
            net_assets: 1_389_080.74,
        },
    ];
    for filing in filings {
        check_filing(&data, &filing);
    }
}

fn check_filing(data: &Path, filing: &Filing) {
    let mut warehouse = Warehouse::new();
    loaded(
        &warehouse,
        &[
            data.join("sec_nport").join(filing.file),
            data.join("fx/eurofxref-hist.zip"),
        ],
    );
    assert_eq!(warehouse.run(filing.date), 1);
    let connection = warehouse.open();
    let count = |sql: &str| one::<i64>(&connection, sql);
    assert_eq!(
        (
            count("select count(*) from homol_ipa where line > 0"),
            count("select count(*) from homol_derivados")
        ),
        (filing.securities, filing.derivatives),
        "{}",
        filing.file
    );
    let sum: f64 = one(
        &connection,
        "select coalesce(sum(market_value), 0) * 100000 from (
             select market_value from homol_ipa where line > 0 union all select market_value from homol_derivados)",
    );
    assert!((sum - filing.sum).abs() < 0.005, "{}: {sum}", filing.file);
    // Each position's published percentage is its value over the net assets.
    let far = count(
        "select count(*) from (
             select market_value, pct_net_assets from homol_ipa where line > 0
             union all select market_value, pct_net_assets from homol_derivados)
         cross join homol_sona_totals
         where abs(pct_net_assets - market_value / published_total) > 0.0000000002 + 0.000005 * abs(pct_net_assets)",
    );
    assert_eq!(far, 0, "{}", filing.file);
    let (currency, value, total, euros): (String, f64, f64, Option<f64>) = connection
        .query_row(
            "select currency, market_value, published_total, market_value_million_eur from fund_report",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(
        (
            currency.as_str(),
            (total * 100_000.0 - filing.net_assets).abs() < 0.005
        ),
        ("USD", true)
    );
    let cash: f64 = one(
        &connection,
        "select coalesce(sum(market_value), 0) from (
             select market_value from homol_ipa where line = 0 union all select market_value from homol_sona)",
    );
    assert!(
        (value - (filing.sum / 100_000.0 + cash)).abs() < 0.001,
        "{}: {value}",
        filing.file
    );
    let per_euro: f64 = one(
        &connection,
        "select per_euro from homol_fx where currency = 'USD' and rate_date = (
             select max(data_date) from bd_feed_days where feed = 'fx' and data_date <= (select report_date from fund_report))",
    );
    assert!(
        (euros.unwrap() - value / 10.0 / per_euro).abs() < 0.001,
        "dollars at the rate of the dollar"
    );
    let in_cube: f64 = one(
        &connection,
        "select coalesce(sum(market_value), 0) from fund_cube where currency = 'USD' and dimension = 'asset_class'",
    );
    assert!((in_cube - value).abs() < 0.01, "{}: {in_cube}", filing.file);
}

/// Rupees and dollars of one date are never added up.
#[test]
fn the_cube_keeps_currencies_apart() {
    let Some(data) = data() else { return };
    let mut warehouse = Warehouse::new();
    loaded(
        &warehouse,
        &[
            custodians(&data),
            data.join("sec_nport/NPORT.Dupree.xml.gz"),
        ],
    );
    let connection = warehouse.open();
    for table in ["homol_ipa", "homol_posmodrf", "homol_sona_totals"] {
        connection
            .execute(
                &format!(
                    "update {table} set report_date = '2025-09-15' where report_date = '2022-12-31'"
                ),
                [],
            )
            .unwrap();
    }
    assert_eq!(warehouse.run("2025-09-15"), 34);
    let houses: String = one(
        &connection,
        "select group_concat(currency || ' ' || funds, ', ') from (
             select currency, funds from fund_cube where dimension = 'house' order by 1)",
    );
    assert_eq!(houses, "INR 33, USD 1");
    let shares: f64 = one(
        &connection,
        "select sum(share) from fund_cube where dimension = 'asset_class'",
    );
    assert!((shares - 2.0).abs() < 1e-9, "{shares}");
}

#[test]
fn an_archive_that_was_cut_loads_nothing() {
    let Some(data) = data() else { return };
    let whole = fs::read(custodians(&data)).unwrap();
    let gzip = fs::read(data.join("sec_nport/NPORT.Dupree.xml.gz")).unwrap();
    for (name, bytes) in [
        ("cut.zip", &whole[..whole.len() / 2]),
        ("cut.xml.gz", &gzip[..gzip.len() / 2]),
    ] {
        let warehouse = Warehouse::new();
        let file = warehouse.folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let error = load(&warehouse.path, &[file], LoadOptions::default()).expect_err("it is cut");
        assert!(
            matches!(error, LoadError::Archive { .. }),
            "{name}: {error}"
        );
        assert!(!warehouse.path.exists());
    }
}

/// File names mean nothing: the browser's ` (1)`, and an ending of the other Excel.
#[test]
fn a_custodians_file_is_known_under_any_name() {
    let Some(data) = data() else { return };
    let warehouse = Warehouse::new();
    let found = fs::read_dir(data.join("icici_15sep2025")).unwrap();
    let workbook = found
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "xlsx"))
        .unwrap();
    let renamed = warehouse.folder.path().join("PORTFOLIO (1).XLS");
    fs::copy(workbook, &renamed).unwrap();
    let summary = loaded(&warehouse, &[renamed]);
    assert_eq!(
        (summary.documents[0].kind, summary.documents[0].funds),
        ("custodian", Some(1))
    );
}
