//! Numbers for Prometheus: what this server was asked and what its engine did since it began, counted here; and how the store is now,
//! asked when somebody scrapes. `docs/operations/metrics.md` has the table, and a test compares it with what is written.

use crate::app::App;
use crate::problem::Problem;
use crate::routes::Route;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use carril::event::{Event, Rail};
use carril::model::contract::ProcessFilter;
use carril::model::id::ExecutionId;
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Upper ends of the buckets of request times, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 10.0];
/// Upper ends of the buckets of how long executions took, in seconds: from a message that somebody waits for to a night's work.
const LONG_BUCKETS: [f64; 11] = [
    0.05, 0.25, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0,
];
/// Steps that are told apart; what comes after them counts as one, so that no number of pipelines fills the memory.
const STEPS_MAX: usize = 1_000;
/// Executions in lanes whose beginning is kept.
const STARTED_MAX: usize = 100_000;
/// Codes of attempts that ran out of time.
const TIMEOUTS: [&str; 2] = ["CAR0503", "CAR0515"];
/// Unsettled processes that a scrape looks at.
const PROCESSES_MAX: u32 = 200;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: &'static str,
    status: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteOf {
    route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Code {
    code: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Resource {
    resource: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Version {
    version: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfStep {
    step: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRail {
    rail: &'static str,
}

type Times = Family<RouteOf, Histogram, fn() -> Histogram>;

/// All of them.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    times: Times,
    denied: Family<Code, Counter>,
    attempts: Family<InState, Counter>,
    settled: Family<InState, Counter>,
    alerts: Family<OfRail, Counter>,
    retries: Family<OfStep, Counter>,
    timeouts: Family<OfStep, Counter>,
    lasted: Histogram,
    seen: Mutex<Seen>,
    lost: Counter,
    streams: Gauge,
    processes: Family<InState, Gauge>,
    executions: Family<Cause, Gauge>,
    in_use: Family<Resource, Gauge>,
    waiting: Family<Resource, Gauge>,
    open: Family<Resource, Gauge>,
    nodes: Gauge,
}

/// What has to be remembered between events.
#[derive(Default)]
struct Seen {
    /// When executions first got a lane in their present run.
    started: HashMap<ExecutionId, Timestamp>,
    /// Steps that have a label of their own.
    steps: HashSet<String>,
}

impl Metrics {
    /// All zero.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            times: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            denied: Family::default(),
            attempts: Family::default(),
            settled: Family::default(),
            alerts: Family::default(),
            retries: Family::default(),
            timeouts: Family::default(),
            lasted: Histogram::new(LONG_BUCKETS),
            seen: Mutex::default(),
            lost: Counter::default(),
            streams: Gauge::default(),
            processes: Family::default(),
            executions: Family::default(),
            in_use: Family::default(),
            waiting: Family::default(),
            open: Family::default(),
            nodes: Gauge::default(),
        };
        metrics.register_counted();
        metrics.register_asked();
        metrics
    }

    fn register_counted(&mut self) {
        let registry = &mut self.registry;
        let build = Family::<Version, Gauge>::default();
        let version = env!("CARGO_PKG_VERSION");
        build.get_or_create(&Version { version }).set(1);
        registry.register("carril_build_info", "The version that serves", build);
        registry.register(
            "carril_http_requests",
            "Requests that were answered",
            self.requests.clone(),
        );
        registry.register(
            "carril_http_request_seconds",
            "How long answers took",
            self.times.clone(),
        );
        registry.register(
            "carril_http_denied",
            "Requests that were not let in",
            self.denied.clone(),
        );
        registry.register(
            "carril_attempts",
            "Attempts of steps that ended",
            self.attempts.clone(),
        );
        registry.register(
            "carril_executions_settled",
            "Runs of executions that ended",
            self.settled.clone(),
        );
        registry.register(
            "carril_alerts",
            "Alerts of guard rails",
            self.alerts.clone(),
        );
        // A counter that is not there yet has no increase when its first alert comes.
        for rail in [Rail::AbortWhen, Rail::BadVersion, Rail::Baseline] {
            let rail = rail.name();
            drop(self.alerts.get_or_create(&OfRail { rail }));
        }
        registry.register(
            "carril_retries",
            "Attempts of steps that were not the first",
            self.retries.clone(),
        );
        registry.register(
            "carril_timeouts",
            "Attempts of steps that ran out of time",
            self.timeouts.clone(),
        );
        registry.register(
            "carril_execution_seconds",
            "How long runs of executions took, from their first lane on",
            self.lasted.clone(),
        );
        registry.register(
            "carril_events_lost",
            "Events that came faster than they could be passed on",
            self.lost.clone(),
        );
    }

    fn register_asked(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "carril_event_streams",
            "Streams of events that are open",
            self.streams.clone(),
        );
        registry.register(
            "carril_processes",
            "Processes that have not settled",
            self.processes.clone(),
        );
        registry.register(
            "carril_executions",
            "Executions that have not settled, by what they are at",
            self.executions.clone(),
        );
        registry.register(
            "carril_resource_in_use",
            "Attempts under way that use a resource",
            self.in_use.clone(),
        );
        registry.register(
            "carril_resource_waiting",
            "Executions that wait for a resource",
            self.waiting.clone(),
        );
        registry.register(
            "carril_breaker_open",
            "Whether a resource's breaker is open: 1, else 0",
            self.open.clone(),
        );
        registry.register(
            "carril_nodes",
            "Engines that are at work on the store",
            self.nodes.clone(),
        );
    }

    /// A request was answered.
    pub(crate) fn request(&self, route: &'static Route, status: u16, micros: i64) {
        let labels = Request {
            method: route.verb.name(),
            route: route.path,
            status: u32::from(status),
        };
        self.requests.get_or_create(&labels).inc();
        let route = RouteOf { route: route.path };
        let seconds = micros as f64 / 1_000_000.0;
        self.times.get_or_create(&route).observe(seconds);
    }

    /// A request was not let in.
    pub(crate) fn denied(&self, code: &str) {
        let code = code.to_owned();
        self.denied.get_or_create(&Code { code }).inc();
    }

    /// Something happened in the engine.
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::Started { execution, at, .. } => self.started(*execution, *at),
            Event::Step {
                state,
                step,
                attempt,
                code,
                ..
            } => {
                let state = state.name();
                self.attempts.get_or_create(&InState { state }).inc();
                let is_timeout = code.as_deref().is_some_and(|code| TIMEOUTS.contains(&code));
                if *attempt > 1 || is_timeout {
                    let step = self.label(step);
                    if *attempt > 1 {
                        self.retries.get_or_create(&step).inc();
                    }
                    if is_timeout {
                        self.timeouts.get_or_create(&step).inc();
                    }
                }
            }
            Event::Settled {
                execution,
                state,
                at,
                ..
            } => {
                let state = state.name();
                self.settled.get_or_create(&InState { state }).inc();
                if let Some(started) = self.seen().started.remove(execution) {
                    let seconds = at.micros_since(started) as f64 / 1_000_000.0;
                    self.lasted.observe(seconds);
                }
            }
            Event::Alert { rail, .. } => {
                let rail = rail.name();
                self.alerts.get_or_create(&OfRail { rail }).inc();
            }
            Event::Process { .. } | Event::Lanes { .. } => {}
        }
    }

    /// An execution got a lane; one that was parked and comes back began earlier.
    fn started(&self, execution: ExecutionId, at: Timestamp) {
        let mut seen = self.seen();
        if seen.started.len() < STARTED_MAX {
            seen.started.entry(execution).or_insert(at);
        }
    }

    /// A step's label.
    fn label(&self, step: &str) -> OfStep {
        let mut seen = self.seen();
        let is_told_apart = seen.steps.contains(step)
            || (seen.steps.len() < STEPS_MAX && seen.steps.insert(step.to_owned()));
        let step = if is_told_apart { step } else { "others" };
        OfStep {
            step: step.to_owned(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Events were lost.
    pub(crate) fn lost(&self, count: u64) {
        self.lost.inc_by(count);
    }
}

/// Everything, as text.
pub(crate) async fn scrape(State(app): State<App>) -> Result<Response, Problem> {
    ask(&app).await?;
    let mut text = String::new();
    encode(&mut text, &app.metrics.registry)
        .map_err(|error| Problem::of_code("CAR0800", error.to_string()))?;
    let media =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, media)], text).into_response())
}

