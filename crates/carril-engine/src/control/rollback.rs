//! Rollback: removes all that executions left on their targets, and nothing else (P7).
//!
//! First the token is raised, so that whoever still works for the execution is refused; then the target removes and counts
//! that nothing is left; then the store says so. A crash in between leaves it `rolling_back`, and the next engine goes on.

use super::Meant;
use super::retry::is_stale;
use crate::coordinator::Notice;
use crate::engine::Engine;
use crate::error::Error;
use crate::process_run::Ready;
use crate::undoing::Hold;
use carril_model::contract::{
    Change, Fault, Owned, ProcessChange, ProcessRow, Selection, TableRows, TargetError, Whose,
};
use carril_model::definition::Scope;
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::plan::Plan;
use carril_model::state::{ExecutionState, ProcessState};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often a busy target is tried again before the rollback stays half done and says so.
const BUSY_TRIES: u32 = 10;

/// Processes that a rollback which was accepted before holds where they are.
pub(crate) type Held = BTreeMap<ProcessId, Hold>;

/// What a rollback removed, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollbackReport {
    /// Executions rolled back.
    pub executions: u64,
    /// Rows removed per table.
    pub rows: Vec<TableRows>,
    /// The processes they belong to.
    pub processes: Vec<ProcessId>,
    /// Whether stages of these processes run again, without what was removed.
    pub process_stages: bool,
}

impl Engine {
    /// Counts what [`Engine::roll_back`] would remove, without removing it.
    ///
    /// # Errors
    /// As [`Engine::roll_back`].
    pub async fn rollback_preview(&self, selection: &Selection) -> Result<RollbackReport, Error> {
        let mut report = RollbackReport::default();
        let mut rows = BTreeMap::new();
        for (process, meant) in self.meant(selection).await? {
            let row = self.core.store.process(process).await?;
            let ready = self.ready_process(&row).await?;
            let some = meant
                .iter()
                .filter(|one| one.state != ExecutionState::RolledBack);
            for one in some {
                report.executions += u64::from(!one.owned.per_process);
                if let Some(target) = workspace_target(&ready) {
                    let counted = target
                        .preview_rollback(ready.plan.definition(), whose(one.owned))
                        .await;
                    add(&mut rows, &counted.map_err(|error| named(&ready, error))?);
                }
            }
            report.process_stages |= stages_run_again(&ready.plan, &row, &meant).is_some();
            report.processes.push(process);
        }
        finish(report, rows)
    }

    /// Undoes executions: running ones are stopped, then everything they published and their workspaces are removed. The rest
    /// of their process stands; its own stages run again without them. They can be retried afterwards.
    ///
    /// # Errors
    /// `CAR0427` when nothing there can be rolled back; `CAR0428` when a per-process stage is running just now. After an error on
    /// the way, what was rolled back stays so, and asking again goes on; [`Error::Stopped`] when the engine ends first, the next
    /// one then goes on.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the rollback.
    pub async fn roll_back(&self, selection: Selection) -> Result<RollbackReport, Error> {
        self.core.check_alive()?;
        let engine = self.clone();
        let whole = async move { engine.roll_back_whole(&selection, &mut Held::new()).await };
        self.core.to_its_end(whole).await
    }

    /// Begins a rollback: when this returns, the store knows of it, and whoever enters the store goes on with it. The processes
    /// stay where they are until what is answered is dropped.
    ///
    /// # Errors
    /// As [`Engine::roll_back`]; nothing was begun.
    pub(crate) async fn begin_rollback(&self, selection: &Selection) -> Result<Held, Error> {
        let _alone = self.core.rollbacks.lock().await;
        let by_process = self.meant(selection).await?;
        if by_process.is_empty() {
            return Err(nothing());
        }
        for (process, meant) in &by_process {
            let row = self.core.store.process(*process).await?;
            refuse_while_stage_runs(&row, meant)?;
            self.ready_process(&row).await?;
        }
        let mut held = Held::new();
        for (process, meant) in by_process {
            held.insert(process, self.core.undoing.hold(process));
            let left: Vec<ExecutionId> = left(&meant).collect();
            for chunk in left.chunks(super::PAGE as usize) {
                self.mark(chunk).await?;
            }
        }
        Ok(held)
    }

