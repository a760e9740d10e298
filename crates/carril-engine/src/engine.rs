//! The engine as its owners see it: open it, hold a handle, shut it down.

use crate::control::Retention;
use crate::coordinator::{Coordinator, NOTICES_MAX, Notice};
use crate::error::Error;
use crate::event::{self, Event};
use crate::journal;
use crate::lane::{LaneTable, Signal};
use crate::limits::Limits;
use crate::neighbours;
use crate::process_run::{NotHere, ProcessRun, Ready};
use crate::requests;
use crate::task::{Kind, Tasks};
use crate::undoing::Undoing;
use crate::waker;
use carril_model::contract::{
    Clock, Entered, Fault, NodeInfo, Pending, ProcessRow, StepRunner, Store, Target, TargetError,
};
use carril_model::definition::{Action, Definition, Entities, Overlap, Version};
use carril_model::id::ProcessId;
use carril_model::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard, broadcast, mpsc, oneshot, watch};

/// How often a store that is away is asked for what somebody waits for.
const AWAY_LOOK: Duration = Duration::from_millis(200);

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
            takes_up: true,
            store_away: StoreAway::Stops,
        }
    }
}

/// What all parts of one engine share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) targets: Arc<dyn TargetOpener>,
    pub(crate) runners: Runners,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: journal::Handle,
    pub(crate) limits: Limits,
    /// Whether lanes are dealt by the coordinator alone.
    lanes_limited: bool,
    pub(crate) lanes: Arc<LaneTable>,
    /// The processes that the coordinator knows.
    pub(crate) runs: Runs,
    /// Rung when other engines should be looked at now.
    pub(crate) look_now: Notify,
    /// Rung when a wish waits.
    pub(crate) requests_now: Notify,
    /// Whether the engine outlasts its store's being away.
    pub(crate) outlasts: bool,
    pub(crate) tasks: Tasks,
    pub(crate) board: Board,
    pub(crate) undoing: Undoing,
    /// Held by whoever looks at an execution's state and then makes or removes its workspace, so that neither a sweep nor a
    /// retry acts on what the other has changed.
    pub(crate) workspaces: tokio::sync::Mutex<()>,
    /// Held by a rollback: another one of the same executions would take them out of its hands, and both would think that
    /// they are done.
    pub(crate) rollbacks: tokio::sync::Mutex<()>,
    /// Held, by pipeline, while a launch is written.
    launching: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    notices: mpsc::Sender<Notice>,
    events: broadcast::Sender<Event>,
    failure: OnceLock<Fault>,
    defined: Mutex<BTreeSet<Version>>,
    /// URLs of targets whose traces were looked at.
    looked_at: Mutex<BTreeSet<String>>,
}

/// The processes that this engine runs lanes of, for those who must not ask the coordinator.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<BTreeSet<ProcessId>>);

impl Runs {
    pub(crate) fn insert(&self, process: ProcessId) {
        self.lock().insert(process);
    }

    pub(crate) fn remove(&self, process: ProcessId) {
        self.lock().remove(&process);
    }

    pub(crate) fn has(&self, process: ProcessId) -> bool {
        self.lock().contains(&process)
    }

