//! A fund's monthly filing with the SEC, Form N-PORT: one fund, one date, its positions as XML. Turns it into a statement:
//! securities as lines, derivatives as derivatives that count among the positions, and the net assets as the published total.
//! Amounts are dollars there, and 100,000 dollars here. What the fund owes and is owed is not itemised in a filing, so its
//! positions do not add up to its net assets.

#[cfg(test)]
mod tests;

use crate::bonds::Terms;
use crate::error::LoadError;
use crate::limits::Limits;
use crate::statement::{Derivative, Line, Statement};
use crate::xml::{self, Element};
use jiff::civil::Date;

/// Whether text begins as a filing does: XML, also after blank lines, whose root is a submission to EDGAR.
pub(crate) fn is_filing(bytes: &[u8]) -> bool {
    const HEAD_BYTES: usize = 2_048;
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]);
    let head = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    head.starts_with('<') && head.contains("edgarSubmission") && head.contains("edgar/nport")
}

/// Reads a filing.
pub(crate) fn read(document: &str, bytes: &[u8], limits: Limits) -> Result<Statement, LoadError> {
    let root = xml::read(document, bytes, limits)?;
    let filing = Filing { document };
    let form = filing.child(&root, "formData", "the filing")?;
    let general = filing.child(form, "genInfo", "`formData`")?;
    let info = filing.child(form, "fundInfo", "`formData`")?;
    let text = |name: &str| filing.text(general, name, "`genInfo`");
    let date = text("repPdDate")?;
    let report_date = date.parse::<Date>().map_err(|_| {
        filing.wrong(
            "`genInfo`",
            format!("`repPdDate` is `{date}`, and should be a day such as 2023-03-31"),
        )
    })?;
    let mut statement = Statement {
        report_date,
        code: general
            .child_text("seriesId")
            .or_else(|| general.child_text("regCik"))
            .ok_or_else(|| {
                filing.wrong(
                    "`genInfo`",
                    "there is neither `seriesId` nor `regCik`, so the fund has no code",
                )
            })?
            .to_owned(),
        name: general
            .child_text("seriesName")
            .map_or_else(|| text("regName"), Ok)?
            .to_owned(),
        total: lakh(filing.number(info, "netAssets", "`fundInfo`")?),
        currency: "USD",
        lines: Vec::new(),
        derivatives: Vec::new(),
    };
    filing.cash(info, &mut statement)?;
    let positions = form
        .child("invstOrSecs")
        .map_or(&[][..], |list| &list.children);
    for (row, position) in (1..).zip(positions) {
        filing.position(row, position, &mut statement)?;
    }
    Ok(statement)
}

fn lakh(amount: f64) -> f64 {
    amount / 100_000.0
}

struct Filing<'a> {
    document: &'a str,
}

impl<'a> Filing<'a> {
    /// Cash that is in no position. Line 0: the positions count from 1.
    fn cash(&self, info: &Element, statement: &mut Statement) -> Result<(), LoadError> {
        if info.child("cshNotRptdInCorD").is_none() {
            return Ok(());
        }
        let cash = self.number(info, "cshNotRptdInCorD", "`fundInfo`")?;
        if cash != 0.0 {
            statement.lines.push(Line {
                instrument: "Cash not reported among the positions".to_owned(),
                value: lakh(cash),
                ..Line::default()
            });
        }
        Ok(())
    }

    fn position(
        &self,
        row: u32,
        position: &Element,
        statement: &mut Statement,
    ) -> Result<(), LoadError> {
        let place = format!("position {row}");
        let name = position
            .child_text("title")
            .or_else(|| position.child_text("name"));
        let instrument = name
            .ok_or_else(|| self.wrong(&place, "it has neither a `title` nor a `name`"))?
            .to_owned();
        let value = lakh(self.number(position, "valUSD", &place)?);
        let share = self.number(position, "pctVal", &place)? / 100.0;
        let quantity = self.number(position, "balance", &place)?;
        let category = category(position);
        if let Some(info) = position.child("derivativeInfo") {
            statement.derivatives.push(derivative(
                info,
                Derivative {
                    row,
                    kind: category.map(str::to_owned),
                    class: "other",
                    instrument,
                    underlying: None,
                    expiry: None,
                    counterparty: None,
                    industry: None,
                    quantity: Some(quantity),
                    value,
                    share: Some(share),
                    is_in_total: true,
                },
            ));
            return Ok(());
        }
        statement.lines.push(Line {
            row,
            section: Some(section(category).to_owned()),
            part: category.map(str::to_owned),
            instrument,
            isin: isin(position).map(str::to_owned),
            industry_rating: issuer(position).map(str::to_owned),
            quantity: Some(quantity),
            value,
            share: Some(share),
            terms: Some(self.terms(position, &place)?),
            ..Line::default()
        });
        Ok(())
    }

