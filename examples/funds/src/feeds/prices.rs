//! The exchange's daily price file (`sec_bhavdata_full`): a row for each symbol and series. The trading day is in every
//! row; the file's name is not asked.

use super::table::Table;
use crate::error::LoadError;
use jiff::civil::Date;
use std::collections::HashSet;

/// A closing price, in rupees, with what was traded that day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Price {
    pub(crate) day: Date,
    pub(crate) symbol: String,
    pub(crate) series: String,
    pub(crate) previous_close: Option<f64>,
    pub(crate) close: f64,
    pub(crate) traded_quantity: Option<f64>,
    /// In lakh of rupees.
    pub(crate) turnover: Option<f64>,
}

/// Reads all prices of a file.
pub(crate) fn read(document: &str, bytes: &[u8]) -> Result<Vec<Price>, LoadError> {
    let mut table = Table::open(document, bytes)?;
    let symbol = table.column("symbol")?;
    let series = table.column("series")?;
    let day = table.column("date1")?;
    let previous_close = table.column("prev_close")?;
    let close = table.column("close_price")?;
    let quantity = table.column("ttl_trd_qnty")?;
    let turnover = table.column("turnover_lacs")?;
    let mut seen = HashSet::new();
    let mut prices = Vec::new();
    while let Some(record) = table.next()? {
        let text = record.text(day, "DATE1")?;
        let price = Price {
            day: Date::strptime("%d-%b-%Y", text).map_err(|_| {
                record.wrong(format!(
                    "`DATE1` is `{text}`, and should be a day such as 07-May-2024"
                ))
            })?,
            symbol: record.text(symbol, "SYMBOL")?.to_owned(),
            series: record.text(series, "SERIES")?.to_owned(),
            previous_close: record.number_or_none(previous_close, "PREV_CLOSE")?,
            close: record.number(close, "CLOSE_PRICE")?,
            traded_quantity: record.number_or_none(quantity, "TTL_TRD_QNTY")?,
            turnover: record.number_or_none(turnover, "TURNOVER_LACS")?,
        };
        if !seen.insert((price.day, price.symbol.clone(), price.series.clone())) {
            return Err(record.wrong(format!(
                "{} {} of {} stands here twice",
                price.symbol, price.series, price.day
            )));
        }
        prices.push(price);
    }
    if prices.is_empty() {
        return Err(LoadError::malformed(
            document,
            "line 2",
            "there is no price in it",
        ));
    }
    Ok(prices)
}
