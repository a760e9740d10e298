//! `[[stage]]` and `[[stage.step]]`: their keys, and which of them belong together.
//!
//! A step whose action could not be read stays in the definition, so that its name is known to those who use it.

use super::super::values;
use super::fields::kind;
use super::sections::{Defaults, SCOPES};
use super::{Reader, Section, keys};
use crate::definition::{
    Action, Effects, Fallback, OnOpen, RetryPolicy, Scope, Stage, Step, Wait, WaitFor,
};
use crate::expression::Expression;
use std::time::Duration;
use toml::de::DeValue;

pub(super) const ON_OPEN: [(&str, OnOpen); 2] = [("wait", OnOpen::Wait), ("fail", OnOpen::Fail)];
pub(super) const EFFECTS: [(&str, Effects); 2] = [
    ("exactly_once", Effects::ExactlyOnce),
    ("at_least_once", Effects::AtLeastOnce),
];
/// Whether what a command prints is its output.
pub(super) const OUTPUTS: [(&str, bool); 2] = [("none", false), ("json", true)];
pub(super) const ACTIONS: [&str; 9] = [
    "sql",
    "command",
    "http",
    "function",
    "noop",
    "wait",
    "wait_until",
    "signal",
    "approval",
];
const WAIT_HELP: &str = "as in `wait = \"30m\"` or `timeout = \"14d\"`";

/// Keys that only one kind of step has.
pub(super) const BELONGS: [(&str, &str); 5] = [
    ("target", "sql"),
    ("shared_writes", "sql"),
    ("effects", "sql"),
    ("env", "command"),
    ("output", "command"),
];

