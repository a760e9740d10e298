//! Single values of a table by their type, each with the finding that says what would be right.

use super::super::similar::{one_of, suggestion};
use super::{Reader, Section, readable};
use crate::finding::Finding;
use crate::schema::Table;
use serde_json::{Map, Number, Value};
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

impl Reader<'_> {
    pub(super) fn text(&mut self, section: &Section<'_>, key: &str) -> Option<String> {
        let value = section.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text.clone().into_owned()),
            other => self.wrong_type(&section.path_of(key), "text", other),
        }
    }

    pub(super) fn required_text(
        &mut self,
        section: &Section<'_>,
        key: &str,
        help: &str,
    ) -> Option<String> {
        self.require(section, key, help);
        self.text(section, key)
    }

    /// Reports a key that is not there, at the table that lacks it.
    pub(super) fn require(&mut self, section: &Section<'_>, key: &str, help: &str) {
        if self.lacks(section, key) {
            let what = if section.path.is_empty() {
                "the pipeline".to_owned()
            } else {
                format!("this `{}`", readable(&section.path))
            };
            self.report(
                &section.path,
                "CAR0104",
                format!("{what} has no `{key}`"),
                help,
            );
        }
    }

    /// A text of a certain form.
    pub(super) fn formed<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        form: fn(&str) -> Result<T, String>,
        help: &str,
    ) -> Option<T> {
        let text = match section.get(key)?.get_ref() {
            DeValue::String(text) => text,
            other => {
                self.report(
                    &section.path_of(key),
                    "CAR0103",
                    format!("`{key}` takes text, not {}", kind(other)),
                    help,
                );
                return None;
            }
        };
        match form(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.report(&section.path_of(key), "CAR0105", problem, help);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let help = format!("it is {}", one_of(&words));
        let text = self.formed(section, key, |text| Ok(text.to_owned()), &help)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let help = match suggestion(&text, words.iter().copied()) {
            Some(help) if help.starts_with("did you") => help,
            _ => help,
        };
        self.report(
            &section.path_of(key),
            "CAR0105",
            format!("`{key}` cannot be `{text}`"),
            help,
        );
        None
    }

    pub(super) fn boolean(&mut self, section: &Section<'_>, key: &str) -> Option<bool> {
        match section.get(key)?.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            other => self.wrong_type(&section.path_of(key), "`true` or `false`", other),
        }
    }

    /// A whole number within bounds.
    pub(super) fn integer(
        &mut self,
        section: &Section<'_>,
        key: &str,
        bounds: RangeInclusive<u32>,
    ) -> Option<u32> {
        let number = match section.get(key)?.get_ref() {
            DeValue::Integer(number) => number,
            other => return self.wrong_type(&section.path_of(key), "a whole number", other),
        };
        let value = whole(number)
            .and_then(|value| u32::try_from(value).ok())
            .filter(|value| bounds.contains(value));
        if value.is_none() {
            let help = format!("it is between {} and {}", bounds.start(), bounds.end());
            self.report(
                &section.path_of(key),
                "CAR0105",
                format!("`{key}` cannot be {number}"),
                help,
            );
        }
        value
    }

    /// A small whole number that may be negative, within bounds.
    pub(super) fn signed(
        &mut self,
        section: &Section<'_>,
        key: &str,
        bounds: RangeInclusive<i8>,
    ) -> Option<i8> {
        let number = match section.get(key)?.get_ref() {
            DeValue::Integer(number) => number,
            other => return self.wrong_type(&section.path_of(key), "a whole number", other),
        };
        let value = whole(number)
            .and_then(|value| i8::try_from(value).ok())
            .filter(|value| bounds.contains(value));
        if value.is_none() {
            let help = format!("it is between {} and {}", bounds.start(), bounds.end());
            self.report(
                &section.path_of(key),
                "CAR0105",
                format!("`{key}` cannot be {number}"),
                help,
            );
        }
        value
    }

    pub(super) fn texts(&mut self, section: &Section<'_>, key: &str) -> Option<Vec<String>> {
        let items = match section.get(key)?.get_ref() {
            DeValue::Array(items) => items,
            other => return self.wrong_type(&section.path_of(key), "a list of texts", other),
        };
        let mut texts = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(text.clone().into_owned()),
                other => {
                    let path = format!("{}/{at}", section.path_of(key));
                    self.wrong_type::<()>(&path, "text", other);
                    // Keeps the others at their positions, by which findings name them.
                    texts.push(format!("item-{at}"));
                }
            }
        }
        Some(texts)
    }

    /// A table inside this one.
    pub(super) fn table<'t>(
        &mut self,
        section: &Section<'t>,
        key: &str,
        known: &'static Table,
    ) -> Option<Section<'t>> {
        let value = section.get(key)?;
        self.as_table(section.path_of(key), value, known)
    }

    pub(super) fn as_table<'t>(
        &mut self,
        path: String,
        value: &'t Spanned<DeValue<'t>>,
        known: &'static Table,
    ) -> Option<Section<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(self.section(path, table, known)),
            other => self.wrong_type(&path, "a table", other),
        }
    }

    /// A table whose keys are names of the pipeline's own.
    pub(super) fn named<'t>(
        &mut self,
        section: &Section<'t>,
        key: &str,
    ) -> Option<(String, &'t DeTable<'t>)> {
        let path = section.path_of(key);
        match section.get(key)?.get_ref() {
            DeValue::Table(table) => Some((path, table)),
            other => self.wrong_type(&path, "a table", other),
        }
    }

    /// A list of tables.
    pub(super) fn tables<'t>(
        &mut self,
        section: &Section<'t>,
        key: &str,
        known: &'static Table,
    ) -> Vec<Section<'t>> {
        let Some(value) = section.get(key) else {
            return Vec::new();
        };
        let path = section.path_of(key);
        let DeValue::Array(items) = value.get_ref() else {
            let help = format!(
                "write `[[{}]]`, with two brackets, before each of them",
                readable(&path)
            );
            self.report(
                &path,
                "CAR0103",
                format!("`{key}` is a list of tables, not {}", kind(value.get_ref())),
                help,
            );
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| self.as_table(format!("{path}/{at}"), item, known))
            .collect()
    }

    /// Any value, as JSON; days and times become text.
    pub(super) fn json(&mut self, path: &str, value: &DeValue<'_>) -> Option<Value> {
        match value {
            DeValue::String(text) => Some(Value::from(&**text)),
            DeValue::Boolean(value) => Some(Value::from(*value)),
            DeValue::Datetime(time) => Some(Value::from(time.to_string())),
            DeValue::Integer(number) => match whole(number) {
                Some(value) => Some(Value::from(value)),
                None => self.no_json(path, &format!("{number} does not fit 64 bits")),
            },
            DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64)
            {
                Some(value) => Some(Value::Number(value)),
                None => self.no_json(path, &format!("{number} is no number that can be kept")),
            },
            DeValue::Array(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| self.json(&format!("{path}/{at}"), item.get_ref()))
                .collect(),
            DeValue::Table(table) => {
                let fields = table.iter().map(|(key, value)| {
                    let key = key.get_ref().to_string();
                    self.json(&format!("{path}/{key}"), value.get_ref())
                        .map(|value| (key, value))
                });
                fields
                    .collect::<Option<Map<String, Value>>>()
                    .map(Value::Object)
            }
        }
    }

    fn no_json(&mut self, path: &str, message: &str) -> Option<Value> {
        self.report(
            path,
            "CAR0105",
            message,
            "numbers are finite and fit 64 bits; write another one, or its text in quotes",
        );
        None
    }

    pub(super) fn wrong_type<T>(
        &mut self,
        path: &str,
        expected: &str,
        found: &DeValue<'_>,
    ) -> Option<T> {
        let key = path
            .rsplit('/')
            .find(|part| part.parse::<usize>().is_err())
            .unwrap_or(path);
        let help = match expected {
            "text" => format!("text stands in quotes, as in `{key} = \"…\"`"),
            "a whole number" => {
                format!("a whole number has neither quotes nor a point, as in `{key} = 50`")
            }
            "`true` or `false`" => {
                format!("write `{key} = true` or `{key} = false`, without quotes")
            }
            "a table" => {
                "a table has `key = value` in braces, or below its own `[header]`".to_owned()
            }
            _ => format!("a list stands in brackets, as in `{key} = [\"one\", \"two\"]`"),
        };
        if !self.is_full() {
            let finding = Finding::error(
                "CAR0103",
                format!("`{key}` takes {expected}, not {}", kind(found)),
            );
            self.findings
                .push(finding.help(help).maybe_at(self.places.at(path)));
        }
        None
    }
}

/// The number, if it fits.
pub(super) fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// What people call a value's type.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
