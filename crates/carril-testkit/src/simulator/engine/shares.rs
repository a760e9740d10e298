//! The lanes of an engine that has only so many: dealt by the model's own function, and passed on by who has had one.

use super::super::bugs::Bug;
use super::super::world::World;
use super::{Managed, Message};
use carril_model::contract::Claim;
use carril_model::id::ProcessId;
use carril_model::shares::{self, Hungry};
use carril_model::state::ProcessState;

impl World {
    /// Gives the free lanes to those that are hungry, and has the others pass theirs on as long as somebody goes without.
    pub(super) fn deal(&mut self) {
        let (bug, lanes) = (self.bug, self.lanes);
        let Some(engine) = &mut self.engine else {
            return;
        };
        let Some(lanes) = lanes.filter(|_| engine.stopping.is_none()) else {
            return;
        };
        let taken = |managed: &Managed| match bug {
            Some(Bug::ReservedForgotten) => managed.active,
            _ => managed.active + managed.reserved,
        };
        let taken: u32 = engine.processes.values().map(taken).sum();
        let hungry = all_hungry(&engine.processes);
        let mut shown = hungry.clone();
        if bug == Some(Bug::PriorityTurnedRound) {
            shown
                .iter_mut()
                .for_each(|one| one.priority = -one.priority);
        }
        let dealt = shares::deal(shown, lanes.saturating_sub(taken));
        for (id, max) in &dealt {
            engine.deals += 1;
            let deals = engine.deals;
            if let Some(managed) = engine.processes.get_mut(id) {
                managed.served = deals;
                managed.claiming = true;
                managed.reserved = *max;
                managed.hungry = false;
            }
        }
        let left = all_hungry(&engine.processes);
        for (id, managed) in &mut engine.processes {
            managed.yields =
                bug != Some(Bug::LanesKept) && shares::yields(&left, *id, managed.row.priority);
        }
        self.check_dealt(&hungry, &dealt);
        for (process, max) in dealt {
            self.note("dealt", [process.0, i64::from(max), 0, 0]);
            self.hand_in(Message::Claim(Claim { process, max }));
        }
    }

    /// Whether a lane of this process that comes free is kept for its next.
    pub(super) fn keeps_on(&mut self, id: ProcessId) -> bool {
        let Some(engine) = &self.engine else {
            return false;
        };
        let Some(managed) = engine.processes.get(&id) else {
            return true;
        };
        let (keeps, priority) = (!managed.yields, managed.row.priority);
        // A lane that ends while the coordinator still takes what it was told is ahead of the next deal, once.
        let told = self.lanes.is_some() && !engine.taking;
        let mut left = all_hungry(&engine.processes).into_iter();
        let overtaken = left.find(|other| other.priority > priority);
        if let Some(other) = overtaken.filter(|_| keeps && told) {
            let text = format!("process {id} before {}", other.process);
            self.breaks("a lane is not kept from a higher priority", text);
        }
        keeps
    }

    /// Of two processes that want lanes the one with the higher priority has all it wants before the other has any.
    fn check_dealt(&mut self, hungry: &[Hungry], dealt: &[(ProcessId, u32)]) {
        let given = |process: ProcessId| {
            let of = dealt.iter().find(|(to, _)| *to == process);
            of.map_or(0, |(_, many)| *many)
        };
        let overtakes = |one: &&Hungry| {
            let goes_without = |other: &Hungry| {
                other.priority > one.priority && given(other.process) < other.wants
            };
            given(one.process) > 0 && hungry.iter().any(goes_without)
        };
        if let Some(one) = hungry.iter().find(overtakes) {
            let text = format!("process {} of {hungry:?}: {dealt:?}", one.process);
            self.breaks("a higher priority is never overtaken", text);
        }
    }

    /// Never are there more lanes than the engine has.
    pub(super) fn check_lanes(&mut self) {
        let Some(engine) = &self.engine else { return };
        let active: u32 = engine
            .processes
            .values()
            .map(|managed| managed.active)
            .sum();
        if self.lanes.is_some_and(|lanes| active > lanes) {
            let text = format!("{active} of {:?}", self.lanes);
            self.breaks("never more lanes than the engine has", text);
        }
    }
}

fn all_hungry(processes: &std::collections::BTreeMap<ProcessId, Managed>) -> Vec<Hungry> {
    let could = processes.iter().filter(|(_, managed)| {
        managed.hungry && !managed.claiming && managed.row.state == ProcessState::Running
    });
    let hungry = could.map(|(id, managed)| Hungry {
        process: *id,
        priority: managed.row.priority,
        wants: managed.row.lanes.saturating_sub(managed.active),
        served: managed.served,
    });
    hungry.filter(|hungry| hungry.wants > 0).collect()
}
