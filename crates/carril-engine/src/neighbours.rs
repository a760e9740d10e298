//! Looks at what other engines on the same store did, and has this one act on it: one task, which knows nothing of its own.
//!
//! It looks when it is rung (by the store, when others say that there is something; by this engine, when it took over from a dead
//! one), and each second whatever comes: looking is what is relied on. What it finds are hints for the coordinator, the lanes, the
//! limits: each of them acts as if it had come upon it itself, and the store checks what they do.
//!
//! Before it looks it sets the engine's clock by the store's, which all engines go by.
//!
//! A process that another engine launched is taken up here when there is something to claim of it and this program can run it:
//! it has the functions that the steps name, and the targets can be opened. One that it cannot run is remembered, and told once.

use crate::clock::Follower;
use crate::coordinator::Notice;
use crate::engine::Engine;
use crate::error::Error;
use crate::shared::Core;
use crate::task::Kind;
use carril_model::contract::{Fault, Neighbours, News};
use carril_model::id::ProcessId;
use carril_model::retry;
use carril_model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How often others are looked at, at the least; a tenth more or less, so that engines do not look in step.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks, however often it is rung.
const SPACING: Duration = Duration::from_millis(50);
/// How long after its time a parked execution is woken by engines that did not park it: nearly always its own has done so.
const LATE: Duration = Duration::from_secs(1);
/// Before a process is tried again whose target could not be opened; twice as long each time after, as several engines that open
/// one at the same moment may be in each other's way.
const AGAIN_MIN: Duration = Duration::from_millis(500);
/// The longest such wait.
const AGAIN_MAX: Duration = Duration::from_secs(30);
/// How long nobody must have said what a process does next before this engine does, in microseconds: whoever ended its last lane
/// is about to.
const UNDECIDED_MICROS: i64 = 1_000_000;
/// Processes that are remembered as not for this engine; beyond that the oldest are asked about again.
const REFUSED_MAX: usize = 10_000;

/// What is remembered between two looks.
struct Watch {
    engine: Engine,
    /// Whether processes that others launched are taken up.
    takes_up: bool,
    /// Held by whoever is taking processes up: targets may take long to open, and looking goes on meanwhile.
    refused: Arc<tokio::sync::Mutex<Refused>>,
    /// Since when nobody says what these do next.
    undecided: BTreeMap<ProcessId, Timestamp>,
    /// Sets the engine's clock by the store's.
    follower: Follower,
    /// When it last did.
    compared: Timestamp,
}

/// Processes that this engine cannot run.
type Refused = BTreeMap<ProcessId, Refusal>;

/// Since when a process is not taken up.
struct Refusal {
    tries: u32,
    /// When to try again, if ever.
    again: Option<Timestamp>,
}

