//! Launching: entities first, then executions in chunks under a process that nobody sees, then one commit that opens it (P1).

use crate::coordinator::Notice;
use crate::engine::Engine;
use crate::error::Error;
use crate::process_run::Ready;
use crate::rails;
use crate::shared::Core;
use carril_model::contract::{
    EntityCursor, EntityRow, Fault, LAUNCH_CHUNK_MAX, Launch, Launched, NewExecution, ProcessRow,
    Tally,
};
use carril_model::definition::{Entities, Overlap, Scope};
use carril_model::execution::Context;
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::plan::{Plan, stable_hash};
use carril_model::state::ProcessState;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Entities that are read and written at once. Several chunks are in memory while one is written, and a commit more or less is a
/// small part of what writing one costs.
const CHUNK: usize = 2_000;
const _: () = assert!(CHUNK <= LAUNCH_CHUNK_MAX);
/// How often a launch asks whether another engine's launch of the same pipeline is written; that one takes seconds when it is large.
const TURN_LOOK: Duration = Duration::from_millis(50);

/// What to launch.
#[derive(Debug, Clone)]
pub struct LaunchRequest {
    /// The pipeline, in the folder that is to be kept with the process.
    pub plan: Arc<Plan>,
    /// Every parameter's value; complete and of the right types (see `carril_model::load::parameters`).
    pub params: Map<String, Value>,
    /// Where each target is, by name, as a URL that may be stored.
    pub targets: BTreeMap<String, String>,
    /// Who launches it.
    pub launched_by: String,
    /// Lanes at once; `None` for the pipeline's own number.
    pub lanes: Option<u32>,
    /// Where processes compete, the higher goes first; `None` for the pipeline's own, -100 to 100.
    pub priority: Option<i8>,
    /// Which of the entities.
    pub narrowing: Narrowing,
    /// A second launch with the same key answers with the first's process.
    pub idempotency_key: Option<String>,
    /// Whether it is launched although too much of its version has failed in its first two hours.
    pub despite_failures: bool,
    /// The entities, for pipelines whose entities are given with each launch; `Pipeline` for all others.
    pub entities: EntitySource,
}

/// Which entities to launch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Only these keys, if any are named; each must exist.
    pub only: Vec<String>,
    /// Not these.
    pub except: Vec<String>,
}

/// Where the entities of a launch come from.
#[derive(Debug, Clone, Default)]
pub enum EntitySource {
    /// As the pipeline says: its query or its list.
    #[default]
    Pipeline,
    /// These.
    Given(Vec<EntityRow>),
}

/// How a launch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchOutcome {
    /// A new process runs.
    Launched(ProcessId),
    /// The idempotency key was seen before; this is its process.
    Repeated(ProcessId),
    /// `overlap = "skip"`: this process of the same parameters is unfinished.
    Skipped(ProcessId),
}

impl LaunchOutcome {
    /// The process that answers for the launch.
    #[must_use]
    pub const fn process(self) -> ProcessId {
        match self {
            Self::Launched(process) | Self::Repeated(process) | Self::Skipped(process) => process,
        }
    }
}

impl Engine {
    /// Launches a process: all of its executions, or nothing (P1). Its lanes start at once.
    ///
    /// # Errors
    /// `CAR0450` when too much of the pipeline's version has failed in its first two hours and the request does not insist;
    /// As [`Error`]; nothing is left behind.
    ///
    /// # Cancel safety
    /// Dropping the future gives the launch up, unless its last commit is under way; then it runs.
    pub async fn launch(&self, request: LaunchRequest) -> Result<LaunchOutcome, Error> {
        self.core.check_alive()?;
        let given_up = self.core.tasks.stop.child_token();
        let _when_dropped = given_up.clone().drop_guard();
        let engine = self.clone();
        let whole = async move { engine.launch_whole(request, &given_up).await };
        self.core.to_its_end(whole).await
    }

