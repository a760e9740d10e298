//! A process as swim-lanes, by pages, and as a trace for Perfetto, which is made while it is sent.

use super::process;
use crate::app::App;
use crate::parameters::{Id, Parameters};
use crate::problem::Problem;
use crate::told::Told;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use carril::model::contract::Fault;
use carril::shape::{LaneShape, rfc3339};
use carril::swimlanes::{Export, Page};
use serde::Serialize;
use utoipa::ToSchema;

/// A page of lanes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Swimlanes<'a> {
    process: i64,
    /// When the process was launched.
    from: String,
    /// When it ended; now, unless it has.
    until: String,
    lanes: Vec<LaneShape<'a>>,
    /// Whether holders are known: where too many uses of resources would have to be looked at, none are, but those of locks.
    holders: bool,
    /// `after` of the next page; `null` on the last one.
    next: Option<i64>,
}

/// Lists lanes.
pub(crate) async fn list(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let limit = parameters.limit()?;
    let filter = parameters.executions(limit)?;
    let row = process(&app, id).await?;
    let mut page = Page::read(app.history(), row.id, &filter).await?;
    let more = page.lanes.len() > limit as usize;
    page.lanes.truncate(limit as usize);
    Ok(Told::ok(&Swimlanes {
        process: id,
        from: rfc3339(row.launched_at),
        until: rfc3339(row.ended_at.unwrap_or_else(|| app.now())),
        next: page.lanes.last().filter(|_| more).map(|lane| lane.row.id.0),
        lanes: page.lanes.iter().map(LaneShape::from).collect(),
        holders: page.has_holders,
    }))
}

/// Gives the trace: what `carril trace export --perfetto` writes.
pub(crate) async fn trace(State(app): State<App>, Id(id): Id) -> Result<Response, Problem> {
    let row = process(&app, id).await?;
    let export = Export::begin(app.history(), row, app.now()).await?;
    let parts = futures_util::stream::unfold((app, export), |(app, mut export)| async move {
        // A fault ends the answer in the middle, which whoever reads it sees: the connection ends before the text does.
        let part: Option<Result<Vec<u8>, Fault>> = export.next(app.history()).await.transpose();
        part.map(|part| (part, (app, export)))
    });
    let name = format!("attachment; filename=\"carril-{id}.json\"");
    let mut response = Body::from_stream(parts).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