    /// How often a coupon is paid is not stated, so no yield can be modelled.
    fn terms(&self, position: &Element, place: &str) -> Result<Terms, LoadError> {
        let Some(debt) = position.child("debtSec") else {
            return Ok(Terms::default());
        };
        let maturity = debt
            .child_text("maturityDt")
            .and_then(|day| day.parse().ok());
        let coupon = match debt.child("annualizedRt") {
            Some(_) => Some(self.number(debt, "annualizedRt", place)?),
            None => None,
        };
        Ok(Terms {
            coupon,
            maturity,
            coupons_per_year: None,
            is_floating: matches!(debt.child_text("couponKind"), Some("Floating" | "Variable")),
        })
    }

    fn child<'b>(
        &self,
        parent: &'b Element,
        name: &str,
        place: &str,
    ) -> Result<&'b Element, LoadError> {
        parent
            .child(name)
            .ok_or_else(|| self.wrong(place, format!("there is no `{name}`")))
    }

    fn text<'b>(&self, parent: &'b Element, name: &str, place: &str) -> Result<&'b str, LoadError> {
        let child = self.child(parent, name, place)?;
        child
            .text()
            .ok_or_else(|| self.wrong(place, format!("`{name}` is empty")))
    }

    fn number(&self, parent: &Element, name: &str, place: &str) -> Result<f64, LoadError> {
        let text = self.text(parent, name, place)?;
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| {
            self.wrong(
                place,
                format!("`{name}` is `{text}`, and should be a number"),
            )
        })
    }

    fn wrong(&self, place: &str, message: impl Into<String>) -> LoadError {
        LoadError::malformed(self.document, place, message)
    }
}

/// The asset category stands in an element, or in the attribute of one where the filer has to describe it.
fn category(position: &Element) -> Option<&str> {
    position.child_text("assetCat").or_else(|| {
        position
            .child("assetConditional")
            .and_then(|other| other.attribute("assetCat"))
    })
}

fn isin(position: &Element) -> Option<&str> {
    position
        .child("identifiers")?
        .child("isin")?
        .attribute("value")
}

/// The kind of the issuer, which stands where statements have industry or rating.
fn issuer(position: &Element) -> Option<&str> {
    position.child_text("issuerCat").or_else(|| {
        position
            .child("issuerConditional")
            .and_then(|other| other.attribute("issuerCat"))
    })
}

/// The heading under which a statement would have a position of this category.
fn section(category: Option<&str>) -> &'static str {
    match category {
        Some("EC" | "EP") => "Equity",
        Some("STIV" | "RA") => "Money Market Instruments",
        Some("DBT" | "LON" | "SN") => "Debt Instruments",
        Some(other) if other.starts_with("ABS") => "Debt Instruments",
        _ => "Other",
    }
}

/// What the block of a derivative says of its class, its other side and its last day. Blocks inside it describe what it is
/// on, and are not asked.
fn derivative(info: &Element, derivative: Derivative) -> Derivative {
    let Some(block) = info.children.first() else {
        return derivative;
    };
    let class = match block.name.as_str() {
        "fwdDeriv" => "forward",
        "futrDeriv" => "future",
        "swapDeriv" => "swap",
        "optionSwaptionWarrantDeriv" => "option",
        _ => "other",
    };
    let counterparty = block
        .child("counterparties")
        .and_then(|side| side.child_text("counterpartyName"));
    let last_day = ["settlementDt", "terminationDt", "expDate", "expDt"]
        .iter()
        .find_map(|name| block.child_text(name)?.parse().ok());
    Derivative {
        class,
        counterparty: counterparty.map(str::to_owned),
        expiry: last_day,
        ..derivative
    }
}
