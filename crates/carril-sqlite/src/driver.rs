//! The one module of this crate that may spawn: a database connection on a thread of its own.
//!
//! A [`Worker`] owns its connection. Callers hand it work over a bounded queue and wait for the answer; work is done one
//! after the other, in the order it came. The thread ends when its worker is dropped: the queue closes, what is still in it
//! is done, and the drop waits for the last of it. The driver knows nothing of what the work is about.
//!
//! ```text
//! caller ──work──▶ [ queue, bounded ] ──▶ thread with its Connection ──answer──▶ caller
//! ```

use rusqlite::Connection;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// Work was not done, or nobody knows its outcome: it panicked, or the worker has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database thread ended or its work panicked")]
pub(crate) struct Gone;

/// A connection on a thread of its own. Dropping it does what is queued, then closes the connection and joins the thread.
pub(crate) struct Worker {
    queue: Option<mpsc::Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Moves `connection` to a new thread called `name` (at most 15 bytes are shown by the system).
    ///
    /// At most `waiting_max` pieces of work wait; more callers wait outside, in order.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        name: &str,
        connection: Connection,
        waiting_max: usize,
    ) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(waiting_max.max(1));
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the backend's driver module; the thread ends in `drop`"
        )]
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work_off(connection, waiting))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Has `work` done on the thread and gives its answer.
    ///
    /// # Errors
    /// [`Gone`] when the work panicked or the thread has ended.
    ///
    /// # Cancel safety
    /// Dropping the future before the work is queued takes it back; afterwards it is done all the same, unseen.
    pub(crate) fn call<T, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, Gone>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> T + Send + 'static,
    {
        let queue = self.queue.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            let work: Work = Box::new(move |connection| {
                // Nobody waits any more when the caller's future was dropped; the work is done nevertheless.
                let _ = answer.send(work(connection));
            });
            let queue = queue.ok_or(Gone)?;
            queue.send(work).await.map_err(|_| Gone)?;
            drop(queue);
            answered.await.map_err(|_| Gone)
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Work that owns the last handle to its own worker would wait for itself; it ends by itself instead.
        if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
            tracing::error!("a database thread ended by a panic");
        }
    }
}

/// The thread's whole life: work comes, is done, and when the queue is closed and empty the connection is closed.
fn work_off(mut connection: Connection, mut waiting: mpsc::Receiver<Work>) {
    while let Some(work) = waiting.blocking_recv() {
        // A panic in one piece of work must not take the connection from all others; its transaction was rolled back by
        // unwinding, and its caller sees `Gone`.
        if catch_unwind(AssertUnwindSafe(|| work(&mut connection))).is_err() {
            tracing::error!("work on a database thread panicked");
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "closing a database connection failed");
    }
}

#[cfg(test)]
mod tests;
