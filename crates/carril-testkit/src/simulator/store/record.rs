//! Records of a group: each is refused unless its claim still holds, and answered with a verdict.

use super::super::bugs::Bug;
use super::{Attempt, ModelStore, Moved};
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Change, Owned, Record, StepEnd, StepRow, Until, Verdict};
use carril_model::id::StepId;
use carril_model::state::{ExecutionState, StepState};
use carril_model::time::Timestamp;
use carril_model::transition::ExecutionEvent;

impl ModelStore {
    pub(super) fn record(&mut self, record: &Record, moved: &mut Moved) -> Verdict {
        let owned = record.owned;
        if !self.tables.rows.contains_key(&owned.execution) {
            return Verdict::Lost;
        }
        if let Change::RolledBack { at, .. } = &record.change {
            return verdict(self.rolled_back(owned, *at, moved));
        }
        let row = &self.tables.rows[&owned.execution];
        let right = row.owned == owned || self.has(Bug::FenceNotChecked);
        if !right || row.state != ExecutionState::Running {
            return Verdict::Lost;
        }
        let done = match &record.change {
            Change::StepBegan { step, attempt, at } => self.step_began(owned, *step, *attempt, *at),
            Change::StepEnded(end) => self.step_ended(owned, end),
            Change::Cause { account } => {
                self.row(owned.execution).account = account.clone();
                true
            }
            Change::Waited { .. } => true,
            Change::StepWaits {
                step,
                attempt,
                began,
                until,
                ..
            } => self.step_waits(owned, *step, *attempt, *began, *until),
            Change::SignalTaken { signal, .. } => self.take_signal(owned, *signal),
            Change::Parked { until, account } => {
                match until {
                    Until::Segment(segment) => self.parked(owned, *segment, account, moved),
                    Until::Woken { at, keys } => self.waits(owned, *at, keys, account, moved),
                }
                true
            }
            Change::Settled {
                state, at, account, ..
            } => {
                self.settled(owned, *state, *at, account, moved);
                true
            }
            Change::Released { account } => {
                let waits_for = self.waits_for(owned.process, true);
                let row = self.row(owned.execution);
                row.account = account.clone();
                if waits_for == CauseKind::Paused {
                    row.switch(waits_for, account.since());
                }
                row.node = None;
                row.end_attempts(StepState::Interrupted, account.since());
                self.go(owned.execution, ExecutionEvent::Release);
                true
            }
            Change::RolledBack { .. } => false,
        };
        verdict(done)
    }

    pub(super) fn step_began(
        &mut self,
        owned: Owned,
        step: StepId,
        attempt: u32,
        at: Timestamp,
    ) -> bool {
        let key = (owned.run, step, attempt);
        if self.tables.rows[&owned.execution].steps.contains_key(&key) {
            return false;
        }
        self.new_attempt(owned, blank(step, attempt, at));
        true
    }

    fn step_ended(&mut self, owned: Owned, end: &StepEnd) -> bool {
        let key = (owned.run, end.step, end.attempt);
        let known = self.tables.rows[&owned.execution].steps.get(&key);
        let open = [StepState::Running, StepState::Waiting];
        if known.is_some_and(|known| !open.contains(&known.row.state)) {
            return false;
        }
        if known.is_none() {
            self.new_attempt(owned, blank(end.step, end.attempt, end.began));
        }
        let lost = self.has(Bug::RetryAtLost);
        let attempt = self.row(owned.execution).steps.get_mut(&key);
        let attempt = attempt.expect("it was there, or was made just now");
        attempt.row = StepRow {
            step: end.step,
            attempt: end.attempt,
            failures: end.failures,
            state: end.state,
            began: end.began,
            ended: Some(end.ended),
            retry_at: end.retry_at.filter(|_| !lost),
            fallback: end.fallback,
            output: end.output.clone(),
            rows: end.rows.clone(),
            error: end.error.clone(),
        };
        true
    }

    fn new_attempt(&mut self, owned: Owned, row: StepRow) {
        let latest = self.tables.rows[&owned.execution].latest(row.step);
        let (last, settled) = latest.map_or((0, false), |latest| {
            let over = matches!(latest.state, StepState::Succeeded | StepState::Skipped)
                || (latest.state == StepState::Failed && latest.retry_at.is_none());
            (latest.attempt, over)
        });
        if settled {
            let text = format!("{} step {}", owned.execution, row.step.0);
            self.breaks("a step that is done is not begun again", text);
        }
        if row.attempt > last + 1 {
            let text = format!(
                "{} step {}: {} after {last}",
                owned.execution, row.step.0, row.attempt
            );
            self.breaks("attempts are counted through", text);
        }
        let key = (owned.run, row.step, row.attempt);
        let attempt = Attempt {
            row,
            carried: false,
        };
        self.row(owned.execution).steps.insert(key, attempt);
    }

