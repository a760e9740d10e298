//! What the end of a program means for its step.

use super::output::Output;
use super::transfer::Asked;
use carril_model::contract::{ErrorClass, StepDone, StepError};
use rustix::io::Errno;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// `EX_TEMPFAIL` of `sysexits.h`: the program itself says that trying again may help.
const EXIT_TEMPORARY: i32 = 75;

/// How a program ended, and what is left of it.
pub(super) struct Ending<'a> {
    /// The program as the step names it.
    pub(super) name: &'a str,
    /// What the system says.
    pub(super) status: io::Result<ExitStatus>,
    /// Whether we made it end.
    pub(super) asked: Asked,
    /// What it printed, ready to show.
    pub(super) log: Option<String>,
    /// Its standard output where that is its output.
    pub(super) output: Option<Output>,
}

/// Judges an ending. Having been asked to stop counts before the exit code, and that before the output: a program may
/// leave with 0 half-way because it was told to.
pub(super) fn decide(ending: Ending<'_>) -> Result<StepDone, Box<StepError>> {
    let Ending {
        name,
        status,
        asked,
        log,
        output,
    } = ending;
    let judged = match &status {
        Ok(status) => judge(name, *status, asked).and_then(|()| parse(name, output.as_ref())),
        Err(error) => Err(failed(format!(
            "how `{name}` ended cannot be learned: {error}"
        ))),
    };
    match judged {
        Ok(output) => Ok(StepDone {
            output,
            rows: Vec::new(),
            log,
        }),
        Err(mut error) => {
            error.log = log;
            Err(error)
        }
    }
}

fn judge(name: &str, status: ExitStatus, asked: Asked) -> Result<(), Box<StepError>> {
    let how = describe(status);
    let mut error = match (asked, status.code()) {
        (Asked::Ended, _) => cancelled(format!("`{name}` was asked to stop and ended: {how}")),
        (Asked::Killed, _) => cancelled(format!(
            "`{name}` was asked to stop, did not in time and was ended: {how}"
        )),
        (Asked::No, Some(0)) => return Ok(()),
        (Asked::No, Some(EXIT_TEMPORARY)) => {
            let message =
                format!("`{name}` ended with {how}, which says that trying again may help");
            boxed("CAR0507", ErrorClass::Transient, message)
        }
        (Asked::No, Some(_)) => failed(format!("`{name}` ended with {how}")),
        (Asked::No, None) => failed(format!("`{name}` was {how}")),
    };
    error.native = status
        .code()
        .map(|code| code.to_string())
        .or_else(|| status.signal().map(|signal| format!("signal {signal}")));
    Err(error)
}

fn parse(name: &str, output: Option<&Output>) -> Result<Option<serde_json::Value>, Box<StepError>> {
    let parsed = output.map(Output::parse).transpose();
    parsed.map_err(|what| {
        boxed(
            "CAR0508",
            ErrorClass::Permanent,
            format!("`{name}` succeeded, but {what}"),
        )
    })
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn failed(message: String) -> Box<StepError> {
    boxed("CAR0507", ErrorClass::Permanent, message)
}

fn cancelled(message: String) -> Box<StepError> {
    boxed("CAR0505", ErrorClass::Cancelled, message)
}

/// The answer when it was asked to stop before anything was started.
pub(super) fn stopped_before_start(name: &str) -> Box<StepError> {
    cancelled(format!("`{name}` was asked to stop before it was started"))
}

/// A program that cannot be started, and never will be.
pub(super) fn could_not_start(message: impl Into<String>) -> Box<StepError> {
    boxed("CAR0509", ErrorClass::Permanent, message)
}

/// A program that the system did not start; a machine that is short of something may have it later.
pub(super) fn start_failure(name: &str, error: &io::Error) -> Box<StepError> {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    let message = match number {
        Some(Errno::NOEXEC) => {
            format!("`{name}` is neither a program of this machine nor a script with a `#!` line")
        }
        Some(Errno::TOOBIG) => format!(
            "`{name}` was given more arguments and variables than the system takes; pass long values by standard input"
        ),
        _ => format!("`{name}` could not be started: {error}"),
    };
    let may_go_away = [
        Errno::AGAIN,
        Errno::NOMEM,
        Errno::MFILE,
        Errno::NFILE,
        Errno::TXTBSY,
    ]
    .into_iter()
    .any(|errno| number == Some(errno));
    let class = if may_go_away {
        ErrorClass::Transient
    } else {
        ErrorClass::Permanent
    };
    let mut failure = boxed("CAR0509", class, message);
    failure.native = error.raw_os_error().map(|code| code.to_string());
    failure
}

/// Errors are large and rare, so they are passed on in a box.
fn boxed(code: &str, class: ErrorClass, message: impl Into<String>) -> Box<StepError> {
    Box::new(StepError::new(code, class, message))
}
