//! Steps that do nothing but wait: for a time, a signal, a person.
//!
//! What is written, and the names under which a store keeps it; when such a step is over is decided in [`crate::execution`].

use crate::account::{Cause, CauseKind};
use crate::expression::Expression;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest wait that a pipeline may say: ten years, which is longer than most databases live.
pub const WAIT_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// Most bytes of an approval's question; one that is longer is a document, and the question is where it lies.
pub const QUESTION_BYTES_MAX: usize = 1_024;

/// What a step waits for, and how long at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// For what.
    pub until: WaitFor,
    /// The longest wait; when it is over the step has failed. `None` waits for ever.
    #[serde(with = "micros", default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<Duration>,
}

/// What ends a wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WaitFor {
    /// So much time after the step was reached.
    Span(#[serde(with = "super::micros")] Duration),
    /// A moment that an expression gives.
    Moment(Expression),
    /// A signal of this name; its data is the step's output.
    Signal(String),
    /// A person's word on this question, in which `{name}` is replaced by that value.
    Approval(String),
}

impl Wait {
    /// The key of a pipeline file that makes such a step.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.until {
            WaitFor::Span(_) => "wait",
            WaitFor::Moment(_) => "wait_until",
            WaitFor::Signal(_) => "signal",
            WaitFor::Approval(_) => "approval",
        }
    }

    /// The key that wakes an execution in whose step `path` (`stage/step`) this is; `None` where only time does.
    #[must_use]
    pub fn key(&self, path: &str) -> Option<String> {
        match &self.until {
            WaitFor::Span(_) | WaitFor::Moment(_) => None,
            WaitFor::Signal(name) => Some(signal_key(name)),
            WaitFor::Approval(_) => Some(approval_key(path)),
        }
    }

    /// What the time is charged to while the step `path` waits.
    #[must_use]
    pub fn cause(&self, path: &str) -> Cause {
        match &self.until {
            WaitFor::Span(_) | WaitFor::Moment(_) => Cause::plain(CauseKind::Timer),
            WaitFor::Signal(name) => Cause::about(CauseKind::Signal, name),
            WaitFor::Approval(_) => Cause::about(CauseKind::Approval, path),
        }
    }
}

/// The key of signals with this name.
#[must_use]
pub fn signal_key(name: &str) -> String {
    format!("signal:{name}")
}

/// The key of the word that the step `path` (`stage/step`) waits for.
#[must_use]
pub fn approval_key(path: &str) -> String {
    format!("approval:{path}")
}

/// What is wrong with a signal's name, if anything: it is a letter, then up to 63 letters, digits, `_`, `-` or `.`.
#[must_use]
pub fn signal_name_problem(name: &str) -> Option<String> {
    const RULE: &str =
        "a signal's name is a letter, then up to 63 letters, digits, `_`, `-` or `.`";
    let Some(first) = name.chars().next() else {
        return Some(format!("it is empty; {RULE}"));
    };
    if name.chars().count() > 64 {
        return Some(format!(
            "it has {} characters; {RULE}",
            name.chars().count()
        ));
    }
    if !first.is_ascii_alphabetic() {
        return Some(format!("it starts with {first:?}; {RULE}"));
    }
    let strange = name.chars().find(|character| {
        !character.is_ascii_alphanumeric() && !matches!(character, '_' | '-' | '.')
    });
    strange.map(|character| format!("it has {character:?} in it; {RULE}"))
}

/// A duration that need not be there, as whole microseconds.
mod micros {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::time::Duration;

    #[expect(clippy::ref_option, reason = "serde hands the field over as it is")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        value
            .map(|value| u64::try_from(value.as_micros()).unwrap_or(u64::MAX))
            .serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_micros))
    }
}
