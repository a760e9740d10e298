//! What people ask, and what they wish: the store as any other program reads it, beside engines or without one.
//!
//! Readers have connections of their own, which can do nothing but read, so that no question stands in an engine's way; each
//! answers one question after the other, each from one snapshot. Wishes are written over a connection that lives for that write
//! alone.

mod doubts;
mod query;
mod read;
mod resources;

use super::fault::gone;
use super::open::{self, OpenError, StoreOptions};
use super::rows::{self, get, int};
use super::session::{Session, Tx, Values};
use super::{access, adapt, breakers, import, lookup, rails};
use crate::address::Address;
use crate::driver::{Doing, Worker};
use carril_model::account::CauseKind;
use carril_model::baseline::{Baseline, PastRun};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{
    AccessBook, Answer, AttemptRow, BottleneckRow, DeedRow, DoubtRow, ExecutionFilter,
    ExecutionRow, FAILED_ATTEMPTS_MAX, Fault, History, ImportRow, LockCostRow, LockRow, LogRow,
    Mailbox, NewDeed, NewToken, NodeRow, OverlapRow, Pending, ProcessFilter, ProcessRow,
    QueryAnswer, Rails, ResourceRow, SignalRow, StageRow, StepStateRow, TimelineRow, TokenRow,
    WaitRow, Wish,
};
use carril_model::definition::{Definition, Version};
use carril_model::figures::FailedAttempts;
use carril_model::guard::VersionRecord;
use carril_model::id::{ExecutionId, ProcessId, RequestId, Run};
use carril_model::lanes::LanesRow;
use carril_model::overlap;
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Questions that wait for a reader; more wait outside.
const WAITING_MAX: usize = 64;
/// How long an answer may take: a little more than the server lets a statement take.
const ANSWER_MAX: Duration = Duration::from_secs(125);
/// Connections that questions share. A few, because people ask and wait; engines do not come here.
const READERS: usize = 2;

/// Asks a store, and leaves wishes in it. Never makes a store and never changes what engines wrote.
pub struct PostgresHistory {
    readers: [Worker<Session>; READERS],
    next: AtomicUsize,
    address: Address,
    schema: String,
}

impl PostgresHistory {
    /// Opens a store that exists.
    ///
    /// # Errors
    /// As [`OpenError`]; [`OpenError::Older`] where there is none, or an engine of this version has not opened it yet.
    pub fn open(url: &str, options: &StoreOptions) -> Result<Self, OpenError> {
        let address = open::address(url, "carril history")?;
        let unreachable = |why: String| OpenError::Unreachable {
            url: address.shown().to_owned(),
            why,
        };
        let reader = || {
            let session = Session::new(address.clone(), &options.schema, 0, true);
            Worker::start("carril-history", session, WAITING_MAX)
                .map_err(|error| unreachable(error.to_string()))
        };
        let readers = [reader()?, reader()?];
        let (place, schema) = (address.clone(), options.schema.clone());
        readers[0]
            .wait(move |_| Box::pin(async move { open::for_reading(&place, &schema).await }))
            .map_err(|gone| unreachable(gone.to_string()))??;
        Ok(Self {
            readers,
            next: AtomicUsize::new(0),
            address,
            schema: options.schema.clone(),
        })
    }

    /// Has a question answered by the reader whose turn it is. One that nobody waits for any more is given up, and its connection with
    /// it: on that perhaps nobody will ever answer, and others wait behind it.
    fn ask<'a, T, F>(&'a self, question: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> Doing<'s, Result<T, Fault>> + Send + 'static,
    {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
        let (waits, nobody_waits) = oneshot::channel::<()>();
        let answered = self.readers[turn].call(move |session| {
            Box::pin(async move {
                let silent = || {
                    Err(Fault::Unavailable(format!(
                        "the server did not answer within {} s",
                        ANSWER_MAX.as_secs()
                    )))
                };
                tokio::select! {
                    biased;
                    done = tokio::time::timeout(ANSWER_MAX, question(session)) => done.unwrap_or_else(|_| silent()),
                    _ = nobody_waits => silent(),
                }
            })
        });
        Box::pin(async move {
            let _waits = waits;
            answered.await.map_err(gone)?
        })
    }

    /// Has a question answered from one snapshot.
    fn read<'a, T, F>(&'a self, question: F) -> Pending<'a, Result<T, Fault>>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.ask(move |session| Box::pin(session.read(question)))
    }

    /// A session that may write, for one wish.
    fn writing(&self) -> Session {
        Session::new(self.address.clone(), &self.schema, 0, false)
    }
}

