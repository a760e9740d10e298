//! The names that expressions, SQL and arguments use: whether there is such a value at that point.
//!
//! The same order of look-ups as [`crate::execution::Context`] has when a step runs; a name that passes here is found there.

use super::super::similar::suggestion;
use super::Check;
use super::names::{BUILT_IN, ROOTS};
use crate::definition::{Action, Entities, Fallback, Scope, Step};

/// Who uses a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// The entities query: before there is any entity.
    Entities,
    /// `lanes.key`: at launch, before anything runs.
    Lanes,
    /// A stage's `when`.
    Stage(usize),
    /// Anything of a step.
    Step(usize, usize),
}

/// What is wrong with a name.
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// An attribute's name if the name can only be one, and only the entities can tell.
pub(super) type Resolved = Result<Option<String>, Problem>;

fn unknown(message: String, help: Option<String>) -> Resolved {
    Err(Problem { code: "CAR0205", message, help })
}

impl Check<'_> {
    /// A name in an expression.
    pub(super) fn in_expression(&self, at: Where, name: &[&str]) -> Resolved {
        let launch = "a lane's key is made at launch, from `entity` and `param`";
        match name {
            ["run"] | ["steps", ..] if at == Where::Lanes => unknown(format!("`{}` has no value here", name.join(".")), Some(launch.to_owned())),
            ["run"] => Ok(None),
            ["run", ..] => unknown(format!("`{}` is no value: `run` is a number", name.join(".")), Some("write `run` alone".to_owned())),
            [root, ..] if ROOTS.contains(root) => self.dotted(at, name),
            [root, ..] => {
                let help = if self.definition.params.contains_key(*root) {
                    Some(format!("did you mean `param.{root}`?"))
                } else {
                    suggestion(root, ["entity", "param", "steps", "run"])
                };
                unknown(format!("there is no value `{root}`"), help)
            }
            [] => Ok(None),
        }
    }

    /// A name in SQL (`:name`) or an argument (`{name}`).
    pub(super) fn in_text(&self, at: Where, name: &str) -> Resolved {
        let segments: Vec<&str> = name.split('.').collect();
        match segments[..] {
            [bare] => self.bare(at, bare),
            [root, ..] if ROOTS.contains(&root) => self.dotted(at, &segments),
            [root, ..] => unknown(format!("there is no value `{name}`"), suggestion(root, ROOTS)),
            [] => Ok(None),
        }
    }

    fn bare(&self, at: Where, name: &str) -> Resolved {
        if self.definition.params.contains_key(name) {
            return Ok(None);
        }
        match at {
            Where::Entities => {
                let message = format!("there is no parameter `{name}`, and the entities query sees nothing else");
                return unknown(message, suggestion(name, self.definition.params.keys().map(String::as_str)).or_else(|| Some(declare(name))));
            }
            _ if name == "entity_key" => return self.must_have_entity(at, name),
            _ if BUILT_IN.contains(&name) => return Ok(None),
            _ => {}
        }
        if self.scope(at) == Scope::Entity && !matches!(self.definition.entities, Entities::List(_)) {
            return Ok(Some(name.to_owned()));
        }
        let why = if self.scope(at) == Scope::Process { "a per-process stage has no entity" } else { "entities of a list have no attributes" };
        let known = self.definition.params.keys().map(String::as_str).chain(BUILT_IN).filter(|known| self.scope(at) == Scope::Entity || *known != "entity_key");
        unknown(format!("there is no value `{name}`; {why}"), suggestion(name, known).or_else(|| Some(declare(name))))
    }

    fn dotted(&self, at: Where, name: &[&str]) -> Resolved {
        let whole = name.join(".");
        match name {
            ["param", parameter] if self.definition.params.contains_key(*parameter) => Ok(None),
            ["param", parameter] => {
                let help = suggestion(parameter, self.definition.params.keys().map(String::as_str)).or_else(|| Some(declare(parameter)));
                unknown(format!("there is no parameter `{parameter}`"), help)
            }
            ["param", parameter, ..] => unknown(format!("there is no value `{whole}`"), Some(format!("a parameter is a single value: write `param.{parameter}`"))),
            ["entity", attribute] => self.entity(at, attribute),
            ["entity", attribute, ..] => unknown(format!("there is no value `{whole}`"), Some(format!("an attribute is a single value: write `entity.{attribute}`"))),
            ["steps", path @ ..] if !path.is_empty() => self.step_output(at, path),
            [root, ..] => unknown(format!("`{root}` alone is no value"), Some(format!("say which: `{}`", example(root)))),
            [] => Ok(None),
        }
    }

    fn entity(&self, at: Where, attribute: &str) -> Resolved {
        self.must_have_entity(at, &format!("entity.{attribute}"))?;
        match &self.definition.entities {
            _ if attribute == "key" => Ok(None),
            Entities::List(_) => unknown(format!("there is no value `entity.{attribute}`; entities of a list have no attributes"), Some("`entity.key` is the text of the list".to_owned())),
            Entities::Query { .. } | Entities::Given => Ok(Some(attribute.to_owned())),
        }
    }

    fn must_have_entity(&self, at: Where, name: &str) -> Resolved {
        match at {
            Where::Entities => unknown(format!("there is no value `{name}`: this query is what finds the entities"), Some("it sees the parameters only".to_owned())),
            _ if self.scope(at) == Scope::Process => {
                unknown(format!("there is no value `{name}`; a per-process stage has no entity"), Some("it runs once for all of them: read what the lanes published".to_owned()))
            }
            _ => Ok(None),
        }
    }

    fn scope(&self, at: Where) -> Scope {
        match at {
            Where::Entities | Where::Lanes => Scope::Entity,
            Where::Stage(stage) | Where::Step(stage, _) => self.definition.stages[stage].per,
        }
    }

    /// The output of an earlier step of the same scope: `["ipa", "rows"]`, or with its stage before it.
    fn step_output(&self, at: Where, path: &[&str]) -> Resolved {
        let (stage, step) = self.find(path)?;
        let definition = &self.definition.stages[stage];
        let name = format!("{}/{}", definition.name, definition.steps[step].name);
        let (own_stage, own_step) = match at {
            Where::Entities => return unavailable(format!("there is no output of `{name}` yet: this query is what finds the entities"), "it sees the parameters only"),
            Where::Lanes => return unavailable(format!("there is no output of `{name}` at launch"), "a lane's key is made from `entity` and `param`"),
            Where::Stage(stage) => (stage, None),
            Where::Step(stage, step) => (stage, Some(step)),
        };
        if definition.per != self.definition.stages[own_stage].per {
            let per = if definition.per == Scope::Entity { "in every lane" } else { "once per process" };
            return unavailable(format!("the output of `{name}` is not seen here: it runs {per}"), "pass it on in a table, which the later step reads");
        }
        match own_step {
            Some(own) if (own_stage, own) == (stage, step) => unavailable(format!("`{name}` cannot use its own output"), "use that of an earlier step"),
            None if stage == own_stage => unavailable(format!("`{name}` runs only after this `when` was answered"), "use the output of an earlier stage"),
            Some(_) if stage == own_stage && definition.parallel => {
                unavailable(format!("`{name}` runs at the same time"), "put one of them into a stage of its own, or make the stage not `parallel`")
            }
            own if stage > own_stage || stage == own_stage && own.is_some_and(|own| step > own) => unavailable(format!("`{name}` runs later"), "use the output of an earlier step"),
            _ if !has_output(&definition.steps, step) => {
                unavailable(format!("`{name}` has no output"), "a command has one with `output = \"json\"`, a step that does nothing only with a `fallback`")
            }
            _ => Ok(None),
        }
    }

    /// As a plan finds steps: by a name that is there once, else by stage and name.
    fn find(&self, path: &[&str]) -> Result<(usize, usize), Problem> {
        let first = path[0];
        let named = self.steps.get(first).map_or(&[][..], Vec::as_slice);
        let stage = self.definition.stages.iter().position(|stage| stage.name == first);
        let in_stage = stage.and_then(|stage| {
            let step = self.definition.stages[stage].steps.iter().position(|step| Some(&step.name.as_str()) == path.get(1))?;
            Some((stage, step))
        });
        let made_by_plan = first == "publish" && self.publishes();
        let found = match (named, in_stage) {
            ([only], None) if !made_by_plan => return Ok(*only),
            ([only], Some(other)) if !made_by_plan => {
                let message = format!("`steps.{first}.{}` may mean `{}` or `{}`", path[1], self.path(*only), self.path(other));
                (message, Some("give the stage or the step another name".to_owned()))
            }
            (_, Some(step)) => return Ok(step),
            ([step, ..], None) => {
                let stage = &self.definition.stages[step.0].name;
                (format!("several stages have a step `{first}`"), Some(format!("say which: `steps.{stage}.{first}`")))
            }
            ([], None) => match stage {
                Some(stage) => {
                    let steps = self.definition.stages[stage].steps.iter().map(|step| step.name.as_str());
                    let written = path.get(1).copied().unwrap_or_default();
                    (format!("stage `{first}` has no step `{written}`"), suggestion(written, steps))
                }
                None => (format!("there is no step `{first}`"), suggestion(first, self.steps.keys().copied())),
            },
        };
        Err(Problem { code: "CAR0205", message: found.0, help: found.1.or_else(|| Some(format!("name an earlier step, as in `{}`", example("steps")))) })
    }

    fn path(&self, (stage, step): (usize, usize)) -> String {
        let stage = &self.definition.stages[stage];
        format!("{}/{}", stage.name, stage.steps[step].name)
    }
}

fn unavailable(message: String, help: &str) -> Resolved {
    Err(Problem { code: "CAR0206", message, help: Some(help.to_owned()) })
}

fn declare(name: &str) -> String {
    format!("declare it: `{name} = {{ type = \"text\" }}` below `[params]`")
}

fn example(root: &str) -> &'static str {
    match root {
        "param" => "param.report_date",
        "entity" => "entity.key",
        _ => "steps.STEP.FIELD",
    }
}

/// Whether a step can have an output, by itself or through its fallback.
fn has_output(steps: &[Step], at: usize) -> bool {
    let by_itself = |step: &Step| match &step.action {
        Action::Noop | Action::Publish { .. } => false,
        Action::Command { json, .. } => *json,
        Action::Sql { .. } | Action::Function { .. } => true,
    };
    let by_fallback = match &steps[at].fallback {
        Some(Fallback::Value(_)) => true,
        Some(Fallback::Step(name)) => steps.iter().any(|step| step.name == *name && by_itself(step)),
        None => false,
    };
    by_itself(&steps[at]) || by_fallback
}
