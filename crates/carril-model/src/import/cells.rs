//! What single values mean: ids, dates, times, numbers, states. A value means one thing or is refused with what would be right.

use crate::moment;
use crate::time::Timestamp;
use jiff::civil::Date;

/// Old times before this are taken for mistakes: 2000-01-01.
const EARLIEST: Timestamp = Timestamp(946_684_800_000_000);

/// Clocks of two machines differ; what is more than a day ahead is a mistake.
const AHEAD_MICROS: i64 = 86_400_000_000;

/// Every word for a state of a run or of a stage.
pub(super) const KNOWN_STATES: &[&str] = &[
    "PENDIENTE",
    "EN_PROGRESO",
    "COMPLETADO",
    "COMPLETADO_CON_ERRORES",
    "ERROR",
    "OMITIDO",
    "CANCELADO",
];

/// What a word for a state means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldState {
    Pending,
    Running,
    Completed,
    WithErrors,
    Error,
    Skipped,
    Cancelled,
}

impl OldState {
    /// A known word, whatever its capitals and whether its words are joined by blanks.
    fn of(text: &str) -> Option<Self> {
        let word: String = text
            .trim()
            .chars()
            .map(|letter| match letter {
                ' ' | '-' => '_',
                letter => letter.to_ascii_uppercase(),
            })
            .collect();
        Some(match word.as_str() {
            "PENDIENTE" => Self::Pending,
            "EN_PROGRESO" => Self::Running,
            "COMPLETADO" => Self::Completed,
            "COMPLETADO_CON_ERRORES" => Self::WithErrors,
            "ERROR" => Self::Error,
            "OMITIDO" => Self::Skipped,
            "CANCELADO" => Self::Cancelled,
            _ => return None,
        })
    }

    /// A word, known by itself or by what the options say of it.
    pub(super) fn read(
        text: &str,
        states: &std::collections::BTreeMap<String, String>,
    ) -> Option<Self> {
        let said = states
            .iter()
            .find(|(word, _)| word.trim().eq_ignore_ascii_case(text.trim()));
        Self::of(said.map_or(text, |(_, means)| means.as_str()))
    }

    /// Whether a run in this state is over.
    pub(super) const fn is_over(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// Whether a word is one of the known ones.
pub(super) fn is_known_state(text: &str) -> bool {
    OldState::of(text).is_some()
}

/// Whether there is a time zone of this name.
pub(super) fn is_zone(name: &str) -> bool {
    moment::parse(&format!("2020-01-01[{name}]")).is_ok()
}

/// A whole number, as ids are.
pub(super) fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A day, with or without the midnight that some columns carry.
pub(super) fn day(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no date; it should be as in `2025-10-24`");
    let (date, rest) = match text.find([' ', 'T']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    let is_midnight = rest
        .chars()
        .all(|letter| matches!(letter, '0' | ':' | '.' | ','));
    if date.len() != 10 || !is_midnight {
        return Err(wrong());
    }
    let day: Date = date.parse().map_err(|_| wrong())?;
    Ok(day.to_string())
}

/// A time, in its own zone where it names one, else in `zone`.
pub(super) fn time(text: &str, zone: &str, now: Timestamp) -> Result<Timestamp, String> {
    let plain = moment::parse(text);
    let at = match plain {
        Ok(at) => at,
        Err(_) => moment::parse(&format!("{text}[{zone}]")).map_err(|_| {
            format!("{text:?} is no time; it should be as in `2025-10-24 08:00:00`")
        })?,
    };
    if at < EARLIEST {
        return Err(format!("{text:?} is before the year 2000"));
    }
    if at.micros_since(now) > AHEAD_MICROS {
        return Err(format!("{text:?} lies in the future"));
    }
    Ok(at)
}

/// The time that an old id is: milliseconds since 1970, where that is a time that could be.
pub(super) fn time_of_id(id: i64, now: Timestamp) -> Option<Timestamp> {
    let at = Timestamp(id.checked_mul(1_000)?);
    (at >= EARLIEST && at.micros_since(now) <= AHEAD_MICROS).then_some(at)
}