impl History for PostgresHistory {
    fn processes<'a>(
        &'a self,
        filter: &'a ProcessFilter,
    ) -> Pending<'a, Result<Vec<ProcessRow>, Fault>> {
        let filter = filter.clone();
        self.read(async move |tx| read::processes(tx, &filter).await)
    }

    fn executions<'a>(
        &'a self,
        process: ProcessId,
        filter: &'a ExecutionFilter,
    ) -> Pending<'a, Result<Vec<ExecutionRow>, Fault>> {
        let filter = filter.clone();
        self.read(async move |tx| read::executions(tx, process, &filter).await)
    }

    fn execution(&self, id: ExecutionId) -> Pending<'_, Result<Option<ExecutionRow>, Fault>> {
        self.read(async move |tx| {
            let mut found =
                read::all(tx, sql!("history_execution"), &[&id.0], read::execution).await?;
            Ok(found.pop())
        })
    }

    fn of_entity<'a>(
        &'a self,
        entity: &'a str,
        max: u32,
    ) -> Pending<'a, Result<Vec<ExecutionRow>, Fault>> {
        let entity = rows::owned_text(entity);
        let max = i64::from(max);
        self.read(async move |tx| {
            read::all(
                tx,
                sql!("history_of_entity"),
                &[&entity, &max],
                read::execution,
            )
            .await
        })
    }

    fn definition_of(&self, process: ProcessId) -> Pending<'_, Result<Definition, Fault>> {
        self.read(async move |tx| read::definition(tx, process).await)
    }

    fn attempts(
        &self,
        execution: ExecutionId,
        run: Option<Run>,
    ) -> Pending<'_, Result<Vec<AttemptRow>, Fault>> {
        let run = run.map(|run| i64::from(run.0));
        self.read(async move |tx| {
            read::all(
                tx,
                sql!("history_attempts"),
                &[&execution.0, &run],
                read::attempt,
            )
            .await
        })
    }

    fn under_way(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<AttemptRow>, Fault>> {
        let max = i64::from(max);
        self.read(async move |tx| {
            read::all(
                tx,
                sql!("history_under_way"),
                &[&process.0, &max],
                read::attempt,
            )
            .await
        })
    }

    fn signals(
        &self,
        execution: ExecutionId,
        max: u32,
    ) -> Pending<'_, Result<Vec<SignalRow>, Fault>> {
        let max = i64::from(max);
        self.read(async move |tx| {
            read::all(
                tx,
                sql!("history_signals"),
                &[&execution.0, &max],
                read::signal,
            )
            .await
        })
    }

    fn next_due(&self, process: ProcessId) -> Pending<'_, Result<Option<Timestamp>, Fault>> {
        self.read(async move |tx| {
            let mut found =
                read::all(tx, sql!("history_next_due"), &[&process.0], read::moment).await?;
            Ok(found.pop())
        })
    }

    fn logs(&self, execution: ExecutionId) -> Pending<'_, Result<Vec<LogRow>, Fault>> {
        self.read(async move |tx| {
            read::all(tx, sql!("history_logs"), &[&execution.0], read::log).await
        })
    }

    fn step_states(
        &self,
        process: ProcessId,
        above: Option<ExecutionId>,
        upto: ExecutionId,
    ) -> Pending<'_, Result<Vec<StepStateRow>, Fault>> {
        let above = above.map_or(0, |id| id.0);
        self.read(async move |tx| {
            let query = sql!("history_step_states");
            let values: Values<'_> = &[&process.0, &above, &upto.0];
            read::all(tx, query, values, read::step_of).await
        })
    }

    fn timeline(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<TimelineRow>, Fault>> {
        let max = i64::from(max);
        self.read(async move |tx| {
            read::all(
                tx,
                sql!("history_timeline"),
                &[&process.0, &max],
                read::timeline,
            )
            .await
        })
    }

    fn stage_of(&self, process: ProcessId) -> Pending<'_, Result<Option<String>, Fault>> {
        self.read(async move |tx| {
            let found = tx.row(sql!("history_stage"), &[&process.0]).await?;
            found.map_or(Ok(None), |row| get(&row, 0))
        })
    }

    fn stages(
        &self,
        process: ProcessId,
        first: ExecutionId,
        last: ExecutionId,
    ) -> Pending<'_, Result<Vec<StageRow>, Fault>> {
        self.read(async move |tx| {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&process.0, &first.0, &last.0];
            read::all(tx, sql!("history_stages"), &values, read::stage).await
        })
    }

    fn overlaps(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<OverlapRow>, Fault>> {
        self.read(async move |tx| overlaps(tx, process, max).await)
    }

    fn bottlenecks(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<BottleneckRow>, Fault>> {
        self.read(async move |tx| bottlenecks(tx, process, max).await)
    }

    fn waits(
        &self,
        process: ProcessId,
        now: Timestamp,
    ) -> Pending<'_, Result<Vec<WaitRow>, Fault>> {
        self.read(async move |tx| {
            read::all(tx, sql!("history_waits"), &[&process.0, &now.0], read::wait).await
        })
    }

    fn locks(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Vec<LockRow>, Fault>> {
        let max = i64::from(max);
        self.read(async move |tx| {
            read::all(tx, sql!("history_locks"), &[&process.0, &max], read::lock).await
        })
    }

    fn lock_of(&self, execution: ExecutionId) -> Pending<'_, Result<Option<LockRow>, Fault>> {
        self.read(async move |tx| {
            let mut found =
                read::all(tx, sql!("history_lock_of"), &[&execution.0], read::lock).await?;
            Ok(found.pop())
        })
    }

    fn lock_costs(
        &self,
        process: ProcessId,
        max: u32,
    ) -> Pending<'_, Result<Vec<LockCostRow>, Fault>> {
        let max = i64::from(max);
        self.read(async move |tx| {
            let query = sql!("history_lock_costs");
            read::all(tx, query, &[&process.0, &max], read::lock_cost).await
        })
    }

    fn doubts(&self, process: ProcessId) -> Pending<'_, Result<Vec<DoubtRow>, Fault>> {
        self.read(async move |tx| doubts::of(tx, process).await)
    }

    fn failed_attempts(
        &self,
        process: ProcessId,
    ) -> Pending<'_, Result<Vec<FailedAttempts>, Fault>> {
        let max = i64::from(FAILED_ATTEMPTS_MAX);
        self.read(async move |tx| {
            read::all(
                tx,
                sql!("history_failed_attempts"),
                &[&process.0, &max],
                read::failed_attempts,
            )
            .await
        })
    }

    fn causes(&self, process: ProcessId) -> Pending<'_, Result<BTreeMap<CauseKind, u64>, Fault>> {
        self.read(async move |tx| {
            let counted =
                read::all(tx, sql!("history_causes"), &[&process.0], read::cause_count).await?;
            Ok(counted.into_iter().collect())
        })
    }

    fn resources(&self) -> Pending<'_, Result<Vec<ResourceRow>, Fault>> {
        self.read(async move |tx| resources::of_all(tx).await)
    }

    fn breakers(&self) -> Pending<'_, Result<Vec<BreakerRow>, Fault>> {
        self.read(async move |tx| breakers::all(tx).await)
    }

    fn breaker_changes<'a>(
        &'a self,
        resource: &'a str,
        max: u32,
    ) -> Pending<'a, Result<Vec<BreakerRow>, Fault>> {
        let (resource, max) = (rows::owned_text(resource), i64::from(max));
        self.read(async move |tx| {
            read::all(
                tx,
                sql!("history_breaker_changes"),
                &[&resource, &max],
                rows::breaker,
            )
            .await
        })
    }

    fn lanes(&self, process: ProcessId, max: u32) -> Pending<'_, Result<Vec<LanesRow>, Fault>> {
        let max = i64::from(max);
        self.read(async move |tx| {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&process.0, &max];
            read::all(tx, sql!("history_lanes"), &values, adapt::row).await
        })
    }

    fn nodes(&self) -> Pending<'_, Result<Vec<NodeRow>, Fault>> {
        self.read(async move |tx| read::all(tx, sql!("history_nodes"), &[], read::node).await)
    }

    fn able(&self, process: ProcessId) -> Pending<'_, Result<Option<u64>, Fault>> {
        self.read(async move |tx| {
            let counted = tx.row(sql!("history_able"), &[&process.0]).await?;
            let counted = counted.map(|row| rows::count(&row, 0));
            counted.transpose()
        })
    }

    fn import_of(&self, process: ProcessId) -> Pending<'_, Result<Option<ImportRow>, Fault>> {
        self.read(async move |tx| import::of(tx, process).await)
    }

    fn imported_as<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Vec<ImportRow>, Fault>> {
        let key = rows::owned_text(key);
        self.read(async move |tx| import::called(tx, &key).await)
    }

    fn imports<'a>(
        &'a self,
        source: &'a str,
        above: Option<ProcessId>,
        max: u32,
    ) -> Pending<'a, Result<Vec<ImportRow>, Fault>> {
        let source = rows::owned_text(source);
        self.read(async move |tx| import::from(tx, &source, above, max).await)
    }

    fn query<'a>(&'a self, sql: &'a str, max: u32) -> Pending<'a, Result<QueryAnswer, Fault>> {
        let (sql, max) = (sql.to_owned(), max);
        let mut session = Session::new(self.address.clone(), &self.schema, 0, true);
        self.ask(move |_| Box::pin(async move { query::run(&mut session, &sql, max).await }))
    }
}