    /// Goes on with a rollback that the store knows of: what must end first is waited for.
    pub(crate) async fn finish_rollback(&self, selection: &Selection, mut held: Held) {
        if let Err(error) = self.roll_back_whole(selection, &mut held).await {
            tracing::error!(%error, "a rollback could not be finished; it is tried again at the next start");
            let moved = held.into_keys().collect();
            self.core.notify(Notice::Moved(moved)).await;
        }
    }

    pub(super) async fn roll_back_whole(
        &self,
        selection: &Selection,
        held: &mut Held,
    ) -> Result<RollbackReport, Error> {
        let _alone = self.core.rollbacks.lock().await;
        let mut report = RollbackReport::default();
        let mut rows = BTreeMap::new();
        for (process, meant) in self.meant(selection).await? {
            let row = self.core.store.process(process).await?;
            let hold = held.remove(&process);
            if hold.is_none() {
                refuse_while_stage_runs(&row, &meant)?;
            }
            let ready = self.ready_process(&row).await?;
            let hold = hold.unwrap_or_else(|| self.core.undoing.hold(process));
            let undone = self.roll_back_in(&ready, process, &meant, &mut rows).await;
            drop(hold);
            self.look_again(ready, self.core.store.process(process).await?)
                .await;
            let (executions, again) = undone?;
            self.until_undone(process).await?;
            report.executions += executions;
            report.process_stages |= again;
            report.processes.push(process);
        }
        finish(report, rows)
    }

    /// How many executions were undone, and whether stages of the process itself run again.
    ///
    /// What follows for the process is written before the last execution is no longer `rolling_back`, or with it: whoever
    /// finds one so after a crash goes on, and whoever finds none has nothing left to do.
    async fn roll_back_in(
        &self,
        ready: &Ready,
        process: ProcessId,
        meant: &[Meant],
        rows: &mut BTreeMap<String, TableRows>,
    ) -> Result<(u64, bool), Error> {
        let left: Vec<ExecutionId> = left(meant).collect();
        if left.is_empty() {
            return Ok((0, false));
        }
        let mut done = 0;
        let mut last: Option<(Owned, Change)> = None;
        for chunk in left.chunks(super::PAGE as usize) {
            for owned in self.stop_for_rollback(chunk).await? {
                self.core.check_alive()?;
                let change = self.undo(ready, owned, rows).await?;
                done += u64::from(!owned.per_process);
                if let Some((owned, change)) = last.replace((owned, change)) {
                    self.core
                        .journal
                        .write(owned, vec![change], Vec::new(), None)
                        .await?;
                }
            }
        }
        let again = self.run_stages_again(ready, process, meant).await?;
        if let Some((owned, change)) = last {
            // Refused as long as something of the process is not undone.
            let settle = ProcessChange::Settle {
                process,
                state: ProcessState::RolledBack,
                reason: None,
                at: self.core.clock.now(),
            };
            let then = Some(settle).filter(|_| !again);
            self.core.journal.write_then(owned, change, then).await?;
        }
        Ok((done, again))
    }

    /// Marks executions as rolling back, and waits until no lane has them any more.
    async fn stop_for_rollback(&self, executions: &[ExecutionId]) -> Result<Vec<Owned>, Error> {
        let begun = self.mark(executions).await?;
        let stopped: BTreeSet<ExecutionId> = begun.iter().map(|owned| owned.execution).collect();
        self.core
            .lanes
            .gone(|owned| stopped.contains(&owned.execution))
            .await;
        Ok(begun)
    }

    /// Marks executions as rolling back, and has their lanes stop.
    async fn mark(&self, executions: &[ExecutionId]) -> Result<Vec<Owned>, Error> {
        let now = self.core.clock.now();
        let begun = self.core.store.begin_rollback(executions, now).await?;
        // What was live has given up its lane key, perhaps to an execution of another process.
        self.core.notify(Notice::KeysFreed).await;
        self.core.lanes.revoke(&begun);
        Ok(begun)
    }

