//! The rules that every definition keeps, whoever made it: names, bounds, and that all that is named exists.
//!
//! A definition that passes can be run. What only a target can tell is not asked here.

mod actions;
mod http;
mod names;
mod outputs;
mod references;
mod resources;
mod tables;
mod waits;

use super::places::Places;
use super::{AssumedAttribute, FINDINGS_MAX, UsedOutput};
use crate::definition::{ATTEMPTS_MAX, Definition, LANES_MAX, STEPS_MAX, Step};
use crate::expression::Expression;
use crate::finding::{Finding, Place};
pub(super) use outputs::{fallback_fields, no_field};
use references::{Problem, Where};
use std::collections::BTreeMap;

/// Most attributes that one pipeline may rely on; the most columns that SQLite's queries have by default.
const ATTRIBUTES_MAX: usize = 2_000;

/// Most tables of a workspace; each execution makes all of them before its first step.
const WORKSPACE_TABLES_MAX: usize = 1_000;

/// Checks a definition that was built in Rust; findings have places only inside its SQL. A file is checked by
/// [`super::parse`], by the same rules.
#[must_use]
pub fn check(definition: &Definition) -> Vec<Finding> {
    with_places(definition, &Places::default()).findings
}

/// What checking a definition gave.
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    /// Names that it takes for attributes of its entities, each where it is used first.
    pub(super) attributes: Vec<AssumedAttribute>,
    /// Fields of outputs that only their targets can tell, each where it is used first.
    pub(super) outputs: Vec<UsedOutput>,
}

/// Whether SQL has a value of that name without anybody giving it.
pub(super) fn is_built_in(name: &str) -> bool {
    names::BUILT_IN.contains(&name)
}

/// Checks a definition: findings that point to where it is written, and what only targets can tell.
pub(super) fn with_places(definition: &Definition, places: &Places) -> Checked {
    let mut check = Check {
        definition,
        places,
        findings: Vec::new(),
        attributes: BTreeMap::new(),
        outputs: Vec::new(),
        steps: BTreeMap::new(),
    };
    // What is too large is not looked at further: the checks below take more than linear time.
    if check.bounds() {
        check.all();
    }
    let attributes = check
        .attributes
        .into_iter()
        .map(|(name, place)| AssumedAttribute { name, place });
    Checked {
        findings: check.findings,
        attributes: attributes.collect(),
        outputs: check.outputs,
    }
}

struct Check<'a> {
    definition: &'a Definition,
    places: &'a Places,
    findings: Vec<Finding>,
    /// Assumed attributes, each where it is used first.
    attributes: BTreeMap<String, Option<Place>>,
    /// Fields of outputs, each where it is used first.
    outputs: Vec<UsedOutput>,
    /// Positions of stage and step by the step's name.
    steps: BTreeMap<&'a str, Vec<(usize, usize)>>,
}

