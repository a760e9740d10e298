//! An engine over a real store and a real target, whose slow and failing moments the test decides.

use super::in_time;
use crate::harness::House;
use carril::model::contract::{
    Cancellation, Clock, EntityCursor, EntityRow, ErrorClass, Inspection, NodeInfo, Pending,
    ProcessRow, StepCall, StepDone, StepError, StepRunner, Store, TableRows, Target, TargetError,
    Whose,
};
use carril::model::definition::{Definition, SqlText};
use carril::model::id::{ExecutionId, ProcessId, Run};
use carril::model::sql::Lookup;
use carril::{
    Engine, EntitySource, LaunchOutcome, LaunchRequest, Narrowing, PipelineDefinition, SystemClock,
    Targets,
};
use carril_engine::{Options, Parts, Runners, StoreAway, TargetOpener};
use carril_sqlite::store::{SqliteStore, StoreOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// A moment of a target that waits for the test while it is shut.
pub(crate) struct Moment {
    pass: Semaphore,
    /// How many have come to it while it was shut.
    came: watch::Sender<usize>,
}

impl Moment {
    /// As many as nobody counts.
    const OPEN: usize = 1_000_000;

    fn open() -> Self {
        Self {
            pass: Semaphore::new(Self::OPEN),
            came: watch::Sender::new(0),
        }
    }

    /// From now on it waits.
    pub(crate) fn shut(&self) {
        self.pass.forget_permits(Self::OPEN);
    }

    /// Lets one pass.
    pub(crate) fn pass(&self) {
        self.pass.add_permits(1);
    }

    /// Lets pass whoever waits, and everybody after.
    pub(crate) fn free(&self) {
        self.pass.close();
    }

    /// Waits until so many have come to it while it was shut.
    pub(crate) async fn reached(&self, times: usize, what: &str) {
        let mut came = self.came.subscribe();
        in_time(what, came.wait_for(|came| *came >= times))
            .await
            .expect("the moments live as long as the test");
    }

    async fn go_through(&self) {
        if self.pass.available_permits() > Self::OPEN / 2 {
            return;
        }
        self.came.send_modify(|came| *came += 1);
        if let Ok(permit) = self.pass.acquire().await {
            permit.forget();
        }
    }
}

/// What the test decides about a target.
pub(crate) struct Moments {
    /// Between chunks of entities.
    pub(crate) entities: Moment,
    /// Before a lane's workspace is removed.
    pub(crate) discard: Moment,
    /// Before workspaces are listed, which is how the sweep at a process's end begins.
    pub(crate) sweep: Moment,
    /// Before an execution's rows are removed.
    pub(crate) undo: Moment,
    /// Whether rolling back fails.
    pub(crate) roll_back_fails: AtomicBool,
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) moments: Arc<Moments>,
    folder: std::path::PathBuf,
}

impl Rig {
    /// An engine of its own over the house's store; `steps` does every function step.
    pub(crate) async fn open(
        house: &House,
        pipelines: &[&PipelineDefinition],
        steps: Arc<dyn StepRunner>,
    ) -> Self {
        Self::open_at(house, pipelines, steps, Arc::new(SystemClock::new())).await
    }

    /// The same with a clock of the test's own.
    pub(crate) async fn open_at(
        house: &House,
        pipelines: &[&PipelineDefinition],
        steps: Arc<dyn StepRunner>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let as_it_is = |store| Arc::new(store) as Arc<dyn Store>;
        Self::open_over(house, pipelines, steps, clock, StoreAway::Stops, as_it_is).await
    }

    /// The same over a store as `wrap` makes it, and with what becomes of the engine when it is away.
    pub(crate) async fn open_over(
        house: &House,
        pipelines: &[&PipelineDefinition],
        steps: Arc<dyn StepRunner>,
        clock: Arc<dyn Clock>,
        store_away: StoreAway,
        wrap: impl FnOnce(SqliteStore) -> Arc<dyn Store>,
    ) -> Self {
        let moments = Arc::new(Moments {
            entities: Moment::open(),
            discard: Moment::open(),
            sweep: Moment::open(),
            undo: Moment::open(),
            roll_back_fails: AtomicBool::new(false),
        });
        let lanes = house.path().join("carril.db.lanes");
        let opener = Opener {
            targets: Targets::new(house.path(), lanes, Arc::new(|_| None), clock.clone()),
            moments: Arc::clone(&moments),
        };
        let names = pipelines
            .iter()
            .flat_map(|pipeline| &pipeline.plan().definition().stages)
            .flat_map(|stage| &stage.steps)
            .filter_map(|step| match &step.action {
                carril::model::definition::Action::Function { name } => Some(name.clone()),
                _ => None,
            });
        let functions: BTreeMap<_, _> = names.map(|name| (name, Arc::clone(&steps))).collect();
        let store = SqliteStore::open(&house.path().join("carril.db"), StoreOptions::default())
            .expect("the store opens");
        let parts = Parts {
            store: wrap(store),
            targets: Arc::new(opener),
            runners: Runners {
                functions,
                ..Runners::default()
            },
            clock,
        };
        let node = NodeInfo {
            host: "test".to_owned(),
            pid: 1,
            command: "a test".to_owned(),
            lanes: None,
        };
        let mut options = Options::new(node);
        options.store_away = store_away;
        let (engine, _) = Engine::open(parts, options)
            .await
            .expect("the engine starts");
        Self {
            engine,
            moments,
            folder: house.path().to_owned(),
        }
    }