impl Reader<'_> {
    pub(super) fn stages(
        &mut self,
        top: &Section<'_>,
        defaults: &Defaults,
        target: Option<&str>,
    ) -> Vec<Stage> {
        let sections = self.tables(top, "stage", &keys::STAGE);
        sections
            .iter()
            .enumerate()
            .map(|(at, section)| self.stage(section, at, defaults, target))
            .collect()
    }

    fn stage(
        &mut self,
        section: &Section<'_>,
        at: usize,
        defaults: &Defaults,
        target: Option<&str>,
    ) -> Stage {
        let name = self.required_text(
            section,
            "name",
            "a stage is named once per pipeline, as in `name = \"extract\"`",
        );
        let steps = self.tables(section, "step", &keys::STEP);
        Stage {
            name: name.unwrap_or_else(|| format!("unnamed-{at}")),
            per: self
                .choice(section, "per", &SCOPES)
                .unwrap_or(Scope::Entity),
            parallel: self.boolean(section, "parallel").unwrap_or(false),
            when: self.text(section, "when").map(Expression::from),
            steps: steps
                .iter()
                .enumerate()
                .map(|(at, step)| self.step(step, at, defaults, target))
                .collect(),
        }
    }

    fn step(
        &mut self,
        section: &Section<'_>,
        at: usize,
        defaults: &Defaults,
        target: Option<&str>,
    ) -> Step {
        let name = self.required_text(
            section,
            "name",
            "a step is named once per stage, as in `name = \"rows\"`",
        );
        let action = self.action(section, target);
        let default_effects = match action {
            Action::Command { .. } | Action::Http(_) | Action::Function { .. } => {
                Effects::AtLeastOnce
            }
            Action::Sql { .. } | Action::Noop | Action::Wait(_) | Action::Publish { .. } => {
                Effects::ExactlyOnce
            }
        };
        // How long a step waits is no matter of attempts.
        let waits = matches!(action, Action::Wait(_));
        let timeout = if waits { None } else { self.timeout(section) };
        let retry = if waits {
            RetryPolicy::never()
        } else {
            self.retry(section, &defaults.retry)
        };
        let resources = if waits {
            Vec::new()
        } else {
            self.one_or_more(section, "resource")
        };
        Step {
            name: name.unwrap_or_else(|| format!("unnamed-{at}")),
            action,
            when: self.text(section, "when").map(Expression::from),
            critical: self.boolean(section, "critical").unwrap_or(true),
            timeout: timeout.unwrap_or(defaults.timeout),
            retry,
            resources,
            on_open: self
                .choice(section, "on_open", &ON_OPEN)
                .unwrap_or_default(),
            fallback: self.fallback(section),
            shared_writes: self.texts(section, "shared_writes").unwrap_or_default(),
            effects: self
                .choice(section, "effects", &EFFECTS)
                .unwrap_or(default_effects),
        }
    }

    fn action(&mut self, section: &Section<'_>, target: Option<&str>) -> Action {
        let present: Vec<&str> = ACTIONS
            .into_iter()
            .filter(|key| section.get(key).is_some())
            .collect();
        let [kind] = present[..] else {
            self.not_one_action(section, &present);
            return unread();
        };
        for (key, owner) in BELONGS {
            if section.get(key).is_some() && owner != kind {
                let message =
                    format!("`{key}` belongs to `{owner}` steps, and this is a `{kind}` step");
                self.report(&section.path_of(key), "CAR0203", message, "leave it out");
            }
        }
        match kind {
            "sql" => self.sql_action(section, target),
            "command" => self.command(section),
            "http" => self.http(section).unwrap_or_else(unread),
            "function" => self
                .text(section, "function")
                .map_or_else(unread, |name| Action::Function { name }),
            "noop" => self.noop(section),
            _ => self.wait(section, kind),
        }
    }

    /// A step that waits: `wait`, `wait_until`, `signal` or `approval`.
    fn wait(&mut self, section: &Section<'_>, kind: &str) -> Action {
        for key in ["retry", "resource"] {
            if section.get(key).is_some() {
                let message = format!("`{key}` makes no sense here: a `{kind}` step only waits");
                let help = "leave it out; how long it waits at most is what `timeout` says, and then `fallback` or `fallback_step`";
                self.report(&section.path_of(key), "CAR0216", message, help);
            }
        }
        let mut longest = self.longest(section);
        let until = match kind {
            "wait" => {
                if section.get("timeout").is_some() {
                    let message =
                        "`timeout` makes no sense here: how long it waits is what `wait` says";
                    let help = "leave it out, or wait for something else with `wait_until`, `signal` or `approval`";
                    self.report(&section.path_of("timeout"), "CAR0216", message, help);
                    longest = None;
                }
                let span = self.formed(section, "wait", values::wait, WAIT_HELP);
                span.map(WaitFor::Span)
            }
            "wait_until" => self
                .text(section, "wait_until")
                .map(|text| WaitFor::Moment(Expression::from(text))),
            "signal" => self.text(section, "signal").map(WaitFor::Signal),
            _ => self.text(section, "approval").map(WaitFor::Approval),
        };
        until.map_or_else(unread, |until| Action::Wait(Wait { until, longest }))
    }

    fn longest(&mut self, section: &Section<'_>) -> Option<Duration> {
        self.formed(section, "timeout", values::wait, WAIT_HELP)
    }

    fn not_one_action(&mut self, section: &Section<'_>, present: &[&str]) {
        match present {
            [] if ACTIONS.iter().any(|key| !self.lacks(section, key)) => {}
            [] => {
                let help = "give it one of `sql`, `command`, `http`, `function`, `wait`, `wait_until`, `signal`, `approval` or `noop = true`";
                self.report(&section.path, "CAR0203", "this step does nothing", help);
            }
            [first, second, ..] => {
                let message = format!(
                    "this step has both `{first}` and `{second}`, and a step does exactly one thing"
                );
                self.report(
                    &section.path_of(second),
                    "CAR0203",
                    message,
                    "make two steps of it",
                );
            }
            [_] => {}
        }
    }

    fn sql_action(&mut self, section: &Section<'_>, target: Option<&str>) -> Action {
        let sql = self.sql(section, "sql");
        let target = self
            .text(section, "target")
            .or_else(|| target.map(str::to_owned));
        match (target, sql) {
            (Some(target), Some(sql)) => Action::Sql { target, sql },
            (None, Some(_)) => {
                let help = "name where it runs, as in `target = \"warehouse\"`; it can only be left out where the workspace or the entities have one";
                self.require(section, "target", help);
                unread()
            }
            (_, None) => unread(),
        }
    }

    fn command(&mut self, section: &Section<'_>) -> Action {
        let argv = self.texts(section, "command");
        let json = self.choice(section, "output", &OUTPUTS).unwrap_or(false);
        let env = self.texts_by_name(section, "env");
        argv.map_or_else(unread, |argv| Action::Command { argv, env, json })
    }

    fn noop(&mut self, section: &Section<'_>) -> Action {
        if self.boolean(section, "noop") == Some(false) {
            self.report(
                &section.path_of("noop"),
                "CAR0105",
                "`noop` cannot be `false`",
                "write `noop = true`, or say what the step does instead",
            );
        }
        Action::Noop
    }

    /// A name, or a list of names.
    fn one_or_more(&mut self, section: &Section<'_>, key: &str) -> Vec<String> {
        match section.get(key).map(toml::Spanned::get_ref) {
            None => Vec::new(),
            Some(DeValue::String(name)) => vec![name.clone().into_owned()],
            Some(DeValue::Array(_)) => self.texts(section, key).unwrap_or_default(),
            Some(other) => {
                let message = format!(
                    "`{key}` takes a name or a list of names, not {}",
                    kind(other)
                );
                self.report(
                    &section.path_of(key),
                    "CAR0103",
                    message,
                    "as in `resource = \"geneva\"` or `resource = [\"geneva\", \"disk\"]`",
                );
                Vec::new()
            }
        }
    }

    fn fallback(&mut self, section: &Section<'_>) -> Option<Fallback> {
        if section.get("fallback").is_some() && section.get("fallback_step").is_some() {
            self.report(
                &section.path_of("fallback_step"),
                "CAR0203",
                "this step has both `fallback` and `fallback_step`",
                "keep the value or the step",
            );
            return None;
        }
        if let Some(value) = section.get("fallback") {
            return self
                .json(&section.path_of("fallback"), value.get_ref())
                .map(Fallback::Value);
        }
        self.text(section, "fallback_step").map(Fallback::Step)
    }
}

/// Stands for an action that could not be read: it may have any output, so that nothing is said about its later users.
fn unread() -> Action {
    Action::Function {
        name: "unnamed".to_owned(),
    }
}