impl Check<'_> {
    fn report(
        &mut self,
        path: &str,
        code: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(
                Finding::error(code, message)
                    .help(help)
                    .maybe_at(self.places.at(path)),
            );
        }
    }

    /// Reports a problem at a place, which is only worked out if it is told.
    fn problem(&mut self, problem: Problem, place: impl FnOnce(&Places) -> Option<Place>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(
                Finding::error(problem.code, problem.message)
                    .maybe_help(problem.help)
                    .maybe_at(place(self.places)),
            );
        }
    }

    /// The same as a doubt: it runs, and somebody should look.
    fn doubt(&mut self, problem: Problem, place: impl FnOnce(&Places) -> Option<Place>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(
                Finding::warning(problem.code, problem.message)
                    .maybe_help(problem.help)
                    .maybe_at(place(self.places)),
            );
        }
    }

    /// Keeps an attribute with the place of its first use.
    fn attribute(&mut self, name: String, place: impl FnOnce(&Places) -> Option<Place>) {
        if !self.attributes.contains_key(&name) && self.attributes.len() < ATTRIBUTES_MAX {
            let place = place(self.places);
            self.attributes.insert(name, place);
        }
    }

    fn all(&mut self) {
        let definition = self.definition;
        for (stage_at, stage) in definition.stages.iter().enumerate() {
            for (step_at, step) in stage.steps.iter().enumerate() {
                self.steps
                    .entry(step.name.as_str())
                    .or_default()
                    .push((stage_at, step_at));
            }
        }
        self.names();
        self.resources();
        self.params();
        self.entities();
        self.tables();
        if let Some(key) = &definition.lanes.key {
            self.expression(Where::Lanes, "lanes/key", key);
        }
        for (stage_at, stage) in definition.stages.iter().enumerate() {
            if let Some(when) = &stage.when {
                self.expression(
                    Where::Stage(stage_at),
                    &format!("stage/{stage_at}/when"),
                    when,
                );
            }
            for (step_at, step) in stage.steps.iter().enumerate() {
                self.step(stage_at, step_at, step);
            }
            self.fallbacks(stage_at, stage);
        }
    }

    /// Reports what is too much or too little; whether the rest can be looked at.
    fn bounds(&mut self) -> bool {
        let lanes = &self.definition.lanes;
        if !(1..=LANES_MAX).contains(&lanes.max) {
            let message = format!("`max` cannot be {}", lanes.max);
            let help = format!("it is between 1 and {LANES_MAX}");
            self.report("lanes/max", "CAR0105", message, help);
        }
        if lanes
            .abort_when
            .is_some_and(|guard| guard.failed_permille >= 1_000)
        {
            let help = "the share is less than 1,000 thousandths";
            self.report(
                "lanes/abort_when",
                "CAR0105",
                "more than all lanes cannot fail",
                help,
            );
        }
        let goal = &self.definition.goal;
        let is_reached_by_none = goal.duration_micros.is_some_and(|micros| micros <= 0);
        if is_reached_by_none || goal.entities_per_hour == Some(0) {
            let message = "a goal of nothing says nothing";
            let help = "both of its numbers are more than 0; leave out the one that is not wanted";
            self.report("goal", "CAR0105", message, help);
        }
        let tables = self.definition.workspace.as_ref().map_or(0, |workspace| {
            workspace.tables.len().max(workspace.publish.len())
        });
        if tables > WORKSPACE_TABLES_MAX {
            let message = format!(
                "the workspace has {tables} tables, at most {WORKSPACE_TABLES_MAX} are taken"
            );
            let help = "leave those out that lanes only read";
            self.report("workspace", "CAR0208", message, help);
        }
        self.counts() && tables <= WORKSPACE_TABLES_MAX
    }

    /// The numbers of stages and steps.
    fn counts(&mut self) -> bool {
        let stages = &self.definition.stages;
        if stages.is_empty() {
            let help = "give it a `[[stage]]` with at least one `[[stage.step]]`";
            self.report("stage", "CAR0214", "the pipeline has no stage", help);
        }
        for at in (0..stages.len()).filter(|at| stages[*at].steps.is_empty()) {
            let message = format!("stage `{}` has no step", stages[at].name);
            let help = "give it a `[[stage.step]]`, or leave the stage out";
            self.report(&format!("stage/{at}"), "CAR0214", message, help);
        }
        let steps: usize = stages.iter().map(|stage| stage.steps.len()).sum();
        if steps > STEPS_MAX {
            let message = format!("the pipeline has {steps} steps, at most {STEPS_MAX} are taken");
            self.report("stage", "CAR0214", message, "make two pipelines of it");
        }
        steps <= STEPS_MAX && stages.len() <= STEPS_MAX
    }

    fn step(&mut self, stage_at: usize, step_at: usize, step: &Step) {
        let path = format!("stage/{stage_at}/step/{step_at}");
        let at = Where::Step(stage_at, step_at);
        if let Some(when) = &step.when {
            self.expression(at, &format!("{path}/when"), when);
        }
        let (timeout, retry) = (step.timeout, &step.retry);
        if timeout.is_zero() || timeout > super::values::DURATION_MAX {
            self.report(
                &format!("{path}/timeout"),
                "CAR0105",
                format!("`timeout` cannot be {timeout:?}"),
                "it is more than nothing and at most 720h",
            );
        }
        if !(1..=ATTEMPTS_MAX).contains(&retry.attempts) {
            self.report(
                &format!("{path}/retry"),
                "CAR0105",
                format!("`attempts` cannot be {}", retry.attempts),
                format!("it is between 1 and {ATTEMPTS_MAX}"),
            );
        }
        if retry.backoff_min > retry.backoff_max || retry.backoff_max > super::values::DURATION_MAX
        {
            self.report(
                &format!("{path}/retry"),
                "CAR0105",
                "the first wait is longer than the longest, or that is longer than 720h",
                "as in `backoff = \"50ms..5s\"`",
            );
        }
        self.action(at, &path, step);
    }

    /// An expression must compile, and every name in it must exist where it is evaluated.
    fn expression(&mut self, at: Where, path: &str, expression: &Expression) {
        if let Err(error) = Expression::parse(expression.source()) {
            let help =
                "an expression is as in `param.mode == \"full\" and entity.size > 10`".to_owned();
            let problem = Problem {
                code: "CAR0204",
                message: format!("this expression does not compile: {}", error.message),
                help: Some(help),
            };
            self.problem(problem, |places| places.within(path, error.range));
            return;
        }
        for name in expression.names() {
            let segments: Vec<&str> = name.segments.iter().map(String::as_str).collect();
            match self.in_expression(at, &segments) {
                Ok(None) => {
                    self.use_of_output(at, &segments, |places| {
                        places.within(path, name.range.clone())
                    });
                }
                Ok(Some(attribute)) => {
                    self.attribute(attribute, |places| places.within(path, name.range.clone()));
                }
                Err(problem) => {
                    self.problem(problem, |places| places.within(path, name.range.clone()));
                }
            }
        }
    }
}
