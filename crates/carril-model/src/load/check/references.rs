//! The names that expressions, SQL and arguments use: whether there is such a value at that point.
//!
//! The same order of look-ups as [`crate::execution::Context`] has when a step runs; a name that passes here is found there.

use super::super::similar::suggestion;
use super::Check;
use super::names::{BUILT_IN, ROOTS};
use crate::definition::{Action, Entities, Fallback, Scope, Step, WaitFor};
use crate::expression::Expression;

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

impl Problem {
    pub(super) fn new(
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            help: Some(help.into()),
        }
    }

    /// The same where a text uses the name: who asks for it, and the code that texts of this kind have.
    pub(super) fn in_text(self, written: &str, unknown: &'static str) -> Self {
        let code = if self.code == "CAR0205" {
            unknown
        } else {
            self.code
        };
        Self {
            code,
            message: format!("nothing provides `{written}`: {}", self.message),
            ..self
        }
    }
}

/// An attribute's name if the name can only be one, and only the entities can tell.
pub(super) type Resolved = Result<Option<String>, Problem>;

fn unknown(message: String, help: Option<String>) -> Resolved {
    Err(Problem {
        code: "CAR0205",
        message,
        help,
    })
}

impl Check<'_> {
    /// A name in an expression.
    pub(super) fn in_expression(&self, at: Where, name: &[&str]) -> Resolved {
        let launch = "a lane's key is made at launch, from `entity` and `param`";
        match name {
            ["run"] | ["steps", ..] if at == Where::Lanes => unknown(
                format!("`{}` has no value here", name.join(".")),
                Some(launch.to_owned()),
            ),
            ["run"] => Ok(None),
            ["run", ..] => unknown(
                format!("`{}` is no value: `run` is a number", name.join(".")),
                Some("write `run` alone".to_owned()),
            ),
            [root, ..] if ROOTS.contains(root) => self.dotted(at, name),
            [root, ..] => {
                let help = if self.definition.params.contains_key(*root) {
                    Some(format!("did you mean `param.{root}`?"))
                } else if at == Where::Lanes {
                    Some(launch.to_owned())
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
            [root, ..] => unknown(
                format!("there is no value `{name}`"),
                suggestion(root, ROOTS),
            ),
            [] => Ok(None),
        }
    }

    fn bare(&self, at: Where, name: &str) -> Resolved {
        let params = || self.definition.params.keys().map(String::as_str);
        if self.definition.params.contains_key(name) {
            return Ok(None);
        }
        if ROOTS.contains(&name) {
            let help = format!("say which: `{}`", example(name));
            return unknown(format!("`{name}` alone is no value"), Some(help));
        }
        match at {
            Where::Entities if BUILT_IN.contains(&name) => self.must_have_entity(at, name),
            Where::Entities => {
                let message = format!(
                    "there is no parameter `{name}`, and the entities query sees nothing else"
                );
                unknown(
                    message,
                    suggestion(name, params()).or_else(|| Some(declare(name))),
                )
            }
            _ if name == "entity_key" => self.must_have_entity(at, name),
            _ if BUILT_IN.contains(&name) => Ok(None),
            _ if self.scope(at) == Scope::Process => {
                let known = params()
                    .chain(BUILT_IN)
                    .filter(|known| *known != "entity_key");
                let message =
                    format!("there is no value `{name}`; a per-process stage has no entity");
                unknown(
                    message,
                    suggestion(name, known).or_else(|| Some(declare(name))),
                )
            }
            _ if matches!(self.definition.entities, Entities::List(_)) => {
                let known = params().chain(BUILT_IN);
                let message =
                    format!("there is no value `{name}`; entities of a list have no attributes");
                unknown(
                    message,
                    suggestion(name, known).or_else(|| Some(declare(name))),
                )
            }
            _ => Ok(Some(name.to_owned())),
        }
    }

    fn dotted(&self, at: Where, name: &[&str]) -> Resolved {
        let whole = name.join(".");
        match name {
            ["param", parameter] if self.definition.params.contains_key(*parameter) => Ok(None),
            ["param", parameter] => {
                let help = suggestion(parameter, self.definition.params.keys().map(String::as_str))
                    .or_else(|| Some(declare(parameter)));
                unknown(format!("there is no parameter `{parameter}`"), help)
            }
            ["param", parameter, ..] => unknown(
                format!("there is no value `{whole}`"),
                Some(format!(
                    "a parameter is a single value: write `param.{parameter}`"
                )),
            ),
            ["entity", attribute] => self.entity(at, attribute),
            ["entity", attribute, ..] => unknown(
                format!("there is no value `{whole}`"),
                Some(format!(
                    "an attribute is a single value: write `entity.{attribute}`"
                )),
            ),
            ["steps", path @ ..] if !path.is_empty() => self.step_output(at, path),
            [root, ..] => unknown(
                format!("`{root}` alone is no value"),
                Some(format!("say which: `{}`", example(root))),
            ),
            [] => Ok(None),
        }
    }

    fn entity(&self, at: Where, attribute: &str) -> Resolved {
        self.must_have_entity(at, &format!("entity.{attribute}"))?;
        match &self.definition.entities {
            _ if attribute == "key" => Ok(None),
            Entities::List(_) => unknown(
                format!(
                    "there is no value `entity.{attribute}`; entities of a list have no attributes"
                ),
                Some("`entity.key` is the text of the list".to_owned()),
            ),
            Entities::Query { .. } | Entities::Given => Ok(Some(attribute.to_owned())),
        }
    }

    fn must_have_entity(&self, at: Where, name: &str) -> Resolved {
        match at {
            Where::Entities => unknown(
                format!("there is no value `{name}`: this query is what finds the entities"),
                Some("it sees the parameters only".to_owned()),
            ),
            _ if self.scope(at) == Scope::Process => unknown(
                format!("there is no value `{name}`; a per-process stage has no entity"),
                Some("it runs once for all of them: read what the lanes published".to_owned()),
            ),
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
        let name = self.path((stage, step));
        let (own_stage, own_step) = match at {
            Where::Entities => {
                let message = format!(
                    "there is no output of `{name}`: this query is what finds the entities"
                );
                return unavailable(message, "it sees the parameters only");
            }
            Where::Lanes => {
                let message = format!("there is no output of `{name}` at launch");
                return unavailable(message, "a lane's key is made from `entity` and `param`");
            }
            Where::Stage(stage) => (stage, None),
            Where::Step(stage, step) => (stage, Some(step)),
        };
        let definition = &self.definition.stages[stage];
        if definition.per != self.definition.stages[own_stage].per {
            let per = match definition.per {
                Scope::Entity => "in every lane",
                Scope::Process => "once per process",
            };
            let message = format!("the output of `{name}` is not seen here: it runs {per}");
            return unavailable(message, "pass it on in a table, which the later step reads");
        }
        if let Some((problem, help)) =
            order_problem((stage, step), own_stage, own_step, definition.parallel)
        {
            return unavailable(format!("`{name}` {problem}"), help);
        }
        if !has_output(&definition.steps, step) {
            let help = "a command has one with `output = \"json\"`, a step that does nothing only with a `fallback`";
            return unavailable(format!("`{name}` has no output"), help);
        }
        let whole: Vec<&str> = std::iter::once("steps")
            .chain(path.iter().copied())
            .collect();
        self.no_such_field(&whole).map_or(Ok(None), Err)
    }

    /// Why a step's output may not be there although the name is right: the step may be skipped, or fail without failing its
    /// lane. Whoever asks for it first, or is skipped together with it, needs no word.
    pub(super) fn may_be_absent(&self, at: Where, name: &str) -> Option<Problem> {
        let path: Vec<&str> = name.strip_prefix("steps.")?.split('.').collect();
        let Where::Step(own_stage, own_step) = at else {
            return None;
        };
        let (stage, step) = self.find(&path).ok()?;
        let definition = &self.definition.stages[stage];
        let asked = &definition.steps[step];
        let stage_when = definition.when.as_ref().filter(|_| stage != own_stage);
        let conditions: Vec<&Expression> = stage_when.into_iter().chain(&asked.when).collect();
        let may_fail = !asked.critical && asked.fallback.is_none();
        let why = match conditions.first() {
            Some(when) => format!("is skipped where `{}` is false", when.source()),
            None if may_fail => "is not critical and may fail".to_owned(),
            None => return None,
        };
        let own = &self.definition.stages[own_stage];
        let guards: Vec<&Expression> = own.when.iter().chain(&own.steps[own_step].when).collect();
        let asks = guards
            .iter()
            .any(|guard| self.asks_for(guard, (stage, step)));
        let skipped_too = !may_fail
            && conditions
                .iter()
                .all(|when| guards.iter().any(|guard| guard.source() == when.source()));
        if asks || skipped_too {
            return None;
        }
        let known = self.path((stage, step));
        let is_alone = self
            .find(&path[..1])
            .is_ok_and(|found| found == (stage, step));
        let reference = path[..if is_alone { 1 } else { path.len().min(2) }].join(".");
        Some(Problem::new(
            "CAR0215",
            format!("`{name}` may have no value, and this step then fails: `{known}` {why}"),
            format!(
                "give this step `when = \"steps.{reference} is defined\"`, or the same condition"
            ),
        ))
    }

    /// Whether an expression looks at the output of a step.
    fn asks_for(&self, guard: &Expression, step: (usize, usize)) -> bool {
        guard.names().iter().any(|name| {
            let path: Vec<&str> = name.segments.iter().map(String::as_str).collect();
            matches!(path[..], ["steps", ref rest @ ..] if !rest.is_empty() && self.find(rest).is_ok_and(|found| found == step))
        })
    }

    /// As a plan finds steps: by a name that is there once, else by stage and name.
    pub(super) fn find(&self, path: &[&str]) -> Result<(usize, usize), Problem> {
        let first = path[0];
        let stages = &self.definition.stages;
        let named = self.steps.get(first).map_or(&[][..], Vec::as_slice);
        let stage = stages.iter().position(|stage| stage.name == first);
        let in_stage = stage.and_then(|stage| {
            let is_meant = |step: &Step| Some(&step.name.as_str()) == path.get(1);
            stages[stage]
                .steps
                .iter()
                .position(is_meant)
                .map(|step| (stage, step))
        });
        let made_by_plan = first == "publish" && self.publishes();
        match (named, in_stage) {
            ([only], None) if !made_by_plan => Ok(*only),
            // A step called like its stage: `steps.rate.rate` is the field of its output, here as at run time.
            ([only], Some(other)) if *only == other => Ok(other),
            ([only], Some(other)) if !made_by_plan => {
                let (only, other) = (self.path(*only), self.path(other));
                let message = format!("`steps.{first}.{}` may mean `{only}` or `{other}`", path[1]);
                Err(Problem::new(
                    "CAR0205",
                    message,
                    "give the stage or the step another name",
                ))
            }
            (_, Some(step)) => Ok(step),
            ([step, ..], None) => {
                let help = format!("say which: `steps.{}.{first}`", stages[step.0].name);
                Err(Problem::new(
                    "CAR0205",
                    format!("several stages have a step `{first}`"),
                    help,
                ))
            }
            ([], None) => Err(self.no_step(stage, path)),
        }
    }

    fn no_step(&self, stage: Option<usize>, path: &[&str]) -> Problem {
        let first = path[0];
        let (message, help) = match stage.map(|stage| &self.definition.stages[stage]) {
            Some(stage) => {
                let written = path.get(1).copied().unwrap_or_default();
                let steps = stage.steps.iter().map(|step| step.name.as_str());
                (
                    format!("stage `{first}` has no step `{written}`"),
                    suggestion(written, steps),
                )
            }
            None => {
                let steps = self.steps.keys().copied();
                (
                    format!("there is no step `{first}`"),
                    suggestion(first, steps),
                )
            }
        };
        let otherwise = || format!("name an earlier step, as in `{}`", example("steps"));
        Problem::new("CAR0205", message, help.unwrap_or_else(otherwise))
    }

    fn path(&self, (stage, step): (usize, usize)) -> String {
        let stage = &self.definition.stages[stage];
        format!("{}/{}", stage.name, stage.steps[step].name)
    }
}

fn unavailable(message: String, help: &str) -> Resolved {
    Err(Problem::new("CAR0206", message, help))
}

/// Why the step at `asked` has not run when something of `own_stage` asks: its `when`, or the step `own`.
fn order_problem(
    asked: (usize, usize),
    own_stage: usize,
    own: Option<usize>,
    parallel: bool,
) -> Option<(&'static str, &'static str)> {
    let (stage, step) = asked;
    if stage != own_stage {
        return (stage > own_stage).then_some(("runs later", "use the output of an earlier step"));
    }
    match own {
        None => Some((
            "runs only after this `when` was answered",
            "use the output of an earlier stage",
        )),
        Some(own) if own == step => {
            Some(("cannot use its own output", "use that of an earlier step"))
        }
        Some(_) if parallel => Some((
            "runs at the same time",
            "put one of them into a stage of its own, or make the stage not `parallel`",
        )),
        Some(own) => (step > own).then_some(("runs later", "use the output of an earlier step")),
    }
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
        Action::Wait(wait) => matches!(wait.until, WaitFor::Signal(_) | WaitFor::Approval(_)),
        Action::Command { json, .. } => *json,
        Action::Sql { .. } | Action::Http(_) | Action::Function { .. } => true,
    };
    let by_fallback = match &steps[at].fallback {
        Some(Fallback::Value(_)) => true,
        Some(Fallback::Step(name)) => steps
            .iter()
            .any(|step| step.name == *name && by_itself(step)),
        None => false,
    };
    by_itself(&steps[at]) || by_fallback
}
