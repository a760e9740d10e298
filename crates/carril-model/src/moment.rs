//! Moments as people write them: a date or a time with the zone it is meant in.
//!
//! A text without offset and zone names no moment, and is refused rather than guessed at. The zones are those that this
//! program brings along, so that the same text means the same moment on every machine.

use crate::time::Timestamp;
use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZoneDatabase;
use std::sync::OnceLock;

const PARSER: DateTimeParser = DateTimeParser::new();

/// Reads `2026-03-01T09:00:00Z`, `2026-03-01T09:00-05:00`, `2026-03-01T09:00[Europe/Madrid]` or, for its first instant,
/// `2026-03-01[Europe/Madrid]`.
///
/// A time that a change of the clocks leaves out is the one after it, and of a time that comes twice it is the first.
///
/// # Errors
/// What is wrong with the text, as a fragment.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if text.contains('[') {
        let zoned = PARSER.parse_zoned_with(zones(), text);
        return zoned
            .map(|zoned: Zoned| Timestamp(zoned.timestamp().as_microsecond()))
            .map_err(|error| format!("{text:?} is no moment: {error}"));
    }
    match PARSER.parse_timestamp(text) {
        Ok(timestamp) => Ok(Timestamp(timestamp.as_microsecond())),
        Err(_) if text.parse::<DateTime>().is_ok() => Err(format!(
            "{text:?} has neither an offset nor a zone, so it names no moment: write it as in `2026-03-01T09:00-05:00`, or with the zone in brackets after it, as in `{text}[Europe/Madrid]`"
        )),
        Err(error) => Err(format!("{text:?} is no moment: {error}")),
    }
}

/// A moment in the form of RFC 3339, in UTC.
#[must_use]
pub fn to_text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.to_string())
}

fn zones() -> &'static TimeZoneDatabase {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled)
}

#[cfg(test)]
mod tests;
