//! The figures that the pipeline models, computed a second time by other methods: betas as least squares by a QR
//! decomposition, yields by bisection over dated payments, the change of value from the two statements' totals.
//!
//! Shared by the tests on made-up funds and on real documents; each returns how many figures it has compared.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// What one day's prices say of a symbol: the return since the exchange's own previous close.
type Returns = BTreeMap<String, f64>;

/// The published betas against least squares over the raw prices. The regression is solved by Householder's reflections of
/// the matrix [1, market], which shares no formula with covariance over variance.
pub(crate) fn check_betas(connection: &Connection, date: &str, market: &str) -> usize {
    let (window_start, price_date): (String, String) = connection
        .query_row(
            "select window_start, data_date from bd_feed_days
             where feed = 'capm' and data_date <= ?1 and usable_until >= ?1 order by data_date desc limit 1",
            [date],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let returns = |symbol: &str| returns_of(connection, symbol, &window_start, &price_date);
    let of_market = returns(market);
    let mut published = connection
        .prepare(
            "select distinct s.symbol, p.beta from fund_position p join bd_instruments s on s.isin = p.isin
             where p.report_date = ?1 and p.beta is not null order by 1",
        )
        .unwrap();
    let published: Vec<(String, f64)> = published
        .query_map([date], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (symbol, beta) in &published {
        let of_share = returns(symbol);
        let pairs: Vec<(f64, f64)> = of_share
            .iter()
            .filter_map(|(day, share)| Some((*of_market.get(day)?, *share)))
            .collect();
        assert!(
            pairs.len() >= 20,
            "{date}: {symbol} has {} days",
            pairs.len()
        );
        let again = slope_by_reflections(&pairs);
        assert!(
            (again - beta).abs() < 1e-6,
            "{date}: {symbol} has the beta {beta}, and least squares give {again}"
        );
    }
    published.len()
}

fn returns_of(connection: &Connection, symbol: &str, after: &str, until: &str) -> Returns {
    let mut statement = connection
        .prepare_cached(
            "select price_date, close, prev_close from homol_capm
             where symbol = ?1 and price_date > ?2 and price_date <= ?3 and prev_close > 0",
        )
        .unwrap();
    statement
        .query_map([symbol, after, until], |row| {
            let (close, before): (f64, f64) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, close / before - 1.0))
        })
        .unwrap()
        .map(Result::unwrap)
        .filter(|(_, change): &(String, f64)| (-1.0 / 3.0..=1.0 / 3.0).contains(change))
        .collect()
}

/// The slope of y on [1, x]: Q is applied to the columns as two reflections, and R solved from below.
fn slope_by_reflections(pairs: &[(f64, f64)]) -> f64 {
    let mut columns = [
        vec![1.0; pairs.len()],
        pairs.iter().map(|(x, _)| *x).collect::<Vec<f64>>(),
        pairs.iter().map(|(_, y)| *y).collect::<Vec<f64>>(),
    ];
    for step in 0..2 {
        let mut mirror: Vec<f64> = columns[step].clone();
        mirror[..step].fill(0.0);
        let length = mirror.iter().map(|one| one * one).sum::<f64>().sqrt();
        mirror[step] += length.copysign(mirror[step]);
        let square: f64 = mirror.iter().map(|one| one * one).sum();
        for column in &mut columns {
            let along: f64 = mirror.iter().zip(column.iter()).map(|(a, b)| a * b).sum();
            for (value, one) in column.iter_mut().zip(&mirror) {
                *value -= 2.0 * along / square * one;
            }
        }
    }
    columns[2][1] / columns[1][1]
}

/// A bond of a fund, as it is published.
struct Bond {
    instrument: String,
    maturity: Date,
    coupon: f64,
    coupons_per_year: i32,
    clean: f64,
    modelled: f64,
    duration: f64,
}

/// The modelled yields and durations, of each ISIN once, against bisection over the dated payments, and against the price a little higher and
/// lower: a modified duration is what the price loses by it.
pub(crate) fn check_yields(connection: &Connection, date: &str) -> usize {
    let value_date = date.parse::<Date>().unwrap().tomorrow().unwrap();
    let bonds = bonds(connection, date);
    for bond in &bonds {
        let payments = Payments::of(bond, value_date);
        let again = bisect(|rate| payments.clean(rate), bond.clean);
        assert!(
            (again - bond.modelled).abs() < 1e-9,
            "{date}: {} yields {}, and bisection gives {again}",
            bond.instrument,
            bond.modelled
        );
        let little = 1e-6;
        let fall = payments.dirty(again - little) - payments.dirty(again + little);
        let duration = fall / (2.0 * little) / payments.dirty(again);
        assert!(
            (duration - bond.duration).abs() < 1e-5 * (1.0 + duration),
            "{date}: {} has the duration {}, and its price says {duration}",
            bond.instrument,
            bond.duration
        );
    }
    bonds.len()
}