    async fn launch_whole(
        &self,
        request: LaunchRequest,
        given_up: &CancellationToken,
    ) -> Result<LaunchOutcome, Error> {
        let core = &self.core;
        let plan = Arc::clone(&request.plan);
        core.define(plan.written(), plan.version()).await?;
        let ready = core.ready(Arc::clone(&plan), &request.targets).await?;
        let above = core.ids_above(&ready, &request.targets).await?;
        let launch = head(core, &request, &ready, above);
        let mut source = Source::open(&ready, &request).await?;
        let (launched, total) = write(
            core,
            &launch,
            &mut source,
            &Writing {
                given_up,
                despite_failures: request.despite_failures,
            },
        )
        .await?;
        let (process, claimed) = match launched {
            Launched::Repeated(process) => {
                return same_launch(core, &launch, process)
                    .await
                    .map(LaunchOutcome::Repeated);
            }
            Launched::Skipped(process) => return Ok(LaunchOutcome::Skipped(process)),
            Launched::Behind(_) => unreachable!("whoever begins a launch waits for its turn"),
            Launched::New { process, claimed } => (process, claimed),
        };
        let row = match launch.overlap {
            Overlap::Queue | Overlap::CancelRunning => core.store.process(process).await?,
            Overlap::Skip | Overlap::Allow => row_of(&launch, process, total),
        };
        let replaced = row
            .after
            .filter(|_| launch.overlap == Overlap::CancelRunning);
        let run =
            Arc::new(ready.into_run(process, launch.priority, launch.params, launch.lanes_auto));
        core.notify(Notice::Adopt {
            run,
            row: Box::new(row),
            claimed,
        })
        .await;
        if let Some(replaced) = replaced {
            self.replace(replaced, process).await?;
        }
        Ok(LaunchOutcome::Launched(process))
    }
}

/// A key that was used before must have been used for this launch.
async fn same_launch(core: &Core, launch: &Launch, process: ProcessId) -> Result<ProcessId, Error> {
    let row = core.store.process(process).await?;
    if row.pipeline == launch.pipeline && row.params == launch.params {
        return Ok(process);
    }
    let params = Value::Object(row.params);
    let message = format!(
        "this idempotency key launched process {process} of `{}` with {params}; use another key for another launch",
        row.pipeline
    );
    Err(Error::refused("CAR0429", message))
}

fn head(core: &Core, request: &LaunchRequest, ready: &Ready, ids_above: i64) -> Launch {
    let plan = &request.plan;
    let segment = |scope| {
        plan.next_segment(scope, 0)
            .and_then(|at| u32::try_from(at).ok())
    };
    let told = &plan.definition().lanes;
    let found_out = request.lanes.is_none() && told.auto;
    let beginning = found_out.then(|| ready.beginning(core.cores));
    let lanes = match beginning {
        Some(beginning) => beginning.lanes,
        None => request.lanes.unwrap_or(told.max),
    };
    let params = Value::Object(request.params.clone()).to_string();
    Launch {
        pipeline: plan.definition().name.clone(),
        version: plan.version().clone(),
        params: request.params.clone(),
        launched_by: request.launched_by.clone(),
        idempotency_key: request.idempotency_key.clone(),
        overlap: told.overlap,
        lanes,
        lanes_auto: beginning.map(|beginning| beginning.most),
        priority: request.priority.unwrap_or(told.priority),
        targets: request.targets.clone(),
        folder: plan.folder().map(str::to_owned),
        overlap_hash: stable_hash(&[&plan.definition().name, &params]),
        ids_above,
        process_segment: segment(Scope::Process),
        entity_segment: segment(Scope::Entity),
        segments: u32::try_from(plan.segments().len())
            .expect("a plan has fewer segments than steps"),
        at: core.clock.now(),
    }
}

/// How a launch is written.
struct Writing<'a> {
    given_up: &'a CancellationToken,
    despite_failures: bool,
}

