//! The store as the engine sees it: every verb is work for the one thread that owns the connection.

use super::fault::gone;
use super::open::{self, OpenError, StoreOptions};
use super::session::Session;
use super::{adapt, again, breakers, commit, enter, forget, import, launch, lookup, rails, wake};
use crate::driver::Worker;
use carril_model::baseline::{Baseline, PastRun};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{
    Answer, Claimed, Entered, Fault, Forgotten, Group, ImportDone, Launch, Launched, NewExecution,
    NewImport, NewSignal, NodeInfo, Owned, Pending, ProcessRow, Rails, Report, Request, Rerun,
    Selection, Sent, StepRow, Store,
};
use carril_model::definition::{Definition, Version};
use carril_model::guard::VersionRecord;
use carril_model::id::{ExecutionId, ProcessId, RequestId};
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Calls that wait for the thread; more wait outside. The engine has one commit at a time and few look-ups beside it.
const WAITING_MAX: usize = 64;

/// The engine's store in one SQLite file. Dropping it does what is queued and closes the file.
pub struct SqliteStore {
    worker: Worker,
    /// Touched only on the worker's thread, so that the lock is never waited for.
    session: Arc<Mutex<Session>>,
}

impl SqliteStore {
    /// Opens the store: made if it is missing, brought up to date if it is older, checked whole after an unclean stop.
    ///
    /// Whoever calls this holds the [`super::EngineLock`] of the same path.
    ///
    /// # Errors
    /// As [`OpenError`]; nothing was changed.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let connection = open::for_engine(path, options)?;
        let worker = Worker::start("carril-store", connection, WAITING_MAX).map_err(|error| {
            OpenError::Unreachable {
                path: path.to_owned(),
                why: error.to_string(),
            }
        })?;
        Ok(Self {
            worker,
            session: Arc::default(),
        })
    }

    fn run<'a, T, F>(&'a self, work: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection, &mut Session) -> Result<T, Fault> + Send + 'static,
    {
        let session = Arc::clone(&self.session);
        let done = self.worker.call(move |connection| {
            // A panic leaves the session as it was before or after a whole field was set; it holds nothing but hints.
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            work(connection, &mut session)
        });
        Box::pin(async move { done.await.map_err(gone)? })
    }
}

