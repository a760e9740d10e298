//! How others reach the lane that has an execution: the one place where a running lane can be asked to stop.
//!
//! The table holds no truth: whether an execution may still be written for is the store's business. It only makes lanes stop sooner.

use carril_model::contract::Owned;
use carril_model::id::{ExecutionId, Token};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What others may ask of a lane; a stronger wish replaces a weaker one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Signal {
    /// Finish what runs, then hand back.
    Drain = 1,
    /// Stop what runs, then hand back.
    DrainHard = 2,
    /// Stop what runs, then settle as cancelled.
    Cancel = 3,
    /// Stop what runs, and write nothing: the store no longer takes this engine for the one that may.
    Lost = 4,
}

/// A lane's ear: what is wanted of it, and a ring when that changes.
#[derive(Debug)]
pub(super) struct Bell {
    owned: Owned,
    wanted: AtomicU8,
    rung: Notify,
}

/// How others reach the lane that has an execution.
#[derive(Debug, Default)]
pub(crate) struct LaneTable {
    lanes: Mutex<HashMap<ExecutionId, Arc<Bell>>>,
    /// Claims below this token are void: a lane that was claimed but has not begun when its execution is cancelled or rolled
    /// back learns it here. As many entries as executions were stopped one by one while this engine lives.
    revoked: Mutex<HashMap<ExecutionId, Token>>,
    left: Notify,
    /// How often this engine lost its store: claims of before are nobody's.
    generation: AtomicU64,
}

impl Bell {
    /// The strongest wish so far.
    pub(super) fn wanted(&self) -> Option<Signal> {
        match self.wanted.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Signal::Drain),
            2 => Some(Signal::DrainHard),
            3 => Some(Signal::Cancel),
            _ => Some(Signal::Lost),
        }
    }

    /// Wants something of the lane.
    pub(super) fn want(&self, signal: Signal) {
        self.wanted.fetch_max(signal as u8, Ordering::Relaxed);
        self.rung.notify_one();
    }

    /// Resolves when something was wanted since it last did.
    pub(super) async fn rung(&self) {
        self.rung.notified().await;
    }
}

impl LaneTable {
    /// Which of this engine's times in the store this is; what is claimed belongs to the one in which it was.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Whatever was claimed until now is lost: its lanes stop, those that are about to begin as well.
    pub(crate) fn lose_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.signal(Signal::Lost, |_| true);
    }

    /// Enters a lane whose claim is of this generation; from here on it can be asked to stop.
    pub(super) fn enter(&self, owned: Owned, generation: u64) -> Arc<Bell> {
        let bell = Arc::new(Bell {
            owned,
            wanted: AtomicU8::new(0),
            rung: Notify::new(),
        });
        self.lock().insert(owned.execution, Arc::clone(&bell));
        // Looked at after entering: whoever revokes either finds the bell or is found here.
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked
            .get(&owned.execution)
            .is_some_and(|below| owned.token < *below)
        {
            bell.want(Signal::Cancel);
        }
        if generation != self.generation() {
            bell.want(Signal::Lost);
        }
        bell
    }

    /// Stops the claims of single executions: those named, and any older ones.
    pub(crate) fn revoke(&self, claims: &[Owned]) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.extend(
            claims
                .iter()
                .map(|owned| (owned.execution, Token(owned.token.0 + 1))),
        );
        drop(revoked);
        let ids: HashSet<ExecutionId> = claims.iter().map(|owned| owned.execution).collect();
        self.signal(Signal::Cancel, |owned| ids.contains(&owned.execution));
    }

    /// Takes a lane out, unless another claim of the same execution has entered since.
    pub(super) fn leave(&self, owned: Owned) {
        let mut lanes = self.lock();
        if lanes
            .get(&owned.execution)
            .is_some_and(|bell| bell.owned == owned)
        {
            lanes.remove(&owned.execution);
        }
        drop(lanes);
        self.left.notify_waiters();
    }

    /// Resolves when no lane has an execution for which `which` holds.
    pub(crate) async fn gone(&self, which: impl Fn(&Owned) -> bool) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // Registered before looking, so that a lane that leaves in between is not missed.
            left.as_mut().enable();
            if !self.any(&which) {
                return;
            }
            left.await;
        }
    }

    /// Asks the lanes that have an execution for which `which` holds.
    pub(crate) fn signal(&self, signal: Signal, which: impl Fn(&Owned) -> bool) {
        for bell in self.lock().values().filter(|bell| which(&bell.owned)) {
            bell.want(signal);
        }
    }

    /// Whether any lane has an execution for which `which` holds.
    pub(crate) fn any(&self, which: impl Fn(&Owned) -> bool) -> bool {
        self.lock().values().any(|bell| which(&bell.owned))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ExecutionId, Arc<Bell>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
