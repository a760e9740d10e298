//! Small workbooks made here, with every peculiarity of the real ones, loaded from odd places under odd names and run
//! through the pipeline: what holds without any real document at hand.

use crate::runner::{SOURCES, Warehouse, dump};
use funds_example::{LoadError, LoadOptions, Summary, load};
use rusqlite::Connection;
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

/// A sheet: its name, and rows of cells. A cell that reads as a number is one.
pub(crate) type Sheet<'a> = (&'a str, Vec<Vec<&'a str>>);

/// The bytes of an XLSX workbook with these sheets.
pub(crate) fn xlsx(sheets: &[Sheet<'_>]) -> Vec<u8> {
    let mut list = String::new();
    let mut relations = String::new();
    let mut parts = Vec::new();
    for (index, (name, rows)) in sheets.iter().enumerate() {
        let id = index + 1;
        write!(
            list,
            r#"<sheet name="{name}" sheetId="{id}" r:id="rId{id}"/>"#
        )
        .unwrap();
        let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet";
        write!(
            relations,
            r#"<Relationship Id="rId{id}" Type="{kind}" Target="worksheets/sheet{id}.xml"/>"#
        )
        .unwrap();
        parts.push((format!("xl/worksheets/sheet{id}.xml"), sheet_xml(rows)));
    }
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let root = format!(
        r#"<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>"#
    );
    parts.push((
        "_rels/.rels".to_owned(),
        format!(r#"<Relationships xmlns="{package}">{root}</Relationships>"#),
    ));
    let types = "http://schemas.openxmlformats.org/package/2006/content-types";
    parts.push((
        "xl/workbook.xml".to_owned(),
        format!(
            r#"<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{list}</sheets></workbook>"#
        ),
    ));
    parts.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        format!(r#"<Relationships xmlns="{package}">{relations}</Relationships>"#),
    ));
    parts.push((
        "[Content_Types].xml".to_owned(),
        format!(r#"<Types xmlns="{types}"/>"#),
    ));
    let entries: Vec<(&str, &[u8])> = parts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    zip_of(&entries)
}

fn sheet_xml(rows: &[Vec<&str>]) -> String {
    let mut data = String::new();
    for (index, row) in rows.iter().enumerate() {
        write!(data, r#"<row r="{}">"#, index + 1).unwrap();
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let place = format!(
                "{}{}",
                char::from(b'A' + u8::try_from(column).unwrap()),
                index + 1
            );
            if cell.parse::<f64>().is_ok() {
                write!(data, r#"<c r="{place}"><v>{cell}</v></c>"#).unwrap();
            } else {
                let text = cell.replace('&', "&amp;").replace('\n', "&#10;");
                write!(
                    data,
                    r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#
                )
                .unwrap();
            }
        }
        data.push_str("</row>");
    }
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    format!(r#"<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>"#)
}

pub(crate) fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Two funds: one with every kind of line, one with nothing but receivables. 2024-06-30 is a Sunday.
pub(crate) fn workbook(
    day: &str,
    quantity: &'static str,
    value: &'static str,
    total: &'static str,
) -> Vec<u8> {
    let title = format!("Monthly Portfolio Statement as on {day}");
    let header = vec![
        "",
        "Name of the Instrument",
        "ISIN",
        "Industry^ / Rating",
        "Quantity",
        "Market/Fair Value\n(Rs.in Lacs)",
        "% to Net Assets",
        "Yield",
    ];
    let mixed = vec![
        vec!["MIXED", "SOME MIXED FUND"],
        vec!["", &title],
        header.clone(),
        vec!["", "Equity & Equity related"],
        vec!["", "(a) Listed / awaiting listing on Stock Exchange"],
        vec![
            "",
            "Acme Limited",
            "INE000A01011",
            "Banks",
            quantity,
            value,
            "0.5",
        ],
        vec![
            "",
            "Unlisted & Sons",
            "INE000B01019",
            "Retailing",
            "10",
            "1.5",
            "$0.00%",
        ],
        vec!["", "Sub Total", "", "", "", "1"],
        vec!["", "Total", "", "", "", "1"],
        vec!["", "Debt Instruments"],
        vec!["", "(a) Government Securities"],
        vec![
            "",
            "7.10% Government (18/04/2029)",
            "IN0020220011",
            "Sovereign",
            "100000",
            "101.25",
            "0.1",
            "0.071",
        ],
        vec!["", "Sub Total", "", "", "", "101.25"],
        vec!["", "Total", "", "", "", "101.25"],
        vec!["", "GOLD"],
        vec!["", "Gold", "", "", "5", "50", "0.05"],
        vec!["", "Total", "", "", "", "50"],
        vec!["", "Others"],
        vec!["", "TREPS / Reverse Repo"],
        vec![
            "",
            "Clearing Corporation of India Limited",
            "",
            "",
            "",
            "40",
            "0.04",
        ],
        vec!["", "Reverse Repo", "GSECREPO0626", "", " ", "60", "0.06"],
        vec!["", "Sub Total", "", "", "", "100"],
        vec!["", "Total", "", "", "", "100"],
        vec![
            "",
            "Net Receivables / (Payables)",
            "",
            "",
            "",
            "-2.75",
            "$0.00%",
        ],
        vec!["", "GRAND TOTAL", "", "", "", total, "1"],
        vec![],
        vec![
            "",
            "Disclosure in Derivatives",
            "Issuer Name ",
            "Industry",
            "Quantity",
            "Market Value (Rs. in Lacs)",
            "% To net assets",
        ],
        vec!["", "Interest Rate Swaps"],
        vec![
            "",
            "Interest Rate Swaps Pay Fixed and Receive Floating (01/01/2026)",
            "A Bank",
            "Others",
            "2500000",
            "-15.5",
            "$0.00%",
        ],
        vec![],
        vec!["", "$  Less Than 0.01% of Net Asset Value"],
    ];
    let segregated = vec![
        vec!["SEGR", "SOME FUND - SEGREGATED PORTFOLIO 1"],
        vec!["", &title],
        header,
        vec!["", "Net Receivables / (Payables)", "", "", "", "0.25", "1"],
        vec!["", "GRAND TOTAL", "", "", "", "0.25", "1"],
    ];
    let index = vec![
        vec![],
        vec!["", "FUND CODE", "FUND NAME"],
        vec!["", "MIXED", "SOME MIXED FUND"],
        vec!["", "SEGR", "SOME FUND - SEGREGATED PORTFOLIO 1"],
    ];
    xlsx(&[("Index", index), ("MIXED", mixed), ("SEGR", segregated)])
}

pub(crate) fn prices(day: &str, close: &str) -> String {
    format!(
        "SYMBOL,SERIES,DATE1,PREV_CLOSE,OPEN_PRICE,HIGH_PRICE,LOW_PRICE,LAST_PRICE,CLOSE_PRICE,AVG_PRICE,TTL_TRD_QNTY,\
         TURNOVER_LACS,NO_OF_TRADES,DELIV_QTY,DELIV_PER\nACME, EQ, {day},1,1,1,1,1,{close},1,1,1,1, 1, 1\n\
         ACME, BE, {day},1,1,1,1,1,999,1,1,1,1, -, -\n"
    )
}

const LIST: &str = "Company Name,Industry,Symbol,Series,ISIN Code\nAcme Ltd.,Financial Services,ACME,EQ,INE000A01011\n";
const RATES: &str = "Date,USD,INR,\n2024-06-28,1.07,89.25,\n2024-05-31,1.08,90,\n";

/// All documents, in a folder, under names that say nothing or the wrong thing.
pub(crate) fn write_documents(warehouse: &Warehouse) -> PathBuf {
    let folder = warehouse.folder.path().join("documents");
    fs::create_dir_all(folder.join("deep")).unwrap();
    let may = zip_of(&[(
        "Copy of portfolio (1).XLS",
        &workbook("May 31,2024", "2000", "20.00", "271.50"),
    )]);
    fs::write(folder.join("deep/a.bin"), may).unwrap();
    // 1,500 x 1,200.40 / 100,000 = 18.006, published with two decimals.
    fs::write(
        folder.join("june.xls"),
        workbook("June 30,2024", "1500", "18.01", "268.26"),
    )
    .unwrap();
    fs::write(folder.join("1.txt"), prices("31-May-2024", "1000")).unwrap();
    fs::write(folder.join("2.txt"), prices("28-Jun-2024", "1200.40")).unwrap();
    fs::write(folder.join("list.data"), LIST).unwrap();
    fs::write(
        folder.join("rates.zip"),
        zip_of(&[("x.csv", RATES.as_bytes())]),
    )
    .unwrap();
    folder
}

fn load_all(warehouse: &Warehouse) -> Result<Summary, LoadError> {
    load(
        &warehouse.path,
        &[write_documents(warehouse)],
        LoadOptions::default(),
    )
}

fn report(connection: &Connection, fund: &str, column: &str) -> Option<f64> {
    let sql = format!("select {column} from fund_report where fund_code = ?1");
    connection
        .query_row(&sql, [fund], |row| row.get(0))
        .unwrap()
}

#[test]
fn documents_are_known_by_content_wherever_they_lie() {
    let warehouse = Warehouse::new();
    let summary = load_all(&warehouse).unwrap();
    let kinds: Vec<(&str, Option<&str>, Option<usize>)> = summary
        .documents
        .iter()
        .map(|one| (one.kind, one.last_date.as_deref(), one.funds))
        .collect();
    assert_eq!(
        kinds,
        [
            ("prices", Some("2024-05-31"), None),
            ("prices", Some("2024-06-28"), None),
            ("statements", Some("2024-05-31"), Some(2)),
            ("statements", Some("2024-06-30"), Some(2)),
            ("index_list", None, None),
            ("rates", Some("2024-06-28"), None),
        ]
    );
}

#[test]
fn a_fund_is_valued_from_its_documents() {
    let mut warehouse = Warehouse::new();
    load_all(&warehouse).unwrap();
    assert_eq!(warehouse.run("2024-06-30"), 2);
    let connection = warehouse.open();
    let figure = |column| report(&connection, "MIXED", column);
    assert_eq!(figure("positions"), Some(7.0));
    assert_eq!(figure("market_value"), Some(268.01));
    assert_eq!(figure("published_total"), Some(268.26));
    assert_eq!(
        figure("difference"),
        Some(-0.25),
        "a wrong published total shows, and changes nothing"
    );
    assert_eq!(figure("equity_value"), Some(19.51));
    assert_eq!(figure("debt_value"), Some(101.25));
    assert_eq!(
        figure("cash"),
        Some(97.25),
        "a reverse repo is cash although it has a code like an ISIN"
    );
    assert_eq!(figure("derivatives_value"), Some(-15.5));
    // The Sunday takes Friday's price of the EQ series: 2,000 shares x (1,200.40 - 1,000) / 100,000.
    assert_eq!(figure("pnl"), Some(4.008));
    assert_eq!(
        (figure("priced_positions"), figure("price_matches")),
        (Some(1.0), Some(1.0))
    );
    // 268.01 lakh at 89.25 rupees for a euro.
    assert_eq!(figure("market_value_million_eur"), Some(0.3));
    assert_eq!(report(&connection, "SEGR", "market_value"), Some(0.25));
    assert_eq!(report(&connection, "SEGR", "positions"), Some(1.0));
    let classes: String = connection
        .query_row(
            "select group_concat(asset_class || ' ' || coalesce(industry, rating, '-'), ', ') from (
                 select * from fund_position where fund_code = 'MIXED' order by line)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(
        classes,
        "equity Banks, equity Retailing, debt Sovereign, commodity -, cash -, cash -, cash -"
    );
}

#[test]
fn prices_that_are_long_past_price_nothing() {
    let mut warehouse = Warehouse::new();
    let folder = write_documents(&warehouse);
    fs::write(folder.join("2.txt"), prices("14-Jun-2024", "1200.40")).unwrap();
    load(&warehouse.path, &[folder], LoadOptions::default()).unwrap();
    warehouse.run("2024-06-30");
    let connection = warehouse.open();
    assert_eq!(report(&connection, "MIXED", "priced_positions"), Some(0.0));
    assert_eq!(
        report(&connection, "MIXED", "pnl"),
        None,
        "no price is not a profit of nothing"
    );
    assert_eq!(report(&connection, "MIXED", "market_value"), Some(268.01));
}

#[test]
fn loading_again_replaces() {
    let warehouse = Warehouse::new();
    load_all(&warehouse).unwrap();
    let first = dump(&warehouse.path, &SOURCES);
    load_all(&warehouse).unwrap();
    assert_eq!(first, dump(&warehouse.path, &SOURCES));
    let corrected = warehouse.folder.path().join("corrected.xlsx");
    fs::write(
        &corrected,
        workbook("June 30,2024", "1500", "18.01", "268.01"),
    )
    .unwrap();
    load(&warehouse.path, &[corrected], LoadOptions::default()).unwrap();
    let second = dump(&warehouse.path, &SOURCES);
    assert_eq!(first.lines().count(), second.lines().count());
    let changed: Vec<&str> = second.lines().filter(|row| !first.contains(*row)).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].contains("homol_sona_totals") && changed[0].contains("268.01"));
}

#[test]
fn what_people_set_on_a_fund_stays() {
    let mut warehouse = Warehouse::new();
    load_all(&warehouse).unwrap();
    let connection = warehouse.open();
    connection
        .execute_batch("update bd_funds set incluir_en_cubo = 0 where fund_code = 'SEGR'")
        .unwrap();
    load_all(&warehouse).unwrap();
    assert_eq!(warehouse.run("2024-06-30"), 1);
    let flags: String = connection
        .query_row(
            "select group_concat(fund_code || flag_derivados) from bd_funds",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(flags, "MIXED1,SEGR0");
}

/// The layout of custodians' files, with what a bond's name leaves out and a repo that only its heading tells of.
fn custodians_file() -> Vec<u8> {
    let line = |cells: [&'static str; 8]| cells.to_vec();
    xlsx(&[(
        "CUST",
        vec![
            vec!["SOME HOUSE"],
            vec!["SOME FUND"],
            vec!["Portfolio as on Jun 30,2024"],
            vec![
                "Company/Issuer/Instrument Name",
                "ISIN",
                "Coupon",
                "Industry/Rating",
                "Quantity",
                "Exposure/Market Value(Rs.Lakh)",
                "% to Nav",
                "Yield of the instrument",
                "Yield to Call @",
            ],
            line(["Debt Instruments", "", "", "", "", "1000", "0.9", ""]),
            line([
                "A Bank (15/06/2028)",
                "INE062A08264",
                "7.5",
                "AAA",
                "1000",
                "1000",
                "0.9",
                "7.49",
            ]),
            line(["Reverse Repo", "", "", "", "", "60", "0.05", ""]),
            line(["Net Current Assets", "", "", "", "", "-10", "-0.01", ""]),
            line(["Total Net Assets", "", "", "", "", "1050", "1", ""]),
        ],
    )])
}

#[test]
fn a_fund_that_only_its_custodian_tells_of_is_valued_from_that() {
    let mut warehouse = Warehouse::new();
    let file = warehouse.folder.path().join("anything.bin");
    fs::write(&file, custodians_file()).unwrap();
    let summary = load(&warehouse.path, &[file], LoadOptions::default()).unwrap();
    assert_eq!(summary.documents[0].kind, "custodian");
    assert_eq!(warehouse.run("2024-06-30"), 1);
    let row: (String, f64, f64, f64, f64, Option<i64>) = warehouse
        .open()
        .query_row(
            "select source, market_value, difference, custodian_value, yield, ubs_breaks from fund_report",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?)),
        )
        .unwrap();
    assert_eq!(
        (row.0.as_str(), row.1, row.2, row.3, row.5),
        ("custodian", 1050.0, 0.0, 1050.0, None)
    );
    assert!(
        (row.4 - 0.075).abs() < 0.0005,
        "a bond at par yields its coupon: {}",
        row.4
    );
}

/// A filing's derivatives are positions, its money is dollars, and the XML begins with a blank line.
#[test]
fn a_filing_is_valued_in_its_currency() {
    let position = |title: &str, value: &str, more: &str| {
        format!(
            "<invstOrSec><title>{title}</title><balance>10</balance><valUSD>{value}</valUSD><pctVal>1</pctVal>\
             <assetCat>DBT</assetCat>{more}</invstOrSec>"
        )
    };
    let text = format!(
        "\n<?xml version='1.0'?><edgarSubmission xmlns='http://www.sec.gov/edgar/nport'><formData><genInfo>\
         <regName>A Trust</regName><seriesName>A Fund</seriesName><seriesId>S000000001</seriesId>\
         <repPdDate>2024-06-30</repPdDate></genInfo><fundInfo><netAssets>3000000</netAssets></fundInfo><invstOrSecs>{}{}\
         </invstOrSecs></formData></edgarSubmission>",
        position("A bond", "2500000", ""),
        position(
            "A swap",
            "-400000",
            "<derivativeInfo><swapDeriv/></derivativeInfo>"
        ),
    );
    let mut warehouse = Warehouse::new();
    let file = warehouse.folder.path().join("filing");
    fs::write(&file, text).unwrap();
    load(&warehouse.path, &[file], LoadOptions::default()).unwrap();
    assert_eq!(warehouse.run("2024-06-30"), 1);
    let row: (String, f64, f64, f64) = warehouse
        .open()
        .query_row(
            "select r.currency, r.market_value, r.derivatives_value, c.market_value
             from fund_report r join fund_cube c on c.currency = r.currency and c.member = 'derivative'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(row, ("USD".to_owned(), 21.0, -4.0, -4.0));
}
