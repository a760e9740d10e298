//! Tells by its content what a document is. Names and endings are not asked: a workbook saved as XLSX is often called
//! `.xls`, and a price file is called after its date.

#[cfg(test)]
mod tests;

/// What a document can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Excel 97 to 2003, an OLE container.
    Xls,
    /// Excel 2007 and later, a zip of XML.
    Xlsx,
    /// The exchange's daily price file.
    Prices,
    /// The exchange's list of an index's members.
    IndexList,
    /// The European Central Bank's reference rates.
    Rates,
    /// A fund's monthly filing with the SEC, Form N-PORT, as XML.
    Filing,
}

const OLE_MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Returns the kind, or what the document looks like instead.
pub(crate) fn of(bytes: &[u8]) -> Result<Kind, String> {
    if bytes.starts_with(OLE_MAGIC) {
        return Ok(Kind::Xls);
    }
    if bytes.starts_with(ZIP_MAGIC) {
        return Ok(Kind::Xlsx);
    }
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if crate::filing::is_filing(bytes) {
        return Ok(Kind::Filing);
    }
    let head = first_line(bytes).ok_or_else(|| {
        format!(
            "it has {} bytes and is neither text nor a workbook",
            bytes.len()
        )
    })?;
    let labels: Vec<String> = head.split(',').map(normalised).collect();
    let has = |label: &str| labels.iter().any(|found| found == label);
    if ["symbol", "series", "date1", "close_price"]
        .iter()
        .all(|label| has(label))
    {
        return Ok(Kind::Prices);
    }
    if ["symbol", "isin code", "industry"]
        .iter()
        .all(|label| has(label))
    {
        return Ok(Kind::IndexList);
    }
    if labels[0] == "date" && has("usd") && labels[1..].iter().all(|label| is_currency(label)) {
        return Ok(Kind::Rates);
    }
    let shown: String = head.chars().take(80).collect();
    Err(format!("it is text that begins with `{shown}`"))
}

/// A column's label as labels are compared: lower case, without quotes and blanks around it.
pub(crate) fn normalised(label: &str) -> String {
    label.trim().trim_matches('"').trim().to_lowercase()
}

/// Text without the mark that some programs put before UTF-8.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn first_line(bytes: &[u8]) -> Option<&str> {
    let bytes = without_mark(bytes);
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let line = std::str::from_utf8(&bytes[..end.unwrap_or(bytes.len())]).ok()?;
    (!line
        .chars()
        .any(|character| character.is_control() && character != '\t'))
    .then_some(line)
}

fn is_currency(label: &str) -> bool {
    label.is_empty() || label.len() == 3 && label.chars().all(|letter| letter.is_ascii_lowercase())
}
