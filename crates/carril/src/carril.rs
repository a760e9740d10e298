//! A store that is open, with its engine running: what a program that embeds Carril holds.

use crate::builder::PipelineDefinition;
use crate::location::{self, UrlError};
use crate::open::{SharedLock, release};
use crate::reader::Reader;
use crate::targets::Targets;
use carril_engine::{Engine, EntitySource, Error, LaunchOutcome, LaunchRequest, Narrowing};
use carril_model::contract::{Entered, EntityRow, Fault, History, NodeInfo, NodeRow, ProcessRow};
use carril_model::load;
use carril_model::plan::Plan;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A store with its engine. Clones are handles to the same one.
///
/// Dropping every handle does not stop the engine: its lanes run on until [`Carril::shutdown`] or the end of the tokio
/// runtime, after which the next engine goes on where they were.
#[derive(Clone)]
pub struct Carril {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    entered: Entered,
    reader: Reader,
    targets: Targets,
    defaults: Defaults,
    node: NodeInfo,
    lock: SharedLock,
}

/// What holds for launches that do not say it.
pub(crate) struct Defaults {
    /// Where targets are.
    pub(crate) urls: BTreeMap<String, String>,
    /// Where commands run, if any can.
    pub(crate) folder: Option<PathBuf>,
}

impl fmt::Debug for Carril {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Carril")
            .field("node", &self.shared.node)
            .finish_non_exhaustive()
    }
}

impl Carril {
    pub(crate) fn new(
        engine: Engine,
        entered: Entered,
        reader: Reader,
        targets: Targets,
        defaults: Defaults,
        node: NodeInfo,
        lock: SharedLock,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                engine,
                entered,
                reader,
                targets,
                defaults,
                node,
                lock,
            }),
        }
    }

    /// The engine: launch, cancel, retry, roll back, wait, watch.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// What people ask about processes.
    #[must_use]
    pub fn history(&self) -> &dyn History {
        self.shared.reader.history()
    }

    /// The same store as whoever only reads it sees it.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    /// The engines that are at work on the store, this one included.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn nodes(&self) -> Result<Vec<NodeRow>, Error> {
        Ok(self.reader().nodes().await?)
    }

    /// The targets, as the engine opens them.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.shared.targets
    }

    /// Whether other engines may work on the same store, as they may on PostgreSQL: then what is unfinished may be in their hands.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared.reader.path().is_none()
    }

    /// Processes that were unfinished when the store was opened, oldest first. [`Engine::adopt`] goes on with one of them,
    /// [`Carril::adopt_unsettled`] with all.
    #[must_use]
    pub fn unsettled(&self) -> &[ProcessRow] {
        &self.shared.entered.unsettled
    }

    /// Executions that a former engine had left running when the store was opened.
    #[must_use]
    pub fn reclaimed(&self) -> u64 {
        self.shared.entered.reclaimed
    }

    /// Goes on with every process that was unfinished when the store was opened, and gives those that cannot be gone on with:
    /// a target that is not there, a Rust function that this program does not have.
    pub async fn adopt_unsettled(&self) -> Vec<(ProcessRow, Error)> {
        let mut refused = Vec::new();
        for row in self.unsettled() {
            if let Err(error) = self.engine().adopt(row.clone()).await {
                refused.push((row.clone(), error));
            }
        }
        refused
    }

    /// Launches a pipeline and waits until its process has settled.
    ///
    /// A launch that its own policy skips (`overlap = "skip"`) gives the unfinished process as it is, without waiting for it.
    ///
    /// # Errors
    /// As [`Error`]: parameters that do not fit, a target that cannot be reached, nothing selected, a version of which too much
    /// has failed (`CAR0450`). Lanes that fail are no
    /// error here; they are in the process's state and tally.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the process.
    pub async fn run(
        &self,
        pipeline: &PipelineDefinition,
        launch: Launch,
    ) -> Result<Outcome, Error> {
        let launched = self.launch(pipeline, launch).await?;
        let process = match launched {
            LaunchOutcome::Launched(process) | LaunchOutcome::Repeated(process) => {
                self.engine().wait(process).await?
            }
            LaunchOutcome::Skipped(process) => {
                let row = self.reader().process(process).await?;
                row.ok_or_else(|| {
                    Error::Store(Fault::Conflict(format!("there is no process {process}")))
                })?
            }
        };
        Ok(Outcome {
            launch: launched,
            process,
        })
    }

    /// Launches a pipeline: all of its executions, or nothing. Its lanes start at once.
    ///
    /// # Errors
    /// As [`Carril::run`].
    pub async fn launch(
        &self,
        pipeline: &PipelineDefinition,
        launch: Launch,
    ) -> Result<LaunchOutcome, Error> {
        let params = load::parameters(pipeline.plan().definition(), &launch.params)
            .map_err(Error::Invalid)?;
        let defaults = &self.shared.defaults;
        let mut targets = defaults.urls.clone();
        targets.extend(launch.targets);
        let folder = launch.folder.as_ref().or(defaults.folder.as_ref());
        let folder = match folder {
            Some(folder) => location::kept_folder(pipeline.plan().definition(), folder)
                .map_err(|error| refused(&error))?,
            None => None,
        };
        let request = LaunchRequest {
            plan: Arc::new(Plan::clone(pipeline.plan()).in_folder(folder)),
            params,
            targets,
            launched_by: launch
                .by
                .unwrap_or_else(|| self.shared.node.command.clone()),
            lanes: launch.lanes,
            priority: launch.priority,
            narrowing: launch.narrowing,
            idempotency_key: launch.idempotency_key,
            despite_failures: launch.despite_failures,
            entities: launch
                .entities
                .map_or(EntitySource::Pipeline, EntitySource::Given),
        };
        self.engine().launch(request).await
    }

    /// Stops: lanes finish the steps that run, within `grace`; after that these are stopped and handed back, with no attempt
    /// spent. The store is free for the next engine afterwards.
    ///
    /// # Errors
    /// [`Error::Store`] when the last writes could not be made; what is durable stays so.
    pub async fn shutdown(&self, grace: Duration) -> Result<(), Error> {
        let ended = self.engine().shutdown(grace).await;
        release(&self.shared.lock);
        ended
    }
}

