//! The picture that moves on a terminal: a bar, what the lanes are at, and the slowest of them with what they wait for.
//!
//! ```text
//! fund-report ━━━━━━━━━━━━━━━━━━━━          27/50  1 failed  2.1 s, about 1.8 s left
//!   running 12 · slot(warehouse) 9 · queued 2
//!   MERLC        1.9 s  running(report/row) for 0.2 s
//! ```
//!
//! Drawn at most 10 times a second; the lanes come from looks at the store, the numbers from events.

use super::failures::Failures;
use crate::failure::Failure;
use crate::output::table::cut;
use crate::output::{Output, number, paint, time};
use carril::event::Event;
use carril::model::account::CauseKind;
use carril::model::contract::{
    AttemptRow, ExecutionFilter, ExecutionRow, History, ProcessRow, Tally,
};
use carril::model::id::ProcessId;
use carril::model::state::ExecutionState;
use carril::model::time::Timestamp;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;

/// Redrawn at most this often, per second.
const HERTZ: u8 = 10;
/// Lanes that are named.
const LANES_SHOWN: usize = 5;
/// Lanes that are looked at for the slowest.
const LANES_SEEN: u32 = 200;
/// Characters of a line; terminals are seldom narrower, and a line that wraps breaks the picture.
const LINE: usize = 78;
/// Settled executions before a guess at the rest is worth saying.
const GUESS_AFTER: u64 = 5;

/// The picture.
pub(super) struct Live {
    output: Output,
    bar: ProgressBar,
    tally: Tally,
    /// Settled already when following began: what they took says nothing about the rest.
    settled_before: u64,
    began: Option<Timestamp>,
    failures: Failures,
}

impl Live {
    pub(super) fn new(output: &Output) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(HERTZ));
        let template = if output.colours_stderr() {
            "{prefix:.bold} {bar:32.cyan/dim} {msg}"
        } else {
            "{prefix} {bar:32} {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        Self {
            output: output.clone(),
            bar,
            tally: Tally::default(),
            settled_before: 0,
            began: None,
            failures: Failures::default(),
        }
    }

    /// A process is followed from now on.
    pub(super) fn begin(&mut self, row: &ProcessRow) {
        self.bar.set_prefix(cut(&row.pipeline, 20));
        self.settled_before = row.tally.settled();
        self.began = None;
        self.tally(&row.tally);
    }

    /// Something happened; what it says above the picture, if anything.
    pub(super) fn event(&mut self, event: &Event) -> Option<String> {
        if let Event::Process { tally, .. } = event {
            self.tally(tally);
        }
        self.failures.event(event)
    }

    /// The numbers as they are now.
    pub(super) fn tally(&mut self, tally: &Tally) {
        self.tally = *tally;
        self.bar.set_length(tally.total);
        self.bar.set_position(tally.settled());
    }

    /// A look at the store: what the lanes are at.
    pub(super) async fn glance(
        &mut self,
        history: &dyn History,
        process: ProcessId,
        waiting: u64,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let causes = history.causes(process).await?;
        let filter = ExecutionFilter {
            states: vec![ExecutionState::Running],
            max: LANES_SEEN,
            ..ExecutionFilter::default()
        };
        let mut lanes = history.executions(process, &filter).await?;
        lanes.sort_by_key(|row| row.started_at);
        let mut lines = vec![self.numbers(waiting, now)];
        if !causes.is_empty() {
            lines.push(format!("  {}", cut(&spread(&causes), LINE)));
        }
        let busy = history.under_way(process, LANES_SEEN).await?;
        for row in lanes.iter().take(LANES_SHOWN) {
            let attempt = busy.iter().find(|attempt| attempt.execution == row.id);
            lines.push(lane(row, attempt, now));
        }
        self.bar
            .set_message(self.output.for_stderr(&lines.join("\n")));
        self.bar.tick();
        Ok(())
    }

    fn numbers(&mut self, waiting: u64, now: Timestamp) -> String {
        let began = *self.began.get_or_insert(now);
        let mut parts = vec![format!(
            "{}/{}",
            number::count(self.tally.settled()),
            number::count(self.tally.total)
        )];
        if self.tally.failed > 0 {
            parts.push(paint::error(&format!(
                "{} failed",
                number::count(self.tally.failed)
            )));
        }
        if waiting > 0 {
            parts.push(format!("{} waiting", number::count(waiting)));
        }
        let mut clock = time::span(now.micros_since(began));
        let settled = self.tally.settled().saturating_sub(self.settled_before);
        let left = self.tally.total.saturating_sub(self.tally.settled());
        if settled >= GUESS_AFTER && left > 0 {
            let each = now.micros_since(began) / i64::try_from(settled).unwrap_or(i64::MAX);
            let rest = each.saturating_mul(i64::try_from(left).unwrap_or(i64::MAX));
            clock.push_str(&format!(", about {} left", time::span(rest)));
        }
        parts.push(clock);
        parts.join("  ")
    }

    /// Says something above the picture.
    pub(super) fn above(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// The picture goes.
    pub(super) fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `running 12 · slot 9 · queued 2`, the most first.
fn spread(causes: &BTreeMap<CauseKind, u64>) -> String {
    let mut causes: Vec<(&CauseKind, &u64)> = causes.iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    causes
        .iter()
        .map(|(kind, count)| format!("{kind} {}", number::count(**count)))
        .collect::<Vec<_>>()
        .join(" · ")
}

/// One lane: who, since when, and what it is at: its step, or what it waits for.
fn lane(row: &ExecutionRow, attempt: Option<&AttemptRow>, now: Timestamp) -> String {
    let name = cut(row.entity.as_deref().unwrap_or("(process)"), 16);
    let took = row
        .started_at
        .map_or_else(String::new, |started| time::span(now.micros_since(started)));
    let account = &row.account;
    let at = match attempt {
        Some(attempt) if account.cause().kind == CauseKind::Running => {
            let held = time::span(now.micros_since(attempt.began));
            format!("{}/{} for {held}", attempt.stage, attempt.step)
        }
        _ => format!(
            "{} for {}",
            account.cause(),
            time::span(now.micros_since(account.since()))
        ),
    };
    cut(&format!("  {name:<16} {took:>9}  {at}"), LINE)
}

#[cfg(test)]
mod tests;
