//! How times and numbers read in a sentence.

use carril_model::id::NodeId;

/// A span as people say it: `0 ms`, `350 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
pub(super) fn span(micros: i64) -> String {
    let millis = micros.max(0) / 1_000;
    let seconds = millis / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0 => format!("{millis} ms"),
        1..10 => format!("{}.{} s", seconds, millis % 1_000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// `1 lane`, `3 lanes`.
pub(super) fn count(number: u64, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}

/// `engine 3 (`carril worker` on db1)`.
pub(super) fn engine(node: NodeId, command: &str, host: &str) -> String {
    format!("engine {node} (`{command}` on {host})")
}

/// `is` or `are`.
pub(super) const fn are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests;
