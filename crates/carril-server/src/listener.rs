//! Connections: accepted as many as there may be, each served by a task with bounds in time, and ended when the server ends.
//!
//! Every task of the server is spawned here. A connection ends when its client goes, when it is idle or slow for too long, or when
//! the server ends: softly first, when what is under way was answered, then at once. Feeders end with the server.

mod patient;

use crate::app::App;
use crate::options::{
    CONNECTIONS_MAX, CONNECTIONS_MAX_OF_ONE, END_TIMEOUT, HEAD_TIMEOUT, WRITE_TIMEOUT,
};
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use patient::Patient;
use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long nothing is accepted after the system refused to: most often too many files are open.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// Whom a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The server's tasks, and the bell that ends them at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    hard: CancellationToken,
}

impl Tasks {
    /// Spawns a task that ends with the server.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        let work = async move { hard.run_until_cancelled(work).await.unwrap_or(()) };
        drop(self.tracker.spawn(work));
    }

    /// Waits until all have ended, for a while; then ends them.
    async fn end(&self) {
        self.tracker.close();
        if tokio::time::timeout(END_TIMEOUT, self.tracker.wait())
            .await
            .is_err()
        {
            self.hard.cancel();
            self.tracker.wait().await;
        }
    }
}

/// Runs what blocks off the runtime's own threads. `None` when it panicked.
#[expect(
    clippy::disallowed_methods,
    reason = "this module is where threads are borrowed"
)]
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// Serves until the server is told to end, and ends what is left.
pub(crate) async fn serve(app: App, listener: TcpListener, router: Router, tasks: Tasks) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let crowd = Arc::new(Crowd::default());
    while let Some((stream, peer, permit)) = accept(&app, &listener, &room).await {
        let Some(place) = Crowd::enter(&crowd, peer.ip()) else {
            continue;
        };
        let (router, stop) = (router.clone(), app.stop.clone());
        tasks.spawn(async move {
            connection(stream, peer, router, stop).await;
            drop((place, permit));
        });
    }
    drop(listener);
    tasks.end().await;
}

/// The next connection, when there is room for one; `None` when the server ends.
async fn accept(
    app: &App,
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let next = async {
        let permit = Arc::clone(room).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, permit)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AFTER_REFUSAL).await;
                }
            }
        }
    };
    app.stop.run_until_cancelled(next).await.flatten()
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    // Events are small and wait for nothing.
    let _ = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        inner.call(request)
    });
    let io = TokioIo::new(Patient::new(stream, WRITE_TIMEOUT));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(io, service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection broke");
    }
}

/// Connections by address, so that one elsewhere cannot take them all.
#[derive(Debug, Default)]
struct Crowd {
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place among those of its address.
struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    /// A place, unless the address has as many as it may. Addresses of this machine are proxies and people's own, and have no bound.
    fn enter(crowd: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut counts = crowd.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= CONNECTIONS_MAX_OF_ONE && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place {
            crowd: Arc::clone(crowd),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self
            .crowd
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests;
