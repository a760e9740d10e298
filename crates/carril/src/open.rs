//! Opening a store and starting the engine on it: the one place where all parts meet.
//!
//! ```text
//!  lock ── store ── history, mailbox ── targets, commands, functions ── engine
//! ```
//!
//! In this order, and backwards when something fails: whoever does not get the lock has touched nothing.

use crate::builder::PipelineDefinition;
use crate::carril::{Carril, Defaults};
use crate::function::{Functions, Input, StepFailure};
use crate::http::HttpSettings;
use crate::location::{self, DEFAULT_STORE, Location, UrlError};
use crate::reader::Reader;
use crate::settings::RETENTION;
use crate::targets::Targets;
use carril_engine::clock::SystemClock;
use carril_engine::{
    Engine, Error as EngineError, Options, Parts, Retention, Runners, StoreAway, TargetOpener, task,
};
use carril_model::contract::{Fault, NodeInfo, Pending, Store, Target, TargetError};
use carril_model::time::Timestamp;
use carril_postgres::store::{PostgresStore, StoreOptions as PostgresOptions};
use carril_sqlite::store::{self, Durability, EngineLock, LockError, SqliteStore, StoreOptions};
use carril_steps::command::{CommandOptions, CommandRunner};
use carril_steps::http::HttpRunner;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Gives values of the environment. Libraries do not read it; whoever starts the program hands it in.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A look-up for programs whose URLs have no references in them: it finds nothing.
#[must_use]
pub fn no_references() -> Lookup {
    Arc::new(|_| None)
}

/// How a store is opened and its engine runs.
#[derive(Clone)]
pub struct OpenOptions {
    store: String,
    folder: PathBuf,
    workspaces: Option<PathBuf>,
    node: NodeInfo,
    lookup: Lookup,
    commands: Option<CommandOptions>,
    http: HttpSettings,
    functions: Functions,
    targets: BTreeMap<String, String>,
    sees_locks: bool,
    store_options: StoreOptions,
    requests_every: Option<Duration>,
    retention: Retention,
    lanes: Option<u32>,
    cores: u32,
    postgres: PostgresOptions,
    takes_up: bool,
    away_at_most: Option<Duration>,
    clock: Option<SystemClock>,
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenOptions")
            .field("store", &self.store)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// How many cores the program may use: affinity and control groups are looked at.
fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

impl Default for OpenOptions {
    /// The store `carril.db` in the present folder.
    fn default() -> Self {
        Self::new(DEFAULT_STORE)
    }
}

impl OpenOptions {
    /// The defaults for a store: a path, `sqlite:PATH`, or `postgres://user@host/database`, whose password may be a reference
    /// (`${env:NAME}`, `${file:PATH}`). It is made when it does not exist. A store on PostgreSQL is shared by any number of engines.
    #[must_use]
    pub fn new(store: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            folder: PathBuf::from("."),
            workspaces: None,
            node: NodeInfo {
                host: "this host".to_owned(),
                pid: std::process::id(),
                command: "a program".to_owned(),
                lanes: None,
            },
            lookup: no_references(),
            commands: None,
            http: HttpSettings::default(),
            functions: Functions::default(),
            targets: BTreeMap::new(),
            sees_locks: true,
            store_options: StoreOptions::default(),
            requests_every: Some(Duration::from_millis(200)),
            retention: RETENTION,
            lanes: None,
            cores: cores(),
            postgres: PostgresOptions::default(),
            takes_up: true,
            away_at_most: None,
            clock: None,
        }
    }

    /// How many cores this machine has for the lanes of pipelines that say `max = "auto"` and do all their work on this machine; by
    /// default as many as the program may use. 0 counts as 1.
    #[must_use]
    pub const fn cores(mut self, cores: u32) -> Self {
        self.cores = if cores == 0 { 1 } else { cores };
        self
    }

