//! What a check has to say: a mistake or a doubt, with its place and what would be right.
//!
//! A finding is data; how it is drawn on a terminal is the command line's business.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a finding stops a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is launched.
    Error,
    /// It runs, and somebody should look.
    Warning,
    /// What could not be checked.
    Note,
}

/// A place in a file of the pipeline. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file, relative to the pipeline's folder.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters the caret underlines, at least 1.
    pub length: u32,
    /// The line itself, so that whoever draws the finding needs no file.
    pub source: String,
}

impl Place {
    /// The place of a byte range in a text; a range beyond the text is its end.
    #[must_use]
    pub fn of(file: &str, text: &str, range: std::ops::Range<usize>) -> Self {
        let start = floor_boundary(text, range.start);
        let end = floor_boundary(text, range.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let count = |part: &str| u32::try_from(part.chars().count()).unwrap_or(u32::MAX);
        Self {
            file: file.to_owned(),
            line: 1 + u32::try_from(text[..start].matches('\n').count()).unwrap_or(u32::MAX - 1),
            column: 1 + count(&text[line_start..start]),
            length: count(&text[start..end.min(line_end).max(start)]).max(1),
            source: text[line_start..line_end].trim_end_matches('\r').to_owned(),
        }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// One finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    pub code: String,
    /// Whether it stops a launch.
    pub severity: Severity,
    /// What is wrong, as a lowercase fragment without a full stop.
    pub message: String,
    /// Where, if it is about a place in a file.
    pub place: Option<Place>,
    /// What would be right.
    pub help: Option<String>,
}

impl Finding {
    /// An error without a place.
    #[must_use]
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity: Severity::Error,
            message: message.into(),
            place: None,
            help: None,
        }
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// The same with its place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same with what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(out, "{}:{}:{}: ", place.file, place.line, place.column)?;
        }
        write!(out, "{} [{}]", self.message, self.code)?;
        match &self.help {
            Some(help) => write!(out, "; {help}"),
            None => Ok(()),
        }
    }
}
