//! Changes of a whole process, each done only if the process still is as it was seen; and claims.

use super::super::bugs::Bug;
use super::{ModelStore, Moved, pending_cause};
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Claim, Claimed, ProcessChange};
use carril_model::id::{ExecutionId, NodeId, ProcessId};
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use carril_model::transition::{self, ExecutionEvent, ProcessEvent};

impl ModelStore {
    pub(super) fn change(&mut self, change: &ProcessChange, moved: &mut Moved) {
        match change {
            ProcessChange::Advance {
                process,
                from,
                to,
                at,
            } => {
                moved.touch(*process);
                self.advance(*process, *from, *to, *at, moved);
            }
            ProcessChange::Settle {
                process, state, at, ..
            } => {
                moved.touch(*process);
                self.settle(*process, *state, *at, moved);
            }
            ProcessChange::Pause { process, at } => {
                moved.touch(*process);
                self.pause(*process, ProcessEvent::Pause, *at, moved);
            }
            ProcessChange::Resume { process, at } => {
                moved.touch(*process);
                self.pause(*process, ProcessEvent::Resume, *at, moved);
            }
            ProcessChange::Cancel {
                process,
                state,
                reason,
                at,
            } => {
                moved.touch(*process);
                self.cancel_process(*process, *state, reason, *at, moved);
            }
            // No pipeline of the simulator finds out the number of its lanes.
            ProcessChange::Lanes { process, .. } => moved.touch(*process),
        }
    }

    /// Pauses or resumes, if its state and nothing else stands against it.
    fn pause(&mut self, id: ProcessId, event: ProcessEvent, at: Timestamp, moved: &mut Moved) {
        let process = self.process(id);
        let Ok(state) = transition::process(process.row.state, event) else {
            return;
        };
        let paused = state == ProcessState::Paused;
        if paused && process.row.cancelling.is_some() {
            return;
        }
        process.row.state = state;
        let pending: Vec<ExecutionId> = self
            .tables
            .executions(id)
            .filter(|row| row.state == ExecutionState::Pending)
            .map(|row| row.owned.execution)
            .collect();
        for execution in pending {
            let row = self.row(execution);
            let cause = if paused {
                CauseKind::Paused
            } else {
                pending_cause(row.ready)
            };
            row.switch(cause, at);
        }
        if !paused {
            moved.wake(id);
        }
    }

    fn advance(&mut self, id: ProcessId, from: u32, to: u32, at: Timestamp, moved: &mut Moved) {
        let process = self.process(id);
        let as_seen = process.row.segment == from
            && to > from
            && process.row.open == 0
            && process.row.state == ProcessState::Running
            && process.row.cancelling.is_none();
        if !as_seen {
            return;
        }
        process.row.segment = to;
        let waits = |row: &super::Row| {
            row.state == ExecutionState::Waiting && !row.parked && row.segment == to
        };
        let waiting: Vec<ExecutionId> = self
            .tables
            .executions(id)
            .filter(|row| waits(row))
            .map(|row| row.owned.execution)
            .collect();
        for execution in &waiting {
            let row = self.row(*execution);
            let cause = pending_cause(row.ready);
            row.switch(cause, at);
            moved.freed.extend(row.lane_hash);
            self.go(*execution, ExecutionEvent::Wake);
        }
        self.process(id).row.open = waiting.len() as u64;
        if !waiting.is_empty() {
            moved.wake(id);
        }
        self.elect_freed(moved, at);
    }

    fn settle(&mut self, id: ProcessId, state: ProcessState, at: Timestamp, moved: &mut Moved) {
        let Some(row) = self.tables.process_row(id) else {
            return;
        };
        let undone = row.tally.rolled_back == row.tally.total;
        let may = row.state != ProcessState::Launching
            && row.state != ProcessState::RolledBack
            && row.tally.total == row.tally.settled()
            && row.own_state.is_none_or(ExecutionState::is_settled)
            && (state == ProcessState::RolledBack
                || row.cancelling.is_none_or(|wanted| wanted == state))
            && (state != ProcessState::RolledBack || undone)
            && (state != ProcessState::Succeeded || row.tally.failed + row.tally.cancelled == 0)
            && (state != ProcessState::CompletedWithErrors
                || row.tally.failed + row.tally.cancelled > 0)
            && (state != ProcessState::Failed
                || row.cancelling == Some(state)
                || row.own_state == Some(ExecutionState::Failed))
            && (state != ProcessState::Cancelled || row.cancelling == Some(state))
            && (row.state != ProcessState::Paused
                || state == ProcessState::RolledBack
                || row.cancelling.is_some()
                || self.has(Bug::PausedSettles))
            && (!row.state.is_settled() || state == ProcessState::RolledBack);
        if !may {
            return;
        }
        if !self.is_right(id, state) {
            self.breaks(
                "a process settles as its executions say",
                format!("process {id} settles as {state} with {:?}", row.tally),
            );
        }
        let event = match state {
            ProcessState::Succeeded => ProcessEvent::Succeed,
            ProcessState::CompletedWithErrors => ProcessEvent::CompleteWithErrors,
            ProcessState::Failed => ProcessEvent::Fail,
            ProcessState::RolledBack => ProcessEvent::RollBack,
            _ => ProcessEvent::Cancel,
        };
        match transition::process(row.state, event) {
            Ok(next) => self.process(id).row.state = next,
            Err(illegal) => self.breaks("legal states only", format!("process {id}: {illegal}")),
        }
        let process = self.process(id);
        process.row.cancelling = None;
        process.row.ended_at.get_or_insert(at);
        let followers = self.tables.processes.values();
        for follower in followers.filter(|other| other.row.after == Some(id)) {
            if !follower.row.state.is_settled() {
                moved.wake(follower.row.id);
            }
        }
    }

