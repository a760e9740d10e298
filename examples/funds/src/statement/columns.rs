//! Finds a table's columns by their labels. Labels vary from sheet to sheet (`Rating`, `Industry^`, `Industry^ / Rating`,
//! line breaks inside, extra columns at the end), so places are never assumed.

use super::words;
use crate::workbook::{Cell, Row};

/// Where the columns of the main table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) instrument: usize,
    pub(super) isin: usize,
    pub(super) industry_rating: Option<usize>,
    pub(super) quantity: usize,
    pub(super) value: usize,
    pub(super) share: Option<usize>,
    pub(super) yield_to_maturity: Option<usize>,
    pub(super) yield_to_call: Option<usize>,
}

/// Where the columns of the derivative block are. The counterparty's column is only there where it has a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DerivativeColumns {
    pub(super) instrument: usize,
    pub(super) counterparty: Option<usize>,
    pub(super) industry: Option<usize>,
    pub(super) quantity: usize,
    pub(super) value: usize,
    pub(super) share: Option<usize>,
}

impl Columns {
    /// Returns nothing where the row is not the table's header, and what is missing where it is one that cannot be used.
    pub(super) fn of(row: &Row) -> Option<Result<Self, String>> {
        let labels = labels(row);
        let instrument = position(&labels, |label| label == "name of the instrument")?;
        Some(Self::with(&labels, instrument))
    }

    fn with(labels: &[String], instrument: usize) -> Result<Self, String> {
        Ok(Self {
            instrument,
            isin: required(labels, "ISIN", |label| label == "isin")?,
            industry_rating: position(labels, |label| {
                matches!(
                    label,
                    "rating"
                        | "industry"
                        | "industry / rating"
                        | "industry/rating"
                        | "rating / industry"
                )
            }),
            quantity: required(labels, "Quantity", |label| label.starts_with("quantity"))?,
            value: value_column(labels)?,
            share: position(labels, is_share),
            yield_to_maturity: position(labels, |label| {
                matches!(label, "yield" | "ytm" | "yield to maturity")
            }),
            yield_to_call: position(labels, |label| matches!(label, "yield to call" | "ytc")),
        })
    }
}

impl DerivativeColumns {
    /// As [`Columns::of`], for the header of the derivative block.
    pub(super) fn of(row: &Row) -> Option<Result<Self, String>> {
        let labels = labels(row);
        let instrument = position(&labels, |label| {
            label.starts_with("disclosure in derivative")
        })?;
        Some(Self::with(&labels, instrument))
    }

    fn with(labels: &[String], instrument: usize) -> Result<Self, String> {
        Ok(Self {
            instrument,
            counterparty: position(labels, |label| label == "issuer name"),
            industry: position(labels, |label| label.starts_with("industry")),
            quantity: required(labels, "Quantity", |label| label.starts_with("quantity"))?,
            value: value_column(labels)?,
            share: position(labels, is_share),
        })
    }
}

/// The value's label states its unit, and every figure of the example rests on it.
fn value_column(labels: &[String]) -> Result<usize, String> {
    let column = required(labels, "Market/Fair Value (Rs. in Lacs)", |label| {
        label.starts_with("market") && label.contains("value")
    })?;
    let label = &labels[column];
    if ["lac", "lakh"].iter().any(|unit| label.contains(unit)) {
        Ok(column)
    } else {
        Err(format!(
            "the value's column is called `{label}`, and its unit should be lakh of rupees (Rs. in Lacs)"
        ))
    }
}

fn is_share(label: &str) -> bool {
    label.starts_with("% to net assets") || label.starts_with("% to nav")
}

fn labels(row: &Row) -> Vec<String> {
    row.cells
        .iter()
        .map(|cell| cell.as_text().map(words::label).unwrap_or_default())
        .collect()
}

fn position(labels: &[String], is_it: impl Fn(&str) -> bool) -> Option<usize> {
    labels.iter().position(|label| is_it(label))
}

fn required(labels: &[String], name: &str, is_it: impl Fn(&str) -> bool) -> Result<usize, String> {
    position(labels, is_it).ok_or_else(|| {
        let found: Vec<&str> = labels
            .iter()
            .map(String::as_str)
            .filter(|label| !label.is_empty())
            .collect();
        format!(
            "the header has no column `{name}`; found {}",
            found.join(", ")
        )
    })
}

/// The text of a cell, if it has any.
pub(super) fn text(row: &Row, column: Option<usize>) -> Option<String> {
    match row.cell(column?) {
        Cell::Text(text) => Some(text.clone()),
        Cell::Empty | Cell::Number(_) => None,
    }
}
