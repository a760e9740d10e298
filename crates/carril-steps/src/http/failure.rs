//! What a call that did not succeed means for its step.
//!
//! Pure: an answer's status and headers, or the client's error, become a `StepError`. No URL and no header that was sent is
//! ever part of a text.

use super::client::Forbidden;
use carril_model::contract::{ErrorClass, StepError};
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::error::Error;
use std::time::Duration;

/// Statuses that say that the same request may succeed later, besides all 5xx: time-out, too early, too many.
const LATER: [u16; 3] = [408, 425, 429];

/// An answer whose status is no success for this step.
pub(super) fn unexpected(
    status: u16,
    reason: Option<&str>,
    expected: &str,
    headers: &HeaderMap,
) -> Box<StepError> {
    let class = if LATER.contains(&status) || status >= 500 {
        ErrorClass::Transient
    } else {
        ErrorClass::Permanent
    };
    let reason = reason.map_or_else(String::new, |reason| format!(" {reason}"));
    let mut message = format!("the answer is {status}{reason}, and {expected} was expected");
    if (300..400).contains(&status) && headers.contains_key(reqwest::header::LOCATION) {
        message.push_str("; it leads elsewhere, which `redirects = 1` follows");
    }
    let mut error = boxed("CAR0531", class, message);
    error.native = Some(status.to_string());
    if class == ErrorClass::Transient {
        error.retry_after = retry_after(headers);
    }
    error
}

/// An answer that leads elsewhere, where this step must not follow.
pub(super) fn astray(status: u16, why: &str) -> Box<StepError> {
    let message = format!("the answer is {status}, and its redirect cannot be followed: {why}");
    let mut error = boxed("CAR0531", ErrorClass::Permanent, message);
    error.native = Some(status.to_string());
    error
}

/// The least wait that an answer asks for: seconds, or a point in time. A point in time is taken from the answer's own
/// `Date`, so that it does not matter whether the clocks here and there agree; without one it is not counted.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time in any case.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let now = headers.get(DATE)?.to_str().ok()?;
    let (then, now) = (second_of(text)?, second_of(now)?);
    Some(Duration::from_secs(
        u64::try_from(then.saturating_sub(now)).unwrap_or(0),
    ))
}

fn second_of(text: &str) -> Option<i64> {
    rfc2822::parse(text)
        .ok()
        .map(|time| time.timestamp().as_second())
}

/// A call that got no answer, or not all of it.
pub(super) fn unreached(error: reqwest::Error) -> Box<StepError> {
    let error = error.without_url();
    if let Some(place) = find::<Forbidden>(&error) {
        return forbidden(place);
    }
    if error.is_builder() {
        return unsendable(&chain(&error));
    }
    let what = if error.is_connect() {
        "there is no connection"
    } else {
        "the connection was lost before the answer was complete"
    };
    boxed(
        "CAR0532",
        ErrorClass::Transient,
        format!("{what}: {}", root(&error)),
    )
}

/// An address that may not be called.
pub(super) fn forbidden(place: &Forbidden) -> Box<StepError> {
    boxed("CAR0533", ErrorClass::Permanent, place.to_string())
}

/// A request that cannot be made, and never will be.
pub(super) fn unsendable(why: &str) -> Box<StepError> {
    boxed(
        "CAR0534",
        ErrorClass::Permanent,
        format!("the request cannot be sent: {why}"),
    )
}

/// An answer that is a success, but no output.
pub(super) fn no_output(what: &str) -> Box<StepError> {
    boxed(
        "CAR0508",
        ErrorClass::Permanent,
        format!("the call succeeded, but {what}"),
    )
}

/// The answer when it was asked to stop.
pub(super) fn stopped(message: &str) -> Box<StepError> {
    boxed("CAR0505", ErrorClass::Cancelled, message)
}

/// An error with all its causes, each once.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// What everything began with; what lies between says "error sending request" in ever other words.
fn root(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Errors are large and rare, so they are passed on in a box.
fn boxed(code: &str, class: ErrorClass, message: impl Into<String>) -> Box<StepError> {
    Box::new(StepError::new(code, class, message))
}

#[cfg(test)]
mod tests;
