//! When the store is away: the engine's lanes stop, and it enters again and goes on from what it finds.
//!
//! That is when it is unknown whether a group was committed, when the store has taken the engine for dead, and when it could not say
//! for two thirds of its lease that it is alive: by then another engine may soon do what it does. Nothing that was in memory is
//! believed after that. Whoever waits for a write hears that it failed; lanes stop what they run and write nothing; what they had is
//! claimed anew, by whoever comes first, under the next token. As long as it is certain that nothing was done (`Busy`) the same
//! group is tried again instead, and the lanes run on.

use super::{Waiting, Writer, micros};
use crate::attempt;
use crate::coordinator::Notice;
use crate::engine::{StoreAway, silent as silent_for};
use crate::lane::LaneTable;
use carril_model::contract::{Clock, Entered, Fault, Group, NodeInfo, Report, Store};
use carril_model::id::ProcessId;
use carril_model::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The first wait before a store that is away is tried again; twice as long each time after.
const AGAIN_MIN: Duration = Duration::from_millis(50);
/// The longest such wait.
const AGAIN_MAX: Duration = Duration::from_secs(1);
/// How long entering may take at the first try; twice as long each time after.
pub(crate) const ENTER_MIN: Duration = Duration::from_secs(10);
/// How long lanes may take to stop before the engine enters again without waiting for them: a step that does not stop is abandoned
/// before that.
const LANES_STOP: Duration = attempt::GRACE.saturating_add(Duration::from_secs(1));

/// What an engine needs to come back.
pub(crate) struct Outlasting {
    /// Who it is.
    pub(crate) node: NodeInfo,
    /// Whether it comes back, and how long it tries.
    pub(crate) away: StoreAway,
    /// Its lanes.
    pub(crate) lanes: Arc<LaneTable>,
}

impl Outlasting {
    pub(crate) fn waits(&self) -> bool {
        self.away != StoreAway::Stops
    }
}

/// How long the engine may go on without having said that it is alive.
#[derive(Debug)]
pub(super) struct Lease {
    whole: Duration,
    renewed: Timestamp,
}

impl Lease {
    pub(super) const fn new(whole: Duration, now: Timestamp) -> Self {
        Self {
            whole,
            renewed: now,
        }
    }

    /// How often an idle engine says that it is alive.
    pub(super) fn beat(&self) -> Duration {
        super::BEAT.min(self.whole / 5)
    }

    /// Whether it is time to say so again.
    pub(super) fn is_silent(&self, now: Timestamp) -> bool {
        silent(self, now) >= self.beat()
    }

    /// What began at this time has said so.
    pub(super) fn renewed(&mut self, at: Timestamp) {
        self.renewed = self.renewed.max(at);
    }

    /// How long the lanes may still run: until two thirds of the lease are over.
    fn left(&self, now: Timestamp) -> Duration {
        self.renewed.after(self.whole * 2 / 3).until_from(now)
    }
}

/// How long to wait before the next try.
pub(super) fn backoff(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    AGAIN_MIN.saturating_mul(1 << doublings).min(AGAIN_MAX)
}

impl Writer {
    /// Writes, unless that takes longer than the engine may be taken for alive.
    pub(super) async fn write_in_time(
        &self,
        group: Group,
        looks: &[ProcessId],
        now: Timestamp,
    ) -> Result<Report, Fault> {
        let Some(lease) = self.lease.as_ref().filter(|_| self.is_patient()) else {
            return self.write(group, looks, now).await;
        };
        let left = lease.left(self.clock.now());
        let written = async {
            // A machine that slept has done nothing since, and may find that it still is alive.
            let first = tokio::time::timeout(left.max(AGAIN_MAX), self.write(group, looks, now));
            first.await.unwrap_or_else(|_| {
                Err(Fault::Unavailable(format!(
                    "no sign of life could be given for {:.1} s",
                    silent(lease, self.clock.now()).as_secs_f64()
                )))
            })
        };
        match written.await {
            // Nothing was done; but it was tried for too long.
            Err(Fault::Busy(reason)) if lease.left(self.clock.now()).is_zero() => {
                Err(Fault::Unavailable(reason))
            }
            other => other,
        }
    }

