//! Statements in the layouts that really occur, and each way in which one can contradict itself.

use super::words;
use super::*;
use crate::workbook::Row;
use jiff::civil::date;

/// A sheet from text: cells are separated by `|`, and what reads as a number is one unless it begins with `'`.
fn sheet(name: &str, text: &str) -> Sheet {
    let rows = text.lines().enumerate().map(|(index, line)| Row {
        number: u32::try_from(index + 1).unwrap(),
        cells: line.split('|').map(cell).collect(),
    });
    Sheet {
        name: name.to_owned(),
        rows: rows.collect(),
    }
}

fn cell(text: &str) -> Cell {
    let text = text.trim();
    match (text.strip_prefix('\''), text.parse::<f64>()) {
        (Some(text), _) => Cell::text(&text.replace("\\n", "\r\n")),
        (None, Ok(number)) => Cell::Number(number),
        (None, Err(_)) => Cell::text(&text.replace("\\n", "\r\n")),
    }
}

fn index(codes: &[&str]) -> Sheet {
    let rows: Vec<String> = codes
        .iter()
        .map(|code| format!("|{code}|{code} FUND"))
        .collect();
    sheet(
        "Index",
        &format!("||\n|FUND CODE|FUND NAME\n{}", rows.join("\n")),
    )
}

fn read_one(text: &str) -> Result<Statement, LoadError> {
    read("book.xls", &[index(&["F1"]), sheet("F1", text)])
        .map(|mut statements| statements.remove(0))
}

fn check_error(text: &str, parts: &[&str]) {
    let error = read_one(text)
        .expect_err("the statement is wrong")
        .to_string();
    for part in parts {
        assert!(error.contains(part), "`{error}` lacks `{part}`");
    }
}

const TOP: &str = "F1|SOME FUND\n|Monthly Portfolio Statement as on June 30,2024\n";
const HEADER: &str = "|Name of the Instrument|ISIN|Industry^ / Rating|Quantity|Market/Fair Value\\n(Rs.in Lacs)|% to Net Assets|Yield|Yield to Call\n";

#[test]
fn a_statement_is_read_with_its_headings() {
    let statement = read_one(&format!(
        "{TOP}{HEADER}\
         |Equity & Equity related\n\
         |(a) Listed / awaiting listing on Stock Exchange\n\
         |Some Bank Limited|INE090A01021|Banks|1000000|11996|0.66\n\
         |Sub Total||||11996|0.66\n\
         |(b) Unlisted\n\
         |Old Shares Limited **|INE090A01099|Textiles|10|0.35|$0.00%\n\
         |Sub Total||||0.35|$0.00%\n\
         |Total||||11996.35|0.66\n\
         |Debt Instruments\n\
         |(a) Government Securities\n\
         |7.65% Some Power (10/06/2027) **|INE001A07001|CRISIL AAA|50|500.5|0.03|0.0765|0.0771\n\
         |Sub Total||||500.5\n\
         |Total||||500.5\n\
         |Net Receivables / (Payables)||||-83.19|-0.0004\n\
         |GRAND TOTAL||||12413.66|1\n\
         |Not a line||||99|\n"
    ))
    .unwrap();
    assert_eq!(statement.report_date, date(2024, 6, 30));
    assert_eq!(
        (
            statement.code.as_str(),
            statement.name.as_str(),
            statement.total
        ),
        ("F1", "F1 FUND", 12413.66)
    );
    let headings: Vec<(Option<&str>, Option<&str>, f64)> = statement
        .lines
        .iter()
        .map(|line| (line.section.as_deref(), line.part.as_deref(), line.value))
        .collect();
    assert_eq!(
        headings,
        [
            (
                Some("Equity & Equity related"),
                Some("(a) Listed / awaiting listing on Stock Exchange"),
                11996.0
            ),
            (Some("Equity & Equity related"), Some("(b) Unlisted"), 0.35),
            (
                Some("Debt Instruments"),
                Some("(a) Government Securities"),
                500.5
            ),
            (Some("Debt Instruments"), None, -83.19),
        ]
    );
    assert_eq!(
        statement.lines[1].share,
        Some(0.0),
        "`$0.00%` is text, and means less than 0.01 %"
    );
    assert_eq!(
        statement.lines[1].row, 9,
        "rows are counted as the spreadsheet shows them"
    );
    assert_eq!(
        (
            statement.lines[2].yield_to_maturity,
            statement.lines[2].yield_to_call
        ),
        (Some(0.0765), Some(0.0771))
    );
    assert_eq!(
        (
            statement.lines[3].isin.as_deref(),
            statement.lines[3].quantity
        ),
        (None, None)
    );
    assert!(statement.derivatives.is_empty());
}