    pub(crate) fn all(&self) -> Vec<ProcessId> {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<ProcessId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where waiters learn that a process may have moved; what it says then, they read in the store.
pub(crate) struct Board(watch::Sender<u64>);

impl Board {
    pub(crate) fn moved(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Changes from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

impl Core {
    pub(crate) async fn notify(&self, notice: Notice) {
        // The coordinator ends last; without it nobody is left to act on the notice.
        let _ = self.notices.send(notice).await;
    }

    /// How many lanes a launch fills with its opening commit. Where lanes are limited, others may come before it.
    pub(crate) const fn claimed_at_launch(&self, lanes: u32) -> u32 {
        if self.lanes_limited { 0 } else { lanes }
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.events.receiver_count() > 0
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if self.is_watched() {
            let _ = self.events.send(event());
        }
    }

    /// The journal is gone: nothing can be made durable any more, so everything stops.
    pub(crate) fn fail(&self, fault: Fault) {
        let _ = self.failure.set(fault);
        self.tasks.stop.cancel();
        self.lanes.signal(Signal::DrainHard, |_| true);
        self.board.moved();
    }

    /// Whether no other engine can be at work on the store.
    pub(crate) fn is_sole(&self) -> bool {
        self.store.neighbours().is_none()
    }

    /// A process as the store has it; while the store is away it is waited for, if the engine does so.
    pub(crate) async fn process_when_back(&self, process: ProcessId) -> Result<ProcessRow, Error> {
        loop {
            match self.store.process(process).await {
                Err(fault @ (Fault::Busy(_) | Fault::Unavailable(_) | Fault::LostLease))
                    if self.outlasts =>
                {
                    self.check_alive()?;
                    tracing::debug!(%fault, "the store is away; waiting for it");
                    let stopped = self.tasks.stop.cancelled();
                    // Cancel safe: nothing is under way.
                    let _ = tokio::time::timeout(AWAY_LOOK, stopped).await;
                }
                other => return Ok(other?),
            }
        }
    }

    pub(crate) fn check_alive(&self) -> Result<(), Error> {
        match self.failure.get() {
            Some(fault) => Err(Error::Store(fault.clone())),
            None if self.tasks.stop.is_cancelled() => {
                Err(Error::Stopped("it was shut down".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Does work to its end, whatever becomes of whoever waits for it: what moves a process in the store and then tells the
    /// coordinator must not stop in between.
    pub(crate) async fn to_its_end<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        self.tasks.spawn(Kind::Work, async move {
            // Nobody may be there any more who wants to know.
            let _ = tell.send(work.await);
        });
        let done = told
            .await
            .unwrap_or_else(|_| Err(Error::Stopped("it ended while it did this".to_owned())));
        match (done, self.failure.get()) {
            // That it stopped is what the failure brought about; people are helped by the failure.
            (Err(Error::Stopped(_)), Some(fault)) => Err(Error::Store(fault.clone())),
            (done, _) => done,
        }
    }

    /// Waits until no other launch of this pipeline is being written, and keeps others from it.
    ///
    /// Lane keys go by ids, and all executions of a process must come before those of one that is launched later: otherwise each
    /// could hold a key that the other one needs to reach its barrier.
    pub(crate) async fn turn_to_launch(&self, pipeline: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut launching = self
                .launching
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            Arc::clone(launching.entry(pipeline.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// Keeps a definition in the store, once per engine.
    pub(crate) async fn define(
        &self,
        definition: &Definition,
        version: &Version,
    ) -> Result<(), Error> {
        let known = self
            .defined
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(version);
        if !known {
            self.store
                .define(version, definition, self.clock.now())
                .await?;
            self.defined
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(version.clone());
        }
        Ok(())
    }

    /// Opens every target that a pipeline names and finds a runner for every step.
    pub(crate) async fn ready(
        &self,
        plan: Arc<Plan>,
        urls: &BTreeMap<String, String>,
    ) -> Result<Ready, Error> {
        let mut targets = BTreeMap::new();
        for name in target_names(plan.definition()) {
            let Some(url) = urls.get(&name) else {
                return Err(Error::refused(
                    "CAR0408",
                    format!(
                        "where target `{name}` is was not said: give it with --target {name}=URL or in carril.toml"
                    ),
                ));
            };
            let target = self
                .targets
                .open(&name, url)
                .await
                .map_err(|error| Error::Target {
                    name: name.clone(),
                    error,
                })?;
            targets.insert(name, target);
        }
        Ready::new(plan, targets, urls, &self.runners, &self.limits)
    }

    /// The highest execution id that the targets of a launch bear. A target is asked once: from then on this store's ids are above.
    pub(crate) async fn ids_above(
        &self,
        ready: &Ready,
        urls: &BTreeMap<String, String>,
    ) -> Result<i64, Error> {
        let mut above = 0;
        for (name, target) in &ready.targets {
            let url = urls.get(name).cloned().unwrap_or_default();
            if self
                .looked_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&url)
            {
                continue;
            }
            let newest = target.newest_execution().await;
            above = above.max(newest.map_err(|error| Error::Target {
                name: name.clone(),
                error,
            })?);
            self.looked_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(url);
        }
        Ok(above)
    }

    /// Makes an unfinished process of the store one of this engine's; tells what its launch did to the one before it.
    pub(crate) async fn adopt(&self, row: ProcessRow) -> Result<Overlap, Error> {
        let run = self.ready_run(&row).await?;
        let overlap = run.plan.definition().lanes.overlap;
        self.notify(Notice::Adopt {
            run,
            row: Box::new(row),
            claimed: Vec::new(),
        })
        .await;
        Ok(overlap)
    }

    /// A process of the store with everything that its steps need.
    pub(crate) async fn ready_run(&self, row: &ProcessRow) -> Result<Arc<ProcessRun>, Error> {
        let definition = self.store.definition(&row.version).await?;
        let ready = self.ready(plan_of(definition, row), &row.targets).await?;
        let run = ready.into_run(row.id, row.priority, row.params.clone());
        Ok(Arc::new(run))
    }
}

/// The plan of a process that the store holds, for the folder that it was launched in.
pub(crate) fn plan_of(definition: Definition, row: &ProcessRow) -> Arc<Plan> {
    Arc::new(Plan::new(definition).in_folder(row.folder.clone()))
}

/// Every target that a pipeline acts on.
fn target_names(definition: &Definition) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Entities::Query { target, .. } = &definition.entities {
        names.insert(target.clone());
    }
    names.extend(
        definition
            .workspace
            .iter()
            .map(|workspace| workspace.target.clone()),
    );
    for step in definition.stages.iter().flat_map(|stage| &stage.steps) {
        if let Action::Sql { target, .. } = &step.action {
            names.insert(target.clone());
        }
    }
    names
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
        let entered = parts.store.enter(&options.node, parts.clock.now()).await?;
        let breakers = parts.store.breakers().await?;
        let clock = Arc::clone(&parts.clock);
        let (notices, inbox) = mpsc::channel(NOTICES_MAX);
        let tasks = Tasks::default();
        let lanes: Arc<LaneTable> = Arc::default();
        let (writer, journal) = journal::Writer::new(
            Arc::clone(&parts.store),
            Arc::clone(&parts.clock),
            notices.clone(),
            tasks.close.clone(),
        );
        let writer = writer.outlasting(journal::Outlasting {
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
            limits: Limits::new(clock, breakers),
            lanes_limited: options.lanes.is_some(),
            lanes,
            runs: Runs::default(),
            look_now: Notify::new(),
            requests_now: Notify::new(),
            outlasts: options.store_away != StoreAway::Stops,
            tasks,
            board: Board(watch::Sender::new(0)),
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
        core.tasks.spawn(
            Kind::Coordinator,
            Coordinator::new(Arc::clone(&core), inbox, options.lanes).run(),
        );
        core.tasks
            .spawn(Kind::Requests, waker::run(Arc::clone(&core)));
        let engine = Self { core };
        let watching = neighbours::run(engine.clone(), options.takes_up);
        engine.core.tasks.spawn(Kind::Requests, watching);
        if let Some(every) = options.requests_every {
            engine
                .core
                .tasks
                .spawn(Kind::Requests, requests::look(engine.clone(), every));
        }
        if let Some(retention) = options.retention {
            let keeping = engine.clone().keep_pruned(retention);
            engine.core.tasks.spawn(Kind::Requests, keeping);
        }
        if !entered.rolling_back.is_empty() {
            engine.finish_rollbacks(entered.rolling_back.clone());
        }
        Ok((engine, entered))
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
