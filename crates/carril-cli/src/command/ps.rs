//! `carril ps`: processes, newest first, each on a line of its own. Only reads.

use crate::arguments::Ps;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use crate::output::table::Table;
use crate::output::{number, paint, time};
use crate::shape::ProcessShape;
use carril::model::contract::{ProcessFilter, ProcessRow, Tally};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    processes: Vec<ProcessShape<'a>>,
}

/// Lists processes.
pub(crate) async fn run(context: &Context, arguments: &Ps) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let filter = ProcessFilter {
        pipeline: arguments.pipeline.clone(),
        states: arguments.states.clone(),
        before: None,
        max: arguments.limit,
    };
    let now = context.now();
    let rows = reader.history().processes(&filter).await?;
    let rows = found::with_worked(reader.history(), rows, now).await?;
    if context.output.json() {
        context.output.value(&Shape {
            processes: ProcessShape::all(&rows),
        })?;
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        context
            .output
            .talk("no processes here yet; `carril run DIR` makes one");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        ">ID",
        "PIPELINE",
        "STATE",
        "ENTITIES",
        "LAUNCHED",
        ">TOOK",
        "PARAMETERS",
    ]);
    for (row, worked) in &rows {
        let cells = vec![
            row.id.to_string(),
            row.pipeline.clone(),
            state(row),
            tally(&row.tally),
            time::local(row.launched_at, context.zone()),
            time::span(*worked),
            parameters(row),
        ];
        table.toned(&cells, 2, paint::of_process(row.state));
    }
    context.output.data(&table.render())?;
    Ok(Exit::Ok)
}

/// A process's state, with what is being done to it.
pub(crate) fn state(row: &ProcessRow) -> String {
    match row.cancelling {
        Some(_) if !row.state.is_settled() => format!("{}, cancelling", row.state),
        _ if row.waiting > 0 && !row.state.is_settled() => {
            format!("{}, {} waiting", row.state, row.waiting)
        }
        _ => row.state.to_string(),
    }
}

/// How long it took, and what that leaves out.
pub(crate) fn took(row: &ProcessRow, worked: i64) -> String {
    let took = time::span(worked);
    if row.reopened {
        format!("{took} in all its runs, without the time between them")
    } else {
        took
    }
}

/// `48 of 50 done, 2 failed`.
pub(crate) fn tally(tally: &Tally) -> String {
    let mut text = if tally.settled() == tally.total {
        number::count(tally.total)
    } else {
        format!(
            "{} of {}",
            number::count(tally.settled()),
            number::count(tally.total)
        )
    };
    let parts = [
        (tally.failed, "failed"),
        (tally.skipped, "skipped"),
        (tally.cancelled, "cancelled"),
        (tally.rolled_back, "rolled back"),
    ];
    for (count, what) in parts.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {} {what}", number::count(*count)));
    }
    text
}

/// `report_date=2025-06-30 mode=full`.
pub(crate) fn parameters(row: &ProcessRow) -> String {
    let value = |value: &serde_json::Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let parts: Vec<String> = row
        .params
        .iter()
        .map(|(name, given)| format!("{name}={}", value(given)))
        .collect();
    parts.join(" ")
}
