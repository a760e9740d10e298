//! How a command ends, as the number that scripts and schedulers see. The table in `docs/reference/cli.md` is this one; a
//! test compares them.

use carril::model::finding::{Finding, Severity};
use carril::model::state::ProcessState;
use std::process::ExitCode;

macro_rules! exits {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal;)*) => {
        /// How a command ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Exit { $($(#[doc = $doc])+ $variant,)* }

        impl Exit {
            /// Every way to end, in order of its number.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number.
            pub(crate) const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, as the documents say it.
            #[cfg(test)]
            pub(crate) const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

exits! {
    /// done; also a launch skipped by its own policy
    Ok = 0;
    /// a fault of carril itself
    Internal = 1;
    /// wrong usage
    Usage = 2;
    /// the pipeline or its parameters are not valid
    Invalid = 3;
    /// nothing selected: no entities, no such process, execution or entity
    Nothing = 4;
    /// ended `completed_with_errors` or `failed`
    Failures = 5;
    /// refused, or somebody else is busy with it
    Refused = 6;
    /// timed out
    TimedOut = 7;
    /// cancelled, or this command was interrupted
    Cancelled = 8;
    /// the store is of another version, or no store of ours
    Version = 9;
    /// a target or the store cannot be reached
    Unreachable = 10;
}

impl Exit {
    /// How a command that followed a process to this state ends.
    pub(crate) const fn of(state: ProcessState) -> Self {
        match state {
            ProcessState::CompletedWithErrors | ProcessState::Failed => Self::Failures,
            ProcessState::Cancelled => Self::Cancelled,
            _ => Self::Ok,
        }
    }
}

impl Exit {
    /// How a command ends that an engine refused with this code, be it this command's own engine or another's.
    pub(crate) fn of_code(code: &str) -> Self {
        match code {
            "CAR0403" => Self::Nothing,
            // What is given cannot be launched: parameters, entities, SQL.
            "CAR0401" | "CAR0402" | "CAR0404" | "CAR0406" | "CAR0407" | "CAR0415" => Self::Invalid,
            "CAR0126" | "CAR0408" => Self::Usage,
            "CAR0511" | "CAR0703" | "CAR0705" | "CAR0706" => Self::Unreachable,
            "CAR0634" | "CAR0635" => Self::Version,
            "CAR0707" => Self::Internal,
            _ if ["CAR01", "CAR02", "CAR03"]
                .iter()
                .any(|kind| code.starts_with(kind)) =>
            {
                Self::Invalid
            }
            _ => Self::Refused,
        }
    }

    /// How a command ends whose pipeline was found to be so.
    pub(crate) fn of_findings(findings: &[Finding]) -> Self {
        let errors = || {
            findings
                .iter()
                .filter(|finding| finding.severity == Severity::Error)
        };
        let all_are = |code: &str| errors().all(|finding| finding.code == code);
        if errors().next().is_none() {
            Self::Ok
        } else if all_are("CAR0511") {
            Self::Unreachable
        } else if all_are("CAR0408") {
            Self::Usage
        } else {
            Self::Invalid
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests;
