//! The coordinator: starts lanes, and asks the model what a process does next whenever a commit moved it.

use super::super::bugs::Bug;
use super::super::world::{Event, World};
use super::lane::Signal;
use super::{Managed, Message, Notice};
use carril_model::contract::{Claim, Claimed, ProcessChange, ProcessRow};
use carril_model::id::ProcessId;
use carril_model::process;
use carril_model::state::{ExecutionState, ProcessState};
use std::collections::btree_map::Entry;

impl World {
    /// Tells the coordinator something; it hears things in order, and not at once.
    pub(in super::super) fn tell(&mut self, notice: Notice) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.notices.push_back(notice);
        if !engine.notices_due {
            engine.notices_due = true;
            let epoch = engine.epoch;
            let wait = self.random.between(0, 300);
            self.after(wait, Event::Notices { epoch });
        }
    }

    /// The coordinator takes what it has been told.
    pub(in super::super) fn notices(&mut self) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        engine.notices_due = false;
        engine.taking = true;
        for notice in std::mem::take(&mut engine.notices) {
            match notice {
                Notice::Committed {
                    processes,
                    woken,
                    claimed,
                    asked,
                    looked,
                } => self.committed(processes, &woken, claimed, &asked, &looked),
                Notice::LaneFree { process, dry } => self.lane_free(process, dry),
                Notice::Adopt { row, claimed } => self.adopted(*row, claimed),
                Notice::Moved(processes) => processes.into_iter().for_each(|id| self.look(id)),
                Notice::KeysFreed => self.fill_all(),
                Notice::Woken(processes) => processes.into_iter().for_each(|id| self.fill(id)),
                Notice::Swept(process) => self.swept(process),
            }
        }
        if let Some(engine) = &mut self.engine {
            engine.taking = false;
        }
        self.poll_drain();
    }

    fn managed(&mut self, id: ProcessId) -> Option<&mut Managed> {
        self.engine.as_mut()?.processes.get_mut(&id)
    }

    fn committed(
        &mut self,
        processes: Vec<ProcessRow>,
        woken: &[ProcessId],
        claimed: Vec<Claimed>,
        asked: &[ProcessId],
        looked: &[ProcessId],
    ) {
        for process in asked {
            let got = claimed.iter().filter(|one| one.owned.process == *process);
            let got = got.count();
            if let Some(managed) = self.managed(*process) {
                // With all that it asked for there may be more; with less there is none.
                managed.hungry |= got >= managed.reserved as usize;
                managed.claiming = false;
                managed.reserved = 0;
            }
        }
        for process in looked {
            let Some(engine) = &mut self.engine else {
                return;
            };
            if let Entry::Occupied(mut looks) = engine.looks.entry(*process) {
                *looks.get_mut() -= 1;
                if *looks.get() == 0 {
                    looks.remove();
                }
            }
        }
        for claimed in claimed {
            self.start_managed(claimed);
        }
        for row in processes {
            self.moved(row);
        }
        for process in woken.iter().chain(looked) {
            self.fill(*process);
        }
        let Some(engine) = &self.engine else { return };
        let waited = |(id, managed): (&ProcessId, &Managed)| {
            (managed.again && !managed.claiming).then_some(*id)
        };
        let again: Vec<ProcessId> = engine.processes.iter().filter_map(waited).collect();
        for process in again {
            self.fill(process);
        }
        if !asked.is_empty() {
            self.deal();
        }
        for process in asked {
            self.forget_if_done(*process);
        }
    }

    fn start_managed(&mut self, claimed: Claimed) {
        let Some(managed) = self.managed(claimed.owned.process) else {
            let text = format!("process {}", claimed.owned.process);
            return self.breaks("who is claimed has a lane", text);
        };
        managed.active += 1;
        self.check_lanes();
        self.start_lane(claimed);
    }

    fn lane_free(&mut self, id: ProcessId, dry: bool) {
        let Some(managed) = self.managed(id) else {
            return;
        };
        managed.active -= 1;
        if !dry || managed.again {
            self.fill(id);
        } else {
            // What it does not need is free for others.
            self.deal();
        }
        self.forget_if_done(id);
    }

    fn adopted(&mut self, row: ProcessRow, claimed: Vec<Claimed>) {
        let id = row.id;
        let Some(engine) = &mut self.engine else {
            return;
        };
        let known = engine.processes.contains_key(&id);
        engine.processes.entry(id).or_insert_with(|| Managed {
            row: row.clone(),
            active: 0,
            claiming: false,
            again: false,
            settling: false,
            unswept: false,
            cancelled: false,
            hungry: false,
            reserved: 0,
            served: 0,
            yields: false,
        });
        for claimed in claimed {
            self.start_managed(claimed);
        }
        self.look(id);
        if !known {
            self.moved(row);
            self.fill(id);
        }
    }

    fn look(&mut self, id: ProcessId) {
        if let Some(engine) = &mut self.engine {
            *engine.looks.entry(id).or_default() += 1;
        }
        self.hand_in(Message::Look(id));
    }

    fn fill_all(&mut self) {
        let Some(engine) = &self.engine else { return };
        let all: Vec<ProcessId> = engine.processes.keys().copied().collect();
        all.into_iter().for_each(|process| self.fill(process));
    }

    fn next_of(&self, row: &ProcessRow) -> Option<ProcessChange> {
        let plan = self.plan_of(row.id);
        let segments = u32::try_from(plan.segments().len()).unwrap_or(u32::MAX);
        let abort_when = plan.definition().lanes.abort_when.as_ref();
        let mut next = process::next(row, segments, abort_when, self.clock());
        if self.bug == Some(Bug::FailuresForgotten)
            && let Some(ProcessChange::Settle { state, .. }) = &mut next
            && *state == ProcessState::CompletedWithErrors
        {
            *state = ProcessState::Succeeded;
        }
        next
    }

    /// A process is as `row` says now: what follows?
    fn moved(&mut self, row: ProcessRow) {
        let id = row.id;
        let next = self.next_of(&row);
        let Some(engine) = &mut self.engine else {
            return;
        };
        let held = engine.undoing.contains_key(&id);
        let Some(managed) = engine.processes.get_mut(&id) else {
            if row.cancelling.is_some()
                && let Some(change) = next
            {
                self.hand_in_change(change);
            }
            return;
        };
        let cancel = row.cancelling.is_some() && !managed.cancelled;
        managed.cancelled |= row.cancelling.is_some();
        let pause = row.state == ProcessState::Paused && managed.row.state != row.state;
        managed.row = row;
        if cancel {
            self.signal(Signal::Cancel, |owned| owned.process == id);
        }
        if pause {
            self.signal(Signal::Drain, |owned| owned.process == id);
        }
        match next {
            Some(ProcessChange::Settle { .. } | ProcessChange::Advance { .. }) if held => {}
            Some(ProcessChange::Settle { .. }) => self.sweep(id),
            next => {
                if let Some(managed) = self.managed(id) {
                    managed.unswept = true;
                }
                if let Some(change) = next {
                    self.hand_in_change(change);
                }
            }
        }
        let settled = self
            .managed(id)
            .is_some_and(|managed| managed.row.state.is_settled());
        if settled {
            self.forget_if_done(id);
            self.fill_followers(id);
        }
    }

    fn fill_followers(&mut self, id: ProcessId) {
        let Some(engine) = &self.engine else { return };
        let follows = |(other, managed): (&ProcessId, &Managed)| {
            (managed.row.after == Some(id)).then_some(*other)
        };
        let followers: Vec<ProcessId> = engine.processes.iter().filter_map(follows).collect();
        followers
            .into_iter()
            .for_each(|follower| self.fill(follower));
    }

    /// Before a process settles, what it should not leave behind is removed.
    fn sweep(&mut self, id: ProcessId) {
        let epoch = self.epoch;
        if let Some(managed) = self.managed(id)
            && !managed.settling
        {
            managed.settling = true;
            managed.unswept = false;
            let wait = self.random.between(10, 500);
            self.after(wait, Event::Swept { epoch, process: id });
        }
    }

    /// The sweep itself; the coordinator is told when it is done.
    pub(in super::super) fn sweep_now(&mut self, id: ProcessId) {
        for row in self.store.tables.executions(id) {
            let gone = matches!(
                row.state,
                ExecutionState::RolledBack | ExecutionState::Succeeded | ExecutionState::Skipped
            );
            if gone {
                self.target.workspaces.remove(&row.owned.execution);
            }
        }
        self.tell(Notice::Swept(id));
    }

    fn swept(&mut self, id: ProcessId) {
        let Some(row) = self.managed(id).map(|managed| managed.row.clone()) else {
            return;
        };
        let next = self.next_of(&row);
        let Some(engine) = &mut self.engine else {
            return;
        };
        let held = engine.undoing.contains_key(&id);
        let Some(managed) = engine.processes.get_mut(&id) else {
            return;
        };
        managed.settling = false;
        match next {
            Some(ProcessChange::Settle { .. }) if held => {}
            Some(ProcessChange::Settle { .. }) if managed.unswept => self.sweep(id),
            Some(change @ ProcessChange::Settle { .. }) => self.hand_in_change(change),
            _ => self.forget_if_done(id),
        }
    }

    fn forget_if_done(&mut self, id: ProcessId) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        let is_done = |managed: &Managed| {
            managed.row.state.is_settled()
                && managed.active == 0
                && !managed.claiming
                && !managed.settling
        };
        if !engine.looks.contains_key(&id) && engine.processes.get(&id).is_some_and(is_done) {
            engine.processes.remove(&id);
        }
    }

    /// Claims as many executions as lanes are free.
    fn fill(&mut self, id: ProcessId) {
        if self
            .engine
            .as_ref()
            .is_some_and(|engine| engine.stopping.is_some())
        {
            return;
        }
        let limited = self.lanes.is_some();
        let Some(managed) = self.managed(id) else {
            return;
        };
        let open = managed.row.state == ProcessState::Running;
        if limited {
            managed.hungry = open;
            return self.deal();
        }
        let free = managed.row.lanes.saturating_sub(managed.active);
        let can = !managed.claiming && free > 0;
        managed.again = open && !can;
        if open && can {
            managed.claiming = true;
            self.hand_in(Message::Claim(Claim {
                process: id,
                max: free,
            }));
        }
    }
}
