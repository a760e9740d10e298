//! Attempts of steps: which thread does what, and how callers wait for it.
//!
//! The asynchronous side of SQL steps and publishing: it takes seats, hands work to their threads, passes a cancel on, and
//! turns what comes back into the contract's words. What is done to a database is said elsewhere.

use super::guard::Guard;
use super::lane::{LaneKey, Lanes, Shape, is_sound};
use super::pool::{OpenFor, Session};
use super::publish::{From, PublishStep};
use super::step::{Beside, Ran, SqlStep};
use super::stop::{Stop, StopOnDrop, Why};
use super::{SqliteTarget, column, fault, publish, shared};
use crate::driver::Gone;
use carril_model::contract::{Cancellation, ErrorClass, StepCall, StepDone, StepError};
use carril_model::definition::{Action, Workspace};
use carril_model::time::Timestamp;
use rusqlite::Connection;
use std::future::Future;
use std::sync::Arc;

/// Most lists of published tables that are remembered as ready; one per pipeline in use.
const READY_MAX: usize = 64;

impl SqliteTarget {
    /// Work that ends by itself.
    pub(super) fn endless(&self) -> Arc<Stop> {
        Stop::new(Arc::clone(&self.clock), Timestamp(i64::MAX))
    }

    fn stop_for(&self, call: &StepCall) -> Arc<Stop> {
        Stop::new(Arc::clone(&self.clock), call.deadline)
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
        if cancel.is_cancelled() {
            return Err(fault::stopped(Why::Cancelled));
        }
        let sql_step = SqlStep::new(call, sql)?;
        match self.workspace(call.plan.definition()) {
            Some(workspace) if workspace.column().is_some() => {
                self.make_ready(call, workspace, cancel).await?;
                self.sql_by_column(call, workspace, sql_step, cancel).await
            }
            Some(workspace) if step.shared_writes.is_empty() => {
                self.make_ready(call, workspace, cancel).await?;
                self.on_lane(call, workspace, cancel, move |connection, guard, stop| {
                    sql_step.run(connection, guard, stop)
                })
                .await
            }
            workspace => self.sql_on_shared(call, workspace, sql_step, cancel).await,
        }
    }

    async fn sql_on_shared(
        &self,
        call: &StepCall,
        workspace: Option<&Workspace>,
        sql_step: SqlStep,
        cancel: &dyn Cancellation,
    ) -> Result<StepDone, StepError> {
        let beside = match workspace {
            Some(workspace) => {
                self.make_lane(call, workspace, cancel).await?;
                Some(Beside {
                    file: self.lanes.path(lane_of(call)),
                    tables: workspace.tables.clone(),
                })
            }
            None => None,
        };
        self.on_writer(self.stop_for(call), cancel, move |session, path, stop| {
            let (connection, guard) =
                session.open(OpenFor::Shared, |guard| shared::open(path, guard))?;
            if !connection.is_readonly("main").unwrap_or(false) {
                publish::create_own(connection, stop)?;
            }
            let ran = sql_step.run_beside(connection, guard, stop, beside.as_ref());
            if ran.made_temporary || ran.damaged.is_some() {
                session.close();
            }
            ran.outcome
        })
        .await
    }

    async fn sql_by_column(
        &self,
        call: &StepCall,
        workspace: &Workspace,
        sql_step: SqlStep,
        cancel: &dyn Cancellation,
    ) -> Result<StepDone, StepError> {
        let workspace = workspace.clone();
        self.on_writer(self.stop_for(call), cancel, move |session, path, stop| {
            let (connection, guard) =
                session.open(OpenFor::Shared, |guard| shared::open(path, guard))?;
            if !connection.is_readonly("main").unwrap_or(false) {
                publish::create_own(connection, stop)?;
                column::create(connection, stop)?;
            }
            let ran = sql_step.run_by_column(connection, guard, stop, &workspace);
            if ran.made_temporary || ran.damaged.is_some() || ran.outcome.is_err() {
                // Nothing of one execution may stay before the tables of the next.
                session.close();
            }
            ran.outcome
        })
        .await
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
        if cancel.is_cancelled() {
            return Err(fault::stopped(Why::Cancelled));
        }
        let from = if let Some(column) = workspace.column() {
            self.make_ready(call, workspace, cancel).await?;
            From::Shared(column.to_owned())
        } else {
            self.make_lane(call, workspace, cancel).await?;
            From::Lane(self.lanes.path(lane_of(call)))
        };
        let step = PublishStep::new(call, workspace, entries, from);
        self.on_writer(self.stop_for(call), cancel, move |session, path, stop| {
            let (connection, guard) =
                session.open(OpenFor::Shared, |guard| shared::open(path, guard))?;
            let done = step.run(connection, guard, stop);
            if done.is_err() {
                // Whatever state it is in, the lane's file must not stay attached.
                session.close();
            }
            done
        })
        .await
    }

    /// The lane's file is there and open.
    async fn make_lane(
        &self,
        call: &StepCall,
        workspace: &Workspace,
        cancel: &dyn Cancellation,
    ) -> Result<(), StepError> {
        self.make_ready(call, workspace, cancel).await?;
        self.on_lane(call, workspace, cancel, |_, _, _| Ran::nothing())
            .await
            .map(|_| ())
    }

