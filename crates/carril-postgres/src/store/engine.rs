//! The store as the engine sees it: every verb is work for the one thread that owns the connection.

use super::ear::{self, Ear};
use super::fault::gone;
use super::open::{self, OpenError, StoreOptions};
use super::session::{Session, Tx};
use super::{
    adapt, again, allot, breakers, commit, enter, forget, import, launch, lookup, neighbours,
    rails, wake,
};
use crate::driver::{self, Doing, Worker};
use carril_model::baseline::{Baseline, PastRun};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{
    Allotted, Answer, Claimed, Entered, Fault, Forgotten, Group, ImportDone, Launch, Launched,
    Lender, Neighbours, NewExecution, NewImport, NewSignal, News, NodeInfo, Owned, Pending,
    ProcessRow, Rails, Report, Request, Rerun, Selected, Selection, Sent, StepRow, Stopped, Store,
};
use carril_model::definition::{Definition, Version};
use carril_model::guard::VersionRecord;
use carril_model::id::{ExecutionId, ProcessId, RequestId};
use carril_model::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Calls that wait for the thread; more wait outside. The engine has one commit at a time and few look-ups beside it.
const WAITING_MAX: usize = 64;

/// The engine's store in one schema of a PostgreSQL database, beside any number of others. Dropping it does what is queued and
/// closes the connection.
pub struct PostgresStore {
    worker: Worker<Session>,
    ear: Arc<Ear>,
    lease: Duration,
    /// Moves when what was asked for before is given up.
    given_up: watch::Sender<u64>,
}

/// Gives up all that was asked for when an answer is waited for no longer, unless it came.
struct Waits<'a>(Option<&'a watch::Sender<u64>>);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(given_up) = self.0 {
            given_up.send_modify(|times| *times += 1);
        }
    }
}

impl PostgresStore {
    /// Opens the store at a URL: made if it is missing, brought up to date if it is older. It needs a session of its own: a pooler
    /// in between must not share one connection among several.
    ///
    /// # Errors
    /// As [`OpenError`]; nothing was changed.
    pub fn open(url: &str, options: &StoreOptions) -> Result<Self, OpenError> {
        let address = open::address(url, "carril store")?;
        let shown = address.shown().to_owned();
        let unreachable = |why: String| OpenError::Unreachable {
            url: shown.clone(),
            why,
        };
        let ear: Arc<Ear> = Arc::default();
        let lease_millis = options.lease_millis();
        let mut session = Session::new(address.clone(), &options.schema, lease_millis, false);
        session.ear = Some(Arc::clone(&ear));
        let turnstile = session.turnstile();
        let worker = Worker::start("carril-store", session, WAITING_MAX)
            .map_err(|error| unreachable(error.to_string()))?;
        let (options, hears) = (options.clone(), Arc::clone(&ear));
        worker
            .wait(move |_| {
                Box::pin(async move {
                    open::for_engine(&address, &options).await?;
                    if options.notify {
                        driver::beside(ear::keep(hears, address.named("carril ear"), turnstile));
                    }
                    Ok(())
                })
            })
            .map_err(|gone| unreachable(gone.to_string()))??;
        let lease = Duration::from_millis(lease_millis.unsigned_abs());
        Ok(Self {
            worker,
            ear,
            lease,
            given_up: watch::Sender::new(0),
        })
    }

    fn run<'a, T, F>(&'a self, work: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> Doing<'s, Result<T, Fault>> + Send + 'static,
    {
        let mut given_up = self.given_up.subscribe();
        let done = self.worker.call(move |session| {
            Box::pin(async move {
                tokio::select! {
                    biased;
                    Ok(()) = given_up.changed() => Err(Fault::Unavailable("the store did not answer in time".to_owned())),
                    done = work(session) => done,
                }
            })
        });
        Box::pin(async move { done.await.map_err(gone)? })
    }

    /// The same for what proves that the store can be reached: whoever stops waiting for it takes it for lost. Then all that was asked
    /// for is given up, and its connection with it, on which perhaps nobody will ever answer.
    fn run_or_give_up<'a, T, F>(&'a self, work: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> Doing<'s, Result<T, Fault>> + Send + 'static,
    {
        let done = self.run(work);
        Box::pin(async move {
            let mut waits = Waits(Some(&self.given_up));
            let done = done.await;
            waits.0 = None;
            done
        })
    }

    /// The same for what may give other engines something to do: they are told when it is done.
    fn change<'a, T, F>(&'a self, work: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> Doing<'s, Result<T, Fault>> + Send + 'static,
    {
        self.run(move |session| {
            Box::pin(async move {
                let done = work(session).await?;
                session.stir();
                Ok(done)
            })
        })
    }

