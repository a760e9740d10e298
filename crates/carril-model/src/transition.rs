//! Which state may follow which: the one table that every change of state goes through.
//!
//! One arm per legal arrow, everything else is [`Illegal`]. The engine, recovery and the simulator use these functions;
//! a test renders them into `docs/reference/states.md` and fails when that page is stale.

use crate::state::{ExecutionState, ProcessState, StepState};

/// An event that the present state does not allow: a bug in the caller, never a user's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{event} is not legal for {what} that is {state}")]
pub struct Illegal {
    /// Process, execution or step.
    pub what: &'static str,
    /// The state it is in.
    pub state: &'static str,
    /// What was to happen.
    pub event: &'static str,
}

macro_rules! events {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every event there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in the documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

events! {
    /// What happens to an execution.
    ExecutionEvent {
        /// A lane took it.
        Claim = "claim";
        /// Its segment is done and another must be waited for; or all that it has left to do is to wait.
        Park = "park";
        /// What it waited for is there.
        Wake = "wake";
        /// Its node handed it back, or is gone.
        Release = "release";
        /// Its last stage is done.
        Succeed = "succeed";
        /// A critical step failed for good.
        Fail = "fail";
        /// It turned out to have nothing to do.
        Skip = "skip";
        /// It was stopped.
        Cancel = "cancel";
        /// Its effects are gone.
        RollBack = "roll back";
        /// Somebody wants it again.
        Rerun = "rerun";
    }
}

events! {
    /// What happens to a process.
    ProcessEvent {
        /// All its executions are written.
        Open = "open";
        /// Nothing is left to do and nothing failed.
        Succeed = "succeed";
        /// Nothing is left to do and some lanes failed.
        CompleteWithErrors = "complete with errors";
        /// A per-process stage failed, or too many lanes did.
        Fail = "fail";
        /// It was stopped.
        Cancel = "cancel";
        /// Everything it did is undone.
        RollBack = "roll back";
        /// Some of its executions run again.
        Reopen = "reopen";
        /// No lane of it may start.
        Pause = "pause";
        /// Its lanes may start again.
        Resume = "resume";
    }
}

events! {
    /// What happens to a step.
    StepEvent {
        /// An attempt starts.
        Begin = "begin";
        /// It is reached, and what it waits for is not there.
        Wait = "wait";
        /// An attempt had its effect, or a fallback stood in.
        Succeed = "succeed";
        /// An attempt failed and another follows.
        Retry = "retry";
        /// An attempt failed and none follows.
        Fail = "fail";
        /// A condition says that it is not wanted.
        Skip = "skip";
        /// It was stopped.
        Cancel = "cancel";
        /// Its node went away before it had an outcome.
        Interrupt = "interrupt";
    }
}

/// The execution's state after an event.
///
/// # Errors
/// [`Illegal`] where the table has no arrow.
pub const fn execution(
    state: ExecutionState,
    event: ExecutionEvent,
) -> Result<ExecutionState, Illegal> {
    use ExecutionEvent as E;
    use ExecutionState as S;
    Ok(match (state, event) {
        (S::Pending, E::Claim) => S::Running,
        (S::Running, E::Park) => S::Waiting,
        (S::Waiting, E::Wake) | (S::Running, E::Release) => S::Pending,
        (S::Running, E::Succeed) => S::Succeeded,
        (S::Running, E::Fail) => S::Failed,
        (S::Running, E::Skip) => S::Skipped,
        (S::Pending | S::Running | S::Waiting, E::Cancel) => S::Cancelled,
        (S::Succeeded | S::Failed | S::Skipped | S::Cancelled, E::RollBack) => S::RolledBack,
        (S::Succeeded | S::Failed | S::Skipped | S::Cancelled | S::RolledBack, E::Rerun) => {
            S::Pending
        }
        _ => {
            return Err(Illegal {
                what: "an execution",
                state: state.name(),
                event: event.name(),
            });
        }
    })
}

/// The process's state after an event.
///
/// # Errors
/// [`Illegal`] where the table has no arrow.
pub const fn process(state: ProcessState, event: ProcessEvent) -> Result<ProcessState, Illegal> {
    use ProcessEvent as E;
    use ProcessState as S;
    Ok(match (state, event) {
        (S::Launching, E::Open) | (S::Paused, E::Resume) => S::Running,
        (S::Running, E::Pause) => S::Paused,
        (S::Running, E::Succeed) => S::Succeeded,
        (S::Running, E::CompleteWithErrors) => S::CompletedWithErrors,
        (S::Running | S::Paused, E::Fail) => S::Failed,
        (S::Running | S::Paused, E::Cancel) => S::Cancelled,
        (
            S::Running
            | S::Paused
            | S::Succeeded
            | S::CompletedWithErrors
            | S::Failed
            | S::Cancelled,
            E::RollBack,
        ) => S::RolledBack,
        (
            S::Succeeded | S::CompletedWithErrors | S::Failed | S::Cancelled | S::RolledBack,
            E::Reopen,
        ) => S::Running,
        _ => {
            return Err(Illegal {
                what: "a process",
                state: state.name(),
                event: event.name(),
            });
        }
    })
}

/// The step's state after an event.
///
/// # Errors
/// [`Illegal`] where the table has no arrow.
pub const fn step(state: StepState, event: StepEvent) -> Result<StepState, Illegal> {
    use StepEvent as E;
    use StepState as S;
    Ok(match (state, event) {
        (S::Pending | S::Interrupted, E::Begin) => S::Running,
        (S::Pending | S::Interrupted, E::Wait) => S::Waiting,
        (S::Running | S::Waiting, E::Succeed) => S::Succeeded,
        (S::Running, E::Retry) => S::Pending,
        (S::Pending | S::Running | S::Waiting, E::Fail) => S::Failed,
        (S::Pending, E::Skip) => S::Skipped,
        (S::Pending | S::Running | S::Interrupted | S::Waiting, E::Cancel) => S::Cancelled,
        (S::Running, E::Interrupt) => S::Interrupted,
        _ => {
            return Err(Illegal {
                what: "a step",
                state: state.name(),
                event: event.name(),
            });
        }
    })
}

#[cfg(test)]
mod tests;
