//! The exchange's list of an index's members: the only place where symbols and ISINs stand side by side.

use super::table::Table;
use crate::error::LoadError;

/// A listed company's share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instrument {
    pub(crate) isin: String,
    pub(crate) symbol: String,
    pub(crate) series: String,
    pub(crate) company: String,
    pub(crate) industry: String,
}

/// Reads all members of a list.
pub(crate) fn read(document: &str, bytes: &[u8]) -> Result<Vec<Instrument>, LoadError> {
    let mut table = Table::open(document, bytes)?;
    let isin = table.column("isin code")?;
    let symbol = table.column("symbol")?;
    let series = table.column("series")?;
    let company = table.column("company name")?;
    let industry = table.column("industry")?;
    let mut instruments = Vec::new();
    while let Some(record) = table.next()? {
        let code = record.text(isin, "ISIN Code")?;
        if !is_isin(code) {
            return Err(record.wrong(format!(
                "`ISIN Code` is `{code}`, and should be two letters and ten letters or digits"
            )));
        }
        instruments.push(Instrument {
            isin: code.to_owned(),
            symbol: record.text(symbol, "Symbol")?.to_owned(),
            series: record.text(series, "Series")?.to_owned(),
            company: record.text(company, "Company Name")?.to_owned(),
            industry: record.text(industry, "Industry")?.to_owned(),
        });
    }
    if instruments.is_empty() {
        return Err(LoadError::malformed(
            document,
            "line 2",
            "there is no share in it",
        ));
    }
    Ok(instruments)
}

/// Whether the text has an ISIN's shape. The check digit is not computed: statements carry provisional codes.
pub(crate) fn is_isin(text: &str) -> bool {
    text.len() == 12
        && text.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
