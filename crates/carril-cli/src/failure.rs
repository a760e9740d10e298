//! Why a command could not do what it was asked: code, sentence, what would be right, and the exit code.
//!
//! Errors of the library become failures here and nowhere else, so that one table decides which exit code each has.

use crate::exit::Exit;
use carril::model::contract::{Fault, TargetError};
use carril::model::finding::{Finding, Severity};
use carril::{BackupError, EngineError, OpenError, OpenErrorKind, RestoreError, UrlError};
use std::error::Error as _;
use std::fmt;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// `CARnnnn`.
    pub(crate) code: String,
    /// What is wrong, as a lowercase fragment.
    pub(crate) message: String,
    /// What would be right.
    pub(crate) help: Option<String>,
    /// What a check found, where it is about a pipeline.
    pub(crate) findings: Vec<Finding>,
}

impl Failure {
    /// A failure with its exit code, code and sentence.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.into(),
            help: None,
            findings: Vec::new(),
        }
    }

    /// The same with what would be right.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "CAR0801", message)
    }

    /// The answer could not be written, or the system refused something it never refuses.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, "CAR0800", message)
    }

    /// A pipeline, its parameters or a `carril.toml` that cannot be run as it is.
    pub(crate) fn invalid(findings: Vec<Finding>) -> Self {
        let is_error = |finding: &&Finding| finding.severity == Severity::Error;
        let first = findings.iter().find(is_error);
        let code = first
            .map_or("CAR0800", |finding| finding.code.as_str())
            .to_owned();
        let exit = Exit::of_findings(&findings);
        let told = crate::findings::tally(&findings).unwrap_or_default();
        Self {
            findings,
            ..Self::new(exit, &code, format!("nothing was run: {told}"))
        }
    }

    /// A file or folder could not be read or made.
    pub(crate) fn file(path: &std::path::Path, doing: &str, error: &std::io::Error) -> Self {
        Self::new(
            Exit::Unreachable,
            "CAR0802",
            format!("cannot {doing} `{}`: {error}", path.display()),
        )
        .help("check that the folder exists, has room, and that you may write there")
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        EngineError::Store(fault).into()
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = error.code().to_owned();
        // Somebody else is busy with it; the code is that of a target that cannot be used at all.
        let busy = matches!(
            &error,
            EngineError::Target {
                error: TargetError::Busy(_),
                ..
            }
        );
        let exit = if busy {
            Exit::Refused
        } else {
            Exit::of_code(&code)
        };
        match error {
            EngineError::Invalid(findings) => Self::invalid(findings),
            other => Self::new(exit, &code, other.to_string()),
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let exit = match error.kind() {
            OpenErrorKind::Held => Exit::Refused,
            OpenErrorKind::StoreVersion => Exit::Version,
            OpenErrorKind::Unreachable => Exit::Unreachable,
            OpenErrorKind::Usage => Exit::Usage,
            OpenErrorKind::Internal => Exit::Internal,
        };
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let told = inner.to_string();
            // Some errors say their cause in their own text.
            if !message.contains(&told) {
                message.push_str(&format!(": {told}"));
            }
            cause = inner.source();
        }
        Self::new(exit, error.code(), message)
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Open(error) => error.into(),
            RestoreError::Backup(BackupError::Store(error)) => OpenError::from(error).into(),
            RestoreError::Backup(error) => {
                let exit = match &error {
                    BackupError::Exists { .. }
                    | BackupError::UnderWay { .. }
                    | BackupError::Same { .. } => Exit::Refused,
                    BackupError::Foreign { .. } | BackupError::Newer { .. } => Exit::Version,
                    BackupError::Stopped => Exit::Cancelled,
                    _ => Exit::Unreachable,
                };
                Self::new(exit, error.code(), error.to_string())
            }
        }
    }
}

impl From<UrlError> for Failure {
    fn from(error: UrlError) -> Self {
        Self::new(Exit::Usage, error.code(), error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} [{}]", self.message, self.code)
    }
}
