//! Attempts on their way: what each does on the target and when, what its lane hears of it, and what outlives its engine.

use super::bugs::Bug;
use super::engine::lane::LaneEvent;
use super::target::{Begun, Call};
use super::workload::BREAKERS;
use super::world::{Event, World};
use carril_model::contract::{ErrorClass, StepCall, StepDone, StepError};
use carril_model::id::ExecutionId;
use carril_model::time::Timestamp;
use serde_json::Value;

/// How an attempt is to end, if nobody stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Succeeds,
    /// Before it could reach the target.
    Refused,
    /// After it had begun; its transaction is rolled back.
    Fails(ErrorClass, &'static str),
    /// Nobody knows: it was done.
    UnknownDone,
    /// Nobody knows: it was not.
    UnknownNot,
    /// Nobody knows: it will be done later, unless a fence says no.
    UnknownLate,
    /// It was given up, and is done later, unless a fence says no.
    Abandoned,
}

/// One attempt.
pub(super) struct Flight {
    call: Call,
    attempt: u32,
    lane: u64,
    epoch: u64,
    fate: Fate,
    has_begun: bool,
    stopped: bool,
    output: Option<Value>,
    /// The breakers that let it through, by their places, and when.
    uses: [bool; BREAKERS.len()],
    sent: Timestamp,
}

impl World {
    /// Sends an attempt off.
    pub(super) fn fly(&mut self, lane: u64, of: &StepCall) -> u64 {
        self.next_id += 1;
        let (id, attempt, sent) = (self.next_id, of.attempt, self.clock());
        let resources = &of.plan.step(of.step).resources;
        let uses = BREAKERS.map(|name| resources.iter().any(|needed| needed == name));
        let mut call = Call::of(of);
        call.reckless =
            self.bug == Some(Bug::UnknownDoneAgain) && self.unknown.contains(&call.part);
        let fate = self.fate();
        let (execution, run, step) = call.part;
        self.note(
            "attempt",
            [
                execution.0,
                i64::from(run.0),
                i64::from(step.0),
                i64::from(attempt),
            ],
        );
        let output = self
            .random
            .permille(300)
            .then(|| Value::from(self.random.below(6)));
        let flight = Flight {
            call,
            attempt,
            lane,
            epoch: self.epoch,
            fate,
            has_begun: false,
            stopped: false,
            output,
            uses,
            sent,
        };
        self.flights.insert(id, flight);
        let wait = self.random.between(10, 2_000);
        self.after(wait, Event::Flight(id));
        id
    }

    /// How many attempts that a lane waits for have begun to use a resource since then.
    pub(super) fn uses_since(&self, breaker: usize, since: Timestamp) -> usize {
        let counts = |flight: &&Flight| {
            flight.epoch == self.epoch
                && flight.lane != 0
                && flight.uses[breaker]
                && flight.sent >= since
        };
        self.flights.values().filter(counts).count()
    }

    fn fate(&mut self) -> Fate {
        if !self.random.permille(self.rates.attempts) {
            return Fate::Succeeds;
        }
        if self.random.permille(self.rates.unknown) {
            let unknown = [Fate::UnknownDone, Fate::UnknownNot, Fate::UnknownLate];
            return unknown[self.random.index(3)];
        }
        let fates = [
            Fate::Refused,
            Fate::Fails(ErrorClass::Transient, "CAR0502"),
            Fate::Fails(ErrorClass::Transient, "CAR0502"),
            Fate::Fails(ErrorClass::Permanent, "CAR0501"),
            Fate::Fails(ErrorClass::Permanent, "CAR0506"),
            Fate::Fails(ErrorClass::Timeout, "CAR0503"),
            Fate::Fails(ErrorClass::Fenced, "CAR0504"),
            Fate::Abandoned,
        ];
        fates[self.random.index(fates.len())]
    }

