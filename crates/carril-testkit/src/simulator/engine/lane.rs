//! A lane: one execution, driven by the model's own state machine; what the machine answers is first made durable, then done.

use super::super::bugs::Bug;
use super::super::store::switched;
use super::super::world::{Event, World};
use super::limits::refusal;
use super::{Message, Notice, Soft, Writer};
use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::breaker::{Pass, Response};
use carril_model::contract::{Change, Claimed, Owned, StepDone, StepError};
use carril_model::execution::{End, Execution, Order, Transition};
use carril_model::id::StepId;
use carril_model::state::{ExecutionState, ProcessState};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What others may ask of a lane; a stronger wish replaces a weaker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Signal {
    Drain,
    DrainHard,
    Cancel,
}

pub(in super::super) enum LaneEvent {
    Slot(StepId),
    /// A breaker that the step waits for may let it through.
    Again(StepId),
    /// The step does not wait for an open breaker.
    Refused(StepId),
    Ended(StepId, Result<StepDone, StepError>),
    Due(StepId),
    Asked,
}

/// A lane with its execution.
pub(in super::super) struct Lane {
    pub(in super::super) id: u64,
    pub(in super::super) owned: Owned,
    pub(in super::super) soft: Soft,
    pub(super) machine: Execution,
    /// The leave that steps have to use resources.
    pub(super) passes: BTreeMap<StepId, Vec<(usize, Pass)>>,
    running: BTreeMap<StepId, u64>,
    pub(super) inbox: VecDeque<LaneEvent>,
    /// What follows when the write under way is durable.
    writing: Option<After>,
    leaving: Option<Leaving>,
    wanted: Option<Signal>,
    answered: Option<Signal>,
    published: bool,
}

struct After {
    orders: Vec<Order>,
    end: Option<End>,
    asked: bool,
}

/// What the lane does when all of its attempts have stopped.
struct Leaving {
    release: bool,
    claimed: Option<Claimed>,
    asked: bool,
}

impl World {
    /// Starts a lane on a claim.
    pub(in super::super) fn start_lane(&mut self, claimed: Claimed) {
        let owned = claimed.owned;
        let plan = Arc::clone(self.plan_of(owned.process));
        self.next_id += 1;
        let id = self.next_id;
        self.note(
            "lane",
            [
                owned.execution.0,
                owned.token.0,
                i64::from(owned.run.0),
                id as i64,
            ],
        );
        let mut lane = Lane {
            id,
            owned,
            soft: Soft::default(),
            machine: Execution::resume(&plan, &self.params, claimed),
            passes: BTreeMap::new(),
            running: BTreeMap::new(),
            inbox: VecDeque::new(),
            writing: None,
            leaving: None,
            wanted: None,
            answered: None,
            published: false,
        };
        let Some(engine) = &self.engine else { return };
        let revoked = engine.revoked.get(&owned.execution);
        let managed = engine.processes.get(&owned.process);
        if managed.is_some_and(|managed| managed.cancelled)
            || revoked.is_some_and(|below| owned.token < *below)
        {
            lane.wanted = Some(Signal::Cancel);
        } else if engine.stopping.is_some()
            || managed.is_some_and(|managed| managed.row.state == ProcessState::Paused)
        {
            lane.wanted = Some(Signal::Drain);
        }
        let now = self.clock();
        let first = match lane.wanted {
            None => lane.machine.start(now),
            Some(_) => self.asked(&mut lane),
        };
        self.apply(&mut lane, first);
        self.run_lane(lane);
    }

    /// Asks the lanes for which `which` holds to stop.
    pub(in super::super) fn signal(&mut self, signal: Signal, which: impl Fn(&Owned) -> bool) {
        let Some(engine) = &self.engine else { return };
        let lanes: Vec<u64> = engine
            .lanes
            .values()
            .filter(|lane| which(&lane.owned))
            .map(|lane| lane.id)
            .collect();
        for id in lanes {
            if let Some(mut lane) = self.take_lane(id) {
                lane.wanted = lane.wanted.max(Some(signal));
                lane.inbox.push_back(LaneEvent::Asked);
                self.run_lane(lane);
            }
        }
    }

    /// Something happened to a lane.
    pub(in super::super) fn lane_hears(&mut self, id: u64, event: LaneEvent) -> bool {
        let Some(mut lane) = self.take_lane(id) else {
            return false;
        };
        lane.inbox.push_back(event);
        self.run_lane(lane);
        true
    }

    fn take_lane(&mut self, id: u64) -> Option<Lane> {
        self.engine.as_mut()?.lanes.remove(&id)
    }

