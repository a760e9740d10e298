//! What people ask, and what they wish: the store as any other program reads it, beside an engine or without one.
//!
//! One read-only connection on a thread of its own answers one question after the other, each from one snapshot. Wishes are
//! written over a connection that lives for that write alone, so that readers never hold the store's write lock.

mod doubts;
mod query;
mod read;
mod resources;

use super::access;
use super::adapt;
use super::breakers;
use super::fault::{OrFault, gone};
use super::import;
use super::open::{self, OpenError};
use super::rails;
use super::rows;
use super::session;
use crate::driver::Worker;
use carril_model::account::CauseKind;
use carril_model::baseline::{Baseline, PastRun};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{
    AccessBook, Answer, AttemptRow, BottleneckRow, DeedRow, DoubtRow, ExecutionFilter,
    ExecutionRow, FAILED_ATTEMPTS_MAX, Fault, History, ImportRow, LockCostRow, LockRow, LogRow,
    Mailbox, NewDeed, NewToken, OverlapRow, Pending, ProcessFilter, ProcessRow, QueryAnswer, Rails,
    ResourceRow, SignalRow, StageRow, StepStateRow, TimelineRow, TokenRow, WaitRow, Wish,
};
use carril_model::definition::{Definition, Version};
use carril_model::figures::FailedAttempts;
use carril_model::guard::VersionRecord;
use carril_model::id::{ExecutionId, ProcessId, RequestId, Run};
use carril_model::lanes::LanesRow;
use carril_model::overlap;
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Questions that wait for the thread; more wait outside.
const WAITING_MAX: usize = 64;

/// Asks a store, and leaves wishes in it. Never makes a store and never changes what the engine wrote.
pub struct SqliteHistory {
    worker: Worker,
    path: PathBuf,
}

impl SqliteHistory {
    /// Opens a store that exists.
    ///
    /// # Errors
    /// As [`OpenError`]; [`OpenError::Older`] for a store that an engine of this version has not opened yet.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = open::for_reading(path)?;
        let worker = Worker::start("carril-history", connection, WAITING_MAX).map_err(|error| {
            OpenError::Unreachable {
                path: path.to_owned(),
                why: error.to_string(),
            }
        })?;
        Ok(Self {
            worker,
            path: path.to_owned(),
        })
    }

    fn ask<'a, T, F>(&'a self, question: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let answered = self
            .worker
            .call(move |connection| session::read(connection, question));
        Box::pin(async move { answered.await.map_err(gone)? })
    }

    /// Does one short write over a connection of its own.
    fn write<'a, T, F>(&'a self, work: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let path = self.path.clone();
        let written = self.worker.call(move |_| {
            let connection =
                open::for_posting(&path).map_err(|error| Fault::Unavailable(error.to_string()))?;
            work(&connection)
        });
        Box::pin(async move { written.await.map_err(gone)? })
    }
}

