//! Stages: groups of steps that every lane goes through, or that run once. Which of them follow each other without a wait is
//! the plan's business.

use super::step::{Defaults, Step};
use crate::function::Functions;
use carril_model::definition::{self, Scope};
use carril_model::expression::Expression;
use carril_model::finding::Finding;

/// A named group of steps.
#[derive(Debug)]
#[must_use = "a stage does nothing before a pipeline has it"]
pub struct Stage {
    name: String,
    per: Scope,
    parallel: bool,
    when: Option<String>,
    steps: Vec<Step>,
}

/// What the parts of a pipeline need from the whole while it is built, and what they add to it.
pub(super) struct Building<'a> {
    pub(super) pipeline: &'a str,
    /// Where SQL runs whose step does not say it.
    pub(super) target: Option<&'a str>,
    pub(super) defaults: &'a Defaults,
    pub(super) functions: Functions,
    pub(super) findings: Vec<Finding>,
}

impl Stage {
    /// A stage that every lane runs, its steps one after the other.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            per: Scope::Entity,
            parallel: false,
            when: None,
            steps: Vec::new(),
        }
    }

    /// It runs once, when every lane has settled or waits for it.
    pub const fn per_process(mut self) -> Self {
        self.per = Scope::Process;
        self
    }

    /// Its steps run at once; all may finish, then the stage is judged.
    pub const fn parallel(mut self) -> Self {
        self.parallel = true;
        self
    }

    /// The stage is skipped, with this reason, where the expression is false.
    pub fn when(mut self, expression: impl Into<String>) -> Self {
        self.when = Some(expression.into());
        self
    }

    /// The next step.
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(super) fn into_model(self, building: &mut Building<'_>) -> definition::Stage {
        let steps = self
            .steps
            .into_iter()
            .map(|step| step.into_model(&self.name, building))
            .collect();
        definition::Stage {
            name: self.name,
            per: self.per,
            parallel: self.parallel,
            when: self.when.map(Expression::from),
            steps,
        }
    }
}
