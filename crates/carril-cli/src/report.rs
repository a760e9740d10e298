//! The report of a process as lines for people; what is in it is read and decided in the library.

use crate::output::time;
use crate::output::{number, paint};
use carril::model::contract::ProcessRow;
use carril::model::state::ProcessState;
use carril::report::{Beside, Report, per_hour};

/// Lines for people, each with its name; `all` also tells that there was nothing.
pub(crate) fn lines(report: &Report, all: bool) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if !report.goal().is_none() {
        lines.push(("goal", goal_line(report)));
    }
    if let Some(line) = report.beside().and_then(beside_line) {
        lines.push(("baseline", line));
    }
    if let Some(line) = figures_line(report, all) {
        lines.push(("troubles", line));
    }
    if let Some(refusal) = report.refusal() {
        let text = format!("refused from now on: {refusal}");
        lines.push(("launches", paint::error(&text)));
    }
    lines
}

fn goal_line(report: &Report) -> String {
    let said = |reached: Option<bool>| match reached {
        Some(true) => "reached",
        Some(false) => "missed",
        None => "not known yet",
    };
    let mut parts = Vec::new();
    if let Some(longest) = report.goal().duration_micros {
        let (longest, took) = (time::span(longest), time::span(report.worked_micros()));
        let reached = report.is_in_time();
        parts.push(format!("{longest} {} ({took})", said(reached)));
    }
    if let Some(least) = report.goal().entities_per_hour {
        let pace = report
            .per_hour()
            .map_or_else(|| "none".to_owned(), number::count);
        let (least, reached) = (number::count(least), report.is_at_pace());
        parts.push(format!(
            "{least} entities an hour {} ({pace})",
            said(reached)
        ));
    }
    parts.join(", ")
}

fn figures_line(report: &Report, all: bool) -> Option<String> {
    let figures = report.figures();
    let named = [
        (figures.deadlocks, "deadlock", "deadlocks"),
        (figures.lock_timeouts, "lock timeout", "lock timeouts"),
        (figures.escalations, "escalation", "escalations"),
        (
            figures.serialisation_failures,
            "serialisation failure",
            "serialisation failures",
        ),
        (figures.timeouts, "timeout", "timeouts"),
        (
            figures.uncommittable,
            "uncommittable transaction",
            "uncommittable transactions",
        ),
        (figures.retries, "retry", "retries"),
    ];
    if figures.is_zero() && !all {
        return None;
    }
    let told: Vec<String> = named
        .iter()
        .filter(|(count, ..)| *count > 0 || figures.is_zero())
        .map(|(count, one, many)| number::of(*count, one, many))
        .collect();
    Some(told.join(", "))
}

fn beside_line(beside: &Beside) -> Option<String> {
    let of = beside.baseline().process;
    if let Some(told) = beside.pipeline().filter(|told| told.run.is_some()) {
        let text = format!("{told} (process {of})");
        return Some(if told.is_alert() {
            paint::warning(&text)
        } else {
            text
        });
    }
    beside
        .own()
        .map(|own| format!("{} the time per entity of process {of}", times(own)))
}

/// How the pipeline stands, as a sentence for people.
pub(crate) fn standing(beside: &Beside) -> String {
    let told = beside.pipeline().unwrap_or_default();
    let text = told.to_string();
    if told.is_alert() {
        paint::warning(&text)
    } else {
        text
    }
}

/// The pace of a process as people are told it: not of one that was stopped, that rests, or of which nothing came to a good end,
/// where the same figure would read as if it were fast.
pub(crate) fn pace(row: &ProcessRow, worked: i64) -> Option<u64> {
    let tells = matches!(
        row.state,
        ProcessState::Running | ProcessState::Succeeded | ProcessState::CompletedWithErrors
    );
    let has_results = row.tally.succeeded + row.tally.skipped > 0;
    per_hour(&row.tally, worked).filter(|_| tells && has_results)
}

/// `1.34 times`.
fn times(permille: u64) -> String {
    format!("{}.{:02} times", permille / 1_000, permille % 1_000 / 10)
}
