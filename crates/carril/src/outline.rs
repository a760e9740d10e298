//! What a pipeline is going to do, as data: for `carril plan` and for programs that show it.

use crate::targets::Targets;
use carril_engine::Error;
use carril_model::contract::{EntityCursor, EntityRow, TargetError};
use carril_model::definition::{Action, Entities, Fallback, Resource, Scope, Stage, Step, WaitFor};
use carril_model::execution::Context;
use carril_model::finding::Finding;
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::plan::Plan;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Entities that are taken from the cursor in one go.
const CHUNK: usize = 5_000;
/// Keys that are remembered to find one that occurs twice; beyond, only a launch finds it.
const KEYS_MAX: usize = 1_000_000;

/// What a pipeline is going to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outline {
    /// The pipeline's name.
    pub name: String,
    /// One line for people.
    pub description: Option<String>,
    /// The hash of its definition.
    pub version: String,
    /// Lanes at once; where their number is found out it says nothing.
    pub lanes: u32,
    /// Whether it is found out (`max = "auto"`).
    pub lanes_auto: bool,
    /// Where processes compete, the higher goes first.
    pub priority: i8,
    /// Named limits, by resource; slots alone are a bare number.
    pub resources: BTreeMap<String, Resource>,
    /// Every target that it names.
    pub targets: Vec<String>,
    /// The tables that each execution has to itself.
    pub workspace: Vec<String>,
    /// Where entities come from.
    pub entities: EntitiesOutline,
    /// In order.
    pub segments: Vec<SegmentOutline>,
}

/// Where entities come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum EntitiesOutline {
    /// A query.
    Query {
        /// Where it runs.
        target: String,
        /// The column of the key.
        key: String,
    },
    /// The pipeline names them.
    List {
        /// How many.
        count: usize,
    },
    /// Each launch gives them.
    Given,
}