    /// What relative paths of the store and of targets are relative to; by default the folder that the program runs in.
    ///
    /// Where targets are is kept with each process: give an absolute folder if the program may be started elsewhere later.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The clock of this machine, by default as it is. Engines on one shared store go by its server's, whatever this one says.
    #[must_use]
    pub fn clock(mut self, clock: SystemClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Where lanes keep files of their own; by default the store's path with `.lanes` added, and `carril.lanes` for a store on a server.
    #[must_use]
    pub fn workspaces(mut self, folder: impl Into<PathBuf>) -> Self {
        self.workspaces = Some(folder.into());
        self
    }

    /// Who this engine is, for people who find the store in use: the host's name, and the command as they know it.
    #[must_use]
    pub fn node(mut self, host: impl Into<String>, command: impl Into<String>) -> Self {
        self.node = NodeInfo {
            host: host.into(),
            command: command.into(),
            ..self.node
        };
        self
    }

    /// Where `${env:NAME}` in a target's URL is looked up; by default nothing is found.
    #[must_use]
    pub fn lookup(mut self, lookup: Lookup) -> Self {
        self.lookup = lookup;
        self
    }

    /// Lets command steps run: in this folder, with `path` as their `PATH`, which programs without a slash are looked for in.
    /// Without this, command steps fail (`CAR0509`). The folder is kept with each process that is launched here, unless
    /// [`Launch::folder`](crate::Launch::folder) names another, and a process that was launched elsewhere runs in its own.
    #[must_use]
    pub fn commands(mut self, folder: impl Into<PathBuf>, path: impl Into<OsString>) -> Self {
        self.commands = Some(CommandOptions::new(folder, path));
        self
    }

    /// What HTTP steps may do; by default they may call public addresses, and there are no secrets.
    #[must_use]
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.http = settings;
        self
    }

    /// Registers the Rust functions that a pipeline brings along.
    #[must_use]
    pub fn pipeline(mut self, pipeline: &PipelineDefinition) -> Self {
        self.functions.extend(pipeline.functions());
        self
    }

    /// Registers an asynchronous Rust function under the name that pipelines use (`function = "name"`).
    #[must_use]
    pub fn function<T, O, F, Fut>(mut self, name: impl Into<String>, function: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        F: Fn(Input<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, StepFailure>> + Send + 'static,
    {
        self.functions.insert(name, function);
        self
    }

    /// Registers functions.
    #[must_use]
    pub fn functions(mut self, functions: &Functions) -> Self {
        self.functions.extend(functions);
        self
    }

    /// Where a target is, for launches that do not say it: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`.
    #[must_use]
    pub fn target(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.targets.insert(name.into(), url.into());
        self
    }

    /// Whether to look, while steps run on PostgreSQL targets and over one more connection to each, which locks they wait for and who
    /// holds those; true unless it is said otherwise. Without it that time counts as running.
    #[must_use]
    pub const fn sees_locks(mut self, sees_locks: bool) -> Self {
        self.sees_locks = sees_locks;
        self
    }

    /// How commits of the store survive a power failure; by default every one is on disk when it is acknowledged.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.store_options.synchronous = durability;
        self
    }

    /// Opens the store on a network file system too, where nothing keeps a second engine away; by default that is refused.
    #[must_use]
    pub const fn network_file_system(mut self, allowed: bool) -> Self {
        self.store_options.network_file_system = allowed;
        self
    }

    /// How long what has settled is kept, [`RETENTION`] by default. The engine removes what is older when it starts, and every hour.
    #[must_use]
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Lanes at once, over all processes; by default each process has its own number and that is all. Where processes compete
    /// for them, those of higher priority come first, and those of the same take turns. 0 counts as 1.
    #[must_use]
    pub fn lanes(mut self, max: Option<u32>) -> Self {
        self.lanes = max.map(|max| max.max(1));
        self.node.lanes = self.lanes;
        self
    }

    /// On a store on PostgreSQL: how long this engine's work stays its own when it gives no sign of life, 15 s by default. Shorter, and
    /// a stalled engine loses its work to others; longer, and a dead one's work waits longer. At least 1 s; the same for all engines.
    #[must_use]
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.postgres.lease = lease;
        self
    }

    /// On a store on PostgreSQL: whether engines tell each other at once what there is to look at, over a connection of its own that
    /// listens; true by default. Without it (a pooler that passes no notifications on) they look each second.
    #[must_use]
    pub const fn notify(mut self, notify: bool) -> Self {
        self.postgres.notify = notify;
        self
    }

    /// On a store on PostgreSQL: whether this engine takes up processes that others launched, if it has the functions that they name
    /// and can open their targets; true by default. What it launches or adopts it runs either way.
    #[must_use]
    pub const fn takes_up(mut self, takes_up: bool) -> Self {
        self.takes_up = takes_up;
        self
    }

