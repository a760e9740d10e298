//! The values of flags: `NAME=VALUE`, durations and states, with what would be right where they are wrong.

use carril::model::state::{ExecutionState, ProcessState};
use std::str::FromStr;
use std::time::Duration;

/// `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok(Self {
                name: name.trim().to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write NAME=VALUE, for instance report_date=2025-06-30".to_owned()),
        }
    }
}

/// Reads `250ms`, `90s`, `5m`, `2h`; more than zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and a unit: 250ms, 90s, 5m, 2h".to_owned();
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    match millis.ok_or_else(wrong)? {
        0 => Err("a time-out is longer than zero".to_owned()),
        millis => Ok(Duration::from_millis(millis)),
    }
}

/// How long something is kept; `None` for ever. A type of its own, because clap reads an `Option` as a flag that may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age(pub(crate) Option<Duration>);

/// Reads `180d`, `12h`, `forever`.
pub(super) fn age(text: &str) -> Result<Age, String> {
    carril::retention(text).map(Age)
}

/// Reads the name of a token: one line that is not too long.
pub(super) fn token_name(text: &str) -> Result<String, String> {
    if (1..=100).contains(&text.len()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err("a token's name has 1 to 100 bytes and is one line".to_owned())
    }
}

/// Reads the state of a process by its name.
pub(super) fn process_state(text: &str) -> Result<ProcessState, String> {
    ProcessState::from_name(text)
        .ok_or_else(|| known(ProcessState::ALL.iter().map(|state| state.name())))
}

/// Reads the state of an execution by its name.
pub(super) fn execution_state(text: &str) -> Result<ExecutionState, String> {
    ExecutionState::from_name(text)
        .ok_or_else(|| known(ExecutionState::ALL.iter().map(|state| state.name())))
}

fn known<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("known states: {}", names.collect::<Vec<_>>().join(", "))
}

/// Any JSON value.
pub(crate) fn json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("{error}; a text stands in quotes of its own, as in '\"paid\"'"))
}