    /// Whether the process may settle so, by counting its executions rather than by its numbers.
    fn is_right(&self, id: ProcessId, state: ProcessState) -> bool {
        let process = &self.tables.processes[&id];
        let entities = || {
            self.tables
                .executions(id)
                .filter(|row| !row.owned.per_process)
        };
        let own = process.row.own.map(|own| self.tables.rows[&own].state);
        let count = |state| entities().filter(|row| row.state == state).count();
        let total = entities().count();
        let all_undone = total > 0 && count(ExecutionState::RolledBack) == total;
        let some_failed = count(ExecutionState::Failed) > 0 || count(ExecutionState::Cancelled) > 0;
        match (state, process.cancelled_as) {
            (ProcessState::RolledBack, _) => all_undone,
            (state, Some(wanted)) => state == wanted,
            (ProcessState::Failed, None) => own == Some(ExecutionState::Failed),
            (ProcessState::CompletedWithErrors, None) => some_failed,
            (ProcessState::Succeeded, None) => !some_failed && own != Some(ExecutionState::Failed),
            _ => false,
        }
    }

    fn cancel_process(
        &mut self,
        id: ProcessId,
        state: ProcessState,
        reason: &str,
        at: Timestamp,
        moved: &mut Moved,
    ) {
        let process = self.process(id);
        let goes_on = matches!(
            process.row.state,
            ProcessState::Running | ProcessState::Paused
        );
        if !goes_on || process.row.cancelling.is_some() {
            return;
        }
        process.row.cancelling = Some(state);
        process.row.reason = Some(reason.to_owned());
        process.cancelled_as = Some(state);
        for execution in process.executions.clone() {
            self.stop(execution, at, moved);
        }
        self.elect_freed(moved, at);
    }

    /// Settles a pending or waiting execution as cancelled; marks a running one, and tells that it runs.
    pub(super) fn stop(
        &mut self,
        execution: ExecutionId,
        at: Timestamp,
        moved: &mut Moved,
    ) -> bool {
        let row = self.row(execution);
        match row.state {
            ExecutionState::Pending | ExecutionState::Waiting => {
                self.end(execution, at, moved);
                false
            }
            ExecutionState::Running => {
                row.cancelling = true;
                true
            }
            _ => false,
        }
    }

    pub(super) fn claim(&mut self, node: NodeId, claim: Claim, at: Timestamp) -> Vec<Claimed> {
        let Some(process) = self.tables.processes.get(&claim.process) else {
            return Vec::new();
        };
        let segment = process.row.segment;
        let unsettled = |after: &ProcessId| {
            let after = self.tables.processes.get(after);
            after.is_some_and(|after| !after.row.state.is_settled())
        };
        let must_wait = process.row.after.as_ref().is_some_and(unsettled);
        let runs = process.row.state == ProcessState::Running
            || (process.row.state == ProcessState::Paused && self.has(Bug::PauseIgnored));
        if !runs || (must_wait && !self.has(Bug::QueueIgnored)) {
            return Vec::new();
        }
        let is_free = |row: &&super::Row| {
            row.segment == segment && row.state == ExecutionState::Pending && row.ready
        };
        let free: Vec<ExecutionId> = self
            .tables
            .executions(claim.process)
            .filter(is_free)
            .map(|row| row.owned.execution)
            .take(claim.max as usize)
            .collect();
        if must_wait && !free.is_empty() {
            self.breaks(
                "a queued process waits for the one before it",
                format!("process {}", claim.process),
            );
        }
        free.into_iter()
            .map(|execution| self.take(node, execution, at))
            .collect()
    }

    fn take(&mut self, node: NodeId, execution: ExecutionId, at: Timestamp) -> Claimed {
        if !self.has(Bug::TokenNotRaised) {
            self.raise(execution);
        }
        let backwards = self.has(Bug::AccountBackwards);
        let row = self.row(execution);
        let fresh = !row.started;
        row.started = true;
        row.parked = false;
        row.node = Some(node);
        row.claimed_cancelling = row.cancelling;
        if backwards && at < row.account.since() {
            let mut sums = row.account.sums().clone();
            let taken_back = at.0 - row.account.since().0;
            *sums.entry(row.account.cause().kind).or_insert(0) += taken_back;
            row.account = TimeAccount::resume(sums, Cause::plain(CauseKind::Running), at);
        }
        row.switch(CauseKind::Running, at);
        self.go(execution, ExecutionEvent::Claim);
        self.claimed(execution, fresh)
    }
}
