//! The names that a definition gives: their form, and that none is given twice.

use super::super::parameters::{default_example, default_problem};
use super::super::values::{identifier_problem, name_problem};
use super::Check;
use crate::definition::{Action, Definition, Entities, Stage};
use std::collections::BTreeSet;

/// What SQL calls its own values; a parameter of that name could not be reached.
pub(super) const BUILT_IN: [&str; 4] = ["execution_id", "process_id", "run", "entity_key"];

/// What dotted names start with.
pub(super) const ROOTS: [&str; 3] = ["param", "entity", "steps"];

impl Check<'_> {
    pub(super) fn names(&mut self) {
        let definition = self.definition;
        self.name("name", "a pipeline", &definition.name);
        for target in targets(definition) {
            self.name(&target.0, "a target", target.1);
        }
        for name in definition.resources.keys() {
            self.name(&format!("resource/{name}"), "a resource", name);
        }
        self.unused_resources();
        let mut stages = BTreeSet::new();
        for (stage_at, stage) in definition.stages.iter().enumerate() {
            let path = format!("stage/{stage_at}/name");
            self.name(&path, "a stage", &stage.name);
            self.once(&path, "stage", &stage.name, "in the pipeline", &mut stages);
            if self.publishes() && is_made_by_plan(&stage.name) {
                let message = format!(
                    "a stage cannot be called `{}` where the workspace publishes",
                    stage.name
                );
                let help = "the stages that publish are called `publish`, `publish-2` and so on; take another name";
                self.report(&path, "CAR0201", message, help);
            }
            self.step_names(stage_at, stage);
        }
    }

    fn step_names(&mut self, stage_at: usize, stage: &Stage) {
        let mut steps = BTreeSet::new();
        for (step_at, step) in stage.steps.iter().enumerate() {
            let path = format!("stage/{stage_at}/step/{step_at}/name");
            self.name(&path, "a step", &step.name);
            self.once(&path, "step", &step.name, "in its stage", &mut steps);
            let path = format!("stage/{stage_at}/step/{step_at}/resource");
            let mut resources = BTreeSet::new();
            for resource in &step.resources {
                self.name(&path, "a resource", resource);
                self.once(&path, "resource", resource, "in its step", &mut resources);
            }
        }
    }

    pub(super) fn publishes(&self) -> bool {
        self.definition
            .workspace
            .as_ref()
            .is_some_and(|workspace| !workspace.publish.is_empty())
    }

    pub(super) fn params(&mut self) {
        for (name, parameter) in &self.definition.params {
            let path = format!("params/{name}");
            let rule = "SQL calls it by its name: a letter, then up to 63 letters, digits or `_`";
            if name_problem(name).is_some() || name.contains('-') {
                self.report(
                    &path,
                    "CAR0201",
                    format!("a parameter cannot be called `{name}`"),
                    rule,
                );
            } else if BUILT_IN.contains(&name.as_str()) || ROOTS.contains(&name.as_str()) {
                let message = format!(
                    "a parameter cannot be called `{name}`, since that name has a meaning of its own"
                );
                self.report(
                    &path,
                    "CAR0201",
                    message,
                    "take another name, as in `report_date`",
                );
            }
            if let Some(default) = &parameter.default
                && let Some(problem) = default_problem(parameter.kind, default)
            {
                let help = format!(
                    "a default is a value of the parameter's type: `default = {}`",
                    default_example(parameter.kind)
                );
                self.report(
                    &format!("{path}/default"),
                    "CAR0209",
                    format!("the default of `{name}` does not fit: {problem}"),
                    help,
                );
            }
        }
    }

    pub(super) fn entities(&mut self) {
        match &self.definition.entities {
            Entities::Query { key, sql, .. } => {
                if let Some(problem) = identifier_problem(key) {
                    self.report(
                        "entities/key",
                        "CAR0201",
                        format!("`{key}` is no name of a column: {problem}"),
                        "name a column of the query, as in `id_fund`",
                    );
                }
                self.entities_sql(sql);
            }
            Entities::List(list) => self.entities_list(list),
            Entities::Given => {}
        }
    }

    fn entities_list(&mut self, list: &[String]) {
        if list.is_empty() {
            self.report(
                "entities/list",
                "CAR0105",
                "the list of entities is empty",
                "name at least one, as in `list = [\"north\", \"south\"]`",
            );
        }
        let mut seen = BTreeSet::new();
        for (at, entity) in list.iter().enumerate() {
            let path = format!("entities/list/{at}");
            if entity.is_empty() {
                self.report(
                    &path,
                    "CAR0201",
                    "an entity's key is empty",
                    "every entity has a key of its own",
                );
            }
            self.once(&path, "entity", entity, "in the list", &mut seen);
        }
    }

    fn name(&mut self, path: &str, what: &str, name: &str) {
        if let Some(problem) = name_problem(name) {
            let (problem, rule) = problem
                .split_once("; ")
                .unwrap_or((&problem, "take another name"));
            self.report(
                path,
                "CAR0201",
                format!("{what} cannot be called {name:?}: {problem}"),
                rule,
            );
        }
    }

    pub(super) fn once<'n>(
        &mut self,
        path: &str,
        what: &str,
        name: &'n str,
        where_to: &str,
        seen: &mut BTreeSet<&'n str>,
    ) {
        if !seen.insert(name) {
            self.report(
                path,
                "CAR0202",
                format!("there is another {what} `{name}`"),
                format!(
                    "every {what} is named once {where_to}; rename one of them or leave it out"
                ),
            );
        }
    }

    fn unused_resources(&mut self) {
        let used: BTreeSet<&str> = self
            .definition
            .stages
            .iter()
            .flat_map(|stage| &stage.steps)
            .flat_map(|step| step.resources.iter().map(String::as_str))
            .collect();
        let unused = self
            .definition
            .resources
            .keys()
            .filter(|name| !used.contains(name.as_str()));
        for name in unused.take(super::FINDINGS_MAX) {
            let finding = crate::finding::Finding::warning(
                "CAR0212",
                format!("no step uses the resource `{name}`"),
            );
            let help = super::super::similar::nearest(name, used.iter().copied()).map_or_else(
                || {
                    format!(
                        "say `resource = \"{name}\"` in the steps that take a slot, or leave it out"
                    )
                },
                |near| format!("steps use `{near}`: are they the same?"),
            );
            self.findings.push(
                finding
                    .help(help)
                    .maybe_at(self.places.at(&format!("resource/{name}"))),
            );
        }
    }
}

/// Whether [`crate::plan`] gives this name to the stages that publish.
fn is_made_by_plan(name: &str) -> bool {
    name.strip_prefix("publish").is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('-')
                .is_some_and(|number| number.parse::<u32>().is_ok())
    })
}

/// Every target with the path where it is named.
fn targets(definition: &Definition) -> Vec<(String, &str)> {
    let mut known = BTreeSet::new();
    let mut targets: Vec<(String, &str)> = Vec::new();
    let mut add = |path: String, target| {
        if known.insert(target) {
            targets.push((path, target));
        }
    };
    if let Entities::Query { target, .. } = &definition.entities {
        add("entities/target".to_owned(), target.as_str());
    }
    if let Some(workspace) = &definition.workspace {
        add("workspace/target".to_owned(), &workspace.target);
    }
    for (stage_at, stage) in definition.stages.iter().enumerate() {
        for (step_at, step) in stage.steps.iter().enumerate() {
            if let Action::Sql { target, .. } = &step.action {
                add(format!("stage/{stage_at}/step/{step_at}/target"), target);
            }
        }
    }
    targets
}
