//! A server, from the port that it takes to its end.

use crate::access::Door;
use crate::app::{App, Shared};
use crate::guard::Guard;
use crate::house::House;
use crate::listener::{self, Tasks};
use crate::live::{self, Live};
use crate::metrics::Metrics;
use crate::options::{EVENTS_KEPT, Options};
use crate::routes;
use carril::model::contract::{Clock as _, Fault};
use carril::{Location, SystemClock, Targets};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A server that has its port and serves once it runs.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    tasks: Tasks,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Why a server does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It would be reachable from elsewhere, and everybody would come in.
    #[error(
        "{0} can be reached from other machines, and no token was made yet, so nobody could come in and nobody could tell who did; make one with `carril token create NAME --role admin`, or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    /// Its port cannot be had.
    #[error("cannot listen on {0}: {1}; another program may have it, `--listen` names another")]
    Port(SocketAddr, String),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Fault),
}

impl ServeError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "CAR0910",
            Self::Port(..) => "CAR0913",
            Self::Store(_) => "CAR0705",
        }
    }
}

impl Server {
    /// Takes the port. Nothing is answered before [`Server::run`].
    ///
    /// # Errors
    /// As [`ServeError`].
    pub async fn bind(house: House, options: Options) -> Result<Self, ServeError> {
        let is_loopback = options.listen.ip().is_loopback();
        let is_locked = house.reader().access().has_tokens().await?;
        if !is_loopback && !is_locked {
            return Err(ServeError::Open(options.listen));
        }
        let unusable = |error: std::io::Error| ServeError::Port(options.listen, error.to_string());
        let listener = TcpListener::bind(options.listen).await.map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let clock = SystemClock::new();
        let epoch = u64::try_from(clock.now().0).unwrap_or(0);
        let app = App::new(Shared {
            targets: targets(&house, &options, &clock),
            door: Door::new(options.authentication, is_loopback),
            guard: Guard::new(
                &options.hosts,
                &options.origins,
                options.requests_per_second,
            ),
            live: Arc::new(Live::new(epoch, EVENTS_KEPT)),
            metrics: Metrics::new(),
            page: options.page,
            procesos: options.procesos,
            stop: CancellationToken::new(),
            folder: options.folder,
            clock,
            house,
        });
        Ok(Self {
            app,
            listener,
            address,
            tasks: Tasks::default(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether everybody who reaches it comes in as an administrator: it listens on this machine only, and no token was made.
    ///
    /// # Errors
    /// As the store.
    pub async fn is_open(&self) -> Result<bool, Fault> {
        Ok(!self.app.door.always() && !self.app.house.reader().access().has_tokens().await?)
    }

    /// Serves until `stop` resolves; then lets what is under way be answered, for a few seconds, and returns when nothing of it is
    /// left. The engine goes on: whoever opened it ends it.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            app,
            listener,
            tasks,
            ..
        } = self;
        if let Some(engine) = app.house.engine() {
            let (feed, stop) = (live::feed(app.clone(), engine.events()), app.stop.clone());
            tasks.spawn(async move { stop.run_until_cancelled(feed).await.unwrap_or(()) });
        }
        if app.house.is_shared() {
            let (watch, stop) = (live::watch(app.clone()), app.stop.clone());
            tasks.spawn(async move { stop.run_until_cancelled(watch).await.unwrap_or(()) });
        }
        let router = routes::router(&app);
        let bell = app.stop.clone();
        let serving = listener::serve(app, listener, router, tasks);
        let ringing = async {
            stop.await;
            bell.cancel();
        };
        tokio::join!(serving, ringing);
    }
}

/// Targets, as the engine of this store opens them.
fn targets(house: &House, options: &Options, clock: &SystemClock) -> Targets {
    let folder = &options.folder;
    let file = house
        .reader()
        .path()
        .map(|path| Location::File(path.to_owned()));
    let lanes = file.map_or_else(|| folder.clone(), |store| store.lanes(folder));
    let lookup = options.lookup.clone();
    Targets::new(folder, lanes, lookup, Arc::new(clock.clone()))
}
