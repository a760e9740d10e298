//! What executions are told that wait for it, or will: signals, approvals, refusals.

use super::meant::Meant;
use super::{done, none_named, previewed_open};
use crate::access::Caller;
use crate::app::App;
use crate::ask;
use crate::parameters::{Id, Parameters, body};
use crate::problem::Problem;
use crate::told::Told;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use carril::model::contract::Wish;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Most bytes of an idempotency key.
const KEY_BYTES_MAX: usize = 200;

/// A signal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalToSend {
    /// The name that steps wait for.
    name: String,
    /// What it says; at most 64 KiB.
    #[serde(default)]
    data: Value,
    /// Only these entities of the process; all that have not ended without any.
    #[serde(default)]
    entities: Vec<String>,
}

/// A person's answer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Decision {
    /// The step that asks, as `stage/step`; may be left out where one alone does.
    step: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// Sends a signal to executions of a process.
pub(crate) async fn signal_process(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let signal: SignalToSend = body(&bytes)?;
    let meant = Meant::of_process(&app, id, &signal.entities, false).await?;
    let preview = parameters.switch("preview")?;
    send(
        &app,
        &caller,
        meant,
        signal,
        idempotency_key(&headers)?,
        preview,
    )
    .await
}

/// Sends a signal to an execution.
pub(crate) async fn signal_execution(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Told, Problem> {
    let signal: SignalToSend = body(&bytes)?;
    none_named(&signal.entities)?;
    let meant = Meant::of_execution(&app, id).await?;
    let preview = parameters.switch("preview")?;
    send(
        &app,
        &caller,
        meant,
        signal,
        idempotency_key(&headers)?,
        preview,
    )
    .await
}

/// Lets an execution go on.
pub(crate) async fn approve(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    bytes: Bytes,
) -> Result<Told, Problem> {
    decide(&app, caller, id, &bytes, true).await
}

/// Refuses an execution.
pub(crate) async fn reject(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    bytes: Bytes,
) -> Result<Told, Problem> {
    decide(&app, caller, id, &bytes, false).await
}

async fn send(
    app: &App,
    caller: &Caller,
    meant: Meant,
    signal: SignalToSend,
    idempotency_key: Option<String>,
    preview: bool,
) -> Result<Told, Problem> {
    if preview {
        return previewed_open(app, &meant, "these would get it").await;
    }
    let wish = Wish::Signal {
        selection: meant.selection,
        name: signal.name,
        data: signal.data,
        sent_by: caller.name.clone(),
        idempotency_key,
    };
    done(app, wish).await
}

async fn decide(
    app: &App,
    caller: Caller,
    id: i64,
    bytes: &Bytes,
    approved: bool,
) -> Result<Told, Problem> {
    let decision: Decision = body(bytes)?;
    let row = ask::execution(app, id).await?;
    let wish = Wish::Decide {
        execution: row.id,
        step: decision.step,
        approved,
        by: caller.name,
        reason: decision.reason,
    };
    done(app, wish).await
}

/// The key that makes what is asked twice be done once.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = key.to_str().ok().map(str::trim);
    match text.filter(|text| (1..=KEY_BYTES_MAX).contains(&text.len())) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Problem::unreadable(format!(
            "an Idempotency-Key has 1 to {KEY_BYTES_MAX} visible characters"
        ))),
    }
}
