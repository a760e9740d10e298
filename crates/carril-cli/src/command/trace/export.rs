//! `carril trace export --perfetto`: a process as a trace that ui.perfetto.dev and chrome://tracing open.
//!
//! A lane is a track, an attempt of a step a slice, a wait a slice named by its cause, a wait for a resource an arrow to whoever gave it up, and the
//! number of lanes at work a curve. Executions are read by pages and written at once; what is held is a page, the arrows' ends and the curve, each bounded.

use super::process_of;
use crate::arguments::{TraceExport, TraceOf};
use crate::context::{Context, Reading};
use crate::failure::Failure;
use crate::output::number;
use carril::model::contract::{AttemptRow, ExecutionFilter, ExecutionRow, History, ProcessRow};
use carril::model::id::ExecutionId;
use carril::model::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

mod lanes;
mod writer;

use lanes::{Curve, Slice, packed};
use writer::Writer;

/// Executions that are read and written in one go.
const PAGE: u32 = 200;
/// Waits of a page that are read; a lane with more has them cut.
const WAITS_MAX: u32 = 100_000;
/// Ends of uses that arrows may point to. Beyond that there are no arrows, as some would be wrong.
const RELEASES_MAX: u32 = 200_000;
/// A resource is taken by whoever waits within this after it was given up.
const HAND_OVER_MICROS: i64 = 50_000;

/// Writes the trace to a file or to stdout.
pub(super) async fn export(
    context: &Context,
    reader: &Reading,
    arguments: &TraceExport,
) -> Result<(), Failure> {
    let of = TraceOf {
        process: arguments.process,
        limit: 1,
    };
    let process = process_of(reader, &of).await?;
    let now = context.now();
    let Some(output) = &arguments.output else {
        let out = BufWriter::new(std::io::stdout());
        return written(
            all(context, reader.history(), &process, now, out).await,
            Path::new("-"),
        );
    };
    let file = context.absolute(output);
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let part = Path::new(&part);
    let made = File::create(part).map_err(|error| Failure::file(&file, "write", &error))?;
    let result = all(
        context,
        reader.history(),
        &process,
        now,
        BufWriter::new(made),
    )
    .await;
    if let Err(failure) = written(result, &file) {
        // Half a trace opens nowhere.
        let _ = std::fs::remove_file(part);
        return Err(failure);
    }
    std::fs::rename(part, &file).map_err(|error| Failure::file(&file, "write", &error))?;
    context.output.talk(&format!(
        "{}: open it at https://ui.perfetto.dev (it stays in the browser) or in chrome://tracing",
        output.display()
    ));
    Ok(())
}

/// Why it was not written: the store, or the file.
enum Broken {
    Store(Failure),
    File(std::io::Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Store(failure)
    }
}

impl From<carril::model::contract::Fault> for Broken {
    fn from(fault: carril::model::contract::Fault) -> Self {
        Self::Store(fault.into())
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

fn written(result: Result<(), Broken>, path: &Path) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        // Whoever read it has seen enough.
        Err(Broken::File(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Broken::File(error)) => Err(Failure::file(path, "write", &error)),
        Err(Broken::Store(failure)) => Err(failure),
    }
}

async fn all(
    context: &Context,
    history: &dyn History,
    process: &ProcessRow,
    now: Timestamp,
    out: impl Write,
) -> Result<(), Broken> {
    let mut writer = Writer::new(out, process.id.0)?;
    writer.process(&format!("process {} {}", process.id, process.pipeline))?;
    let releases = releases(context, history, process).await?;
    let end = process.ended_at.unwrap_or(now);
    let mut curve = Curve::new(process.launched_at, end);
    let mut filter = ExecutionFilter {
        max: PAGE,
        ..ExecutionFilter::default()
    };
    loop {
        let page = history.executions(process.id, &filter).await?;
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            break;
        };
        filter.after = Some(last.id);
        let mut waits = waits(history, process, first.id, last.id).await?;
        for row in &page {
            curve.add(row.started_at, row.ended_at);
            let attempts = history.attempts(row.id, None).await?;
            let own = waits.remove(&row.id).unwrap_or_default();
            lane(&mut writer, process, row, &attempts, own, &releases, now)?;
        }
    }
    for (at, lanes) in curve.points() {
        writer.count(at, lanes)?;
    }
    writer.end()?;
    Ok(())
}

/// A wait as the store keeps it.
struct Wait {
    cause: String,
    about: Option<String>,
    step: Option<String>,
    began: i64,
    micros: i64,
}

