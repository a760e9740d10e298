//! Limits: what a step passes before its attempt begins, breakers first and then the one slot, as the engine's admission
//! has it; and the person who holds a breaker open or closed.
//!
//! The breakers are the model's own machines. Whoever waits for one asks again whenever it moved; nobody is woken by turns.

use super::super::bugs::Bug;
use super::super::workload::BREAKERS;
use super::super::world::{Event, World};
use super::lane::{Lane, LaneEvent};
use super::{Guard, Message, Soft};
use carril_model::account::{Cause, CauseKind};
use carril_model::breaker::{
    Breaker, BreakerRow, BreakerState, BreakerWish, Pass, Refused, Response,
};
use carril_model::contract::{ErrorClass, StepError};
use carril_model::definition::{BreakerPolicy, OnOpen};
use carril_model::id::StepId;
use carril_model::time::Timestamp;
use std::sync::Arc;

impl Soft {
    /// Leaves a breaker that the lane moved, to go with its next commit.
    fn leave_breaker(&mut self, row: BreakerRow, now: Timestamp) {
        self.since.get_or_insert(now);
        self.breakers.push(row);
    }
}

impl World {
    /// The breakers of an engine that enters, as the store kept them.
    pub(in super::super) fn resume_breakers(&self) -> Vec<Guard> {
        let now = self.clock();
        let resume = |(name, policy): (&&str, &BreakerPolicy)| {
            let kept = self.store.tables.breakers.get(*name);
            let breaker = match kept {
                Some(row) if self.bug != Some(Bug::BreakerForgotten) => {
                    Breaker::resume(*policy, row.clone())
                }
                _ => Breaker::new(name, *policy, now),
            };
            Guard {
                breaker,
                policy: *policy,
                waiters: Vec::new(),
            }
        };
        BREAKERS.iter().zip(&self.policies).map(resume).collect()
    }

    /// Goes on through the limits of a step that is ordered, with what its lane has in hand for it.
    pub(super) fn pass_limits(&mut self, lane: &mut Lane, step: StepId) {
        let plan = Arc::clone(self.plan_of(lane.owned.process));
        let planned = plan.step(step);
        let needs = |name: &str| planned.resources.iter().any(|needed| needed == name);
        for (at, name) in BREAKERS.iter().enumerate() {
            let has = lane
                .passes
                .get(&step)
                .is_some_and(|passes| passes.iter().any(|(of, _)| *of == at));
            if !needs(name) || has {
                continue;
            }
            match self.begin_use(lane, at) {
                Some(Ok(pass)) => lane.passes.entry(step).or_default().push((at, pass)),
                Some(Err(refused)) => {
                    self.give_up(lane, step);
                    return self.is_refused(lane, step, at, refused, planned.on_open);
                }
                None => return,
            }
        }
        self.take_slot(lane, step, needs("slot"));
    }

    /// Asks a breaker for leave. `None` when no engine is there.
    fn begin_use(&mut self, lane: &mut Lane, at: usize) -> Option<Result<Pass, Refused>> {
        let (bug, now) = (self.bug, self.clock());
        let guard = &mut self.engine.as_mut()?.guards[at];
        let before = guard.breaker.row().change;
        let mut pass = guard.breaker.begin(now);
        let moved = guard.breaker.row().change != before;
        if moved && bug == Some(Bug::BreakerCountsKept) {
            let mut row = guard.breaker.row().clone();
            row.successes = guard.policy.successes - 1;
            guard.breaker = Breaker::resume(guard.policy, row);
            pass = guard.breaker.begin(now);
        }
        if let Ok(pass) = pass
            && bug == Some(Bug::ProbesUnlimited)
        {
            guard.breaker.given_up(pass);
        }
        let row = guard.breaker.row().clone();
        if moved {
            lane.soft.leave_breaker(row, now);
            self.soft_left();
            self.note("breaker half open", [at as i64, 0, 0, 0]);
            if self.random.permille(self.rates.by_hand) {
                let (epoch, wait) = (self.epoch, self.random.between(0, 20_000));
                self.after(wait, Event::ByHand { epoch, at });
            }
            self.ask_again(at, now);
        }
        Some(pass)
    }

    /// A breaker lets nobody through: the step waits for it, or has failed.
    fn is_refused(
        &mut self,
        lane: &mut Lane,
        step: StepId,
        at: usize,
        refused: Refused,
        on_open: OnOpen,
    ) {
        let (epoch, now) = (self.epoch, self.clock());
        let execution = lane.owned.execution.0;
        // Only an open breaker refuses; a try that is under way is waited for by everybody.
        if on_open == OnOpen::Fail {
            self.note("breaker refuses", [execution, i64::from(step.0), 0, 0]);
            lane.inbox.push_back(LaneEvent::Refused(step));
            return;
        }
        self.note("breaker waited for", [execution, i64::from(step.0), 0, 0]);
        let cause = Cause::about(CauseKind::Breaker, BREAKERS[at]);
        lane.machine.waits_for(step, cause, now);
        if let Some(engine) = &mut self.engine {
            engine.guards[at].waiters.push((lane.id, step));
        }
        if let Some(until) = refused.until {
            self.after(until.micros_since(now), Event::Breaker { epoch, at });
        }
    }

