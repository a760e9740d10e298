//! Wakes executions whose time has come: one task that knows the next due time and nothing else.
//!
//! Who waits, and until when, is the store's business; the journal rings the alarm when it parks somebody earlier. What is due
//! is woken in bounded batches, which ride in the journal's groups like everything else, and gets its lane by the ordinary
//! claim. Memory does not grow with those that wait.

use crate::shared::Core;
use carril_model::time::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Executions woken in one commit: it takes some milliseconds, and others may commit in between.
const BATCH: u32 = 256;
/// How often the wall clock is looked at, at the least: a machine that slept, or whose clock was set, is further than the
/// clock of this program, which does not count while it sleeps.
const LOOK: Duration = Duration::from_secs(1);

/// The next due time, as far as it is known in memory.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    earliest: Mutex<Option<Timestamp>>,
    rung: Notify,
}

impl Alarm {
    /// Somebody is due at this time.
    pub(crate) fn set(&self, at: Timestamp) {
        let mut earliest = self.lock();
        if earliest.is_none_or(|known| at < known) {
            *earliest = Some(at);
            drop(earliest);
            self.rung.notify_one();
        }
    }

    fn take(&self) -> Option<Timestamp> {
        self.lock().take()
    }

    fn get(&self) -> Option<Timestamp> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.earliest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes until the engine stops.
pub(crate) async fn run(core: Arc<Core>) {
    let alarm = Arc::clone(core.journal.alarm());
    loop {
        // Whoever is parked after this sets it again; whoever was before is seen by the store.
        alarm.take();
        let due = match core.journal.wake(BATCH).await {
            Ok(due) => due,
            Err(_) if core.outlasts => {
                // The store is away: once it is back there may be many who are due.
                tokio::time::sleep(LOOK).await;
                continue;
            }
            // A journal that has stopped has told everybody.
            Err(_) => return,
        };
        if due.woken > 0 {
            fail::fail_point!("engine::waker::woken");
            tracing::debug!(woken = due.woken, "their time has come");
        }
        if let Some(next) = due.next {
            alarm.set(next);
        }
        until_due(&core, &alarm).await;
        fail::fail_point!("engine::waker::due");
    }
}

async fn until_due(core: &Core, alarm: &Alarm) {
    loop {
        let ahead = core.clock.catch_up();
        if !ahead.is_zero() {
            tracing::warn!(
                ahead_seconds = ahead.as_secs(),
                "the machine slept, or its clock was set: going on with the time that it is"
            );
        }
        let now = core.clock.now();
        let due = alarm.get();
        if due.is_some_and(|due| due <= now) {
            return;
        }
        let wait = due.map_or(LOOK, |due| due.until_from(now).min(LOOK));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = alarm.rung.notified() => {}
        }
    }
}
