//! The limits of a definition, whoever wrote it: that each limits something and lets something through.

use super::Check;
use crate::definition::{
    BREAKER_COUNT_MAX, OnOpen, PRIORITY_MAX, PRIORITY_MIN, RATE_MAX, Resource, Step,
};

impl Check<'_> {
    pub(super) fn resources(&mut self) {
        let definition = self.definition;
        let priority = definition.lanes.priority;
        if !(PRIORITY_MIN..=PRIORITY_MAX).contains(&priority) {
            self.report(
                "lanes/priority",
                "CAR0105",
                format!("`priority` cannot be {priority}"),
                format!("it is between {PRIORITY_MIN} and {PRIORITY_MAX}"),
            );
        }
        for (name, resource) in &definition.resources {
            self.resource(name, resource);
        }
        for (stage_at, stage) in definition.stages.iter().enumerate() {
            for (step_at, step) in stage.steps.iter().enumerate() {
                self.on_open(&format!("stage/{stage_at}/step/{step_at}/on_open"), step);
            }
        }
    }

    fn resource(&mut self, name: &str, resource: &Resource) {
        let path = format!("resource/{name}");
        if resource.is_empty() {
            self.report(
                &path,
                "CAR0220",
                format!("resource `{name}` limits nothing"),
                "give it slots, a rate or a breaker; a name that is only a label needs no limit",
            );
        }
        if resource.slots == Some(0) {
            self.report(
                &path,
                "CAR0105",
                format!("resource `{name}` has no slots"),
                "nothing could ever use it; give it at least one",
            );
        }
        let counts = 1..=RATE_MAX;
        if let Some(rate) = &resource.rate
            && !(counts.contains(&rate.count) && counts.contains(&rate.burst))
        {
            self.report(
                &format!("{path}/rate"),
                "CAR0105",
                format!("the rate of `{name}` cannot be {rate}"),
                format!("both its count and its burst are between 1 and {RATE_MAX}"),
            );
        }
        let counts = 1..=BREAKER_COUNT_MAX;
        if let Some(breaker) = &resource.breaker
            && !(counts.contains(&breaker.failures)
                && counts.contains(&breaker.successes)
                && !breaker.cooldown.is_zero())
        {
            self.report(
                &format!("{path}/breaker"),
                "CAR0105",
                format!("the breaker of `{name}` cannot be `{breaker}`"),
                format!("failures and successes are between 1 and {BREAKER_COUNT_MAX}, and the cool-down is longer than nothing"),
            );
        }
    }

    fn on_open(&mut self, path: &str, step: &Step) {
        let resources = &self.definition.resources;
        let guarded = step.resources.iter().any(|name| {
            let resource = resources.get(name);
            resource.is_some_and(|resource| resource.breaker.is_some())
        });
        if step.on_open != OnOpen::Wait && !guarded {
            self.report(
                path,
                "CAR0222",
                format!("step `{}` says what it does at an open breaker, and uses no resource that has one", step.name),
                "give its resource a breaker, as in `[resource.api]` `breaker = { failures = 5 }`, or leave it out",
            );
        }
    }
}
