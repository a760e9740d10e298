//! Custodians' sheets in the layout that occurs, and each way in which one can contradict itself.

use super::*;
use jiff::civil::date;

const TOP: &str = "SOME HOUSE\nSOME FUND\nPortfolio as on Sep 15,2025\n";
const HEADER: &str = "Company/Issuer/Instrument Name|ISIN|Coupon|Industry/Rating|Quantity|Exposure/Market Value(Rs.Lakh)|% to Nav|Yield of the instrument|Yield to Call @\n";
const LINES: &str = "Debt Instruments|||||300|0.6\n\
    Listed / Awaiting Listing On Stock Exchanges|||||300|0.6\n\
    Government Securities|||||200|0.4\n\
    Government Securities|IN0020210137|6.99|SOV|165|200|0.4|6.8\n\
    Zero Coupon Bonds / Deep Discount Bonds|||||Nil|Nil\n\
    Non-Convertible debentures / Bonds|||||100|0.2\n\
    A Bank ( Tier II Bond )|INE062A08264|5.83|CRISIL AAA|1000|100|0.2|5.86|6.77\n\
    Money Market Instruments|||||50|0.1\n\
    Treasury Bills|||||50|0.1\n\
    91 Days Treasury Bills|IN002025X158||SOV|15|50|0.1|5.5\n\
    Reverse Repo|||||30|0.06\n\
    Reverse Repo (9/22/2025)|||||10|0.02\n\
    Reverse Repo (12/8/2025)|GSECREPO0743||||20|0.04|5.66\n\
    Units of Infrastructure Investment Trusts (InvITs)|||||70|0.14\n\
    A Trust|INE0CCU25019||Units|7|70|^\n\
    TREPS|||||40|0.08\n\
    Others|||||8|0.016\n\
    Cash Margin - Derivatives|||||8|0.016\n\
    Net Current Assets|||||2|0.004\n";

fn sheet(text: &str) -> Sheet {
    let rows = text.lines().enumerate().map(|(index, line)| Row {
        number: u32::try_from(index + 1).unwrap(),
        cells: line
            .split('|')
            .map(|cell| {
                cell.trim()
                    .parse()
                    .map_or_else(|_| Cell::text(cell), Cell::Number)
            })
            .collect(),
    });
    Sheet {
        name: "GILT".to_owned(),
        rows: rows.collect(),
    }
}

fn read_one(text: &str) -> Result<Statement, LoadError> {
    let sheets = [sheet(text)];
    assert!(is_custodian(&sheets));
    read("a.xlsx", &sheets).map(|mut statements| statements.remove(0))
}

#[test]
fn lines_are_told_from_headings_with_sums() {
    let statement = read_one(&format!(
        "{TOP}{HEADER}{LINES}Total Net Assets|||||500|1\nA swap|||||-2500\n"
    ))
    .unwrap();
    assert_eq!(
        (
            statement.code.as_str(),
            statement.name.as_str(),
            statement.report_date,
            statement.total
        ),
        ("GILT", "SOME FUND", date(2025, 9, 15), 500.0)
    );
    let sum: f64 = statement.lines.iter().map(|line| line.value).sum();
    assert!(
        (sum - 500.0).abs() < 1e-9,
        "the lines add up to the total: {sum}"
    );
    assert_eq!(statement.lines.len(), 9);
    assert_eq!(statement.derivatives, []);
    let government = &statement.lines[0];
    let terms = government.terms.unwrap();
    assert_eq!(
        (terms.coupon, terms.coupons_per_year, terms.maturity),
        (Some(6.99), Some(2), None)
    );
    assert_eq!(government.yield_to_maturity, Some(0.068));
    let bank = &statement.lines[1];
    assert_eq!(bank.terms.unwrap().coupons_per_year, Some(1));
    assert!((bank.yield_to_call.unwrap() - 0.0677).abs() < 1e-12);
    assert_eq!(statement.lines[2].terms.unwrap().coupon, Some(0.0));
}

#[test]
fn cash_is_cash_and_units_are_units() {
    let statement = read_one(&format!("{TOP}{HEADER}{LINES}Total Net Assets|||||500|1\n")).unwrap();
    let kind = |line: &Line| {
        words::cash_kind(&line.instrument, line.part.as_deref(), line.isin.as_deref())
    };
    let kinds: Vec<_> = statement.lines.iter().map(kind).collect();
    assert_eq!(
        kinds[3..],
        [
            Some("reverse_repo"),
            Some("reverse_repo"),
            None,
            Some("treps"),
            Some("margin"),
            Some("net_receivables"),
        ]
    );
    assert_eq!(
        statement.lines[5].share,
        Some(0.0),
        "`^` is less than 0.01 %"
    );
    assert_eq!(statement.lines[5].section, None);
    assert!(
        statement.lines[5]
            .part
            .as_deref()
            .unwrap()
            .starts_with("Units of")
    );
}

#[test]
fn a_repo_that_only_its_heading_tells_of_is_a_line() {
    let statement = read_one(&format!(
        "{TOP}{HEADER}Money Market Instruments|||||50\nReverse Repo|||||30|0.6\nTREPS|||||20|0.4\nTotal Net Assets|||||50|1"
    ))
    .unwrap();
    let values: Vec<(&str, f64)> = statement
        .lines
        .iter()
        .map(|line| (line.instrument.as_str(), line.value))
        .collect();
    assert_eq!(values, [("Reverse Repo", 30.0), ("TREPS", 20.0)]);
}

#[test]
fn a_file_that_contradicts_itself_is_refused_with_its_place() {
    for (text, parts) in [
        (
            format!("{TOP}{HEADER}{LINES}"),
            ["sheet `GILT`", "Total Net Assets"],
        ),
        (
            format!("{HEADER}{LINES}Total Net Assets|||||1"),
            ["sheet `GILT`", "as on"],
        ),
        (
            format!("Portfolio as on someday\n{HEADER}{LINES}"),
            ["row 1", "someday"],
        ),
        (
            format!("{TOP}{HEADER}A Bond|INE062A08264|5.83|AAA|many|1"),
            ["row 5", "`many`"],
        ),
        (
            format!("{TOP}{HEADER}A Bond|INE062A08264|5.83|AAA|7|"),
            ["row 5", "no market value"],
        ),
        (
            format!("{TOP}{HEADER}Total Net Assets"),
            ["row 5", "no value"],
        ),
    ] {
        let error = read_one(&text).expect_err("it is wrong").to_string();
        for part in parts {
            assert!(error.contains(part), "`{error}` lacks `{part}`");
        }
    }
}

#[test]
fn a_value_that_is_not_in_lakh_is_another_layout() {
    let header = HEADER.replace("Rs.Lakh", "Rs.");
    assert!(!is_custodian(&[sheet(&format!("{TOP}{header}"))]));
}