fn bonds(connection: &Connection, date: &str) -> Vec<Bond> {
    let mut statement = connection
        .prepare(
            "select m.instrument, m.maturity, m.coupon, m.coupons_per_year, m.market_value * 100000 / m.quantity, p.yield,
                 p.duration, max(m.market_value)
             from fund_position p
             join bd_funds f on f.fund_code = p.fund_code
             join homol_posmodrf m on m.report_date = p.report_date and m.portfolio = f.portfolio_geneva and m.line = p.line
             where p.report_date = ?1 and p.yield is not null
             group by m.isin",
        )
        .unwrap();
    statement
        .query_map([date], |row| {
            let unit: f64 = row.get(4)?;
            let coupon: f64 = row.get(2)?;
            Ok(Bond {
                instrument: row.get(0)?,
                maturity: row.get::<_, String>(1)?.parse().unwrap(),
                coupon,
                coupons_per_year: row.get(3)?,
                clean: unit * 100.0 / face(unit, coupon > 0.0),
                modelled: row.get(5)?,
                duration: row.get(6)?,
            })
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// The customary face that a unit's price is nearest to; a paper without coupons is always below it.
fn face(unit: f64, pays_coupons: bool) -> f64 {
    let faces = [1e2, 1e3, 1e4, 1e5, 5e5, 1e6, 1e7];
    let found = faces.into_iter().find(|face| match pays_coupons {
        true => (0.8..1.25).contains(&(unit / face)),
        false => unit < *face,
    });
    found.expect("a bond with a yield has a customary face")
}

/// The payments that are left, by their days.
struct Payments {
    coupon: f64,
    per_year: f64,
    count: usize,
    days_to_next: f64,
    /// The part of the coupon period that is still to come.
    stub: f64,
}

impl Payments {
    fn of(bond: &Bond, value_date: Date) -> Self {
        let months = 12 / bond.coupons_per_year;
        let day = |back: i32| bond.maturity.checked_sub((back * months).months()).unwrap();
        let count = (1..).find(|back| day(*back) <= value_date).unwrap();
        let (before, next) = (day(count), day(count - 1));
        let days = |from: Date, to: Date| f64::from(from.until(to).unwrap().get_days());
        let per_year = f64::from(bond.coupons_per_year);
        Self {
            coupon: bond.coupon / per_year,
            per_year,
            count: usize::try_from(count).unwrap(),
            days_to_next: days(value_date, next),
            stub: days(value_date, next) / days(before, next),
        }
    }

    /// What the payments are worth at a yearly effective yield, or a simple one for the last of them.
    fn dirty(&self, rate: f64) -> f64 {
        if self.count == 1 {
            return (100.0 + self.coupon) / (1.0 + rate * self.days_to_next / 365.0);
        }
        let discounted =
            |periods: usize| (1.0 + rate).powf(-(self.stub + periods as f64) / self.per_year);
        let coupons: f64 = (0..self.count)
            .map(|index| self.coupon * discounted(index))
            .sum();
        coupons + 100.0 * discounted(self.count - 1)
    }

    fn clean(&self, rate: f64) -> f64 {
        self.dirty(rate) - self.coupon * (1.0 - self.stub)
    }
}

/// The rate at which a falling function has the value.
fn bisect(function: impl Fn(f64) -> f64, value: f64) -> f64 {
    let (mut low, mut high) = (-0.5, 2.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if function(middle) > value {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The fund's own sums: the betas and yields of its lines by their weights, and the parts of its change of value. Returns
/// how many funds have a change.
pub(crate) fn check_funds(connection: &Connection, date: &str) -> i64 {
    let rows = |what: &str, sql: &str| {
        let mut statement = connection
            .prepare(&sql.replace(":date", &format!("'{date}'")))
            .unwrap();
        let found: Vec<String> = statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(found.is_empty(), "{date}: {what}: {found:?}");
    };
    rows(
        "a fund's beta is that of its shares, each by its weight, and what it covers is stated",
        "select r.fund_code from fund_report r
         join (select fund_code, sum(weight * beta) as beta, sum(case when beta is not null then market_value end) as covered
               from fund_position where report_date = :date and asset_class in ('equity', 'foreign') group by 1) p
             using (fund_code)
         where r.report_date = :date and (
             (r.beta is null) <> (p.beta is null) or abs(r.beta - p.beta) > 1e-9
             or abs(coalesce(r.beta_coverage, 0) - coalesce(p.covered, 0) / nullif(r.equity_value, 0)) > 1e-3)",
    );
    rows(
        "a fund's yield and duration are those of its bonds, each by its value, and what they cover is stated",
        "select r.fund_code from fund_report r
         join bd_funds f using (fund_code)
         join (select fund_code, sum(market_value * yield) / sum(market_value) as yield, sum(market_value) as covered,
                   sum(market_value * duration) / sum(market_value) as duration
               from fund_position where report_date = :date and yield is not null group by 1) p using (fund_code)
         join (select portfolio, sum(market_value) as value from homol_posmodrf where report_date = :date group by 1) m
             on m.portfolio = f.portfolio_geneva
         where r.report_date = :date and (r.yield is null or abs(r.yield - p.yield) > 1e-9
             or abs(r.duration - p.duration) > 1e-9 or abs(r.duration_coverage - p.covered / m.value) > 1e-9)",
    );
    rows(
        "a fund without a modelled bond has neither yield nor duration",
        "select fund_code from fund_report r where report_date = :date and (yield is not null or duration is not null)
             and not exists (select 1 from fund_position p where p.report_date = :date and p.fund_code = r.fund_code
                 and p.yield is not null)",
    );
    rows(
        "price, trades and cash add up to the change of value",
        "select fund_code from fund_report where report_date = :date and previous_report_date is not null
             and abs(value_change - price_effect - trade_effect - cash_effect) > 0.003",
    );
    rows(
        "the change of value is that of the published totals",
        "select r.fund_code from fund_report r
         join bd_funds f using (fund_code)
         join homol_sona_totals p on p.report_date = r.previous_report_date and p.portfolio = f.portfolio_geneva
         where r.report_date = :date
             and abs(r.value_change - (r.published_total - p.published_total)) > 0.12 + 4e-6 * abs(r.published_total)",
    );
    rows(
        "without an earlier statement nothing has changed",
        "select fund_code from fund_report where report_date = :date and previous_report_date is null
             and (value_change is not null or price_return is not null)",
    );
    connection
        .query_row(
            "select count(*) from fund_report where report_date = ?1 and value_change is not null",
            [date],
            |row| row.get(0),
        )
        .unwrap()
}
