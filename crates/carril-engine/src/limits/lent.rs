//! What this engine may use of limits that all engines of a store share, as the store last said.
//!
//! A limit is lent from memory, so a use costs nothing more than in an engine that is alone. This never lends more than the store counts
//! as this engine's: it lends less before the store is told to count less, and more only after the store has said so. And it lends
//! nothing once the store may have taken the engine for dead, whose part others then have: two thirds of the lease after its last
//! sign of life. Who moves what is this engine's is [`crate::sharing`]; what is fair the model decides.

use super::gate::Gate;
use super::pace::Pace;
use carril_model::allotment::RATE_PARTS;
use carril_model::contract::{Allotted, Clock, Lender, LimitKey, LimitKind, Need};
use carril_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// The shared limits of one engine.
pub(crate) struct Lent {
    clock: Arc<dyn Clock>,
    /// How long after a sign of life this engine surely still has what it had.
    safe: Duration,
    /// Until then, in microseconds; 0 while it has nothing.
    until: AtomicI64,
    renewed: watch::Sender<()>,
    bell: Arc<Notify>,
    /// Whether nothing new begins here: what is waited for is wanted no more.
    closed: AtomicBool,
    /// Whether others have moved something since it was last settled.
    stirred: AtomicBool,
    // Held for moments only; never across an await.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    limits: BTreeMap<LimitKey, Limit>,
    /// How often all of it was lost: what was settled before is nobody's.
    generation: u64,
}

struct Limit {
    total: u32,
    /// What was said of that when it was last settled.
    said: u32,
    what: What,
    /// What was last settled.
    told: Option<Allotted>,
}

enum What {
    Slots(Arc<Gate>),
    Rate(Arc<Pace>),
}

impl What {
    /// What is in use, and what is waited for besides.
    fn demand(&self) -> (u32, u32) {
        match self {
            Self::Slots(gate) => gate.demand(),
            Self::Rate(pace) => (0, pace.wants()),
        }
    }

    fn lend(&self, at_most: u32) {
        match self {
            Self::Slots(gate) => gate.set(at_most),
            Self::Rate(pace) => pace.set_share(at_most),
        }
    }

    fn narrow(&self, at_most: u32) -> u32 {
        match self {
            Self::Slots(gate) => gate.narrow(at_most),
            Self::Rate(pace) => {
                pace.set_share(at_most);
                0
            }
        }
    }
}

impl Limit {
    const fn new(what: What) -> Self {
        Self {
            total: 0,
            said: 0,
            what,
            told: None,
        }
    }

    fn wants(&self, is_closed: bool) -> u32 {
        let (in_use, waited_for) = self.what.demand();
        let more = if is_closed { 0 } else { waited_for };
        // Others may know of more than the pipelines here say.
        let known = self.told.as_ref().map_or(0, |told| told.total);
        in_use.saturating_add(more).min(self.total.max(known))
    }

    /// Whether others should be told how it is: it goes short and they do not know how much, it goes short no more, or something came
    /// back that is to go.
    fn has_news(&self, is_closed: bool) -> bool {
        let Some(told) = self.told.as_ref().filter(|_| self.said == self.total) else {
            return true;
        };
        let wants = self.wants(is_closed);
        let is_short = wants > told.lends && wants != told.wants;
        let is_full = told.wants > told.granted && wants <= told.lends;
        let comes_back = told.granted > told.lends && self.what.demand().0 < told.granted;
        is_short || is_full || comes_back
    }
}

impl Lent {
    /// For an engine that gives a sign of life now, with a lease of this length.
    pub(crate) fn new(clock: Arc<dyn Clock>, lease: Duration) -> Self {
        let safe = lease * 2 / 3;
        let until = AtomicI64::new(clock.now().after(safe).0);
        Self {
            clock,
            safe,
            until,
            renewed: watch::Sender::new(()),
            bell: Arc::default(),
            closed: AtomicBool::new(false),
            stirred: AtomicBool::new(false),
            known: Mutex::default(),
        }
    }

