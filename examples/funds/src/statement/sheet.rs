//! One fund's sheet, read top down: title, header, lines under their headings, GRAND TOTAL, derivative block.

use super::columns::{Columns, DerivativeColumns, text};
use super::{Derivative, Line, Statement, words};
use crate::error::LoadError;
use crate::workbook::{Cell, Row, Sheet};
use jiff::civil::Date;

pub(super) fn read(
    document: &str,
    sheet: &Sheet,
    code: &str,
    name: &str,
) -> Result<Statement, LoadError> {
    let reader = Reader { document, sheet };
    let (columns, header) = reader.header()?;
    let report_date = reader.report_date(header)?;
    let mut body = Body {
        reader: &reader,
        columns,
        section: None,
        part: None,
        starts_section: true,
        lines: Vec::new(),
    };
    for (at, row) in sheet.rows.iter().enumerate().skip(header + 1) {
        if let Some(total) = body.row(row)? {
            return Ok(Statement {
                report_date,
                code: code.to_owned(),
                name: name.to_owned(),
                total,
                currency: "INR",
                lines: body.lines,
                derivatives: reader.derivatives(&sheet.rows[at + 1..])?,
            });
        }
    }
    Err(reader.wrong(
        None,
        "there is no row `GRAND TOTAL`, so nothing tells where the positions end",
    ))
}

struct Reader<'a> {
    document: &'a str,
    sheet: &'a Sheet,
}

impl Reader<'_> {
    fn header(&self) -> Result<(Columns, usize), LoadError> {
        for (at, row) in self.sheet.rows.iter().enumerate() {
            if let Some(columns) = Columns::of(row) {
                return Ok((
                    columns.map_err(|message| self.wrong(Some(row), message))?,
                    at,
                ));
            }
        }
        Err(self.wrong(
            None,
            "there is no header row; it should have the column `Name of the Instrument`",
        ))
    }

    /// The date stands somewhere above the header.
    fn report_date(&self, header: usize) -> Result<Date, LoadError> {
        for row in &self.sheet.rows[..header] {
            for text in row.cells.iter().filter_map(Cell::as_text) {
                if let Some(date) = words::as_on(text) {
                    return date.map_err(|message| self.wrong(Some(row), message));
                }
            }
        }
        Err(self.wrong(
            None,
            "nothing above the header says `as on` and a date, so the statement has no date",
        ))
    }

    /// The block's header has columns of its own. Rows under it without a value are headings or footnotes.
    fn derivatives(&self, rows: &[Row]) -> Result<Vec<Derivative>, LoadError> {
        let mut columns: Option<DerivativeColumns> = None;
        let mut kind = None;
        let mut derivatives = Vec::new();
        for row in rows {
            if let Some(found) = DerivativeColumns::of(row) {
                columns = Some(found.map_err(|message| self.wrong(Some(row), message))?);
                continue;
            }
            let Some(columns) = columns else { continue };
            let Cell::Number(value) = *row.cell(columns.value) else {
                kind = text(row, Some(columns.instrument));
                continue;
            };
            let instrument = text(row, Some(columns.instrument))
                .ok_or_else(|| self.wrong(Some(row), "a derivative has a value and no name"))?;
            if is_total(&instrument) {
                continue;
            }
            let class = words::derivative_class(kind.as_deref(), &instrument);
            let underlying = (class == "future")
                .then(|| words::underlying(&instrument))
                .flatten();
            derivatives.push(Derivative {
                row: row.number,
                kind: kind.clone(),
                class,
                underlying: underlying.map(str::to_owned),
                expiry: words::maturity(&instrument),
                instrument,
                counterparty: text(row, columns.counterparty),
                industry: text(row, columns.industry),
                quantity: self.number(row, columns.quantity, "quantity")?,
                value,
                share: self.fraction(row, columns.share, "% to net assets")?,
                is_in_total: false,
            });
        }
        Ok(derivatives)
    }

    fn number(&self, row: &Row, column: usize, what: &str) -> Result<Option<f64>, LoadError> {
        words::number(row.cell(column)).map_err(|text| {
            self.wrong(
                Some(row),
                format!("{what} is `{text}`, and should be a number"),
            )
        })
    }

    fn fraction(
        &self,
        row: &Row,
        column: Option<usize>,
        what: &str,
    ) -> Result<Option<f64>, LoadError> {
        let Some(column) = column else {
            return Ok(None);
        };
        words::fraction(row.cell(column)).map_err(|text| {
            self.wrong(
                Some(row),
                format!("{what} is `{text}`, and should be a percentage"),
            )
        })
    }

    fn wrong(&self, row: Option<&Row>, message: impl Into<String>) -> LoadError {
        let place = match row {
            Some(row) => format!("sheet `{}`, row {}", self.sheet.name, row.number),
            None => format!("sheet `{}`", self.sheet.name),
        };
        LoadError::malformed(self.document, place, message)
    }
}

