//! The server itself, engines, resources, and why things are as they are.

use crate::access::Caller;
use crate::app::App;
use crate::parameters::Name;
use crate::problem::Problem;
use crate::told::Told;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use carril::Subject;
use carril::model::breaker::BreakerRow;
use carril::model::contract::{ProcessFilter, ResourceRow};
use carril::shape::{NodeShape, ResourceShape, WhyShape};
use futures_util::FutureExt as _;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Changes of a breaker that are told of one resource.
const CHANGES_MAX: u32 = 20;

/// The server answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: &'static str,
    version: &'static str,
}

/// Whether it can be used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    ready: bool,
    /// Whether its engine is in this program; without one it asks those of others.
    engine: bool,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Who {
    name: String,
    role: &'static str,
}

/// Engines at work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Nodes<'a> {
    nodes: Vec<NodeShape<'a>>,
}

/// Resources.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Resources {
    resources: Vec<ResourceShape>,
}

/// The server answers; nothing else is looked at.
pub(crate) async fn health() -> Told {
    Told::ok(&Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The store answers, and the engine, if it is ours, has not stopped.
pub(crate) async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    let filter = ProcessFilter {
        max: 1,
        ..ProcessFilter::default()
    };
    app.history().processes(&filter).await?;
    if let Some(engine) = app.house.engine()
        && let Some(error) = engine.stopped().now_or_never()
    {
        return Err(error.into());
    }
    let engine = app.house.engine().is_some();
    Ok(Told::ok(&Ready {
        ready: true,
        engine,
    })
    .into_response())
}

/// The description of the API.
pub(crate) async fn description() -> Told {
    Told::ok(&crate::openapi::description())
}

/// Who asks.
pub(crate) async fn whoami(Extension(caller): Extension<Caller>) -> Told {
    Told::ok(&Who {
        name: caller.name,
        role: caller.role.name(),
    })
}

/// Why something is as it is.
pub(crate) async fn why(State(app): State<App>, Name(subject): Name) -> Result<Told, Problem> {
    let subject: Subject = match subject.parse() {
        Ok(subject) => subject,
        Err(never) => match never {},
    };
    let why = carril::why(app.house.reader(), &subject, app.now()).await?;
    Ok(Told::ok(&WhyShape::from(&why)))
}

/// Lists engines.
pub(crate) async fn nodes(State(app): State<App>) -> Result<Told, Problem> {
    let nodes = app.house.reader().nodes().await?;
    Ok(Told::ok(&Nodes {
        nodes: nodes.iter().map(NodeShape::from).collect(),
    }))
}

/// Lists resources.
pub(crate) async fn resources(State(app): State<App>) -> Result<Told, Problem> {
    let found = found(&app).await?.into_values();
    let resources = found.map(|(row, breaker)| ResourceShape::of(row, breaker, None));
    Ok(Told::ok(&Resources {
        resources: resources.collect(),
    }))
}

/// Tells of one resource.
pub(crate) async fn resource(State(app): State<App>, Name(name): Name) -> Result<Told, Problem> {
    let (row, breaker) = found(&app).await?.remove(&name).ok_or_else(|| {
        let detail = format!("no unfinished process uses a resource `{name}`");
        Problem::of_code("CAR0438", detail)
    })?;
    let changes = app.history().breaker_changes(&name, CHANGES_MAX).await?;
    Ok(Told::ok(&ResourceShape::of(row, breaker, Some(changes))))
}

/// Every resource that is in use or has a breaker, by name.
pub(crate) async fn found(
    app: &App,
) -> Result<BTreeMap<String, (ResourceRow, Option<BreakerRow>)>, Problem> {
    let mut rows = BTreeMap::new();
    for row in app.history().resources().await? {
        rows.insert(row.resource.clone(), (row, None));
    }
    for breaker in app.history().breakers().await? {
        let resource = breaker.resource.clone();
        let row = rows.entry(resource.clone()).or_insert_with(|| {
            let row = ResourceRow {
                resource,
                ..ResourceRow::default()
            };
            (row, None)
        });
        row.1 = Some(breaker);
    }
    Ok(rows)
}