    /// Has a question answered from one snapshot.
    fn read<'a, T, F>(&'a self, question: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.run(move |session| Box::pin(session.read(question)))
    }
}

impl Store for PostgresStore {
    fn enter<'a>(
        &'a self,
        node: &'a NodeInfo,
        now: Timestamp,
    ) -> Pending<'a, Result<Entered, Fault>> {
        let node = node.clone();
        self.give_up();
        self.run_or_give_up(move |session| {
            Box::pin(async move { enter::enter(session, &node, now).await })
        })
    }

    fn define<'a>(
        &'a self,
        version: &'a Version,
        definition: &'a Definition,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>> {
        let (version, definition) = (version.clone(), definition.clone());
        self.run(move |session| {
            Box::pin(async move { lookup::define(session, &version, &definition, now).await })
        })
    }

    fn definition<'a>(&'a self, version: &'a Version) -> Pending<'a, Result<Definition, Fault>> {
        let version = version.clone();
        self.read(async move |tx| lookup::definition(tx, &version).await)
    }

    fn lanes_auto(&self, process: ProcessId) -> Pending<'_, Result<Option<u32>, Fault>> {
        self.read(async move |tx| adapt::most(tx, process).await)
    }

    fn launch<'a>(
        &'a self,
        launch: &'a Launch,
        first: &'a [NewExecution],
        open: Option<u32>,
    ) -> Pending<'a, Result<Launched, Fault>> {
        let (launch, first) = (launch.clone(), first.to_vec());
        self.change(move |session| {
            Box::pin(async move { launch::launch(session, &launch, &first, open).await })
        })
    }

    fn answered<'a>(&'a self, launch: &'a Launch) -> Pending<'a, Result<Option<Launched>, Fault>> {
        let launch = launch.clone();
        self.read(async move |tx| {
            let unsettled = launch::same_unsettled(tx, &launch).await?;
            launch::answer(tx, &launch, unsettled).await
        })
    }

    fn extend<'a>(
        &'a self,
        process: ProcessId,
        more: &'a [NewExecution],
        open: Option<u32>,
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Claimed>, Fault>> {
        let more = more.to_vec();
        self.change(move |session| {
            Box::pin(async move { launch::extend(session, process, &more, open, now).await })
        })
    }

    fn abandon(&self, process: ProcessId) -> Pending<'_, Result<(), Fault>> {
        self.change(move |session| {
            Box::pin(async move {
                let now = session.seen;
                launch::abandon(session, process, now).await
            })
        })
    }

    fn commit(&self, group: Arc<Group>) -> Pending<'_, Result<Report, Fault>> {
        self.run_or_give_up(move |session| {
            Box::pin(async move { commit::commit(session, &group).await })
        })
    }

    fn process(&self, process: ProcessId) -> Pending<'_, Result<ProcessRow, Fault>> {
        self.read(async move |tx| lookup::process(tx, process).await)
    }

    fn select<'a>(
        &'a self,
        selection: &'a Selection,
        above: Option<ExecutionId>,
        max: u32,
    ) -> Pending<'a, Result<Vec<Selected>, Fault>> {
        let selection = selection.clone();
        self.read(async move |tx| lookup::select(tx, &selection, above, max).await)
    }

    fn steps(&self, execution: ExecutionId) -> Pending<'_, Result<Vec<StepRow>, Fault>> {
        self.read(async move |tx| lookup::steps(tx, execution).await)
    }

    fn rerun<'a>(
        &'a self,
        process: ProcessId,
        reruns: &'a [Rerun],
        now: Timestamp,
    ) -> Pending<'a, Result<ProcessRow, Fault>> {
        let reruns = reruns.to_vec();
        self.change(move |session| {
            Box::pin(async move { again::rerun(session, process, &reruns, now).await })
        })
    }

    fn begin_rollback<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Owned>, Fault>> {
        let executions = executions.to_vec();
        self.change(move |session| {
            Box::pin(async move { again::begin_rollback(session, &executions, now).await })
        })
    }

    fn cancel<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        reason: &'a str,
        now: Timestamp,
    ) -> Pending<'a, Result<Stopped, Fault>> {
        let (executions, reason) = (executions.to_vec(), reason.to_owned());
        self.change(move |session| {
            Box::pin(async move { again::cancel(session, &executions, &reason, now).await })
        })
    }

    fn signal<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        signal: &'a NewSignal,
    ) -> Pending<'a, Result<Sent, Fault>> {
        let (executions, signal) = (executions.to_vec(), signal.clone());
        self.change(move |session| {
            Box::pin(async move { wake::signal(session, &executions, &signal).await })
        })
    }

    fn ended(
        &self,
        before: Timestamp,
        above: Option<ProcessId>,
        max: u32,
    ) -> Pending<'_, Result<Vec<ProcessRow>, Fault>> {
        self.read(async move |tx| forget::ended(tx, before, above, max).await)
    }

    fn forget(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Forgotten, Fault>> {
        self.run(move |session| {
            Box::pin(async move { forget::forget(session, process, max).await })
        })
    }

    fn import(&self, import: Arc<NewImport>) -> Pending<'_, Result<ImportDone, Fault>> {
        self.run(move |session| Box::pin(async move { import::import(session, &import).await }))
    }

    fn keep_baseline<'a>(&'a self, baseline: &'a Baseline) -> Pending<'a, Result<(), Fault>> {
        let baseline = baseline.clone();
        self.run(move |session| {
            Box::pin(async move { rails::keep_baseline(session, &baseline).await })
        })
    }

    fn clear_baseline<'a>(&'a self, pipeline: &'a str) -> Pending<'a, Result<bool, Fault>> {
        let pipeline = pipeline.to_owned();
        self.run(move |session| {
            Box::pin(async move { rails::clear_baseline(session, &pipeline).await })
        })
    }

    fn requests(&self) -> Pending<'_, Result<Vec<Request>, Fault>> {
        self.run(move |session| Box::pin(async move { lookup::requests(session).await }))
    }

    fn answer<'a>(
        &'a self,
        request: RequestId,
        answer: &'a Answer,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>> {
        let answer = answer.clone();
        self.run(move |session| {
            Box::pin(async move { lookup::answer(session, request, &answer, now).await })
        })
    }

    fn breakers(&self) -> Pending<'_, Result<Vec<BreakerRow>, Fault>> {
        self.read(async move |tx| breakers::all(tx).await)
    }

    fn beat(&self, now: Timestamp) -> Pending<'_, Result<Vec<ProcessId>, Fault>> {
        self.run_or_give_up(move |session| Box::pin(async move { enter::beat(session, now).await }))
    }

    fn leave(&self, now: Timestamp) -> Pending<'_, Result<(), Fault>> {
        self.run(move |session| Box::pin(async move { enter::leave(session, now).await }))
    }

    fn neighbours(&self) -> Option<&dyn Neighbours> {
        Some(self)
    }
}

