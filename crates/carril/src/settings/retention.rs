//! How long things are kept: the table `[retention]` of a `carril.toml`, and the words for it.

use carril_engine::Retention;
use std::time::Duration;

const HOUR: u64 = 3_600;
/// Most days that can be said; more is for ever.
const DAYS_MAX: u64 = 36_500;

/// What is kept where nobody says how long: history for 180 days, workspaces of what failed for 30.
pub const RETENTION: Retention = Retention {
    history: Some(Duration::from_secs(180 * 24 * HOUR)),
    workspaces: Some(Duration::from_secs(30 * 24 * HOUR)),
};

/// Reads `180d`, `12h` or `forever`, which is `None`.
///
/// # Errors
/// What would be right.
///
/// ```
/// # use std::time::Duration;
/// assert_eq!(carril::retention("12h"), Ok(Some(Duration::from_secs(12 * 3_600))));
/// assert_eq!(carril::retention("forever"), Ok(None));
/// assert!(carril::retention("a while").is_err());
/// ```
pub fn retention(text: &str) -> Result<Option<Duration>, String> {
    if text == "forever" {
        return Ok(None);
    }
    let hours = match text.strip_suffix('d') {
        Some(days) => number(days).and_then(|days| days.checked_mul(24)),
        None => text.strip_suffix('h').and_then(number),
    };
    match hours {
        Some(hours @ 1..) if hours <= DAYS_MAX * 24 => Ok(Some(Duration::from_secs(hours * HOUR))),
        _ => Err(format!(
            "write days or hours, at most {DAYS_MAX}d, or that it is kept: `180d`, `12h`, `forever`"
        )),
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