    /// Removes what an execution left; the answer is for the journal.
    async fn undo(
        &self,
        ready: &Ready,
        owned: Owned,
        rows: &mut BTreeMap<String, TableRows>,
    ) -> Result<Change, Error> {
        let removed = self.remove(ready, owned).await?;
        fail::fail_point!("engine::rollback::removed");
        add(rows, &removed);
        Ok(Change::RolledBack {
            at: self.core.clock.now(),
            rows: removed,
        })
    }

    async fn remove(&self, ready: &Ready, owned: Owned) -> Result<Vec<TableRows>, Error> {
        let Some(target) = workspace_target(ready) else {
            return Ok(Vec::new());
        };
        let mut tries = 0;
        loop {
            match target
                .roll_back(ready.plan.definition(), whose(owned))
                .await
            {
                Ok(rows) => return Ok(rows),
                Err(TargetError::Busy(reason)) if tries < BUSY_TRIES => {
                    tries += 1;
                    tracing::warn!(%reason, tries, execution = owned.execution.0, "the target is busy; the rollback waits");
                    tokio::time::sleep(Duration::from_millis(100 * u64::from(tries))).await;
                }
                Err(error) => return Err(named(ready, error)),
            }
        }
    }

    /// A stage of the process itself may have begun just before the process was held, and have read what was removed since:
    /// it is stale only when it has ended, and then it can run again.
    async fn stages_at_rest(&self, process: ProcessId, meant: &[Meant]) -> Result<(), Error> {
        let mut moved = self.core.board.watch();
        loop {
            self.core.check_alive()?;
            let row = self.core.store.process(process).await?;
            if refuse_while_stage_runs(&row, meant).is_ok() {
                return Ok(());
            }
            if moved.changed().await.is_err() {
                return Err(Error::Stopped("it was shut down".to_owned()));
            }
        }
    }

    /// What the process's own stages made of the lanes is stale now: they run again, unless they were rolled back, too, or
    /// another rollback has just seen to it.
    async fn run_stages_again(
        &self,
        ready: &Ready,
        process: ProcessId,
        meant: &[Meant],
    ) -> Result<bool, Error> {
        let mut tries = 0;
        loop {
            self.stages_at_rest(process, meant).await?;
            let row = self.core.store.process(process).await?;
            let Some(earliest) = stages_run_again(&ready.plan, &row, meant) else {
                return Ok(false);
            };
            let Some(own) = self.own_execution(&row).await? else {
                return Ok(false);
            };
            let (rerun, clear) = self.plan_own_after(&ready.plan, own, earliest).await?;
            self.empty_shared(ready, own.owned, &clear).await?;
            let now = self.core.clock.now();
            match self.core.store.rerun(process, &[rerun], now).await {
                Err(Fault::Conflict(_)) if tries < BUSY_TRIES => tries += 1,
                reran => return Ok(reran.map(|_| true)?),
            }
        }
    }

    /// Where executions share their tables, the next run finds the rows of the last in its place: those that its steps write
    /// again go. A run with a place of its own finds it new.
    async fn empty_shared(
        &self,
        ready: &Ready,
        owned: Owned,
        clear: &[String],
    ) -> Result<(), Error> {
        let definition = ready.plan.definition();
        let shares = definition.workspace.as_ref();
        let shares = shares.is_some_and(|workspace| workspace.column().is_some());
        let Some(target) = workspace_target(ready).filter(|_| shares) else {
            return Ok(());
        };
        let _alone = self.core.workspaces.lock().await;
        let (from, to) = (owned.run, Run(owned.run.0 + 1));
        match target
            .carry_workspace(definition, whose(owned), from, to, clear)
            .await
        {
            // What is gone already needs no more; a step that relies on it says so.
            Ok(()) | Err(TargetError::Unreachable(_)) => Ok(()),
            Err(error) => Err(named(ready, error)),
        }
    }