/// The rows between header and GRAND TOTAL.
struct Body<'a> {
    reader: &'a Reader<'a>,
    columns: Columns,
    section: Option<String>,
    part: Option<String>,
    /// The next heading opens a section: at the top, and after each `Total`.
    starts_section: bool,
    lines: Vec<Line>,
}

impl Body<'_> {
    /// Takes one row in; returns the published total when this is its row.
    fn row(&mut self, row: &Row) -> Result<Option<f64>, LoadError> {
        let name = text(row, Some(self.columns.instrument));
        let kind = name.as_deref().map(words::label).unwrap_or_default();
        let value = self
            .reader
            .number(row, self.columns.value, "market value")?;
        match kind.as_str() {
            "grand total" => {
                return match value {
                    Some(total) => Ok(Some(total)),
                    None => Err(self.reader.wrong(Some(row), "`GRAND TOTAL` has no value")),
                };
            }
            "total" => {
                self.starts_section = true;
                self.part = None;
                return Ok(None);
            }
            "sub total" | "subtotal" | "sub-total" => {
                self.part = None;
                return Ok(None);
            }
            _ => {}
        }
        match (name, value) {
            (Some(instrument), Some(value)) => self.line(row, instrument, value)?,
            (Some(heading), None) => self.heading(row, heading)?,
            (None, Some(value)) => {
                let message = format!("there is a value of {value} and no name of an instrument");
                return Err(self.reader.wrong(Some(row), message));
            }
            (None, None) => {}
        }
        Ok(None)
    }

    /// A row without a value is a heading, unless it names a security: then its value is missing.
    fn heading(&mut self, row: &Row, heading: String) -> Result<(), LoadError> {
        let quantity = self.reader.number(row, self.columns.quantity, "quantity")?;
        if quantity.is_some_and(|quantity| quantity != 0.0) {
            let message = format!("`{heading}` has a quantity and no market value");
            return Err(self.reader.wrong(Some(row), message));
        }
        let is_section = self.starts_section && !words::is_numbered(&heading);
        if self.starts_section {
            self.section = None;
            self.part = None;
            self.starts_section = false;
        }
        if is_section {
            self.section = Some(heading);
        } else {
            self.part = Some(heading);
        }
        Ok(())
    }

    fn line(&mut self, row: &Row, instrument: String, value: f64) -> Result<(), LoadError> {
        let reader = self.reader;
        let columns = self.columns;
        self.lines.push(Line {
            row: row.number,
            section: self.section.clone(),
            part: self.part.clone(),
            instrument,
            isin: text(row, Some(columns.isin)),
            industry_rating: text(row, columns.industry_rating),
            quantity: reader.number(row, columns.quantity, "quantity")?,
            value,
            share: reader.fraction(row, columns.share, "% to net assets")?,
            yield_to_maturity: reader.fraction(row, columns.yield_to_maturity, "yield")?,
            yield_to_call: reader.fraction(row, columns.yield_to_call, "yield to call")?,
            terms: None,
        });
        Ok(())
    }
}

fn is_total(instrument: &str) -> bool {
    matches!(
        words::label(instrument).as_str(),
        "total" | "sub total" | "grand total"
    )
}
