//! The engine as its owners see it: open it, hold a handle, shut it down.

use crate::clock::Follower;
use crate::control::Retention;
use crate::coordinator::{Coordinator, NOTICES_MAX};
use crate::error::Error;
use crate::event::{self, Event};
use crate::journal::{self, ENTER_MIN};
use crate::lane::{LaneTable, Signal};
use crate::limits::{Lent, Limits};
use crate::neighbours;
use crate::process_run::NotHere;
use crate::requests;
use crate::shared::{Board, Core, Runs};
use crate::sharing;
use crate::task::{Kind, Tasks};
use crate::undoing::Undoing;
use crate::waker;
use carril_model::contract::{
    Clock, Entered, Fault, Neighbours, NodeInfo, Pending, ProcessRow, StepRunner, Store, Target,
    TargetError,
};
use carril_model::definition::Overlap;
use carril_model::id::ProcessId;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc};

/// Opens targets by name and URL; whoever wires the engine knows which kinds there are.
pub trait TargetOpener: Send + Sync {
    /// The target at `url`; the same one again for the same URL.
    ///
    /// # Errors
    /// [`TargetError::Unreachable`] for a URL that is wrong or leads nowhere.
    fn open<'a>(
        &'a self,
        name: &'a str,
        url: &'a str,
    ) -> Pending<'a, Result<Arc<dyn Target>, TargetError>>;
}

/// Who does the steps that are no SQL.
pub struct Runners {
    /// Command steps.
    pub command: Arc<dyn StepRunner>,
    /// HTTP calls.
    pub http: Arc<dyn StepRunner>,
    /// Rust functions, by the name that pipelines use.
    pub functions: BTreeMap<String, Arc<dyn StepRunner>>,
}

impl Default for Runners {
    /// No commands, no calls, no functions: steps that need them fail and say so.
    fn default() -> Self {
        Self {
            command: Arc::new(NotHere::COMMANDS),
            http: Arc::new(NotHere::CALLS),
            functions: BTreeMap::new(),
        }
    }
}

/// What an engine is made of.
pub struct Parts {
    /// Its memory.
    pub store: Arc<dyn Store>,
    /// How it reaches the users' databases.
    pub targets: Arc<dyn TargetOpener>,
    /// Who does its steps.
    pub runners: Runners,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// How an engine behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who it is.
    pub node: NodeInfo,
    /// How often it looks for wishes of other programs; `None` for never. Default 200 ms.
    pub requests_every: Option<Duration>,
    /// How long what has settled is kept; `None` for ever, the default.
    pub retention: Option<Retention>,
    /// Lanes at once, over all processes; `None`, the default, leaves each process its own number. Where processes compete for
    /// them, those of higher priority come first, and those of the same take turns.
    pub lanes: Option<u32>,
    /// How many cores this machine has for it: lanes of pipelines with `max = "auto"` that work on this machine alone. Default 1.
    pub cores: u32,
    /// On a store that several engines share: whether it takes up processes that others launched and that it can run. True by
    /// default. Those that it is told to [`adopt`](Engine::adopt), or launches, it runs either way.
    pub takes_up: bool,
    /// What becomes of it when the store cannot be reached, or takes it for dead. By default it stops.
    pub store_away: StoreAway,
}

/// What an engine does whose store cannot be reached, or takes it for dead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StoreAway {
    /// It stops, and says why; the next engine goes on.
    #[default]
    Stops,
    /// It stops its lanes, which write nothing more, tries to enter again, at most for so long (`None` for ever), and goes on with
    /// what it finds.
    Waits(Option<Duration>),
}

impl Options {
    /// The defaults, for this node.
    #[must_use]
    pub const fn new(node: NodeInfo) -> Self {
        Self {
            node,
            requests_every: Some(Duration::from_millis(200)),
            retention: None,
            lanes: None,
            cores: 1,
            takes_up: true,
            store_away: StoreAway::Stops,
        }
    }
}

/// How often entering is tried at the start when a store that several engines share does not answer, each time for twice as long: it may
/// have much to take over from others. After that the program ends, and whoever supervises it starts it again.
const ENTER_TRIES: u32 = 3;