    /// A settled process of which every execution is undone is about to be rolled back itself: whoever asks after the
    /// rollback is to see it so.
    async fn until_undone(&self, process: ProcessId) -> Result<(), Error> {
        let mut moved = self.core.board.watch();
        loop {
            self.core.check_alive()?;
            let row = self.core.store.process(process).await?;
            let next = carril_model::process::next(&row, 1, None, self.core.clock.now());
            if !row.state.is_settled() || next.is_none() {
                return Ok(());
            }
            if moved.changed().await.is_err() {
                return Err(Error::Stopped("it was shut down".to_owned()));
            }
        }
    }
}

/// From which segment on the process's own stages run again once these are undone, if they do: what came before the lanes
/// never saw them, and what was cancelled is not wanted any more than before.
fn stages_run_again(plan: &Plan, row: &ProcessRow, meant: &[Meant]) -> Option<u32> {
    let own_is_meant = meant.iter().any(|one| one.owned.per_process);
    let done =
        |own: &ExecutionState| matches!(own, ExecutionState::Succeeded | ExecutionState::Failed);
    let own = row.own_state.filter(done).filter(|_| !own_is_meant)?;
    let lanes_begin = plan.next_segment(Scope::Entity, 0).unwrap_or(0);
    let lanes_begin = u32::try_from(lanes_begin).unwrap_or(0);
    let last_run = meant.iter().map(|one| one.segment).min();
    let earliest = last_run.map_or(lanes_begin, |segment| segment.min(lanes_begin));
    is_stale(plan, own, earliest).then_some(earliest)
}

/// Which of them are not undone: a rollback before this one, or one that an engine died over, may have done them all.
fn left(meant: &[Meant]) -> impl Iterator<Item = ExecutionId> {
    let is_left = |one: &&Meant| one.state != ExecutionState::RolledBack;
    meant.iter().filter(is_left).map(|one| one.owned.execution)
}

/// What reads rows must have ended before they go. Where nothing is left to undo, nothing goes.
fn refuse_while_stage_runs(row: &ProcessRow, meant: &[Meant]) -> Result<(), Error> {
    if left(meant).next().is_none() {
        return Ok(());
    }
    let own_is_meant = meant.iter().any(|one| one.owned.per_process);
    if row.own_state == Some(ExecutionState::Running) && !own_is_meant {
        let message = format!(
            "a stage of process {} itself is running and reads what the lanes left; roll back when it has ended, or the whole process",
            row.id
        );
        return Err(Error::refused("CAR0428", message));
    }
    Ok(())
}

fn nothing() -> Error {
    let message =
        "nothing there can be rolled back: no execution is meant, or all of them have been";
    Error::refused("CAR0427", message)
}

fn workspace_target(ready: &Ready) -> Option<&std::sync::Arc<dyn carril_model::contract::Target>> {
    let workspace = ready.plan.definition().workspace.as_ref()?;
    ready.targets.get(&workspace.target)
}

fn named(ready: &Ready, error: TargetError) -> Error {
    let name = ready
        .plan
        .definition()
        .workspace
        .as_ref()
        .map(|workspace| workspace.target.clone())
        .unwrap_or_default();
    Error::Target { name, error }
}

const fn whose(owned: Owned) -> Whose {
    Whose {
        process: owned.process,
        execution: owned.execution,
    }
}

fn add(sums: &mut BTreeMap<String, TableRows>, rows: &[TableRows]) {
    for row in rows {
        let sum = sums.entry(row.table.clone()).or_insert_with(|| TableRows {
            table: row.table.clone(),
            inserted: 0,
            updated: 0,
            deleted: 0,
        });
        sum.inserted += row.inserted;
        sum.updated += row.updated;
        sum.deleted += row.deleted;
    }
}

fn finish(
    mut report: RollbackReport,
    rows: BTreeMap<String, TableRows>,
) -> Result<RollbackReport, Error> {
    if report.processes.is_empty() {
        return Err(nothing());
    }
    report.rows = rows.into_values().collect();
    Ok(report)
}
