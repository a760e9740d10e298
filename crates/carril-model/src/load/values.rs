//! The small texts of a pipeline: names, tables, durations, shares, dates, paths.
//!
//! Each function takes what was written and gives the value, or a fragment that says what is wrong and what is right.

use crate::definition::wait::WAIT_MAX;
use crate::definition::{RATE_MAX, Rate, RateUnit};
use std::time::Duration;

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 64;

/// Most bytes of a table's or column's name; the longest that one of our targets takes.
const IDENTIFIER_BYTES_MAX: usize = 128;

/// The longest duration that a pipeline may say: 30 days.
pub(super) const DURATION_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What is wrong with the name of a pipeline, a step or a resource, if anything; as a fragment.
#[must_use]
pub fn name_problem(name: &str) -> Option<String> {
    let rule = "a name is a letter, then up to 63 letters, digits, `_` or `-`";
    let mut characters = name.chars();
    let first = match characters.next() {
        None => return Some(format!("it is empty; {rule}")),
        Some(first) => first,
    };
    if name.chars().count() > NAME_CHARS_MAX {
        return Some(format!(
            "it has {} characters; {rule}",
            name.chars().count()
        ));
    }
    if !first.is_ascii_alphabetic() {
        return Some(format!("it starts with {first:?}; {rule}"));
    }
    let strange = characters
        .find(|character| !character.is_ascii_alphanumeric() && !matches!(character, '_' | '-'));
    strange.map(|character| format!("it has {character:?} in it; {rule}"))
}

/// What is wrong with the name of a table or column, if anything. Targets quote it, so blanks are fine.
pub(super) fn identifier_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".to_owned());
    }
    if name.len() > IDENTIFIER_BYTES_MAX {
        return Some(format!(
            "it has {} bytes, at most {IDENTIFIER_BYTES_MAX} are taken",
            name.len()
        ));
    }
    if name.contains('.') {
        return Some("it has a dot in it, and is named without its schema or table".to_owned());
    }
    let strange = name.chars().find(|character| {
        character.is_control() || matches!(character, '"' | '\'' | '`' | '[' | ']' | ';')
    });
    if let Some(character) = strange {
        return Some(format!(
            "it has {character:?} in it, and is written without quotes"
        ));
    }
    name.get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("carril_"))
        .then(|| "names that start with `carril_` are Carril's own".to_owned())
}

/// `250ms`, `90s`, `1.5m`, `2h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const RULE: &str = "a duration is a number and `ms`, `s`, `m` or `h`, as in `250ms` or `90s`";
    if text.ends_with('d') {
        return Err(format!("`{text}` is no duration; {RULE}"));
    }
    span(text, RULE, DURATION_MAX, "720h")
}

/// The same for what a step waits, which may be days (of 24 hours) and years.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    const RULE: &str =
        "a wait is a number and `ms`, `s`, `m`, `h` or `d`, as in `30m`, `36h` or `14d`";
    span(text, RULE, WAIT_MAX, "3660d")
}

fn span(text: &str, rule: &str, longest: Duration, as_text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let micros: f64 = match unit {
        "ms" => 1e3,
        "s" => 1e6,
        "m" => 60e6,
        "h" => 3_600e6,
        "d" => 86_400e6,
        "" => return Err(format!("`{text}` has no unit; {rule}")),
        _ => return Err(format!("`{text}` is no duration; {rule}")),
    };
    let plain = number.starts_with(|first: char| first.is_ascii_digit()) && !number.ends_with('.');
    let number: Option<f64> = number.parse().ok().filter(|_| plain);
    let number = number.ok_or_else(|| format!("`{text}` is no duration; {rule}"))?;
    let micros = (number * micros).round();
    if micros > longest.as_secs_f64() * 1e6 {
        return Err(format!(
            "`{text}` is longer than {as_text}, the longest that is taken"
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the longest, which both fit"
    )]
    let micros = micros as u64;
    Ok(Duration::from_micros(micros))
}

/// `10/s`, `300/m` or `5000/h`.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    const RULE: &str = "a rate is a whole number per `s`, `m` or `h`, as in `10/s`";
    let units = [RateUnit::Second, RateUnit::Minute, RateUnit::Hour];
    let (count, unit) = text
        .split_once('/')
        .ok_or_else(|| format!("`{text}` is no rate; {RULE}"))?;
    let per = units
        .into_iter()
        .find(|known| known.name() == unit)
        .ok_or_else(|| format!("`{text}` counts in no unit that is known; {RULE}"))?;
    let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    match count.parse::<u32>() {
        Ok(count) if digits && (1..=RATE_MAX).contains(&count) => Ok(Rate::new(count, per)),
        _ if digits => Err(format!("`{text}` is not between 1 and {RATE_MAX} per unit")),
        _ => Err(format!("`{text}` is no rate; {RULE}")),
    }
}

