//! A fund house's monthly portfolio workbook: a sheet `Index` with code and name of each fund, then a sheet for each of
//! them. Turns plain cells into statements, or into one error with sheet and row. Knows nothing of the warehouse.
//!
//! ```text
//!  ABC01        SOME FUND
//!               Monthly Portfolio Statement as on June 30,2024
//!               Name of the Instrument | ISIN | Industry / Rating | Quantity | Market Value | % | Yield | …
//!               Debt Instruments                        a section
//!               (a) Government Securities               a part of it
//!               Government of India (19/06/2053) …      lines
//!               Sub Total, Total                        closes the part, the section
//!               Net Receivables / (Payables)            a line outside any part
//!               GRAND TOTAL
//!               Disclosure in Derivatives | … other columns …
//! ```

mod columns;
mod sheet;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use crate::bonds::Terms;
use crate::error::LoadError;
use crate::workbook::{Cell, Sheet};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// One fund on one date.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) report_date: Date,
    pub(crate) code: String,
    pub(crate) name: String,
    /// The published GRAND TOTAL, in lakh of the currency.
    pub(crate) total: f64,
    pub(crate) currency: &'static str,
    pub(crate) lines: Vec<Line>,
    pub(crate) derivatives: Vec<Derivative>,
}

/// A valued row above the GRAND TOTAL.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Line {
    /// The row in the sheet, from 1.
    pub(crate) row: u32,
    pub(crate) section: Option<String>,
    pub(crate) part: Option<String>,
    pub(crate) instrument: String,
    pub(crate) isin: Option<String>,
    pub(crate) industry_rating: Option<String>,
    pub(crate) quantity: Option<f64>,
    /// In lakh.
    pub(crate) value: f64,
    /// A fraction; 0 where the statement says "less than 0.01 %".
    pub(crate) share: Option<f64>,
    /// Fractions.
    pub(crate) yield_to_maturity: Option<f64>,
    pub(crate) yield_to_call: Option<f64>,
    /// What the document states of a bond in columns of its own; else the name tells it.
    pub(crate) terms: Option<Terms>,
}

/// A valued row of the derivative block.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Derivative {
    pub(crate) row: u32,
    /// The heading that it stands under.
    pub(crate) kind: Option<String>,
    /// future, swap, forward, option or other.
    pub(crate) class: &'static str,
    pub(crate) instrument: String,
    /// The symbol of what a future is on.
    pub(crate) underlying: Option<String>,
    pub(crate) expiry: Option<Date>,
    pub(crate) counterparty: Option<String>,
    pub(crate) industry: Option<String>,
    pub(crate) quantity: Option<f64>,
    /// In lakh.
    pub(crate) value: f64,
    pub(crate) share: Option<f64>,
    /// Whether the document counts it among the positions; a statement's block stands outside the total.
    pub(crate) is_in_total: bool,
}

/// Reads all statements of a workbook; they are of one date.
pub(crate) fn read(document: &str, sheets: &[Sheet]) -> Result<Vec<Statement>, LoadError> {
    let index = sheets
        .iter()
        .find_map(find_index)
        .ok_or_else(|| unknown(document, sheets))?;
    let mut statements = Vec::with_capacity(index.len());
    for (code, name) in index {
        let sheet = sheets
            .iter()
            .find(|sheet| sheet.name == code)
            .ok_or_else(|| {
                let message =
                    format!("it names the fund {code}, and there is no sheet of that name");
                LoadError::malformed(document, "sheet `Index`", message)
            })?;
        statements.push(sheet::read(document, sheet, &code, &name)?);
    }
    same_date(document, &statements)?;
    Ok(statements)
}

/// Codes and names, where the sheet has the two columns that make it an index.
fn find_index(sheet: &Sheet) -> Option<BTreeMap<String, String>> {
    let is = |cell: &Cell, label: &str| {
        cell.as_text()
            .is_some_and(|text| words::label(text) == label)
    };
    let header = sheet.rows.iter().position(|row| {
        row.cells.iter().any(|cell| is(cell, "fund code"))
            && row.cells.iter().any(|cell| is(cell, "fund name"))
    })?;
    let cells = &sheet.rows[header].cells;
    let code = cells.iter().position(|cell| is(cell, "fund code"))?;
    let name = cells.iter().position(|cell| is(cell, "fund name"))?;
    let funds: BTreeMap<String, String> = sheet.rows[header + 1..]
        .iter()
        .filter_map(|row| {
            let code = row.cell(code).as_text()?.to_owned();
            let name = row.cell(name).as_text().unwrap_or(&code).to_owned();
            Some((code, name))
        })
        .collect();
    (!funds.is_empty()).then_some(funds)
}

fn same_date(document: &str, statements: &[Statement]) -> Result<(), LoadError> {
    let Some(first) = statements.first() else {
        return Ok(());
    };
    let Some(other) = statements
        .iter()
        .find(|one| one.report_date != first.report_date)
    else {
        return Ok(());
    };
    let message = format!(
        "it is of {}, and sheet `{}` is of {}; a workbook is of one date",
        other.report_date, first.code, first.report_date
    );
    Err(LoadError::malformed(
        document,
        format!("sheet `{}`", other.code),
        message,
    ))
}

fn unknown(document: &str, sheets: &[Sheet]) -> LoadError {
    let names: Vec<String> = sheets
        .iter()
        .take(5)
        .map(|sheet| format!("`{}`", sheet.name))
        .collect();
    let more = if sheets.len() > names.len() {
        ", …"
    } else {
        ""
    };
    LoadError::Unknown {
        document: document.to_owned(),
        found: format!(
            "it is a workbook without an index of funds, with the sheets {}{more}",
            names.join(", ")
        ),
    }
}
