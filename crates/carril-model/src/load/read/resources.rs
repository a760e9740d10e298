//! `[resource.NAME]`: slots, a rate, a breaker; any one of them, or more.

use super::super::values;
use super::{Reader, Section, keys};
use crate::definition::{BREAKER_COUNT_MAX, BreakerPolicy, LANES_MAX, RATE_MAX, Rate, Resource};
use std::collections::BTreeMap;

impl Reader<'_> {
    pub(super) fn resources(&mut self, top: &Section<'_>) -> BTreeMap<String, Resource> {
        let Some((path, table)) = self.named(top, "resource") else {
            return BTreeMap::new();
        };
        let mut resources = BTreeMap::new();
        for (name, value) in table {
            let name = name.get_ref().to_string();
            let Some(section) = self.as_table(format!("{path}/{name}"), value, &keys::RESOURCE)
            else {
                continue;
            };
            let resource = self.resource(&section);
            resources.insert(name, resource);
        }
        resources
    }

    fn resource(&mut self, section: &Section<'_>) -> Resource {
        let limits = ["slots", "rate", "breaker"];
        if limits.iter().all(|key| section.get(key).is_none()) {
            self.report(
                &section.path,
                "CAR0220",
                "this resource limits nothing",
                "give it `slots = 4`, `rate = \"10/s\"` or `breaker = { failures = 5 }`; a name that is only a label needs no table",
            );
            // What it was to limit is not known: the check of what was read has nothing to add.
            return Resource::slots(LANES_MAX);
        }
        let read = Resource {
            slots: self.integer(section, "slots", 1..=LANES_MAX),
            rate: self.rate(section),
            breaker: self.breaker(section),
        };
        if read.is_empty() {
            // A limit that could not be read is still one, so that the check says nothing more about it.
            return Resource::slots(LANES_MAX);
        }
        read
    }

    fn rate(&mut self, section: &Section<'_>) -> Option<Rate> {
        let burst = self.integer(section, "burst", 1..=RATE_MAX);
        if section.get("rate").is_none() {
            if section.get("burst").is_some() {
                self.report(
                    &section.path_of("burst"),
                    "CAR0221",
                    "this resource has a `burst` and no `rate`",
                    "say how often it may be used, as in `rate = \"10/s\"`, or leave it out",
                );
            }
            return None;
        }
        let help = "write `rate = \"10/s\"`: a whole number per `s`, `m` or `h`";
        let rate = self.formed(section, "rate", values::rate, help)?;
        Some(rate.burst(burst.unwrap_or(1)))
    }

    fn breaker(&mut self, section: &Section<'_>) -> Option<BreakerPolicy> {
        let breaker = self.table(section, "breaker", &keys::BREAKER)?;
        let default = BreakerPolicy::default();
        let help = "as in `cooldown = \"30s\"`";
        let mut counted = |key: &str| self.integer(&breaker, key, 1..=BREAKER_COUNT_MAX);
        let (failures, successes) = (counted("failures"), counted("successes"));
        let cooldown = self.formed(&breaker, "cooldown", values::duration, help);
        Some(BreakerPolicy {
            failures: failures.unwrap_or(default.failures),
            cooldown: cooldown.unwrap_or(default.cooldown),
            successes: successes.unwrap_or(default.successes),
        })
    }
}