    /// Whether it tries until its lease has nearly run out, and comes back after that.
    pub(super) const fn is_patient(&self) -> bool {
        self.lease.is_some() && self.outlasting.is_some()
    }

    /// Enters again after the store was away; an engine that does not wait for it is told why it must stop.
    pub(super) async fn outlast(&mut self, waiting: Waiting, fault: Fault) -> Result<(), Fault> {
        waiting.refuse(&fault);
        let comes_back = matches!(
            fault,
            Fault::Unavailable(_) | Fault::Busy(_) | Fault::LostLease
        );
        let Some(outlasting) = self.outlasting.as_ref().filter(|_| comes_back) else {
            return Err(fault);
        };
        if let Some(lent) = &self.lent {
            lent.lose();
        }
        tracing::warn!(%fault, "the store is away; the lanes stop, and the engine enters again as soon as it can");
        let (tell, told) = oneshot::channel();
        // Without a coordinator nobody has lanes any more.
        let _ = self.notices.send(Notice::StoreLost(tell)).await;
        let entering = enter_again(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            Arc::clone(&outlasting.lanes),
            outlasting.node.clone(),
            outlasting.away,
            told,
        );
        tokio::pin!(entering);
        let entered = loop {
            tokio::select! {
                entered = &mut entering => break entered,
                Some(message) = self.queue.recv() => message.refuse(&fault),
                Some(message) = self.direct.recv() => message.refuse(&fault),
                () = self.close.cancelled() => return Err(fault),
            }
        }?;
        tracing::info!(
            node = entered.node.0,
            reclaimed = entered.reclaimed,
            "the engine is back in the store"
        );
        if let Some(lease) = &mut self.lease {
            lease.renewed(self.clock.now());
        }
        if let Some(lent) = &self.lent {
            // What may have been settled for the node that it was before is nobody's.
            lent.lose();
            lent.renew(self.clock.now());
        }
        let _ = self.notices.send(Notice::Back(Box::new(entered))).await;
        Ok(())
    }
}

fn silent(lease: &Lease, now: Timestamp) -> Duration {
    now.until_from(lease.renewed)
}

/// What it was like to enter so far.
#[derive(Debug, Default)]
struct Tries {
    all: u32,
    /// Those that nobody answered.
    silences: u32,
}

impl Tries {
    /// How long the next may take. It may be on a connection that is forgotten in this very moment; but a store that has much to take over
    /// is given longer each time that it was silent. One that refuses at once, as it starts, says nothing about that.
    fn limit(&self) -> Duration {
        ENTER_MIN.saturating_mul(1 << self.silences.min(5))
    }
}

/// Enters again once the lanes have stopped, as soon as the store lets it.
async fn enter_again(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    lanes: Arc<LaneTable>,
    node: NodeInfo,
    away: StoreAway,
    told: oneshot::Receiver<()>,
) -> Result<Entered, Fault> {
    let began = clock.now();
    // Not told when there is no coordinator any more.
    let _ = told.await;
    if tokio::time::timeout(LANES_STOP, lanes.gone(|_| true))
        .await
        .is_err()
    {
        tracing::warn!("some steps do not stop; what they still do is refused by fences");
    }
    let mut tries = Tries::default();
    loop {
        let limit = tries.limit();
        let entered = tokio::time::timeout(limit, store.enter(&node, clock.now()));
        let fault = match entered.await {
            Ok(Err(fault @ (Fault::Unavailable(_) | Fault::Busy(_) | Fault::LostLease))) => fault,
            Ok(other) => return other,
            Err(_) => {
                tries.silences += 1;
                silent_for(limit)
            }
        };
        tries.all += 1;
        if let StoreAway::Waits(Some(longest)) = away
            && clock.now().micros_since(began) >= micros(longest)
        {
            return Err(fault);
        }
        tracing::debug!(%fault, tries = tries.all, "the store is still away");
        tokio::time::sleep(backoff(tries.all)).await;
    }
}

#[cfg(test)]
mod tests;
