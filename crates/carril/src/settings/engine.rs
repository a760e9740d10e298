//! What an engine does with all processes together, and how it shares a store: the table `[engine]` of a `carril.toml`.

use super::{Reader, keys};
use carril_model::definition::LANES_MAX;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

/// The shortest and the longest lease that can be said, in seconds.
const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 1..=600;

/// What the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineSettings {
    /// Lanes at once, over all processes: `lanes`; `None` leaves each process its own number.
    pub lanes: Option<u32>,
    /// On a store on PostgreSQL: how long this engine's work stays its own when it gives no sign of life: `lease`, 15 s by default.
    pub lease: Duration,
    /// On a store on PostgreSQL: whether engines tell each other at once what there is to do: `notify`, true by default.
    pub notify: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            lanes: None,
            lease: Duration::from_secs(15),
            notify: true,
        }
    }
}

impl Reader<'_> {
    pub(super) fn engine(&mut self, value: &Spanned<DeValue<'_>>) {
        const HELP: &str = "write `[engine]`, then `lanes = 200`";
        let DeValue::Table(table) = value.get_ref() else {
            return self.report("CAR0122", value.span(), "`engine` is a table", HELP);
        };
        for (key, value) in table {
            if !self.knows(&keys::ENGINE, "`[engine]`", key, HELP) {
                continue;
            }
            let name: &str = key.get_ref();
            match name {
                "lanes" => self.lanes(value),
                "lease" => self.lease(value),
                _ => match value.get_ref() {
                    DeValue::Boolean(notify) => self.settings.engine.notify = *notify,
                    _ => self.report(
                        "CAR0122",
                        value.span(),
                        "`notify` is true or false",
                        "write `notify = false` where a pooler passes no notifications on",
                    ),
                },
            }
        }
    }

    fn lanes(&mut self, value: &Spanned<DeValue<'_>>) {
        let lanes = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()),
            _ => "".parse(),
        };
        match lanes {
            Ok(lanes) if (1..=LANES_MAX).contains(&lanes) => {
                self.settings.engine.lanes = Some(lanes);
            }
            _ => {
                let message = format!("`lanes` is a whole number between 1 and {LANES_MAX}");
                let help = "write `[engine]`, then `lanes = 200`";
                self.report("CAR0122", value.span(), message, help);
            }
        }
    }

    fn lease(&mut self, value: &Spanned<DeValue<'_>>) {
        let lease = match value.get_ref() {
            DeValue::String(text) => lease(text),
            _ => None,
        };
        match lease {
            Some(lease) => self.settings.engine.lease = lease,
            None => self.report(
                "CAR0122",
                value.span(),
                "`lease` is a text: whole seconds or minutes, from `1s` to `10m`",
                "write `lease = \"15s\"`, the same for all engines of a store",
            ),
        }
    }
}

/// Reads `15s` or `2m`.
fn lease(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.strip_suffix('s') {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('m')?, 60),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = plain.then(|| digits.parse().ok()).flatten();
    let seconds = number?.checked_mul(unit)?;
    LEASE_SECONDS
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}
