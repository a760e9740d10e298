//! Processes that find out the number of their lanes: when the coordinator looks at what their lanes saw, and what it does about it.
//!
//! Several engines may run one process. Each looks at its own lanes and may propose; the store takes a proposal from the number that is there,
//! so that the first is heard and the others learn of it with the process's row. Who hears of somebody else's change begins anew and holds still for
//! some windows: whoever proposed first goes on proposing while it lives, and another does so when it is gone.

use super::{Coordinator, Managed};
use crate::adapt::Meter;
use crate::event::Event;
use crate::process_run::ProcessRun;
use carril_model::contract::ProcessChange;
use carril_model::id::ProcessId;
use carril_model::lanes::{Controller, LanesChange, Window};
use carril_model::state::ProcessState;
use carril_model::time::Timestamp;
use std::time::Duration;

/// How often lanes are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long lanes that were added may take until all of them are in use; then the window begins as things are.
const FILLING: Duration = Duration::from_secs(1);
/// After so long without an answer a proposal was refused: the process did not run, or had another number. In microseconds.
const ANSWER_MICROS: i64 = 10_000_000;

/// How one process finds out the number of its lanes.
pub(super) struct Adapting {
    controller: Controller,
    /// Since when the present window lasts; `None` before lanes are as many as they are to be.
    since: Option<Timestamp>,
    /// When it was last looked at.
    looked: Timestamp,
    /// When the window begins, whether all lanes are in use or not.
    begins_by: Timestamp,
    /// The fewest lanes that were in use in this window.
    used: u32,
    /// Lanes times microseconds of this window.
    lane_micros: i64,
    queued: u32,
    /// What was proposed to the store, and when.
    proposed: Option<(LanesChange, Timestamp)>,
}

impl Adapting {
    pub(super) fn of(run: &ProcessRun, lanes: u32, now: Timestamp) -> Option<Self> {
        let most = run.adapts.as_ref()?.most;
        Some(Self::new(lanes, most, now))
    }

    fn new(lanes: u32, most: u32, now: Timestamp) -> Self {
        Self {
            controller: Controller::new(lanes, most),
            since: None,
            looked: now,
            begins_by: now.after(FILLING),
            used: 0,
            lane_micros: 0,
            queued: 0,
            proposed: None,
        }
    }

    /// A new window begins when lanes are as they are to be.
    fn restart(&mut self, meter: &Meter, now: Timestamp) {
        meter.restart();
        self.since = None;
        self.begins_by = now.after(FILLING);
    }

    /// Looks at the lanes, and tells what is to be proposed.
    fn look(&mut self, meter: &Meter, lanes: Lanes, now: Timestamp) -> Option<LanesChange> {
        if let Some((_, at)) = &self.proposed {
            if now.micros_since(*at) > ANSWER_MICROS {
                self.proposed = None;
                self.controller.moved(lanes.wanted);
                self.restart(meter, now);
            }
            return None;
        }
        let Some(since) = self.since else {
            let full = lanes.used.saturating_mul(10) >= lanes.wanted.saturating_mul(9);
            if lanes.active <= lanes.wanted && (full || now >= self.begins_by) {
                meter.restart();
                self.since = Some(now);
                self.looked = now;
                self.used = lanes.used;
                self.lane_micros = 0;
                self.queued = 0;
            }
            return None;
        };
        self.used = self.used.min(lanes.used);
        self.queued = self.queued.max(meter.queued());
        self.lane_micros += i64::from(lanes.active) * now.micros_since(self.looked);
        self.looked = now;
        let window = Window {
            lanes: lanes.wanted,
            used: self.used,
            micros: now.micros_since(since),
            lane_micros: self.lane_micros,
            queued: self.queued,
            ..meter.seen()
        };
        if !window.is_ripe() {
            return None;
        }
        let change = self.controller.observe(&window);
        self.restart(meter, now);
        self.proposed = change.clone().map(|change| (change, now));
        change
    }

    /// The process has another number of lanes now. Answers with why, if this engine proposed it.
    fn moved(&mut self, meter: &Meter, lanes: u32, now: Timestamp) -> Option<LanesChange> {
        self.restart(meter, now);
        match self.proposed.take() {
            Some((change, _)) if change.to == lanes => Some(change),
            _ => {
                self.controller.moved(lanes);
                None
            }
        }
    }
}

/// The lanes of a process at this moment.
#[derive(Clone, Copy)]
struct Lanes {
    /// How many it may have, over all engines.
    wanted: u32,
    /// How many it has here.
    active: u32,
    /// How many of those that it may have are in use.
    used: u32,
}

impl Managed {
    /// Has as many lanes end with their execution as there are too many.
    pub(super) fn shed(&self) {
        if self.adapting.is_some() {
            self.run
                .shed_lanes(self.active.saturating_sub(self.row.lanes));
        }
    }

    fn lanes(&self, alone: bool) -> Lanes {
        let (wanted, active) = (self.row.lanes, self.active);
        // Beside other engines only the store knows how many lanes there are; with enough to do all of them are in use.
        let to_do = self.row.open.saturating_sub(self.row.waiting);
        let used = if !alone && active > 0 && to_do >= u64::from(wanted) {
            wanted
        } else {
            active
        };
        Lanes {
            wanted,
            active,
            used,
        }
    }
}

impl Coordinator {
    /// Whether any process here finds out the number of its lanes.
    pub(super) fn adapts(&self) -> bool {
        self.processes
            .values()
            .any(|managed| managed.adapting.is_some())
    }

    /// How long until they are to be looked at.
    pub(super) fn until_look(&self) -> Duration {
        self.looks_at.until_from(self.core.clock.now())
    }

    /// Looks at the lanes of those processes.
    pub(super) fn adapt(&mut self) {
        let now = self.core.clock.now();
        self.looks_at = now.after(LOOK);
        if self.away || self.core.tasks.stop.is_cancelled() {
            return;
        }
        let alone = self.core.is_sole();
        for (id, managed) in &mut self.processes {
            let lanes = managed.lanes(alone);
            let (Some(adapting), Some(adapts)) = (&mut managed.adapting, &managed.run.adapts)
            else {
                continue;
            };
            if managed.row.state != ProcessState::Running || managed.row.cancelling.is_some() {
                adapting.restart(&adapts.meter, now);
                continue;
            }
            if let Some(change) = adapting.look(&adapts.meter, lanes, now) {
                self.core.journal.process(ProcessChange::Lanes {
                    process: *id,
                    change,
                    at: now,
                });
            }
        }
    }

    /// A process has another number of lanes than it had.
    pub(super) fn lanes_moved(&mut self, id: ProcessId, now: Timestamp) {
        let Some(managed) = self.processes.get_mut(&id) else {
            return;
        };
        managed.shed();
        let (Some(adapting), Some(adapts)) = (&mut managed.adapting, &managed.run.adapts) else {
            return;
        };
        if let Some(change) = adapting.moved(&adapts.meter, managed.row.lanes, now) {
            let LanesChange {
                from,
                to,
                reason,
                detail,
            } = change;
            tracing::info!(process = id.0, from, to, reason = reason.name(), "{detail}");
            self.core.emit(|| Event::Lanes {
                process: id,
                from,
                to,
                reason,
                detail,
                at: now,
            });
        }
        self.fill(id);
    }
}

#[cfg(test)]
mod tests;