/// One lane: its slices on as many tracks as overlap, and arrows from its waits.
fn lane(
    writer: &mut Writer<impl Write>,
    process: &ProcessRow,
    row: &ExecutionRow,
    attempts: &[AttemptRow],
    waits: Vec<Wait>,
    releases: &Releases,
    now: Timestamp,
) -> std::io::Result<()> {
    let name = format!(
        "{} ({})",
        row.entity.as_deref().unwrap_or("process"),
        row.id
    );
    let main = writer.main(row.id.0 - process.id.0, &name)?;
    let mut slices: Vec<Slice> = attempts
        .iter()
        .filter_map(|attempt| Slice::of(attempt, now))
        .collect();
    slices.extend(Slice::queued(row));
    for wait in waits {
        if let Some((holder, at)) = releases.holder(row.id, &wait) {
            writer.arrow((main, wait.began), (holder.0 - process.id.0, at))?;
        }
        slices.push(Slice::wait(wait));
    }
    for (number, track) in packed(slices).into_iter().enumerate() {
        let id = if number == 0 {
            main
        } else {
            writer.beside(&format!("{name} ∥{}", number + 1))?
        };
        for slice in track {
            writer.slice(id, &slice)?;
        }
    }
    Ok(())
}

/// Single waits of the executions of a page.
async fn waits(
    history: &dyn History,
    process: &ProcessRow,
    first: ExecutionId,
    last: ExecutionId,
) -> Result<BTreeMap<ExecutionId, Vec<Wait>>, Failure> {
    let sql = format!(
        "select execution_id, cause, about, stage || '/' || step, began_us, duration_us from waits \
         where process_id = {} and execution_id between {first} and {last} order by execution_id, began_us",
        process.id
    );
    let answer = history.query(&sql, WAITS_MAX).await?;
    let mut found: BTreeMap<ExecutionId, Vec<Wait>> = BTreeMap::new();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for row in &answer.rows {
        let [execution, cause, about, step, began, micros] = row.as_slice() else {
            continue;
        };
        let (Some(execution), Some(began), Some(micros)) =
            (execution.as_i64(), began.as_i64(), micros.as_i64())
        else {
            continue;
        };
        found.entry(ExecutionId(execution)).or_default().push(Wait {
            cause: text(cause).unwrap_or_default(),
            about: text(about),
            step: text(step),
            began,
            micros,
        });
    }
    Ok(found)
}

/// Who gave up which resource when, in order of time.
#[derive(Default)]
struct Releases {
    by_resource: BTreeMap<String, Vec<(i64, ExecutionId)>>,
}

impl Releases {
    /// Who gave up what this wait was for, just before it ended, and when.
    fn holder(&self, waiter: ExecutionId, wait: &Wait) -> Option<(ExecutionId, i64)> {
        let ends = self.by_resource.get(wait.about.as_deref()?)?;
        let until = wait.began + wait.micros;
        let before = ends.partition_point(|(at, _)| *at <= until);
        let newest_first = ends[..before].iter().rev();
        let mut near =
            newest_first.take_while(|(at, _)| *at >= wait.began && until - *at <= HAND_OVER_MICROS);
        let (at, holder) = near.find(|(_, holder)| *holder != waiter)?;
        Some((*holder, *at))
    }
}

async fn releases(
    context: &Context,
    history: &dyn History,
    process: &ProcessRow,
) -> Result<Releases, Failure> {
    let sql = format!(
        "select resource, at_us, execution_id from trace where process_id = {} and resource is not null \
         and event in ('END', 'ERROR', 'TIMEOUT', 'CANCEL', 'INTERRUPT')",
        process.id
    );
    let answer = history.query(&sql, RELEASES_MAX).await?;
    let mut found = Releases::default();
    if answer.cut {
        let max = number::count(u64::from(RELEASES_MAX));
        context.output.talk(&format!(
            "no arrows are drawn: more than {max} uses of resources"
        ));
        return Ok(found);
    }
    for row in &answer.rows {
        let [Value::String(names), at, execution] = row.as_slice() else {
            continue;
        };
        let (Some(at), Some(execution)) = (at.as_i64(), execution.as_i64()) else {
            continue;
        };
        for name in names.split(", ") {
            let ends = found.by_resource.entry(name.to_owned()).or_default();
            ends.push((at, ExecutionId(execution)));
        }
    }
    found
        .by_resource
        .values_mut()
        .for_each(|ends| ends.sort_unstable());
    Ok(found)
}

#[cfg(test)]
mod tests;
