//! The one module of this crate that may spawn: connections, and a thread of its own for whoever needs one.
//!
//! A connection is two things: a client, which statements are given to from any task, and a task that moves bytes, which ends
//! when its client is dropped or the connection is lost. One that listens hands on what others notify, too; whoever keeps it is a
//! task beside a worker's work, which ends with the worker. A [`Worker`] is a thread with a runtime of its own, on which work is
//! done one after the other, in the order it came; it ends when it is dropped: the queue closes, what is still in it is done,
//! and the drop waits for the last of it. The driver knows nothing of what the work is about.
//!
//! ```text
//! caller ──work──▶ [ queue, bounded ] ──▶ thread: its state, a runtime, connections ──answer──▶ caller
//! ```

use crate::address::Address;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Work under way on a worker's thread, which borrows the worker's state.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What moves a connection's bytes.
type Line = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

type Work<S> = Box<dyn for<'a> FnOnce(&'a mut S) -> Doing<'a, ()> + Send>;

/// Connects, and leaves the moving of bytes to a task of the runtime it is called on. Dropping the client ends the task, after
/// what was sent is answered; so does the loss of the connection, which the client's next statement tells.
///
/// # Errors
/// As the client tells it: nobody listens, the password is wrong, there is no such database.
pub(crate) async fn connect(
    address: &Address,
) -> Result<(Client, tokio::task::JoinHandle<()>), Error> {
    let (client, connection) = reach(address).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the backend's driver module; the task ends with its client or its connection"
    )]
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
    Ok((client, task))
}

/// The same for a connection of which somebody wants to hear what the server says besides answers: `heard` is given each
/// notification and each notice, in order with the answers, and holds the connection up while it takes one. The task's end is the
/// connection's, so that whoever only listens notices it.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn connect_hearing(
    address: &Address,
    heard: impl Fn(&AsyncMessage) + Send + 'static,
) -> Result<(Client, tokio::task::JoinHandle<()>), Error> {
    let (client, mut connection) = reach(address).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the backend's driver module; the task ends with its client or its connection"
    )]
    let task = tokio::spawn(async move {
        loop {
            match std::future::poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(message)) => heard(&message),
                Some(Err(error)) => {
                    tracing::debug!(%error, "a connection to PostgreSQL ended");
                    return;
                }
                None => return,
            }
        }
    });
    Ok((client, task))
}

/// Connects to the first of an address's hosts that answers. The client's own limit is for the line alone: whoever takes a line and
/// then says nothing (a server that hangs, a balancer with nobody behind it) would be waited for without end, and hosts after it
/// never be asked.
async fn reach(address: &Address) -> Result<(Client, Line), Error> {
    let mut last = None;
    for config in address.each_host() {
        let connecting = config.connect(address.tls.clone());
        let connected = match config.get_connect_timeout() {
            Some(limit) => tokio::time::timeout(*limit, connecting).await,
            None => Ok(connecting.await),
        };
        match connected {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => last = Some(error),
            // The client has no other way to make one of its errors.
            Err(_) => last = Some(Error::__private_api_timeout()),
        }
    }
    Err(last.unwrap_or_else(Error::__private_api_timeout))
}

/// Runs a task beside the work of the worker on whose thread this is called; it ends by itself, or is dropped with the worker.
pub(crate) fn beside(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the backend's driver module; the task is dropped with the worker's runtime"
    )]
    drop(tokio::spawn(task));
}

/// Leaves looking at a target's locks to a task of the runtime it is called on. It ends by itself soon after its target is dropped,
/// and with the runtime; nobody waits for it, as it changes nothing.
pub(crate) fn look_on(
    looking: impl Future<Output = ()> + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the backend's driver module; the task ends with its target"
    )]
    tokio::spawn(looking)
}

/// Work was not done, or nobody knows its outcome: it panicked, or the worker has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database thread ended or its work panicked")]
pub(crate) struct Gone;

/// A thread with a state of its own. Dropping it does what is queued, then drops the state and joins the thread.
pub(crate) struct Worker<S: 'static> {
    queue: Option<mpsc::Sender<Work<S>>>,
    thread: Option<JoinHandle<()>>,
}

impl<S: Send + 'static> Worker<S> {
    /// Moves `state` to a new thread called `name` (at most 15 bytes are shown by the system).
    ///
    /// At most `waiting_max` pieces of work wait; more callers wait outside, in order.
    ///
    /// # Errors
    /// When the system gives no thread, or no runtime.
    pub(crate) fn start(name: &str, state: S, waiting_max: usize) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(waiting_max.max(1));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the backend's driver module; the thread ends in `drop`"
        )]
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(work_off(state, waiting)))?;
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
    ) -> impl Future<Output = Result<T, Gone>> + Send + use<T, F, S>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut S) -> Doing<'a, T> + Send + 'static,
    {
        let queue = self.queue.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            let queue = queue.ok_or(Gone)?;
            queue.send(boxed(work, answer)).await.map_err(|_| Gone)?;
            drop(queue);
            answered.await.map_err(|_| Gone)
        }
    }

    /// Has `work` done and waits for it on this thread, which must not be one that runs tasks.
    ///
    /// # Errors
    /// As [`Worker::call`].
    pub(crate) fn wait<T, F>(&self, work: F) -> Result<T, Gone>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut S) -> Doing<'a, T> + Send + 'static,
    {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        let work: Work<S> = Box::new(move |state| {
            Box::pin(async move {
                // Whoever waits is there: it waits below.
                let _ = answer.send(work(state).await);
            })
        });
        let queue = self.queue.as_ref().ok_or(Gone)?;
        // The queue is bounded, and this is for the first call of all, so there is room.
        queue.try_send(work).map_err(|_| Gone)?;
        answered.recv().map_err(|_| Gone)
    }
}

fn boxed<S, T, F>(work: F, answer: oneshot::Sender<T>) -> Work<S>
where
    T: Send + 'static,
    F: for<'a> FnOnce(&'a mut S) -> Doing<'a, T> + Send + 'static,
{
    Box::new(move |state| {
        Box::pin(async move {
            // Nobody waits any more when the caller's future was dropped; the work is done nevertheless.
            let _ = answer.send(work(state).await);
        })
    })
}

impl<S: 'static> Drop for Worker<S> {
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

/// The thread's whole life: work comes, is done, and when the queue is closed and empty the state is dropped.
async fn work_off<S>(mut state: S, mut waiting: mpsc::Receiver<Work<S>>) {
    while let Some(work) = waiting.recv().await {
        // A panic in one piece of work must not take the state from all others; its caller sees `Gone`.
        let done = futures_util::FutureExt::catch_unwind(AssertUnwindSafe(work(&mut state)));
        if done.await.is_err() {
            tracing::error!("work on a database thread panicked");
        }
    }
}

#[cfg(test)]
mod tests;