impl History for SqliteHistory {
    fn processes<'a>(
        &'a self,
        filter: &'a ProcessFilter,
    ) -> Pending<'a, Result<Vec<ProcessRow>, Fault>> {
        let filter = filter.clone();
        self.ask(move |transaction| read::processes(transaction, &filter))
    }

    fn executions<'a>(
        &'a self,
        process: ProcessId,
        filter: &'a ExecutionFilter,
    ) -> Pending<'a, Result<Vec<ExecutionRow>, Fault>> {
        let filter = filter.clone();
        self.ask(move |transaction| read::executions(transaction, process, &filter))
    }

    fn execution(&self, id: ExecutionId) -> Pending<'_, Result<Option<ExecutionRow>, Fault>> {
        self.ask(move |transaction| {
            Ok(read::all(
                transaction,
                sql!("history_execution"),
                &[&id.0],
                read::execution,
            )?
            .pop())
        })
    }

    fn of_entity<'a>(
        &'a self,
        entity: &'a str,
        max: u32,
    ) -> Pending<'a, Result<Vec<ExecutionRow>, Fault>> {
        let entity = entity.to_owned();
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_of_entity"),
                &[&entity, &max],
                read::execution,
            )
        })
    }

    fn definition_of(&self, process: ProcessId) -> Pending<'_, Result<Definition, Fault>> {
        self.ask(move |transaction| read::definition(transaction, process))
    }

    fn attempts(
        &self,
        execution: ExecutionId,
        run: Option<Run>,
    ) -> Pending<'_, Result<Vec<AttemptRow>, Fault>> {
        let run = run.map(|run| run.0);
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_attempts"),
                params![execution.0, run],
                read::attempt,
            )
        })
    }

    fn under_way(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<AttemptRow>, Fault>> {
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_under_way"),
                params![process.0, max],
                read::attempt,
            )
        })
    }

    fn signals(
        &self,
        execution: ExecutionId,
        max: u32,
    ) -> Pending<'_, Result<Vec<SignalRow>, Fault>> {
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_signals"),
                params![execution.0, max],
                read::signal,
            )
        })
    }

    fn next_due(&self, process: ProcessId) -> Pending<'_, Result<Option<Timestamp>, Fault>> {
        self.ask(move |transaction| {
            let query = sql!("history_next_due");
            let mut found = read::all(transaction, query, params![process.0], read::moment)?;
            Ok(found.pop())
        })
    }

    fn logs(&self, execution: ExecutionId) -> Pending<'_, Result<Vec<LogRow>, Fault>> {
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_logs"),
                params![execution.0],
                read::log,
            )
        })
    }

    fn step_states(
        &self,
        process: ProcessId,
        above: Option<ExecutionId>,
        upto: ExecutionId,
    ) -> Pending<'_, Result<Vec<StepStateRow>, Fault>> {
        let above = above.map_or(0, |id| id.0);
        self.ask(move |transaction| {
            let query = sql!("history_step_states");
            let values = params![process.0, above, upto.0];
            read::all(transaction, query, values, read::step_of)
        })
    }

    fn timeline(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<TimelineRow>, Fault>> {
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_timeline"),
                params![process.0, max],
                read::timeline,
            )
        })
    }

    fn stage_of(&self, process: ProcessId) -> Pending<'_, Result<Option<String>, Fault>> {
        self.ask(move |transaction| {
            let query = sql!("history_stage");
            let found: Vec<Option<String>> =
                read::all(transaction, query, params![process.0], |row| {
                    rows::get(row, 0)
                })?;
            Ok(found.into_iter().flatten().next())
        })
    }

    fn stages(
        &self,
        process: ProcessId,
        first: ExecutionId,
        last: ExecutionId,
    ) -> Pending<'_, Result<Vec<StageRow>, Fault>> {
        self.ask(move |transaction| {
            let (query, values) = (sql!("history_stages"), params![process.0, first.0, last.0]);
            read::all(transaction, query, values, read::stage)
        })
    }

    fn overlaps(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<OverlapRow>, Fault>> {
        self.ask(move |transaction| {
            let shared = Shared::of(&read::definition(transaction, process)?);
            let mut statement = transaction
                .prepare_cached(sql!("history_uses"))
                .or_fault()?;
            let mut found = statement
                .query(params![process.0, shared.own_tables, shared.own_target])
                .or_fault()?;
            let mut sweep = overlap::Sweep::new(max as usize);
            while let Some(row) = found.next().or_fault()? {
                sweep.take(overlap::Use {
                    resource: rows::get(row, 0)?,
                    execution: ExecutionId(rows::get(row, 1)?),
                    entity: rows::get(row, 2)?,
                    began: Timestamp(rows::get(row, 3)?),
                    ended: Timestamp(rows::get(row, 4)?),
                });
            }
            Ok(sweep.longest())
        })
    }

    fn bottlenecks(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<BottleneckRow>, Fault>> {
        self.ask(move |transaction| {
            let shared = Shared::of(&read::definition(transaction, process)?);
            read::all(
                transaction,
                sql!("history_bottlenecks"),
                params![
                    process.0,
                    max,
                    shared.targets,
                    shared.own_tables,
                    shared.own_target
                ],
                read::bottleneck,
            )
        })
    }

    fn waits(
        &self,
        process: ProcessId,
        now: Timestamp,
    ) -> Pending<'_, Result<Vec<WaitRow>, Fault>> {
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_waits"),
                params![process.0, now.0],
                read::wait,
            )
        })
    }

    fn locks(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Vec<LockRow>, Fault>> {
        self.ask(move |transaction| {
            let values = params![process.0, max];
            read::all(transaction, sql!("history_locks"), values, read::lock)
        })
    }

    fn lock_of(&self, execution: ExecutionId) -> Pending<'_, Result<Option<LockRow>, Fault>> {
        self.ask(move |transaction| {
            let query = sql!("history_lock_of");
            let mut found = read::all(transaction, query, params![execution.0], read::lock)?;
            Ok(found.pop())
        })
    }

    fn lock_costs(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<LockCostRow>, Fault>> {
        self.ask(move |transaction| {
            let values = params![process.0, max];
            read::all(
                transaction,
                sql!("history_lock_costs"),
                values,
                read::lock_cost,
            )
        })
    }

    fn doubts(&self, process: ProcessId) -> Pending<'_, Result<Vec<DoubtRow>, Fault>> {
        self.ask(move |transaction| doubts::of(transaction, process))
    }

    fn failed_attempts(
        &self,
        process: ProcessId,
    ) -> Pending<'_, Result<Vec<FailedAttempts>, Fault>> {
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_failed_attempts"),
                params![process.0, FAILED_ATTEMPTS_MAX],
                read::failed_attempts,
            )
        })
    }

    fn causes(&self, process: ProcessId) -> Pending<'_, Result<BTreeMap<CauseKind, u64>, Fault>> {
        self.ask(move |transaction| {
            let counted = read::all(
                transaction,
                sql!("history_causes"),
                params![process.0],
                read::cause_count,
            )?;
            Ok(counted.into_iter().collect())
        })
    }

    fn resources(&self) -> Pending<'_, Result<Vec<ResourceRow>, Fault>> {
        self.ask(resources::of_all)
    }

    fn breakers(&self) -> Pending<'_, Result<Vec<BreakerRow>, Fault>> {
        self.ask(|transaction| breakers::all(transaction))
    }

    fn breaker_changes<'a>(
        &'a self,
        resource: &'a str,
        max: u32,
    ) -> Pending<'a, Result<Vec<BreakerRow>, Fault>> {
        let resource = resource.to_owned();
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_breaker_changes"),
                params![resource, max],
                rows::breaker,
            )
        })
    }

    fn lanes(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Vec<LanesRow>, Fault>> {
        self.ask(move |transaction| {
            read::all(
                transaction,
                sql!("history_lanes"),
                params![process.0, max],
                adapt::row,
            )
        })
    }

    fn import_of(&self, process: ProcessId) -> Pending<'_, Result<Option<ImportRow>, Fault>> {
        self.ask(move |transaction| import::of(transaction, process))
    }

    fn imported_as<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Vec<ImportRow>, Fault>> {
        let key = key.to_owned();
        self.ask(move |transaction| import::called(transaction, &key))
    }

    fn imports<'a>(
        &'a self,
        source: &'a str,
        above: Option<ProcessId>,
        max: u32,
    ) -> Pending<'a, Result<Vec<ImportRow>, Fault>> {
        let source = source.to_owned();
        self.ask(move |transaction| import::from(transaction, &source, above, max))
    }

    fn query<'a>(&'a self, sql: &'a str, max: u32) -> Pending<'a, Result<QueryAnswer, Fault>> {
        let (sql, path) = (sql.to_owned(), self.path.clone());
        let answered = self.worker.call(move |_| query::run(&path, &sql, max));
        Box::pin(async move { answered.await.map_err(gone)? })
    }
}

