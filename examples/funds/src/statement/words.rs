//! What a statement writes in words: labels, dates, numbers and percentages as text, coupon and maturity inside a bond's
//! name, and which lines are cash. Pure functions of text.

use crate::workbook::Cell;
use jiff::civil::Date;

/// A label as labels are compared: lower case, one blank between words, without footnote marks.
pub(crate) fn label(text: &str) -> String {
    let unmarked: String = text
        .chars()
        .filter(|c| !matches!(c, '^' | '*' | '#' | '$' | '@'))
        .collect();
    unmarked
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// Whether a heading is that of a part, as `(b) Government Securities` is, even where the heading of its section has been
/// left out, which happens.
pub(crate) fn is_numbered(heading: &str) -> bool {
    let mut letters = heading.trim_start().chars();
    letters.next() == Some('(')
        && letters.next().is_some_and(char::is_alphanumeric)
        && letters.next() == Some(')')
}

/// Whether lines under these headings are fixed income: bonds and money market papers.
pub(crate) fn is_fixed_income(section: Option<&str>, part: Option<&str>) -> bool {
    let section = section.map(label).unwrap_or_default();
    let part = part.map(label).unwrap_or_default();
    ["debt", "money market"]
        .iter()
        .any(|start| section.starts_with(start))
        || ["government securities", "securitised debt"]
            .iter()
            .any(|name| part.contains(name))
}

/// The date in `Monthly Portfolio Statement as on June 30,2024`.
pub(crate) fn as_on(text: &str) -> Option<Result<Date, String>> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let at = words.to_lowercase().find("as on ")?;
    let written = words.get(at + "as on ".len()..)?.trim();
    Some(date(written).ok_or_else(|| {
        format!("the date `{written}` cannot be read; it should be written as June 30, 2024 or 30-Jun-2024")
    }))
}

fn date(text: &str) -> Option<Date> {
    const FORMATS: [&str; 8] = [
        "%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y", "%d-%b-%Y", "%d-%B-%Y", "%d/%m/%Y",
        "%Y-%m-%d",
    ];
    let plain = text
        .replace(',', " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    FORMATS
        .iter()
        .find_map(|format| Date::strptime(format, &plain).ok())
}

/// A number, also where it is written as text with separators. `None` is an empty cell or a word that says "nothing".
///
/// # Errors
/// The text, where it is neither.
pub(crate) fn number(cell: &Cell) -> Result<Option<f64>, String> {
    match cell {
        Cell::Empty => Ok(None),
        Cell::Number(number) => Ok(Some(*number)),
        Cell::Text(text) if is_nothing(text) => Ok(None),
        Cell::Text(text) => match text.replace(',', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(text.clone()),
        },
    }
}

/// A fraction: a number as it is, or text such as `0.57%`. `$0.00%`, or a mark such as `^` alone, stands for "less than 0.01 %"
/// and is 0.
///
/// # Errors
/// The text, where it is neither.
pub(crate) fn fraction(cell: &Cell) -> Result<Option<f64>, String> {
    if let Cell::Text(text) = cell
        && text.trim_matches(['$', '^', '*', '@', '#', ' ']).is_empty()
    {
        return Ok(Some(0.0));
    }
    if let Cell::Text(text) = cell
        && let Some(percent) = text.trim_matches(['$', '^', '*', ' ']).strip_suffix('%')
    {
        let percent = percent.trim().replace(',', "");
        return percent
            .parse::<f64>()
            .map(|percent| Some(percent / 100.0))
            .map_err(|_| text.clone());
    }
    number(cell)
}

fn is_nothing(text: &str) -> bool {
    matches!(
        text.to_lowercase().as_str(),
        "nil" | "na" | "n.a." | "n/a" | "-" | "--"
    )
}

/// The yearly coupon in percent that a bond's name begins with: 7.65 in `7.65% Some Company (10/06/2027)`.
pub(crate) fn coupon(instrument: &str) -> Option<f64> {
    let (number, _) = instrument.trim_start().split_once('%')?;
    number
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|coupon| (0.0..100.0).contains(coupon))
}

