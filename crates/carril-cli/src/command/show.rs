//! `carril show`: one process with its executions, one execution with its attempts and its time, or all of an entity.

use crate::arguments::Show;
use crate::command::ps;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found::{self, Found};
use crate::output::table::{self, Table};
use crate::output::{number, paint, time};
use crate::report;
use crate::summary::at_work;
use carril::model::account::CauseKind;
use carril::model::contract::{ExecutionFilter, ExecutionRow, ImportRow, ProcessRow};
use carril::model::lanes::{LanesReason, LanesRow};
use carril::model::state::ProcessState;
use carril::model::time::Timestamp;
use carril::report::Report;
use carril::shape::ReportShape;
use carril::shape::{
    AttemptShape, ExecutionShape, ImportedShape, LanesShape, ProcessShape, SignalShape,
};
use serde::Serialize;
use std::collections::BTreeMap;

mod execution;

pub(crate) use execution::changed;

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shape<'a> {
    Process {
        process: ProcessShape<'a>,
        report: Box<ReportShape<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        lanes_auto: Option<LanesShape<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        imported: Option<ImportedShape<'a>>,
        executions: Vec<ExecutionShape<'a>>,
        more: bool,
    },
    Execution {
        execution: ExecutionShape<'a>,
        attempts: Vec<AttemptShape<'a>>,
        signals: Vec<SignalShape<'a>>,
    },
    Entity {
        entity: &'a str,
        executions: Vec<ExecutionShape<'a>>,
    },
}

/// Signals of one execution that are shown: as many as it can have steps that took one.
const SIGNALS_MAX: u32 = 1_000;

/// Shows what an id means.
pub(crate) async fn run(context: &Context, arguments: &Show) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let now = context.now();
    match found::find(reader.history(), &arguments.id).await? {
        Found::Process(process) => {
            let max = arguments.limit.saturating_add(1);
            let filter = ExecutionFilter {
                states: arguments.states.clone(),
                max,
                ..ExecutionFilter::default()
            };
            let mut executions = found::executions(reader.history(), process.id, &filter).await?;
            let more = executions.len() > arguments.limit as usize;
            executions.truncate(arguments.limit as usize);
            let worked = found::worked(reader.history(), &process, now).await?;
            let report = Report::of(reader.history(), &process, worked, now).await?;
            let causes = found::causes(reader.history(), &process).await?;
            let imported = reader.history().import_of(process.id).await?;
            let lanes = reader.history().lanes(process.id, 1).await?;
            let text = Drawn {
                lanes: lanes.first(),
                imported: imported.as_ref(),
                process: &process,
                report: &report,
                causes: &causes,
                engine: found::at_work(&reader).await?,
                worked,
                now,
            };
            show_process(context, &text, &executions, more)?;
        }
        Found::Execution(row) => {
            let attempts = reader.history().attempts(row.id, None).await?;
            let signals = reader.history().signals(row.id, SIGNALS_MAX).await?;
            if context.output.json() {
                let execution = ExecutionShape::of(&row, now);
                context.output.value(&Shape::Execution {
                    execution,
                    attempts: attempts.iter().map(AttemptShape::from).collect(),
                    signals: signals.iter().map(SignalShape::from).collect(),
                })?;
            } else {
                context
                    .output
                    .data(&execution::drawn(context, &row, &attempts, &signals, now))?;
            }
        }
        Found::Entity(key, executions) => {
            show_entity(context, &key, &executions, now)?;
        }
    }
    Ok(Exit::Ok)
}

fn show_entity(
    context: &Context,
    key: &str,
    executions: &[ExecutionRow],
    now: Timestamp,
) -> Result<(), Failure> {
    if context.output.json() {
        let shapes = executions
            .iter()
            .map(|row| ExecutionShape::of(row, now))
            .collect();
        return context.output.value(&Shape::Entity {
            entity: key,
            executions: shapes,
        });
    }
    let head = format!("{} {key}", paint::bold("entity"));
    context
        .output
        .data(&format!("{head}\n\n{}", listed(executions, true, now)))
}

/// A process, what it is at and who runs it, the microseconds that it took, and when that was looked at.
struct Drawn<'a> {
    process: &'a ProcessRow,
    report: &'a Report,
    causes: &'a BTreeMap<CauseKind, u64>,
    engine: Option<String>,
    imported: Option<&'a ImportRow>,
    /// Where the number of its lanes stands, if it is found out.
    lanes: Option<&'a LanesRow>,
    worked: i64,
    now: Timestamp,
}

fn show_process(
    context: &Context,
    drawn: &Drawn<'_>,
    executions: &[ExecutionRow],
    more: bool,
) -> Result<(), Failure> {
    let now = drawn.now;
    if context.output.json() {
        let executions = executions
            .iter()
            .map(|row| ExecutionShape::of(row, now))
            .collect();
        return context.output.value(&Shape::Process {
            process: ProcessShape::of(drawn.process, drawn.worked),
            report: Box::new(ReportShape::from(drawn.report)),
            lanes_auto: drawn.lanes.map(LanesShape::from),
            imported: drawn.imported.map(ImportedShape::of),
            executions,
            more,
        });
    }
    let mut text = process_head(context, drawn);
    if !executions.is_empty() {
        text.push_str(&format!("\n\n{}", listed(executions, false, now)));
    }
    context.output.data(&text)?;
    if more {
        context.output.talk(&format!(
            "the first {} executions are shown; --limit N shows more, --state failed only those",
            number::count(executions.len() as u64)
        ));
    }
    Ok(())
}