/// `50ms..5s`: the first and the longest wait.
pub(super) fn backoff(text: &str) -> Result<(Duration, Duration), String> {
    let Some((shortest, longest)) = text.split_once("..") else {
        return Err(format!(
            "`{text}` is no range; it is the first and the longest wait, as in `50ms..5s`"
        ));
    };
    let (shortest, longest) = (duration(shortest.trim())?, duration(longest.trim())?);
    if shortest > longest {
        return Err(format!(
            "`{text}` is the wrong way round; the first wait is not longer than the longest"
        ));
    }
    Ok((shortest, longest))
}

/// `50%`, in thousandths.
pub(super) fn percentage(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').map(str::trim_end).filter(|number| {
        number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    let number: Option<f64> = number.and_then(|number| number.parse().ok());
    match number {
        Some(number) => share(number / 100.0),
        None => Err(format!(
            "`{text}` is no share; it is written `\"50%\"` or `0.5`"
        )),
    }
}

/// A share between 0 and 1, in thousandths.
pub(super) fn share(number: f64) -> Result<u32, String> {
    let permille = number * 1_000.0;
    if !(0.0..1_000.0).contains(&permille.round()) {
        return Err(format!(
            "a share of {number} is out of range; it is at least 0 and less than 1 (100%), since more than all cannot fail"
        ));
    }
    if (permille - permille.round()).abs() > 1e-6 {
        return Err(format!(
            "a share of {number} is too exact; it counts in tenths of a percent"
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 999 by the check above"
    )]
    let permille = permille.round() as u32;
    Ok(permille)
}

/// What is wrong with a day, if anything.
pub(super) fn date_problem(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digits = |from: usize, until: usize| -> Option<u32> {
        text.get(from..until)
            .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?
            .parse()
            .ok()
    };
    let parts = (bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-')
        .then(|| Some((digits(0, 4)?, digits(5, 7)?, digits(8, 10)?)));
    let Some((year, month, day)) = parts.flatten() else {
        return Some(format!(
            "`{text}` is no date; it is written `YYYY-MM-DD`, as in `2025-06-30`"
        ));
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return Some(format!("`{text}` is no date: there is no month {month}")),
    };
    (year == 0 || day == 0 || day > days)
        .then(|| format!("`{text}` is no date: that month has {days} days"))
}

/// The path of a file inside the folder, with `/` between its parts and without `.`.
pub(super) fn path(text: &str) -> Result<String, String> {
    if text.starts_with(['/', '\\']) || text.get(1..2) == Some(":") {
        return Err(format!(
            "`{text}` is an absolute path; paths are relative to the folder of the pipeline file"
        ));
    }
    if text.contains('\\') {
        return Err(format!(
            "`{text}` has a backslash; the parts of a path are parted by `/` on every system"
        ));
    }
    let parts: Vec<&str> = text
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return Err(format!(
            "`{text}` leaves the pipeline's folder; put the file into it"
        ));
    }
    if parts.is_empty() || text.contains(char::is_control) {
        return Err(format!("{text:?} is no path of a file"));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests;
