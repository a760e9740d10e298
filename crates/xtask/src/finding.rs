//! What a check has to say: one finding per fault, always with what is wrong and what would be right.
//!
//! Checks return findings and never print; `check` prints them all at the end. A finding is either an error, which
//! makes the command fail, or a warning, for habits that are not yet walls.

use std::fmt;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Told, and nothing more.
    Warning,
    /// Makes the whole command fail.
    Error,
}

/// One fault, found by one rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rule's name, `part/rule`; exceptions are granted by it.
    pub(crate) rule: &'static str,
    /// How much it weighs.
    pub(crate) weight: Weight,
    /// The file, relative to the workspace, or the command that failed.
    pub(crate) path: String,
    /// The line in that file, counted from 1.
    pub(crate) line: Option<usize>,
    /// What is wrong, with the name or number that is.
    pub(crate) wrong: String,
    /// What would be right.
    pub(crate) right: String,
}

impl Finding {
    /// Returns an error of `rule` about a whole file.
    pub(crate) fn error(
        rule: &'static str,
        path: impl Into<String>,
        wrong: impl Into<String>,
        right: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            weight: Weight::Error,
            path: path.into(),
            line: None,
            wrong: wrong.into(),
            right: right.into(),
        }
    }

    /// Returns the same finding, at a line.
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Returns the same finding as a warning.
    pub(crate) fn into_warning(mut self) -> Self {
        self.weight = Weight::Warning;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Warning => "warning",
            Weight::Error => "error",
        };
        write!(formatter, "{weight}[{}]: {}", self.rule, self.path)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        write!(
            formatter,
            "\n  wrong: {}\n  right: {}",
            self.wrong, self.right
        )
    }
}