    /// On a store on PostgreSQL: how long the engine tries to come back when the store cannot be reached; by default it tries until
    /// it is shut down. Its lanes stop meanwhile, and go on from what is durable. An engine with a store in a file stops at once.
    #[must_use]
    pub const fn away_at_most(mut self, longest: Duration) -> Self {
        self.away_at_most = Some(longest);
        self
    }

    /// How often wishes of other programs are looked for; `None` for never. By default every 200 ms.
    #[must_use]
    pub const fn requests_every(mut self, every: Option<Duration>) -> Self {
        self.requests_every = every;
        self
    }
}

/// Who holds a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its host, process and command; `None` in the instant in which it takes the store.
    pub node: Option<NodeInfo>,
    /// Since when, by the host's file system.
    pub since: Option<Timestamp>,
    /// The lock file.
    pub lock: PathBuf,
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(
                out,
                "`{}`, process {} on {}",
                node.command, node.pid, node.host
            ),
            None => out.write_str("another program"),
        }
    }
}

impl From<store::Held> for Holder {
    fn from(held: store::Held) -> Self {
        Self {
            node: held.holder,
            since: held.since,
            lock: held.path,
        }
    }
}

/// Why a store was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another engine has it.
    #[error(
        "the store is in use by {holder}; ask that one, wait for its end, or name another store"
    )]
    Held {
        /// Who.
        holder: Holder,
    },
    /// Its URL is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Its lock file cannot be made or locked.
    #[error(
        "the store's lock file {path:?} cannot be used: {why}; check that its folder exists and can be written"
    )]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// It cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// It is on PostgreSQL and cannot be opened.
    #[error(transparent)]
    Postgres(#[from] carril_postgres::store::OpenError),
    /// Its URL refers to a secret that is not there.
    #[error("the store's URL cannot be completed: {0}")]
    Secret(String),
    /// The engine could not enter it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Opening it panicked: a bug of Carril.
    #[error("opening the store panicked; please report this with the store's first pages")]
    Panicked,
}

/// What kind of failure it is, as exit codes tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpenErrorKind {
    /// Another engine has it.
    Held,
    /// Another version made it, or another program.
    StoreVersion,
    /// It cannot be reached, read or written.
    Unreachable,
    /// The caller wrote something that makes no sense.
    Usage,
    /// A bug of Carril.
    Internal,
}

impl OpenError {
    /// `CARnnnn`; its page is `docs/errors/CARnnnn.md`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Held { .. } => "CAR0701",
            Self::Url(error) => error.code(),
            Self::Lock { .. } => "CAR0708",
            Self::Store(error) => error.code(),
            Self::Postgres(error) => error.code(),
            Self::Secret(_) => "CAR0702",
            Self::Engine(error) => error.code(),
            Self::Panicked => "CAR0709",
        }
    }

    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> OpenErrorKind {
        match self {
            Self::Held { .. } => OpenErrorKind::Held,
            Self::Url(_)
            | Self::Secret(_)
            | Self::Postgres(carril_postgres::store::OpenError::Address { .. }) => {
                OpenErrorKind::Usage
            }
            // It was brought to another version in the moment in which it was opened.
            Self::Engine(EngineError::Store(Fault::Version { .. })) => OpenErrorKind::StoreVersion,
            Self::Lock { .. } | Self::Engine(_) => OpenErrorKind::Unreachable,
            Self::Store(
                store::OpenError::Newer { .. }
                | store::OpenError::Older { .. }
                | store::OpenError::NotOurs { .. },
            )
            | Self::Postgres(
                carril_postgres::store::OpenError::Newer { .. }
                | carril_postgres::store::OpenError::Older { .. },
            ) => OpenErrorKind::StoreVersion,
            Self::Store(_) | Self::Postgres(_) => OpenErrorKind::Unreachable,
            Self::Panicked => OpenErrorKind::Internal,
        }
    }
}

impl From<LockError> for OpenError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held(held) => Self::Held {
                holder: held.into(),
            },
            LockError::Unusable { path, source } => Self::Lock {
                path,
                why: source.to_string(),
            },
        }
    }
}

