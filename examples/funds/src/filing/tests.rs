//! Filings in the shape of the real ones, and what one without a part of it is told.

use super::*;
use jiff::civil::date;

const POSITIONS: &str = r#"
    <invstOrSec><name>A Bank &amp; Co</name><title>A note</title><identifiers><isin value="US0000000001"/></identifiers>
      <balance>1000000.00</balance><units>PA</units><valUSD>932000.50</valUSD><pctVal>9.320005</pctVal><assetCat>DBT</assetCat>
      <issuerCat>CORP</issuerCat><debtSec><maturityDt>2043-04-01</maturityDt><couponKind>Floating</couponKind>
      <annualizedRt>3.5</annualizedRt></debtSec></invstOrSec>
    <invstOrSec><name>A Bank</name><title>A swaption</title><balance>-5</balance><valUSD>-38107.22</valUSD><pctVal>-0.381</pctVal>
      <assetConditional desc="a derivative" assetCat="DIR"/><derivativeInfo><optionSwaptionWarrantDeriv derivCat="SWO">
      <counterparties><counterpartyName>The other side</counterpartyName></counterparties>
      <descRefInstrmnt><nestedDerivInfo><swapDeriv><derivAddlInfo><valUSD>999999</valUSD></derivAddlInfo>
      <terminationDt>2053-10-31</terminationDt></swapDeriv></nestedDerivInfo></descRefInstrmnt>
      <expDt>2023-10-27</expDt></optionSwaptionWarrantDeriv></derivativeInfo></invstOrSec>"#;

fn filing(before: &str, cash: &str, positions: &str) -> String {
    format!(
        r#"{before}<?xml version="1.0" encoding="UTF-8"?><edgarSubmission xmlns="http://www.sec.gov/edgar/nport"><formData>
        <genInfo><regName>A Trust</regName><regCik>0000000001</regCik><seriesName>A Bond Fund</seriesName>
        <seriesId>S000000001</seriesId><repPdEnd>2023-12-31</repPdEnd><repPdDate>2023-03-31</repPdDate></genInfo>
        <fundInfo><totAssets>12000000</totAssets><netAssets>10000000.00</netAssets><cshNotRptdInCorD>{cash}</cshNotRptdInCorD>
        </fundInfo><invstOrSecs>{positions}</invstOrSecs></formData></edgarSubmission>"#
    )
}

fn read_text(text: &str) -> Result<Statement, LoadError> {
    read("a.xml", text.as_bytes(), Limits::default())
}

#[test]
fn a_filing_is_a_statement_in_dollars() {
    let statement = read_text(&filing("\n", "0", POSITIONS)).unwrap();
    assert_eq!(
        (
            statement.code.as_str(),
            statement.name.as_str(),
            statement.currency,
            statement.total
        ),
        ("S000000001", "A Bond Fund", "USD", 100.0)
    );
    assert_eq!(
        statement.report_date,
        date(2023, 3, 31),
        "not the end of the fiscal year"
    );
    let [line] = statement.lines.as_slice() else {
        panic!("one security")
    };
    assert_eq!(
        (
            line.isin.as_deref(),
            line.quantity,
            line.section.as_deref(),
            line.industry_rating.as_deref()
        ),
        (
            Some("US0000000001"),
            Some(1_000_000.0),
            Some("Debt Instruments"),
            Some("CORP")
        )
    );
    assert!(
        (line.value - 9.320_005).abs() < 1e-12
            && (line.share.unwrap() - 0.093_200_05).abs() < 1e-12
    );
    let terms = line.terms.unwrap();
    assert_eq!(
        (terms.coupon, terms.maturity, terms.is_floating),
        (Some(3.5), Some(date(2043, 4, 1)), true)
    );
    assert_eq!(terms.coupons_per_year, None);
}

#[test]
fn a_derivative_is_what_its_own_block_says_not_what_it_is_on() {
    let statement = read_text(&filing("", "0", POSITIONS)).unwrap();
    let [one] = statement.derivatives.as_slice() else {
        panic!("one derivative")
    };
    assert_eq!(
        (
            one.class,
            one.kind.as_deref(),
            one.counterparty.as_deref(),
            one.expiry
        ),
        (
            "option",
            Some("DIR"),
            Some("The other side"),
            Some(date(2023, 10, 27))
        )
    );
    assert!((one.value + 0.381_072_2).abs() < 1e-12, "{}", one.value);
    assert!(one.is_in_total);
}

#[test]
fn a_filing_without_positions_has_its_cash() {
    let statement = read_text(&filing("", "1425856.75", "")).unwrap();
    assert_eq!(statement.lines.len(), 1);
    assert!((statement.lines[0].value - 14.258_567_5).abs() < 1e-12);
}

#[test]
fn what_a_filing_lacks_is_named_with_its_place() {
    let whole = filing("", "0", POSITIONS);
    for (from, to, parts) in [
        (
            "<netAssets>10000000.00</netAssets>",
            "",
            &["`fundInfo`", "`netAssets`"][..],
        ),
        ("932000.50", "n/a", &["position 1", "`valUSD` is `n/a`"]),
        (
            "<repPdDate>2023-03-31</repPdDate>",
            "<repPdDate>soon</repPdDate>",
            &["`repPdDate` is `soon`", "2023-03-31"],
        ),
        ("<title>A swaption</title>", "<title/>", &[]),
        ("<genInfo>", "<other>", &[]),
    ] {
        let text = whole.replacen(from, to, 1);
        assert_ne!(text, whole);
        match read_text(&text) {
            Ok(statement) => {
                assert!(parts.is_empty(), "{from} -> {to} is read");
                assert_eq!(statement.derivatives[0].instrument, "A Bank");
            }
            Err(error) => {
                let error = error.to_string();
                for part in parts {
                    assert!(error.contains(part), "`{error}` lacks `{part}`");
                }
            }
        }
    }
}

#[test]
fn filings_are_told_by_their_root_also_after_a_blank_line() {
    assert!(is_filing(filing("", "0", "").as_bytes()));
    assert!(is_filing(filing("\n \r\n", "0", "").as_bytes()));
    assert!(is_filing(filing("\u{feff}", "0", "").as_bytes()));
    assert!(!is_filing(
        b"<?xml version='1.0'?><edgarSubmission xmlns='http://www.sec.gov/edgar/thirteenf'/>"
    ));
    assert!(!is_filing(b"edgarSubmission edgar/nport"));
}
