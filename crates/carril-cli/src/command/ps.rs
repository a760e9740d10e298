//! `carril ps`: processes, newest first, each on a line of its own. Only reads.

use crate::arguments::Ps;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use crate::output::table::Table;
use crate::output::{number, paint, time};
use carril::Reader;
use carril::model::contract::{History, ProcessFilter, ProcessRow, Tally};
use carril::model::definition::Version;
use carril::model::guard::Refusal;
use carril::model::import::BY;
use carril::model::state::ProcessState;
use carril::report;
use carril::shape::ProcessShape;
use carril::shape::RefusalShape;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    processes: Vec<ProcessShape<'a>>,
    refused: Vec<RefusedShape<'a>>,
}

/// A version that is not launched any more.
#[derive(Debug, Serialize)]
struct RefusedShape<'a> {
    pipeline: &'a str,
    processes: &'a [i64],
    #[serde(flatten)]
    refusal: RefusalShape<'a>,
}

/// A version that is not launched any more, and those of its processes that are listed.
struct Refused {
    pipeline: String,
    processes: Vec<i64>,
    refusal: Refusal,
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
    let refused = refused(reader.history(), &rows).await?;
    if context.output.json() {
        context.output.value(&Shape {
            processes: ProcessShape::all(&rows),
            refused: refused.iter().map(Refused::shape).collect(),
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
            listed_state(row),
            tally(&row.tally),
            time::local(row.launched_at, context.zone()),
            time::span(*worked),
            parameters(row),
        ];
        table.toned(&cells, 2, paint::of_process(row.state));
    }
    let mut text = table.render();
    for version in &refused {
        text.push_str(&format!("\n{}", paint::warning(&version.drawn())));
    }
    context.output.data(&text)?;
    if let Some(line) = abandoned(&reader, &rows).await? {
        context.output.talk(&line);
    }
    Ok(Exit::Ok)
}

/// What to know of processes that read as if they ran, while nobody runs them.
async fn abandoned(reader: &Reader, rows: &[(ProcessRow, i64)]) -> Result<Option<String>, Failure> {
    let ids: Vec<String> = rows
        .iter()
        .filter(|(row, _)| row.state == ProcessState::Running)
        .map(|(row, _)| row.id.to_string())
        .collect();
    if ids.is_empty() || found::at_work(reader).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(format!(
        "no engine has the store, so nothing moves of {}; `carril run` with the pipeline and parameters it was launched with goes on",
        ids.join(", ")
    )))
}

/// Versions of these processes that are not launched any more, in order of their newest process.
async fn refused(
    history: &dyn History,
    rows: &[(ProcessRow, i64)],
) -> Result<Vec<Refused>, Failure> {
    let mut looked_at: BTreeMap<(&str, &Version), Option<usize>> = BTreeMap::new();
    let mut found: Vec<Refused> = Vec::new();
    for (row, _) in rows {
        let version = (row.pipeline.as_str(), &row.version);
        if let Some(known) = looked_at.get(&version) {
            if let Some(at) = known {
                found[*at].processes.push(row.id.0);
            }
            continue;
        }
        let refusal = report::refusal(history, row).await?;
        looked_at.insert(version, refusal.is_some().then_some(found.len()));
        found.extend(refusal.map(|refusal| Refused {
            pipeline: row.pipeline.clone(),
            processes: vec![row.id.0],
            refusal,
        }));
    }
    Ok(found)
}

impl Refused {
    fn shape(&self) -> RefusedShape<'_> {
        RefusedShape {
            pipeline: &self.pipeline,
            processes: &self.processes,
            refusal: RefusalShape::from(&self.refusal),
        }
    }

    fn drawn(&self) -> String {
        let ids: Vec<String> = self.processes.iter().map(i64::to_string).collect();
        format!(
            "new launches of {} are refused (processes {}): {}",
            self.pipeline,
            ids.join(", "),
            self.refusal
        )
    }
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

/// The same in a list, where nothing else says that another program ran it.
fn listed_state(row: &ProcessRow) -> String {
    if row.launched_by == BY {
        format!("{}, imported", row.state)
    } else {
        state(row)
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
