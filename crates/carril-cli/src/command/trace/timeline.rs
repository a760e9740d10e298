//! The timeline for people: one line an execution on one time axis, a letter for each stage.
//!
//! ```text
//! a extract  b report
//!             0 s                          1.2 s
//! ALDER    3  |aaaaaaaaaaabbb              |  0.6 s
//! BIRCH    4  |     aaaaaaaaaaaaaaaaaaabbbb|  0.9 s
//! ```

use super::Shape;
use crate::context::{Context, Reading};
use crate::failure::Failure;
use crate::output::paint::{self, Tone};
use crate::output::table::cut;
use crate::output::time;
use carril::model::contract::{ProcessRow, TimelineRow};
use carril::model::id::ExecutionId;
use carril::model::state::StepState;
use carril::model::time::Timestamp;
use carril::shape::TimelineShape;
use std::collections::BTreeMap;

/// Characters of the time axis.
const AXIS: usize = 60;
/// Characters of an entity's key.
const NAME: usize = 24;
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// Most rows of entity and stage that are read; beyond that a picture is none.
const ROWS_MAX: u32 = 200_000;

/// Shows the timeline of a process; `limit` counts lines for people, and rows of entity and stage for programs.
pub(super) async fn show(
    context: &Context,
    reader: &Reading,
    process: &ProcessRow,
    limit: u32,
) -> Result<(), Failure> {
    let max = if context.output.json() {
        limit.saturating_add(1)
    } else {
        ROWS_MAX
    };
    let mut rows = reader.history().timeline(process.id, max).await?;
    if context.output.json() {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let rows = rows.iter().map(TimelineShape::from).collect();
        return context.output.value(&Shape {
            process: process.id.0,
            rows,
            more,
        });
    }
    if rows.is_empty() {
        context
            .output
            .talk(&format!("nothing of process {} has run yet", process.id));
        return Ok(());
    }
    let (text, more) = drawn(&rows, limit as usize, context.now());
    context.output.data(&text)?;
    if more {
        context.output.talk(&format!(
            "the first {limit} are shown; --limit N shows more"
        ));
    }
    Ok(())
}

/// The picture of at most `limit` executions, and whether there are more.
fn drawn(rows: &[TimelineRow], limit: usize, now: Timestamp) -> (String, bool) {
    let mut by_execution: BTreeMap<ExecutionId, Vec<&TimelineRow>> = BTreeMap::new();
    for row in rows {
        by_execution.entry(row.execution).or_default().push(row);
    }
    let more = by_execution.len() > limit;
    let shown: Vec<(ExecutionId, Vec<&TimelineRow>)> =
        by_execution.into_iter().take(limit).collect();
    let seen = || shown.iter().flat_map(|(_, rows)| rows.iter().copied());
    let from = seen().map(|row| row.began).min().unwrap_or(now);
    let until = seen()
        .map(|row| row.ended.unwrap_or(now))
        .max()
        .unwrap_or(now);
    let whole = until.micros_since(from).max(1);
    let stages = stages_of(seen());
    let named =
        |(at, stage): (usize, &&str)| format!("{} {stage}", paint::bold(&letter(at).to_string()));
    let legend: Vec<String> = stages.iter().enumerate().map(named).collect();
    let right = time::span(whole);
    let gap = " ".repeat(AXIS.saturating_sub(3 + right.chars().count()));
    let head = format!("{:<NAME$} {:>8}  |0 s{gap}{right}|", "ENTITY", "ID");
    let mut lines = vec![legend.join("  "), paint::dim(&head)];
    let axis = Axis { from, whole, now };
    lines.extend(
        shown
            .iter()
            .map(|(execution, rows)| line(*execution, rows, &stages, axis)),
    );
    (lines.join("\n"), more)
}

#[derive(Clone, Copy)]
struct Axis {
    from: Timestamp,
    whole: i64,
    now: Timestamp,
}

impl Axis {
    fn at(self, time: Timestamp) -> usize {
        let share =
            i128::from(time.micros_since(self.from)) * AXIS as i128 / i128::from(self.whole);
        usize::try_from(share).unwrap_or(AXIS).min(AXIS)
    }
}

fn line(execution: ExecutionId, rows: &[&TimelineRow], stages: &[&str], axis: Axis) -> String {
    let mut bar = vec![' '; AXIS];
    for row in rows {
        let stage = stages
            .iter()
            .position(|stage| *stage == row.stage)
            .unwrap_or(0);
        let start = axis.at(row.began).min(AXIS - 1);
        let end = axis.at(row.ended.unwrap_or(axis.now)).max(start + 1);
        bar[start..end].fill(letter(stage));
    }
    let name = rows
        .first()
        .and_then(|row| row.entity.clone())
        .unwrap_or_else(|| "(process)".to_owned());
    let began = rows.iter().map(|row| row.began).min().unwrap_or(axis.now);
    let ended = rows
        .iter()
        .map(|row| row.ended.unwrap_or(axis.now))
        .max()
        .unwrap_or(axis.now);
    let has = |state| rows.iter().any(|row| row.state == state);
    let tone = match (has(StepState::Failed), has(StepState::Running)) {
        (true, _) => Tone::Bad,
        (_, true) => Tone::Busy,
        _ => Tone::Good,
    };
    let bar: String = bar.into_iter().collect();
    let took = time::span(ended.micros_since(began));
    format!(
        "{:<NAME$} {:>8}  |{}|  {took}",
        cut(&name, NAME),
        execution.0,
        paint::tone(tone, &bar)
    )
}

/// Every stage once, in the order in which they first began.
fn stages_of<'a>(rows: impl Iterator<Item = &'a TimelineRow>) -> Vec<&'a str> {
    let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for row in rows {
        let began = first.entry(&row.stage).or_insert(row.began);
        *began = row.began.min(*began);
    }
    let mut stages: Vec<(&str, Timestamp)> = first.into_iter().collect();
    stages.sort_by_key(|(_, began)| *began);
    stages.into_iter().map(|(stage, _)| stage).collect()
}

/// The letter of a stage; after 26 they begin again.
fn letter(at: usize) -> char {
    char::from(LETTERS[at % LETTERS.len()])
}

#[cfg(test)]
mod tests;
