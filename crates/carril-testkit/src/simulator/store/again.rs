//! Stopping, undoing and repeating single executions, from outside their claims.

use super::super::bugs::Bug;
use super::record::uncount;
use super::{Attempt, ModelStore, Moved};
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{Fault, Owned, Rerun};
use carril_model::id::{ExecutionId, NodeId, ProcessId, Run};
use carril_model::state::{ExecutionState, ProcessState};
use carril_model::time::Timestamp;
use carril_model::transition::{self, ExecutionEvent, ProcessEvent};

impl ModelStore {
    /// Marks executions for cancelling: pending and waiting ones settle, running ones are given back. Tells whom it moved.
    pub(in super::super) fn cancel(
        &mut self,
        node: NodeId,
        executions: &[ExecutionId],
        now: Timestamp,
    ) -> Result<(Vec<Owned>, Vec<ProcessId>), Fault> {
        self.alive(node)?;
        let mut moved = Moved::default();
        let mut running = Vec::new();
        for id in executions {
            let owned = self.row(*id).owned;
            moved.touch(owned.process);
            if self.stop(*id, now, &mut moved) {
                running.push(owned);
            }
        }
        self.elect_freed(&mut moved, now);
        for process in std::mem::take(&mut moved.woken) {
            moved.touch(process);
        }
        Ok((running, moved.touched))
    }

    /// Raises tokens and marks executions as rolling back; a live one is settled as cancelled first.
    pub(in super::super) fn begin_rollback(
        &mut self,
        node: NodeId,
        executions: &[ExecutionId],
        now: Timestamp,
    ) -> Result<Vec<Owned>, Fault> {
        self.alive(node)?;
        let mut moved = Moved::default();
        let mut begun = Vec::new();
        for id in executions {
            let row = self.row(*id);
            if row.state == ExecutionState::RolledBack && !row.rolling_back {
                continue;
            }
            if !row.state.is_settled() {
                self.end(*id, now, &mut moved);
            }
            if !self.has(Bug::RollbackTokenKept) {
                self.raise(*id);
            }
            let row = self.row(*id);
            row.rolling_back = true;
            row.uncharged += now.0 - row.account.since().0;
            row.account = TimeAccount::resume(
                row.account.sums().clone(),
                Cause::plain(CauseKind::RollingBack),
                now,
            );
            begun.push(row.owned);
        }
        self.elect_freed(&mut moved, now);
        Ok(begun)
    }

    /// Starts the next run of settled executions, all or none.
    pub(in super::super) fn rerun(
        &mut self,
        node: NodeId,
        id: ProcessId,
        reruns: &[Rerun],
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.alive(node)?;
        let is_settled = |rerun: &Rerun| {
            let row = &self.tables.rows[&rerun.execution];
            row.state.is_settled() && !row.rolling_back && row.owned.run == rerun.expected
        };
        if !reruns.iter().all(is_settled) {
            return Err(Fault::Conflict("not settled".to_owned()));
        }
        let segment = self.reopen(id, reruns)?;
        let mut moved = Moved::default();
        for rerun in reruns {
            self.begin_run(rerun, segment, now, &mut moved);
        }
        self.elect_freed(&mut moved, now);
        Ok(())
    }

    fn reopen(&mut self, id: ProcessId, reruns: &[Rerun]) -> Result<u32, Fault> {
        let earliest = reruns.iter().map(|rerun| rerun.segment).min();
        let conflict = |text: &str| Err(Fault::Conflict(text.to_owned()));
        let Some(earliest) = earliest else {
            return conflict("no execution was named");
        };
        let process = self.process(id);
        if process.row.state == ProcessState::Launching {
            return conflict("it is still being launched");
        }
        if process.row.state.is_settled() {
            let state = process.row.state;
            let Ok(next) = transition::process(state, ProcessEvent::Reopen) else {
                self.breaks(
                    "legal states only",
                    format!("process {id} reopens as {state}"),
                );
                return conflict("not legal");
            };
            process.row.state = next;
            process.row.segment = earliest;
            process.row.open = 0;
            process.row.cancelling = None;
            process.row.reason = None;
            process.row.reopened = true;
            process.row.ended_at = None;
            process.cancelled_as = None;
            // Who had waited for it has begun, and does not wait again: the two could hold each other's lane keys.
            for follower in self.tables.processes.values_mut() {
                if follower.row.after == Some(id) && !follower.row.state.is_settled() {
                    follower.row.after = None;
                }
            }
            return Ok(earliest);
        }
        if process.row.cancelling.is_some() {
            return conflict("it is being cancelled");
        }
        if earliest < process.row.segment {
            return conflict("it is past the stages to be run again");
        }
        Ok(process.row.segment)
    }

    fn begin_run(&mut self, rerun: &Rerun, segment: u32, now: Timestamp, moved: &mut Moved) {
        let lose = self.has(Bug::CarriedLost);
        let of = self.tables.rows[&rerun.execution].owned.process;
        let taken = |hash| self.is_taken(hash);
        let ready = self.tables.rows[&rerun.execution]
            .lane_hash
            .is_none_or(|hash| !taken(hash));
        let waits_for = self.waits_for(of, ready);
        let row = self.row(rerun.execution);
        let (was, owned) = (row.state, row.owned);
        row.history.entry(owned.run).or_insert(was);
        let next = Run(owned.run.0 + 1);
        for step in rerun.carried.iter().filter(|_| !lose) {
            if let Some(kept) = row.latest(*step).cloned() {
                let key = (next, *step, kept.attempt);
                let attempt = Attempt {
                    row: kept,
                    carried: true,
                };
                row.steps.insert(key, attempt);
            }
        }
        row.owned.run = next;
        row.segment = rerun.segment;
        row.ready = ready;
        row.cancelling = false;
        row.node = None;
        row.started = false;
        row.ended_at = None;
        row.opened = now;
        row.uncharged = 0;
        moved.freed.extend(row.lane_hash);
        let here = rerun.segment == segment;
        let cause = if here { waits_for } else { CauseKind::Barrier };
        row.account = TimeAccount::open(Cause::plain(cause), now);
        self.go(rerun.execution, ExecutionEvent::Rerun);
        if !here {
            self.row(rerun.execution).state = ExecutionState::Waiting;
        }
        let process = self.process(owned.process);
        process.row.open += u64::from(here);
        if !owned.per_process {
            uncount(&mut process.row.tally, was);
        }
    }
}
