//! The values that a step's placeholders and expressions see, and whose they are.

use crate::id::{ExecutionId, ProcessId, Run, StepId};
use crate::load::suggestion;
use crate::plan::Plan;
use crate::sql::Lookup;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whose values placeholders and expressions see.
#[derive(Debug, Clone)]
pub struct Context {
    /// The process.
    pub process: ProcessId,
    /// The execution.
    pub execution: ExecutionId,
    /// The run.
    pub run: Run,
    /// The entity's key; `None` in per-process stages.
    pub entity_key: Option<Arc<str>>,
    /// The parameters.
    pub params: Arc<Map<String, Value>>,
    /// The entity's attributes.
    pub entity: Arc<Map<String, Value>>,
    /// Outputs of earlier steps.
    pub outputs: BTreeMap<StepId, Value>,
    /// What is being run.
    pub plan: Arc<Plan>,
}

impl Context {
    /// What expressions see: `entity` (with its `key`), `param`, `steps` (by name, and by stage and name) and `run`.
    #[must_use]
    pub fn for_expressions(&self) -> Value {
        let mut entity = (*self.entity).clone();
        if let Some(key) = &self.entity_key {
            entity.entry("key").or_insert_with(|| Value::from(&**key));
        }
        json!({ "entity": entity, "param": *self.params, "steps": self.outputs_by_name(), "run": self.run })
    }

    /// Outputs under `stage.step`, and under the step's name where only one step has it; the step's name wins over a stage's,
    /// as it does in SQL.
    #[must_use]
    pub fn outputs_by_name(&self) -> Map<String, Value> {
        let mut by_name = Map::new();
        for (id, output) in &self.outputs {
            let of_stage = by_name
                .entry(self.plan.stage_of(*id).name.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(of_stage) = of_stage {
                of_stage.insert(self.plan.step(*id).name.clone(), output.clone());
            }
        }
        for (id, output) in &self.outputs {
            let step = &self.plan.step(*id).name;
            if self.plan.find(step) == Some(*id) {
                by_name.insert(step.clone(), output.clone());
            }
        }
        by_name
    }

    /// Why [`Lookup::get`] gives nothing for a name, and what would be right; without the name itself.
    #[must_use]
    pub fn why_missing(&self, name: &str) -> String {
        if let Some(path) = name.strip_prefix("steps.") {
            return self.why_no_output(path);
        }
        let (kind, bare, known): (&str, &str, Vec<&str>) = match name.split_once('.') {
            Some(("param", bare)) => (
                "parameter",
                bare,
                self.params.keys().map(String::as_str).collect(),
            ),
            Some(("entity", bare)) => (
                "attribute",
                bare,
                self.entity.keys().map(String::as_str).collect(),
            ),
            _ => {
                let both = self.params.keys().chain(self.entity.keys());
                (
                    "parameter or attribute",
                    name,
                    both.map(String::as_str).collect(),
                )
            }
        };
        let help = suggestion(bare, known).map_or_else(String::new, |help| format!("; {help}"));
        let whose = match self.entity_key {
            Some(_) => "this entity has",
            None => "there is",
        };
        format!("{whose} no {kind} `{bare}`{help}")
    }

    fn why_no_output(&self, path: &str) -> String {
        let Some((id, rest)) = self.step_of(path) else {
            return "there is no such step".to_owned();
        };
        let known = &self.plan.planned(id).path;
        match self.outputs.get(&id) {
            None => {
                let written: Vec<&str> = path.split('.').collect();
                let written = written[..written.len() - rest.len()].join(".");
                format!(
                    "`{known}` has no output here: it was skipped, failed, or gave no row; `when = \"steps.{written} is defined\"` asks first"
                )
            }
            Some(Value::Object(fields)) => {
                let help = suggestion(
                    rest.first().unwrap_or(&""),
                    fields.keys().map(String::as_str),
                )
                .map_or_else(String::new, |help| format!("; {help}"));
                format!(
                    "the output of `{known}` has no field `{}`{help}",
                    rest.join(".")
                )
            }
            Some(_) => format!("the output of `{known}` is no object with fields"),
        }
    }

    /// The step that a path begins with, and what follows it.
    fn step_of<'a>(&self, path: &'a str) -> Option<(StepId, Vec<&'a str>)> {
        let mut parts = path.split('.');
        let first = parts.next()?;
        match self.plan.find(first) {
            Some(id) => Some((id, parts.collect())),
            None => Some((
                self.plan.find(&format!("{first}/{}", parts.next()?))?,
                parts.collect(),
            )),
        }
    }

    fn output(&self, path: &str) -> Option<Value> {
        let (id, rest) = self.step_of(path)?;
        let mut value = self.outputs.get(&id)?;
        for part in rest {
            value = match value {
                Value::Object(fields) => fields.get(part)?,
                Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value.clone())
    }
}

impl Lookup for Context {
    fn get(&self, name: &str) -> Option<Value> {
        if let Some((head, rest)) = name.split_once('.') {
            return match head {
                "param" => self.params.get(rest).cloned(),
                "entity" if rest == "key" => self.entity_key.as_deref().map(Value::from),
                "entity" => self.entity.get(rest).cloned(),
                "steps" => self.output(rest),
                _ => None,
            };
        }
        match name {
            "execution_id" => Some(Value::from(self.execution.0)),
            "process_id" => Some(Value::from(self.process.0)),
            "run" => Some(Value::from(self.run.0)),
            "entity_key" => self.entity_key.as_deref().map(Value::from),
            _ => self
                .params
                .get(name)
                .or_else(|| self.entity.get(name))
                .cloned(),
        }
    }
}

#[cfg(test)]
mod tests;
