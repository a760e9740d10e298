//! Plain lines for build servers and files: a failure when it happens, and now and then how far it is.

use super::failures::Failures;
use crate::output::{number, time};
use carril::event::Event;
use carril::model::contract::Tally;
use carril::model::time::Timestamp;

/// Between two lines that say how far it is, in microseconds.
const EVERY_MICROS: i64 = 5_000_000;

/// What was said, and what there is to say.
#[derive(Debug, Default)]
pub(super) struct Lines {
    tally: Tally,
    failures: Failures,
    began: Option<Timestamp>,
    said: Option<(Timestamp, u64)>,
}

impl Lines {
    /// What to say about an event.
    pub(super) fn event(&mut self, event: &Event) -> Option<String> {
        if let Event::Process { tally, .. } = event {
            self.tally = *tally;
        }
        self.failures.event(event)
    }

    /// The numbers as they are now.
    pub(super) fn tally(&mut self, tally: &Tally) {
        self.tally = *tally;
    }

    /// What to say at this time, of which so many wait: how far it is, when some time has passed and it moved.
    pub(super) fn glance(&mut self, waiting: u64, now: Timestamp) -> Option<String> {
        let began = *self.began.get_or_insert(now);
        let (last, settled) = *self.said.get_or_insert((now, self.tally.settled()));
        if now.micros_since(last) < EVERY_MICROS || settled == self.tally.settled() {
            return None;
        }
        self.said = Some((now, self.tally.settled()));
        let failed = if self.tally.failed > 0 {
            format!(", {} failed", number::count(self.tally.failed))
        } else {
            String::new()
        };
        let waiting = if waiting > 0 {
            format!(", {} waiting", number::count(waiting))
        } else {
            String::new()
        };
        let (done, total) = (
            number::count(self.tally.settled()),
            number::count(self.tally.total),
        );
        Some(format!(
            "{done} of {total} done{failed}{waiting} after {}",
            time::span(now.micros_since(began))
        ))
    }
}

#[cfg(test)]
mod tests;