/// Sets the clock by a shared store's, and enters. Whoever is asked may fall silent in that very moment, and nobody else would notice.
async fn enter(parts: &Parts, options: &Options) -> Result<(Follower, Entered), Fault> {
    let mut follower = Follower::default();
    let Some(neighbours) = parts.store.neighbours() else {
        let entered = parts.store.enter(&options.node, parts.clock.now()).await?;
        return Ok((follower, entered));
    };
    let mut limit = ENTER_MIN;
    for _ in 1..ENTER_TRIES {
        let entered = enter_once(parts, options, (&mut follower, neighbours));
        if let Ok(entered) = tokio::time::timeout(limit, entered).await {
            return Ok((follower, entered?));
        }
        neighbours.give_up();
        limit *= 2;
    }
    let entered = enter_once(parts, options, (&mut follower, neighbours));
    let entered = in_time(neighbours, limit, entered).await?;
    Ok((follower, entered))
}

async fn enter_once(
    parts: &Parts,
    options: &Options,
    (follower, neighbours): (&mut Follower, &dyn Neighbours),
) -> Result<Entered, Fault> {
    // Before anything is done by it, so that it may still be set back.
    follower.compare(parts.clock.as_ref(), neighbours).await?;
    parts.store.enter(&options.node, parts.clock.now()).await
}

/// What a shared store answers; what it does not answer within this time is given up.
async fn in_time<T>(
    neighbours: &dyn Neighbours,
    limit: Duration,
    answer: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let answered = tokio::time::timeout(limit, answer).await;
    answered.unwrap_or_else(|_| {
        neighbours.give_up();
        Err(silent(limit))
    })
}

/// A store that has not answered for so long.
pub(crate) fn silent(limit: Duration) -> Fault {
    Fault::Unavailable(format!(
        "the store did not answer within {} s",
        limit.as_secs()
    ))
}

/// A running engine. Clones are handles to the same one.
#[derive(Clone)]
pub struct Engine {
    pub(crate) core: Arc<Core>,
}

impl Engine {
    /// Enters the store and starts the machine on the present tokio runtime. Nothing runs yet: processes that the store
    /// holds unfinished are in [`Entered::unsettled`], for the caller to [`adopt`](Self::adopt).
    ///
    /// Rollbacks that a former engine had begun are finished in the background.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be entered.
    pub async fn open(parts: Parts, options: Options) -> Result<(Self, Entered), Error> {
        let (follower, entered) = enter(&parts, &options).await?;
        let breakers = match parts.store.neighbours() {
            Some(shared) => in_time(shared, ENTER_MIN, parts.store.breakers()).await?,
            None => parts.store.breakers().await?,
        };
        let clock = Arc::clone(&parts.clock);
        let lent = parts.store.neighbours();
        let lent = lent.map(|shared| Arc::new(Lent::new(Arc::clone(&clock), shared.lease())));
        let (notices, inbox) = mpsc::channel(NOTICES_MAX);
        let tasks = Tasks::default();
        let lanes: Arc<LaneTable> = Arc::default();
        let (writer, journal) = journal::Writer::new(
            Arc::clone(&parts.store),
            Arc::clone(&parts.clock),
            notices.clone(),
            tasks.close.clone(),
        );
        let writer = writer
            .renewing(lent.clone())
            .outlasting(journal::Outlasting {
                node: options.node.clone(),
                away: options.store_away,
                lanes: Arc::clone(&lanes),
            });
        let core = Arc::new(Core {
            store: parts.store,
            targets: parts.targets,
            runners: parts.runners,
            clock: parts.clock,
            journal,
            limits: Limits::new(clock, breakers, lent),
            cores: options.cores.max(1),
            lanes_limited: options.lanes.is_some(),
            lanes,
            runs: Runs::default(),
            look_now: Notify::new(),
            requests_now: Notify::new(),
            returns: AtomicU64::new(0),
            outlasts: options.store_away != StoreAway::Stops,
            tasks,
            board: Board::default(),
            undoing: Undoing::default(),
            workspaces: tokio::sync::Mutex::default(),
            rollbacks: tokio::sync::Mutex::default(),
            launching: Mutex::default(),
            notices,
            events: broadcast::Sender::new(event::KEPT),
            failure: OnceLock::new(),
            defined: Mutex::default(),
            looked_at: Mutex::default(),
        });
        core.tasks.spawn(Kind::Journal, writer.run());
        let coordinator = Coordinator::new(Arc::clone(&core), inbox, options.lanes);
        core.tasks.spawn(Kind::Coordinator, coordinator.run());
        let engine = Self { core };
        engine.begin(&options, follower);
        if !entered.rolling_back.is_empty() {
            engine.finish_rollbacks(entered.rolling_back.clone());
        }
        Ok((engine, entered))
    }

