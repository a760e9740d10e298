//! Named limits: who may use what at once, how often, and when not at all.
//!
//! All limits of one engine by name, shared by all its processes. Only breakers are durable; slots and rates belong to steps
//! that run, and die with them. Which of them a step takes, and in which order, is in [`admission`].

mod admission;
mod gate;
mod guard;
mod pace;
mod queue;

pub(crate) use admission::{Admission, Admitted, Needs, Next};
pub(crate) use guard::Leave;
pub(crate) use queue::Claimant;

use carril_model::breaker::{Breaker, BreakerRow, BreakerWish};
use carril_model::contract::Clock;
use carril_model::definition::{BreakerPolicy, Rate};
use gate::Gate;
use guard::Guard;
use pace::Pace;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A number of permits, as causes name it.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    name: Arc<str>,
    gate: Arc<Gate>,
}

/// All limits of one engine.
pub(crate) struct Limits {
    clock: Arc<dyn Clock>,
    // Held only for the look-up; never across an await.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    slots: HashMap<String, Slot>,
    paces: HashMap<String, Arc<Pace>>,
    guards: HashMap<String, Arc<Guard>>,
    /// Breakers that the store kept and no pipeline has asked for yet.
    kept: BTreeMap<String, BreakerRow>,
}

impl Limits {
    /// Limits whose breakers are as the store kept them.
    pub(crate) fn new(clock: Arc<dyn Clock>, kept: Vec<BreakerRow>) -> Self {
        let kept = kept.into_iter().map(|row| (row.resource.clone(), row));
        Self {
            clock,
            known: Mutex::new(Known {
                kept: kept.collect(),
                ..Known::default()
            }),
        }
    }

    /// The slots with this key, made with `count` if they are new. A pipeline that asks for more than another did widens them.
    pub(crate) fn slot(&self, key: &str, name: &str, count: u32) -> Slot {
        let mut known = self.lock();
        let slot = known.slots.entry(key.to_owned()).or_insert_with(|| Slot {
            name: Arc::from(name),
            gate: Gate::new(count),
        });
        slot.gate.widen(count);
        slot.clone()
    }

    /// The rate of a resource. What the pipeline says that was made ready last holds for all.
    pub(crate) fn pace(&self, name: &str, rate: Rate) -> Arc<Pace> {
        let mut known = self.lock();
        let pace = known
            .paces
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Pace::new(rate, Arc::clone(&self.clock))));
        pace.set(rate);
        Arc::clone(pace)
    }

    /// The breaker of a resource. What the pipeline says that was made ready last holds for all.
    pub(crate) fn guard(&self, name: &str, policy: BreakerPolicy) -> Arc<Guard> {
        let guard = self.guard_of(name, policy);
        guard.set_policy(policy);
        guard
    }

    /// Holds a breaker in a state, or lets it go; its row, if that changed anything. It need not be known yet.
    pub(crate) fn force(
        &self,
        name: &str,
        wish: BreakerWish,
        reason: Option<&str>,
    ) -> Option<BreakerRow> {
        let guard = self.guard_of(name, BreakerPolicy::default());
        guard.force(wish, reason)
    }

    /// Takes breakers over as other engines left them, where they count more changes than here.
    pub(crate) fn hear(&self, rows: Vec<BreakerRow>) {
        for row in rows {
            let mut known = self.lock();
            match known.guards.get(&row.resource) {
                Some(guard) => {
                    let guard = Arc::clone(guard);
                    drop(known);
                    guard.hear(&row);
                }
                None => drop(known.kept.insert(row.resource.clone(), row)),
            }
        }
    }

    fn guard_of(&self, name: &str, policy: BreakerPolicy) -> Arc<Guard> {
        let mut known = self.lock();
        if let Some(guard) = known.guards.get(name) {
            return Arc::clone(guard);
        }
        let breaker = match known.kept.remove(name) {
            Some(row) => Breaker::resume(policy, row),
            None => Breaker::new(name, policy, self.clock.now()),
        };
        let guard = Guard::new(breaker, Arc::clone(&self.clock));
        known.guards.insert(name.to_owned(), Arc::clone(&guard));
        guard
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