    fn put_lane(&mut self, mut lane: Lane) {
        let account = lane.machine.account();
        let publish = !matches!(account.cause().kind, CauseKind::Running | CauseKind::Store);
        if lane.writing.is_none() && (publish || lane.published) {
            lane.published = publish;
            lane.soft.since.get_or_insert(account.since());
            lane.soft.account = Some(account.clone());
            self.soft_left();
        }
        if let Some(engine) = &mut self.engine {
            engine.lanes.insert(lane.id, lane);
        }
    }

    /// Lets a lane work off what it has heard, until it must wait.
    fn run_lane(&mut self, mut lane: Lane) {
        loop {
            if lane.writing.is_some() {
                return self.put_lane(lane);
            }
            if lane.leaving.is_some() {
                return self.leave_lane(lane);
            }
            let Some(event) = lane.inbox.pop_front() else {
                return self.put_lane(lane);
            };
            let now = self.clock();
            let transition = match event {
                LaneEvent::Slot(step) => {
                    self.has_slot(&mut lane, step);
                    Transition::default()
                }
                LaneEvent::Again(step) => {
                    self.pass_limits(&mut lane, step);
                    Transition::default()
                }
                // One that was stopped meanwhile is no longer ordered.
                LaneEvent::Refused(step) => {
                    let refused = lane.machine.refused(step, refusal(), now);
                    refused.unwrap_or_default()
                }
                LaneEvent::Due(step) => lane.machine.due(step, now),
                LaneEvent::Asked => self.asked(&mut lane),
                LaneEvent::Ended(step, result) => self.ended(&mut lane, step, result),
            };
            self.apply(&mut lane, transition);
        }
    }

    fn ended(
        &mut self,
        lane: &mut Lane,
        step: StepId,
        result: Result<StepDone, StepError>,
    ) -> Transition {
        lane.running.remove(&step);
        self.tell_breakers(lane, step, Response::of(&result));
        let now = self.clock();
        let seed = self.random.next();
        match lane.machine.ended(step, result, now, seed) {
            Ok(transition) => transition,
            Err(illegal) => {
                self.breaks("legal states only", illegal.to_string());
                lane.machine.drain(true, now)
            }
        }
    }

    fn asked(&mut self, lane: &mut Lane) -> Transition {
        if lane.wanted <= lane.answered {
            return Transition::default();
        }
        lane.answered = lane.wanted;
        let now = self.clock();
        match lane.wanted {
            None => Transition::default(),
            Some(Signal::Drain) => lane.machine.drain(false, now),
            Some(Signal::DrainHard) => lane.machine.drain(true, now),
            Some(Signal::Cancel) => lane.machine.cancel(now),
        }
    }

    /// Makes a transition durable; its orders wait for that.
    fn apply(&mut self, lane: &mut Lane, mut transition: Transition) {
        self.plant(&mut transition);
        let Transition {
            changes,
            orders,
            end,
        } = transition;
        if changes.is_empty() {
            if let Some(end) = end {
                lane.leaving = Some(Leaving {
                    release: end == End::Lost,
                    claimed: None,
                    asked: false,
                });
            }
            self.carry_out(lane, orders);
            return;
        }
        let stopping = self
            .engine
            .as_ref()
            .is_some_and(|engine| engine.stopping.is_some());
        let asked = end.is_some() && !stopping && self.keeps_on(lane.owned.process);
        let early = self.bug == Some(Bug::DurableWaitSkipped);
        self.write(lane, changes, asked);
        let orders = if early {
            self.carry_out(lane, orders);
            Vec::new()
        } else {
            orders
        };
        lane.writing = Some(After { orders, end, asked });
    }

    fn write(&mut self, lane: &mut Lane, changes: Vec<Change>, asked: bool) {
        lane.soft.since = None;
        lane.soft.account = None;
        let mut all: Vec<Change> = std::mem::take(&mut lane.soft.changes);
        all.retain(|left| !is_told(left, &changes));
        all.extend(changes);
        let breakers = std::mem::take(&mut lane.soft.breakers);
        self.hand_in(Message::Write {
            who: Writer::Lane(lane.id),
            owned: lane.owned,
            changes: all,
            breakers,
            then: None,
            claim: asked.then_some(lane.owned.process),
        });
    }