/// Writes the launch chunk by chunk; whatever goes wrong on the way, nothing of it stays.
async fn write(
    core: &Core,
    launch: &Launch,
    source: &mut Source,
    writing: &Writing<'_>,
) -> Result<(Launched, u64), Error> {
    let given_up = writing.given_up;
    let mut chunk = unless(given_up, source.next()).await?;
    if chunk.is_empty() {
        source.check_all_found()?;
        return Err(Error::NothingSelected(
            "no entity is selected, so there is nothing to launch".to_owned(),
        ));
    }
    let mut total = chunk.len() as u64;
    let mut more = unless(given_up, source.next()).await?;
    let at_once = core.claimed_at_launch(launch.lanes);
    let open = more.is_empty().then_some(at_once);
    if open.is_some() {
        source.check_all_found()?;
    }
    let turn = async { Ok(core.turn_to_launch(&launch.pipeline).await) };
    let _turn = unless(given_up, turn).await?;
    let launched = begin_in_turn(core, launch, &chunk, open, writing).await?;
    let Launched::New { process, .. } = launched else {
        return Ok((launched, total));
    };
    if open.is_some() {
        return Ok((launched, total));
    }
    loop {
        chunk = more;
        total += chunk.len() as u64;
        let step = async {
            let next = unless(given_up, source.next()).await?;
            if next.is_empty() {
                source.check_all_found()?;
            }
            let open = next.is_empty().then_some(at_once);
            let claimed = core
                .store
                .extend(process, &chunk, open, core.clock.now())
                .await
                .map_err(repeated_entity)?;
            Ok::<_, Error>((next, claimed))
        };
        match step.await {
            Ok((next, claimed)) if next.is_empty() => {
                return Ok((Launched::New { process, claimed }, total));
            }
            Ok((next, _)) => more = next,
            Err(error) => {
                if let Err(fault) = core.store.abandon(process).await {
                    tracing::warn!(%fault, process = process.0, "a launch that failed could not be removed yet; the next engine does it");
                }
                core.notify(Notice::KeysFreed).await;
                return Err(error);
            }
        }
    }
}

/// Writes the first chunk once no other engine writes a launch of the same pipeline.
async fn begin_in_turn(
    core: &Core,
    launch: &Launch,
    chunk: &[NewExecution],
    open: Option<u32>,
    writing: &Writing<'_>,
) -> Result<Launched, Error> {
    let mut told = false;
    loop {
        let launched = begin(core, launch, chunk, open, writing).await?;
        let Launched::Behind(before) = launched else {
            return Ok(launched);
        };
        if !std::mem::replace(&mut told, true) {
            tracing::info!(process = before.0, pipeline = %launch.pipeline, "another engine is launching the same pipeline; waiting for it");
        }
        let wait = async {
            tokio::time::sleep(TURN_LOOK).await;
            Ok(())
        };
        unless(writing.given_up, wait).await?;
    }
}

/// Writes the first chunk, unless the version is refused: here, as whether a process answers for the launch must not change before
/// it is written.
async fn begin(
    core: &Core,
    launch: &Launch,
    chunk: &[NewExecution],
    open: Option<u32>,
    writing: &Writing<'_>,
) -> Result<Launched, Error> {
    if writing.despite_failures {
        rails::tell_despite(core, launch).await?;
    } else {
        rails::check_version(core, launch).await?;
    }
    let launched = core.store.launch(launch, chunk, open).await;
    launched.map_err(repeated_entity)
}

/// Reads on, unless nobody waits for the launch any more.
async fn unless<T>(
    given_up: &CancellationToken,
    reading: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let read = given_up.run_until_cancelled(reading).await;
    read.unwrap_or_else(|| Err(Error::Stopped("the launch was given up".to_owned())))
}

fn repeated_entity(fault: Fault) -> Error {
    match fault {
        Fault::Conflict(message) => Error::refused("CAR0404", message),
        other => Error::Store(other),
    }
}

fn row_of(launch: &Launch, process: ProcessId, total: u64) -> ProcessRow {
    ProcessRow {
        id: process,
        pipeline: launch.pipeline.clone(),
        version: launch.version.clone(),
        params: launch.params.clone(),
        state: ProcessState::Running,
        reason: None,
        cancelling: None,
        reopened: false,
        segment: 0,
        waiting: 0,
        open: if launch.entity_segment == Some(0) {
            total
        } else {
            1
        },
        lanes: launch.lanes,
        priority: launch.priority,
        after: None,
        // Nobody asks for it before a commit has moved the process and told its whole row.
        own: None,
        own_state: None,
        own_segment: None,
        tally: Tally {
            total,
            ..Tally::default()
        },
        targets: launch.targets.clone(),
        folder: launch.folder.clone(),
        launched_by: launch.launched_by.clone(),
        launched_at: launch.at,
        ended_at: None,
    }
}

/// The entities of one launch, narrowed, as executions to be.
struct Source {
    plan: Arc<Plan>,
    context: Context,
    rows: Rows,
    only: BTreeSet<String>,
    missing: BTreeSet<String>,
    except: BTreeSet<String>,
    ended: bool,
}

