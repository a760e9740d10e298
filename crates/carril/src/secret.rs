//! References in a target's URL to what must not be written down: `${env:NAME}` and `${file:PATH}`.
//!
//! They are resolved when a target is opened and nowhere else. What is stored, printed and put into errors is the text with
//! its references; [`Resolved`] gives its value only to whoever opens the target, and takes it out of texts again.

use std::fmt;
use std::ops::Range;

/// A reference in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference {
    /// Its bytes in the text, from `$` to `}`.
    range: Range<usize>,
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Environment(String),
    File(String),
}

/// Why a text's references cannot be read; the bytes of the text that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReferenceError {
    pub(crate) message: String,
    pub(crate) range: Range<usize>,
}

/// Gives what references stand for.
pub(crate) trait Secrets {
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// The text of a file.
    fn file(&self, path: &str) -> Result<String, String>;
}

/// A text with its references replaced. It is never shown: its `Debug` is the text as written.
pub(crate) struct Resolved {
    written: String,
    value: String,
    /// Every value that a reference stood for, with the reference.
    secrets: Vec<(String, String)>,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Resolved").field(&self.written).finish()
    }
}

impl Resolved {
    /// What the text stands for, for whoever opens the target.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }

    /// A text about the target, with references again where their values are in it.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for (value, reference) in self.secrets.iter().filter(|(value, _)| !value.is_empty()) {
            hidden = hidden.replace(value, reference);
        }
        hidden
    }
}

/// Looks whether the references of a text are written right, without resolving them.
pub(crate) fn check(text: &str) -> Result<(), ReferenceError> {
    references(text).map(|_| ())
}

/// How many references a text has, without resolving them.
pub(crate) fn count(text: &str) -> Result<usize, ReferenceError> {
    references(text).map(|found| found.len())
}

/// Replaces the references of a text.
///
/// # Errors
/// A sentence that names the reference that stands for nothing; never a value.
pub(crate) fn resolve(text: &str, secrets: &dyn Secrets) -> Result<Resolved, String> {
    let references = references(text).map_err(|error| error.message)?;
    let mut resolved = Resolved {
        written: text.to_owned(),
        value: String::with_capacity(text.len()),
        secrets: Vec::new(),
    };
    let mut from = 0;
    for reference in references {
        let written = &text[reference.range.clone()];
        let value = match &reference.source {
            Source::Environment(name) => secrets.variable(name).ok_or_else(|| {
                format!("`{written}`: there is no variable {name} in the environment")
            })?,
            Source::File(path) => {
                let text = secrets
                    .file(path)
                    .map_err(|why| format!("`{written}`: {why}"))?;
                // Editors end a file with a line break, which is no part of what it says.
                text.trim_end_matches(['\n', '\r']).to_owned()
            }
        };
        resolved.value.push_str(&text[from..reference.range.start]);
        resolved.value.push_str(&value);
        resolved.secrets.push((value, written.to_owned()));
        from = reference.range.end;
    }
    resolved.value.push_str(&text[from..]);
    Ok(resolved)
}

fn references(text: &str) -> Result<Vec<Reference>, ReferenceError> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|at| from + at) {
        let Some(end) = text[start..].find('}').map(|at| start + at + 1) else {
            let message =
                "`${` has no `}`; a reference is `${env:NAME}` or `${file:PATH}`".to_owned();
            return Err(ReferenceError {
                message,
                range: start..text.len(),
            });
        };
        let inner = &text[start + 2..end - 1];
        let source = match inner.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Source::Environment(name.to_owned()),
            Some(("file", path)) if !path.is_empty() => Source::File(path.to_owned()),
            _ => {
                let message = format!(
                    "`${{{inner}}}` is no reference; it is `${{env:NAME}}` or `${{file:PATH}}`"
                );
                return Err(ReferenceError {
                    message,
                    range: start..end,
                });
            }
        };
        found.push(Reference {
            range: start..end,
            source,
        });
        from = end;
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
