//! What waits and what wakes it, and breakers: the acts about them, as records and questions of the reference.

use super::{Op, Reference, choose};
use crate::simulator::store::switched;
use carril_model::account::{Cause, CauseKind};
use carril_model::breaker::{BreakerRow, BreakerState};
use carril_model::contract::{Change, Claimed, NewSignal, Until};
use carril_model::id::StepId;
use carril_model::retry::mix;
use carril_model::state::StepState;
use carril_model::time::Timestamp;
use serde_json::json;

/// What is waited for and what comes.
const KEYS: [&str; 3] = ["signal:a", "signal:b", "approval:s/c"];
/// Resources that have a breaker.
const RESOURCES: [&str; 3] = ["api", "bank", "mail"];

impl Reference {
    /// Parks one in the middle of its segment: until a time, a signal under some of the keys, or whichever comes first.
    pub(super) fn waits(&self, claimed: &Claimed, how: u8) -> Option<Change> {
        let by_time = !how.is_multiple_of(3);
        let at = Timestamp(self.now.0 + i64::from(how % 16) * 2_000);
        let mut keys = Vec::new();
        for (bit, key) in KEYS.iter().enumerate() {
            if how >> 5 & (1 << bit) != 0 || (!by_time && bit == 0) {
                keys.push((*key).to_owned());
            }
        }
        let until = Until::Woken {
            at: by_time.then_some(at),
            keys,
        };
        let cause = Cause::plain(CauseKind::Timer);
        let account = switched(&claimed.account, cause, self.now);
        (!self.is_busy(claimed, &[StepState::Running])).then_some(Change::Parked { until, account })
    }

    /// A step of a claimed execution begins to wait, with a question or without.
    pub(super) fn step_waits(&self, claimed: &Claimed, step: u8, how: u8) -> Option<Change> {
        let (step, attempt) = self.next_attempt(claimed, step, 1)?;
        Some(Change::StepWaits {
            step,
            attempt,
            began: self.now,
            until: (!how.is_multiple_of(3)).then_some(Timestamp(self.now.0 + 90_000)),
            question: how.is_multiple_of(2).then(|| "may it?".to_owned()),
        })
    }

    /// A step takes a signal that is there, or one that another has taken.
    pub(super) fn takes(&self, claimed: &Claimed, which: u8) -> Option<Change> {
        let row = self.store.tables.rows.get(&claimed.owned.execution)?;
        let unread = row.signals.iter().map(|signal| signal.number);
        let all: Vec<u32> = unread.chain(row.taken.iter().copied()).collect();
        Some(Change::SignalTaken {
            signal: *choose(&all, which)?,
            step: StepId(u16::from(which % 3)),
        })
    }

    /// Somebody sends a signal to one or two executions of a process, whatever has become of them.
    pub(super) fn signal(&self, process: u8, which: u8, how: u8) -> Option<Op> {
        let owned = self.executions(self.process(process)?);
        let mut to = vec![choose(&owned, which)?.execution];
        let second = choose(&owned, which / 2)?.execution;
        if how.is_multiple_of(5) && !to.contains(&second) {
            to.push(second);
        }
        let key = usize::from(how % 3);
        let asks = StepId(u16::from(which % 3));
        let signal = NewSignal {
            key: KEYS[key].to_owned(),
            data: json!({ "value": how }),
            sent_by: "somebody".to_owned(),
            idempotency_key: how.is_multiple_of(4).then(|| format!("key-{}", how % 7)),
            answers: (key == 2).then_some(asks),
            at: self.now,
        };
        Some(Op::Signal(to, signal))
    }

    /// A row of a breaker as a lane hands it in: newer than the last, older, or the same once more.
    pub(super) fn breaker(&self, which: u8, how: u8) -> BreakerRow {
        let resource = RESOURCES[usize::from(which) % RESOURCES.len()];
        let known = self.store.tables.breakers.get(resource);
        let known = known.map_or(0, |row| row.change);
        let drawn = mix(u64::from(how) << 8 | u64::from(which));
        let state = BreakerState::ALL[usize::from(how % 3)];
        BreakerRow {
            resource: resource.to_owned(),
            change: (known + drawn % 4).saturating_sub(1),
            state,
            failures: u32::from(how % 7),
            successes: u32::from(how % 5),
            since: self.now,
            until: (state == BreakerState::Open).then_some(Timestamp(self.now.0 + 30_000)),
            forced: how.is_multiple_of(4),
            reason: (!how.is_multiple_of(6)).then(|| format!("drawn {how}")),
        }
    }
}

/// An attempt is under way or waits: the next record of its step is about the same attempt.
pub(super) const OPEN: [StepState; 2] = [StepState::Running, StepState::Waiting];