/// Looks until the engine stops. On a store that has one engine at a time there is nobody to look at.
pub(crate) async fn run(engine: Engine, takes_up: bool, follower: Follower) {
    let core = Arc::clone(&engine.core);
    let Some(neighbours) = core.store.neighbours() else {
        return;
    };
    let mut watch = Watch {
        engine,
        takes_up,
        refused: Arc::default(),
        undecided: BTreeMap::new(),
        follower,
        compared: core.clock.now(),
    };
    loop {
        watch.compare(&core, neighbours).await;
        match neighbours.look(&core.runs.all()).await {
            Ok(news) => watch.act(news).await,
            // The journal finds the same, and says so.
            Err(fault) => tracing::debug!(%fault, "other engines could not be looked at"),
        }
        // Whoever waits for something that another engine does asks the store again.
        core.board.moved();
        tokio::time::sleep(SPACING).await;
        let jitter = retry::mix(core.clock.now().0.unsigned_abs()) % 200;
        let wait = LOOK * 9 / 10 + Duration::from_millis(jitter);
        tokio::select! {
            () = neighbours.stirred() => {}
            () = core.look_now.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

impl Watch {
    /// Compares clocks, each second at the most.
    async fn compare(&mut self, core: &Core, neighbours: &dyn Neighbours) {
        if core.clock.now().until_from(self.compared) < LOOK {
            return;
        }
        let compared = self.follower.compare(core.clock.as_ref(), neighbours);
        if let Err(fault) = compared.await {
            tracing::debug!(%fault, "the store does not say what time it is");
        }
        self.compared = core.clock.now();
    }

    async fn act(&mut self, news: News) {
        let core = Arc::clone(&self.engine.core);
        if news.requests {
            core.requests_now.notify_one();
        }
        if let Some(due) = news.next_due {
            core.journal.alarm().set(due.after(LATE));
        }
        core.limits.hear(news.breakers);
        if let Some(lent) = core.limits.lent().filter(|_| news.limits) {
            lent.stir();
        }
        if !news.cancelling.is_empty() {
            core.lanes.revoke(&news.cancelling);
        }
        if !news.rolling_back.is_empty() {
            self.engine.finish_rollbacks(news.rolling_back);
        }
        let mut moved = news.moved;
        let stuck = self.stuck(&core, &news.undecided);
        moved.extend(stuck.iter().filter(|id| core.runs.has(**id)));
        if !moved.is_empty() {
            core.notify(Notice::Moved(moved)).await;
        }
        let (mine, others): (Vec<ProcessId>, Vec<ProcessId>) =
            news.ready.into_iter().partition(|id| core.runs.has(*id));
        if !mine.is_empty() {
            core.notify(Notice::Woken(mine)).await;
        }
        if self.takes_up {
            let stuck = stuck.into_iter().filter(|id| !core.runs.has(*id));
            self.take_up_all(&core, others.into_iter().chain(stuck).collect());
        }
    }

    /// Takes processes up in the background, unless that is still going on for those of the look before: what is ready is told again.
    fn take_up_all(&self, core: &Arc<Core>, processes: Vec<ProcessId>) {
        if processes.is_empty() {
            return;
        }
        if let Ok(mut refused) = Arc::clone(&self.refused).try_lock_owned() {
            let core = Arc::clone(core);
            core.clone().tasks.spawn(Kind::Requests, async move {
                for process in processes {
                    take_up_or_remember(&core, &mut refused, process).await;
                }
            });
        }
    }

    /// Processes of which nobody is left in their segment, and of which nobody has said for long enough what follows.
    fn stuck(&mut self, core: &Core, undecided: &[ProcessId]) -> Vec<ProcessId> {
        let now = core.clock.now();
        let still: BTreeSet<ProcessId> = undecided.iter().copied().collect();
        self.undecided.retain(|id, _| still.contains(id));
        let mut stuck = Vec::new();
        for id in still {
            let since = self.undecided.entry(id).or_insert(now);
            if now.micros_since(*since) >= UNDECIDED_MICROS {
                *since = now;
                stuck.push(id);
            }
        }
        stuck
    }
}

async fn take_up_or_remember(core: &Core, refused: &mut Refused, process: ProcessId) {
    let now = core.clock.now();
    let tries = match refused.get(&process) {
        Some(refusal) if refusal.again.is_none_or(|again| now < again) => return,
        known => known.map_or(0, |refusal| refusal.tries),
    };
    let Err(error) = take_up(core, process).await else {
        refused.remove(&process);
        return;
    };
    let again = match &error {
        Error::Store(_) | Error::Stopped(_) => return,
        Error::Target { .. } => Some(now.after(backoff(tries))),
        _ => None,
    };
    if tries == 0 {
        tracing::info!(process = process.0, code = %error.code(), %error, "another engine's process cannot be run here");
    }
    let tries = tries.saturating_add(1);
    refused.insert(process, Refusal { tries, again });
    if refused.len() > REFUSED_MAX {
        refused.pop_first();
    }
}

fn backoff(tries: u32) -> Duration {
    AGAIN_MIN.saturating_mul(1 << tries.min(16)).min(AGAIN_MAX)
}

async fn take_up(core: &Core, process: ProcessId) -> Result<(), Error> {
    let row = match core.store.process(process).await {
        Ok(row) if !row.state.is_settled() => row,
        // Done, or gone, meanwhile.
        Ok(_) | Err(Fault::Conflict(_)) => return Ok(()),
        Err(fault) => return Err(fault.into()),
    };
    let run = core.ready_run(&row).await?;
    if let Some((step, error)) = run.refused() {
        let message = format!("step `{step}` cannot be done here: {}", error.message);
        let code = match error.code.as_str() {
            "CAR0534" => "CAR0534",
            _ => "CAR0509",
        };
        return Err(Error::refused(code, message));
    }
    tracing::debug!(process = process.0, "taking up another engine's process");
    core.notify(Notice::TakeUp {
        run,
        row: Box::new(row),
    })
    .await;
    Ok(())
}

#[cfg(test)]
mod tests;
