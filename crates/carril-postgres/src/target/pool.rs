//! The connections of one target: a bounded number that lanes take in order, and what is known of the server behind them.
//!
//! A [`Session`] is a connection in somebody's hands. It goes back only when whoever had it says that it is as it was before:
//! no transaction is open, nothing of the user's SQL stays on it, and no cancel is on its way that might hit the next one's
//! statement. Any other, dropped for whatever reason, is closed.

use super::fault;
use super::notices::{Ear, Ears, Listening};
use super::stop::{Stop, Why};
use crate::address::Address;
use crate::{driver, pooler};
use carril_model::contract::{ErrorClass, StepError};
use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool as Connections, RecyclingMethod,
};
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_postgres::{AsyncMessage, Client, Config, Error};

/// How long a cancel may take to reach the server.
const CANCEL_TIME: Duration = Duration::from_secs(2);
/// How long to wait for the end of what was cancelled before it is cancelled again: the first may have come between two
/// statements, where it hits nothing.
const CANCEL_AGAIN: Duration = Duration::from_millis(200);
/// What a connection is called while no attempt has it.
pub(crate) const POOLED: &str = "carril";
/// The oldest server that is used, as `server_version_num` tells it.
const OLDEST: i32 = 140_000;

/// What is the same on all connections of a target.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// As `server_version_num` tells it: 150018 is 15.18.
    pub(crate) version: i32,
    /// The schemas that names without one are looked for in; the first is where shared tables are made.
    pub(crate) path: Vec<String>,
}

impl Server {
    /// Where the shared tables are.
    pub(crate) fn shared(&self) -> &str {
        &self.path[0]
    }
}

/// The connections of one target.
pub(crate) struct Pool {
    address: Address,
    connections: Connections,
    server: OnceCell<Server>,
    max: usize,
    /// Who hears what the server says on them.
    ears: Arc<Ears>,
}

/// Connects as the rest of the crate does, with an ear for each connection.
struct Connector(Address, Arc<Ears>);

type Connected<'a> =
    Pin<Box<dyn Future<Output = Result<(Client, tokio::task::JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Connector {
    fn connect(&self, _: &Config) -> Connected<'_> {
        Box::pin(async move {
            let ear = Arc::new(Ear::default());
            let hears = Arc::clone(&ear);
            let (client, task) = driver::connect_hearing(&self.0, move |message| {
                if let AsyncMessage::Notice(notice) = message {
                    hears.take(notice);
                }
            })
            .await?;
            let asked = client
                .query_typed_one(include_str!("../../sql/target/process.sql"), &[])
                .await?;
            self.1.enter(asked.get(0), &ear);
            Ok((client, task))
        })
    }
}

impl Pool {
    /// At most `max` connections, at least one, or as many as the address says; none is made yet.
    pub(crate) fn new(address: Address, max: usize) -> Arc<Self> {
        let max = address.connections.unwrap_or(max).max(1);
        let address = address.named(POOLED);
        let config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let ears = Arc::new(Ears::default());
        let connector = Connector(address.clone(), Arc::clone(&ears));
        let manager = Manager::from_connect(address.config.clone(), connector, config);
        let connections = Connections::builder(manager)
            .max_size(max)
            .build()
            .expect("a pool without time-outs needs no runtime to be named");
        Arc::new(Self {
            address,
            connections,
            server: OnceCell::new(),
            max,
            ears,
        })
    }

    /// Hears what the server says on the connection of this process of the server's, until what this gives is dropped.
    pub(crate) fn listen(&self, pid: i32) -> Listening {
        self.ears.listen(pid)
    }

    /// How many connections there may be.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Takes the server for another than it is.
    #[cfg(test)]
    pub(crate) fn pretend(&self, server: Server) {
        self.server.set(server).expect("nobody has asked it yet");
    }

    /// Where they lead, without the password.
    pub(crate) fn shown(&self) -> &str {
        self.address.shown()
    }

    /// A connection; whoever comes first gets the next that is free.
    ///
    /// # Errors
    /// `CAR0511` when none can be made; `CAR0502` when the server has too many.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the order, nothing else.
    pub(crate) async fn session(&self) -> Result<Session, StepError> {
        use deadpool_postgres::PoolError;
        let object = match self.connections.get().await {
            Ok(object) => object,
            Err(PoolError::Backend(error)) => return Err(self.unreachable(&error)),
            Err(error) => {
                let text = format!("no connection to {}: {error}", self.shown());
                return Err(StepError::new(
                    fault::UNREACHABLE,
                    ErrorClass::Transient,
                    text,
                ));
            }
        };
        Ok(Session::new(Held::Pooled(object), self.address.clone()))
    }

    /// A connection outside the bound, for what must not wait for lanes and of which there are few.
    ///
    /// # Errors
    /// As [`Pool::session`].
    pub(crate) async fn extra(&self) -> Result<Session, StepError> {
        let (client, _ends_with_its_client) = driver::connect(&self.address)
            .await
            .map_err(|error| self.unreachable(&error))?;
        Ok(Session::new(Held::Extra(client), self.address.clone()))
    }