    /// Rung when something may have to be settled.
    pub(crate) const fn bell(&self) -> &Arc<Notify> {
        &self.bell
    }

    /// The slots of a resource: at least so many.
    pub(super) fn slots(&self, resource: &str, total: u32, gate: &Arc<Gate>) {
        self.enter(resource, LimitKind::Slot, total, || {
            What::Slots(Arc::clone(gate))
        });
    }

    /// The rate of a resource.
    pub(super) fn rate(&self, resource: &str, pace: &Arc<Pace>) {
        self.enter(resource, LimitKind::Rate, RATE_PARTS, || {
            What::Rate(Arc::clone(pace))
        });
    }

    fn enter(&self, resource: &str, kind: LimitKind, total: u32, what: impl FnOnce() -> What) {
        let key = LimitKey {
            resource: resource.to_owned(),
            kind,
        };
        let mut known = self.lock();
        let limit = known
            .limits
            .entry(key)
            .or_insert_with(|| Limit::new(what()));
        if limit.total < total {
            limit.total = total;
            self.bell.notify_one();
        }
    }

    /// A sign of life that began at this time has reached the store.
    pub(crate) fn renew(&self, at: Timestamp) {
        let until = at.after(self.safe).0;
        if self.until.fetch_max(until, Ordering::SeqCst) < self.clock.now().0 {
            self.renewed.send_replace(());
        }
    }

    /// Whether what this engine has is surely still its own.
    pub(crate) fn holds(&self) -> bool {
        self.clock.now().0 < self.until.load(Ordering::SeqCst)
    }

    /// Resolves when it is again.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes by waiting.
    pub(crate) async fn held(&self) {
        let mut renewed = self.renewed.subscribe();
        while !self.holds() {
            let _ = renewed.changed().await;
        }
    }

    /// Nothing is this engine's any more, until the store says so anew.
    pub(crate) fn lose(&self) {
        self.until.store(0, Ordering::SeqCst);
        let mut known = self.lock();
        known.generation += 1;
        for limit in known.limits.values_mut() {
            limit.what.lend(0);
            limit.told = None;
        }
        drop(known);
        self.bell.notify_one();
    }

    /// Others have moved something that may concern this engine.
    pub(crate) fn stir(&self) {
        self.stirred.store(true, Ordering::SeqCst);
        self.bell.notify_one();
    }

    /// Nothing new begins here from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether a slot of it is in use.
    pub(crate) fn is_in_use(&self) -> bool {
        let known = self.lock();
        known.limits.values().any(|limit| limit.what.demand().0 > 0)
    }

    /// Whether there is a reason to settle: others have moved something, or do not know how it is here.
    pub(crate) fn has_news(&self) -> bool {
        if self.stirred.swap(false, Ordering::SeqCst) {
            return true;
        }
        let is_closed = self.is_closed();
        let known = self.lock();
        known.limits.values().any(|limit| limit.has_news(is_closed))
    }

    /// Of which of the engine's times in the store what is settled next will be.
    pub(crate) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Lends as it was settled, unless all was lost since that began.
    pub(crate) fn settled(&self, generation: u64, allotted: Vec<Allotted>) {
        let mut known = self.lock();
        if known.generation != generation {
            return;
        }
        for one in allotted {
            if let Some(limit) = known.limits.get_mut(&one.key) {
                limit.what.lend(one.lends);
                limit.told = Some(one);
            }
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lender for Lent {
    fn needs(&self) -> Vec<Need> {
        let is_closed = self.is_closed();
        let mut known = self.lock();
        let needs = known.limits.iter_mut().map(|(key, limit)| {
            limit.said = limit.total;
            Need {
                key: key.clone(),
                total: limit.total,
                wants: limit.wants(is_closed),
            }
        });
        needs.collect()
    }

    fn keep(&self, key: &LimitKey, at_most: u32) -> u32 {
        let known = self.lock();
        known
            .limits
            .get(key)
            .map_or(0, |limit| limit.what.narrow(at_most))
    }
}

#[cfg(test)]
mod tests;