    fn take_slot(&mut self, lane: &mut Lane, step: StepId, needs: bool) {
        let now = self.clock();
        let Some(engine) = &mut self.engine else {
            return;
        };
        if needs && engine.slot != Some((lane.id, step)) {
            if engine.slot.is_some() {
                engine.slot_waiters.push_back((lane.id, step));
                let cause = Cause::about(CauseKind::Slot, "slot");
                lane.machine.waits_for(step, cause, now);
                return;
            }
            engine.slot = Some((lane.id, step));
        }
        self.begin(lane, step);
    }

    /// The slot is this step's. A breaker may have opened while it was waited for: then everything goes back.
    pub(super) fn has_slot(&mut self, lane: &mut Lane, step: StepId) {
        let Some(engine) = &self.engine else { return };
        let passes = lane.passes.get(&step).map(Vec::as_slice);
        let holds = |(at, pass): &(usize, Pass)| engine.guards[*at].breaker.holds(*pass);
        if passes.unwrap_or_default().iter().all(holds) {
            return self.begin(lane, step);
        }
        self.note("leave void", [lane.owned.execution.0, 0, 0, 0]);
        self.give_up(lane, step);
        self.free_slot(lane.id, step);
        self.pass_limits(lane, step);
    }

    /// Gives the slot to whoever waits for it longest.
    pub(in super::super) fn free_slot(&mut self, lane: u64, step: StepId) {
        let epoch = self.epoch;
        let Some(engine) = &mut self.engine else {
            return;
        };
        if engine.slot != Some((lane, step)) {
            return;
        }
        engine.slot = engine.slot_waiters.pop_front();
        if let Some((lane, step)) = engine.slot {
            self.after(0, Event::Slot { epoch, lane, step });
        }
    }

    /// Uses that a step had leave for will not be made.
    pub(super) fn give_up(&mut self, lane: &mut Lane, step: StepId) {
        let now = self.clock();
        for (at, pass) in lane.passes.remove(&step).unwrap_or_default() {
            if let Some(engine) = &mut self.engine {
                engine.guards[at].breaker.given_up(pass);
            }
            self.ask_again(at, now);
        }
    }

    /// Tells the breakers of a step how its attempt ended.
    pub(super) fn tell_breakers(&mut self, lane: &mut Lane, step: StepId, response: Response) {
        let (bug, now) = (self.bug, self.clock());
        for (at, pass) in lane.passes.remove(&step).unwrap_or_default() {
            let Some(engine) = &mut self.engine else {
                return;
            };
            let guard = &mut engine.guards[at];
            let before = guard.breaker.row().state;
            let mut changed = guard.breaker.ended(pass, response, now);
            if bug == Some(Bug::CountedWhileOpen)
                && before == BreakerState::Open
                && response == Response::Failed
            {
                let mut row = guard.breaker.row().clone();
                row.failures += 1;
                row.change += 1;
                guard.breaker = Breaker::resume(guard.policy, row);
                changed = true;
            }
            let row = guard.breaker.row().clone();
            let what = match (before, row.state) {
                (BreakerState::Open, _) => "breaker told late",
                (_, BreakerState::Open) => "breaker opens",
                (BreakerState::HalfOpen, BreakerState::Closed) => "breaker closes",
                _ => "breaker told",
            };
            let numbers = [at as i64, row.failures.into(), row.successes.into(), 0];
            if changed && bug != Some(Bug::BreakerNotLeft) {
                lane.soft.leave_breaker(row, now);
                self.soft_left();
            }
            self.note(what, numbers);
            self.ask_again(at, now);
        }
    }

    /// A breaker moved, or its try came back: everybody who waits for it asks again, as soon as there is something to ask.
    fn ask_again(&mut self, at: usize, now: Timestamp) {
        let epoch = self.epoch;
        let Some(engine) = &self.engine else { return };
        let guard = &engine.guards[at];
        let again = match guard.breaker.check(now) {
            Ok(()) => Some(0),
            Err(refused) => refused.until.map(|until| until.micros_since(now)),
        };
        if let Some(wait) = again.filter(|_| !guard.waiters.is_empty()) {
            self.after(wait, Event::Breaker { epoch, at });
        }
    }

    /// A breaker may let somebody through: those who wait ask in the order in which they came.
    pub(in super::super) fn breaker_moved(&mut self, at: usize) {
        let Some(engine) = &mut self.engine else {
            return;
        };
        for (lane, step) in std::mem::take(&mut engine.guards[at].waiters) {
            self.lane_hears(lane, LaneEvent::Again(step));
        }
    }

    /// Somebody holds a breaker that is being tried.
    pub(in super::super) fn hold_breaker(&mut self, at: usize) {
        if self.rates.by_hand > 0 {
            let wishes = [BreakerWish::Open, BreakerWish::Close];
            let wish = wishes[self.random.index(2)];
            self.force_breaker(at, wish);
        }
    }

    /// Somebody holds a breaker open or closed, or lets it go.
    pub(in super::super) fn force_breaker(&mut self, at: usize, wish: BreakerWish) {
        let (epoch, now) = (self.epoch, self.clock());
        let Some(engine) = &mut self.engine else {
            return;
        };
        let breaker = &mut engine.guards[at].breaker;
        if breaker.force(wish, None, now) {
            let row = breaker.row().clone();
            self.note("breaker by hand", [at as i64, row.change as i64, 0, 0]);
            self.hand_in(Message::Breaker(row));
            self.after(0, Event::Breaker { epoch, at });
        }
    }
}

/// What a step is told that does not wait for an open breaker.
pub(super) fn refusal() -> StepError {
    StepError::new("CAR0540", ErrorClass::Transient, "the breaker is open")
}