#[test]
fn a_section_without_its_heading_is_no_part_of_the_one_before() {
    let statement = read_one(&format!(
        "{TOP}{HEADER}\
         |Equity & Equity related\n\
         |(a) Listed / awaiting listing on Stock Exchange\n\
         |Some Bank Limited|INE090A01021|Banks|10|20\n\
         |Total||||20\n\
         |(b) Government Securities\n\
         |Government of India (20/06/2027)|IN0020220037|Sovereign|10|30\n\
         |Total||||30\n\
         |GRAND TOTAL||||50\n"
    ))
    .unwrap();
    let line = &statement.lines[1];
    assert_eq!(
        (line.section.as_deref(), line.part.as_deref()),
        (None, Some("(b) Government Securities"))
    );
    assert!(words::is_fixed_income(
        line.section.as_deref(),
        line.part.as_deref()
    ));
}

#[test]
fn headers_vary() {
    let variants = [
        "|Name of the Instrument|ISIN|Rating|Quantity|Market/Fair Value\\n(Rs.in Lacs)|% to Net Assets",
        "|Name of the Instrument|ISIN|Industry^|Quantity|Market/Fair Value (Rs. in Lakhs)|% to Net Assets|Yield|Yield to Call",
        "|Name of the Instrument|ISIN|Industry^ /\\nRating|Quantity|Market Value\\n(Rs.in Lacs)|% to Net Assets|Yield|Yield to Call|ESG Score",
        "|Name of  the Instrument*|ISIN|INDUSTRY / RATING|Quantity|Market/Fair Value(Rs.in lacs)|% to Net Assets||",
    ];
    for header in variants {
        let text =
            format!("{TOP}{header}\n|Equity\n|A|INE1|Banks|10|20|0.5|0.07\n|GRAND TOTAL||||20|1\n");
        let statement = read_one(&text).unwrap();
        let line = &statement.lines[0];
        assert_eq!(line.industry_rating.as_deref(), Some("Banks"), "{header}");
        assert_eq!(
            (line.quantity, line.value, line.share),
            (Some(10.0), 20.0, Some(0.5)),
            "{header}"
        );
        let has_yield = header.contains("Yield");
        assert_eq!(
            line.yield_to_maturity,
            has_yield.then_some(0.07),
            "{header}"
        );
    }
}

#[test]
fn columns_are_found_wherever_they_stand() {
    let text = format!(
        "{TOP}ISIN|Quantity|Name of the Instrument|Market/Fair Value (Rs.in Lacs)\n||Equity\nINE1|5|A|7\n|||\n||GRAND TOTAL|7\n"
    );
    let statement = read_one(&text).unwrap();
    let line = &statement.lines[0];
    assert_eq!(
        (line.isin.as_deref(), line.quantity, line.value),
        (Some("INE1"), Some(5.0), 7.0)
    );
    assert_eq!((line.share, line.industry_rating.as_deref()), (None, None));
}