/// Opens the store, becomes its engine, and starts it on the present tokio runtime.
///
/// Processes that a former engine left unfinished are in [`Carril::unsettled`]; nothing of them runs until they are adopted.
///
/// # Errors
/// As [`OpenError`], above all [`OpenError::Held`] when another engine has the store.
pub async fn open(options: OpenOptions) -> Result<Carril, OpenError> {
    let place = Location::of_store(&options.store, &options.folder)?;
    let clock = Arc::new(options.clock.clone().unwrap_or_default());
    let lanes = place.lanes(&options.folder);
    let workspaces = options.workspaces.clone().unwrap_or(lanes);
    let lookup = Arc::clone(&options.lookup);
    let targets = Targets::new(&options.folder, workspaces, lookup, clock.clone());
    let store_away = match place {
        Location::File(_) => StoreAway::Stops,
        Location::Postgres(_) => StoreAway::Waits(options.away_at_most),
    };
    let targets = targets.sees_locks(options.sees_locks);
    let (lock, store, reader) = match place {
        Location::File(path) => open_files(path, &options).await?,
        Location::Postgres(url) => open_postgres(url, &targets, options.postgres.clone()).await?,
    };
    let lock = Arc::new(Mutex::new(lock));
    let calls = options.http.into_options(targets.clone());
    let mut runners = Runners {
        http: Arc::new(HttpRunner::new(calls)),
        functions: options.functions.into_runners(),
        ..Runners::default()
    };
    let folder = (options.commands.as_ref()).map(|commands| commands.directory.clone());
    if let Some(commands) = options.commands {
        runners.command = Arc::new(CommandRunner::new(commands));
    }
    let opener = Opener {
        targets: targets.clone(),
        _lock: Arc::clone(&lock),
    };
    let parts = Parts {
        store,
        targets: Arc::new(opener),
        runners,
        clock: clock.clone(),
    };
    let mut engine_options = Options::new(options.node.clone());
    engine_options.requests_every = options.requests_every;
    engine_options.retention = Some(options.retention);
    engine_options.lanes = options.lanes;
    engine_options.cores = options.cores;
    engine_options.takes_up = options.takes_up;
    engine_options.store_away = store_away;
    let (engine, entered) = Engine::open(parts, engine_options).await?;
    let urls = options.targets.into_iter().map(|(name, url)| {
        // A URL that makes no sense is told when a launch needs it.
        let url = location::target_url(&url, &options.folder).unwrap_or(url);
        (name, url)
    });
    Ok(Carril::new(
        engine,
        entered,
        reader,
        targets,
        Defaults {
            urls: urls.collect(),
            folder,
        },
        options.node,
        lock,
    ))
}

/// A store with its lock, where it has one, and a reader beside it.
type Opened = (Option<EngineLock>, Arc<dyn Store>, Reader);

async fn open_files(path: PathBuf, options: &OpenOptions) -> Result<Opened, OpenError> {
    let (node, store_options) = (options.node.clone(), options.store_options);
    let opened = task::blocking(move || {
        let lock = EngineLock::acquire(&path, &node)?;
        let store = SqliteStore::open(&path, store_options)?;
        let reader = Reader::open(&path)?;
        Ok((Some(lock), Arc::new(store) as Arc<dyn Store>, reader))
    });
    opened.await.unwrap_or(Err(OpenError::Panicked))
}

/// A store on a server needs no lock: each engine has a lease in it.
async fn open_postgres(
    url: String,
    targets: &Targets,
    options: PostgresOptions,
) -> Result<Opened, OpenError> {
    let resolved = targets.resolve(&url).map_err(OpenError::Secret)?;
    let value = resolved.value().to_owned();
    let opened = task::blocking(move || {
        let store = PostgresStore::open(&value, &options)?;
        let reader = Reader::open_postgres(&value, url)?;
        Ok((None, Arc::new(store) as Arc<dyn Store>, reader))
    });
    opened.await.unwrap_or(Err(OpenError::Panicked))
}

/// The lock, until somebody gives it back.
pub(crate) type SharedLock = Arc<Mutex<Option<EngineLock>>>;

/// Gives the lock back.
pub(crate) fn release(lock: &SharedLock) {
    drop(lock.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Opens targets, and holds the engine's lock: the engine keeps its opener for as long as any task of it lives, so the store
/// is never free while somebody may still write to it.
struct Opener {
    targets: Targets,
    _lock: SharedLock,
}

impl TargetOpener for Opener {
    fn open<'a>(
        &'a self,
        name: &'a str,
        url: &'a str,
    ) -> Pending<'a, Result<Arc<dyn Target>, TargetError>> {
        TargetOpener::open(&self.targets, name, url)
    }
}
