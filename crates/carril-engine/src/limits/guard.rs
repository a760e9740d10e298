//! A circuit breaker at work: the model's machine, those who wait for it, and the log of its changes.
//!
//! Its row is kept with the attempts that move it; whoever moves it leaves the row with the journal.

use super::gate::Gate;
use super::queue::Claimant;
use carril_model::breaker::{
    Breaker, BreakerRow, BreakerState, BreakerWish, Pass, Refused, Response,
};
use carril_model::contract::Clock;
use carril_model::definition::BreakerPolicy;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a waiter that knows no better time waits for a change before it looks again.
const LOOK: Duration = Duration::from_secs(60);

/// One breaker.
pub(crate) struct Guard {
    pub(crate) name: Arc<str>,
    clock: Arc<dyn Clock>,
    breaker: Mutex<Breaker>,
    /// Held by the one who is next to be let through.
    door: Arc<Gate>,
    moved: watch::Sender<()>,
}

/// The leave to use the resource once. Dropped, the use was not made.
pub(crate) struct Leave {
    pub(crate) guard: Arc<Guard>,
    pass: Pass,
    used: bool,
}

impl Guard {
    pub(crate) fn new(breaker: Breaker, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            name: Arc::from(breaker.row().resource.as_str()),
            clock,
            breaker: Mutex::new(breaker),
            door: Gate::new(1),
            moved: watch::Sender::new(()),
        })
    }

    pub(crate) fn set_policy(&self, policy: BreakerPolicy) {
        self.lock().set_policy(policy);
    }

    /// Whether it lets anybody through now.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        self.lock().check(self.clock.now())
    }

    /// The leave at once, with the row if it changed; `None` when somebody waits already or nobody is let through.
    pub(crate) fn try_enter(self: &Arc<Self>) -> Option<(Leave, Option<BreakerRow>)> {
        let _door = self.door.try_enter()?;
        self.begin().ok()
    }

    /// The leave, as soon as it is this one's turn and one is let through.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the queue.
    pub(crate) async fn enter(self: Arc<Self>, who: Claimant) -> (Leave, Option<BreakerRow>) {
        // Before the door: what moves while we wait for it is seen.
        let mut moved = self.moved.subscribe();
        let _door = match self.door.enter(who) {
            Ok(door) => door,
            Err(waiting) => waiting.await,
        };
        loop {
            moved.mark_unchanged();
            let until = match self.begin() {
                Ok(leave) => return leave,
                Err(refused) => refused.until,
            };
            let wait = until.map_or(LOOK, |until| until.until_from(self.clock.now()));
            // A change that comes between the look and here is found at once.
            let _ = tokio::time::timeout(wait, moved.changed()).await;
        }
    }

    fn begin(self: &Arc<Self>) -> Result<(Leave, Option<BreakerRow>), Refused> {
        let now = self.clock.now();
        let mut breaker = self.lock();
        let before = breaker.row().change;
        let pass = breaker.begin(now)?;
        let row = (breaker.row().change != before).then(|| breaker.row().clone());
        drop(breaker);
        if let Some(row) = &row {
            self.tell(row);
        }
        let leave = Leave {
            guard: Arc::clone(self),
            pass,
            used: false,
        };
        Ok((leave, row))
    }

    /// Does what a person wants; the row if it changed.
    pub(crate) fn force(&self, wish: BreakerWish, reason: Option<&str>) -> Option<BreakerRow> {
        let now = self.clock.now();
        let mut breaker = self.lock();
        let changed = breaker.force(wish, reason, now);
        let row = changed.then(|| breaker.row().clone());
        drop(breaker);
        if let Some(row) = &row {
            self.tell(row);
        }
        row
    }

    /// Takes over what another engine made of it, if that is newer than what is known here. Uses under way count nothing any more
    /// when its state is another: they belong to the state in which they began.
    pub(crate) fn hear(&self, row: &BreakerRow) {
        let mut breaker = self.lock();
        if breaker.row().change >= row.change {
            return;
        }
        let begins = (breaker.row().state, breaker.row().since) != (row.state, row.since);
        breaker.take_over(row.clone());
        drop(breaker);
        if begins {
            self.tell(row);
        }
    }

    fn tell(&self, row: &BreakerRow) {
        let reason = row.reason.as_deref().unwrap_or_default();
        if row.state == BreakerState::Open {
            tracing::warn!(resource = %self.name, state = %row.state, reason, "the breaker opened");
        } else {
            tracing::info!(resource = %self.name, state = %row.state, reason, "the breaker changed");
        }
        self.moved.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave {
    /// Whether it is still worth something: the breaker has not moved on since.
    pub(crate) fn holds(&self) -> bool {
        self.guard.lock().holds(self.pass)
    }

    /// The use ended so; the row, if that changed it.
    pub(crate) fn ended(mut self, response: Response) -> Option<BreakerRow> {
        self.used = true;
        let now = self.guard.clock.now();
        let mut breaker = self.guard.lock();
        let before = breaker.row().since;
        let state = breaker.row().state;
        let changed = breaker.ended(self.pass, response, now);
        let row = changed.then(|| breaker.row().clone());
        drop(breaker);
        match &row {
            Some(row) if (row.since, row.state) != (before, state) => self.guard.tell(row),
            // A probe that is back lets the next one through.
            _ if state == BreakerState::HalfOpen => {
                self.guard.moved.send_replace(());
            }
            _ => {}
        }
        row
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if !self.used {
            self.guard.lock().given_up(self.pass);
            self.guard.moved.send_replace(());
        }
    }
}
