//! A bond's terms, from wherever a document states them, and the days to its coupons. Dates are worked out here, once, when
//! a document is loaded: the pipeline's SQL counts with days, because the databases it runs on count dates differently.

#[cfg(test)]
mod tests;

use crate::statement::{Line, words};
use jiff::civil::Date;
use jiff::{ToSpan as _, Unit};

/// What is known of a bond.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Terms {
    /// Percent a year; 0 for a paper that is sold at a discount.
    pub(crate) coupon: Option<f64>,
    pub(crate) maturity: Option<Date>,
    /// Coupons a year; a paper without any counts by years as well. None where nothing tells.
    pub(crate) coupons_per_year: Option<u8>,
    pub(crate) is_floating: bool,
}

impl Terms {
    /// What the name and the headings tell of a bond of an Indian statement: governments pay half-yearly, companies yearly,
    /// and money market papers pay nothing before they mature.
    pub(crate) fn of(line: &Line) -> Self {
        let section = line
            .section
            .as_deref()
            .map(words::label)
            .unwrap_or_default();
        let part = line.part.as_deref().map(words::label).unwrap_or_default();
        let is_discounted = section.starts_with("money market")
            || part.contains("zero coupon")
            || words::is_discounted(&line.instrument);
        let coupon = words::coupon(&line.instrument).or(is_discounted.then_some(0.0));
        let pays_half_yearly = part.contains("government securities") && coupon != Some(0.0);
        Self {
            coupon,
            maturity: words::maturity(&line.instrument),
            coupons_per_year: Some(if pays_half_yearly { 2 } else { 1 }),
            is_floating: words::is_floating(&line.instrument),
        }
    }
}

/// Days to the coupons, from the value date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// With the one at maturity.
    pub(crate) coupons_left: i32,
    pub(crate) days_to_coupon: i32,
    /// From the coupon before the value date to the one after it.
    pub(crate) days_in_period: i32,
    pub(crate) days_to_maturity: i32,
}

/// The schedule of a bond in a statement of `report_date`. The value date is the day after: that is when what is bought on
/// the report date is paid for, and the published yields of bills and papers fit that day exactly and no other. None where
/// the bond has matured by then.
pub(crate) fn schedule(
    report_date: Date,
    maturity: Date,
    coupons_per_year: u8,
) -> Option<Schedule> {
    /// Twice as long as the longest bond there is; a date beyond it is a slip of the pen.
    const PERIODS_MAX: i32 = 400;
    let value_date = report_date.tomorrow().ok()?;
    let months = 12 / i32::from(coupons_per_year.max(1));
    // Counted back from the maturity, each from there: the 31st stays the last of a month after a shorter one.
    let coupon = |back: i32| maturity.checked_sub((back * months).months()).ok();
    let coupons_left =
        (1..=PERIODS_MAX).find(|back| coupon(*back).is_some_and(|day| day <= value_date))?;
    if maturity <= value_date {
        return None;
    }
    let (last, next) = (coupon(coupons_left)?, coupon(coupons_left - 1)?);
    Some(Schedule {
        coupons_left,
        days_to_coupon: days(value_date, next)?,
        days_in_period: days(last, next)?,
        days_to_maturity: days(value_date, maturity)?,
    })
}

fn days(from: Date, to: Date) -> Option<i32> {
    from.until((Unit::Day, to)).ok().map(|span| span.get_days())
}
