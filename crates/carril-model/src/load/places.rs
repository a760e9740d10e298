//! Where each part of a definition is written.
//!
//! Parts are named by paths like `stage/0/step/2/when`. A definition that was built in Rust has no places, except inside
//! SQL, which carries its text with it.

use crate::definition::{SqlStart, SqlText};
use crate::finding::Place;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Most characters of a line that a finding carries along; a file without line breaks must not be copied into each.
const SOURCE_CHARS_MAX: usize = 1_000;

/// Where each part of a definition is written; empty for one that was built in Rust.
#[derive(Debug, Clone, Default)]
pub struct Places {
    file: String,
    text: String,
    parts: BTreeMap<String, Part>,
}

#[derive(Debug, Clone)]
struct Part {
    range: Range<usize>,
    /// Where the value of a text begins, if it stands in the file byte for byte: no escapes.
    inner: Option<usize>,
}

impl Places {
    pub(super) fn of(file: &str, text: &str, tree: &DeTable<'_>) -> Self {
        let mut places = Self {
            file: file.to_owned(),
            text: text.to_owned(),
            parts: BTreeMap::new(),
        };
        places.add_table("", tree);
        places
    }

    /// The place of a part, or of the nearest one around it that is written.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<Place> {
        self.range(self.part(path).map_or(0..0, |part| part.range.clone()))
    }

    /// The place of a byte range of the file.
    pub(super) fn range(&self, range: Range<usize>) -> Option<Place> {
        (!self.file.is_empty()).then(|| place(&self.file, &self.text, range))
    }

    /// The place of a byte range inside a text value; the whole value where it has escapes.
    #[must_use]
    pub fn within(&self, path: &str, range: Range<usize>) -> Option<Place> {
        match self.parts.get(path).and_then(|part| part.inner) {
            Some(inner) => self.range(inner + range.start..inner + range.end),
            None => self.at(path),
        }
    }

    /// The place of a byte range inside SQL, in its own file or in the pipeline's.
    #[must_use]
    pub fn sql(&self, path: &str, sql: &SqlText, range: Range<usize>) -> Option<Place> {
        if sql.file == self.file {
            return self.within(path, range);
        }
        (!sql.file.is_empty()).then(|| place(&sql.file, &sql.text, range))
    }

    /// Where a text value begins in the file.
    pub(super) fn start(&self, path: &str) -> Option<SqlStart> {
        let part = self.parts.get(path)?;
        let begins = part.inner.unwrap_or(part.range.start);
        let place = self.range(begins..begins)?;
        Some(SqlStart {
            line: place.line,
            column: place.column,
            verbatim: part.inner.is_some(),
        })
    }

    fn part(&self, path: &str) -> Option<&Part> {
        let mut path = path;
        loop {
            if let Some(part) = self.parts.get(path) {
                return Some(part);
            }
            path = &path[..path.rfind('/')?];
        }
    }

    fn add_table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            self.add(&join(path, key.get_ref()), value.get_ref(), value.span());
        }
    }

    fn add(&mut self, path: &str, value: &DeValue<'_>, range: Range<usize>) {
        let inner = match value {
            DeValue::String(text) => inner(&self.text, &range, text),
            _ => None,
        };
        self.parts.insert(path.to_owned(), Part { range, inner });
        match value {
            DeValue::Table(table) => self.add_table(path, table),
            DeValue::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.add(&join(path, &at.to_string()), item.get_ref(), item.span());
                }
            }
            _ => {}
        }
    }
}

/// `stage/0` and `name` make `stage/0/name`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}/{key}")
    }
}

fn place(file: &str, text: &str, range: Range<usize>) -> Place {
    let mut place = Place::of(file, text, range);
    if let Some((end, _)) = place.source.char_indices().nth(SOURCE_CHARS_MAX) {
        place.source.truncate(end);
    }
    place
}

fn inner(text: &str, range: &Range<usize>, value: &str) -> Option<usize> {
    let written = text.get(range.clone())?;
    let quotes = [
        "\"\"\"\r\n",
        "\"\"\"\n",
        "'''\r\n",
        "'''\n",
        "\"\"\"",
        "'''",
        "\"",
        "'",
    ];
    let quote = quotes.iter().find(|quote| written.starts_with(*quote))?;
    written[quote.len()..]
        .starts_with(value)
        .then(|| range.start + quote.len())
}