fn refused(error: &UrlError) -> Error {
    Error::Refused {
        code: error.code(),
        message: error.to_string(),
    }
}

/// How a pipeline is launched.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    params: BTreeMap<String, String>,
    targets: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    by: Option<String>,
    lanes: Option<u32>,
    priority: Option<i8>,
    narrowing: Narrowing,
    idempotency_key: Option<String>,
    despite_failures: bool,
    entities: Option<Vec<EntityRow>>,
}

impl Launch {
    /// As the pipeline says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a parameter; the value is read as the parameter's type.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.params.insert(name.into(), value.to_string());
        self
    }

    /// Where a target is, in this launch: `sqlite:PATH`, relative to `folder`, or `postgres://USER@HOST/DATABASE`.
    #[must_use]
    pub fn target(
        mut self,
        name: impl Into<String>,
        url: &str,
        folder: impl Into<PathBuf>,
    ) -> Self {
        // A URL that makes no sense is told when the target is opened.
        let url = location::target_url(url, &folder.into()).unwrap_or_else(|_| url.to_owned());
        self.targets.insert(name.into(), url);
        self
    }

    /// The pipeline's folder, in which its commands run, whoever goes on with the process; by default the one of
    /// [`OpenOptions::commands`](crate::OpenOptions::commands).
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Who launches it, for people; by default this program's command.
    #[must_use]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.by = Some(who.into());
        self
    }

    /// Lanes at once, instead of the pipeline's number.
    #[must_use]
    pub const fn lanes(mut self, max: u32) -> Self {
        self.lanes = Some(max);
        self
    }

    /// Where processes compete for lanes and slots, the higher goes first; instead of the pipeline's priority, -100 to 100.
    #[must_use]
    pub const fn priority(mut self, priority: i8) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Only these entities; each must exist.
    #[must_use]
    pub fn only<I: IntoIterator<Item: Into<String>>>(mut self, keys: I) -> Self {
        self.narrowing.only.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Not these entities.
    #[must_use]
    pub fn except<I: IntoIterator<Item: Into<String>>>(mut self, keys: I) -> Self {
        self.narrowing
            .except
            .extend(keys.into_iter().map(Into::into));
        self
    }

    /// A second launch with the same key answers with the first's process.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Launches also when too much of the pipeline's version has failed in its first two hours, which is refused (`CAR0450`)
    /// otherwise.
    #[must_use]
    pub const fn despite_failures(mut self) -> Self {
        self.despite_failures = true;
        self
    }

    /// The entities, for pipelines whose entities are given with each launch.
    #[must_use]
    pub fn entities(mut self, entities: Vec<EntityRow>) -> Self {
        self.entities = Some(entities);
        self
    }
}

/// What became of a launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Whether it was launched, made before, or skipped by its own policy.
    pub launch: LaunchOutcome,
    /// The process that answers for it; settled, unless the launch was skipped.
    pub process: ProcessRow,
}
