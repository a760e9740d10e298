//! Times and spans: in the local zone and rounded for people, RFC 3339 in UTC and whole microseconds for programs.

use carril::model::time::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use carril::shape::rfc3339;

/// `2025-06-30 16:03:05` in the local zone, for people.
pub(crate) fn local(time: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(instant(time))
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// `16:03:05.123` in the local zone, for people who know the day.
pub(crate) fn local_clock(time: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(instant(time))
        .strftime("%H:%M:%S%.3f")
        .to_string()
}

fn instant(time: Timestamp) -> jiff::Timestamp {
    let reachable = time.0.clamp(
        jiff::Timestamp::MIN.as_microsecond(),
        jiff::Timestamp::MAX.as_microsecond(),
    );
    jiff::Timestamp::from_microsecond(reachable).unwrap_or_default()
}

/// A span with two or three digits that matter: `850 µs`, `12 ms`, `1.2 s`, `2 min 05 s`, `3 h 07 min`, `2 d 4 h`; whole
/// seconds and minutes without zeros after them.
pub(crate) fn span(micros: i64) -> String {
    let micros = micros.max(0);
    let seconds = (micros + 500_000) / 1_000_000;
    match micros {
        0 => "0 s".to_owned(),
        1..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..100_000_000 if micros % 1_000_000 == 0 => format!("{seconds} s"),
        1_000_000..100_000_000 => {
            format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000)
        }
        100_000_000..3_600_000_000 if seconds % 60 == 0 => format!("{} min", seconds / 60),
        100_000_000..3_600_000_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600_000_000..172_800_000_000 => {
            format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60)
        }
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests;