    /// What the lane wrote is durable, or refused.
    pub(in super::super) fn lane_acked(&mut self, id: u64, lost: bool, claimed: Option<Claimed>) {
        let Some(mut lane) = self.take_lane(id) else {
            return;
        };
        let Some(after) = lane.writing.take() else {
            return self.put_lane(lane);
        };
        if lane.leaving.is_some() {
            return self.run_lane(lane);
        }
        if lost || after.end.is_some() {
            self.note("lane ends", [lane.owned.execution.0, i64::from(lost), 0, 0]);
            if let (false, Some(End::Settled(state))) = (lost, after.end) {
                self.clean_up(lane.owned, state);
            }
            let release = !lost && after.end == Some(End::Lost);
            lane.leaving = Some(Leaving {
                release,
                claimed,
                // What is handed back after the claim is there to be claimed.
                asked: after.asked && !release,
            });
            let running: Vec<u64> = lane.running.values().copied().collect();
            running
                .into_iter()
                .for_each(|flight| self.stop_flight(flight));
        } else {
            self.carry_out(&mut lane, after.orders);
        }
        self.run_lane(lane);
    }

    /// The lane goes once all of its attempts have ended, whatever they say.
    fn leave_lane(&mut self, mut lane: Lane) {
        for event in std::mem::take(&mut lane.inbox) {
            match event {
                LaneEvent::Ended(step, _) => drop(lane.running.remove(&step)),
                LaneEvent::Slot(step) => self.free_slot(lane.id, step),
                LaneEvent::Due(_)
                | LaneEvent::Asked
                | LaneEvent::Again(_)
                | LaneEvent::Refused(_) => {}
            }
        }
        if !lane.running.is_empty() {
            return self.put_lane(lane);
        }
        let Some(leaving) = &mut lane.leaving else {
            return self.put_lane(lane);
        };
        if std::mem::take(&mut leaving.release) && self.bug != Some(Bug::FencedNotReleased) {
            // Handed back, without a claim; the answer brings it here again.
            let now = self.clock();
            let queued = Cause::plain(CauseKind::Queued);
            let account = switched(lane.machine.account(), queued, now);
            self.write(&mut lane, vec![Change::Released { account }], false);
            lane.writing = Some(After {
                orders: Vec::new(),
                end: Some(End::Released),
                asked: false,
            });
            return self.put_lane(lane);
        }
        let leaving = lane.leaving.take();
        let with_leave: Vec<StepId> = lane.passes.keys().copied().collect();
        for step in with_leave {
            self.give_up(&mut lane, step);
        }
        if let Some(engine) = &mut self.engine {
            engine.slot_waiters.retain(|(waiter, _)| *waiter != lane.id);
        }
        let Some(leaving) = leaving else { return };
        match leaving.claimed {
            Some(claimed) => self.start_lane(claimed),
            None => self.tell(Notice::LaneFree {
                process: lane.owned.process,
                dry: leaving.asked,
            }),
        }
        self.poll_rollback();
        self.poll_drain();
    }

    fn carry_out(&mut self, lane: &mut Lane, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Attempt(step) => self.pass_limits(lane, step),
                Order::Sleep(step, until) => {
                    if self.bug == Some(Bug::BackoffForgotten) {
                        continue;
                    }
                    let wait = until.micros_since(self.clock());
                    let (epoch, lane) = (self.epoch, lane.id);
                    self.after(wait, Event::Due { epoch, lane, step });
                }
                Order::Stop(step) => {
                    if let Some(flight) = lane.running.get(&step) {
                        self.stop_flight(*flight);
                    }
                }
            }
        }
    }

    pub(super) fn begin(&mut self, lane: &mut Lane, step: StepId) {
        let now = self.clock();
        let Ok((call, changes)) = lane.machine.begin(step, now) else {
            // It was stopped while it waited for its limits.
            self.give_up(lane, step);
            return self.free_slot(lane.id, step);
        };
        self.check_begin(&call);
        lane.soft.since.get_or_insert(now);
        lane.soft.changes.extend(changes);
        self.soft_left();
        let flight = self.fly(lane.id, &call);
        lane.running.insert(step, flight);
    }

    fn clean_up(&mut self, owned: Owned, state: ExecutionState) {
        if matches!(state, ExecutionState::Succeeded | ExecutionState::Skipped) {
            self.target.workspaces.remove(&owned.execution);
        }
    }

    /// The bugs of the account, as they would stand in the last change of an execution.
    fn plant(&self, transition: &mut Transition) {
        if self.bug != Some(Bug::AccountForgets) {
            return;
        }
        for change in &mut transition.changes {
            if let Change::Settled { account, .. } = change {
                let mut sums = account.sums().clone();
                sums.remove(&CauseKind::Running);
                *account = TimeAccount::resume(sums, account.cause().clone(), account.since());
            }
        }
    }
}

/// Whether this is the beginning of an attempt that one of these changes ends.
fn is_told(left: &Change, by: &[Change]) -> bool {
    let Change::StepBegan { step, attempt, .. } = left else {
        return false;
    };
    let ends = |change: &Change| matches!(change, Change::StepEnded(end) if end.step == *step && end.attempt == *attempt);
    by.iter().any(ends)
}