impl Neighbours for PostgresStore {
    fn lease(&self) -> Duration {
        self.lease
    }

    fn time(&self) -> Pending<'_, Result<Timestamp, Fault>> {
        self.run(move |session| Box::pin(neighbours::time(session)))
    }

    fn give_up(&self) {
        drop(Waits(Some(&self.given_up)));
    }

    fn stirred(&self) -> Pending<'_, ()> {
        Box::pin(self.ear.heard())
    }

    fn look<'a>(&'a self, named: &'a [ProcessId]) -> Pending<'a, Result<News, Fault>> {
        let named = named.to_vec();
        self.run(move |session| Box::pin(async move { neighbours::look(session, &named).await }))
    }

    fn share(&self, lender: Arc<dyn Lender>) -> Pending<'_, Result<Vec<Allotted>, Fault>> {
        self.run(move |session| Box::pin(allot::share(session, lender)))
    }
}

impl Rails for PostgresStore {
    fn versions<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
        others: u32,
    ) -> Pending<'a, Result<Vec<VersionRecord>, Fault>> {
        let (pipeline, version) = (pipeline.to_owned(), version.clone());
        self.read(async move |tx| rails::versions(tx, &pipeline, &version, others).await)
    }

    fn early_failures<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
    ) -> Pending<'a, Result<u64, Fault>> {
        let (pipeline, version) = (pipeline.to_owned(), version.clone());
        self.read(async move |tx| rails::early_failures(tx, &pipeline, &version).await)
    }

    fn baselines<'a>(
        &'a self,
        pipeline: Option<&'a str>,
        max: u32,
    ) -> Pending<'a, Result<Vec<Baseline>, Fault>> {
        let pipeline = pipeline.map(str::to_owned);
        self.read(async move |tx| rails::baselines(tx, pipeline.as_deref(), max).await)
    }

    fn past_runs<'a>(
        &'a self,
        pipeline: &'a str,
        after: ProcessId,
        max: u32,
    ) -> Pending<'a, Result<Vec<PastRun>, Fault>> {
        let pipeline = pipeline.to_owned();
        self.read(async move |tx| rails::past_runs(tx, &pipeline, after, max).await)
    }

    fn worked_micros(&self, process: ProcessId, now: Timestamp) -> Pending<'_, Result<i64, Fault>> {
        self.read(async move |tx| rails::worked_micros(tx, process, now).await)
    }
}