impl Rails for PostgresHistory {
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

/// What lanes share and what each has to itself, as queries take it.
struct Shared {
    /// By step number the target whose shared part it acts on, if it does.
    targets: Vec<Option<String>>,
    own_tables: Vec<String>,
    own_target: Option<String>,
}

impl Shared {
    fn of(definition: &Definition) -> Self {
        let plan = Plan::new(definition.clone());
        let targets = plan
            .steps()
            .iter()
            .map(|step| plan.shared_target(step.id).map(str::to_owned))
            .collect();
        let workspace = definition.workspace.as_ref();
        // Tables with a column for the execution are shared like any other.
        let own_tables = workspace
            .filter(|workspace| workspace.column().is_none())
            .map(|workspace| workspace.tables.clone())
            .unwrap_or_default();
        Self {
            targets,
            own_tables,
            own_target: workspace.map(|workspace| workspace.target.clone()),
        }
    }
}

impl Mailbox for PostgresHistory {
    fn post<'a>(&'a self, wish: &'a Wish, now: Timestamp) -> Pending<'a, Result<RequestId, Fault>> {
        let (wish, mut session) = (wish.clone(), self.writing());
        self.ask(move |_| Box::pin(async move { lookup::post(&mut session, &wish, now).await }))
    }

    fn answer_of(&self, request: RequestId) -> Pending<'_, Result<Option<Answer>, Fault>> {
        self.read(async move |tx| lookup::answer_of(tx, request).await)
    }

