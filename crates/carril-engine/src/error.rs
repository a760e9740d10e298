//! What can go wrong when somebody asks the engine for something. What goes wrong inside a step is a
//! [`carril_model::contract::StepError`] and belongs to its execution.

use carril_model::contract::{Fault, TargetError};
use carril_model::finding::Finding;

/// Why the engine did not do what it was asked; nothing of it was done unless the text says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store could not do it.
    #[error("{0}")]
    Store(#[from] Fault),
    /// A target could not be used.
    #[error("target `{name}`: {error}")]
    Target {
        /// The target's name in the pipeline.
        name: String,
        /// What it said.
        error: TargetError,
    },
    /// The request makes no sense for what is there; code and sentence.
    #[error("{message}")]
    Refused {
        /// `CARnnnn`.
        code: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The entities query selected nothing, or the narrowing left nothing.
    #[error("{0}")]
    NothingSelected(String),
    /// The definition or the parameters are wrong.
    #[error("the pipeline is not valid: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Invalid(Vec<Finding>),
    /// The engine has stopped.
    #[error("the engine has stopped: {0}")]
    Stopped(String),
}

impl Error {
    /// A refusal with its code.
    pub(crate) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused {
            code,
            message: message.into(),
        }
    }

    /// The code of the page that explains it.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Store(Fault::LostLease) => "CAR0703",
            Self::Store(Fault::Conflict(_)) => "CAR0405",
            Self::Store(Fault::Busy(_)) => "CAR0704",
            Self::Store(Fault::Unavailable(_)) => "CAR0705",
            Self::Store(Fault::Corrupt(_)) => "CAR0706",
            Self::Store(Fault::Version { found, known }) if found > known => "CAR0634",
            Self::Store(Fault::Version { .. }) => "CAR0635",
            Self::Target {
                error: TargetError::Sql { .. },
                ..
            } => "CAR0406",
            Self::Target {
                error: TargetError::Entity(_),
                ..
            } => "CAR0407",
            Self::Target { .. } => "CAR0511",
            Self::Refused { code, .. } => code,
            Self::NothingSelected(_) => "CAR0403",
            Self::Invalid(findings) => findings
                .first()
                .map_or("CAR0402", |finding| finding.code.as_str()),
            Self::Stopped(_) => "CAR0707",
        }
    }
}
