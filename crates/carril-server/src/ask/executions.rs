//! One execution: its time, its attempts, what they gave and printed, and what came to it.

use super::execution;
use crate::app::App;
use crate::parameters::{Id, Name, Parameters};
use crate::problem::Problem;
use crate::told::Told;
use axum::extract::State;
use carril::model::id::Run;
use carril::shape::{AttemptShape, ExecutionShape, LogShape, SignalShape};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Signals of one execution that are told.
const SIGNALS_MAX: u32 = 1_000;
/// Most bytes of logs in one answer.
const LOG_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One execution.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneExecution<'a> {
    execution: ExecutionShape<'a>,
}

/// Its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attempts<'a> {
    execution: i64,
    attempts: Vec<AttemptShape<'a>>,
}

/// What its steps gave.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Outputs<'a> {
    execution: i64,
    outputs: Vec<Output<'a>>,
}

/// What a step gave.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Output<'a> {
    /// `stage/step`.
    step: String,
    run: u32,
    attempt: u32,
    output: &'a Value,
}

/// Signals that came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Signals<'a> {
    execution: i64,
    signals: Vec<SignalShape<'a>>,
}

/// What was printed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Logs {
    logs: Vec<LogShape>,
    /// Whether there is more than one answer holds.
    more: bool,
}

/// Executions of an entity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfEntity<'a> {
    entity: &'a str,
    executions: Vec<ExecutionShape<'a>>,
}

/// Tells of one execution.
pub(crate) async fn one(State(app): State<App>, Id(id): Id) -> Result<Told, Problem> {
    let row = execution(&app, id).await?;
    Ok(Told::ok(&OneExecution {
        execution: ExecutionShape::of(&row, app.now()),
    }))
}

/// Lists attempts.
pub(crate) async fn attempts(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let run = parameters.one("run")?.map(Run);
    let row = execution(&app, id).await?;
    let rows = app.history().attempts(row.id, run).await?;
    Ok(Told::ok(&Attempts {
        execution: id,
        attempts: rows.iter().map(AttemptShape::from).collect(),
    }))
}

/// Lists what steps gave: of each the last.
pub(crate) async fn outputs(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let run = parameters.one("run")?.map(Run);
    let row = execution(&app, id).await?;
    let rows = app.history().attempts(row.id, run).await?;
    let mut last = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        if let Some(output) = &row.output {
            let step = format!("{}/{}", row.stage, row.step);
            let (run, attempt) = (row.run.0, row.attempt);
            let output = Output {
                step: step.clone(),
                run,
                attempt,
                output,
            };
            last.insert(step, (at, output));
        }
    }
    let mut outputs: Vec<_> = last.into_values().collect();
    outputs.sort_by_key(|(at, _)| *at);
    Ok(Told::ok(&Outputs {
        execution: id,
        outputs: outputs.into_iter().map(|(_, output)| output).collect(),
    }))
}

/// Lists signals.
pub(crate) async fn signals(State(app): State<App>, Id(id): Id) -> Result<Told, Problem> {
    let row = execution(&app, id).await?;
    let rows = app.history().signals(row.id, SIGNALS_MAX).await?;
    Ok(Told::ok(&Signals {
        execution: id,
        signals: rows.iter().map(SignalShape::from).collect(),
    }))
}

/// Tells what was printed.
pub(crate) async fn logs(State(app): State<App>, Id(id): Id) -> Result<Told, Problem> {
    let row = execution(&app, id).await?;
    let (mut logs, mut bytes, mut more) = (Vec::new(), 0, false);
    for (run, step, attempt, text) in app.history().logs(row.id).await? {
        bytes += text.len();
        if bytes > LOG_BYTES_MAX {
            more = true;
            break;
        }
        logs.push(LogShape {
            execution: id,
            entity: row.entity.clone(),
            run: run.0,
            step,
            attempt,
            text,
        });
    }
    Ok(Told::ok(&Logs { logs, more }))
}

/// Lists executions of an entity.
pub(crate) async fn of_entity(
    State(app): State<App>,
    Name(key): Name,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let rows = app.history().of_entity(&key, parameters.limit()?).await?;
    if rows.is_empty() {
        let detail = format!("there is no entity `{key}`");
        return Err(Problem::of_code("CAR0803", detail));
    }
    let now = app.now();
    Ok(Told::ok(&OfEntity {
        entity: &key,
        executions: rows
            .iter()
            .map(|row| ExecutionShape::of(row, now))
            .collect(),
    }))
}
