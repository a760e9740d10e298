//! A finding as plain text: what, where, the line with a caret, what would be right.

use crate::finding::{Finding, Place, Severity};
use std::fmt::Write;

/// Most characters of a line that are shown; of a longer one the part around the caret.
const WIDTH_MAX: usize = 120;

impl Finding {
    /// Draws it in plain text without colours, several lines with a line break at the end.
    ///
    /// ```text
    /// error[CAR0102]: there is no key `lane` here
    ///   --> pipeline.toml:3:1
    ///    |
    ///  3 | lane = 4
    ///    | ^^^^
    ///    = help: did you mean `lanes`?
    /// ```
    #[must_use]
    pub fn render(&self) -> String {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let margin = " ".repeat(
            self.place
                .as_ref()
                .map_or(1, |place| place.line.to_string().len()),
        );
        let mut out = format!("{kind}[{}]: {}\n", self.code, printable(&self.message));
        if let Some(place) = &self.place {
            let _ = writeln!(
                out,
                " {margin}--> {}:{}:{}",
                printable(&place.file),
                place.line,
                place.column
            );
            picture(&mut out, place, &margin);
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, " {margin} = help: {}", printable(help));
        }
        out
    }
}

/// The line with its caret; nothing where the line was too long to be kept as far as that.
fn picture(out: &mut String, place: &Place, margin: &str) {
    let column = place.column.saturating_sub(1) as usize;
    let line: Vec<char> = printable(&place.source).chars().collect();
    if column > line.len() {
        return;
    }
    let from = if line.len() <= WIDTH_MAX {
        0
    } else {
        column.saturating_sub(WIDTH_MAX / 3)
    };
    let until = line.len().min(from + WIDTH_MAX);
    let shown: String = line[from..until].iter().collect();
    let carets = (place.length as usize).clamp(1, (until - column).max(1));
    let _ = writeln!(out, " {margin} |");
    let _ = writeln!(out, " {} | {}", place.line, shown.trim_end());
    let _ = writeln!(
        out,
        " {margin} | {}{}",
        " ".repeat(column - from),
        "^".repeat(carets)
    );
}

/// One character for each, so that columns stay; no control character of a file reaches a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            other if other.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests;
