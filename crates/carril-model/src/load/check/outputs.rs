//! Fields of outputs: what is known of a step's output before it has run, and who uses which field of it.
//!
//! The answer of a call has three fields, and a fallback value those that are written in it; what a query gives, its target
//! tells later ([`crate::load::check_outputs`]). What a command prints or a function returns nobody knows.

use super::super::UsedOutput;
use super::super::similar::suggestion;
use super::Check;
use super::references::{Problem, Where};
use crate::definition::{Action, Fallback, Step, WaitFor};
use crate::finding::{Finding, Place};
use serde_json::Value;

/// The fields of a call's output.
const HTTP_FIELDS: [&str; 3] = ["status", "headers", "body"];

/// The fields of the output of a person's word.
const APPROVAL_FIELDS: [&str; 3] = ["by", "reason", "at"];

/// Most uses that are kept for the target's answer; a pipeline with more is not checked beyond.
const USES_MAX: usize = 2_000;

impl Check<'_> {
    /// The field that a name uses of a step's output, if it names one: `steps.rate.value` uses `value` of `rate`.
    fn used_field<'n>(&self, name: &[&'n str]) -> Option<((usize, usize), &'n str)> {
        let ["steps", path @ ..] = name else {
            return None;
        };
        if path.is_empty() {
            return None;
        }
        let step = self.find(path).ok()?;
        let is_alone = self.find(&path[..1]).is_ok_and(|found| found == step);
        // A step called like its stage: `steps.rate.rate` is a field of its output.
        let rest = if is_alone { &path[1..] } else { &path[2..] };
        Some((step, *rest.first()?))
    }

    /// What is wrong with the field of an output, as far as it is known without a target.
    pub(super) fn no_such_field(&self, name: &[&str]) -> Option<Problem> {
        let ((stage, step), field) = self.used_field(name)?;
        let steps = &self.definition.stages[stage].steps;
        let known = fields(steps, step)?;
        if known.contains(&field) {
            return None;
        }
        let path = format!(
            "{}/{}",
            self.definition.stages[stage].name, steps[step].name
        );
        let told = no_field(&path, field, &known);
        Some(Problem {
            code: "CAR0127",
            message: told.message,
            help: told.help,
        })
    }

    /// Keeps the use of an output that only its target can judge.
    pub(super) fn use_of_output(
        &mut self,
        at: Where,
        name: &[&str],
        place: impl FnOnce(&super::Places) -> Option<Place>,
    ) {
        let Some(((stage, step), field)) = self.used_field(name) else {
            return;
        };
        let is_known = matches!(at, Where::Entities | Where::Lanes)
            || self.outputs.len() >= USES_MAX
            || !told_by_target(&self.definition.stages[stage].steps, step);
        let is_again = |used: &UsedOutput| used.step == (stage, step) && used.field == field;
        if is_known || self.outputs.iter().any(is_again) {
            return;
        }
        let place = place(self.places);
        self.outputs.push(UsedOutput {
            step: (stage, step),
            field: field.to_owned(),
            place,
        });
    }
}

/// What is told where an output has other fields.
pub(in super::super) fn no_field(path: &str, field: &str, known: &[&str]) -> Finding {
    let help = suggestion(field, known.iter().copied());
    let otherwise = || "look at what the step gives: `carril show` prints outputs".to_owned();
    let message = format!("the output of `{path}` has no field `{field}`");
    Finding::error("CAR0127", message).help(help.unwrap_or_else(otherwise))
}

/// Every field that a step's output can have; `None` where that is not known before it has run.
fn fields(steps: &[Step], at: usize) -> Option<Vec<&str>> {
    let mut known = match &steps[at].action {
        Action::Http(_) => HTTP_FIELDS.to_vec(),
        Action::Noop => Vec::new(),
        Action::Wait(wait) => match wait.until {
            WaitFor::Span(_) | WaitFor::Moment(_) => Vec::new(),
            WaitFor::Approval(_) => APPROVAL_FIELDS.to_vec(),
            WaitFor::Signal(_) => return None,
        },
        Action::Sql { .. }
        | Action::Command { .. }
        | Action::Function { .. }
        | Action::Publish { .. } => return None,
    };
    known.extend(fallback_fields(steps, at)?);
    Some(known)
}

/// The fields that a step's output has when its fallback gave it; `None` where nobody knows.
pub(in super::super) fn fallback_fields(steps: &[Step], at: usize) -> Option<Vec<&str>> {
    match &steps[at].fallback {
        None => Some(Vec::new()),
        Some(Fallback::Value(Value::Object(fields))) => {
            Some(fields.keys().map(String::as_str).collect())
        }
        // Items of a list are named by their number, and a plain value has no fields: both are told when they are used.
        Some(Fallback::Value(_)) => None,
        Some(Fallback::Step(name)) => {
            let other = steps.iter().position(|step| step.name == *name)?;
            let leads_on = steps[other].fallback.is_some();
            match &steps[other].action {
                Action::Http(_) if !leads_on => Some(HTTP_FIELDS.to_vec()),
                Action::Noop if !leads_on => Some(Vec::new()),
                _ => None,
            }
        }
    }
}

/// Whether a target knows all fields that are not in the step's fallback.
fn told_by_target(steps: &[Step], at: usize) -> bool {
    matches!(steps[at].action, Action::Sql { .. }) && fallback_fields(steps, at).is_some()
}
