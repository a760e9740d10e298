//! Every route: what it is called, who may use it, what it takes and answers. The router, the checks of who may, the metrics and the
//! description of the API are made from this table, so that none of them can forget one.

use crate::act::{self, breaker, control, launch, say, tokens};
use crate::app::App;
use crate::ask::{executions, matrix, overview, processes, records, swimlanes, things, trace};
use crate::schema::{self, Of};
use crate::{deed, guard, live, metrics, page, pipelines, procesos};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, delete, get, post};
use carril::model::contract::Role;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Reads.
    Get,
    /// Changes something.
    Post,
    /// Takes something away.
    Delete,
}

impl Verb {
    /// As descriptions have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Whoever reaches the server.
    Nobody,
    /// Who has this role, or a larger one.
    Role(Role),
}

/// What a route answers.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// JSON, with this status.
    Json(u16, Of),
    /// Text of this media type.
    Text(&'static str),
}

/// A parameter of a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) about: &'static str,
}

/// A route.
pub(crate) struct Route {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) query: &'static [Parameter],
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: Option<Of>,
    pub(crate) answer: Answer,
    pub(crate) handler: fn() -> MethodRouter<App>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.verb.name(), self.path)
    }
}

const VIEWER: Need = Need::Role(Role::Viewer);
const OPERATOR: Need = Need::Role(Role::Operator);
const ADMIN: Need = Need::Role(Role::Admin);

const fn parameter(name: &'static str, kind: &'static str, about: &'static str) -> Parameter {
    Parameter { name, kind, about }
}

const LIMIT: Parameter = parameter(
    "limit",
    "integer",
    "Rows of a page: 1 to 500, 50 by default.",
);
const ROWS: Parameter = parameter("limit", "integer", "Rows: 1 to 5000, 500 by default.");
const CELLS: Parameter = parameter(
    "limit",
    "integer",
    "Executions: 1 to 10000, and as many by default.",
);
const BEFORE: Parameter = parameter("before", "integer", "`next` of the page before this one.");
const AFTER: Parameter = parameter("after", "integer", "`next` of the page before this one.");
const STATE: Parameter = parameter("state", "string", "Only in this state. May be repeated.");
const ENTITY: Parameter = parameter("entity", "string", "Only of this entity, by its key.");
const PREVIEW: Parameter = parameter(
    "preview",
    "boolean",
    "Says what would be done, and does nothing.",
);
const PIPELINE: Parameter = parameter("pipeline", "string", "Only of this pipeline.");
const RUN: Parameter = parameter("run", "integer", "Only of this run.");
const PROCESS: Parameter = parameter("process", "integer", "Only what is about this process.");
const POSITION: Parameter = parameter("after", "string", "A position: as `Last-Event-ID`.");
const IDEMPOTENCY: (&str, &str) = (
    "Idempotency-Key",
    "Asked twice with the same key, it is done once.",
);
const LAST_EVENT: (&str, &str) = (
    "Last-Event-ID",
    "Where to go on: the last `id` that was read.",
);

const fn read(
    path: &'static str,
    name: &'static str,
    about: &'static str,
    query: &'static [Parameter],
    answer: Of,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route {
        verb: Verb::Get,
        path,
        need: VIEWER,
        name,
        about,
        query,
        headers: &[],
        body: None,
        answer: Answer::Json(200, answer),
        handler,
    }
}

const fn change(
    need: Need,
    path: &'static str,
    name: &'static str,
    about: &'static str,
    query: &'static [Parameter],
    body: Option<Of>,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route {
        verb: Verb::Post,
        need,
        body,
        answer: Answer::Json(202, schema::of::<act::Done>),
        ..read(path, name, about, query, schema::object, handler)
    }
}

