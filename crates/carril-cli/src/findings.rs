//! Findings of a check as people see them: the place, the line itself, a caret under it, the code, and what would be right.
//! For programs they are one list.
//!
//! ```text
//! error[CAR0301]: the step writes `extract_ipa`, which all lanes share
//!   --> sql/extract.sql:3:13
//!    |
//!  3 | insert into extract_ipa select …
//!    |             ^^^^^^^^^^^
//!   help: name it in [workspace] tables
//! ```

use crate::output::number;
use crate::output::paint;
use carril::model::finding::{Finding, Place, Severity};
use std::fmt::Write as _;

/// Most characters of a source line that are shown; of longer ones the part around the caret.
const LINE_CHARACTERS_MAX: usize = 160;

/// All findings, one after the other, with an empty line between them.
pub(crate) fn draw(findings: &[Finding]) -> String {
    findings.iter().map(drawn).collect::<Vec<_>>().join("\n\n")
}

/// `2 errors, 1 warning`; `None` when there is nothing to tell.
pub(crate) fn tally(findings: &[Finding]) -> Option<String> {
    let of = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count() as u64
    };
    let parts = [
        (of(Severity::Error), "error", "errors"),
        (of(Severity::Warning), "warning", "warnings"),
        (of(Severity::Note), "note", "notes"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|part| part.0 > 0)
        .map(|(count, one, many)| number::of(*count, one, many))
        .collect();
    if said.is_empty() {
        None
    } else {
        Some(said.join(", "))
    }
}

fn drawn(finding: &Finding) -> String {
    let (name, painted): (&str, fn(&str) -> String) = match finding.severity {
        Severity::Error => ("error", paint::error),
        Severity::Warning => ("warning", paint::warning),
        Severity::Note => ("note", paint::note),
    };
    let head = painted(&format!("{name}[{}]", finding.code));
    let mut text = format!("{head}{}", paint::bold(&format!(": {}", finding.message)));
    if let Some(place) = &finding.place {
        text.push_str(&source(place, painted));
    }
    if let Some(help) = &finding.help {
        // Writing to a String cannot fail, here and below.
        let _ = write!(text, "\n  {} {help}", paint::help("help:"));
    }
    text
}

fn source(place: &Place, painted: fn(&str) -> String) -> String {
    let number = place.line.to_string();
    let margin = " ".repeat(number.len() + 1);
    let (shown, column) = window(&place.source, place.column as usize);
    let room = shown
        .chars()
        .count()
        .saturating_sub(column.saturating_sub(1))
        .max(1);
    let caret = "^".repeat((place.length as usize).clamp(1, room));
    // Tabs of the line stand under the line as tabs too, so that the caret meets its place whatever their width is.
    let lead: String = shown
        .chars()
        .take(column.saturating_sub(1))
        .map(|letter| if letter == '\t' { '\t' } else { ' ' })
        .collect();
    let bar = paint::gutter("|");
    let mut text = String::new();
    let _ = write!(
        text,
        "\n{margin}{} {}:{}:{}",
        paint::gutter("-->"),
        place.file,
        place.line,
        place.column
    );
    let _ = write!(text, "\n{margin} {bar}");
    let _ = write!(text, "\n {} {bar} {shown}", paint::gutter(&number));
    let _ = write!(text, "\n{margin} {bar} {lead}{}", painted(&caret));
    text
}

/// The part of a line that is shown, and the caret's column in it, from 1.
fn window(line: &str, column: usize) -> (String, usize) {
    let characters: Vec<char> = line.chars().collect();
    if characters.len() <= LINE_CHARACTERS_MAX {
        return (line.to_owned(), column);
    }
    let start = column
        .saturating_sub(LINE_CHARACTERS_MAX / 2)
        .min(characters.len() - LINE_CHARACTERS_MAX);
    let end = (start + LINE_CHARACTERS_MAX).min(characters.len());
    let mut shown: String = characters[start..end].iter().collect();
    let mut column = column - start;
    if start > 0 {
        shown.insert(0, '…');
        column += 1;
    }
    if end < characters.len() {
        shown.push('…');
    }
    (shown, column)
}

#[cfg(test)]
mod tests;