fn process_head(context: &Context, drawn: &Drawn<'_>) -> String {
    let (process, worked) = (drawn.process, drawn.worked);
    let state = paint::tone(paint::of_process(process.state), &ps::state(process));
    let mut lines = vec![format!(
        "{} {} · {} · {state}",
        paint::bold("process"),
        process.id,
        process.pipeline
    )];
    let mut add = |name: &str, value: String| lines.push(format!("  {name:<12}{value}"));
    if let Some(reason) = &process.reason {
        add("reason", reason.clone());
    }
    add("entities", ps::tally(&process.tally));
    if !process.state.is_settled() {
        add("now", at_work(drawn.causes));
        add("engine", engine(drawn.engine.as_deref(), process));
    }
    if !process.params.is_empty() {
        add("parameters", ps::parameters(process));
    }
    add(
        "launched",
        format!(
            "{} by {}",
            time::local(process.launched_at, context.zone()),
            process.launched_by
        ),
    );
    let (name, ended) = ended(context, process, worked);
    add(name, ended);
    for (name, line) in report::lines(drawn.report, true) {
        add(name, line);
    }
    if let Some(after) = process.after {
        add("waits for", format!("process {after} to end"));
    }
    match drawn.imported {
        Some(import) => {
            let when = time::local(import.at, context.zone());
            add("imported", format!("{when} from {}", found::origin(import)));
        }
        None => add("lanes", lanes(process, drawn.lanes)),
    }
    add("version", process.version.short().to_owned());
    for (name, url) in &process.targets {
        add("target", format!("{name} = {url}"));
    }
    if let Some(folder) = &process.folder {
        add("folder", folder.clone());
    }
    lines.join("\n")
}

/// `50`, or where their number is found out `12 (auto): steps waited for locks 40 % of their time`.
fn lanes(process: &ProcessRow, found_out: Option<&LanesRow>) -> String {
    let lanes = number::count(u64::from(process.lanes));
    match found_out {
        None => lanes,
        Some(row) if row.change.reason == LanesReason::Launched => format!("{lanes} (auto)"),
        Some(row) => format!("{lanes} (auto): {}", row.change.detail),
    }
}

/// When it ended and how long it took, or how long it has taken so far.
fn ended(context: &Context, process: &ProcessRow, worked: i64) -> (&'static str, String) {
    let took = ps::took(process, worked);
    match process.ended_at {
        Some(ended) => {
            let at = time::local(ended, context.zone());
            ("ended", format!("{at}, after {took}"))
        }
        None => ("so far", took),
    }
}

/// Who runs what is unfinished. Without an engine nothing of it moves, however it stands.
fn engine(at_work: Option<&str>, process: &ProcessRow) -> String {
    match at_work {
        Some(at_work) => at_work.to_owned(),
        None if process.state == ProcessState::Paused => {
            "none has the store; `carril resume` goes on with it".to_owned()
        }
        None => {
            paint::warning("none has the store, so nothing moves; `carril run` goes on with it")
        }
    }
}

/// Executions as a table, with the process they belong to or without.
pub(crate) fn listed(executions: &[ExecutionRow], with_process: bool, now: Timestamp) -> String {
    let mut columns = vec![">ID", "ENTITY", "STATE", ">RUN", ">TOOK", "WHAT"];
    if with_process {
        columns.insert(1, ">PROCESS");
    }
    let mut table = Table::new(&columns);
    for row in executions {
        let mut cells = vec![
            row.id.to_string(),
            entity(row),
            state(row),
            row.run.to_string(),
            took(row, now).map_or_else(String::new, time::span),
            what(row, now),
        ];
        if with_process {
            cells.insert(1, row.process.to_string());
        }
        table.toned(
            &cells,
            if with_process { 3 } else { 2 },
            paint::of_execution(row.state),
        );
    }
    table.render()
}

/// The entity's key, or what stands for it in the process's own execution.
pub(crate) fn entity(row: &ExecutionRow) -> String {
    row.entity.clone().unwrap_or_else(|| "(process)".to_owned())
}

fn state(row: &ExecutionRow) -> String {
    if row.rolling_back {
        "rolling_back".to_owned()
    } else if row.cancelling && !row.state.is_settled() {
        format!("{}, cancelling", row.state)
    } else {
        row.state.to_string()
    }
}

/// From its first lane to its end, or to now.
pub(crate) fn took(row: &ExecutionRow, now: Timestamp) -> Option<i64> {
    row.started_at
        .map(|started| row.ended_at.unwrap_or(now).micros_since(started))
}

/// What it is waiting for, or why it failed.
fn what(row: &ExecutionRow, now: Timestamp) -> String {
    if let Some(error) = &row.error {
        let step = row.failed_step.as_deref().unwrap_or("?");
        return format!(
            "{step}: {} [{}]",
            table::one_line(&error.message),
            error.code
        );
    }
    if carril::shape::is_open(row) {
        let since = time::span(now.micros_since(row.account.since()));
        let behind = row
            .behind
            .map(|id| format!(", behind execution {id}"))
            .unwrap_or_default();
        return format!("{} for {since}{behind}", row.account.cause());
    }
    match row.warnings {
        0 => String::new(),
        warnings => number::of(u64::from(warnings), "warning", "warnings"),
    }
}
