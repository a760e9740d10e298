//! A custodian's file: a workbook of one fund, whose coupons stand in a column of their own, whose headings carry their sums,
//! and whose last line is `Total Net Assets`. Turns it into a statement; what is done with one from a custodian is not decided
//! here.
//!
//! ```text
//!               SOME HOUSE
//!               SOME FUND
//!               Portfolio as on Sep 15,2025
//!               Company/Issuer/Instrument Name | ISIN | Coupon | Industry/Rating | Quantity | Exposure/Market Value | …
//!               Debt Instruments                                                             216937.43     a section with its sum
//!               Government Securities                                                         56595.17     a part of it
//!               Government Securities          | IN0020210137 | 6.99 | SOV | 16574750 |       16909.23     a line
//!               Net Current Assets                                                             7226.35     a line as well
//!               Total Net Assets                                                             326108.96
//! ```
//!
//! Swaps stand below the total at their notional value, which is not what settling them would bring; they are not read.

#[cfg(test)]
mod tests;

use crate::bonds::Terms;
use crate::error::LoadError;
use crate::statement::{Line, Statement, words};
use crate::workbook::{Cell, Row, Sheet};

/// Whether a workbook is laid out as a custodian's.
pub(crate) fn is_custodian(sheets: &[Sheet]) -> bool {
    sheets
        .iter()
        .any(|sheet| sheet.rows.iter().any(|row| Columns::of(row).is_some()))
}

/// Reads every sheet that has the layout's header; each is a fund, under its sheet's name.
pub(crate) fn read(document: &str, sheets: &[Sheet]) -> Result<Vec<Statement>, LoadError> {
    let mut statements = Vec::new();
    for sheet in sheets {
        let header = sheet.rows.iter().position(|row| Columns::of(row).is_some());
        if let Some(header) = header {
            statements.push(Reader { document, sheet }.statement(header)?);
        }
    }
    Ok(statements)
}

/// Where the columns are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    instrument: usize,
    isin: usize,
    coupon: usize,
    industry_rating: usize,
    quantity: usize,
    value: usize,
    share: usize,
    yield_to_maturity: usize,
    yield_to_call: usize,
}

impl Columns {
    fn of(row: &Row) -> Option<Self> {
        let column = |is_it: &dyn Fn(&str) -> bool| {
            row.cells.iter().position(|cell| {
                cell.as_text()
                    .is_some_and(|text| is_it(&words::label(text)))
            })
        };
        Some(Self {
            instrument: column(&|label| label == "company/issuer/instrument name")?,
            isin: column(&|label| label == "isin")?,
            coupon: column(&|label| label == "coupon")?,
            industry_rating: column(&|label| label == "industry/rating")?,
            quantity: column(&|label| label == "quantity")?,
            // The unit is in the label, and every figure rests on it.
            value: column(&|label| label.contains("market value") && label.contains("lakh"))?,
            share: column(&|label| label.starts_with("% to nav"))?,
            yield_to_maturity: column(&|label| label.starts_with("yield of"))?,
            yield_to_call: column(&|label| label.starts_with("yield to call"))?,
        })
    }
}

/// The headings that a line stands under.
#[derive(Debug, Default)]
struct Headings {
    section: Option<String>,
    part: Option<String>,
}

impl Headings {
    fn take(&mut self, heading: &str, label: &str) {
        if label.starts_with("equity")
            || matches!(label, "debt instruments" | "money market instruments")
        {
            self.section = Some(heading.to_owned());
            self.part = None;
            return;
        }
        // Units and repos stand between the sections, under headings of their own.
        if label.starts_with("units of") || matches!(label, "reverse repo" | "others") {
            self.section = None;
        }
        self.part = Some(heading.to_owned());
    }
}

struct Reader<'a> {
    document: &'a str,
    sheet: &'a Sheet,
}

