//! Attempts of steps: what has to be there before the transaction, what runs in it, and how it ends.
//!
//! The order is the promise. The workspace and Carril's own tables come first, in transactions of their own; a later attempt
//! then ends the sessions of earlier ones and raises the fence; then the part's one transaction begins, and its last
//! statement is the fence row. A cancel or a time-out is passed on to the server and waited for.

use super::changes::{self, Bounds};
use super::column::Whom;
use super::fence::{Begun, Key};
use super::name::{LaneKey, application_name, attempts_pattern};
use super::pool::or_stopped;
use super::publish::{From, PublishStep};
use super::step::SqlStep;
use super::stop::Stop;
use super::transaction::{LOCK_WAIT, Loose, Open, Settings};
use super::watch::Watched;
use super::{PostgresTarget, fault};
use carril_model::contract::{Cancellation, StepCall, StepDone, StepError};
use carril_model::definition::{Action, Effects, Workspace};
use std::sync::Arc;
use tokio_postgres::error::SqlState;

impl PostgresTarget {
    fn stop_for<'a>(&self, call: &StepCall, cancel: &'a dyn Cancellation) -> Stop<'a> {
        Stop::new(Arc::clone(&self.clock), call.deadline, cancel)
    }

    pub(super) async fn sql_step(
        &self,
        call: &StepCall,
        cancel: &dyn Cancellation,
    ) -> Result<StepDone, StepError> {
        let step = call.plan.step(call.step);
        let Action::Sql { sql, .. } = &step.action else {
            return Err(not_ours("an SQL step"));
        };
        let stop = self.stop_for(call, cancel);
        stop.check().map_err(fault::stopped)?;
        let sql_step = SqlStep::new(call, sql)?;
        let workspace = self.workspace(call.plan.definition());

        let fenced = step.effects == Effects::ExactlyOnce;
        let key = fenced.then(|| Key::of(call, workspace.is_some()));
        if let Begun::Done(done) = self.before(call, workspace, key.as_ref(), &stop).await? {
            return Ok(done);
        }
        let lane = workspace
            .filter(|workspace| workspace.column().is_none())
            .map(|_| LaneKey::of(call).schema());
        let name = application_name(call);
        let settings = Settings {
            name: &name,
            schema: lane.as_deref(),
            lock_wait: LOCK_WAIT,
        };
        let column = workspace.and_then(Workspace::column);
        if column.is_some() && !fenced && sql_step.may_commit() {
            return Err(fault::refuse(
                "where executions share tables, a procedure that commits by itself would lose sight of whose rows it works on; use `isolation = \"own\"`",
            ));
        }
        if !fenced && sql_step.may_commit() {
            return self.loose(call, &sql_step, &settings, &stop).await;
        }
        let open = or_stopped(&stop, Open::begin(&self.pool, &settings, &stop)).await?;
        let whom = workspace.zip(column).map(|(workspace, column)| Whom {
            workspace,
            column,
            execution: call.execution().0,
        });
        let own = (lane.as_deref(), whom.as_ref());
        let watched = self.watched(call, open.pid);
        let listening = self.pool.listen(open.pid);
        let work = self.in_transaction((&open, &watched), &sql_step, (own, key.as_ref()), &stop);
        let outcome = open.session.until_stopped(&stop, work).await;
        let outcome = told(outcome, &stop).map_err(|error| watched.failed(error));
        // The commit, too, may have something to say: what is deferred is done there.
        listening.told(open.end(outcome).await)
    }

    /// Enters the session that works for an attempt where locks are looked at, until what this gives is dropped.
    fn watched(&self, call: &StepCall, pid: i32) -> Watched {
        self.watch.enter(&self.pool, call, pid)
    }

    /// Everything of a part but its commit.
    async fn in_transaction(
        &self,
        (open, watched): (&Open, &Watched),
        sql_step: &SqlStep<'_>,
        ((lane, whom), key): ((Option<&str>, Option<&Whom<'_>>), Option<&Key>),
        stop: &Stop<'_>,
    ) -> Result<StepDone, StepError> {
        let server = self.pool.server(&open.session).await?;
        if let Some(whom) = whom {
            sql_step.show(&open.session, server, whom).await?;
        }
        let (output, locked) = sql_step.run((&open.session, watched), stop).await?;
        let bounds = Bounds {
            own: lane,
            rows_of: whom.map_or(&[], |whom| whom.workspace.tables.as_slice()),
            shared_writes: sql_step.shared_writes(),
            shared: server.shared(),
        };
        let done = StepDone {
            output,
            rows: changes::of_step(open, (sql_step, &locked), &bounds, &self.names).await?,
            log: None,
        };
        stop.check().map_err(fault::stopped)?;
        if let Some(key) = key {
            key.finish(&open.session, &done, &open.number).await?;
        }
        Ok(done)
    }

    /// Statements that commit by themselves, each on its own; what they did cannot be taken back, nor counted.
    async fn loose(
        &self,
        call: &StepCall,
        sql_step: &SqlStep<'_>,
        settings: &Settings<'_>,
        stop: &Stop<'_>,
    ) -> Result<StepDone, StepError> {
        let loose = or_stopped(stop, Loose::begin(&self.pool, settings, stop)).await?;
        let watched = self.watched(call, loose.pid);
        let listening = self.pool.listen(loose.pid);
        let work = sql_step.run_loose((&loose.session, &watched), stop);
        let outcome = told(loose.session.until_stopped(stop, work).await, stop)
            .map_err(|error| watched.failed(error));
        drop(watched);
        loose.end().await;
        listening.told(outcome.map(|output| StepDone {
            output,
            rows: Vec::new(),
            log: None,
        }))
    }

    pub(super) async fn publish_step(
        &self,
        call: &StepCall,
        cancel: &dyn Cancellation,
    ) -> Result<StepDone, StepError> {
        let Action::Publish { entries } = &call.plan.step(call.step).action else {
            return Err(not_ours("a step that publishes"));
        };
        let Some(workspace) = self.workspace(call.plan.definition()) else {
            return Err(not_ours("a workspace"));
        };

        let stop = self.stop_for(call, cancel);
        stop.check().map_err(fault::stopped)?;
        let key = Key::of(call, true);
        if let Begun::Done(done) = self
            .before(call, Some(workspace), Some(&key), &stop)
            .await?
        {
            return Ok(done);
        }
        let lane = LaneKey::of(call).schema();
        let from = match workspace.column() {
            Some(column) => From::Shared(column),
            None => From::Lane(&lane),
        };
        let name = application_name(call);
        let settings = Settings {
            name: &name,
            schema: workspace.column().is_none().then_some(lane.as_str()),
            lock_wait: LOCK_WAIT,
        };
        let step = PublishStep::new(call, workspace, entries, from);
        let open = or_stopped(&stop, Open::begin(&self.pool, &settings, &stop)).await?;
        let watched = self.watched(call, open.pid);
        let work = async {
            let server = self.pool.server(&open.session).await?;
            let done = step.publish(&open.session, server, &stop).await?;
            stop.check().map_err(fault::stopped)?;
            key.finish(&open.session, &done, &open.number).await?;
            Ok(done)
        };
        let outcome = open.session.until_stopped(&stop, work).await;
        let outcome = told(outcome, &stop).map_err(|error| watched.failed(error));
        open.end(outcome).await
    }

    /// What has to be there before the part's transaction begins.
    async fn before(
        &self,
        call: &StepCall,
        workspace: Option<&Workspace>,
        key: Option<&Key>,
        stop: &Stop<'_>,
    ) -> Result<Begun, StepError> {
        let before = async {
            if key.is_some() || workspace.is_some() {
                self.make_own_tables(stop).await?;
            }
            if let Some(workspace) = workspace {
                self.make_ready(workspace, stop).await?;
                self.make_lane(call, workspace, stop).await?;
            }
            match key {
                Some(key) if !key.is_first() => self.establish(call, key, stop).await,
                _ => Ok(Begun::Go),
            }
        };
        told(or_stopped(stop, before).await, stop)
    }

    /// Ends the sessions of earlier attempts, whose locks would be in the way, and raises the fence.
    async fn establish(
        &self,
        call: &StepCall,
        key: &Key,
        stop: &Stop<'_>,
    ) -> Result<Begun, StepError> {
        let name = application_name(call);
        self.end_sessions(&attempts_pattern(call), &name).await?;
        let settings = Settings {
            name: &name,
            schema: None,
            lock_wait: LOCK_WAIT,
        };
        let open = Open::begin(&self.pool, &settings, stop).await?;
        let watched = self.watched(call, open.pid);
        let begun = key.begin(&open.session).await;
        drop(watched);
        open.end(begun).await.map_err(|error| {
            // Nothing of the part has begun: whether the fence was raised is found out by raising it again.
            if error.code == fault::UNKNOWN {
                StepError {
                    code: fault::UNREACHABLE.to_owned(),
                    class: carril_model::contract::ErrorClass::Transient,
                    ..error
                }
            } else {
                error
            }
        })
    }
}

/// An outcome as it is told: a statement that the server stopped because we had it stopped was stopped by us.
fn told<T>(outcome: Result<T, StepError>, stop: &Stop<'_>) -> Result<T, StepError> {
    let cancelled = SqlState::QUERY_CANCELED.code();
    outcome.map_err(|error| match stop.why() {
        Some(why) if error.native.as_deref() == Some(cancelled) => StepError {
            place: error.place,
            ..fault::stopped(why)
        },
        _ => error,
    })
}

fn not_ours(what: &str) -> StepError {
    fault::refuse(format!(
        "a PostgreSQL target was asked for {what} where there is none"
    ))
}