    /// Asks an attempt to stop; it may end well all the same.
    pub(super) fn stop_flight(&mut self, id: u64) {
        let anyway = self.random.permille(300);
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.stopped |= !anyway;
        }
    }

    /// An attempt begins on the target, or ends there.
    pub(super) fn flight_goes_on(&mut self, id: u64) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        if flight.epoch != self.epoch || self.engine.is_none() {
            return;
        }
        if flight.has_begun {
            return self.flight_ends(id);
        }
        if flight.fate == Fate::Refused {
            return self.answer(id, Err(failure(ErrorClass::Transient, "CAR0502")));
        }
        flight.has_begun = true;
        match self.target.begin(&flight.call) {
            Begun::Go => {
                let wait = if self.random.permille(30) {
                    self.random.between(100_000, 900_000)
                } else {
                    self.random.between(50, 20_000)
                };
                self.after(wait, Event::Flight(id));
            }
            Begun::Done(output) => self.answer(id, Ok(done(output))),
            Begun::Fenced => self.answer(id, Err(failure(ErrorClass::Fenced, "CAR0504"))),
        }
    }

    fn flight_ends(&mut self, id: u64) {
        let Some(flight) = self.flights.get(&id) else {
            return;
        };
        let unknown = || Err(failure(ErrorClass::OutcomeUnknown, "CAR0502"));
        match flight.fate {
            Fate::Fails(..) | Fate::Succeeds if flight.stopped => {
                self.answer(id, Err(failure(ErrorClass::Cancelled, "CAR0505")));
            }
            Fate::Succeeds | Fate::Refused => {
                let output = flight.output.clone();
                let answer = if self.target.finish(&flight.call, output.as_ref()) {
                    Ok(done(output))
                } else {
                    Err(failure(ErrorClass::Fenced, "CAR0504"))
                };
                self.answer(id, answer);
            }
            Fate::Fails(class, code) => self.answer(id, Err(failure(class, code))),
            Fate::UnknownDone => {
                self.target.finish(&flight.call, flight.output.as_ref());
                self.answer(id, unknown());
            }
            Fate::UnknownNot => self.answer(id, unknown()),
            Fate::UnknownLate => self.answer_and_go_on(id, unknown()),
            Fate::Abandoned => {
                let class = if flight.stopped {
                    ErrorClass::Cancelled
                } else {
                    ErrorClass::Timeout
                };
                self.answer_and_go_on(id, Err(failure(class, "CAR0515")));
            }
        }
    }

    /// The attempt goes on in nobody's hands, and the lane hears.
    fn answer_and_go_on(&mut self, id: u64, answer: Result<StepDone, StepError>) {
        let late = self.flights.get(&id).map(|flight| Flight {
            call: flight.call.clone(),
            output: flight.output.clone(),
            lane: 0,
            ..*flight
        });
        if let Some(late) = late {
            self.next_id += 1;
            let late_id = self.next_id;
            self.flights.insert(late_id, late);
            let wait = self.random.between(10, 600_000);
            self.after(wait, Event::LateEffect(late_id));
        }
        self.answer(id, answer);
    }

    fn answer(&mut self, id: u64, answer: Result<StepDone, StepError>) {
        let Some(flight) = self.flights.remove(&id) else {
            return;
        };
        let class = answer.as_ref().err().map(|error| error.class);
        let (execution, _, step) = flight.call.part;
        let number = class.map_or(-1, |class| class as i64);
        self.note(
            "answer",
            [
                execution.0,
                i64::from(step.0),
                i64::from(flight.attempt),
                number,
            ],
        );
        if class == Some(ErrorClass::OutcomeUnknown) {
            self.unknown.insert(flight.call.part);
        }
        self.free_slot(flight.lane, step);
        self.lane_hears(flight.lane, LaneEvent::Ended(step, answer));
    }

    /// The engine of these attempts is gone: each is lost, or done already, or will be.
    pub(super) fn orphan_flights(&mut self) {
        let orphans: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.epoch == self.epoch)
            .map(|(id, _)| *id)
            .collect();
        for id in orphans {
            let fails = |flight: &Flight| {
                !flight.has_begun || matches!(flight.fate, Fate::Refused | Fate::Fails(..))
            };
            if self.flights.get(&id).is_none_or(fails) || self.random.permille(400) {
                self.flights.remove(&id);
            } else if self.random.permille(500) {
                self.late_effect(id);
            } else {
                let wait = self.random.between(10, 1_500_000);
                self.after(wait, Event::LateEffect(id));
            }
        }
    }

    /// A commit that nobody waits for any more arrives; the fence decides.
    pub(super) fn late_effect(&mut self, id: u64) {
        if let Some(flight) = self.flights.remove(&id) {
            let done = self.target.finish(&flight.call, flight.output.as_ref());
            let (execution, _, step) = flight.call.part;
            self.note(
                "late effect",
                [
                    execution.0,
                    i64::from(step.0),
                    i64::from(flight.attempt),
                    i64::from(done),
                ],
            );
        }
    }

    /// Before an execution is undone, whatever is still on its way for it has arrived or never will: all writes of a target
    /// go over one thread, in order.
    pub(super) fn end_zombies(&mut self, execution: ExecutionId) {
        let answered = |flight: &Flight, world: &Self| {
            flight.epoch != world.epoch || !world.is_in_lane(flight.lane)
        };
        let zombies: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.call.part.0 == execution && answered(flight, self))
            .map(|(id, _)| *id)
            .collect();
        for id in zombies {
            if self.random.permille(500) {
                self.late_effect(id);
            } else {
                self.flights.remove(&id);
            }
        }
    }

    fn is_in_lane(&self, lane: u64) -> bool {
        self.engine
            .as_ref()
            .is_some_and(|engine| engine.lanes.contains_key(&lane))
    }
}

fn failure(class: ErrorClass, code: &str) -> StepError {
    StepError::new(code, class, "as drawn")
}

fn done(output: Option<Value>) -> StepDone {
    StepDone {
        output,
        ..StepDone::default()
    }
}
