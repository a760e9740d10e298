//! Launches: of a pipeline of the server's folder, as it is on disk now.

use super::say::idempotency_key;
use super::{Preview, previewed};
use crate::access::Caller;
use crate::app::App;
use crate::ask;
use crate::parameters::{Name, Parameters, body};
use crate::pipelines::{self, Prepared};
use crate::problem::Problem;
use crate::told::Told;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use carril::model::contract::{Answer, ProcessFilter, Wish};
use carril::model::load;
use carril::shape::{ProcessShape, worked};
use carril::{Launch, LaunchOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Entities that a preview names.
const SAMPLE: usize = 10;

/// How a pipeline is launched.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LaunchBody {
    /// Parameters by name.
    #[schema(value_type = Object)]
    params: Map<String, Value>,
    /// Only these entities, by their keys.
    only: Vec<String>,
    /// Not these.
    except: Vec<String>,
    /// Lanes at once, instead of the pipeline's number.
    lanes: Option<u32>,
    /// Where processes compete, the higher goes first: -100 to 100; instead of the pipeline's.
    priority: Option<i8>,
    /// Also when too much of the pipeline's version has failed.
    despite_failures: bool,
}

/// What became of a launch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Launched<'a> {
    /// `launched`; `repeated` for a key that was seen before; `skipped` while a process of the same parameters is unfinished.
    outcome: &'static str,
    process: ProcessShape<'a>,
}

/// Launches.
pub(crate) async fn launch(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
    parameters: Parameters,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let body: LaunchBody = body(&bytes)?;
    if body.lanes == Some(0)
        || body
            .priority
            .is_some_and(|given| !(-100..=100).contains(&given))
    {
        let detail = "`lanes` is at least 1, and `priority` is -100 to 100";
        return Err(Problem::unreadable(detail));
    }
    let key = idempotency_key(&headers)?;
    let prepared = pipelines::prepare(&app, &name).await?;
    let given = given(&body.params)?;
    let params = load::parameters(prepared.pipeline.plan().definition(), &given)
        .map_err(Problem::invalid)?;
    if parameters.switch("preview")? {
        return preview(&app, &prepared, &params, &body).await;
    }
    let asked = Asked {
        given,
        params,
        body,
    };
    let (outcome, process) = carry_out(&app, &prepared, asked, &caller, key).await?;
    let row = ask::process(&app, process).await?;
    let micros = worked(app.history(), &row, app.now()).await?;
    let launched = Launched {
        outcome,
        process: ProcessShape::of(&row, micros),
    };
    let place = format!("/api/v1/processes/{process}");
    Ok(if outcome == "launched" {
        Told::created(&launched, place)
    } else {
        Told::ok(&launched)
    })
}

/// What is launched: parameters as texts and as values, and how.
pub(crate) struct Asked {
    pub(crate) given: BTreeMap<String, String>,
    pub(crate) params: Map<String, Value>,
    pub(crate) body: LaunchBody,
}

/// Launches a pipeline: how that ended, and the process that answers for it.
pub(crate) async fn carry_out(
    app: &App,
    prepared: &Prepared,
    asked: Asked,
    caller: &Caller,
    key: Option<String>,
) -> Result<(&'static str, i64), Problem> {
    let Asked {
        given,
        params,
        body,
    } = asked;
    match &app.house {
        crate::House::Engine(carril) => {
            let launch = as_launch(prepared, &given, body, caller, key);
            let outcome = carril.launch(&prepared.pipeline, launch).await?;
            let how = match outcome {
                LaunchOutcome::Launched(_) => "launched",
                LaunchOutcome::Repeated(_) => "repeated",
                LaunchOutcome::Skipped(_) => "skipped",
            };
            Ok((how, outcome.process().0))
        }
        crate::House::Reader(_) => by_mail(app, prepared, params, body, caller, key).await,
    }
}

/// Parameters as they are written on a command line: the pipeline says what they are.
fn given(params: &Map<String, Value>) -> Result<BTreeMap<String, String>, Problem> {
    let text = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                let detail = format!("parameter `{name}` is neither text, number nor truth");
                return Err(Problem::unreadable(detail));
            }
        };
        Ok((name.clone(), text))
    };
    params.iter().map(text).collect()
}

fn as_launch(
    prepared: &Prepared,
    given: &BTreeMap<String, String>,
    body: LaunchBody,
    caller: &Caller,
    key: Option<String>,
) -> Launch {
    let mut launch = Launch::new().by(&caller.name).folder(&prepared.folder);
    for (name, value) in given {
        launch = launch.set(name, value);
    }
    for (name, url) in &prepared.settings.targets {
        launch = launch.target(name, url, &prepared.folder);
    }
    if let Some(lanes) = body.lanes {
        launch = launch.lanes(lanes);
    }
    if let Some(priority) = body.priority {
        launch = launch.priority(priority);
    }
    if body.despite_failures {
        launch = launch.despite_failures();
    }
    if let Some(key) = key {
        launch = launch.idempotency_key(key);
    }
    launch.only(body.only).except(body.except)
}

/// Beside another program's engine: its answer names the process only. Ids grow, so one that was there before is not this launch's.
async fn by_mail(
    app: &App,
    prepared: &Prepared,
    params: Map<String, Value>,
    body: LaunchBody,
    caller: &Caller,
    key: Option<String>,
) -> Result<(&'static str, i64), Problem> {
    let definition = prepared.pipeline.plan().written().clone();
    let folder = carril::kept_folder(&definition, &prepared.folder)
        .map_err(|error| Problem::of_code(error.code(), error.to_string()))?;
    let filter = ProcessFilter {
        max: 1,
        ..ProcessFilter::default()
    };
    let newest = app.history().processes(&filter).await?.pop();
    let is_keyed = key.is_some();
    let wish = Wish::Launch {
        definition: Box::new(definition),
        params,
        launched_by: caller.name.clone(),
        lanes: body.lanes,
        priority: body.priority,
        only: body.only,
        except: body.except,
        idempotency_key: key,
        targets: prepared.settings.targets.clone(),
        folder,
        despite_failures: body.despite_failures,
    };
    let process = match app.house.carry_out(wish, app.now()).await? {
        Answer::Accepted { processes, .. } => processes.first().copied(),
        Answer::Refused { code, message } => return Err(Problem::of_code(&code, message)),
    };
    let nothing = || Problem::of_code("CAR0800", "the engine launched nothing and said no reason");
    let process = process.ok_or_else(nothing)?;
    let is_older = newest.is_some_and(|newest| process <= newest.id);
    let how = match (is_older, is_keyed) {
        (false, _) => "launched",
        (true, true) => "repeated",
        (true, false) => "skipped",
    };
    Ok((how, process.0))
}

/// Says which entities a launch would select.
async fn preview(
    app: &App,
    prepared: &Prepared,
    params: &Map<String, Value>,
    body: &LaunchBody,
) -> Result<Told, Problem> {
    let plan = prepared.pipeline.plan();
    let urls = &prepared.settings.targets;
    let found = carril::entities(plan, params, &app.targets, urls, SAMPLE).await?;
    let preview = Preview {
        executions: found.count.unwrap_or(0),
        entities: found.sample.into_iter().map(|row| row.key).collect(),
        ..Preview::default()
    };
    let narrowed = !body.only.is_empty() || !body.except.is_empty();
    let message = if narrowed {
        "these are selected; `only` and `except` would narrow them"
    } else {
        "these would be launched"
    };
    Ok(previewed(Vec::new(), message, preview))
}
