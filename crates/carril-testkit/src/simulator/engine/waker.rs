//! The waker: knows the next due time from what it heard, and asks the store for those who are due. And who sends signals.

use super::super::bugs::Bug;
use super::super::world::{Event, World};
use super::{Message, Notice};
use carril_model::contract::{Change, Group, NewSignal, Report, Until};
use carril_model::definition::wait::signal_key;
use carril_model::id::ExecutionId;
use carril_model::time::Timestamp;
use serde_json::Value;

impl World {
    /// What a group that is durable says of who is due.
    pub(super) fn alarm_of(&mut self, group: &Group, report: &Report) {
        let parked = group
            .records
            .iter()
            .filter_map(|record| match &record.change {
                Change::Parked {
                    until: Until::Woken { at, .. },
                    ..
                } => *at,
                _ => None,
            });
        if let Some(due) = parked.chain(report.next_due).min() {
            self.set_alarm(due);
        }
    }

    fn set_alarm(&mut self, due: Timestamp) {
        let wait = due.micros_since(self.clock());
        let epoch = self.epoch;
        let Some(engine) = &mut self.engine else {
            return;
        };
        if self.bug != Some(Bug::WakeLost) && engine.alarm.is_none_or(|known| due < known) {
            engine.alarm = Some(due);
            self.after(wait, Event::Wake { epoch });
        }
    }

    /// The alarm rings: whoever is due is woken with the next commit.
    pub(in super::super) fn wake_due(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.alarm = None;
            self.hand_in(Message::Wake);
        }
    }

    /// Somebody sends a signal to an execution.
    pub(in super::super) fn send_signal(&mut self, execution: ExecutionId, name: usize) {
        let signal = NewSignal {
            key: signal_key(["x", "y"][name % 2]),
            data: Value::from(name),
            sent_by: "somebody".to_owned(),
            idempotency_key: None,
            answers: None,
            at: self.clock(),
        };
        let sent = self.verb(|world, node| world.store.signal(node, &[execution], &signal));
        if let Some(sent) = sent {
            self.note(
                "signal",
                [execution.0, name as i64, sent.woken.len() as i64, 0],
            );
            if !sent.woken.is_empty() {
                self.tell(Notice::Woken(sent.woken));
            }
        }
    }
}
