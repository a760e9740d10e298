//! Lane keys: of all unsettled executions of one key exactly one is the head, and only a head may be claimed.

use super::{ModelStore, Moved};
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;

impl ModelStore {
    /// Whether an unsettled execution has this lane key.
    pub(super) fn is_taken(&self, lane_hash: i64) -> bool {
        self.peers(lane_hash).next().is_some()
    }

    /// Elects a head for every key that was freed.
    pub(super) fn elect_freed(&mut self, moved: &mut Moved, at: Timestamp) {
        for lane_hash in std::mem::take(&mut moved.freed) {
            self.elect(lane_hash, moved, at);
        }
    }

    /// Makes the right one the head of a lane key, after something about it changed from outside a claim.
    fn elect(&mut self, lane_hash: i64, moved: &mut Moved, at: Timestamp) {
        let heads: Vec<(ExecutionId, ExecutionState)> = self
            .peers(lane_hash)
            .filter(|(_, ready, ..)| *ready)
            .map(|(id, _, state, _)| (id, state))
            .collect();
        if heads
            .iter()
            .any(|(id, state)| *state == ExecutionState::Running || self.tables.rows[id].parked)
        {
            return;
        }
        let Some(head) = self.next_in_line(lane_hash) else {
            return;
        };
        for (id, _) in heads {
            if id != head {
                self.appoint(id, false, at);
            }
        }
        self.install(head, moved, at);
    }

    /// The same for the key of a head that has just settled or parked.
    pub(super) fn pass_on(&mut self, from: ExecutionId, moved: &mut Moved, at: Timestamp) {
        let Some(lane_hash) = self.tables.rows[&from].lane_hash else {
            return;
        };
        if !self.peers(lane_hash).any(|(id, ..)| id != from) {
            return;
        }
        let Some(head) = self.next_in_line(lane_hash) else {
            return;
        };
        let row = self.row(from);
        if head != from && row.state == ExecutionState::Waiting {
            row.ready = false;
        }
        self.install(head, moved, at);
    }

    /// Whose turn it is while nobody of the key runs: the first process' first that could run, else its first that waits.
    fn next_in_line(&self, lane_hash: i64) -> Option<ExecutionId> {
        let (first, _, state, process) = self.peers(lane_hash).next()?;
        if state == ExecutionState::Pending {
            return Some(first);
        }
        let waits = |state| state != ExecutionState::Pending;
        self.peers(lane_hash)
            .filter(|(_, _, state, of)| *of == process && *state != ExecutionState::Running)
            .min_by_key(|(id, _, state, _)| {
                let segment = self.tables.rows[id].segment;
                (waits(*state), if waits(*state) { segment } else { 0 }, *id)
            })
            .map(|(id, ..)| id)
    }

    fn install(&mut self, head: ExecutionId, moved: &mut Moved, at: Timestamp) {
        let row = &self.tables.rows[&head];
        if row.ready {
            return;
        }
        let (state, process) = (row.state, row.owned.process);
        self.appoint(head, true, at);
        if state == ExecutionState::Pending {
            moved.wake(process);
        }
    }

    fn appoint(&mut self, execution: ExecutionId, ready: bool, at: Timestamp) {
        let waits_for = self.waits_for(self.tables.rows[&execution].owned.process, ready);
        let row = self.row(execution);
        row.ready = ready;
        if row.state == ExecutionState::Pending {
            row.switch(waits_for, at);
        }
    }

    /// Unsettled executions of a key in order of id: whether they are its head, their states and processes.
    fn peers(
        &self,
        lane_hash: i64,
    ) -> impl Iterator<Item = (ExecutionId, bool, ExecutionState, ProcessId)> + '_ {
        let of_key = self
            .tables
            .rows
            .values()
            .filter(move |row| row.lane_hash == Some(lane_hash) && !row.state.is_settled());
        of_key.map(|row| (row.owned.execution, row.ready, row.state, row.owned.process))
    }
}