    fn withdraw(&self, request: RequestId) -> Pending<'_, Result<bool, Fault>> {
        let mut session = self.writing();
        self.ask(move |_| Box::pin(async move { lookup::withdraw(&mut session, request).await }))
    }
}

impl AccessBook for PostgresHistory {
    fn add_token<'a>(&'a self, token: &'a NewToken) -> Pending<'a, Result<i64, Fault>> {
        let (token, mut session) = (token.clone(), self.writing());
        self.ask(move |_| Box::pin(async move { access::add_token(&mut session, &token).await }))
    }

    fn tokens(&self) -> Pending<'_, Result<Vec<TokenRow>, Fault>> {
        self.read(async |tx| access::tokens(tx).await)
    }

    fn token_of<'a>(&'a self, hash: &'a str) -> Pending<'a, Result<Option<TokenRow>, Fault>> {
        let hash = hash.to_owned();
        self.read(async move |tx| access::token_of(tx, &hash).await)
    }

    fn has_tokens(&self) -> Pending<'_, Result<bool, Fault>> {
        self.read(async |tx| access::has_tokens(tx).await)
    }

    fn revoke_token<'a>(
        &'a self,
        name: &'a str,
        now: Timestamp,
    ) -> Pending<'a, Result<bool, Fault>> {
        let (name, mut session) = (name.to_owned(), self.writing());
        self.ask(move |_| {
            Box::pin(async move { access::revoke_token(&mut session, &name, now).await })
        })
    }

    fn begin_deed<'a>(&'a self, deed: &'a NewDeed) -> Pending<'a, Result<i64, Fault>> {
        let (deed, mut session) = (deed.clone(), self.writing());
        self.ask(move |_| Box::pin(async move { access::begin_deed(&mut session, &deed).await }))
    }

    fn end_deed<'a>(
        &'a self,
        deed: i64,
        status: u16,
        code: Option<&'a str>,
    ) -> Pending<'a, Result<(), Fault>> {
        let (code, mut session) = (code.map(str::to_owned), self.writing());
        self.ask(move |_| {
            Box::pin(
                async move { access::end_deed(&mut session, deed, status, code.as_deref()).await },
            )
        })
    }

    fn deeds(&self, before: Option<i64>, max: u32) -> Pending<'_, Result<Vec<DeedRow>, Fault>> {
        self.read(async move |tx| access::deeds(tx, before, max).await)
    }
}

async fn overlaps(tx: &Tx<'_>, process: ProcessId, max: u32) -> Result<Vec<OverlapRow>, Fault> {
    let shared = Shared::of(&read::definition(tx, process).await?);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
        [&process.0, &shared.own_tables, &shared.own_target];
    let mut sweep = overlap::Sweep::new(max as usize);
    for row in tx.rows(sql!("history_uses"), &values).await? {
        sweep.take(overlap::Use {
            resource: get(&row, 0)?,
            execution: ExecutionId(int(&row, 1)?),
            entity: get(&row, 2)?,
            began: Timestamp(int(&row, 3)?),
            ended: Timestamp(int(&row, 4)?),
        });
    }
    Ok(sweep.longest())
}

async fn bottlenecks(
    tx: &Tx<'_>,
    process: ProcessId,
    max: u32,
) -> Result<Vec<BottleneckRow>, Fault> {
    let shared = Shared::of(&read::definition(tx, process).await?);
    let max = i64::from(max);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [
        &process.0,
        &max,
        &shared.targets,
        &shared.own_tables,
        &shared.own_target,
    ];
    let query = sql!("history_bottlenecks");
    read::all(tx, query, &values, read::bottleneck).await
}
