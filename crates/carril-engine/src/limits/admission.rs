//! How one attempt passes all limits of its step.
//!
//! ```text
//!  breakers ──► slots, by name ──► a connection ──► rates, by name ──► begin
//!     ▲              ▲                                  │ used up: slots go back; wait for the turn, then for the rate
//!     │              └──────────────────────────────────┘
//!     └── a breaker opened meanwhile: everything goes back
//! ```
//!
//! The order is the point. Who waits for a breaker holds nothing; who waits for a rate holds no slot; who waits for a slot may
//! hold slots that come earlier in the one global order (by name), and the turn at a rate. Nobody waits for a turn with a slot
//! in hand, so no two can wait for each other. A rate counts a use as it begins and not earlier: however long slots are waited
//! for, never do more begin than it says. A connection of the step's target is the last of the slots, so who waits for one keeps nobody
//! from a connection. Nothing of what engines share is taken while it may be another's already.

use super::Slot;
use super::gate::{Permit, Waiting};
use super::guard::{Guard, Leave};
use super::lent::Lent;
use super::pace::{Due, Pace};
use super::queue::Claimant;
use carril_model::account::{Cause, CauseKind};
use carril_model::breaker::{BreakerRow, Response};
use carril_model::contract::{ErrorClass, StepError};
use carril_model::definition::OnOpen;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How long a step waits for a connection of its target before the attempt fails (`CAR0541`). As long as a step may reasonably be
/// waited for, and short enough that connections which never come back are noticed.
pub(crate) const POOL_WAIT_MAX: Duration = Duration::from_secs(30 * 60);

/// What a step needs: in [`Needs::slots`] a connection of its target comes last.
#[derive(Default)]
pub(crate) struct Needs {
    /// In the one global order.
    pub(crate) slots: Vec<Slot>,
    /// By name.
    pub(crate) paces: Vec<(Arc<str>, Arc<Pace>)>,
    /// By name.
    pub(crate) guards: Vec<Arc<Guard>>,
    pub(crate) on_open: OnOpen,
    /// Where slots or rates of it are shared with other engines: what tells whether they are still this one's.
    pub(crate) lent: Option<Arc<Lent>>,
}

/// What an attempt to come has in hand.
#[derive(Default)]
pub(crate) struct Admission {
    leaves: Vec<Leave>,
    /// Of the first slots.
    slots: Vec<Permit>,
    /// At the first rates.
    turns: Vec<Permit>,
    /// How many of the first rates have counted this use.
    paid: usize,
    /// Rows of breakers that this moved, for the journal.
    moved: Vec<BreakerRow>,
    /// What it waited for too long.
    late: Option<StepError>,
}

/// What an attempt holds while it runs.
pub(crate) struct Admitted {
    slots: Vec<Permit>,
    leaves: Vec<Leave>,
}

/// How an attempt to come goes on.
pub(crate) enum Next {
    /// It may begin.
    Begin(Admitted),
    /// It waits for this; what it then has in hand goes on from there.
    Wait(Cause, Pin<Box<dyn Future<Output = Admission> + Send>>),
    /// It fails at once.
    Refuse(StepError),
    /// It has waited too long: the attempt has failed, and another may come after it.
    Late(StepError),
}

impl Admitted {
    /// The attempt is over: slots are free at once, and what the outcome means for breakers is told with
    /// [`Leave::ended`], next to what it means for the step.
    pub(crate) fn ended(self) -> Vec<Leave> {
        drop(self.slots);
        self.leaves
    }

    /// Tells breakers; their rows, where that changed them.
    pub(crate) fn tell(leaves: Vec<Leave>, response: Response) -> Vec<BreakerRow> {
        leaves
            .into_iter()
            .filter_map(|leave| leave.ended(response))
            .collect()
    }
}

impl Admission {
    /// Rows of breakers that were moved on the way, to be left with the journal.
    pub(crate) fn take_moved(&mut self) -> Vec<BreakerRow> {
        std::mem::take(&mut self.moved)
    }

    fn give_back_all(&mut self) {
        self.leaves.clear();
        self.slots.clear();
        self.turns.clear();
        self.paid = 0;
    }
}

impl Needs {
    /// Goes as far as it can without waiting.
    pub(crate) fn advance(&self, mut in_hand: Admission, who: Claimant) -> (Next, Vec<BreakerRow>) {
        if let Some(error) = in_hand.late.take() {
            return (Next::Late(error), in_hand.take_moved());
        }
        let next = self.go_on(&mut in_hand, who);
        let moved = in_hand.take_moved();
        let next = match next {
            Ahead::Begin => Next::Begin(Admitted {
                slots: in_hand.slots,
                leaves: in_hand.leaves,
            }),
            Ahead::Refuse(error) => Next::Refuse(error),
            Ahead::Breaker(guard) => {
                let cause = Cause::about(CauseKind::Breaker, &*guard.name);
                Next::Wait(cause, Box::pin(until_let_through(guard, in_hand, who)))
            }
            Ahead::Slot(slot, waiting) => {
                let cause = Cause::about(slot.kind, &*slot.name);
                let wait: Pin<Box<dyn Future<Output = Admission> + Send>> = match slot.kind {
                    CauseKind::Pool => Box::pin(until_connected(slot.name, waiting, in_hand)),
                    _ => Box::pin(async move {
                        in_hand.slots.push(waiting.await);
                        in_hand
                    }),
                };
                Next::Wait(cause, wait)
            }
            Ahead::Lost(cause, lent) => {
                let wait = async move {
                    lent.held().await;
                    in_hand
                };
                Next::Wait(cause, Box::pin(wait))
            }
            Ahead::Turn(at) => {
                let (name, pace) = &self.paces[at];
                let cause = Cause::about(CauseKind::Rate, &**name);
                let turn = pace.turn.enter(who);
                let wait = async move {
                    in_hand.turns.push(match turn {
                        Ok(turn) => turn,
                        Err(waiting) => waiting.await,
                    });
                    in_hand
                };
                Next::Wait(cause, Box::pin(wait))
            }
            Ahead::Rate(at, due) => {
                let (name, pace) = &self.paces[at];
                let cause = Cause::about(CauseKind::Rate, &**name);
                let pace = Arc::clone(pace);
                let wait = async move {
                    pace.until(due).await;
                    in_hand
                };
                Next::Wait(cause, Box::pin(wait))
            }
        };
        (next, moved)
    }

