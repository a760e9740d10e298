//! `[goal]`: what a pipeline's processes should reach. Both of its numbers are wishes; nothing is stopped by them.

use super::super::values;
use super::{Reader, Section, keys};
use crate::definition::Goal;

/// Most entities an hour that a goal may ask for: one each microsecond.
pub(super) const ENTITIES_PER_HOUR_MAX: u32 = 3_600_000_000;

impl Reader<'_> {
    pub(super) fn goal(&mut self, top: &Section<'_>) -> Goal {
        let Some(section) = self.table(top, "goal", &keys::GOAL) else {
            return Goal::default();
        };
        if section.get("duration").is_none() && section.get("entities_per_hour").is_none() {
            self.report(
                &section.path,
                "CAR0104",
                "the goal has neither `duration` nor `entities_per_hour`",
                "say one of them, as in `duration = \"10m\"`, or leave `[goal]` out",
            );
        }
        let help = "as in `duration = \"10m\"`";
        let duration = self.formed(&section, "duration", values::duration, help);
        if duration.is_some_and(|duration| duration.is_zero()) {
            self.report(
                &section.path_of("duration"),
                "CAR0105",
                "no process takes no time at all",
                help,
            );
        }
        Goal {
            duration_micros: duration
                .and_then(|duration| i64::try_from(duration.as_micros()).ok())
                .filter(|micros| *micros > 0),
            entities_per_hour: self
                .integer(&section, "entities_per_hour", 1..=ENTITIES_PER_HOUR_MAX)
                .map(u64::from),
        }
    }
}
