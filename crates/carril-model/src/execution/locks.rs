//! A running attempt waits for a lock in its target's database, and goes on.
//!
//! Told by whoever looks into the database, a moment after it began: so the time since then is taken from `running` and charged
//! to the lock, as far back as nothing else was decided meanwhile. Each wait is a record of its own, written when it is first
//! seen, again while it lasts, and at its end.

use super::{Cause, CauseKind, Change, Execution, LockNews, LockWait, StepState};
use crate::id::StepId;
use crate::time::Timestamp;

impl Execution {
    /// What the running attempt tells of locks. Returns the changes that ride with the next commit; news of an attempt that has
    /// ended are nobody's.
    pub fn lock_news(
        &mut self,
        step: StepId,
        attempt: u32,
        news: LockNews,
        now: Timestamp,
    ) -> Vec<Change> {
        let progress = &self.progress[step.index()];
        if progress.state != StepState::Running || progress.attempt != attempt {
            return Vec::new();
        }
        match news {
            LockNews::Waits(wait) => self.waits_for_lock(step, wait, now),
            LockNews::Over { at } => {
                let at = at.min(now);
                let closed = self.close_lock(step, at);
                self.recharge(at.max(self.judged));
                closed.into_iter().collect()
            }
        }
    }

    fn waits_for_lock(
        &mut self,
        step: StepId,
        mut wait: Box<LockWait>,
        now: Timestamp,
    ) -> Vec<Change> {
        let progress = &self.progress[step.index()];
        let mut changes = Vec::new();
        match &progress.lock {
            Some(known) if known.is_same_wait(&wait) => wait.since = known.since,
            known => {
                // It cannot have begun before the attempt, nor while the one before it lasted.
                let earliest = known
                    .as_ref()
                    .map_or(progress.unlocked, |known| known.since);
                wait.since = wait.since.clamp(earliest.min(now), now);
                changes.extend(self.close_lock(step, wait.since));
            }
        }
        let since = wait.since;
        changes.push(waited(step, wait.clone(), now));
        self.progress[step.index()].lock = Some(wait);
        self.recharge(since.max(self.judged));
        changes
    }

    /// The lock is had, or nobody waits for it any more.
    pub(super) fn close_lock(&mut self, step: StepId, at: Timestamp) -> Option<Change> {
        let progress = &mut self.progress[step.index()];
        let lock = progress.lock.take()?;
        let at = at.max(lock.since);
        progress.unlocked = at;
        Some(waited(step, lock, at))
    }
}

fn waited(step: StepId, lock: Box<LockWait>, until: Timestamp) -> Change {
    Change::Waited {
        step: Some(step),
        cause: Cause::about(CauseKind::Lock, lock.about()),
        from: lock.since,
        until,
        lock: Some(lock),
    }
}

#[cfg(test)]
mod tests;