impl Store for SqliteStore {
    fn enter<'a>(
        &'a self,
        node: &'a NodeInfo,
        now: Timestamp,
    ) -> Pending<'a, Result<Entered, Fault>> {
        let node = node.clone();
        self.run(move |connection, session| enter::enter(connection, session, &node, now))
    }

    fn define<'a>(
        &'a self,
        version: &'a Version,
        definition: &'a Definition,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>> {
        let (version, definition) = (version.clone(), definition.clone());
        self.run(move |connection, _| lookup::define(connection, &version, &definition, now))
    }

    fn definition<'a>(&'a self, version: &'a Version) -> Pending<'a, Result<Definition, Fault>> {
        let version = version.clone();
        self.run(move |connection, _| lookup::definition(connection, &version))
    }

    fn lanes_auto(&self, process: ProcessId) -> Pending<'_, Result<Option<u32>, Fault>> {
        self.run(move |connection, _| adapt::most(connection, process))
    }

    fn launch<'a>(
        &'a self,
        launch: &'a Launch,
        first: &'a [NewExecution],
        open: Option<u32>,
    ) -> Pending<'a, Result<Launched, Fault>> {
        let (launch, first) = (launch.clone(), first.to_vec());
        self.run(move |connection, session| {
            launch::launch(connection, session, &launch, &first, open)
        })
    }

    fn answered<'a>(&'a self, launch: &'a Launch) -> Pending<'a, Result<Option<Launched>, Fault>> {
        let launch = launch.clone();
        self.run(move |connection, _| launch::answered(connection, &launch))
    }

    fn extend<'a>(
        &'a self,
        process: ProcessId,
        more: &'a [NewExecution],
        open: Option<u32>,
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Claimed>, Fault>> {
        let more = more.to_vec();
        self.run(move |connection, session| {
            launch::extend(connection, session, process, &more, open, now)
        })
    }

    fn abandon(&self, process: ProcessId) -> Pending<'_, Result<(), Fault>> {
        self.run(move |connection, session| {
            let now = session.seen;
            launch::abandon(connection, session, process, now)
        })
    }

    fn commit(&self, group: Arc<Group>) -> Pending<'_, Result<Report, Fault>> {
        self.run(move |connection, session| commit::commit(connection, session, &group))
    }

    fn process(&self, process: ProcessId) -> Pending<'_, Result<ProcessRow, Fault>> {
        self.run(move |connection, _| lookup::process(connection, process))
    }

    fn select<'a>(
        &'a self,
        selection: &'a Selection,
        above: Option<ExecutionId>,
        max: u32,
    ) -> Pending<'a, Result<Vec<(Owned, ExecutionState, u32)>, Fault>> {
        let selection = selection.clone();
        self.run(move |connection, _| lookup::select(connection, &selection, above, max))
    }

    fn steps(&self, execution: ExecutionId) -> Pending<'_, Result<Vec<StepRow>, Fault>> {
        self.run(move |connection, _| lookup::steps(connection, execution))
    }

    fn rerun<'a>(
        &'a self,
        process: ProcessId,
        reruns: &'a [Rerun],
        now: Timestamp,
    ) -> Pending<'a, Result<ProcessRow, Fault>> {
        let reruns = reruns.to_vec();
        self.run(move |connection, session| {
            again::rerun(connection, session, process, &reruns, now)
        })
    }

    fn begin_rollback<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        now: Timestamp,
    ) -> Pending<'a, Result<Vec<Owned>, Fault>> {
        let executions = executions.to_vec();
        self.run(move |connection, session| {
            again::begin_rollback(connection, session, &executions, now)
        })
    }

    fn cancel<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        reason: &'a str,
        now: Timestamp,
    ) -> Pending<'a, Result<(Vec<Owned>, Vec<ProcessRow>), Fault>> {
        let (executions, reason) = (executions.to_vec(), reason.to_owned());
        self.run(move |connection, session| {
            again::cancel(connection, session, &executions, &reason, now)
        })
    }

    fn signal<'a>(
        &'a self,
        executions: &'a [ExecutionId],
        signal: &'a NewSignal,
    ) -> Pending<'a, Result<Sent, Fault>> {
        let (executions, signal) = (executions.to_vec(), signal.clone());
        self.run(move |connection, session| wake::signal(connection, session, &executions, &signal))
    }

    fn ended(
        &self,
        before: Timestamp,
        above: Option<ProcessId>,
        max: u32,
    ) -> Pending<'_, Result<Vec<ProcessRow>, Fault>> {
        self.run(move |connection, _| forget::ended(connection, before, above, max))
    }

    fn forget(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Forgotten, Fault>> {
        self.run(move |connection, session| forget::forget(connection, session, process, max))
    }

    fn import(&self, import: Arc<NewImport>) -> Pending<'_, Result<ImportDone, Fault>> {
        self.run(move |connection, session| import::import(connection, session, &import))
    }

    fn keep_baseline<'a>(&'a self, baseline: &'a Baseline) -> Pending<'a, Result<(), Fault>> {
        let baseline = baseline.clone();
        self.run(move |connection, _| rails::keep_baseline(connection, &baseline))
    }

    fn clear_baseline<'a>(&'a self, pipeline: &'a str) -> Pending<'a, Result<bool, Fault>> {
        let pipeline = pipeline.to_owned();
        self.run(move |connection, _| rails::clear_baseline(connection, &pipeline))
    }

    fn requests(&self) -> Pending<'_, Result<Vec<Request>, Fault>> {
        self.run(|connection, _| lookup::requests(connection))
    }

    fn answer<'a>(
        &'a self,
        request: RequestId,
        answer: &'a Answer,
        now: Timestamp,
    ) -> Pending<'a, Result<(), Fault>> {
        let answer = answer.clone();
        self.run(move |connection, _| lookup::answer(connection, request, &answer, now))
    }

    fn breakers(&self) -> Pending<'_, Result<Vec<BreakerRow>, Fault>> {
        self.run(|connection, _| breakers::all(connection))
    }

    fn beat(&self, now: Timestamp) -> Pending<'_, Result<Vec<ProcessId>, Fault>> {
        self.run(move |connection, session| enter::beat(connection, session, now))
    }

    fn leave(&self, now: Timestamp) -> Pending<'_, Result<(), Fault>> {
        self.run(move |connection, session| enter::leave(connection, session, now))
    }
}

impl Rails for SqliteStore {
    fn versions<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
        others: u32,
    ) -> Pending<'a, Result<Vec<VersionRecord>, Fault>> {
        let (pipeline, version) = (pipeline.to_owned(), version.clone());
        self.run(move |connection, _| rails::versions(connection, &pipeline, &version, others))
    }

    fn early_failures<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
    ) -> Pending<'a, Result<u64, Fault>> {
        let (pipeline, version) = (pipeline.to_owned(), version.clone());
        self.run(move |connection, _| rails::early_failures(connection, &pipeline, &version))
    }

    fn baselines<'a>(
        &'a self,
        pipeline: Option<&'a str>,
        max: u32,
    ) -> Pending<'a, Result<Vec<Baseline>, Fault>> {
        let pipeline = pipeline.map(str::to_owned);
        self.run(move |connection, _| rails::baselines(connection, pipeline.as_deref(), max))
    }

    fn past_runs<'a>(
        &'a self,
        pipeline: &'a str,
        after: ProcessId,
        max: u32,
    ) -> Pending<'a, Result<Vec<PastRun>, Fault>> {
        let pipeline = pipeline.to_owned();
        self.run(move |connection, _| rails::past_runs(connection, &pipeline, after, max))
    }

    fn worked_micros(&self, process: ProcessId, now: Timestamp) -> Pending<'_, Result<i64, Fault>> {
        self.run(move |connection, _| rails::worked_micros(connection, process, now))
    }
}

#[cfg(test)]
mod tests;
