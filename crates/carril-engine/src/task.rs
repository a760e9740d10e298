//! Every task of the engine is spawned here, with a kind that says how it ends.
//!
//! | kind | on stop |
//! |---|---|
//! | `Journal` | runs until nobody can write any more, then ends by itself |
//! | `Coordinator` | ends when the last lane has ended after a stop |
//! | `Lane` | soft: finishes its running steps and hands back; hard: its steps are stopped |
//! | `Requests` | ends at once, between two looks or two removals |
//! | `Work` | a sweep or retry finishes what it began; a launch gives up, a rollback stops between two executions |

use std::future::Future;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a task is for, which decides how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Writes the journal.
    Journal,
    /// Owns who runs what.
    Coordinator,
    /// Runs executions, one after the other.
    Lane,
    /// Looks again and again: for wishes of other programs, for what is old, for who is due, for what other engines did.
    Requests,
    /// Does one thing to its end.
    Work,
}

/// The engine's tasks, and the bells that stop them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    journal: TaskTracker,
    /// Rung once: begin nothing new.
    pub(crate) stop: CancellationToken,
    /// Rung when everybody else has ended: the journal may.
    pub(crate) close: CancellationToken,
}

impl Tasks {
    /// Spawns a task on the present runtime.
    pub(crate) fn spawn<F>(&self, kind: Kind, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match kind {
            Kind::Journal => drop(self.journal.spawn(future)),
            Kind::Requests => {
                // Nothing is lost when looking stops: what it began is gone on with by the next.
                let stop = self.stop.clone();
                drop(
                    self.tracker
                        .spawn(async move { stop.run_until_cancelled(future).await.unwrap_or(()) }),
                );
            }
            Kind::Coordinator | Kind::Lane | Kind::Work => drop(self.tracker.spawn(future)),
        }
    }

    /// Resolves when every task but the journal has ended; call it after ringing `stop`.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Closes the journal and waits for its end; call it when nobody is left who writes.
    pub(crate) async fn close(&self) {
        self.close.cancel();
        self.journal.close();
        self.journal.wait().await;
    }
}

/// Runs blocking work off the runtime's own threads and waits for it.
///
/// # Cancel safety
/// Dropping the future leaves the work running to its end on its thread, without anybody to hear of it.
#[expect(
    clippy::disallowed_methods,
    reason = "this module is where threads are borrowed"
)]
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::thread::Result<T> {
    tokio::task::spawn_blocking(move || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
    })
    .await
    .unwrap_or_else(|error| Err(Box::new(error.to_string())))
}
