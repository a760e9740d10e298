//! The CSV feeds: good rows, and each mistake with its line.

use super::index_list::{self, Instrument};
use super::prices::{self, Price};
use super::rates::{self, Rate};
use crate::error::LoadError;
use jiff::civil::date;

const PRICES: &str = "SYMBOL,SERIES,DATE1,PREV_CLOSE,OPEN_PRICE,HIGH_PRICE,LOW_PRICE,LAST_PRICE,CLOSE_PRICE,\
                      AVG_PRICE,TTL_TRD_QNTY,TURNOVER_LACS,NO_OF_TRADES,DELIV_QTY,DELIV_PER\n";

fn check_error<T: std::fmt::Debug>(result: Result<T, LoadError>, parts: &[&str]) {
    let error = result.expect_err("the document is wrong").to_string();
    for part in parts {
        assert!(error.contains(part), "`{error}` lacks `{part}`");
    }
}

#[test]
fn prices_are_read_with_their_series_and_day() {
    let text = format!(
        "{PRICES}ABC, EQ, 07-May-2024,174.3,1,1,1,1,170.75,1,106133,180.5,5631, 51015, 48.07\n\
         ABC, BE, 07-May-2024,-,1,1,1,1,171,1,-,,0, -, -\n"
    );
    let found = prices::read("day.csv", text.as_bytes()).unwrap();
    let first = Price {
        day: date(2024, 5, 7),
        symbol: "ABC".to_owned(),
        series: "EQ".to_owned(),
        previous_close: Some(174.3),
        close: 170.75,
        traded_quantity: Some(106_133.0),
        turnover: Some(180.5),
    };
    let second = Price {
        series: "BE".to_owned(),
        previous_close: None,
        close: 171.0,
        traded_quantity: None,
        turnover: None,
        ..first.clone()
    };
    assert_eq!(found, [first, second]);
}

#[test]
fn wrong_prices_are_told_with_their_line() {
    let check = |rows: &str, parts: &[&str]| {
        check_error(
            prices::read("day.csv", format!("{PRICES}{rows}").as_bytes()),
            parts,
        );
    };
    let good = "ABC,EQ,07-May-2024,1,1,1,1,1,1,1,1,1,1,1,1\n";
    check(
        &format!("{good}XYZ,EQ,07-May-2024,1,1,1,1,1,abc,1,1,1,1,1,1\n"),
        &["line 3", "CLOSE_PRICE", "abc"],
    );
    check(
        &format!("{good}{good}"),
        &["line 3", "ABC EQ of 2024-05-07 stands here twice"],
    );
    check(
        "ABC,EQ,2024-05-07,1,1,1,1,1,1,1,1,1,1,1,1\n",
        &["line 2", "2024-05-07", "07-May-2024"],
    );
    check(
        "ABC,EQ,07-May-2024,1\n",
        &["line 2", "`CLOSE_PRICE` is empty"],
    );
    check("", &["no price"]);
    check_error(
        prices::read("day.csv", b"SYMBOL,SERIES,DATE1,CLOSE_PRICE\n"),
        &["line 1", "prev_close"],
    );
}

#[test]
fn index_lists_give_the_isin_of_a_symbol() {
    let text = "Company Name,Industry,Symbol,Series,ISIN Code\n\"Bright, Ltd.\",Realty,BRIGHT,BE,INE069I01010\n";
    let expected = Instrument {
        isin: "INE069I01010".to_owned(),
        symbol: "BRIGHT".to_owned(),
        series: "BE".to_owned(),
        company: "Bright, Ltd.".to_owned(),
        industry: "Realty".to_owned(),
    };
    assert_eq!(
        index_list::read("list.csv", text.as_bytes()).unwrap(),
        [expected]
    );
    let wrong = "Company Name,Industry,Symbol,Series,ISIN Code\nA,B,C,EQ,INE069I0101\n";
    check_error(
        index_list::read("list.csv", wrong.as_bytes()),
        &["line 2", "INE069I0101"],
    );
}

#[test]
fn rates_come_in_two_ways_of_writing_a_day() {
    let rate = |day, currency: &str, per_euro| Rate {
        day,
        currency: currency.to_owned(),
        per_euro,
    };
    let history = "Date,USD,INR,CYP,\n2024-05-31,1.0852,90.4,N/A,\n2024-05-30,1.08,90.3,N/A,\n";
    assert_eq!(
        rates::read("hist.csv", history.as_bytes()).unwrap(),
        [
            rate(date(2024, 5, 31), "USD", 1.0852),
            rate(date(2024, 5, 31), "INR", 90.4),
            rate(date(2024, 5, 30), "USD", 1.08),
            rate(date(2024, 5, 30), "INR", 90.3),
        ]
    );
    let latest = "Date, USD, INR, \n30 October 2026, 1.1172, 106.0840, \n";
    assert_eq!(
        rates::read("day.csv", latest.as_bytes()).unwrap(),
        [
            rate(date(2026, 10, 30), "USD", 1.1172),
            rate(date(2026, 10, 30), "INR", 106.084)
        ]
    );
    check_error(
        rates::read("day.csv", b"Date,USD\n31/05/2024,1\n"),
        &["line 2", "31/05/2024"],
    );
    check_error(
        rates::read("day.csv", b"Date,USD\n2024-05-31,-1\n"),
        &["line 2", "above 0"],
    );
}
