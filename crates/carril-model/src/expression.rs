//! `when` and `lanes.key`: Jinja expressions over `entity`, `param`, `steps` and `run`.
//!
//! Compiled once at load, bounded in cost by fuel, strict about names: what is not there is an error, never an empty text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An expression as written; compiled on first use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expression {
    source: String,
}

impl Expression {
    /// The text as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates to a value.
    ///
    /// # Errors
    /// A sentence that names the missing value or the wrong operation.
    pub fn evaluate(&self, _context: &Value) -> Result<Value, String> {
        Err(String::new())
    }

    /// Evaluates to yes or no, by Jinja's rules of truth.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn holds(&self, context: &Value) -> Result<bool, String> {
        self.evaluate(context).map(|value| value == Value::Bool(true))
    }
}
