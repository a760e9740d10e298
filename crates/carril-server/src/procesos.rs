//! The routes of the old fund system, in their own Spanish shapes, over what the rest of the server does: v3, which knows executions,
//! and the deprecated [`v2`]. `[server.procesos]` says what they launch; without it none of them is served.
//!
//! Refusals are the server's problems, with `campo` or `ID_Proceso` where old clients look for them. Old clients may send more
//! fields than are known: they are not refused, so that none of them has to be changed.

pub(crate) mod v2;
mod words;

use crate::access::Caller;
use crate::act::launch::{Asked, LaunchBody, carry_out};
use crate::act::say::idempotency_key;
use crate::app::App;
use crate::ask;
use crate::parameters::{Id, Parameters, body};
use crate::pipelines;
use crate::problem::Problem;
use crate::told::Told;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use carril::model::contract::{ExecutionFilter, ExecutionRow, ProcessRow};
use carril::model::definition::ParameterKind;
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::load;
use carril::shape::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Most executions in an answer that has no pages: old pipelines have about 50 funds.
const FUNDS_MAX: u32 = 5_000;
/// The body's only field.
const DATE: &str = "fechaReporte";

/// What is launched.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Ejecutar {
    /// The report date, as in `2025-10-24`.
    #[serde(rename = "fechaReporte")]
    #[schema(value_type = String)]
    report_date: Value,
}

/// What was launched.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ejecutado)]
pub(crate) struct Launched {
    #[serde(rename = "ID_Proceso")]
    process: i64,
    #[serde(rename = "fechaReporte")]
    report_date: Option<String>,
    #[serde(rename = "estado")]
    state: &'static str,
    #[serde(rename = "totalFondos")]
    total: u64,
    #[serde(rename = "ejecuciones")]
    executions: Vec<Fund>,
    /// `after` of the next page of the process; `null` where all of them are here.
    #[serde(rename = "siguiente")]
    next: Option<i64>,
}

/// One fund of a launch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FondoEjecutado)]
pub(crate) struct Fund {
    #[serde(rename = "ID_Ejecucion")]
    execution: i64,
    /// A number where the entity's key is one.
    #[serde(rename = "ID_Fund")]
    fund: Value,
    #[serde(rename = "FundShortName")]
    short_name: Value,
}

/// A process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Proceso {
    #[serde(rename = "ID_Proceso")]
    process: i64,
    #[serde(rename = "fechaReporte")]
    report_date: Option<String>,
    #[serde(rename = "estado")]
    state: &'static str,
    /// The earliest stage with an unfinished fund; `null` once it has ended.
    #[serde(rename = "Etapa_Actual")]
    stage: Option<String>,
    #[serde(rename = "usuario")]
    launched_by: String,
    #[serde(rename = "fechaInicio")]
    launched_at: String,
    #[serde(rename = "fechaFin")]
    ended_at: Option<String>,
    #[serde(rename = "totalFondos")]
    total: u64,
    #[serde(rename = "fondosExitosos")]
    succeeded: u64,
    #[serde(rename = "fondosFallidos")]
    failed: u64,
    #[serde(rename = "fondosOmitidos")]
    skipped: u64,
    #[serde(rename = "ejecuciones")]
    executions: Vec<Execution>,
    /// `after` of the next page; `null` on the last one.
    #[serde(rename = "siguiente")]
    next: Option<i64>,
}

/// One fund of a process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ejecucion)]
pub(crate) struct Execution {
    #[serde(flatten)]
    fund: Fund,
    #[serde(rename = "estado")]
    state: &'static str,
    #[serde(rename = "fechaInicio")]
    started_at: Option<String>,
    #[serde(rename = "fechaFin")]
    ended_at: Option<String>,
    /// Why it failed.
    error: Option<String>,
}

/// Launches a report date: v3.
pub(crate) async fn launch(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let pipeline = served(&app, app.procesos.v3, "v3")?;
    let row = run(&app, pipeline, &caller, &headers, &bytes).await?;
    let (funds, next) = funds(&app, row.id, None, FUNDS_MAX).await?;
    Ok(Told::accepted(&Launched {
        process: row.id.0,
        report_date: report_date(&app, &row),
        state: words::of_process(row.state),
        total: row.tally.total,
        executions: funds.iter().map(Fund::of).collect(),
        next,
    }))
}

/// Tells of a process: v3.
pub(crate) async fn one(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    served(&app, app.procesos.v3, "v3")?;
    let limit = parameters.limit()?;
    let after = parameters.one("after")?.map(ExecutionId);
    let row = ask::process(&app, id).await?;
    let (funds, next) = funds(&app, row.id, after, limit).await?;
    Ok(Told::ok(&Proceso {
        process: row.id.0,
        report_date: report_date(&app, &row),
        state: words::of_process(row.state),
        stage: app.history().stage_of(row.id).await?,
        launched_at: rfc3339(row.launched_at),
        ended_at: row.ended_at.map(rfc3339),
        total: row.tally.total,
        succeeded: row.tally.succeeded,
        failed: row.tally.failed,
        skipped: row.tally.skipped,
        launched_by: row.launched_by,
        executions: funds.iter().map(Execution::of).collect(),
        next,
    }))
}