/// Asks the store how things are.
async fn ask(app: &App) -> Result<(), Problem> {
    let (metrics, history) = (&app.metrics, app.history());
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let filter = ProcessFilter {
        states: vec![ProcessState::Running, ProcessState::Paused],
        max: PROCESSES_MAX,
        ..ProcessFilter::default()
    };
    let rows = history.processes(&filter).await?;
    for state in &filter.states {
        let count = rows.iter().filter(|row| row.state == *state).count();
        let state = state.name();
        let gauge = metrics.processes.get_or_create(&InState { state });
        gauge.set(whole(count as u64));
    }
    let mut causes: BTreeMap<&'static str, u64> = BTreeMap::new();
    for row in &rows {
        for (cause, count) in history.causes(row.id).await? {
            *causes.entry(cause.name()).or_default() += count;
        }
    }
    metrics.executions.clear();
    for (cause, count) in causes {
        let gauge = metrics.executions.get_or_create(&Cause { cause });
        gauge.set(whole(count));
    }
    metrics.in_use.clear();
    metrics.waiting.clear();
    for row in history.resources().await? {
        let waiting = row.waiting_slot + row.waiting_rate + row.waiting_breaker;
        let resource = Resource {
            resource: row.resource,
        };
        metrics
            .in_use
            .get_or_create(&resource)
            .set(whole(row.in_use));
        metrics.waiting.get_or_create(&resource).set(whole(waiting));
    }
    metrics.open.clear();
    for row in history.breakers().await? {
        let is_open = row.state == carril::model::breaker::BreakerState::Open;
        let resource = row.resource;
        let gauge = metrics.open.get_or_create(&Resource { resource });
        gauge.set(i64::from(is_open));
    }
    let nodes = app.house.reader().nodes().await?;
    metrics.nodes.set(whole(nodes.len() as u64));
    metrics.streams.set(whole(app.live.streams() as u64));
    Ok(())
}

#[cfg(test)]
mod tests;