impl Rails for SqliteHistory {
    fn versions<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
        others: u32,
    ) -> Pending<'a, Result<Vec<VersionRecord>, Fault>> {
        let (pipeline, version) = (pipeline.to_owned(), version.clone());
        self.ask(move |connection| rails::versions(connection, &pipeline, &version, others))
    }

    fn early_failures<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
    ) -> Pending<'a, Result<u64, Fault>> {
        let (pipeline, version) = (pipeline.to_owned(), version.clone());
        self.ask(move |connection| rails::early_failures(connection, &pipeline, &version))
    }

    fn baselines<'a>(
        &'a self,
        pipeline: Option<&'a str>,
        max: u32,
    ) -> Pending<'a, Result<Vec<Baseline>, Fault>> {
        let pipeline = pipeline.map(str::to_owned);
        self.ask(move |connection| rails::baselines(connection, pipeline.as_deref(), max))
    }

    fn past_runs<'a>(
        &'a self,
        pipeline: &'a str,
        after: ProcessId,
        max: u32,
    ) -> Pending<'a, Result<Vec<PastRun>, Fault>> {
        let pipeline = pipeline.to_owned();
        self.ask(move |connection| rails::past_runs(connection, &pipeline, after, max))
    }

    fn worked_micros(&self, process: ProcessId, now: Timestamp) -> Pending<'_, Result<i64, Fault>> {
        self.ask(move |connection| rails::worked_micros(connection, process, now))
    }
}

