//! A store that fails on demand: the Nth call is refused, or done and then answered with an error.
//!
//! The second kind is what a lost connection or a full disk at the wrong moment look like, and what an engine must survive
//! by entering again (the kinds follow Temporal's fault injection: refuse, or execute and time out).

use carril_model::baseline::{Baseline, PastRun};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{
    Allotted, Answer, Claimed, Entered, Fault, Forgotten, Group, ImportDone, Launch, Launched,
    Lender, Neighbours, NewExecution, NewImport, NewSignal, News, NodeInfo, Owned, Pending,
    ProcessRow, Rails, Report, Request, Rerun, Selection, Sent, StepRow, Store,
};
use carril_model::definition::{Definition, Version};
use carril_model::guard::VersionRecord;
use carril_model::id::{ExecutionId, ProcessId, RequestId};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The verbs that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the store's verb of the same name")]
pub enum Verb {
    Enter,
    Define,
    Definition,
    LanesAuto,
    Launch,
    Answered,
    Extend,
    Abandon,
    Commit,
    Process,
    Select,
    Steps,
    Rerun,
    BeginRollback,
    Cancel,
    Signal,
    Ended,
    Forget,
    Import,
    KeepBaseline,
    ClearBaseline,
    Versions,
    EarlyFailures,
    Baselines,
    PastRuns,
    WorkedMicros,
    Requests,
    Answer,
    Breakers,
    Beat,
    Time,
    Look,
    Share,
    Leave,
}

/// How a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is done.
    Refuse(Fault),
    /// It is done, and then answered with this.
    ExecuteThen(Fault),
}

/// One call that is to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    verb: Verb,
    /// How many calls of the verb still succeed before it.
    after: u32,
    kind: Kind,
}

/// Counts and plans, shared with whoever sets them while an engine holds the store.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    plans: Vec<Plan>,
    calls: Vec<Verb>,
    fired: u32,
}

impl Faults {
    /// Lets the call of `verb` that comes after `after` more of them fail, once.
    pub fn fail(&self, verb: Verb, after: u32, kind: Kind) {
        self.locked(|inner| inner.plans.push(Plan { verb, after, kind }));
    }

    /// How many planned failures have happened.
    #[must_use]
    pub fn fired(&self) -> u32 {
        self.locked(|inner| inner.fired)
    }

    /// How many calls of `verb` there were, failed ones included.
    #[must_use]
    pub fn calls(&self, verb: Verb) -> usize {
        self.locked(|inner| inner.calls.iter().filter(|call| **call == verb).count())
    }

