//! `when` and `lanes.key`: Jinja expressions over `entity`, `param`, `steps` and `run`.
//!
//! Compiled once, bounded in cost by fuel, strict about names: what is not there is an error, never an empty text. An
//! expression cannot call functions, load templates or touch anything outside the values it is given; which names exist
//! is not decided here but in [`crate::load`], which asks for [`Expression::names`].

mod names;

use crate::load::suggestion;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

pub use names::Name;

/// Most bytes of one expression. Longer chains of operators would nest deeper than a small stack takes; one that needs
/// more belongs into a column of the entities query.
pub const EXPRESSION_BYTES_MAX: usize = 1_024;

/// What one evaluation may cost: instructions, and a part of one for every byte and item made or visited. A usual
/// condition costs less than twenty; this much takes about a millisecond.
const FUEL: u64 = 20_000;

/// An expression as written. It is equal to another with the same text, and stored as its text.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Expression {
    source: String,
    /// Shared by all clones, so that every lane uses what the first one compiled.
    compiled: Arc<OnceLock<Result<Compiled, ExpressionError>>>,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// The bytes of the text that it is about.
    pub range: Range<usize>,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for ExpressionError {}

struct Compiled {
    expression: minijinja::Expression<'static, 'static>,
    names: Vec<Name>,
    /// The segments of all names, sorted, so that those with a common start are neighbours.
    paths: Vec<Vec<String>>,
}

impl Expression {
    /// Compiles a text.
    ///
    /// # Errors
    /// What is wrong and where: a syntax error, an unknown filter or test, a function call, or more than
    /// [`EXPRESSION_BYTES_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let expression = Self::from(text.to_owned());
        match expression.compiled() {
            Ok(_) => Ok(expression),
            Err(error) => Err(error.clone()),
        }
    }

    /// The text as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The values it looks at, `entity.flag_ubs` for instance, each use with its place; empty if it does not compile.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        self.compiled()
            .as_ref()
            .map_or(&[], |compiled| compiled.names.as_slice())
    }

    /// Evaluates to a value.
    ///
    /// # Errors
    /// A sentence that names the missing value or the wrong operation.
    pub fn evaluate(&self, context: &Value) -> Result<Value, String> {
        let value = self.value(context)?;
        serde_json::to_value(&value)
            .map_err(|error| format!("`{}` has no plain value: {error}", self.source))
    }

    /// Evaluates to yes or no, by Jinja's rules of truth: false are `false`, 0, `none`, and an empty text, list or map.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn holds(&self, context: &Value) -> Result<bool, String> {
        Ok(self.value(context)?.is_true())
    }

    fn value(&self, context: &Value) -> Result<minijinja::Value, String> {
        let compiled = self
            .compiled()
            .as_ref()
            .map_err(|error| format!("`{}` is no expression: {error}", self.source))?;
        let value = compiled
            .expression
            .eval(project(context, &compiled.paths, 0))
            .map_err(|error| {
                let missing = (error.kind() == ErrorKind::UndefinedError)
                    .then(|| missing(context, &compiled.names))
                    .flatten();
                let why = missing.unwrap_or_else(|| sentence(&error));
                format!("`{}` cannot be evaluated: {why}", self.source)
            })?;
        if value.is_undefined() {
            return Err(format!("`{}` has no value here", self.source));
        }
        Ok(value)
    }

    fn compiled(&self) -> &Result<Compiled, ExpressionError> {
        self.compiled.get_or_init(|| compile(&self.source))
    }
}

impl From<String> for Expression {
    fn from(source: String) -> Self {
        Self {
            source,
            compiled: Arc::default(),
        }
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.source
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.source)
    }
}

fn compile(source: &str) -> Result<Compiled, ExpressionError> {
    if source.len() > EXPRESSION_BYTES_MAX {
        let message = format!(
            "an expression has at most {EXPRESSION_BYTES_MAX} bytes, this one has {}",
            source.len()
        );
        return Err(ExpressionError {
            message,
            range: 0..source.len(),
        });
    }
    let names = names::of(source)?;
    let expression = environment()
        .compile_expression_owned(source.to_owned())
        .map_err(|error| error_at(&error, source))?;
    let mut paths: Vec<Vec<String>> = names.iter().map(|name| name.segments.clone()).collect();
    paths.sort();
    paths.dedup();
    Ok(Compiled {
        expression,
        names,
        paths,
    })
}

/// The one environment: strict, fuelled, without functions.
fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_debug(false);
        for function in ["range", "dict", "debug", "namespace"] {
            environment.remove_global(function);
        }
        environment
    })
}

/// The parts of the context that the paths (sorted, equal up to `depth`) lead to. Converting all of it would cost more
/// than the evaluation where a step before had a large output.
fn project(value: &Value, paths: &[Vec<String>], depth: usize) -> minijinja::Value {
    let Value::Object(fields) = value else {
        return minijinja::Value::from(minijinja::value::Serde(value));
    };
    if paths.first().is_some_and(|path| path.len() == depth) {
        return minijinja::Value::from(minijinja::value::Serde(value));
    }
    let groups = paths.chunk_by(|one, next| one[depth] == next[depth]);
    minijinja::Value::from_pairs(groups.filter_map(|group| {
        let name = &group[0][depth];
        fields
            .get(name)
            .map(|field| (name.as_str(), project(field, group, depth + 1)))
    }))
}

fn error_at(error: &minijinja::Error, source: &str) -> ExpressionError {
    let range = error.range().unwrap_or(source.len()..source.len());
    // Of a character that it does not know, minijinja takes the first byte only.
    let end = source.ceil_char_boundary(range.end);
    ExpressionError {
        message: sentence(error),
        range: source.floor_char_boundary(range.start.min(end))..end,
    }
}

/// Which of the names has no value, and what stands beside it; the library's own error does not name it.
fn missing(context: &Value, names: &[Name]) -> Option<String> {
    let known = |path: &[String]| {
        path.iter().try_fold(context, |value, segment| match value {
            Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
            value => value.get(segment.as_str()),
        })
    };
    let is_missing = |name: &&Name| known(&name.segments).is_none();
    let name = names.iter().find(is_missing)?;
    let mut around = name.segments.len() - 1;
    while known(&name.segments[..around]).is_none() {
        around -= 1;
    }
    let beside = match known(&name.segments[..around]) {
        Some(Value::Object(fields)) => {
            suggestion(&name.segments[around], fields.keys().map(String::as_str))
        }
        _ => None,
    };
    let help = beside.map_or_else(String::new, |help| format!("; {help}"));
    let written = name.segments.join(".");
    Some(format!("`{written}` has no value here{help}"))
}

/// The error's words without the made-up file name that minijinja adds.
fn sentence(error: &minijinja::Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => {
            format!("it costs more than {FUEL} units of work, the most that one evaluation may")
        }
        (ErrorKind::SyntaxError, Some(detail)) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

#[cfg(test)]
mod tests;