/// The maturity that a bond's name holds: in brackets as day/month/year, the last one where there are several, or as the
/// word `17DEC32` or `04DEC2025`, as treasury bills and strips have it.
pub(crate) fn maturity(instrument: &str) -> Option<Date> {
    instrument
        .rsplit('(')
        .filter_map(|part| part.split_once(')'))
        .find_map(|(inside, _)| Date::strptime("%d/%m/%Y", inside.trim()).ok())
        .or_else(|| instrument.split([' ', '-', '(', ')']).find_map(short_day))
}

/// `17DEC32` or `04DEC2025`. A year of two digits is one of this century: no bond of the last one is still running.
fn short_day(word: &str) -> Option<Date> {
    let year_at = word.find(|c: char| c.is_ascii_alphabetic())? + 3;
    let (day_month, year) = word.split_at_checked(year_at)?;
    let format = match (day_month.len(), year.len()) {
        (4 | 5, 2) => return Date::strptime("%d%b%Y", format!("{day_month}20{year}")).ok(),
        (4 | 5, 4) => "%d%b%Y",
        _ => return None,
    };
    Date::strptime(format, word).ok()
}

/// Whether a bond's name says that its coupon follows a rate: `(FRN)`, a floating rate note.
pub(crate) fn is_floating(instrument: &str) -> bool {
    has_word(instrument, &["frn", "frb"])
}

/// Whether a name is that of a paper without coupons, sold at a discount: `(ZCB)`, strips, treasury bills.
pub(crate) fn is_discounted(instrument: &str) -> bool {
    has_word(instrument, &["zcb", "strips", "tbill", "dtb"])
        || label(instrument).contains("t-bill")
        || label(instrument).contains("treasury bill")
}

fn has_word(instrument: &str, wanted: &[&str]) -> bool {
    let name = instrument.to_lowercase();
    name.split(|c: char| !c.is_alphanumeric())
        .any(|word| wanted.contains(&word))
}

/// The class of a derivative: from the heading that it stands under, or its own name.
pub(crate) fn derivative_class(kind: Option<&str>, instrument: &str) -> &'static str {
    let text = format!(
        "{} {}",
        kind.map(label).unwrap_or_default(),
        label(instrument)
    );
    let has = |word: &str| text.contains(word);
    if has("swap") {
        "swap"
    } else if has("option") {
        "option"
    } else if has("future") {
        "future"
    } else if has("forward") {
        "forward"
    } else {
        "other"
    }
}

/// The symbol that a future's name begins with: `TATAMOTORS` in `TATAMOTORS_(31/07/2025)`.
pub(crate) fn underlying(instrument: &str) -> Option<&str> {
    let (symbol, _) = instrument.split_once('(')?;
    let symbol = symbol.trim().trim_end_matches('_').trim();
    (!symbol.is_empty()).then_some(symbol)
}

/// Which kind of cash a line is, or `None` where it is a holding such as a bond or gold. Reverse repos carry codes of
/// the shape of an ISIN (`GSECREPO0626`), so under their own heading no code makes a line a security.
pub(crate) fn cash_kind(
    instrument: &str,
    part: Option<&str>,
    isin: Option<&str>,
) -> Option<&'static str> {
    let instrument = label(instrument);
    let part = part.map(label).unwrap_or_default();
    let has = |word: &str| instrument.contains(word);
    let is_overnight = part.contains("treps") || part.contains("reverse repo");
    if isin.is_some() && !is_overnight {
        None
    } else if has("receivable") || has("payable") || has("net current asset") {
        Some("net_receivables")
    } else if has("margin") {
        Some("margin")
    } else if has("reverse repo") {
        Some("reverse_repo")
    } else if is_overnight || has("treps") {
        Some("treps")
    } else if instrument.starts_with("cash") || has("bank balance") {
        Some("cash_and_bank")
    } else {
        None
    }
}
