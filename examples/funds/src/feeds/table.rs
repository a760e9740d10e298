//! A CSV text read by the names of its columns, with errors that name line and column.

use crate::error::LoadError;
use crate::kind::{normalised, without_mark};

/// A CSV document and where its columns are.
pub(crate) struct Table<'a> {
    document: &'a str,
    labels: Vec<String>,
    reader: csv::Reader<&'a [u8]>,
}

/// One record with its line in the document, counted from 1.
pub(crate) struct Record<'a> {
    document: &'a str,
    pub(crate) line: u64,
    fields: csv::StringRecord,
}

impl<'a> Table<'a> {
    pub(crate) fn open(document: &'a str, bytes: &'a [u8]) -> Result<Self, LoadError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(without_mark(bytes));
        let header = reader
            .headers()
            .map_err(|error| LoadError::malformed(document, "line 1", error.to_string()))?;
        let labels = header.iter().map(normalised).collect();
        Ok(Self {
            document,
            labels,
            reader,
        })
    }

    pub(crate) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Where the column of this label is.
    pub(crate) fn column(&self, label: &str) -> Result<usize, LoadError> {
        self.labels
            .iter()
            .position(|found| found == label)
            .ok_or_else(|| {
                let message = format!(
                    "there is no column `{label}`; found {}",
                    self.labels.join(", ")
                );
                LoadError::malformed(self.document, "line 1", message)
            })
    }

    /// The next record that holds anything.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'a>>, LoadError> {
        let mut fields = csv::StringRecord::new();
        loop {
            let more = self.reader.read_record(&mut fields).map_err(|error| {
                let line = error.position().map_or(0, csv::Position::line);
                LoadError::malformed(self.document, format!("line {line}"), error.to_string())
            })?;
            if !more {
                return Ok(None);
            }
            if fields.iter().any(|field| !field.is_empty()) {
                let line = fields.position().map_or(0, csv::Position::line);
                return Ok(Some(Record {
                    document: self.document,
                    line,
                    fields,
                }));
            }
        }
    }
}

impl Record<'_> {
    pub(crate) fn optional(&self, column: usize) -> Option<&str> {
        self.fields.get(column).filter(|field| !field.is_empty())
    }

    pub(crate) fn text(&self, column: usize, label: &str) -> Result<&str, LoadError> {
        self.optional(column)
            .ok_or_else(|| self.wrong(format!("`{label}` is empty")))
    }

    pub(crate) fn number(&self, column: usize, label: &str) -> Result<f64, LoadError> {
        let text = self.text(column, label)?;
        parse_number(text)
            .ok_or_else(|| self.wrong(format!("`{label}` is `{text}`, and should be a number")))
    }

    /// A number where the document may leave it out, as an empty field or a dash.
    pub(crate) fn number_or_none(
        &self,
        column: usize,
        label: &str,
    ) -> Result<Option<f64>, LoadError> {
        match self.optional(column) {
            None | Some("-") => Ok(None),
            Some(_) => self.number(column, label).map(Some),
        }
    }

    pub(crate) fn wrong(&self, message: impl Into<String>) -> LoadError {
        LoadError::malformed(self.document, format!("line {}", self.line), message)
    }
}

fn parse_number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}
