//! One statement of a step as the server takes it: `$1` for `:name`, and the way back from the server's positions.
//!
//! Pure. Values are never put into the text. The server counts positions in characters of what it was sent; people want the
//! byte in what they wrote.

use carril_model::sql::{Script, Statement};

/// First words, besides those of [`Script::transaction_control`], of statements that reach beyond their step: they would end
/// its transaction, or stay on the connection, which another lane has next.
const BEYOND: [&str; 8] = [
    "DISCARD",
    "DEALLOCATE",
    "LISTEN",
    "UNLISTEN",
    "LOAD",
    "RESET",
    "SET",
    "PREPARE",
];

/// How values get their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// One per name: the server sees that two uses are the same, as `group by` needs it.
    PerName,
    /// One per use: each may be of another type.
    PerUse,
}

/// A statement ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// The names of its values, in the order of their numbers.
    pub(crate) names: Vec<String>,
    /// Where each name stands first, as a byte range of the script.
    pub(crate) places: Vec<std::ops::Range<usize>>,
    /// Where stretches begin: in the text sent, in the script, and whether it stands there as it was written.
    pieces: Vec<(usize, usize, bool)>,
    end: usize,
}

impl Written {
    pub(crate) fn new(script: &Script, statement: &Statement, numbers: Numbers) -> Self {
        let mut written = Self {
            text: String::with_capacity(statement.range.len()),
            names: Vec::new(),
            places: Vec::new(),
            pieces: Vec::new(),
            end: statement.range.end,
        };
        let mut from = statement.range.start;
        let own = script
            .placeholders()
            .iter()
            .filter(|placeholder| statement.range.contains(&placeholder.range.start));
        for placeholder in own {
            written.take(script, from..placeholder.range.start);
            let known = match numbers {
                Numbers::PerName => written
                    .names
                    .iter()
                    .position(|name| *name == placeholder.name),
                Numbers::PerUse => None,
            };
            let number = known.unwrap_or_else(|| {
                written.names.push(placeholder.name.clone());
                written.places.push(placeholder.range.clone());
                written.names.len() - 1
            });
            written
                .pieces
                .push((written.text.len(), placeholder.range.start, false));
            written.text.push_str(&format!("${}", number + 1));
            from = placeholder.range.end;
        }
        written.take(script, from..statement.range.end);
        written
    }

    fn take(&mut self, script: &Script, range: std::ops::Range<usize>) {
        self.pieces.push((self.text.len(), range.start, true));
        self.text.push_str(&script.text()[range]);
    }

    /// The byte of the script for a position that the server told: characters of what it was sent, from 1.
    pub(crate) fn source(&self, position: u32) -> usize {
        let nth = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let at = self
            .text
            .char_indices()
            .nth(nth)
            .map_or(self.text.len(), |(at, _)| at);
        let piece = self.pieces.iter().rev().find(|(start, _, _)| *start <= at);
        match piece {
            Some((start, source, true)) => (source + at - start).min(self.end),
            Some((_, source, false)) => *source,
            None => self.end,
        }
    }
}

/// Why a step's SQL may not have a statement, or `None`.
pub(crate) fn refusal(script: &Script, statement: &Statement) -> Option<String> {
    let words = || {
        script
            .names()
            .filter(|(_, at)| statement.range.contains(at))
            .map(|(word, _)| word.to_ascii_uppercase())
    };
    let second = words().nth(1).unwrap_or_default();
    if script.transaction_control().any(|found| found == statement)
        || (statement.first_word == "PREPARE" && second == "TRANSACTION")
    {
        return Some(match statement.first_word.as_str() {
            "ATTACH" | "DETACH" | "PRAGMA" => return None,
            "VACUUM" => "a step is one transaction, in which `VACUUM` cannot run".to_owned(),
            _ => "a step is one transaction that Carril begins and ends; its SQL may not begin, end or nest one"
                .to_owned(),
        });
    }
    match statement.first_word.as_str() {
        "SET" if matches!(second.as_str(), "LOCAL" | "CONSTRAINTS") => None,
        "SET" => Some(
            "a setting would stay on the connection, which another lane has next; write `set local`"
                .to_owned(),
        ),
        "COPY" if words().any(|word| word == "STDIN" || word == "STDOUT") => Some(
            "`COPY` from or to a client has no client here; insert rows instead".to_owned(),
        ),
        word if BEYOND.contains(&word) => Some(format!(
            "a step's SQL may not use `{word}`: it would stay on the connection, which another lane has next"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
