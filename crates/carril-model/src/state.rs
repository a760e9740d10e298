//! The states of process, execution and step, and their names as the store, the command line and the documents spell them.
//!
//! Which change is legal is decided in [`crate::transition`], not here.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal, $code:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every state, in the order of a life.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name that the store's views and every `--json` use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The number that the store's tables use; never reused for another meaning.
            #[must_use]
            pub const fn code(self) -> i64 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The state with this number.
            #[must_use]
            pub const fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The state with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.name())
            }
        }
    };
}

states! {
    /// Where a process is.
    ProcessState {
        /// Its executions are being written; nobody lists or claims it.
        Launching = "launching", 0;
        /// Its lanes run, or wait to.
        Running = "running", 1;
        /// No lane of it starts until it is resumed.
        Paused = "paused", 2;
        /// Every execution succeeded or was skipped.
        Succeeded = "succeeded", 3;
        /// Every execution settled, some of them failed.
        CompletedWithErrors = "completed_with_errors", 4;
        /// A critical per-process stage failed, or `abort_when` stopped it.
        Failed = "failed", 5;
        /// Somebody cancelled it.
        Cancelled = "cancelled", 6;
        /// Every execution of it was rolled back.
        RolledBack = "rolled_back", 7;
    }
}

states! {
    /// Where an execution is.
    ExecutionState {
        /// Ready for a lane, or waiting for an earlier one of its lane key.
        Pending = "pending", 0;
        /// In a lane.
        Running = "running", 1;
        /// Parked: no lane, connection or memory; a barrier, time or signal wakes it.
        Waiting = "waiting", 2;
        /// All its stages are done.
        Succeeded = "succeeded", 3;
        /// A critical step failed.
        Failed = "failed", 4;
        /// It had nothing to do: every step was skipped.
        Skipped = "skipped", 5;
        /// Stopped by a person, a policy or a launch that replaced it.
        Cancelled = "cancelled", 6;
        /// Its effects were removed; history keeps that it ran.
        RolledBack = "rolled_back", 7;
    }
}

states! {
    /// Where a step, or one attempt of it, is.
    StepState {
        /// Not begun.
        Pending = "pending", 0;
        /// An attempt is under way.
        Running = "running", 1;
        /// Its effect is there and recorded.
        Succeeded = "succeeded", 2;
        /// The attempt failed; for a step: all attempts did.
        Failed = "failed", 3;
        /// Not run, for a reason that is kept.
        Skipped = "skipped", 4;
        /// Stopped before it had an outcome.
        Cancelled = "cancelled", 5;
        /// The attempt's node went away or handed it back: no failure, it is tried again.
        Interrupted = "interrupted", 6;
        /// Its time, its signal or a person's word has not come yet.
        Waiting = "waiting", 7;
    }
}

impl ProcessState {
    /// Whether nothing more happens unless somebody asks for it.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Launching | Self::Running | Self::Paused)
    }
}

impl ExecutionState {
    /// Whether this run is over.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::Waiting)
    }
}

impl StepState {
    /// Whether the step has its outcome.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled
        )
    }
}
