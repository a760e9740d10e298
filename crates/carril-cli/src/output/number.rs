//! Numbers as people read them: with thousands apart, and with the right word after them.

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 execution`, `3 executions`.
pub(crate) fn of(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A share of a whole in per cent, without decimals; nothing of nothing is 0.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

/// Bytes as people read them: `512 B`, `3.4 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let (mut whole, mut rest, mut unit) = (bytes / 1_024, bytes % 1_024, 0);
    while whole >= 1_024 && unit + 1 < UNITS.len() {
        (whole, rest, unit) = (whole / 1_024, whole % 1_024, unit + 1);
    }
    format!("{whole}.{} {}", rest * 10 / 1_024, UNITS[unit])
}

#[cfg(test)]
mod tests;