    /// Starts whatever looks again and again.
    fn begin(&self, options: &Options, follower: Follower) {
        let tasks = &self.core.tasks;
        tasks.spawn(Kind::Requests, waker::run(Arc::clone(&self.core)));
        tasks.spawn(Kind::Coordinator, sharing::run(Arc::clone(&self.core)));
        let watching = neighbours::run(self.clone(), options.takes_up, follower);
        tasks.spawn(Kind::Requests, watching);
        if let Some(every) = options.requests_every {
            tasks.spawn(Kind::Requests, requests::look(self.clone(), every));
        }
        if let Some(retention) = options.retention {
            let keeping = self.clone().keep_pruned(retention);
            tasks.spawn(Kind::Requests, keeping);
        }
    }

    /// Goes on with a process that the store holds unfinished.
    ///
    /// # Errors
    /// As [`Error`]; the process stays as it is.
    pub async fn adopt(&self, row: ProcessRow) -> Result<(), Error> {
        self.core.check_alive()?;
        let (process, after) = (row.id, row.after);
        let overlap = self.core.adopt(row).await?;
        match after.filter(|_| overlap == Overlap::CancelRunning) {
            // The engine that launched it may have gone before it could cancel the other.
            Some(replaced) => self.replace(replaced, process).await,
            None => Ok(()),
        }
    }

    /// Waits until a process has settled.
    ///
    /// # Errors
    /// [`Error::Store`] when the engine lost its store, [`Error::Stopped`] when it was shut down first.
    ///
    /// # Cancel safety
    /// Cancel safe: the process goes on.
    pub async fn wait(&self, process: ProcessId) -> Result<ProcessRow, Error> {
        let mut moved = self.core.board.watch();
        loop {
            self.core.check_alive()?;
            let row = self.core.process_when_back(process).await?;
            if row.state.is_settled() && !self.core.lanes.any(|owned| owned.process == process) {
                return Ok(row);
            }
            if moved.changed().await.is_err() {
                return Err(Error::Stopped("it was shut down".to_owned()));
            }
        }
    }

    /// Waits until the engine stopped by itself, and says why: its store is gone, or it is no longer the one that may write there.
    /// After [`Engine::shutdown`] it is [`Error::Stopped`].
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes by waiting.
    pub async fn stopped(&self) -> Error {
        let mut moved = self.core.board.watch();
        loop {
            if let Err(error) = self.core.check_alive() {
                return error;
            }
            if moved.changed().await.is_err() {
                return Error::Stopped("it was shut down".to_owned());
            }
        }
    }

    /// What happens from now on. A receiver that falls more than 4,096 events behind loses the oldest and is told how many.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.core.events.subscribe()
    }

    /// Stops: lanes finish the steps that run, within `grace`; after that these are stopped. Unfinished executions are handed back, and no attempt is spent.
    ///
    /// # Errors
    /// [`Error::Store`] when the last writes could not be made; what is durable stays so.
    pub async fn shutdown(&self, grace: Duration) -> Result<(), Error> {
        let core = &self.core;
        core.tasks.stop.cancel();
        // Whoever waits for a process to move would wait for ever: the coordinator goes when its lanes have.
        core.board.moved();
        core.lanes.signal(Signal::Drain, |_| true);
        if tokio::time::timeout(grace, core.tasks.ended())
            .await
            .is_err()
        {
            core.lanes.signal(Signal::DrainHard, |_| true);
            core.tasks.ended().await;
        }
        core.tasks.close().await;
        core.board.moved();
        match core.failure.get() {
            Some(fault) => Err(Error::Store(fault.clone())),
            None => Ok(core.store.leave(core.clock.now()).await?),
        }
    }
}