    fn go_on(&self, in_hand: &mut Admission, who: Claimant) -> Ahead {
        loop {
            if let Some(ahead) = self.pass_breakers(in_hand) {
                return ahead;
            }
            if let Some(lent) = self.lent.as_ref().filter(|lent| !lent.holds()) {
                in_hand.give_back_all();
                return Ahead::Lost(self.shared_cause(), Arc::clone(lent));
            }
            while let Some(slot) = self.slots.get(in_hand.slots.len()) {
                match slot.gate.enter(who) {
                    Ok(permit) => in_hand.slots.push(permit),
                    Err(waiting) => return Ahead::Slot(slot.clone(), waiting),
                }
            }
            // It may have opened while slots were waited for, or while another limit was.
            if !in_hand.leaves.iter().all(Leave::holds) {
                in_hand.give_back_all();
                continue;
            }
            return self.keep_rates(in_hand);
        }
    }

    /// What is waited for while nothing that engines share is this one's.
    fn shared_cause(&self) -> Cause {
        let mut slots = self.slots.iter();
        match slots.find(|slot| slot.kind == CauseKind::Slot) {
            Some(slot) => Cause::about(CauseKind::Slot, &*slot.name),
            None => {
                let rate = self.paces.first();
                let name = rate.map_or_else(String::new, |(name, _)| name.to_string());
                Cause::about(CauseKind::Rate, name)
            }
        }
    }

    /// Takes every leave that is still missing.
    fn pass_breakers(&self, in_hand: &mut Admission) -> Option<Ahead> {
        for guard in &self.guards {
            if in_hand
                .leaves
                .iter()
                .any(|leave| Arc::ptr_eq(&leave.guard, guard))
            {
                continue;
            }
            if let Some((leave, row)) = guard.try_enter() {
                in_hand.leaves.push(leave);
                in_hand.moved.extend(row);
                continue;
            }
            in_hand.give_back_all();
            return Some(match self.on_open {
                OnOpen::Fail if guard.check().is_err() => Ahead::Refuse(refusal(&guard.name)),
                _ => Ahead::Breaker(Arc::clone(guard)),
            });
        }
        None
    }

    /// Counts this use at every rate, or says for which it waits, with no slot in hand.
    fn keep_rates(&self, in_hand: &mut Admission) -> Ahead {
        while let Some((_, pace)) = self.paces.get(in_hand.turns.len()) {
            match pace.turn.try_enter() {
                Some(turn) => in_hand.turns.push(turn),
                None => {
                    in_hand.slots.clear();
                    return Ahead::Turn(in_hand.turns.len());
                }
            }
        }
        for (at, (_, pace)) in self.paces.iter().enumerate().skip(in_hand.paid) {
            if let Err(due) = pace.begin() {
                in_hand.slots.clear();
                return Ahead::Rate(at, due);
            }
            in_hand.paid += 1;
        }
        Ahead::Begin
    }
}

/// [`Next`] before it takes along what is in hand.
enum Ahead {
    Begin,
    Refuse(StepError),
    Breaker(Arc<Guard>),
    Slot(Slot, Waiting),
    /// For the turn at the rate in this place.
    Turn(usize),
    /// For the rate in this place, until then.
    Rate(usize, Due),
    /// Until what engines share is this one's again.
    Lost(Cause, Arc<Lent>),
}

async fn until_connected(name: Arc<str>, waiting: Waiting, mut in_hand: Admission) -> Admission {
    match tokio::time::timeout(POOL_WAIT_MAX, waiting).await {
        Ok(permit) => in_hand.slots.push(permit),
        Err(_) => {
            in_hand.give_back_all();
            in_hand.late = Some(never_connected(&name));
        }
    }
    in_hand
}

fn never_connected(name: &str) -> StepError {
    let words = crate::attempt::in_words(POOL_WAIT_MAX);
    let text = format!(
        "no connection of target `{name}` came free within {words}: all of them were in use by other steps"
    );
    StepError::new("CAR0541", ErrorClass::Transient, text)
}

async fn until_let_through(guard: Arc<Guard>, mut in_hand: Admission, who: Claimant) -> Admission {
    let (leave, row) = guard.enter(who).await;
    in_hand.leaves.push(leave);
    in_hand.moved.extend(row);
    in_hand
}

fn refusal(name: &str) -> StepError {
    StepError::new(
        "CAR0540",
        ErrorClass::Transient,
        format!("the breaker of `{name}` is open, and the step does not wait for it"),
    )
}

#[cfg(test)]
mod tests;
