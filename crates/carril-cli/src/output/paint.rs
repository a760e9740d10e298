//! The few colours, by what they mean. Everything here writes escape codes; [`super::Output`] takes them out again where
//! they are not wanted.

use carril::model::state::{ExecutionState, ProcessState, StepState};
use clap::builder::styling::{AnsiColor, Style};

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn coloured(color: AnsiColor, text: &str) -> String {
    styled(color.on_default(), text)
}

/// A heading.
pub(crate) fn bold(text: &str) -> String {
    styled(Style::new().bold(), text)
}

/// Something that matters less.
pub(crate) fn dim(text: &str) -> String {
    styled(Style::new().dimmed(), text)
}

/// An error's name.
pub(crate) fn error(text: &str) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

/// A warning's name.
pub(crate) fn warning(text: &str) -> String {
    styled(AnsiColor::Yellow.on_default().bold(), text)
}

/// A note's name.
pub(crate) fn note(text: &str) -> String {
    styled(AnsiColor::Cyan.on_default().bold(), text)
}

/// What would be right.
pub(crate) fn help(text: &str) -> String {
    styled(AnsiColor::Green.on_default().bold(), text)
}

/// A command to copy.
pub(crate) fn command(text: &str) -> String {
    coloured(AnsiColor::Cyan, text)
}

/// Line numbers and bars beside source lines.
pub(crate) fn gutter(text: &str) -> String {
    styled(AnsiColor::Blue.on_default().bold(), text)
}

/// How something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Doubtful,
    Busy,
    Quiet,
}

/// A word in its tone.
pub(crate) fn tone(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Good => coloured(AnsiColor::Green, text),
        Tone::Bad => coloured(AnsiColor::Red, text),
        Tone::Doubtful => coloured(AnsiColor::Yellow, text),
        Tone::Busy => coloured(AnsiColor::Cyan, text),
        Tone::Quiet => dim(text),
    }
}

/// What a process's state means for somebody who looks.
pub(crate) const fn of_process(state: ProcessState) -> Tone {
    match state {
        ProcessState::Launching | ProcessState::Running => Tone::Busy,
        ProcessState::Paused | ProcessState::CompletedWithErrors => Tone::Doubtful,
        ProcessState::Succeeded => Tone::Good,
        ProcessState::Failed => Tone::Bad,
        ProcessState::Cancelled | ProcessState::RolledBack => Tone::Quiet,
    }
}

/// What an execution's state means for somebody who looks.
pub(crate) const fn of_execution(state: ExecutionState) -> Tone {
    match state {
        ExecutionState::Pending | ExecutionState::Waiting => Tone::Doubtful,
        ExecutionState::Running => Tone::Busy,
        ExecutionState::Succeeded => Tone::Good,
        ExecutionState::Failed => Tone::Bad,
        ExecutionState::Skipped | ExecutionState::Cancelled | ExecutionState::RolledBack => {
            Tone::Quiet
        }
    }
}

/// What a step's state means for somebody who looks.
pub(crate) const fn of_step(state: StepState) -> Tone {
    match state {
        StepState::Pending | StepState::Interrupted | StepState::Waiting => Tone::Doubtful,
        StepState::Running => Tone::Busy,
        StepState::Succeeded => Tone::Good,
        StepState::Failed => Tone::Bad,
        StepState::Skipped | StepState::Cancelled => Tone::Quiet,
    }
}