/// What lanes share and what each has to itself, as queries take it.
struct Shared {
    /// JSON list: by step number the target whose shared part it acts on, or null.
    targets: String,
    /// JSON list of names.
    own_tables: String,
    own_target: Option<String>,
}

impl Shared {
    fn of(definition: &Definition) -> Self {
        let plan = Plan::new(definition.clone());
        let targets: Vec<Option<&str>> = plan
            .steps()
            .iter()
            .map(|step| plan.shared_target(step.id))
            .collect();
        let workspace = definition.workspace.as_ref();
        // Tables with a column for the execution are shared like any other.
        let own_tables: Vec<&str> = workspace
            .filter(|workspace| workspace.column().is_none())
            .map(|workspace| workspace.tables.iter().map(String::as_str).collect())
            .unwrap_or_default();
        Self {
            targets: rows::to_json(&targets),
            own_tables: rows::to_json(&own_tables),
            own_target: workspace.map(|workspace| workspace.target.clone()),
        }
    }
}

impl Mailbox for SqliteHistory {
    fn post<'a>(&'a self, wish: &'a Wish, now: Timestamp) -> Pending<'a, Result<RequestId, Fault>> {
        let wish = rows::to_json(wish);
        self.write(move |connection| {
            connection
                .execute(sql!("request_post"), params![wish, now.0])
                .or_fault()?;
            Ok(RequestId(connection.last_insert_rowid()))
        })
    }

    fn answer_of(&self, request: RequestId) -> Pending<'_, Result<Option<Answer>, Fault>> {
        self.ask(move |transaction| {
            let answer: Option<Option<String>> = transaction
                .query_row(sql!("request_answer_of"), [request.0], |row| row.get(0))
                .optional()
                .or_fault()?;
            answer.flatten().as_deref().map(rows::from_json).transpose()
        })
    }

    fn withdraw(&self, request: RequestId) -> Pending<'_, Result<bool, Fault>> {
        self.write(move |connection| {
            Ok(connection
                .execute(sql!("request_withdraw"), [request.0])
                .or_fault()?
                == 1)
        })
    }
}

impl AccessBook for SqliteHistory {
    fn add_token<'a>(&'a self, token: &'a NewToken) -> Pending<'a, Result<i64, Fault>> {
        let token = token.clone();
        self.write(move |connection| access::add_token(connection, &token))
    }

    fn tokens(&self) -> Pending<'_, Result<Vec<TokenRow>, Fault>> {
        self.ask(|transaction| access::tokens(transaction))
    }

    fn token_of<'a>(&'a self, hash: &'a str) -> Pending<'a, Result<Option<TokenRow>, Fault>> {
        let hash = hash.to_owned();
        self.ask(move |transaction| access::token_of(transaction, &hash))
    }

    fn has_tokens(&self) -> Pending<'_, Result<bool, Fault>> {
        self.ask(|transaction| access::has_tokens(transaction))
    }

    fn revoke_token<'a>(
        &'a self,
        name: &'a str,
        now: Timestamp,
    ) -> Pending<'a, Result<bool, Fault>> {
        let name = name.to_owned();
        self.write(move |connection| access::revoke_token(connection, &name, now))
    }

    fn begin_deed<'a>(&'a self, deed: &'a NewDeed) -> Pending<'a, Result<i64, Fault>> {
        let deed = deed.clone();
        self.write(move |connection| access::begin_deed(connection, &deed))
    }

    fn end_deed<'a>(
        &'a self,
        deed: i64,
        status: u16,
        code: Option<&'a str>,
    ) -> Pending<'a, Result<(), Fault>> {
        let code = code.map(str::to_owned);
        self.write(move |connection| access::end_deed(connection, deed, status, code.as_deref()))
    }

    fn deeds(&self, before: Option<i64>, max: u32) -> Pending<'_, Result<Vec<DeedRow>, Fault>> {
        self.ask(move |transaction| access::deeds(transaction, before, max))
    }
}
