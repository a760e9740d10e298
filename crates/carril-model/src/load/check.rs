//! The rules that every definition keeps, whoever made it: names, bounds, and that all that is named exists.
//!
//! A definition that passes can be run. What only a target can tell is not asked here.

mod actions;
mod names;
mod references;
mod tables;

use super::places::Places;
use super::{AssumedAttribute, FINDINGS_MAX};
use crate::definition::{ATTEMPTS_MAX, Definition, LANES_MAX, STEPS_MAX, Step};
use crate::expression::Expression;
use crate::finding::{Finding, Place};
use references::{Problem, Where};
use std::collections::BTreeMap;

/// Most attributes that one pipeline may rely on; the most columns that SQLite's queries have by default.
const ATTRIBUTES_MAX: usize = 2_000;

/// Checks a definition that was built in Rust; findings have places only inside its SQL. A file is checked by
/// [`super::parse`], by the same rules.
#[must_use]
pub fn check(definition: &Definition) -> Vec<Finding> {
    with_places(definition, &Places::default())
}

/// Whether SQL has a value of that name without anybody giving it.
pub(super) fn is_built_in(name: &str) -> bool {
    names::BUILT_IN.contains(&name)
}

/// Checks a definition; findings point to where it is written.
pub(super) fn with_places(definition: &Definition, places: &Places) -> Vec<Finding> {
    run(definition, places).findings
}

/// The names that a definition takes for attributes of its entities, each where it is used first.
pub(super) fn attributes(definition: &Definition, places: &Places) -> Vec<AssumedAttribute> {
    let attributes = run(definition, places).attributes;
    attributes.into_iter().map(|(name, place)| AssumedAttribute { name, place }).collect()
}

fn run<'a>(definition: &'a Definition, places: &'a Places) -> Check<'a> {
    let mut check = Check { definition, places, findings: Vec::new(), attributes: BTreeMap::new(), steps: BTreeMap::new() };
    for (stage_at, stage) in definition.stages.iter().enumerate() {
        for (step_at, step) in stage.steps.iter().enumerate() {
            check.steps.entry(step.name.as_str()).or_default().push((stage_at, step_at));
        }
    }
    check.names();
    check.bounds();
    check.params();
    check.entities();
    check.tables();
    if let Some(key) = &definition.lanes.key {
        check.expression(Where::Lanes, "lanes/key", key);
    }
    for (stage_at, stage) in definition.stages.iter().enumerate() {
        if let Some(when) = &stage.when {
            check.expression(Where::Stage(stage_at), &format!("stage/{stage_at}/when"), when);
        }
        for (step_at, step) in stage.steps.iter().enumerate() {
            check.step(stage_at, step_at, step);
        }
        check.fallbacks(stage_at, stage);
    }
    check
}

struct Check<'a> {
    definition: &'a Definition,
    places: &'a Places,
    findings: Vec<Finding>,
    /// Assumed attributes, each where it is used first.
    attributes: BTreeMap<String, Option<Place>>,
    /// Positions of stage and step by the step's name.
    steps: BTreeMap<&'a str, Vec<(usize, usize)>>,
}

impl Check<'_> {
    fn report(&mut self, path: &str, code: &str, message: impl Into<String>, help: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding::error(code, message).help(help).maybe_at(self.places.at(path)));
        }
    }

    /// Reports a problem at a place, which is only worked out if it is told.
    fn problem(&mut self, problem: Problem, place: impl FnOnce(&Places) -> Option<Place>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding::error(problem.code, problem.message).maybe_help(problem.help).maybe_at(place(self.places)));
        }
    }

    /// Keeps an attribute with the place of its first use.
    fn attribute(&mut self, name: String, place: impl FnOnce(&Places) -> Option<Place>) {
        if !self.attributes.contains_key(&name) && self.attributes.len() < ATTRIBUTES_MAX {
            let place = place(self.places);
            self.attributes.insert(name, place);
        }
    }

    fn bounds(&mut self) {
        let (lanes, stages) = (&self.definition.lanes, &self.definition.stages);
        if !(1..=LANES_MAX).contains(&lanes.max) {
            self.report("lanes/max", "CAR0105", format!("`max` cannot be {}", lanes.max), format!("it is between 1 and {LANES_MAX}"));
        }
        if lanes.abort_when.is_some_and(|guard| guard.failed_permille >= 1_000) {
            self.report("lanes/abort_when", "CAR0105", "more than all lanes cannot fail", "the share is less than 1,000 thousandths");
        }
        if stages.is_empty() {
            self.report("stage", "CAR0214", "the pipeline has no stage", "give it a `[[stage]]` with at least one `[[stage.step]]`");
        }
        for at in (0..stages.len()).filter(|at| stages[*at].steps.is_empty()) {
            let message = format!("stage `{}` has no step", stages[at].name);
            self.report(&format!("stage/{at}"), "CAR0214", message, "give it a `[[stage.step]]`, or leave the stage out");
        }
        let steps: usize = stages.iter().map(|stage| stage.steps.len()).sum();
        if steps > STEPS_MAX {
            self.report("stage", "CAR0214", format!("the pipeline has {steps} steps, at most {STEPS_MAX} are taken"), "make two pipelines of it");
        }
    }

    fn step(&mut self, stage_at: usize, step_at: usize, step: &Step) {
        let path = format!("stage/{stage_at}/step/{step_at}");
        let at = Where::Step(stage_at, step_at);
        if let Some(when) = &step.when {
            self.expression(at, &format!("{path}/when"), when);
        }
        let (timeout, retry) = (step.timeout, &step.retry);
        if timeout.is_zero() || timeout > super::values::DURATION_MAX {
            self.report(&format!("{path}/timeout"), "CAR0105", format!("`timeout` cannot be {timeout:?}"), "it is more than nothing and at most 720h");
        }
        if !(1..=ATTEMPTS_MAX).contains(&retry.attempts) {
            self.report(&format!("{path}/retry"), "CAR0105", format!("`attempts` cannot be {}", retry.attempts), format!("it is between 1 and {ATTEMPTS_MAX}"));
        }
        if retry.backoff_min > retry.backoff_max || retry.backoff_max > super::values::DURATION_MAX {
            self.report(&format!("{path}/retry"), "CAR0105", "the first wait is longer than the longest, or that is longer than 720h", "as in `backoff = \"50ms..5s\"`");
        }
        self.action(at, &path, step);
    }

    /// An expression must compile, and every name in it must exist where it is evaluated.
    fn expression(&mut self, at: Where, path: &str, expression: &Expression) {
        if let Err(error) = Expression::parse(expression.source()) {
            let help = "an expression is as in `param.mode == \"full\" and entity.size > 10`".to_owned();
            let problem = Problem { code: "CAR0204", message: format!("this is no expression: {}", error.message), help: Some(help) };
            self.problem(problem, |places| places.within(path, error.range));
            return;
        }
        for name in expression.names() {
            let segments: Vec<&str> = name.segments.iter().map(String::as_str).collect();
            match self.in_expression(at, &segments) {
                Ok(None) => {}
                Ok(Some(attribute)) => self.attribute(attribute, |places| places.within(path, name.range.clone())),
                Err(problem) => self.problem(problem, |places| places.within(path, name.range.clone())),
            }
        }
    }
}
