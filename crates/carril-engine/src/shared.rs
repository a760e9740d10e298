//! What all parts of one engine share: the store, the journal, the limits, the lanes, and the bells by which they reach each other.
//!
//! Nothing here is the truth, and nothing decides. Who owns what is told at each field.

use crate::coordinator::Notice;
use crate::engine::{Runners, TargetOpener};
use crate::error::Error;
use crate::event::Event;
use crate::journal;
use crate::lane::{LaneTable, Signal};
use crate::limits::Limits;
use crate::process_run::{ProcessRun, Ready};
use crate::task::{Kind, Tasks};
use crate::undoing::Undoing;
use carril_model::contract::{Clock, Fault, ProcessRow, Store};
use carril_model::definition::{Action, Definition, Entities, Overlap, Version};
use carril_model::id::ProcessId;
use carril_model::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard, broadcast, mpsc, oneshot, watch};

/// How often a store that is away is asked for what somebody waits for.
const AWAY_LOOK: Duration = Duration::from_millis(200);

/// What all parts of one engine share.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) targets: Arc<dyn TargetOpener>,
    pub(crate) runners: Runners,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: journal::Handle,
    pub(crate) limits: Limits,
    /// How many cores this machine has for it.
    pub(crate) cores: u32,
    /// Whether lanes are dealt by the coordinator alone.
    pub(crate) lanes_limited: bool,
    pub(crate) lanes: Arc<LaneTable>,
    /// The processes that the coordinator knows.
    pub(crate) runs: Runs,
    /// Rung when other engines should be looked at now.
    pub(crate) look_now: Notify,
    /// Rung when a wish waits.
    pub(crate) requests_now: Notify,
    /// How often the engine has come back to its store: what was asked of the journal before may have been dropped.
    pub(crate) returns: AtomicU64,
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
    pub(crate) launching: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) notices: mpsc::Sender<Notice>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) failure: OnceLock<Fault>,
    pub(crate) defined: Mutex<BTreeSet<Version>>,
    /// URLs of targets whose traces were looked at.
    pub(crate) looked_at: Mutex<BTreeSet<String>>,
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

impl Default for Board {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

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
        let lanes_auto = self.lanes_auto(&ready.plan, row.id).await?;
        let run = ready.into_run(row.id, row.priority, row.params.clone(), lanes_auto);
        Ok(Arc::new(run))
    }

    /// The number of lanes that a process never goes above, if it finds out how many it has. Nobody asks for one whose pipeline says a number.
    pub(crate) async fn lanes_auto(
        &self,
        plan: &Plan,
        process: ProcessId,
    ) -> Result<Option<u32>, Error> {
        if plan.definition().lanes.auto {
            Ok(self.store.lanes_auto(process).await?)
        } else {
            Ok(None)
        }
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
