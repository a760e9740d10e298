//! Named limits: who may use what at once, how often, and when not at all.
//!
//! All limits of one engine by name, shared by all its processes. Only breakers are durable; slots and rates belong to steps
//! that run, and die with them. Which of them a step takes, and in which order, is in [`admission`]. Where several engines share a store
//! they share slots and rates, too: what is this one's to use is in [`lent`], and moved there by [`crate::sharing`].

mod admission;
mod gate;
mod guard;
mod lent;
mod pace;
mod queue;

pub(crate) use admission::{Admission, Admitted, Needs, Next};
pub(crate) use guard::Leave;
pub(crate) use lent::Lent;
pub(crate) use queue::Claimant;

use carril_model::account::CauseKind;
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
    kind: CauseKind,
    name: Arc<str>,
    gate: Arc<Gate>,
}

impl Slot {
    /// Whether its permits are the connections of a target.
    pub(crate) fn is_pool(&self) -> bool {
        self.kind == CauseKind::Pool
    }

    /// Whether both give out the same permits.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.gate, &other.gate)
    }

    /// How many wait for a permit now.
    pub(crate) fn waited_for(&self) -> u32 {
        self.gate.demand().1
    }
}

/// All limits of one engine.
pub(crate) struct Limits {
    clock: Arc<dyn Clock>,
    /// What all engines of the store share; `None` where there is one engine at a time.
    lent: Option<Arc<Lent>>,
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
    /// Limits whose breakers are as the store kept them. What is `lent` by all engines together is this one's only as far as it is told.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        kept: Vec<BreakerRow>,
        lent: Option<Arc<Lent>>,
    ) -> Self {
        let kept = kept.into_iter().map(|row| (row.resource.clone(), row));
        Self {
            clock,
            lent,
            known: Mutex::new(Known {
                kept: kept.collect(),
                ..Known::default()
            }),
        }
    }

    /// The slots of a resource, over all engines of the store. A pipeline that asks for more than another did widens them.
    pub(crate) fn slot(&self, name: &str, count: u32) -> Slot {
        let slot = self.permits(
            CauseKind::Slot,
            &format!("resource {name}"),
            name,
            || match &self.lent {
                Some(lent) => Gate::shared(Arc::clone(lent.bell())),
                None => Gate::new(count),
            },
        );
        match &self.lent {
            Some(lent) => lent.slots(name, count, &slot.gate),
            None => slot.gate.widen(count),
        }
        slot
    }

    /// Permits of this engine alone, by what they are of and for what their wait is charged.
    pub(crate) fn own(&self, kind: CauseKind, of: &str, name: &str, count: u32) -> Slot {
        let slot = self.permits(kind, of, name, || Gate::new(count));
        slot.gate.widen(count);
        slot
    }

    fn permits(
        &self,
        kind: CauseKind,
        key: &str,
        name: &str,
        gate: impl FnOnce() -> Arc<Gate>,
    ) -> Slot {
        let mut known = self.lock();
        let slot = known.slots.entry(key.to_owned()).or_insert_with(|| Slot {
            kind,
            name: Arc::from(name),
            gate: gate(),
        });
        slot.clone()
    }

    /// The rate of a resource. What the pipeline says that was made ready last holds for all.
    pub(crate) fn pace(&self, name: &str, rate: Rate) -> Arc<Pace> {
        let mut known = self.lock();
        let pace = known.paces.entry(name.to_owned()).or_insert_with(|| {
            let clock = Arc::clone(&self.clock);
            Arc::new(match &self.lent {
                Some(lent) => Pace::shared(rate, clock, Arc::clone(lent.bell())),
                None => Pace::new(rate, clock),
            })
        });
        pace.set(rate);
        let pace = Arc::clone(pace);
        drop(known);
        if let Some(lent) = &self.lent {
            lent.rate(name, &pace);
        }
        pace
    }

    /// What all engines share, where they do.
    pub(crate) const fn lent(&self) -> Option<&Arc<Lent>> {
        self.lent.as_ref()
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
