//! What a case works with: a store that can be opened again, a time that it moves itself, and verbs that must succeed.

use carril_model::account::{Cause, CauseKind, TimeAccount};
use carril_model::contract::{
    Change, Claim, Claimed, Entered, Fault, Group, History, Launch, Launched, NewExecution,
    NodeInfo, Owned, ProcessChange, ProcessRow, Record, Report, Selection, StepEnd, Store, Tally,
    Until, Verdict,
};
use carril_model::definition::{
    Action, Definition, Effects, Entities, Lanes, Overlap, RetryPolicy, Scope, Stage, Step, Version,
};
use carril_model::id::{ExecutionId, ProcessId, StepId};
use carril_model::state::{ExecutionState, StepState};
use carril_model::time::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Opens the same store again and again; what it keeps (a folder, a schema) lives as long as it does.
pub struct Opener {
    store: Box<dyn Fn() -> Arc<dyn Store>>,
    history: Option<Box<dyn Fn() -> Arc<dyn History>>>,
}

impl Opener {
    /// From a way to open the store.
    pub fn new(open: impl Fn() -> Arc<dyn Store> + 'static) -> Self {
        Self {
            store: Box::new(open),
            history: None,
        }
    }

    /// The same with a way to look at what the store shows to people, which is then compared too.
    #[must_use]
    pub fn with_history(self, open: impl Fn() -> Arc<dyn History> + 'static) -> Self {
        Self {
            history: Some(Box::new(open)),
            ..self
        }
    }
}

/// A launch as the cases describe it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The launch itself.
    pub launch: Launch,
    /// Its entities.
    pub entities: Vec<NewExecution>,
    /// How many are claimed with it.
    pub open: u32,
}

/// A store under test, with its time.
pub struct Harness {
    // Before the opener, so that the store is closed before what it lies in goes away.
    store: Option<Arc<dyn Store>>,
    history: Option<Arc<dyn History>>,
    opener: Opener,
    runtime: tokio::runtime::Runtime,
    now: i64,
    version: Version,
}

/// The pipeline that every case runs: three steps per entity, one for the process, one more per entity.
#[must_use]
pub fn definition() -> Definition {
    let stage = |name: &str, per: Scope, steps: &[&str]| Stage {
        name: name.to_owned(),
        per,
        parallel: false,
        when: None,
        steps: steps.iter().map(|name| noop(name)).collect(),
    };
    Definition {
        name: "conformance".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: carril_model::definition::Goal::default(),
        stages: vec![
            stage("load", Scope::Entity, &["first", "second", "third"]),
            stage("sum", Scope::Process, &["total"]),
            stage("tell", Scope::Entity, &["mail"]),
        ],
    }
}

