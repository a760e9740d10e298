//! Says it when a process has nothing left but waiting: who follows it would otherwise look at a picture that never moves, and not
//! know whether it may be left.
//!
//! Counting by cause reads every execution of the process, so it is asked once after things have been quiet for a moment, never at
//! every glance. Nothing here draws.

use crate::failure::Failure;
use crate::output::{number, time};
use carril::model::account::CauseKind;
use carril::model::contract::{History, ProcessFilter, ProcessRow, Tally};
use carril::model::id::ProcessId;
use carril::model::time::Timestamp;
use std::collections::BTreeMap;

/// How long nothing moves before it is asked who waits, in microseconds.
const QUIET_MICROS: i64 = 1_000_000;
/// A wait that is over sooner is not worth a line.
const SHORT_MICROS: i64 = 3_000_000;
/// Between two times that it is said, in microseconds: pipelines may wait again and again.
const AGAIN_MICROS: i64 = 60_000_000;

/// What of a process moves when an execution parks, wakes or settles.
type Numbers = (u64, u64, Tally);

/// What was seen and said.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    seen: Option<(Numbers, Timestamp)>,
    asked: bool,
    said: Option<Timestamp>,
}

impl Waiting {
    /// Looks at the process: how many are parked, and what there is to say now.
    ///
    /// # Errors
    /// As the store.
    pub(super) async fn glance(
        &mut self,
        history: &dyn History,
        process: ProcessId,
        now: Timestamp,
    ) -> Result<(u64, Option<String>), Failure> {
        let filter = ProcessFilter {
            before: Some(ProcessId(process.0.saturating_add(1))),
            max: 1,
            ..ProcessFilter::default()
        };
        let newest = history.processes(&filter).await?.pop();
        let Some(row) = newest.filter(|row| row.id == process) else {
            return Ok((0, None));
        };
        if !self.is_due(&row, now) {
            return Ok((row.waiting, None));
        }
        self.asked = true;
        let causes = history.causes(process).await?;
        let due = history.next_due(process).await?;
        let words = words(&causes, due, now);
        if words.is_some() {
            self.said = Some(now);
        }
        Ok((row.waiting, words))
    }

    /// Whether it is time to ask who waits for what.
    fn is_due(&mut self, row: &ProcessRow, now: Timestamp) -> bool {
        let numbers = (row.open, row.waiting, row.tally);
        match self.seen {
            Some((seen, since)) if seen == numbers => {
                let lately = |said| now.micros_since(said) < AGAIN_MICROS;
                row.waiting > 0
                    && !self.asked
                    && now.micros_since(since) >= QUIET_MICROS
                    && !self.said.is_some_and(lately)
            }
            _ => {
                self.seen = Some((numbers, now));
                self.asked = false;
                false
            }
        }
    }
}

/// Who waits for what, if nobody does anything else and it is for long.
fn words(
    causes: &BTreeMap<CauseKind, u64>,
    due: Option<Timestamp>,
    now: Timestamp,
) -> Option<String> {
    let left = due.map(|due| due.micros_since(now).max(0));
    if left.is_some_and(|left| left < SHORT_MICROS) {
        return None;
    }
    let mut parts = Vec::new();
    for (cause, count) in causes {
        let what = match cause {
            CauseKind::Timer => "for a time",
            CauseKind::Signal => "for a signal",
            CauseKind::Approval => "for an answer",
            CauseKind::Backoff => "for their next try",
            CauseKind::Key => "behind others of their lane key",
            // They wait for those.
            CauseKind::Barrier => continue,
            _ => return None,
        };
        parts.push(format!("{} {what}", number::count(*count)));
    }
    if parts.is_empty() {
        return None;
    }
    let due = left.map_or_else(String::new, |left| {
        format!("; the first is due in {}", time::span(left))
    });
    Some(format!(
        "all that are left wait: {}{due}; Ctrl-C leaves them waiting, and the same command goes on with them",
        parts.join(", ")
    ))
}

#[cfg(test)]
mod tests;