    pub(crate) fn request(&self, pipeline: &PipelineDefinition, lanes: u32) -> LaunchRequest {
        let url = format!("sqlite:{}", self.folder.join("warehouse.db").display());
        LaunchRequest {
            plan: Arc::clone(pipeline.plan()),
            params: serde_json::Map::new(),
            targets: BTreeMap::from([("warehouse".to_owned(), url)]),
            launched_by: "a test".to_owned(),
            lanes: Some(lanes),
            priority: None,
            narrowing: Narrowing::default(),
            despite_failures: false,
            idempotency_key: None,
            entities: EntitySource::Pipeline,
        }
    }

    pub(crate) async fn launch(&self, request: LaunchRequest) -> ProcessId {
        match in_time("launching", self.engine.launch(request)).await {
            Ok(LaunchOutcome::Launched(process)) => process,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn settled(&self, house: &House, process: ProcessId) -> ProcessRow {
        let row = in_time("settling", self.engine.wait(process)).await;
        super::sound(house);
        row.expect("the engine lives")
    }

    pub(crate) async fn end(&self) {
        let ended = in_time("ending", self.engine.shutdown(Duration::ZERO)).await;
        ended.expect("the engine ends");
    }
}

/// Steps that answer by a function of entity and step.
pub(crate) struct Answers<F>(pub(crate) F);

impl<F> StepRunner for Answers<F>
where
    F: Fn(&str, &str) -> Result<(), &'static str> + Send + Sync,
{
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        _cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        let entity = call.context.entity_key.as_deref().unwrap_or("own");
        let step = &call.plan.step(call.step).name;
        let answer = (self.0)(entity, step)
            .map(|()| StepDone::default())
            .map_err(|text| StepError::new("CAR0518", ErrorClass::Permanent, text));
        Box::pin(std::future::ready(answer))
    }
}

struct Opener {
    targets: Targets,
    moments: Arc<Moments>,
}

impl TargetOpener for Opener {
    fn open<'a>(
        &'a self,
        name: &'a str,
        url: &'a str,
    ) -> Pending<'a, Result<Arc<dyn Target>, TargetError>> {
        let opened = self.targets.open(name, url).map(|inner| {
            Arc::new(Decided {
                inner,
                moments: Arc::clone(&self.moments),
            }) as Arc<dyn Target>
        });
        Box::pin(std::future::ready(opened))
    }
}

struct Decided {
    inner: Arc<dyn Target>,
    moments: Arc<Moments>,
}

struct Chunks {
    inner: Box<dyn EntityCursor>,
    moments: Arc<Moments>,
}

impl EntityCursor for Chunks {
    fn next(&mut self, max: usize) -> Pending<'_, Result<Vec<EntityRow>, TargetError>> {
        Box::pin(async move {
            self.moments.entities.go_through().await;
            self.inner.next(max).await
        })
    }
}

impl Target for Decided {
    fn probe(&self) -> Pending<'_, Result<String, TargetError>> {
        self.inner.probe()
    }

    fn entities<'a>(
        &'a self,
        sql: &'a SqlText,
        key: &'a str,
        values: &'a (dyn Lookup + 'a),
    ) -> Pending<'a, Result<Box<dyn EntityCursor>, TargetError>> {
        Box::pin(async move {
            let inner = self.inner.entities(sql, key, values).await?;
            let moments = Arc::clone(&self.moments);
            Ok(Box::new(Chunks { inner, moments }) as Box<dyn EntityCursor>)
        })
    }

    fn inspect<'a>(
        &'a self,
        sql: &'a SqlText,
        own: &'a [String],
    ) -> Pending<'a, Result<Inspection, TargetError>> {
        self.inner.inspect(sql, own)
    }

    fn shared_writers(&self) -> Option<u32> {
        self.inner.shared_writers()
    }

    fn run_sql<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        self.inner.run_sql(call, cancel)
    }

    fn publish<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        self.inner.publish(call, cancel)
    }

    fn carry_workspace<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
        from: Run,
        to: Run,
        clear: &'a [String],
    ) -> Pending<'a, Result<(), TargetError>> {
        self.inner
            .carry_workspace(definition, whose, from, to, clear)
    }

    fn newest_execution(&self) -> Pending<'_, Result<i64, TargetError>> {
        self.inner.newest_execution()
    }

    fn workspaces(&self, process: ProcessId) -> Pending<'_, Result<Vec<ExecutionId>, TargetError>> {
        Box::pin(async move {
            self.moments.sweep.go_through().await;
            self.inner.workspaces(process).await
        })
    }

    fn discard_workspace<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<(), TargetError>> {
        Box::pin(async move {
            self.moments.discard.go_through().await;
            self.inner.discard_workspace(definition, whose).await
        })
    }

    fn preview_rollback<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<Vec<TableRows>, TargetError>> {
        self.inner.preview_rollback(definition, whose)
    }

    fn roll_back<'a>(
        &'a self,
        definition: &'a Definition,
        whose: Whose,
    ) -> Pending<'a, Result<Vec<TableRows>, TargetError>> {
        if self.moments.roll_back_fails.load(Ordering::Relaxed) {
            let error = TargetError::Unreachable("it is not there just now".to_owned());
            return Box::pin(std::future::ready(Err(error)));
        }
        Box::pin(async move {
            self.moments.undo.go_through().await;
            self.inner.roll_back(definition, whose).await
        })
    }
}