fn noop(name: &str) -> Step {
    Step {
        name: name.to_owned(),
        action: Action::Noop,
        when: None,
        critical: true,
        timeout: Duration::from_secs(1),
        retry: RetryPolicy::default(),
        resources: Vec::new(),
        on_open: Default::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

/// An entity with a lane key of its own.
#[must_use]
pub fn entity(at: usize) -> NewExecution {
    let mut attributes = Map::new();
    attributes.insert("size".to_owned(), json!(at));
    NewExecution {
        entity_key: format!("e{at:05}"),
        attributes,
        lane_hash: 1_000_000 + i64::try_from(at).unwrap_or(0) * 7_919,
    }
}

/// The end of a first attempt that has nothing to say.
#[must_use]
pub fn step_end(step: u16, began: Timestamp, ended: Timestamp) -> StepEnd {
    StepEnd {
        step: StepId(step),
        attempt: 1,
        failures: 0,
        state: StepState::Succeeded,
        began,
        ended,
        retry_at: None,
        fallback: false,
        reason: None,
        output: None,
        rows: Vec::new(),
        error: None,
        log: None,
        waits: Vec::new(),
    }
}

/// The change that settles a claimed execution.
#[must_use]
pub fn end_of(claimed: &Claimed, state: ExecutionState, at: Timestamp) -> Record {
    Record {
        owned: claimed.owned,
        change: closing(claimed, state, at),
    }
}

/// The change that settles what is claimed.
pub(crate) fn closing(claimed: &Claimed, state: ExecutionState, at: Timestamp) -> Change {
    Change::Settled {
        state,
        at,
        account: closed(claimed, at),
        error: None,
        warnings: 0,
    }
}

fn closed(claimed: &Claimed, at: Timestamp) -> TimeAccount {
    let mut account = claimed.account.clone();
    let cause = account.cause().clone();
    account.switch(cause, at);
    account
}

impl Harness {
    /// Opens the store, enters it and keeps the definition.
    #[must_use]
    pub fn open(opener: Opener) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime needs no more than memory");
        let version = definition().version();
        let store = Some((opener.store)());
        let mut harness = Self {
            store,
            history: None,
            opener,
            runtime,
            now: 1_000_000_000,
            version,
        };
        harness.enter();
        harness.define();
        harness.history = harness.opener.history.as_ref().map(|open| open());
        harness
    }

    /// What the store shows to people, where the opener gives it.
    #[must_use]
    pub fn history(&self) -> Option<&dyn History> {
        self.history.as_deref()
    }

    /// Sets the time.
    pub const fn be_at(&mut self, now: Timestamp) {
        self.now = now.0;
    }

    /// Now. Every call of [`Harness::tick`] moves it.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        Timestamp(self.now)
    }

    /// Moves the time on, in microseconds.
    pub const fn tick(&mut self, micros: i64) -> Timestamp {
        self.now += micros;
        Timestamp(self.now)
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store
            .as_deref()
            .expect("the store is open between two calls")
    }

    /// Waits for a future of the store.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Registers an engine, as after a start.
    pub fn enter(&mut self) -> Entered {
        let node = NodeInfo {
            host: "here".to_owned(),
            pid: 4_711,
            command: "test".to_owned(),
            lanes: None,
        };
        self.wait(self.store().enter(&node, self.now()))
            .expect("entering succeeds")
    }

    /// Closes the store without leaving it, opens it again and enters: what a crash and a start do.
    pub fn crash(&mut self) -> Entered {
        self.reopen();
        self.enter()
    }

    /// Closes the store and opens it again, without entering.
    pub fn reopen(&mut self) {
        self.store = None;
        self.store = Some((self.opener.store)());
    }

    fn define(&self) {
        self.wait(
            self.store()
                .define(&self.version, &definition(), self.now()),
        )
        .expect("a definition is kept");
    }

    /// The version of [`definition`].
    #[must_use]
    pub const fn version(&self) -> &Version {
        &self.version
    }

    /// A launch of `many` entities with lane keys of their own, in one segment, none claimed.
    #[must_use]
    pub fn spec(&self, many: usize) -> Spec {
        let launch = Launch {
            pipeline: "conformance".to_owned(),
            version: self.version.clone(),
            params: Map::from_iter([("day".to_owned(), Value::from("2025-06-30"))]),
            launched_by: "tester".to_owned(),
            idempotency_key: None,
            overlap: Overlap::Allow,
            lanes: 50,
            lanes_auto: None,
            priority: 0,
            targets: BTreeMap::from([("warehouse".to_owned(), "sqlite:w.db".to_owned())]),
            folder: Some("/pipelines/conformance".to_owned()),
            overlap_hash: 42,
            ids_above: 0,
            process_segment: None,
            entity_segment: Some(0),
            segments: 1,
            at: self.now(),
        };
        Spec {
            launch,
            entities: (0..many).map(entity).collect(),
            open: 0,
        }
    }

    /// The same over all three segments of [`definition`], with the process's own execution.
    #[must_use]
    pub fn spec_in_segments(&self, many: usize) -> Spec {
        let mut spec = self.spec(many);
        spec.launch.process_segment = Some(1);
        spec.launch.segments = 3;
        spec
    }

    /// The same with the process's own stage before that of the entities, and another one after it.
    pub fn spec_own_first(&self, many: usize) -> Spec {
        let mut spec = self.spec(many);
        spec.launch.process_segment = Some(0);
        spec.launch.entity_segment = Some(1);
        spec.launch.segments = 3;
        spec
    }

    /// Launches, whatever comes of it.
    ///
    /// # Errors
    /// As the store's.
    pub fn try_launch(&self, spec: &Spec) -> Result<Launched, Fault> {
        self.wait(
            self.store()
                .launch(&spec.launch, &spec.entities, Some(spec.open)),
        )
    }

    /// Launches a new process.
    pub fn launch(&self, spec: &Spec) -> (ProcessId, Vec<Claimed>) {
        match self.try_launch(spec).expect("the launch succeeds") {
            Launched::New { process, claimed } => (process, claimed),
            other => panic!("a new process was expected, not {other:?}"),
        }
    }

    /// Launches `many` entities and claims them all.
    pub fn running(&self, many: usize) -> (ProcessId, Vec<Claimed>) {
        let mut spec = self.spec(many);
        spec.open = u32::try_from(many).expect("cases are small");
        let (process, claimed) = self.launch(&spec);
        assert_eq!(claimed.len(), many, "all are claimed");
        (process, claimed)
    }

    /// Commits a group at the present time.
    ///
    /// # Errors
    /// As the store's.
    pub fn try_commit(
        &self,
        records: Vec<Record>,
        processes: Vec<ProcessChange>,
        claims: Vec<Claim>,
    ) -> Result<Report, Fault> {
        self.wait(self.store().commit(Arc::new(Group {
            records,
            processes,
            claims,
            at: self.now(),
            ..Group::default()
        })))
    }

    /// Commits records, and gives their verdicts.
    pub fn records(&self, records: Vec<Record>) -> Vec<Verdict> {
        self.try_commit(records, Vec::new(), Vec::new())
            .expect("the commit succeeds")
            .verdicts
    }

    /// Commits one change that must be accepted.
    pub fn accept(&self, owned: Owned, change: Change) -> Report {
        let report = self
            .try_commit(vec![Record { owned, change }], Vec::new(), Vec::new())
            .expect("the commit succeeds");
        assert_eq!(report.verdicts, [Verdict::Done]);
        report
    }

    /// Commits one change that must be refused.
    pub fn refuse(&self, owned: Owned, change: Change) {
        assert_eq!(
            self.records(vec![Record { owned, change }]),
            [Verdict::Lost]
        );
    }

    /// Commits a change of a process and gives the process as it is then.
    pub fn change(&self, change: ProcessChange) -> (ProcessRow, Report) {
        let id = match &change {
            ProcessChange::Advance { process, .. }
            | ProcessChange::Settle { process, .. }
            | ProcessChange::Pause { process, .. }
            | ProcessChange::Resume { process, .. }
            | ProcessChange::Cancel { process, .. }
            | ProcessChange::Lanes { process, .. } => *process,
        };
        let report = self
            .try_commit(Vec::new(), vec![change], Vec::new())
            .expect("the commit succeeds");
        let row = report
            .processes
            .iter()
            .find(|row| row.id == id)
            .cloned()
            .expect("a changed process is reported");
        assert_eq!(row, self.process(id), "what is reported is what is stored");
        (row, report)
    }

    /// Claims.
    pub fn claim(&self, process: ProcessId, max: u32) -> Vec<Claimed> {
        let report = self
            .try_commit(Vec::new(), Vec::new(), vec![Claim { process, max }])
            .expect("the commit succeeds");
        report.claimed
    }

    /// Settles claimed executions.
    pub fn settle(&self, claimed: &[Claimed], state: ExecutionState) -> Report {
        let records = claimed
            .iter()
            .map(|one| end_of(one, state, self.now()))
            .collect();
        let report = self
            .try_commit(records, Vec::new(), Vec::new())
            .expect("the commit succeeds");
        assert!(
            report
                .verdicts
                .iter()
                .all(|verdict| *verdict == Verdict::Done),
            "all settle"
        );
        report
    }

    /// Parks a claimed execution before a segment.
    pub fn park(&self, claimed: &Claimed, segment: u32) -> Report {
        let mut account = claimed.account.clone();
        account.switch(Cause::plain(CauseKind::Barrier), self.now());
        let until = Until::Segment(segment);
        self.accept(claimed.owned, Change::Parked { until, account })
    }

    /// The process.
    pub fn process(&self, process: ProcessId) -> ProcessRow {
        self.wait(self.store().process(process))
            .expect("the process is there")
    }

    /// Every execution of a process, with state and segment.
    pub fn executions(&self, process: ProcessId) -> Vec<(Owned, ExecutionState, u32)> {
        self.selected(&Selection::Process(process))
    }

    /// What a selection means, page by page.
    pub fn selected(&self, selection: &Selection) -> Vec<(Owned, ExecutionState, u32)> {
        let mut all = Vec::new();
        loop {
            let above = all
                .last()
                .map(|(owned, _, _): &(Owned, _, _)| owned.execution);
            let page = self
                .wait(self.store().select(selection, above, 7))
                .expect("selecting succeeds");
            assert!(page.len() <= 7, "a page is bounded");
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// The state of one execution.
    pub fn state_of(&self, execution: ExecutionId) -> ExecutionState {
        let found = self.selected(&Selection::Executions(vec![execution]));
        found.first().expect("the execution is there").1
    }

    /// Counts anew what the tally and `open` of a process must be, and compares (P3).
    pub fn recount(&self, process: ProcessId) -> ProcessRow {
        let row = self.process(process);
        let mut tally = Tally::default();
        let mut open = 0;
        for (owned, state, segment) in self.executions(process) {
            if !state.is_settled() && segment == row.segment {
                open += 1;
            }
            if owned.per_process {
                assert_eq!(
                    row.own_state,
                    Some(state),
                    "the own execution's state is told"
                );
                assert_eq!(row.own, Some(owned.execution), "the own execution is named");
                continue;
            }
            tally.total += 1;
            match state {
                ExecutionState::Succeeded => tally.succeeded += 1,
                ExecutionState::Failed => tally.failed += 1,
                ExecutionState::Skipped => tally.skipped += 1,
                ExecutionState::Cancelled => tally.cancelled += 1,
                ExecutionState::RolledBack => tally.rolled_back += 1,
                ExecutionState::Pending | ExecutionState::Running | ExecutionState::Waiting => {}
            }
        }
        assert_eq!(
            row.tally, tally,
            "the tally of process {process} is that of its executions"
        );
        assert_eq!(
            row.open, open,
            "process {process} counts who is left in segment {}",
            row.segment
        );
        row
    }
}