    fn next(&self, verb: Verb) -> Option<Kind> {
        self.locked(|inner| {
            inner.calls.push(verb);
            let mut due = None;
            for (at, plan) in inner
                .plans
                .iter_mut()
                .enumerate()
                .filter(|(_, plan)| plan.verb == verb)
            {
                if plan.after == 0 {
                    due = due.or(Some(at));
                } else {
                    plan.after -= 1;
                }
            }
            due.map(|at| {
                inner.fired += 1;
                inner.plans.remove(at).kind
            })
        })
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A store whose calls fail as planned, and otherwise do what the inner one does.
pub struct FaultStore<S> {
    inner: S,
    faults: Faults,
}

impl<S: Store> FaultStore<S> {
    /// Around a store; `faults` says what fails and can be changed at any time.
    pub const fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// The store itself, for looking behind the faults.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        verb: Verb,
        work: impl FnOnce(&'a S) -> Pending<'a, Result<T, Fault>>,
    ) -> Pending<'a, Result<T, Fault>> {
        match self.faults.next(verb) {
            None => work(&self.inner),
            Some(Kind::Refuse(fault)) => Box::pin(async move { Err(fault) }),
            Some(Kind::ExecuteThen(fault)) => {
                let done = work(&self.inner);
                Box::pin(async move {
                    done.await?;
                    Err(fault)
                })
            }
        }
    }
}

impl<S: Store> Store for FaultStore<S> {
    fn enter<'a>(
        &'a self,
        node: &'a NodeInfo,
        now: Timestamp,
    ) -> Pending<'a, Result<Entered, Fault>> {
        self.call(Verb::Enter, |store| store.enter(node, now))
    }

    fn define<'a>(
        &'a self,
        version: &'a Version,
        definition: &'a Definition,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>> {
        self.call(Verb::Define, |store| store.define(version, definition, now))
    }

    fn definition<'a>(&'a self, version: &'a Version) -> Pending<'a, Result<Definition, Fault>> {
        self.call(Verb::Definition, |store| store.definition(version))
    }

    fn lanes_auto(&self, process: ProcessId) -> Pending<'_, Result<Option<u32>, Fault>> {
        self.call(Verb::LanesAuto, |store| store.lanes_auto(process))
    }

    fn launch<'a>(
        &'a self,
        launch: &'a Launch,
        first: &'a [NewExecution],
        open: Option<u32>,
    ) -> Pending<'a, Result<Launched, Fault>> {
        self.call(Verb::Launch, |store| store.launch(launch, first, open))
    }

    fn answered<'a>(&'a self, launch: &'a Launch) -> Pending<'a, Result<Option<Launched>, Fault>> {
        self.call(Verb::Answered, |store| store.answered(launch))
    }

    fn extend<'a>(
        &'a self,
        process: ProcessId,
        more: &'a [NewExecution],
        open: Option<u32>,
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Claimed>, Fault>> {
        self.call(Verb::Extend, |store| store.extend(process, more, open, now))
    }

    fn abandon(&self, process: ProcessId) -> Pending<'_, Result<(), Fault>> {
        self.call(Verb::Abandon, |store| store.abandon(process))
    }

    fn commit(&self, group: Arc<Group>) -> Pending<'_, Result<Report, Fault>> {
        self.call(Verb::Commit, |store| store.commit(group))
    }

    fn process(&self, process: ProcessId) -> Pending<'_, Result<ProcessRow, Fault>> {
        self.call(Verb::Process, |store| store.process(process))
    }

    fn select<'a>(
        &'a self,
        selection: &'a Selection,
        above: Option<ExecutionId>,
        max: u32,
    ) -> Pending<'a, Result<Vec<(Owned, ExecutionState, u32)>, Fault>> {
        self.call(Verb::Select, |store| store.select(selection, above, max))
    }

    fn steps(&self, execution: ExecutionId) -> Pending<'_, Result<Vec<StepRow>, Fault>> {
        self.call(Verb::Steps, |store| store.steps(execution))
    }

    fn rerun<'a>(
        &'a self,
        process: ProcessId,
        reruns: &'a [Rerun],
        now: Timestamp,
    ) -> Pending<'a, Result<ProcessRow, Fault>> {
        self.call(Verb::Rerun, |store| store.rerun(process, reruns, now))
    }

    fn begin_rollback<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Owned>, Fault>> {
        self.call(Verb::BeginRollback, |store| {
            store.begin_rollback(executions, now)
        })
    }

    fn cancel<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        reason: &'a str,
        now: Timestamp,
    ) -> Pending<'a, Result<(Vec<Owned>, Vec<ProcessRow>), Fault>> {
        self.call(Verb::Cancel, |store| store.cancel(executions, reason, now))
    }

    fn signal<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        signal: &'a NewSignal,
    ) -> Pending<'a, Result<Sent, Fault>> {
        self.call(Verb::Signal, |store| store.signal(executions, signal))
    }

    fn ended(
        &self,
        before: Timestamp,
        above: Option<ProcessId>,
        max: u32,
    ) -> Pending<'_, Result<Vec<ProcessRow>, Fault>> {
        self.call(Verb::Ended, |store| store.ended(before, above, max))
    }

    fn forget(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Forgotten, Fault>> {
        self.call(Verb::Forget, |store| store.forget(process, max))
    }

    fn import(&self, import: Arc<NewImport>) -> Pending<'_, Result<ImportDone, Fault>> {
        self.call(Verb::Import, |store| store.import(import))
    }

    fn keep_baseline<'a>(&'a self, baseline: &'a Baseline) -> Pending<'a, Result<(), Fault>> {
        self.call(Verb::KeepBaseline, |store| store.keep_baseline(baseline))
    }

    fn clear_baseline<'a>(&'a self, pipeline: &'a str) -> Pending<'a, Result<bool, Fault>> {
        self.call(Verb::ClearBaseline, |store| store.clear_baseline(pipeline))
    }

    fn requests(&self) -> Pending<'_, Result<Vec<Request>, Fault>> {
        self.call(Verb::Requests, Store::requests)
    }

    fn answer<'a>(
        &'a self,
        request: RequestId,
        answer: &'a Answer,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>> {
        self.call(Verb::Answer, |store| store.answer(request, answer, now))
    }

    fn breakers(&self) -> Pending<'_, Result<Vec<BreakerRow>, Fault>> {
        self.call(Verb::Breakers, Store::breakers)
    }

    fn beat(&self, now: Timestamp) -> Pending<'_, Result<Vec<ProcessId>, Fault>> {
        self.call(Verb::Beat, |store| store.beat(now))
    }

    fn leave(&self, now: Timestamp) -> Pending<'_, Result<(), Fault>> {
        self.call(Verb::Leave, |store| store.leave(now))
    }

    fn neighbours(&self) -> Option<&dyn Neighbours> {
        self.inner.neighbours().map(|_| self as &dyn Neighbours)
    }
}