impl Reader<'_> {
    fn statement(&self, header: usize) -> Result<Statement, LoadError> {
        let columns =
            Columns::of(&self.sheet.rows[header]).expect("the row was found by its columns");
        let (report_date, name) = self.top(header)?;
        let mut statement = Statement {
            report_date,
            code: self.sheet.name.trim().to_owned(),
            name,
            total: 0.0,
            currency: "INR",
            lines: Vec::new(),
            derivatives: Vec::new(),
        };
        let mut headings = Headings::default();
        for (at, row) in self.sheet.rows.iter().enumerate().skip(header + 1) {
            let Some(instrument) = row.cell(columns.instrument).as_text() else {
                continue;
            };
            let kind = words::label(instrument);
            if kind == "total net assets" {
                let total = self.number(row, columns.value, "market value")?;
                statement.total =
                    total.ok_or_else(|| self.wrong(row, "`Total Net Assets` has no value"))?;
                return Ok(statement);
            }
            let isin = row.cell(columns.isin).as_text();
            if isin.is_none() && !is_cash(&kind) && !self.is_sum_without_lines(at, &kind, columns) {
                headings.take(instrument, &kind);
                continue;
            }
            let line = Line {
                row: row.number,
                section: headings.section.clone(),
                part: headings.part.clone(),
                instrument: instrument.to_owned(),
                isin: isin.map(str::to_owned),
                ..Line::default()
            };
            statement.lines.push(self.line(row, columns, line)?);
        }
        Err(LoadError::malformed(
            self.document,
            format!("sheet `{}`", self.sheet.name),
            "there is no row `Total Net Assets`, so nothing tells where the positions end",
        ))
    }

    /// A heading `Reverse Repo` is the sum of lines such as `Reverse Repo (9/16/2025)`; some files have the sum and no lines.
    fn is_sum_without_lines(&self, at: usize, label: &str, columns: Columns) -> bool {
        let is_line = |row: &Row| {
            let name = row.cell(columns.instrument).as_text().map(words::label);
            name.is_some_and(|name| name.starts_with("reverse repo ("))
        };
        label == "reverse repo"
            && matches!(self.sheet.rows[at].cell(columns.value), Cell::Number(_))
            && !self.sheet.rows.get(at + 1).is_some_and(is_line)
    }

    /// The date, and the fund's name, which stands in the row above it.
    fn top(&self, header: usize) -> Result<(jiff::civil::Date, String), LoadError> {
        let mut name: Option<&str> = None;
        for row in &self.sheet.rows[..header] {
            let Some(text) = row.cells.iter().find_map(Cell::as_text) else {
                continue;
            };
            match words::as_on(text) {
                Some(Ok(date)) => {
                    return Ok((date, name.unwrap_or(self.sheet.name.as_str()).to_owned()));
                }
                Some(Err(message)) => return Err(self.wrong(row, message)),
                None => name = Some(text),
            }
        }
        Err(LoadError::malformed(
            self.document,
            format!("sheet `{}`", self.sheet.name),
            "nothing above the header says `as on` and a date, so the file has no date",
        ))
    }

    fn line(&self, row: &Row, columns: Columns, line: Line) -> Result<Line, LoadError> {
        let value = self.number(row, columns.value, "market value")?;
        let value = value
            .ok_or_else(|| self.wrong(row, format!("`{}` has no market value", line.instrument)))?;
        let percent = |column, what| {
            Ok::<_, LoadError>(
                self.number(row, column, what)?
                    .map(|percent| percent / 100.0),
            )
        };
        let coupon = self.number(row, columns.coupon, "coupon")?;
        let terms = Terms::of(&line);
        Ok(Line {
            industry_rating: row
                .cell(columns.industry_rating)
                .as_text()
                .map(str::to_owned),
            quantity: self.number(row, columns.quantity, "quantity")?,
            value,
            share: words::fraction(row.cell(columns.share)).map_err(|text| {
                self.wrong(
                    row,
                    format!("% to NAV is `{text}`, and should be a percentage"),
                )
            })?,
            yield_to_maturity: percent(columns.yield_to_maturity, "yield")?,
            yield_to_call: percent(columns.yield_to_call, "yield to call")?,
            terms: Some(Terms {
                coupon: coupon.or(terms.coupon),
                ..terms
            }),
            ..line
        })
    }

    fn number(&self, row: &Row, column: usize, what: &str) -> Result<Option<f64>, LoadError> {
        words::number(row.cell(column))
            .map_err(|text| self.wrong(row, format!("{what} is `{text}`, and should be a number")))
    }

    fn wrong(&self, row: &Row, message: impl Into<String>) -> LoadError {
        let place = format!("sheet `{}`, row {}", self.sheet.name, row.number);
        LoadError::malformed(self.document, place, message)
    }
}

/// Lines of cash, which have no ISIN.
fn is_cash(label: &str) -> bool {
    matches!(label, "treps" | "net current assets")
        || label.starts_with("cash margin")
        || label.starts_with("reverse repo (")
}
