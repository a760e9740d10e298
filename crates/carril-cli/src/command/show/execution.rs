//! One execution for people: where it is, where its time went, and every attempt of its steps.

use crate::command::show::{entity, state};
use crate::context::Context;
use crate::output::table::Table;
use crate::output::{number, paint, time};
use carril::model::contract::{AttemptRow, ExecutionRow, SignalRow, TableRows};
use carril::model::time::Timestamp;
use carril::shape::{AccountShape, is_open};

/// The whole of it.
pub(super) fn drawn(
    context: &Context,
    row: &ExecutionRow,
    attempts: &[AttemptRow],
    signals: &[SignalRow],
    now: Timestamp,
) -> String {
    let mut parts = vec![head(context, row, now), account(row, now)];
    if !attempts.is_empty() {
        parts.push(table_of(context, attempts));
    }
    if !signals.is_empty() {
        parts.push(signals_of(context, signals));
    }
    let errors = errors(attempts);
    if !errors.is_empty() {
        parts.push(errors.join("\n"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn head(context: &Context, row: &ExecutionRow, now: Timestamp) -> String {
    let state = paint::tone(paint::of_execution(row.state), &state(row));
    let mut lines = vec![format!(
        "{} {} · {} · {state}",
        paint::bold("execution"),
        row.id,
        entity(row)
    )];
    let mut add = |name: &str, value: String| lines.push(format!("  {name:<12}{value}"));
    add("process", row.process.to_string());
    add("run", row.run.to_string());
    if !row.attributes.is_empty() {
        add("attributes", attributes(row));
    }
    add("launched", time::local(row.launched_at, context.zone()));
    if let Some(started) = row.started_at {
        add("started", time::local(started, context.zone()));
    }
    if let Some(ended) = row.ended_at {
        add("ended", time::local(ended, context.zone()));
    }
    if is_open(row) {
        let since = time::span(now.micros_since(row.account.since()));
        add("now", format!("{} for {since}", row.account.cause()));
    }
    if let Some(behind) = row.behind {
        add(
            "behind",
            format!("execution {behind}, which has the same lane key"),
        );
    }
    if let Some(error) = &row.error {
        let step = row.failed_step.as_deref().unwrap_or("?");
        add(
            "failed",
            format!("{step}: {} [{}]", error.message, error.code),
        );
    }
    if row.warnings > 0 {
        add(
            "warnings",
            number::of(
                u64::from(row.warnings),
                "step that is not critical failed",
                "steps that are not critical failed",
            ),
        );
    }
    lines.join("\n")
}

/// Who sent what, and which step took it.
fn signals_of(context: &Context, signals: &[SignalRow]) -> String {
    let mut table = Table::new(&["SIGNAL", "SENT", "BY", "TAKEN", "DATA"]);
    for row in signals {
        let taken = match &row.taken {
            Some((run, step, _)) => format!("{step} of run {run}"),
            None => "not yet".to_owned(),
        };
        let data: String = row.data.to_string().chars().take(60).collect();
        table.row(&[
            row.key
                .strip_prefix("signal:")
                .unwrap_or(&row.key)
                .to_owned(),
            time::local(row.sent_at, context.zone()),
            row.sent_by.clone(),
            taken,
            data,
        ]);
    }
    table.render()
}

fn attributes(row: &ExecutionRow) -> String {
    let value = |value: &serde_json::Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    row.attributes
        .iter()
        .map(|(name, given)| format!("{name}={}", value(given)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where its time went; the parts add up to the last line.
fn account(row: &ExecutionRow, now: Timestamp) -> String {
    let account = AccountShape::of(&row.account, is_open(row).then_some(now));
    let total = account.total_micros();
    if total == 0 {
        return String::new();
    }
    let mut table = Table::new(&["TIME", ">SPENT", ">SHARE"]);
    let share = |micros: i64| {
        let permille = micros.saturating_mul(1_000) / total.max(1);
        format!("{}.{} %", permille / 10, permille % 10)
    };
    for (kind, micros) in account.largest_first() {
        table.row(&[kind.to_owned(), time::span(micros), share(micros)]);
    }
    table.row(&["total".to_owned(), time::span(total), String::new()]);
    table.render()
}

fn table_of(context: &Context, attempts: &[AttemptRow]) -> String {
    let mut table = Table::new(&[
        ">RUN", "STEP", ">TRY", "STATE", "BEGAN", ">TOOK", "WAITED", "ROWS", "NOTE",
    ]);
    for row in attempts {
        let took = row
            .ended
            .filter(|_| row.attempt > 0)
            .map(|ended| time::span(ended.micros_since(row.began)));
        let cells = vec![
            row.run.to_string(),
            format!("{}/{}", row.stage, row.step),
            if row.attempt == 0 {
                String::new()
            } else {
                row.attempt.to_string()
            },
            row.state.to_string(),
            time::local_clock(row.began, context.zone()),
            took.unwrap_or_default(),
            row.waits
                .iter()
                .map(|(cause, micros)| format!("{cause} {}", time::span(*micros)))
                .collect::<Vec<_>>()
                .join(", "),
            row.rows.iter().map(changed).collect::<Vec<_>>().join(", "),
            note(context, row),
        ];
        table.toned(&cells, 3, paint::of_step(row.state));
    }
    table.render()
}

/// `report_rows +12 ~3 -1`.
pub(crate) fn changed(rows: &TableRows) -> String {
    let mut text = rows.table.clone();
    for (sign, count) in [
        ('+', rows.inserted),
        ('~', rows.updated),
        ('-', rows.deleted),
    ] {
        if count > 0 {
            text.push_str(&format!(" {sign}{count}"));
        }
    }
    text
}

fn note(context: &Context, row: &AttemptRow) -> String {
    let mut notes = Vec::new();
    if let Some(reason) = &row.reason {
        notes.push(reason.clone());
    }
    if row.fallback {
        notes.push("by its fallback".to_owned());
    }
    if let Some(run) = row.carried_from {
        notes.push(format!("kept from run {run}"));
    }
    if let Some(at) = row.retry_at {
        notes.push(format!(
            "next try at {}",
            time::local_clock(at, context.zone())
        ));
    }
    if let Some(error) = &row.error {
        notes.push(format!("{} [{}]", error.message, error.code));
    }
    notes.join("; ")
}

/// Every error in full; the table cuts them.
fn errors(attempts: &[AttemptRow]) -> Vec<String> {
    let mut told = Vec::new();
    for row in attempts {
        let Some(error) = &row.error else { continue };
        let name = paint::error(&format!("{}[{}]", error.class.name(), error.code));
        told.push(format!(
            "{name} {}/{} try {}: {}",
            row.stage, row.step, row.attempt, error.message
        ));
        let details = [
            error.place.as_ref().map(|place| format!("at {place}")),
            error
                .native
                .as_ref()
                .map(|native| format!("native code {native}")),
        ];
        told.extend(
            details
                .into_iter()
                .flatten()
                .map(|detail| format!("  {detail}")),
        );
    }
    told
}