impl<S: Store> Neighbours for FaultStore<S> {
    fn lease(&self) -> Duration {
        let inner = self.inner.neighbours();
        inner.map_or(Duration::MAX, Neighbours::lease)
    }

    fn time(&self) -> Pending<'_, Result<Timestamp, Fault>> {
        self.call(Verb::Time, |store| match store.neighbours() {
            Some(inner) => inner.time(),
            None => Box::pin(std::future::ready(Ok(Timestamp::default()))),
        })
    }

    fn give_up(&self) {
        if let Some(inner) = self.inner.neighbours() {
            inner.give_up();
        }
    }

    fn stirred(&self) -> Pending<'_, ()> {
        match self.inner.neighbours() {
            Some(inner) => inner.stirred(),
            None => Box::pin(std::future::pending()),
        }
    }

    fn look<'a>(&'a self, named: &'a [ProcessId]) -> Pending<'a, Result<News, Fault>> {
        self.call(Verb::Look, |store| match store.neighbours() {
            Some(inner) => inner.look(named),
            None => Box::pin(std::future::ready(Ok(News::default()))),
        })
    }

    fn share(&self, lender: Arc<dyn Lender>) -> Pending<'_, Result<Vec<Allotted>, Fault>> {
        self.call(Verb::Share, |store| match store.neighbours() {
            Some(inner) => inner.share(lender),
            None => Box::pin(std::future::ready(Ok(Vec::new()))),
        })
    }
}

impl<S: Store> Rails for FaultStore<S> {
    fn versions<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
        others: u32,
    ) -> Pending<'a, Result<Vec<VersionRecord>, Fault>> {
        self.call(Verb::Versions, |store| {
            store.versions(pipeline, version, others)
        })
    }

    fn early_failures<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
    ) -> Pending<'a, Result<u64, Fault>> {
        self.call(Verb::EarlyFailures, |store| {
            store.early_failures(pipeline, version)
        })
    }

    fn baselines<'a>(
        &'a self,
        pipeline: Option<&'a str>,
        max: u32,
    ) -> Pending<'a, Result<Vec<Baseline>, Fault>> {
        self.call(Verb::Baselines, |store| store.baselines(pipeline, max))
    }

    fn past_runs<'a>(
        &'a self,
        pipeline: &'a str,
        after: ProcessId,
        max: u32,
    ) -> Pending<'a, Result<Vec<PastRun>, Fault>> {
        self.call(Verb::PastRuns, |store| {
            store.past_runs(pipeline, after, max)
        })
    }

    fn worked_micros(&self, process: ProcessId, now: Timestamp) -> Pending<'_, Result<i64, Fault>> {
        self.call(Verb::WorkedMicros, |store| {
            store.worked_micros(process, now)
        })
    }
}
