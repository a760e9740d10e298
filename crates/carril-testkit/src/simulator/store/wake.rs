//! Parked executions and what wakes them: their time, and signals that are kept until a step takes them.

use super::super::bugs::Bug;
use super::{ModelStore, Moved, pending_cause};
use carril_model::account::{CauseKind, TimeAccount};
use carril_model::contract::{Delivery, Fault, NewSignal, Owned, SIGNALS_UNREAD_MAX, Sent, Signal};
use carril_model::id::{ExecutionId, NodeId, StepId};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use carril_model::transition::ExecutionEvent;

impl ModelStore {
    pub(super) fn step_waits(
        &mut self,
        owned: Owned,
        step: StepId,
        attempt: u32,
        began: Timestamp,
        until: Option<Timestamp>,
    ) -> bool {
        if !self.step_began(owned, step, attempt, began) {
            return false;
        }
        let key = (owned.run, step, attempt);
        if let Some(kept) = self.row(owned.execution).steps.get_mut(&key) {
            kept.row.state = StepState::Waiting;
            kept.row.retry_at = until;
        }
        true
    }

    pub(super) fn take_signal(&mut self, owned: Owned, number: u32) -> bool {
        let kept = self.has(Bug::SignalTwice);
        let row = self.row(owned.execution);
        if !row.signals.iter().any(|signal| signal.number == number) {
            // Another step has it, or the same write came twice.
            return false;
        }
        if !kept {
            row.signals.retain(|signal| signal.number != number);
        }
        row.taken.push(number);
        let times = row.taken.iter().filter(|taken| **taken == number).count();
        if times > 1 {
            let text = format!("execution {} signal {number}", owned.execution);
            self.breaks("a signal is taken once", text);
        }
        true
    }

    pub(super) fn waits(
        &mut self,
        owned: Owned,
        wake_at: Option<Timestamp>,
        keys: &[String],
        account: &TimeAccount,
        moved: &mut Moved,
    ) {
        let at = account.since();
        let row = self.row(owned.execution);
        row.account = account.clone();
        row.node = None;
        row.parked = true;
        row.wake_at = wake_at;
        row.wake_keys = keys.to_vec();
        let run = row.owned.run;
        // A word of another run is no answer.
        let counts = |signal: &&Signal| signal.run == run || !signal.key.starts_with("approval:");
        let called = row
            .signals
            .iter()
            .filter(counts)
            .any(|signal| row.wake_keys.contains(&signal.key));
        let cancelling = row.cancelling;
        self.go(owned.execution, ExecutionEvent::Park);
        moved.touch(owned.process);
        if cancelling {
            self.end(owned.execution, at, moved);
            self.elect_freed(moved, at);
        } else if called && !self.has(Bug::CallMissed) {
            self.go_on(owned.execution, at, moved);
        }
    }

    /// One that was parked in the middle of its segment is ready again.
    fn go_on(&mut self, execution: ExecutionId, at: Timestamp, moved: &mut Moved) {
        let process = self.row(execution).owned.process;
        let paused = self.process(process).row.state == ProcessState::Paused;
        let row = self.row(execution);
        row.wake_at = None;
        row.wake_keys.clear();
        let cause = if paused {
            CauseKind::Paused
        } else {
            pending_cause(row.ready)
        };
        row.switch(cause, at);
        self.go(execution, ExecutionEvent::Wake);
        moved.touch(process);
        moved.wake(process);
    }

    /// Wakes at most `max` that are due; how many, and when the next one is.
    pub(super) fn due(
        &mut self,
        max: u32,
        at: Timestamp,
        moved: &mut Moved,
    ) -> (u32, Option<Timestamp>) {
        let mut due: Vec<(Timestamp, ExecutionId)> = self
            .tables
            .rows
            .values()
            .filter_map(|row| Some((row.wake_at?, row.owned.execution)))
            .filter(|(wake_at, _)| *wake_at <= at)
            .collect();
        due.sort_unstable();
        due.truncate(max as usize);
        for (_, execution) in &due {
            self.go_on(*execution, at, moved);
        }
        let next = self.next_due();
        (u32::try_from(due.len()).unwrap_or(u32::MAX), next)
    }

    pub(in super::super) fn next_due(&self) -> Option<Timestamp> {
        self.tables
            .rows
            .values()
            .filter_map(|row| row.wake_at)
            .min()
    }

    /// Sends a signal.
    pub(in super::super) fn signal(
        &mut self,
        node: NodeId,
        executions: &[ExecutionId],
        signal: &NewSignal,
    ) -> Result<Sent, Fault> {
        self.alive(node)?;
        let mut moved = Moved::default();
        let mut sent = Sent::default();
        for id in executions {
            let delivery = self.deliver(*id, signal, &mut moved);
            sent.deliveries.push((*id, delivery));
        }
        sent.woken = moved.woken;
        Ok(sent)
    }

    fn deliver(&mut self, id: ExecutionId, signal: &NewSignal, moved: &mut Moved) -> Delivery {
        let lost = self.has(Bug::SignalWakesNobody);
        let row = self.row(id);
        let key = signal.idempotency_key.as_ref();
        if key.is_some_and(|key| row.signal_keys.contains(key)) {
            return Delivery::Repeated;
        }
        if row.state.is_settled() || row.rolling_back {
            return Delivery::Settled(row.state);
        }
        let is_awaited = |step| {
            let mut attempts = row.attempts();
            let waits = attempts
                .any(|attempt| attempt.row.step == step && attempt.row.state == StepState::Waiting);
            let same = |one: &Signal| one.key == signal.key && one.run == row.owned.run;
            waits && !row.signals.iter().any(same)
        };
        if signal.answers.is_some_and(|step| !is_awaited(step)) {
            return Delivery::NotAwaited;
        }
        if row.signals.len() >= SIGNALS_UNREAD_MAX as usize {
            return Delivery::Full;
        }
        row.signal_keys.extend(key.cloned());
        row.sent += 1;
        row.signals.push(Signal {
            number: row.sent,
            key: signal.key.clone(),
            data: signal.data.clone(),
            run: row.owned.run,
            sent_by: signal.sent_by.clone(),
            sent_at: signal.at,
        });
        let waits = row.state == ExecutionState::Waiting && row.parked;
        if waits && row.wake_keys.contains(&signal.key) && !lost {
            self.go_on(id, signal.at, moved);
        }
        Delivery::Delivered
    }
}