impl Fund {
    fn of(row: &ExecutionRow) -> Self {
        Self {
            execution: row.id.0,
            fund: words::fund(row),
            short_name: words::short_name(row),
        }
    }
}

impl Execution {
    fn of(row: &ExecutionRow) -> Self {
        Self {
            fund: Fund::of(row),
            state: words::of_execution(row),
            started_at: row.started_at.map(rfc3339),
            ended_at: row.ended_at.map(rfc3339),
            error: row.error.as_ref().map(|error| error.message.clone()),
        }
    }
}

/// The pipeline that is launched, where this version of the routes is served. One that was closed is gone, and says so: who called
/// it yesterday is told something else than who mistyped a path.
fn served<'a>(app: &'a App, is_open: bool, version: &str) -> Result<&'a str, Problem> {
    let Some(pipeline) = app.procesos.pipeline.as_deref() else {
        let detail = "the old API is not served here";
        return Err(Problem::new(StatusCode::NOT_FOUND, "CAR0930", detail)
            .help("`[server.procesos]` in carril.toml names the pipeline that it launches"));
    };
    if is_open {
        return Ok(pipeline);
    }
    let other = if version == "v2" { "v3" } else { "v2" };
    let detail = format!("`/api/procesos/{version}` was closed");
    Err(
        Problem::new(StatusCode::GONE, "CAR0930", detail).help(format!(
            "`/api/procesos/{other}` or `/api/v1` answers instead"
        )),
    )
}

/// Launches the date of a body, and gives its process.
async fn run(
    app: &App,
    pipeline: &str,
    caller: &Caller,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<ProcessRow, Problem> {
    let Ejecutar { report_date } = body(bytes)?;
    let Value::String(date) = report_date else {
        let detail = format!("`{DATE}` is a text, as in \"2025-10-24\"");
        return Err(Problem::unreadable(detail).field(DATE));
    };
    let key = idempotency_key(headers)?;
    let prepared = pipelines::prepare(app, pipeline).await?;
    let definition = prepared.pipeline.plan().definition();
    let parameter = &app.procesos.parameter;
    let kind = definition.params.get(parameter).map(|known| known.kind);
    if kind != Some(ParameterKind::Date) {
        let detail = format!("pipeline `{pipeline}` has no parameter `{parameter}` that is a date");
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "CAR0930", detail);
        return Err(problem.help("`parameter` in `[server.procesos]` names the one that is meant"));
    }
    let given = BTreeMap::from([(parameter.clone(), date)]);
    let params = load::parameters(definition, &given).map_err(|found| {
        let about = format!("the value of `{parameter}` does not fit");
        let wrong = found
            .iter()
            .find_map(|one| one.message.strip_prefix(&about));
        match wrong {
            Some(why) => Problem::unreadable(format!("`{DATE}` does not fit{why}")).field(DATE),
            None => Problem::invalid(found),
        }
    })?;
    let asked = Asked {
        given,
        params,
        body: LaunchBody::default(),
    };
    let (outcome, process) = carry_out(app, &prepared, asked, caller, key).await?;
    if outcome == "skipped" {
        let detail = format!("this date is running already, as process {process}");
        let problem = Problem::new(StatusCode::CONFLICT, "CAR0931", detail);
        return Err(problem.in_the_way(process));
    }
    ask::process(app, process).await
}

/// Executions of a process that are of funds, and the last id where there are more.
async fn funds(
    app: &App,
    process: ProcessId,
    after: Option<ExecutionId>,
    limit: u32,
) -> Result<(Vec<ExecutionRow>, Option<i64>), Problem> {
    // The process's own execution is none of a fund; it may be among them.
    let filter = ExecutionFilter {
        after,
        max: limit + 2,
        ..ExecutionFilter::default()
    };
    let mut rows = app.history().executions(process, &filter).await?;
    rows.retain(|row| row.entity.is_some());
    let (rows, more) = ask::cut(rows, limit);
    let next = rows.last().filter(|_| more).map(|row| row.id.0);
    Ok((rows, next))
}

fn report_date(app: &App, row: &ProcessRow) -> Option<String> {
    // Imported runs have it under the name that imports give.
    let names = [app.procesos.parameter.as_str(), "report_date"];
    let values = names.iter().filter_map(|name| row.params.get(*name));
    values.filter_map(Value::as_str).map(str::to_owned).next()
}