/// Every route, one a line, as it is read as a table.
#[rustfmt::skip]
pub(crate) const ROUTES: &[Route] = &[
    Route { need: Need::Nobody, ..read("/healthz", "health", "Whether the server answers.", &[], schema::of::<things::Health>, || get(things::health)) },
    Route { need: Need::Nobody, ..read("/readyz", "ready", "Whether store and engine can be used.", &[], schema::of::<things::Ready>, || get(things::ready)) },
    Route { answer: Answer::Text("application/openmetrics-text"), ..read("/metrics", "metrics", "Numbers for Prometheus.", &[], schema::object, || get(metrics::scrape)) },
    Route { need: Need::Nobody, ..read("/api/v1/openapi.json", "description", "This description.", &[], schema::object, || get(things::description)) },
    read("/api/v1/whoami", "whoami", "Who asks, and with which role.", &[], schema::of::<things::Who>, || get(things::whoami)),
    read("/api/v1/overview", "overview", "What unfinished processes are at, and which are late.", &[], schema::of::<overview::Overview>, || get(overview::overview)),
    read("/api/v1/pipelines", "pipelines", "Pipelines that can be launched here.", &[], schema::of::<pipelines::Pipelines>, || get(pipelines::list)),
    read("/api/v1/pipelines/{name}", "pipeline", "One pipeline: its parameters, stages, steps and limits.", &[], schema::object, || get(pipelines::one)),
    Route { headers: &[IDEMPOTENCY], answer: Answer::Json(201, schema::of::<launch::Launched<'static>>), ..change(OPERATOR, "/api/v1/pipelines/{name}/launch", "launch", "Launches a pipeline: all of its executions, or nothing.", &[PREVIEW], Some(schema::of::<launch::LaunchBody>), || post(launch::launch)) },
    read("/api/v1/processes", "processes", "Processes, newest first.", &[PIPELINE, STATE, BEFORE, LIMIT], schema::of::<processes::Processes<'static>>, || get(processes::list)),
    read("/api/v1/processes/{id}", "process", "One process.", &[], schema::of::<processes::OneProcess<'static>>, || get(processes::one)),
    read("/api/v1/processes/{id}/executions", "executions", "Executions of a process, in order of id.", &[STATE, ENTITY, AFTER, LIMIT], schema::of::<processes::Executions<'static>>, || get(processes::executions)),
    read("/api/v1/processes/{id}/matrix", "matrix", "Every execution by stage, in columns.", &[AFTER, CELLS], schema::of::<matrix::Matrix>, || get(matrix::matrix)),
    read("/api/v1/processes/{id}/timeline", "timeline", "When each entity was in which stage.", &[ROWS], schema::of::<trace::TimelineView<'static>>, || get(trace::timeline)),
    read("/api/v1/processes/{id}/overlaps", "overlaps", "Who used the same resource at the same time, and who waited for whose lock.", &[ROWS], schema::of::<trace::Overlaps<'static>>, || get(trace::overlaps)),
    read("/api/v1/processes/{id}/bottlenecks", "bottlenecks", "What each resource cost.", &[ROWS], schema::of::<trace::Bottlenecks<'static>>, || get(trace::bottlenecks)),
    read("/api/v1/processes/{id}/waits", "waits", "Where time went, by cause.", &[ROWS], schema::of::<trace::Waits<'static>>, || get(trace::waits)),
    read("/api/v1/processes/{id}/locks", "locks", "Waits for locks of databases, longest first.", &[ROWS], schema::of::<trace::Locks<'static>>, || get(trace::locks)),
    read("/api/v1/processes/{id}/swimlanes", "swimlanes", "Lanes with their attempts and waits, and who held what was waited for.", &[STATE, ENTITY, AFTER, LIMIT], schema::of::<swimlanes::Swimlanes<'static>>, || get(swimlanes::list)),
    read("/api/v1/processes/{id}/trace", "trace", "All of a process as trace events, which Perfetto and Chrome open.", &[], schema::object, || get(swimlanes::trace)),
    change(OPERATOR, "/api/v1/processes/{id}/cancel", "cancelProcess", "Stops a process, or some of its entities.", &[PREVIEW], Some(schema::of::<control::Cancel>), || post(control::cancel_process)),
    change(OPERATOR, "/api/v1/processes/{id}/pause", "pause", "Begins nothing more of a process.", &[PREVIEW], None, || post(control::pause)),
    change(OPERATOR, "/api/v1/processes/{id}/resume", "resume", "Goes on with a paused process.", &[PREVIEW], None, || post(control::resume)),
    change(OPERATOR, "/api/v1/processes/{id}/retry", "retryProcess", "Runs what failed or was cancelled again.", &[PREVIEW], Some(schema::of::<control::Retry>), || post(control::retry_process)),
    change(OPERATOR, "/api/v1/processes/{id}/rollback", "rollBackProcess", "Removes all that executions left on their targets.", &[PREVIEW], Some(schema::of::<control::RollBack>), || post(control::roll_back_process)),
    change(ADMIN, "/api/v1/processes/{id}/purge", "purge", "Removes a settled process with everything under it.", &[PREVIEW], None, || post(control::purge)),
    Route { headers: &[IDEMPOTENCY], ..change(OPERATOR, "/api/v1/processes/{id}/signal", "signalProcess", "Sends a signal to unfinished executions of a process.", &[PREVIEW], Some(schema::of::<say::SignalToSend>), || post(say::signal_process)) },
    read("/api/v1/executions/{id}", "execution", "One execution.", &[], schema::of::<executions::OneExecution<'static>>, || get(executions::one)),
    read("/api/v1/executions/{id}/attempts", "attempts", "Every attempt of its steps.", &[RUN], schema::of::<executions::Attempts<'static>>, || get(executions::attempts)),
    read("/api/v1/executions/{id}/outputs", "outputs", "What its steps gave, the last of each.", &[RUN], schema::of::<executions::Outputs<'static>>, || get(executions::outputs)),
    read("/api/v1/executions/{id}/signals", "signals", "Signals that came to it.", &[], schema::of::<executions::Signals<'static>>, || get(executions::signals)),
    read("/api/v1/executions/{id}/logs", "logs", "What its steps printed.", &[], schema::of::<executions::Logs>, || get(executions::logs)),
    change(OPERATOR, "/api/v1/executions/{id}/cancel", "cancelExecution", "Stops an execution.", &[PREVIEW], Some(schema::of::<control::Cancel>), || post(control::cancel_execution)),
    change(OPERATOR, "/api/v1/executions/{id}/retry", "retryExecution", "Runs an execution again.", &[PREVIEW], Some(schema::of::<control::Retry>), || post(control::retry_execution)),
    change(OPERATOR, "/api/v1/executions/{id}/rollback", "rollBackExecution", "Removes all that an execution left on its targets.", &[PREVIEW], None, || post(control::roll_back_execution)),
    Route { headers: &[IDEMPOTENCY], ..change(OPERATOR, "/api/v1/executions/{id}/signal", "signalExecution", "Sends a signal to an execution.", &[PREVIEW], Some(schema::of::<say::SignalToSend>), || post(say::signal_execution)) },
    change(OPERATOR, "/api/v1/executions/{id}/approve", "approve", "Lets an execution go on that waits for somebody's approval.", &[], Some(schema::of::<say::Decision>), || post(say::approve)),
    change(OPERATOR, "/api/v1/executions/{id}/reject", "reject", "Refuses an execution that waits for somebody's approval.", &[], Some(schema::of::<say::Decision>), || post(say::reject)),
    read("/api/v1/entities/{key}/executions", "entityExecutions", "Executions of an entity, newest first, of whatever process.", &[LIMIT], schema::of::<executions::OfEntity<'static>>, || get(executions::of_entity)),
    read("/api/v1/why/{subject}", "why", "Why a process, an execution or an entity is as it is.", &[], schema::of::<carril::shape::WhyShape<'static>>, || get(things::why)),
    read("/api/v1/resources", "resources", "Who uses which resource, who waits for it, and how its breaker is.", &[], schema::of::<things::Resources>, || get(things::resources)),
    read("/api/v1/resources/{name}", "resource", "One resource, with the last changes of its breaker.", &[], schema::of::<carril::shape::ResourceShape>, || get(things::resource)),
    change(OPERATOR, "/api/v1/resources/{name}/breaker", "breaker", "Holds a breaker open or closed, or lets it decide by itself.", &[PREVIEW], Some(schema::of::<breaker::BreakerBody>), || post(breaker::set)),
    read("/api/v1/nodes", "nodes", "Engines that are at work on the store.", &[], schema::of::<things::Nodes<'static>>, || get(things::nodes)),
    Route { headers: &[LAST_EVENT], answer: Answer::Text("text/event-stream"), ..read("/api/v1/events", "events", "What happens, as it happens.", &[PROCESS, POSITION], schema::object, || get(live::events)) },
    Route { need: ADMIN, ..read("/api/v1/tokens", "tokens", "Every token, newest first; never their secrets.", &[], schema::of::<records::Tokens>, || get(records::tokens)) },
    Route { answer: Answer::Json(201, schema::of::<tokens::TokenMade>), ..change(ADMIN, "/api/v1/tokens", "createToken", "Makes a token and shows its secret, once.", &[], Some(schema::of::<tokens::TokenBody>), || post(tokens::create)) },
    Route { verb: Verb::Delete, ..change(ADMIN, "/api/v1/tokens/{name}", "revokeToken", "Revokes a token, at once and for ever.", &[], None, || delete(tokens::revoke)) },
    Route { headers: &[IDEMPOTENCY], answer: Answer::Json(202, schema::of::<procesos::Launched>), ..change(OPERATOR, "/api/procesos/v3/ejecutar", "ejecutar", "Old API: launches a report date.", &[], Some(schema::of::<procesos::Ejecutar>), || post(procesos::launch)) },
    read("/api/procesos/v3/proceso/{id}", "proceso", "Old API: one process, with its executions.", &[AFTER, LIMIT], schema::of::<procesos::Proceso>, || get(procesos::one)),
    Route { headers: &[IDEMPOTENCY], answer: Answer::Json(202, schema::of::<procesos::v2::Launched>), ..change(OPERATOR, "/api/procesos/v2/ejecutar", "ejecutarV2", "Old API, deprecated: launches a report date.", &[], Some(schema::of::<procesos::Ejecutar>), || post(procesos::v2::launch)) },
    read("/api/procesos/v2/proceso/{id}", "procesoV2", "Old API, deprecated: a run with its funds, by the id of a process, an execution or an imported run.", &[], schema::of::<procesos::v2::Run>, || get(procesos::v2::one)),
    Route { need: ADMIN, ..read("/api/v1/audit", "audit", "What was asked of this store's servers and by whom, newest first.", &[BEFORE, LIMIT], schema::of::<records::Deeds>, || get(records::deeds)) },
];

/// All routes, behind what every request passes.
pub(crate) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let door = from_fn_with_state((app.clone(), route), deed::pass);
        router = router.route(route.path, (route.handler)().route_layer(door));
    }
    router
        .method_not_allowed_fallback(nowhere)
        .fallback(nowhere)
        .layer(from_fn_with_state(app.clone(), guard::outermost))
        .with_state(app.clone())
}

async fn nowhere(State(app): State<App>, request: Request<Body>) -> axum::response::Response {
    page::answer(&app, &request).into_response()
}

#[cfg(test)]
mod tests;
