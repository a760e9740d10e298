//! The European Central Bank's reference rates: units of each currency for one euro, a row for each day. The whole
//! history writes days as `2024-05-31`, the file of the latest day as `31 May 2024`.

use super::table::{Record, Table};
use crate::error::LoadError;
use jiff::civil::Date;

/// What one euro was worth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rate {
    pub(crate) day: Date,
    pub(crate) currency: String,
    pub(crate) per_euro: f64,
}

/// Reads all rates of a file; `N/A` stands for a currency that was not quoted that day.
pub(crate) fn read(document: &str, bytes: &[u8]) -> Result<Vec<Rate>, LoadError> {
    let mut table = Table::open(document, bytes)?;
    let day = table.column("date")?;
    let currencies: Vec<(usize, String)> = table
        .labels()
        .iter()
        .enumerate()
        .filter(|(column, label)| *column != day && !label.is_empty())
        .map(|(column, label)| (column, label.to_uppercase()))
        .collect();
    let mut rates = Vec::new();
    while let Some(record) = table.next()? {
        let on = read_day(&record, day)?;
        for (column, currency) in &currencies {
            if matches!(record.optional(*column), None | Some("N/A")) {
                continue;
            }
            let per_euro = record.number(*column, currency)?;
            if per_euro <= 0.0 {
                return Err(
                    record.wrong(format!("`{currency}` is {per_euro}, and should be above 0"))
                );
            }
            rates.push(Rate {
                day: on,
                currency: currency.clone(),
                per_euro,
            });
        }
    }
    if rates.is_empty() {
        return Err(LoadError::malformed(
            document,
            "line 2",
            "there is no rate in it",
        ));
    }
    Ok(rates)
}

fn read_day(record: &Record<'_>, column: usize) -> Result<Date, LoadError> {
    let text = record.text(column, "Date")?;
    ["%Y-%m-%d", "%d %B %Y"]
        .iter()
        .find_map(|format| Date::strptime(format, text).ok())
        .ok_or_else(|| {
            record.wrong(format!(
                "`Date` is `{text}`, and should be a day such as 2024-05-31"
            ))
        })
}
