//! Parameters of a pipeline: what a launch must or may set. Their values are read and judged by the model.

use carril_model::definition::{self, ParameterKind};
use serde_json::Value;

/// What a launch must or may set.
#[derive(Debug, Clone)]
pub struct Parameter(definition::Parameter);

impl Parameter {
    /// Any text.
    #[must_use]
    pub const fn text() -> Self {
        Self::of(ParameterKind::Text)
    }

    /// A whole number of 64 bits.
    #[must_use]
    pub const fn integer() -> Self {
        Self::of(ParameterKind::Integer)
    }

    /// A number.
    #[must_use]
    pub const fn number() -> Self {
        Self::of(ParameterKind::Number)
    }

    /// `true` or `false`.
    #[must_use]
    pub const fn boolean() -> Self {
        Self::of(ParameterKind::Boolean)
    }

    /// A day, `YYYY-MM-DD`.
    #[must_use]
    pub const fn date() -> Self {
        Self::of(ParameterKind::Date)
    }

    /// Its value where a launch sets none; without one it must be set.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.0.default = Some(value.into());
        self
    }

    /// One line for people.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.0.description = Some(text.into());
        self
    }

    const fn of(kind: ParameterKind) -> Self {
        Self(definition::Parameter {
            kind,
            default: None,
            description: None,
        })
    }

    pub(super) fn into_model(self) -> definition::Parameter {
        self.0
    }
}