enum Rows {
    Cursor {
        target: String,
        cursor: Box<dyn EntityCursor>,
    },
    Ready(std::vec::IntoIter<EntityRow>),
}

impl Source {
    async fn open(ready: &Ready, request: &LaunchRequest) -> Result<Self, Error> {
        let plan = Arc::clone(&ready.plan);
        let context = Context {
            process: ProcessId(0),
            execution: ExecutionId(0),
            run: Run(1),
            entity_key: None,
            params: Arc::new(request.params.clone()),
            entity: Arc::new(Map::new()),
            outputs: BTreeMap::new(),
            plan: Arc::clone(&plan),
        };
        let rows = match (&request.entities, &plan.definition().entities) {
            (EntitySource::Given(rows), _) => Rows::Ready(rows.clone().into_iter()),
            (EntitySource::Pipeline, Entities::List(keys)) => {
                let rows: Vec<EntityRow> = keys
                    .iter()
                    .map(|key| EntityRow {
                        key: key.clone(),
                        attributes: Map::new(),
                    })
                    .collect();
                Rows::Ready(rows.into_iter())
            }
            (EntitySource::Pipeline, Entities::Given) => {
                return Err(Error::refused(
                    "CAR0403",
                    "this pipeline's entities are given with each launch, and this launch gave none",
                ));
            }
            (
                EntitySource::Pipeline,
                Entities::Query {
                    target: name,
                    key,
                    sql,
                },
            ) => {
                let target = ready
                    .targets
                    .get(name)
                    .expect("every target a pipeline names was opened");
                let cursor =
                    target
                        .entities(sql, key, &context)
                        .await
                        .map_err(|error| Error::Target {
                            name: name.clone(),
                            error,
                        })?;
                Rows::Cursor {
                    target: name.clone(),
                    cursor,
                }
            }
        };
        let only: BTreeSet<String> = request.narrowing.only.iter().cloned().collect();
        let except: BTreeSet<String> = request.narrowing.except.iter().cloned().collect();
        Ok(Self {
            plan,
            context,
            rows,
            missing: only.union(&except).cloned().collect(),
            only,
            except,
            ended: false,
        })
    }

    /// The next chunk; empty only at the end.
    async fn next(&mut self) -> Result<Vec<NewExecution>, Error> {
        let mut chunk = Vec::new();
        while chunk.is_empty() && !self.ended {
            let rows = match &mut self.rows {
                Rows::Ready(rows) => rows.by_ref().take(CHUNK).collect(),
                Rows::Cursor { target, cursor } => {
                    cursor.next(CHUNK).await.map_err(|error| Error::Target {
                        name: target.clone(),
                        error,
                    })?
                }
            };
            self.ended = rows.is_empty();
            for row in rows {
                self.missing.remove(&row.key);
                let wanted = (self.only.is_empty() || self.only.contains(&row.key))
                    && !self.except.contains(&row.key);
                if wanted {
                    chunk.push(self.execution(row)?);
                }
            }
        }
        Ok(chunk)
    }

    fn execution(&mut self, row: EntityRow) -> Result<NewExecution, Error> {
        let definition = self.plan.definition();
        let lane_hash = match &definition.lanes.key {
            None => stable_hash(&[&definition.name, &row.key]),
            Some(expression) => {
                self.context.entity_key = Some(Arc::from(row.key.as_str()));
                self.context.entity = Arc::new(row.attributes.clone());
                let value = expression.evaluate(&self.context.for_expressions());
                let value = value.map_err(|message| {
                    Error::refused(
                        "CAR0421",
                        format!("lanes.key of entity `{}`: {message}", row.key),
                    )
                })?;
                stable_hash(&[&definition.name, &value.to_string()])
            }
        };
        Ok(NewExecution {
            entity_key: row.key,
            attributes: row.attributes,
            lane_hash,
        })
    }

    fn check_all_found(&self) -> Result<(), Error> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.missing.iter().take(5).map(String::as_str).collect();
        let more = self.missing.len().saturating_sub(names.len());
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        Err(Error::NothingSelected(format!(
            "no entity has the key {}{rest}",
            names.join(", ")
        )))
    }
}
