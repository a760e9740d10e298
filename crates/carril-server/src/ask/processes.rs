//! Processes and their executions, in pages that go on after the last row of the one before.

use super::{cut, process};
use crate::app::App;
use crate::parameters::{Id, Parameters};
use crate::problem::Problem;
use crate::told::Told;
use axum::extract::State;
use carril::model::contract::ProcessFilter;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::report::Report;
use carril::shape::{ExecutionShape, ImportedShape, ProcessShape, ReportShape, worked};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A page of processes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Processes<'a> {
    processes: Vec<ProcessShape<'a>>,
    /// `before` of the next page; `null` on the last one.
    next: Option<i64>,
}

/// One process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneProcess<'a> {
    process: ProcessShape<'a>,
    report: ReportShape<'a>,
    /// Unsettled executions by what they are at.
    #[schema(value_type = BTreeMap<String, u64>)]
    causes: BTreeMap<&'static str, u64>,
    /// Where it came from, if it was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<ImportedShape<'a>>,
}

/// A page of executions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Executions<'a> {
    process: i64,
    executions: Vec<ExecutionShape<'a>>,
    /// `after` of the next page; `null` on the last one.
    next: Option<i64>,
}

/// Lists processes.
pub(crate) async fn list(State(app): State<App>, parameters: Parameters) -> Result<Told, Problem> {
    let limit = parameters.limit()?;
    let states = parameters.all::<String>("state")?;
    let states = states.iter().map(|name| {
        let state = ProcessState::from_name(name).filter(|state| *state != ProcessState::Launching);
        state.ok_or_else(|| Problem::unreadable(format!("no process is `{name}`")))
    });
    let filter = ProcessFilter {
        pipeline: parameters.text("pipeline")?.map(str::to_owned),
        states: states.collect::<Result<_, _>>()?,
        before: parameters.one("before")?.map(ProcessId),
        max: limit + 1,
    };
    let (rows, more) = cut(app.history().processes(&filter).await?, limit);
    let mut timed = Vec::with_capacity(rows.len());
    let now = app.now();
    for row in rows {
        let micros = worked(app.history(), &row, now).await?;
        timed.push((row, micros));
    }
    Ok(Told::ok(&Processes {
        next: timed.last().filter(|_| more).map(|(row, _)| row.id.0),
        processes: ProcessShape::all(&timed),
    }))
}

/// Tells of one process.
pub(crate) async fn one(State(app): State<App>, Id(id): Id) -> Result<Told, Problem> {
    let row = process(&app, id).await?;
    let now = app.now();
    let micros = worked(app.history(), &row, now).await?;
    let report = Report::of(app.history(), &row, micros, now).await?;
    let causes = if row.state.is_settled() {
        BTreeMap::new()
    } else {
        app.history().causes(row.id).await?
    };
    let imported = app.history().import_of(row.id).await?;
    Ok(Told::ok(&OneProcess {
        process: ProcessShape::of(&row, micros),
        report: ReportShape::from(&report),
        causes: causes
            .into_iter()
            .map(|(cause, count)| (cause.name(), count))
            .collect(),
        imported: imported.as_ref().map(ImportedShape::of),
    }))
}

/// Lists executions of a process.
pub(crate) async fn executions(
    State(app): State<App>,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Told, Problem> {
    let limit = parameters.limit()?;
    let filter = parameters.executions(limit)?;
    let process = process(&app, id).await?;
    let found = app.history().executions(process.id, &filter).await?;
    let (rows, more) = cut(found, limit);
    let now = app.now();
    Ok(Told::ok(&Executions {
        process: id,
        next: rows.last().filter(|_| more).map(|row| row.id.0),
        executions: rows
            .iter()
            .map(|row| ExecutionShape::of(row, now))
            .collect(),
    }))
}