    fn settled(
        &mut self,
        owned: Owned,
        state: ExecutionState,
        at: Timestamp,
        account: &TimeAccount,
        moved: &mut Moved,
    ) {
        let row = self.row(owned.execution);
        row.account = account.clone();
        row.cancelling = false;
        row.ended_at = Some(at);
        let event = match state {
            ExecutionState::Succeeded => ExecutionEvent::Succeed,
            ExecutionState::Failed => ExecutionEvent::Fail,
            ExecutionState::Skipped => ExecutionEvent::Skip,
            _ => ExecutionEvent::Cancel,
        };
        self.go(owned.execution, event);
        let by = if self.has(Bug::SettledTwice) { 2 } else { 1 };
        let process = self.process(owned.process);
        process.row.open = process.row.open.saturating_sub(1);
        if !owned.per_process {
            count(&mut process.row.tally, state, by);
        }
        moved.touch(owned.process);
        if !self.has(Bug::LaneKeyKept) {
            self.pass_on(owned.execution, moved, at);
        }
    }

    fn parked(&mut self, owned: Owned, segment: u32, account: &TimeAccount, moved: &mut Moved) {
        let by = if self.has(Bug::ParkedTwice) { 2 } else { 1 };
        let at = account.since();
        let row = self.row(owned.execution);
        row.account = account.clone();
        row.node = None;
        row.segment = segment;
        let cancelling = row.cancelling;
        self.go(owned.execution, ExecutionEvent::Park);
        let process = self.process(owned.process);
        process.row.open = process.row.open.saturating_sub(by);
        moved.touch(owned.process);
        if cancelling {
            // It was asked to stop on its way to the barrier: those that wait settle at once, so this one does now.
            self.end(owned.execution, at, moved);
            self.elect_freed(moved, at);
        } else {
            self.pass_on(owned.execution, moved, at);
        }
    }

    fn rolled_back(&mut self, owned: Owned, at: Timestamp, moved: &mut Moved) -> bool {
        let row = self.row(owned.execution);
        if !row.rolling_back || row.owned != owned {
            return false;
        }
        let was = row.state;
        row.history.insert(owned.run, was);
        row.close(at);
        row.rolling_back = false;
        row.cancelling = false;
        self.go(owned.execution, ExecutionEvent::RollBack);
        moved.touch(owned.process);
        if !owned.per_process {
            let tally = &mut self.process(owned.process).row.tally;
            uncount(tally, was);
            tally.rolled_back += 1;
        }
        true
    }
}

const fn verdict(done: bool) -> Verdict {
    if done { Verdict::Done } else { Verdict::Lost }
}

const fn blank(step: StepId, attempt: u32, began: Timestamp) -> StepRow {
    StepRow {
        step,
        attempt,
        failures: 0,
        state: StepState::Running,
        began,
        ended: None,
        retry_at: None,
        fallback: false,
        output: None,
        rows: Vec::new(),
        error: None,
    }
}

pub(in super::super) const fn count(
    tally: &mut carril_model::contract::Tally,
    state: ExecutionState,
    by: u64,
) {
    match state {
        ExecutionState::Succeeded => tally.succeeded += by,
        ExecutionState::Failed => tally.failed += by,
        ExecutionState::Skipped => tally.skipped += by,
        ExecutionState::Cancelled => tally.cancelled += by,
        ExecutionState::RolledBack => tally.rolled_back += by,
        ExecutionState::Pending | ExecutionState::Running | ExecutionState::Waiting => {}
    }
}

pub(super) const fn uncount(tally: &mut carril_model::contract::Tally, state: ExecutionState) {
    let number = match state {
        ExecutionState::Succeeded => &mut tally.succeeded,
        ExecutionState::Failed => &mut tally.failed,
        ExecutionState::Skipped => &mut tally.skipped,
        ExecutionState::Cancelled => &mut tally.cancelled,
        ExecutionState::RolledBack => &mut tally.rolled_back,
        ExecutionState::Pending | ExecutionState::Running | ExecutionState::Waiting => return,
    };
    *number = number.saturating_sub(1);
}

/// The account of a lane that leaves, switched to `cause`.
pub(in super::super) fn switched(
    account: &TimeAccount,
    cause: Cause,
    at: Timestamp,
) -> TimeAccount {
    let mut account = account.clone();
    account.switch(cause, at);
    account
}