    /// A connection that is nobody's turn, under a name of its own.
    ///
    /// # Errors
    /// As the client tells it.
    pub(crate) async fn apart(&self, name: &str) -> Result<Client, Error> {
        let address = self.address.clone().named(name);
        let (client, _ends_with_its_client) = driver::connect(&address).await?;
        Ok(client)
    }

    fn unreachable(&self, error: &Error) -> StepError {
        let mut told = fault::step(error, &format!("connecting to {}: ", self.shown()));
        if told.code == fault::SQL {
            // Whatever the server has against a connection is not about the step's SQL.
            told.code = fault::UNREACHABLE.to_owned();
        }
        if error.as_db_error().is_none() {
            (told.code, told.class) = (fault::UNREACHABLE.to_owned(), ErrorClass::Transient);
        }
        told
    }

    /// What is known of the server; asked once.
    ///
    /// # Errors
    /// `CAR0511` when it is too old, or no schema of the search path is there.
    pub(crate) async fn server(&self, session: &Session) -> Result<&Server, StepError> {
        self.server
            .get_or_try_init(|| async {
                let row = session
                    .query_typed_one(include_str!("../../sql/target/server.sql"), &[])
                    .await
                    .map_err(|error| fault::step(&error, "asking the server: "))?;
                let server = Server {
                    version: row.get(0),
                    path: row.get(1),
                };
                let unfit = |text: String| {
                    Err(StepError::new(fault::UNREACHABLE, ErrorClass::Permanent, text))
                };
                if server.version < OLDEST {
                    return unfit(format!(
                        "{} is PostgreSQL {}; Carril needs 14 or newer",
                        self.shown(),
                        server.version / 10_000
                    ));
                }
                let shared = pooler::gives_out_transactions(&self.address, session);
                if shared
                    .await
                    .map_err(|error| fault::step(&error, "asking the server: "))?
                {
                    return unfit(format!(
                        "the pooler at {} gives out transactions, and a target needs sessions: {}",
                        self.shown(),
                        pooler::INSTEAD
                    ));
                }
                if server.path.is_empty() {
                    return unfit(format!(
                        "no schema of the search path of {} exists; create one, or name one with `?options=-csearch_path%3Dschema`",
                        self.shown()
                    ));
                }
                Ok(server)
            })
            .await
    }
}

enum Held {
    Pooled(Object),
    Extra(Client),
}

/// A connection in somebody's hands.
pub(crate) struct Session {
    held: Option<Held>,
    address: Address,
    is_clean: AtomicBool,
    /// A cancel was sent, which may arrive when something else runs here.
    is_cancelled: AtomicBool,
}

impl Session {
    fn new(held: Held, address: Address) -> Self {
        Self {
            held: Some(held),
            address,
            is_clean: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
        }
    }

    /// It is as it was before somebody took it; the next may have it, unless a cancel was sent here.
    pub(crate) fn is_as_before(&self) {
        let is_cancelled = self.is_cancelled.load(Ordering::Relaxed);
        self.is_clean.store(!is_cancelled, Ordering::Relaxed);
    }

    /// Waits for work on this connection. When it is to stop, the server is told so, again and again until the work has ended:
    /// its outcome then is what the server says.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection to be closed, which ends what the server does for it.
    pub(crate) async fn until_stopped<T>(
        &self,
        stop: &Stop<'_>,
        work: impl Future<Output = T> + Send,
    ) -> T {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = stop.asked() => {}
        }
        self.is_cancelled.store(true, Ordering::Relaxed);
        loop {
            self.cancel().await;
            if let Ok(done) = tokio::time::timeout(CANCEL_AGAIN, &mut work).await {
                return done;
            }
        }
    }

    /// Has the server stop the statement that runs on this connection, if one does.
    async fn cancel(&self) {
        let token = self.cancel_token();
        let cancelled = token.cancel_query(self.address.tls.clone());
        match tokio::time::timeout(CANCEL_TIME, cancelled).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a statement could not be cancelled"),
            Err(_) => tracing::warn!("the server does not take a cancel"),
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self.held.as_ref().expect("it is held until it is dropped") {
            Held::Pooled(object) => object,
            Held::Extra(client) => client,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(Held::Pooled(object)) = self.held.take()
            && !self.is_clean.load(Ordering::Relaxed)
        {
            // Taken out of the pool and dropped, which closes it and makes room for another.
            drop(Object::take(object));
        }
    }
}

/// Waits for something that is free of traces when it is dropped, or for the stop.
///
/// # Errors
/// What it says, or that the attempt was stopped.
pub(crate) async fn or_stopped<T>(
    stop: &Stop<'_>,
    wait: impl Future<Output = Result<T, StepError>> + Send,
) -> Result<T, StepError> {
    tokio::select! {
        biased;
        done = wait => done,
        () = stop.asked() => Err(fault::stopped(stop.why().unwrap_or(Why::Cancelled))),
    }
}