/// Neighbouring stages that lanes pass through on their own, or that run once; between segments everybody waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentOutline {
    /// In every lane, or once.
    pub per: Scope,
    /// In order.
    pub stages: Vec<StageOutline>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageOutline {
    /// Its name.
    pub name: String,
    /// Its steps at once instead of one after the other.
    pub parallel: bool,
    /// Its condition.
    pub when: Option<String>,
    /// In order.
    pub steps: Vec<StepOutline>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepOutline {
    /// Its name.
    pub name: String,
    /// `sql`, `command`, `http`, `function`, `noop` or `publish`.
    pub kind: &'static str,
    /// What it does, in short: the SQL's file, the program, the function's name, the tables it publishes.
    pub what: String,
    /// Where, for SQL and publishing.
    pub target: Option<String>,
    /// Its condition.
    pub when: Option<String>,
    /// Whether its failure fails the lane.
    pub critical: bool,
    /// Longest run of one attempt, or the longest wait, in milliseconds; `None` for a wait without end.
    pub timeout_ms: Option<u64>,
    /// All tries, the first included.
    pub attempts: u32,
    /// Slots it takes, or labels of the trace.
    pub resources: Vec<String>,
    /// What happens when all attempts have failed.
    pub fallback: Option<String>,
    /// Shared tables that it says it writes.
    pub shared_writes: Vec<String>,
}

/// What a plan is going to do.
#[must_use]
pub fn outline(plan: &Plan) -> Outline {
    let definition = plan.definition();
    let entities = match &definition.entities {
        Entities::Query { target, key, .. } => EntitiesOutline::Query {
            target: target.clone(),
            key: key.clone(),
        },
        Entities::List(keys) => EntitiesOutline::List { count: keys.len() },
        Entities::Given => EntitiesOutline::Given,
    };
    let segment = |segment: &carril_model::plan::Segment| SegmentOutline {
        per: segment.scope,
        stages: definition.stages[segment.stages.clone()]
            .iter()
            .map(|stage| stage_outline(plan, stage))
            .collect(),
    };
    Outline {
        name: definition.name.clone(),
        description: definition.description.clone(),
        version: plan.version().to_string(),
        lanes: definition.lanes.max,
        lanes_auto: definition.lanes.auto,
        priority: definition.lanes.priority,
        resources: definition.resources.clone(),
        targets: crate::check::target_names(definition).into_iter().collect(),
        workspace: definition
            .workspace
            .as_ref()
            .map(|workspace| workspace.tables.clone())
            .unwrap_or_default(),
        entities,
        segments: plan.segments().iter().map(segment).collect(),
    }
}

fn stage_outline(plan: &Plan, stage: &Stage) -> StageOutline {
    StageOutline {
        name: stage.name.clone(),
        parallel: stage.parallel,
        when: stage.when.as_ref().map(|when| when.source().to_owned()),
        steps: stage
            .steps
            .iter()
            .map(|step| step_outline(plan, step))
            .collect(),
    }
}

fn step_outline(plan: &Plan, step: &Step) -> StepOutline {
    let (kind, what, target) = action_outline(plan, &step.action);
    let fallback = step.fallback.as_ref().map(|fallback| match fallback {
        Fallback::Value(value) => format!("value {value}"),
        Fallback::Step(name) => format!("step {name}"),
    });
    StepOutline {
        name: step.name.clone(),
        kind,
        what,
        target,
        when: step.when.as_ref().map(|when| when.source().to_owned()),
        critical: step.critical,
        timeout_ms: match step.wait() {
            Some(wait) => wait.longest.map(millis),
            None => Some(millis(step.timeout)),
        },
        attempts: step.retry.attempts,
        resources: step.resources.clone(),
        fallback,
        shared_writes: step.shared_writes.clone(),
    }
}

fn action_outline(plan: &Plan, action: &Action) -> (&'static str, String, Option<String>) {
    match action {
        Action::Sql { target, sql } => ("sql", sql.file.clone(), Some(target.clone())),
        Action::Command { argv, .. } => ("command", argv.join(" "), None),
        Action::Http(http) => ("http", format!("{} {}", http.method, http.url), None),
        Action::Function { name } => ("function", name.clone(), None),
        Action::Noop => ("noop", String::new(), None),
        Action::Wait(wait) => {
            let what = match &wait.until {
                WaitFor::Span(span) => format!("{span:?}"),
                WaitFor::Moment(expression) => expression.source().to_owned(),
                WaitFor::Signal(what) | WaitFor::Approval(what) => what.clone(),
            };
            (wait.kind(), what, None)
        }
        Action::Publish { entries } => {
            let Some(workspace) = &plan.definition().workspace else {
                return ("publish", String::new(), None);
            };
            let published = entries.iter().filter_map(|at| workspace.publish.get(*at));
            let pairs: Vec<String> = published
                .map(|entry| format!("{} into {}", entry.from, entry.into))
                .collect();
            ("publish", pairs.join(", "), Some(workspace.target.clone()))
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Which entities a launch would select.
#[derive(Debug, Clone, PartialEq)]
pub struct EntitiesPreview {
    /// How many; `None` for pipelines whose entities each launch gives.
    pub count: Option<u64>,
    /// The first of them.
    pub sample: Vec<EntityRow>,
}

/// Asks which entities a launch with these parameters would select, and shows the first `sample` of them.
///
/// # Errors
/// [`Error::Target`] when the query cannot be run; [`Error::Invalid`] (`CAR0408`) when nobody said where its target is;
/// `CAR0404` when a key occurs twice, as a launch would say.
pub async fn entities(
    plan: &Arc<Plan>,
    params: &Map<String, Value>,
    targets: &Targets,
    urls: &BTreeMap<String, String>,
    sample: usize,
) -> Result<EntitiesPreview, Error> {
    let (name, key, sql) = match &plan.definition().entities {
        Entities::Given => {
            return Ok(EntitiesPreview {
                count: None,
                sample: Vec::new(),
            });
        }
        Entities::List(keys) => {
            let row = |key: &String| EntityRow {
                key: key.clone(),
                attributes: Map::new(),
            };
            return Ok(EntitiesPreview {
                count: Some(keys.len() as u64),
                sample: keys.iter().take(sample).map(row).collect(),
            });
        }
        Entities::Query { target, key, sql } => (target, key, sql),
    };
    let url = urls.get(name).ok_or_else(|| {
        let finding = Finding::error("CAR0408", format!("where target `{name}` is was not said"));
        Error::Invalid(vec![finding.help(format!(
            "give it with --target {name}=URL or in carril.toml"
        ))])
    })?;
    let failed = |error| Error::Target {
        name: name.clone(),
        error,
    };
    let target = targets.open(name, url).map_err(failed)?;
    let context = before_any_execution(plan, params);
    let cursor = target.entities(sql, key, &context).await.map_err(failed)?;
    count(cursor, sample, failed).await
}

async fn count(
    mut cursor: Box<dyn EntityCursor>,
    sample: usize,
    failed: impl Fn(TargetError) -> Error,
) -> Result<EntitiesPreview, Error> {
    let mut first: Vec<EntityRow> = Vec::new();
    let mut keys: HashSet<String> = HashSet::new();
    let mut count = 0;
    loop {
        let rows = cursor.next(CHUNK).await.map_err(&failed)?;
        if rows.is_empty() {
            return Ok(EntitiesPreview {
                count: Some(count),
                sample: first,
            });
        }
        count += rows.len() as u64;
        for row in &rows {
            if keys.len() < KEYS_MAX && !keys.insert(row.key.clone()) {
                let message = format!(
                    "the entity {:?} occurs twice; every entity's key must be there once",
                    row.key
                );
                return Err(Error::Refused {
                    code: "CAR0404",
                    message,
                });
            }
        }
        let missing = sample.saturating_sub(first.len());
        first.extend(rows.into_iter().take(missing));
    }
}

/// The values that the entities query sees: parameters only.
fn before_any_execution(plan: &Arc<Plan>, params: &Map<String, Value>) -> Context {
    Context {
        process: ProcessId(0),
        execution: ExecutionId(0),
        run: Run(1),
        entity_key: None,
        params: Arc::new(params.clone()),
        entity: Arc::new(Map::new()),
        outputs: BTreeMap::new(),
        plan: Arc::clone(plan),
    }
}
