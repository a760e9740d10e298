//! Rollback: tokens are raised, lanes stop, what was left is removed and noted, one execution after the other.
//!
//! The last one's note settles the process with it. A crash in between leaves it half undone, and the next engine goes on.

use super::super::bugs::Bug;
use super::super::world::World;
use super::{Message, Notice, Rollback, Writer};
use carril_model::contract::{Change, Owned, ProcessChange};
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::state::{ExecutionState, ProcessState};
use std::collections::VecDeque;

impl World {
    /// Undoes executions of one process, after the rollbacks that were asked for before.
    pub(in super::super) fn roll_back(&mut self, process: ProcessId, executions: Vec<ExecutionId>) {
        self.queue_rollback(process, executions, false);
    }

    /// Goes on with what a former engine had begun. Its process stays where it is from now on; a stage of its own that runs
    /// already is waited for.
    pub(super) fn go_on_rolling_back(&mut self, process: ProcessId, executions: Vec<ExecutionId>) {
        if let Some(engine) = &mut self.engine {
            *engine.undoing.entry(process).or_insert(0) += 1;
        }
        self.queue_rollback(process, executions, true);
    }

    fn queue_rollback(&mut self, process: ProcessId, executions: Vec<ExecutionId>, held: bool) {
        let own = self
            .store
            .tables
            .processes
            .get(&process)
            .and_then(|process| process.row.own);
        let own_is_meant = own.is_some_and(|own| executions.contains(&own));
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.rollbacks.push_back(Rollback {
            process,
            executions,
            begun: None,
            writing: false,
            own_is_meant,
            held,
        });
        self.poll_rollback();
    }

    /// Goes on with the first rollback, as far as that is possible now.
    pub(in super::super) fn poll_rollback(&mut self) {
        loop {
            let stopping = self
                .engine
                .as_ref()
                .is_none_or(|engine| engine.stopping.is_some());
            let Some(engine) = &self.engine else { return };
            let Some(rollback) = engine.rollbacks.front() else {
                return;
            };
            if rollback.writing {
                return;
            }
            if rollback.begun.is_none() {
                let (process, held) = (rollback.process, rollback.held);
                if held && !stopping && self.own_stage_runs(process, rollback.own_is_meant) {
                    return;
                }
                if stopping || !self.begin_rollback() {
                    self.end_rollback(held);
                }
                continue;
            }
            if !self.undo_next() {
                return;
            }
        }
    }

    /// Marks what is to be undone and stops its lanes. Tells whether there is anything to undo.
    fn begin_rollback(&mut self) -> bool {
        let now = self.clock();
        let Some(rollback) = self
            .engine
            .as_ref()
            .and_then(|engine| engine.rollbacks.front())
        else {
            return false;
        };
        let (process, own_is_meant) = (rollback.process, rollback.own_is_meant);
        let (executions, held) = (rollback.executions.clone(), rollback.held);
        if self.own_stage_runs(process, own_is_meant) {
            return false;
        }
        if let Some(engine) = self.engine.as_mut().filter(|_| !held) {
            *engine.undoing.entry(process).or_insert(0) += 1;
        }
        let begun = self.verb(|world, node| {
            let begun = world.store.begin_rollback(node, &executions, now);
            world.check_raised(begun.as_deref().unwrap_or_default());
            begun
        });
        let Some(begun) = begun else {
            if !held {
                self.unhold(process);
            }
            return false;
        };
        self.note("rollback begun", [process.0, begun.len() as i64, 0, 0]);
        if let Some(rollback) = self
            .engine
            .as_mut()
            .and_then(|engine| engine.rollbacks.front_mut())
        {
            rollback.begun = Some(VecDeque::from(begun.clone()));
        }
        self.tell(Notice::KeysFreed);
        self.revoke(&begun);
        true
    }

    /// Whether a stage of the process itself runs that is not to be undone with it: it may read what is about to go.
    fn own_stage_runs(&self, process: ProcessId, own_is_meant: bool) -> bool {
        let row = self.store.tables.process_row(process);
        let own = row.and_then(|row| row.own_state);
        !own_is_meant && own == Some(ExecutionState::Running)
    }

    /// Removes what the next one left and notes it; the last one's note settles the process with it. False when it must wait.
    fn undo_next(&mut self) -> bool {
        let waits = self.bug != Some(Bug::RollbackDoesNotWait);
        let Some(engine) = &mut self.engine else {
            return false;
        };
        let Some(rollback) = engine.rollbacks.front_mut() else {
            return false;
        };
        let (process, own_is_meant) = (rollback.process, rollback.own_is_meant);
        let Some(begun) = &mut rollback.begun else {
            return false;
        };
        if begun.is_empty() {
            self.end_rollback(true);
            return true;
        }
        let lanes = &engine.lanes;
        let busy = |owned: &Owned| {
            lanes
                .values()
                .any(|lane| lane.owned.execution == owned.execution)
        };
        if waits && begun.iter().any(busy) {
            return false;
        }
        let Some(owned) = begun.pop_front() else {
            return false;
        };
        let is_last = begun.is_empty();
        rollback.writing = true;
        self.end_zombies(owned.execution);
        self.target.roll_back(owned.execution, owned.run);
        let at = self.clock();
        let own = self
            .store
            .tables
            .process_row(process)
            .and_then(|row| row.own_state);
        let stages_stand = !own_is_meant
            && matches!(
                own,
                Some(ExecutionState::Succeeded | ExecutionState::Failed)
            );
        let settle = ProcessChange::Settle {
            process,
            state: ProcessState::RolledBack,
            reason: None,
            at,
        };
        self.hand_in(Message::Write {
            who: Writer::Rollback,
            owned,
            changes: vec![Change::RolledBack {
                at,
                rows: Vec::new(),
            }],
            breakers: Vec::new(),
            then: Some(settle).filter(|_| is_last && !stages_stand),
            claim: None,
        });
        false
    }

    pub(in super::super) fn rollback_acked(&mut self) {
        if let Some(rollback) = self
            .engine
            .as_mut()
            .and_then(|engine| engine.rollbacks.front_mut())
        {
            rollback.writing = false;
        }
    }

    fn end_rollback(&mut self, held: bool) {
        let ended = self
            .engine
            .as_mut()
            .and_then(|engine| engine.rollbacks.pop_front());
        if let Some(rollback) = ended.filter(|_| held) {
            self.unhold(rollback.process);
            self.adopt(rollback.process, Vec::new());
        }
    }

    fn unhold(&mut self, process: ProcessId) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        if let Some(count) = engine.undoing.get_mut(&process) {
            *count -= 1;
            if *count == 0 {
                engine.undoing.remove(&process);
            }
        }
    }
}
