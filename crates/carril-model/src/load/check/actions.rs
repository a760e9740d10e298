//! What steps do: their SQL, their commands, and what runs instead of them.

use super::super::similar::suggestion;
use super::super::values::name_problem;
use super::Check;
use super::references::{Problem, Where};
use crate::contract::OUTPUT_BYTES_MAX;
use crate::definition::{Action, Fallback, SqlText, Stage, Step};
use crate::sql::Script;
use crate::template::{self, Piece};
use serde_json::Value;
use std::collections::BTreeMap;

impl Check<'_> {
    pub(super) fn action(&mut self, at: Where, path: &str, step: &Step) {
        match &step.action {
            Action::Sql { sql, .. } => {
                self.sql(at, &format!("{path}/sql"), sql);
            }
            Action::Command { argv, env, .. } => self.command(at, path, argv, env),
            Action::Http(http) => self.http(at, &format!("{path}/http"), http),
            Action::Function { name } => {
                if let Some(problem) = name_problem(name) {
                    self.report(
                        &format!("{path}/function"),
                        "CAR0201",
                        format!("a function cannot be called {name:?}: {problem}"),
                        "take the name under which it is registered",
                    );
                }
            }
            Action::Noop => {}
            Action::Wait(wait) => self.wait(at, path, step, wait),
            Action::Publish { .. } => {
                self.report(
                    path,
                    "CAR0203",
                    "a step cannot publish by itself",
                    "list what is published in the workspace; the plan makes the steps",
                );
            }
        }
    }

    pub(super) fn entities_sql(&mut self, sql: &SqlText) {
        let path = "entities/sql";
        let Some(script) = self.sql(Where::Entities, path, sql) else {
            return;
        };
        let help = "it is one `select` that gives a row for each entity";
        if let Some(second) = script.statements().get(1) {
            let problem = Problem {
                code: "CAR0307",
                message: "the entities query has a second statement".to_owned(),
                help: Some(help.to_owned()),
            };
            self.problem(problem, |places| {
                places.sql(path, sql, second.range.clone())
            });
        }
        let written = script
            .statements()
            .iter()
            .find_map(|statement| script.written_tables(statement).into_iter().next());
        if let Some(written) = written {
            let message = format!("the entities query writes `{}`", written.table);
            let range = written.offset..written.offset + written.table.len();
            self.problem(
                Problem {
                    code: "CAR0307",
                    message,
                    help: Some(help.to_owned()),
                },
                |places| places.sql(path, sql, range),
            );
        }
    }

    /// SQL as far as its words tell; taken apart, if it can be.
    fn sql(&mut self, at: Where, path: &str, sql: &SqlText) -> Option<Script> {
        let script = match Script::parse(&sql.text) {
            Ok(script) => script,
            Err(error) => {
                let message = format!("this SQL cannot be read: {}", error.message);
                let range = error.offset..error.offset + 1;
                self.problem(Problem::new("CAR0305", message, error.help), |places| {
                    places.sql(path, sql, range)
                });
                return None;
            }
        };
        if script.statements().is_empty() {
            let help = "write a statement, or make it a step with `noop = true`";
            let problem = Problem::new("CAR0306", "there is no statement in this SQL", help);
            self.problem(problem, |places| places.sql(path, sql, 0..1));
        }
        for statement in script.transaction_control() {
            let message = format!("`{}` cannot stand in a step", statement.first_word);
            let help = "leave it out: Carril begins the transaction of a step and commits it together with the step's success";
            let start = statement.range.start;
            let range = start..start + statement.first_word.len();
            self.problem(Problem::new("CAR0303", message, help), |places| {
                places.sql(path, sql, range)
            });
        }
        for placeholder in script.placeholders() {
            let place = |places: &super::Places| places.sql(path, sql, placeholder.range.clone());
            match self.in_text(at, &placeholder.name) {
                Ok(None) => {
                    let segments: Vec<&str> = placeholder.name.split('.').collect();
                    self.use_of_output(at, &segments, place);
                    if let Some(doubt) = self.may_be_absent(at, &placeholder.name) {
                        self.doubt(doubt, place);
                    }
                }
                Ok(Some(attribute)) => self.attribute(attribute, place),
                Err(problem) => {
                    let written = format!(":{}", placeholder.name);
                    self.problem(problem.in_text(&written, "CAR0304"), place);
                }
            }
        }
        Some(script)
    }

    fn command(&mut self, at: Where, path: &str, argv: &[String], env: &BTreeMap<String, String>) {
        if argv.first().is_none_or(String::is_empty) {
            self.report(
                &format!("{path}/command"),
                "CAR0105",
                "the command names no program",
                "the first text is the program, as in `command = [\"python3\", \"load.py\"]`",
            );
        }
        for (position, argument) in argv.iter().enumerate() {
            self.template(at, &format!("{path}/command/{position}"), argument, false);
        }
        for (name, text) in env {
            let path = format!("{path}/env/{name}");
            if name.is_empty() || name.contains(['=', '\0']) || name.starts_with("CARRIL_") {
                self.report(&path, "CAR0105", format!("{name:?} cannot be the name of a variable"), "a variable's name has no `=` in it, and those that start with `CARRIL_` are Carril's own");
            }
            self.template(at, &path, text, false);
        }
    }

    /// A text with `{name}` in it, and with `${secret:NAME}` where it may have secrets.
    pub(super) fn template(&mut self, at: Where, path: &str, text: &str, secrets: bool) {
        let pieces = if secrets {
            template::pieces_with_secrets(text)
        } else {
            template::pieces(text)
        };
        let pieces = match pieces {
            Ok(pieces) => pieces,
            Err(offset) => {
                let problem = no_name(text, offset, secrets);
                self.problem(problem, |places| places.within(path, offset..offset + 1));
                return;
            }
        };
        for piece in pieces {
            let Piece::Value { name, range } = piece else {
                continue;
            };
            match self.in_text(at, name) {
                Ok(None) => {
                    let segments: Vec<&str> = name.split('.').collect();
                    self.use_of_output(at, &segments, |places| places.within(path, range.clone()));
                    if let Some(doubt) = self.may_be_absent(at, name) {
                        self.doubt(doubt, |places| places.within(path, range));
                    }
                }
                Ok(Some(attribute)) => {
                    self.attribute(attribute, |places| places.within(path, range));
                }
                Err(problem) => {
                    let problem = problem.in_text(&text[range.clone()], "CAR0210");
                    self.problem(problem, |places| places.within(path, range));
                }
            }
        }
    }

    /// What runs instead of a step must be another step of its stage, for one step only, and never lead back.
    pub(super) fn fallbacks(&mut self, stage_at: usize, stage: &Stage) {
        let position = |name: &str| stage.steps.iter().position(|step| step.name == name);
        let next = |step: &Step| fallback_of(step).and_then(position);
        let nexts: Vec<Option<usize>> = stage.steps.iter().map(next).collect();
        let mut taken: BTreeMap<usize, &str> = BTreeMap::new();
        for (at, step) in stage.steps.iter().enumerate() {
            let path = format!("stage/{stage_at}/step/{at}");
            match &step.fallback {
                Some(Fallback::Step(name)) => self.fallback_step(&path, stage, at, name),
                Some(Fallback::Value(value)) => self.fallback_value(&path, value),
                None => {}
            }
            let path = format!("{path}/fallback_step");
            if let Some(other) = nexts[at].and_then(|next| taken.insert(next, &step.name)) {
                let fallback = fallback_of(step).unwrap_or_default();
                let message = format!("`{fallback}` is already the fallback of `{other}`");
                let help = "a step runs once at most; give each its own fallback";
                self.report(&path, "CAR0207", message, help);
            }
            if let Some(circle) = circle(&nexts, at) {
                let names: Vec<&str> = circle
                    .into_iter()
                    .map(|at| stage.steps[at].name.as_str())
                    .collect();
                let message = format!("the fallbacks run in a circle: {}", names.join(" → "));
                let help = "the last one has no fallback, or a value";
                self.report(&path, "CAR0207", message, help);
            }
        }
    }

    fn fallback_value(&mut self, path: &str, value: &Value) {
        if value.to_string().len() > OUTPUT_BYTES_MAX {
            let message = format!("a fallback of more than {OUTPUT_BYTES_MAX} bytes is no output");
            let help = "keep large values in a table";
            self.report(&format!("{path}/fallback"), "CAR0105", message, help);
        }
    }

    fn fallback_step(&mut self, path: &str, stage: &Stage, at: usize, name: &str) {
        let path = format!("{path}/fallback_step");
        if stage.steps[at].name == name {
            self.report(
                &path,
                "CAR0207",
                format!("`{name}` cannot be its own fallback"),
                "to run a step again is what `retry` does",
            );
        } else if !stage.steps.iter().any(|step| step.name == name) {
            let others = stage
                .steps
                .iter()
                .map(|step| step.name.as_str())
                .filter(|other| *other != stage.steps[at].name);
            let help = suggestion(name, others)
                .unwrap_or_else(|| "a fallback is another step of the same stage".to_owned());
            self.report(
                &path,
                "CAR0207",
                format!("there is no step `{name}` in stage `{}`", stage.name),
                help,
            );
        }
    }
}

fn fallback_of(step: &Step) -> Option<&str> {
    match &step.fallback {
        Some(Fallback::Step(name)) => Some(name),
        _ => None,
    }
}

/// The way from a step through the fallbacks back to it, if that is more than itself and no step of it comes before it:
/// so each circle is told once.
fn circle(nexts: &[Option<usize>], start: usize) -> Option<Vec<usize>> {
    let mut way = vec![start];
    while way.len() <= nexts.len() {
        let next = nexts[*way.last()?]?;
        way.push(next);
        if next == start {
            return (way.len() > 2).then_some(way);
        }
        if next < start {
            return None;
        }
    }
    None
}

/// A brace that belongs to no name, with what was probably meant.
fn no_name(text: &str, offset: usize, secrets: bool) -> Problem {
    let help = if text[..offset].ends_with('$') && !secrets {
        "secrets can only stand in the headers of an `http` step; a value is written `{name}`"
    } else if text[..offset].ends_with('$') {
        "a secret is written `${secret:NAME}`, a value `{name}`"
    } else {
        "a value is written `{name}`, a brace itself twice: `{{` or `}}`"
    };
    Problem::new("CAR0210", "this brace belongs to no `{name}`", help)
}