    /// What lanes publish into is there before the first lane begins: a later stage may read it although nobody has published.
    async fn make_ready(
        &self,
        call: &StepCall,
        workspace: &Workspace,
        cancel: &dyn Cancellation,
    ) -> Result<(), StepError> {
        let key = format!("{:?} {:?}", workspace.publish, workspace.isolation);
        let mut ready = or_cancelled(cancel, self.ready.lock()).await?;
        if ready.contains(&key) {
            return Ok(());
        }
        let (entries, column) = (
            workspace.publish.clone(),
            workspace.column().map(str::to_owned),
        );
        self.on_writer(self.stop_for(call), cancel, move |session, path, stop| {
            let (connection, guard) =
                session.open(OpenFor::Shared, |guard| shared::open(path, guard))?;
            stop.begin(connection.get_interrupt_handle())
                .map_err(fault::stopped)?;
            let _stoppable = guard.stopped_by(stop);
            publish::ensure(connection, path, (&entries, column.as_deref()), stop)
        })
        .await?;
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.insert(key);
        Ok(())
    }

    /// Has work done on a lane's connection; waits in order for a seat, and for earlier work of the same lane.
    async fn on_lane<F>(
        &self,
        call: &StepCall,
        workspace: &Workspace,
        cancel: &dyn Cancellation,
        work: F,
    ) -> Result<StepDone, StepError>
    where
        F: FnOnce(&Connection, &Arc<Guard>, &Arc<Stop>) -> Ran + Send + 'static,
    {
        let (lane, shape, lanes, stop) = (
            lane_of(call),
            Shape::of(workspace, call.has_workspace, &call.worked),
            Arc::clone(&self.lanes),
            self.stop_for(call),
        );
        let taken = or_cancelled(cancel, self.pool.seat(lane))
            .await?
            .map_err(|error| no_thread(&error))?;
        let seat = Arc::clone(&taken.seat);
        let on_thread = Arc::clone(&stop);
        let done = seat.call(move |session| {
            let _until_the_work_ends = taken;
            on_lane_thread(session, &lanes, lane, &shape, &on_thread, work)
        });
        until_done(stop, cancel, done)
            .await
            .map_err(|Gone| unknown())?
    }

    /// Has work done on the one thread that writes the shared file.
    async fn on_writer<T, F>(
        &self,
        stop: Arc<Stop>,
        cancel: &dyn Cancellation,
        work: F,
    ) -> Result<T, StepError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session<'_>, &std::path::Path, &Arc<Stop>) -> Result<T, StepError>
            + Send
            + 'static,
    {
        let seat = self.writer.get().map_err(|error| no_thread(&error))?;
        let (path, on_thread) = (self.path.clone(), Arc::clone(&stop));
        let done = seat.call(move |session| {
            let work = session.stoppable(&on_thread, |session| work(session, &path, &on_thread));
            work.map_err(fault::stopped)?
        });
        until_done(stop, cancel, done)
            .await
            .map_err(|Gone| unknown())?
    }
}

fn on_lane_thread(
    session: &mut Session<'_>,
    lanes: &Lanes,
    lane: LaneKey,
    shape: &Shape,
    stop: &Arc<Stop>,
    work: impl FnOnce(&Connection, &Arc<Guard>, &Arc<Stop>) -> Ran,
) -> Result<StepDone, StepError> {
    let outcome = session.stoppable(stop, |session| {
        let (connection, guard) =
            session.open(OpenFor::Lane(lane), |guard| lanes.open(lane, shape, guard))?;
        let ran = work(connection, guard, stop);
        let damaged = ran.damaged.filter(|_| !is_sound(connection));
        if ran.made_temporary || damaged.is_some() {
            session.close();
        }
        match damaged {
            Some(error) => Err(lanes.quarantine(lane, &error)),
            None => ran.outcome,
        }
    });
    outcome.map_err(fault::stopped)?
}

/// Waits for work; a cancel is passed on to it, and its end is awaited all the same.
///
/// # Cancel safety
/// Dropping the future asks the work to stop; what became of it, the fence tells.
async fn until_done<T>(
    stop: Arc<Stop>,
    cancel: &dyn Cancellation,
    work: impl Future<Output = T> + Send,
) -> T {
    let mut work = std::pin::pin!(work);
    let stop = StopOnDrop(stop);
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = cancel.cancelled() => stop.0.cancel(),
    }
    work.await
}

/// Waits for a turn, or for the cancel.
async fn or_cancelled<T>(
    cancel: &dyn Cancellation,
    turn: impl Future<Output = T> + Send,
) -> Result<T, StepError> {
    tokio::select! {
        biased;
        turn = turn => Ok(turn),
        () = cancel.cancelled() => Err(fault::stopped(Why::Cancelled)),
    }
}

fn lane_of(call: &StepCall) -> LaneKey {
    LaneKey {
        process: call.process(),
        execution: call.execution(),
        run: call.run(),
    }
}

fn not_ours(what: &str) -> StepError {
    StepError::new(
        fault::SQL,
        ErrorClass::Permanent,
        format!("a SQLite target was asked for {what} where there is none"),
    )
}

fn no_thread(error: &std::io::Error) -> StepError {
    StepError::new(
        fault::BUSY,
        ErrorClass::Transient,
        format!("the system gives no thread for a database connection: {error}"),
    )
}

/// Work that panicked may have done so after its commit; the next attempt finds out.
fn unknown() -> StepError {
    StepError::new(
        fault::UNKNOWN,
        ErrorClass::OutcomeUnknown,
        "the database thread panicked, so nobody knows whether its transaction was committed",
    )
}