#[test]
fn the_derivative_block_has_columns_of_its_own() {
    let base = format!("{TOP}{HEADER}|Others\n|Gold||||20|1\n|GRAND TOTAL||||20|1\n|\n");
    let futures = read_one(&format!(
        "{base}|Disclosure in Derivatives||Industry|Quantity|Market Value (Rs. in Lacs)|% To net assets\n\
         |Equity Futures/Index\n\
         |SOME_(25/07/2024)||Banks|-77000|-511.588|-0.0028\n\
         |Total||||-511.588\n\
         |\n\
         |$  Less Than 0.01% of Net Asset Value\n\
         |SOME FUND|NIFTY\n"
    ))
    .unwrap();
    assert_eq!(
        futures.derivatives,
        [Derivative {
            row: 10,
            kind: Some("Equity Futures/Index".to_owned()),
            class: "future",
            instrument: "SOME_(25/07/2024)".to_owned(),
            underlying: Some("SOME".to_owned()),
            expiry: Some(jiff::civil::date(2024, 7, 25)),
            counterparty: None,
            industry: Some("Banks".to_owned()),
            quantity: Some(-77000.0),
            value: -511.588,
            share: Some(-0.0028),
            is_in_total: false,
        }]
    );
    let swaps = read_one(&format!(
        "{base}|Disclosure in Derivatives|issuer Name |Industry|Quantity|Market Value (Rs. in Lacs)|% To net assets\n\
         |Interest Rate Swaps\n\
         |Interest Rate Swaps Pay Fixed and Receive Floating (01/01/2026)|Some Bank|Others|2500000|15.525|$0.00%\n"
    ))
    .unwrap();
    let swap = &swaps.derivatives[0];
    assert_eq!(
        (swap.counterparty.as_deref(), swap.share),
        (Some("Some Bank"), Some(0.0))
    );
    assert_eq!(swaps.lines.len(), 1, "the block stands outside the total");
}

#[test]
fn a_fund_without_any_security_is_a_statement() {
    let text =
        format!("{TOP}{HEADER}|Others\n|Net Receivables / (Payables)||||0|\n|GRAND TOTAL||||0|\n");
    let statement = read_one(&text).unwrap();
    assert_eq!((statement.lines.len(), statement.total), (1, 0.0));
}

#[test]
fn contradictions_are_told_with_sheet_and_row() {
    let body = "|Equity\n|A|INE1|Banks|10|20|0.5\n|GRAND TOTAL||||20|1\n";
    check_error(
        &format!("{TOP}{body}"),
        &["sheet `F1`", "Name of the Instrument"],
    );
    check_error(&format!("{HEADER}{body}"), &["sheet `F1`", "as on"]);
    check_error(
        &format!("|as on the last day of June\n{HEADER}{body}"),
        &["row 1", "the last day of June"],
    );
    check_error(
        &format!("{TOP}{HEADER}|Equity\n|A|INE1|Banks|10|20\n"),
        &["sheet `F1`", "GRAND TOTAL"],
    );
    check_error(
        &format!("{TOP}{HEADER}|GRAND TOTAL\n"),
        &["row 4", "no value"],
    );
    check_error(
        &format!("{TOP}{HEADER}|Equity\n|A|INE1|Banks|10|twenty\n"),
        &["row 5", "twenty"],
    );
    check_error(
        &format!("{TOP}{HEADER}|Equity\n|A|INE1|Banks|10|#REF!\n"),
        &["row 5", "#REF!"],
    );
    check_error(
        &format!("{TOP}{HEADER}|Equity\n|A|INE1|Banks|10|\n"),
        &["row 5", "no market value"],
    );
    check_error(
        &format!("{TOP}{HEADER}|Equity\n||INE1|Banks|10|20\n"),
        &["row 5", "no name"],
    );
    let crores = HEADER.replace("Lacs", "Crores");
    check_error(
        &format!("{TOP}{crores}{body}"),
        &["row 3", "lakh", "crores"],
    );
    let no_isin = HEADER.replace("ISIN", "Code");
    check_error(
        &format!("{TOP}{no_isin}{body}"),
        &["row 3", "no column `ISIN`", "quantity"],
    );
}

