//! Terms that stand in names and under headings, and days counted by hand.

use super::{Schedule, Terms, schedule};
use crate::statement::Line;
use jiff::civil::date;

fn line(section: &str, part: &str, instrument: &str) -> Line {
    Line {
        section: Some(section.to_owned()),
        part: Some(part.to_owned()),
        instrument: instrument.to_owned(),
        ..Line::default()
    }
}

#[test]
fn terms_stand_in_names_and_headings() {
    let cases = [
        (
            "Debt Instruments",
            "(a) Listed",
            "7.65% Some Company (10/06/2027) **",
            (Some(7.65), Some(date(2027, 6, 10)), 1, false),
        ),
        (
            "Debt Instruments",
            "(a) Listed",
            "8.46% A Road (16/03/2037) (FRN) **",
            (Some(8.46), Some(date(2037, 3, 16)), 1, true),
        ),
        (
            "Debt Instruments",
            "(a) Listed",
            "A Bottler (31/05/2028) (ZCB) **",
            (Some(0.0), Some(date(2028, 5, 31)), 1, false),
        ),
        (
            "Debt Instruments",
            "(b) Government Securities",
            "Government of India (19/06/2053)",
            (None, Some(date(2053, 6, 19)), 2, false),
        ),
        (
            "Debt Instruments",
            "(b) Securitised Debt",
            "A Trust (21/11/2026) **",
            (None, Some(date(2026, 11, 21)), 1, false),
        ),
        (
            "Money Market Instruments",
            "Commercial Paper",
            "A Company (20/03/2025) **",
            (Some(0.0), Some(date(2025, 3, 20)), 1, false),
        ),
        (
            "Money Market Instruments",
            "Treasury Bill",
            "0% GOI  - 17DEC32 STRIPS",
            (Some(0.0), Some(date(2032, 12, 17)), 1, false),
        ),
        (
            "Money Market Instruments",
            "Treasury Bill",
            "GOI 19SEP24 G-SEC Strips",
            (Some(0.0), Some(date(2024, 9, 19)), 1, false),
        ),
        (
            "Money Market Instruments",
            "Treasury Bill",
            "364 DAYS T-BILL - 04DEC2025",
            (Some(0.0), Some(date(2025, 12, 4)), 1, false),
        ),
        (
            "Money Market Instruments",
            "Treasury Bill",
            "91 DTB 01Aug2025",
            (Some(0.0), Some(date(2025, 8, 1)), 1, false),
        ),
        (
            "Debt Instruments",
            "Listed",
            "NABARD",
            (None, None, 1, false),
        ),
    ];
    for (section, part, instrument, (coupon, maturity, coupons_per_year, is_floating)) in cases {
        let expected = Terms {
            coupon,
            maturity,
            coupons_per_year: Some(coupons_per_year),
            is_floating,
        };
        assert_eq!(
            Terms::of(&line(section, part, instrument)),
            expected,
            "{instrument}"
        );
    }
}

#[test]
fn days_count_from_the_day_after_the_report() {
    let found = schedule(date(2025, 6, 30), date(2027, 10, 7), 1);
    let expected = Schedule {
        coupons_left: 3,
        days_to_coupon: 98,
        days_in_period: 365,
        days_to_maturity: 828,
    };
    assert_eq!(found, Some(expected));
    let found = schedule(date(2025, 6, 30), date(2034, 10, 7), 2);
    let expected = Schedule {
        coupons_left: 19,
        days_to_coupon: 98,
        days_in_period: 183,
        days_to_maturity: 3385,
    };
    assert_eq!(found, Some(expected));
}

#[test]
fn a_coupon_on_the_value_date_is_paid_already() {
    let found = schedule(date(2025, 6, 30), date(2026, 7, 1), 1).expect("a year is left");
    assert_eq!(
        (
            found.coupons_left,
            found.days_to_coupon,
            found.days_in_period
        ),
        (1, 365, 365)
    );
    assert_eq!(
        schedule(date(2025, 6, 30), date(2025, 7, 1), 1),
        None,
        "it matures that day"
    );
    assert_eq!(schedule(date(2025, 6, 30), date(2025, 6, 30), 1), None);
}

#[test]
fn the_last_of_a_month_stays_the_last() {
    // Coupons on 31 August and 28 or 29 February; those before the short ones are on the 31st again.
    let found = schedule(date(2023, 12, 31), date(2025, 8, 31), 2).expect("it runs");
    assert_eq!(
        (
            found.coupons_left,
            found.days_to_coupon,
            found.days_in_period
        ),
        (4, 59, 182)
    );
}

#[test]
fn a_maturity_thousands_of_years_away_is_no_maturity() {
    assert_eq!(schedule(date(2025, 6, 30), date(9999, 1, 1), 1), None);
}
