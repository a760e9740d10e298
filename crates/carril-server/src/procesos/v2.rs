//! The deprecated routes: one id for a whole run, and a flat list of funds with a state per service. Every answer says that they go,
//! when, and what comes after them (RFC 9745, RFC 8594).

use super::{FUNDS_MAX, funds, report_date, run, served, words};
use crate::access::Caller;
use crate::app::App;
use crate::parameters::Id;
use crate::problem::Problem;
use crate::told::Told;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use carril::model::contract::{ExecutionRow, ProcessRow, StageRow};
use carril::model::definition::{Definition, Scope};
use carril::model::id::{ExecutionId, ProcessId};
use carril::shape::rfc3339;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use utoipa::ToSchema;

/// Since when they are deprecated, which is as long as this server has them: 2026-11-24, in seconds since 1970.
const DEPRECATED_SINCE: &str = "@1795478400";

/// What was launched.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EjecutadoV2)]
pub(crate) struct Launched {
    /// The process's id: old clients take it for the whole run.
    #[serde(rename = "ID_Ejecucion")]
    run: i64,
    #[serde(rename = "ID_Proceso")]
    process: i64,
    #[serde(rename = "fechaReporte")]
    report_date: Option<String>,
    #[serde(rename = "estado")]
    state: &'static str,
    #[serde(rename = "totalFondos")]
    total: u64,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProcesoV2)]
pub(crate) struct Run {
    #[serde(flatten)]
    launched: Launched,
    #[serde(rename = "fechaInicio")]
    launched_at: String,
    #[serde(rename = "fechaFin")]
    ended_at: Option<String>,
    #[serde(rename = "fondosExitosos")]
    succeeded: u64,
    #[serde(rename = "fondosFallidos")]
    failed: u64,
    /// Each with `ID_Ejecucion`, `ID_Fund`, `FundShortName`, its `Portfolio_…` and an `Estado_…` per stage.
    #[serde(rename = "fondos")]
    #[schema(value_type = Vec<Object>)]
    funds: Vec<Map<String, Value>>,
}

/// Launches a report date.
pub(crate) async fn launch(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let launched = async {
        let pipeline = served(&app, app.procesos.v2, "v2")?;
        let row = run(&app, pipeline, &caller, &headers, &bytes).await?;
        Ok(Told::accepted(&launched(&app, &row)))
    };
    deprecated(&app, launched.await, "/api/procesos/v3/ejecutar")
}

/// Tells of a run, by any of the ids that it is known by.
pub(crate) async fn one(State(app): State<App>, Id(id): Id) -> Response {
    let told = async {
        served(&app, app.procesos.v2, "v2")?;
        let row = meant(&app, id).await?;
        let successor = format!("/api/procesos/v3/proceso/{}", row.id);
        Ok((Told::ok(&whole(&app, row).await?), successor))
    };
    match told.await {
        Ok((told, successor)) => deprecated(&app, Ok(told), &successor),
        Err(problem) => {
            let successor = format!("/api/procesos/v3/proceso/{id}");
            deprecated(&app, Err(problem), &successor)
        }
    }
}

fn launched(app: &App, row: &ProcessRow) -> Launched {
    Launched {
        run: row.id.0,
        process: row.id.0,
        report_date: report_date(app, row),
        state: words::of_process(row.state),
        total: row.tally.total,
    }
}

/// The process that an id means: its own, that of one of its executions, or the one that it had where it was imported from.
async fn meant(app: &App, id: i64) -> Result<ProcessRow, Problem> {
    let reader = app.house.reader();
    if let Some(row) = reader.process(ProcessId(id)).await? {
        return Ok(row);
    }
    let history = app.history();
    let process = match history.execution(ExecutionId(id)).await? {
        Some(execution) => Some(execution.process),
        None => {
            let imported = history.imported_as(&id.to_string()).await?;
            imported.first().map(|row| row.process)
        }
    };
    let row = match process {
        Some(process) => reader.process(process).await?,
        None => None,
    };
    row.ok_or_else(|| {
        let detail = format!("{id} is no process, no execution and no imported run");
        Problem::of_code("CAR0803", detail)
    })
}

async fn whole(app: &App, row: ProcessRow) -> Result<Run, Problem> {
    let history = app.history();
    let definition = history.definition_of(row.id).await?;
    let (rows, _) = funds(app, row.id, None, FUNDS_MAX).await?;
    let mut stages: HashMap<ExecutionId, Vec<StageRow>> = HashMap::new();
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        for stage in history.stages(row.id, first.id, last.id).await? {
            stages.entry(stage.execution).or_default().push(stage);
        }
    }
    let fund = |row: &ExecutionRow| fund(row, &definition, stages.get(&row.id));
    Ok(Run {
        launched: launched(app, &row),
        launched_at: rfc3339(row.launched_at),
        ended_at: row.ended_at.map(rfc3339),
        succeeded: row.tally.succeeded,
        failed: row.tally.failed,
        funds: rows.iter().map(fund).collect(),
    })
}

/// One fund with a state for each of its stages.
fn fund(
    row: &ExecutionRow,
    definition: &Definition,
    stages: Option<&Vec<StageRow>>,
) -> Map<String, Value> {
    let mut fund = Map::new();
    fund.insert("ID_Ejecucion".to_owned(), Value::from(row.id.0));
    fund.insert("ID_Fund".to_owned(), words::fund(row));
    fund.insert("FundShortName".to_owned(), words::short_name(row));
    fund.extend(words::portfolios(row));
    let of_lanes = definition.stages.iter();
    for stage in of_lanes.filter(|stage| stage.per == Scope::Entity) {
        let mut known = stages.into_iter().flatten();
        let known = known.rfind(|known| known.stage == stage.name);
        let state = known.map_or_else(
            || words::untouched(row),
            |known| words::of_stage(known.state),
        );
        let column = words::column(&stage.name, definition.is_imported());
        fund.insert(column, Value::from(state));
    }
    fund
}

/// The answer, with what says that its route goes.
fn deprecated(app: &App, told: Result<Told, Problem>, successor: &str) -> Response {
    let mut response = told.into_response();
    let headers = response.headers_mut();
    let since = HeaderValue::from_static(DEPRECATED_SINCE);
    headers.insert(HeaderName::from_static("deprecation"), since);
    let sunset = app.procesos.sunset_of_http();
    if let Some(Ok(sunset)) = sunset.map(|at| HeaderValue::from_str(&at)) {
        headers.insert(HeaderName::from_static("sunset"), sunset);
    }
    let link = format!("<{successor}>; rel=\"successor-version\"");
    if let Ok(link) = HeaderValue::from_str(&link) {
        headers.insert(header::LINK, link);
    }
    response
}