#[test]
fn a_workbook_is_of_one_date_and_has_all_its_sheets() {
    let of =
        |day: &str| format!("|as on {day}\n{HEADER}|Equity\n|A|INE1||1|20\n|GRAND TOTAL||||20\n");
    let sheets = [
        index(&["F1", "F2"]),
        sheet("F1", &of("May 31, 2024")),
        sheet("F2", &of("30-Jun-2024")),
    ];
    let error = read("book.xls", &sheets)
        .expect_err("two dates")
        .to_string();
    assert!(
        error.contains("`F2`") && error.contains("2024-06-30") && error.contains("2024-05-31"),
        "{error}"
    );
    let error = read("book.xls", &sheets[..2])
        .expect_err("a sheet is missing")
        .to_string();
    assert!(
        error.contains("F2") && error.contains("no sheet of that name"),
        "{error}"
    );
    let error = read("book.xls", &sheets[1..])
        .expect_err("no index")
        .to_string();
    assert!(
        error.contains("without an index of funds") && error.contains("`F1`, `F2`"),
        "{error}"
    );
}

#[test]
fn dates_are_read_as_people_write_them() {
    for text in [
        "Monthly Portfolio Statement as on June 30,2024",
        "Portfolio as on Jun 30, 2024",
        "AS ON 30 June 2024",
        "Statement as  on\r\n30-Jun-2024",
        "as on 30/06/2024",
        "as on 2024-06-30",
    ] {
        assert_eq!(words::as_on(text), Some(Ok(date(2024, 6, 30))), "{text}");
    }
    assert_eq!(words::as_on("Monthly Portfolio Statement"), None);
    assert!(words::as_on("as on 31 June 2024").unwrap().is_err());
}

#[test]
fn numbers_and_percentages_come_as_text_too() {
    let number = |text: &str| words::number(&Cell::text(text));
    assert_eq!(number("1,234.50"), Ok(Some(1234.5)));
    assert_eq!(number("Nil"), Ok(None));
    assert_eq!(number("-"), Ok(None));
    assert_eq!(number("about 7"), Err("about 7".to_owned()));
    assert_eq!(number("NaN"), Err("NaN".to_owned()));
    let fraction = |text: &str| words::fraction(&Cell::text(text));
    assert_eq!(fraction("$0.00%"), Ok(Some(0.0)));
    assert_eq!(fraction("12.5 %"), Ok(Some(0.125)));
    assert_eq!(fraction("0.5"), Ok(Some(0.5)));
    assert_eq!(fraction("much%"), Err("much%".to_owned()));
}

#[test]
fn names_of_bonds_tell_coupon_and_maturity() {
    assert_eq!(
        words::coupon("7.65% Some Power (10/06/2027) **"),
        Some(7.65)
    );
    assert_eq!(words::coupon("0% GOI  - 17DEC32 STRIPS"), Some(0.0));
    assert_eq!(words::coupon("Government of India (19/06/2053)"), None);
    assert_eq!(
        words::maturity("7.65% Some Power (Formerly X) (10/06/2027) **"),
        Some(date(2027, 6, 10))
    );
    assert_eq!(
        words::maturity("Some Power (10/06/2027) (Series A)"),
        Some(date(2027, 6, 10))
    );
    assert_eq!(words::maturity("Some Power (31/02/2027)"), None);
}

#[test]
fn cash_is_told_from_holdings() {
    let check = |instrument, part, isin, expected| {
        assert_eq!(
            words::cash_kind(instrument, part, isin),
            expected,
            "{instrument}"
        );
    };
    let repo = Some("TREPS / Reverse Repo");
    check(
        "Clearing Corporation of India Limited",
        repo,
        None,
        Some("treps"),
    );
    check("Reverse Repo", repo, None, Some("reverse_repo"));
    check(
        "Reverse Repo",
        repo,
        Some("GSECREPO0626"),
        Some("reverse_repo"),
    );
    check("Margin (Future and Options)", None, None, Some("margin"));
    check("Cash and Bank", None, None, Some("cash_and_bank"));
    check(
        "Net Receivables / (Payables)",
        None,
        None,
        Some("net_receivables"),
    );
    check("Net Current Assets", None, None, Some("net_receivables"));
    check("Gold", None, None, None);
    check(
        "Clearing Corporation of India Limited",
        Some("Corporate Debt"),
        Some("INE001A07001"),
        None,
    );
    check(
        "Cash Logistics Limited",
        Some("(a) Listed"),
        Some("INE925R01014"),
        None,
    );
}
