//! Retry: the next run of settled executions, with what succeeded taken over.
//!
//! What succeeded is not done again: its outcome is carried into the next run, and with it the rows that it left in the
//! workspace. Steps that run again must not find their own old rows there, so the tables they wrote are emptied first; where
//! a table also holds rows of a carried step that cannot be told apart, the retry is refused and says from where it would work.

use super::Meant;
use crate::coordinator::Notice;
use crate::engine::Engine;
use crate::error::Error;
use crate::process_run::Ready;
use carril_model::contract::{ProcessRow, Rerun, Selection, StepRow, Whose};
use carril_model::definition::{Action, Scope};
use carril_model::id::{ExecutionId, ProcessId, Run, StepId};
use carril_model::plan::Plan;
use carril_model::state::{ExecutionState, StepState};
use std::collections::BTreeSet;

/// What a retry would do in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPreview {
    /// The process.
    pub process: ProcessId,
    /// Executions that would run again.
    pub executions: u64,
    /// Steps whose outcome would be kept.
    pub steps_kept: u64,
    /// Whether the process's own stages would run again after them.
    pub process_stages: bool,
}

/// One execution's next run, and what must happen to its workspace for it.
struct Next {
    rerun: Rerun,
    /// The workspace tables that it finds empty. All of them is a workspace made anew.
    clear: Vec<String>,
    meant: Meant,
}

impl Engine {
    /// Says what [`Engine::retry`] would do, without doing it.
    ///
    /// # Errors
    /// As [`Engine::retry`].
    pub async fn retry_preview(
        &self,
        selection: &Selection,
        from: Option<&str>,
    ) -> Result<Vec<RetryPreview>, Error> {
        let mut previews = Vec::new();
        for (process, meant) in self.meant(selection).await? {
            let row = self.core.store.process(process).await?;
            let ready = self.ready_process(&row).await?;
            let nexts = self
                .plan_retry(&ready.plan, &row, &meant, selection, from)
                .await?;
            let entities = nexts.iter().filter(|next| !next.meant.owned.per_process);
            previews.push(RetryPreview {
                process,
                executions: entities.count() as u64,
                steps_kept: nexts
                    .iter()
                    .map(|next| next.rerun.carried.len() as u64)
                    .sum(),
                process_stages: nexts.iter().any(|next| next.meant.owned.per_process),
            });
        }
        non_empty(previews)
    }

    /// Runs settled executions again: by default what failed or was cancelled, from the step that failed on; with `from`,
    /// from that step (`stage/step`) on. Later per-process stages run again after them. Returns the processes that run now.
    ///
    /// # Errors
    /// `CAR0423` when nothing can be retried, `CAR0424` when `from` names no step, `CAR0425` when kept rows cannot be told from
    /// rows that the retry would write again; else as [`Error`]. A refused process is unchanged.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the retry.
    pub async fn retry(
        &self,
        selection: Selection,
        from: Option<&str>,
    ) -> Result<Vec<ProcessId>, Error> {
        self.core.check_alive()?;
        let (engine, from) = (self.clone(), from.map(str::to_owned));
        let whole = async move { engine.retry_whole(selection, from.as_deref()).await };
        self.core.to_its_end(whole).await
    }

    async fn retry_whole(
        &self,
        selection: Selection,
        from: Option<&str>,
    ) -> Result<Vec<ProcessId>, Error> {
        let _alone = self.core.workspaces.lock().await;
        let mut processes = Vec::new();
        for (process, meant) in self.meant(&selection).await? {
            let row = self.core.store.process(process).await?;
            let ready = self.ready_process(&row).await?;
            // A lane that has settled may still be removing the workspace that is to be kept.
            let settled = meant.iter().filter(|one| one.state.is_settled());
            let ended: BTreeSet<ExecutionId> = settled.map(|one| one.owned.execution).collect();
            self.core
                .lanes
                .gone(|owned| ended.contains(&owned.execution))
                .await;
            let nexts = self
                .plan_retry(&ready.plan, &row, &meant, &selection, from)
                .await?;
            if nexts.is_empty() {
                continue;
            }
            for next in &nexts {
                carry_workspace(&ready, next).await?;
            }
            let reruns: Vec<Rerun> = nexts.into_iter().map(|next| next.rerun).collect();
            let row = self
                .core
                .store
                .rerun(process, &reruns, self.core.clock.now())
                .await?;
            self.look_again(ready, row).await;
            // Whoever now goes first of a lane key may be of a process that nothing else has moved.
            self.core.notify(Notice::KeysFreed).await;
            processes.push(process);
        }
        non_empty(processes)
    }

    async fn plan_retry(
        &self,
        plan: &Plan,
        row: &ProcessRow,
        meant: &[Meant],
        selection: &Selection,
        from: Option<&str>,
    ) -> Result<Vec<Next>, Error> {
        let from = match from {
            None => None,
            Some(name) => Some(plan.find(name).ok_or_else(|| {
                let known: Vec<&str> = plan.steps().iter().map(|step| step.path.as_str()).collect();
                Error::refused(
                    "CAR0424",
                    format!(
                        "no step is called `{name}`; the steps are {}",
                        known.join(", ")
                    ),
                )
            })?),
        };
        let everything = matches!(selection, Selection::Executions(_)) || from.is_some();
        let from_scope = from.map(|step| plan.stage_of(step).per);
        let mut nexts = Vec::new();
        for one in meant
            .iter()
            .filter(|one| !one.owned.per_process && from_scope != Some(Scope::Process))
        {
            let unsuccessful = matches!(
                one.state,
                ExecutionState::Failed | ExecutionState::Cancelled | ExecutionState::RolledBack
            );
            if one.state.is_settled() && (unsuccessful || everything) {
                nexts.push(self.plan_one(plan, *one, from).await?);
            }
        }
        let own = self
            .own_execution(row)
            .await?
            .filter(|own| own.state.is_settled());
        if let Some(own) = own {
            let earliest = nexts.iter().map(|next| next.rerun.segment).min();
            let itself = meant.iter().any(|one| one.owned.per_process)
                && (own.state != ExecutionState::Succeeded || from_scope == Some(Scope::Process));
            if earliest.is_some() || itself {
                let from = from.filter(|_| from_scope == Some(Scope::Process));
                let next = self.plan_own(plan, own, earliest, from).await?;
                // Stages of the process that come before every lane that runs again are not stale.
                if itself || earliest.is_none_or(|earliest| is_stale(plan, own.state, earliest)) {
                    nexts.push(next);
                }
            }
        }
        Ok(nexts)
    }

    async fn plan_one(
        &self,
        plan: &Plan,
        meant: Meant,
        from: Option<StepId>,
    ) -> Result<Next, Error> {
        let rows = self.core.store.steps(meant.owned.execution).await?;
        next_run(plan, meant, &rows, from, Scope::Entity, None)
    }

    /// The process's own stages after the earliest lane that runs again, and the workspace tables that they find empty.
    pub(super) async fn plan_own_after(
        &self,
        plan: &Plan,
        own: Meant,
        earliest: u32,
    ) -> Result<(Rerun, Vec<String>), Error> {
        let next = self.plan_own(plan, own, Some(earliest), None).await?;
        Ok((next.rerun, next.clear))
    }

    async fn plan_own(
        &self,
        plan: &Plan,
        own: Meant,
        earliest: Option<u32>,
        from: Option<StepId>,
    ) -> Result<Next, Error> {
        let rows = self.core.store.steps(own.owned.execution).await?;
        next_run(plan, own, &rows, from, Scope::Process, earliest)
    }
}

/// Decides one execution's next run from what the last one left. With `before`, only steps of segments before it are kept.
fn next_run(
    plan: &Plan,
    meant: Meant,
    rows: &[StepRow],
    from: Option<StepId>,
    scope: Scope,
    before: Option<u32>,
) -> Result<Next, Error> {
    let undone = meant.state == ExecutionState::RolledBack;
    let is_kept = |row: &&StepRow| {
        let segment = plan.segment_of_stage(plan.planned(row.step).stage);
        let succeeded = row.state == StepState::Succeeded && !undone;
        succeeded
            && from.is_none_or(|from| comes_before(plan, row.step, from))
            && before.is_none_or(|before| segment < before as usize)
    };
    let carried: Vec<StepId> = rows.iter().filter(is_kept).map(|row| row.step).collect();
    let first_left = plan.steps().iter().find(|step| {
        plan.stage_of(step.id).per == scope && !carried.contains(&step.id) && !step.is_fallback
    });
    let segment = first_left.map_or(meant.segment as usize, |step| {
        plan.segment_of_stage(step.stage)
    });
    let segment = u32::try_from(segment).expect("a plan has fewer segments than steps");
    let has_own = |row: &StepRow| carried.contains(&row.step) && has_rows_beside(plan, row);
    let clear =
        if carried.iter().any(|step| plan.works_in_workspace(*step)) || rows.iter().any(has_own) {
            tables_to_clear(plan, rows, &carried)?
        } else {
            let workspace = plan.definition().workspace.as_ref();
            workspace.map_or_else(Vec::new, |workspace| workspace.tables.clone())
        };
    let rerun = Rerun {
        execution: meant.owned.execution,
        expected: meant.owned.run,
        segment,
        carried,
    };
    Ok(Next {
        rerun,
        clear,
        meant,
    })
}

/// Whether the process's own stages, which have settled, run again when lanes do from this segment on: if they are not done,
/// or any of them comes later.
pub(super) fn is_stale(plan: &Plan, own: ExecutionState, earliest: u32) -> bool {
    own != ExecutionState::Succeeded
        || plan
            .next_segment(Scope::Process, earliest as usize)
            .is_some()
}

/// Whether `step` keeps its outcome when everything from `from` on runs again.
fn comes_before(plan: &Plan, step: StepId, from: StepId) -> bool {
    let (step_place, from_place) = (plan.planned(step), plan.planned(from));
    let parallel = plan.stage_of(from).parallel;
    step_place.stage < from_place.stage
        || (step_place.stage == from_place.stage
            && if parallel { step != from } else { step < from })
}

/// Workspace tables that only steps that run again have written.
fn tables_to_clear(
    plan: &Plan,
    rows: &[StepRow],
    carried: &[StepId],
) -> Result<Vec<String>, Error> {
    // Where executions share their tables, a step may write others besides, which no retry empties.
    let shared = plan.definition().workspace.as_ref();
    let shared = shared.filter(|workspace| workspace.column().is_some());
    let is_own = |table: &str| shared.is_none_or(|workspace| workspace.has_table(table));
    let written_by = |kept: bool| {
        let rows = rows.iter().filter(move |row| {
            carried.contains(&row.step) == kept
                && (plan.works_in_workspace(row.step) || has_rows_beside(plan, row))
        });
        rows.flat_map(|row| row.rows.iter().map(move |table| (&table.table, row.step)))
            .filter(|(table, step)| is_own(table) && is_of_workspace(plan, *step, table))
            .map(|(table, step)| (table.clone(), step))
    };
    let kept: BTreeSet<String> = written_by(true).map(|(table, _)| table).collect();
    let mut clear = BTreeSet::new();
    for (table, step) in written_by(false) {
        if kept.contains(&table) {
            let path = &plan.planned(step).path;
            let message = format!(
                "table `{table}` holds rows of `{path}`, which would run again, and of steps before it, which would not; retry from the first step that writes it, or roll back and retry the whole execution"
            );
            return Err(Error::refused("CAR0425", message));
        }
        clear.insert(table);
    }
    Ok(clear.into_iter().collect())
}

/// Whether a step that writes tables which lanes share has written the execution's own as well: where a target commits both at once.
fn has_rows_beside(plan: &Plan, row: &StepRow) -> bool {
    !plan.works_in_workspace(row.step)
        && row
            .rows
            .iter()
            .any(|table| is_of_workspace(plan, row.step, &table.table))
}

/// Whether a table that a step wrote is the execution's own. A step that works in the workspace alone has no others, whatever it
/// called them; one that writes shared tables writes those that the workspace names.
fn is_of_workspace(plan: &Plan, step: StepId, table: &str) -> bool {
    if plan.works_in_workspace(step) {
        return true;
    }
    let workspace = plan.definition().workspace.as_ref();
    workspace.is_some_and(|workspace| {
        matches!(&plan.step(step).action, Action::Sql { target, .. } if *target == workspace.target)
            && workspace.has_table(table)
    })
}

async fn carry_workspace(ready: &Ready, next: &Next) -> Result<(), Error> {
    let Some(workspace) = &ready.plan.definition().workspace else {
        return Ok(());
    };
    let target = &ready.targets[&workspace.target];
    let owned = next.meant.owned;
    let whose = Whose {
        process: owned.process,
        execution: owned.execution,
    };
    let to = Run(owned.run.0 + 1);
    target.carry_workspace(ready.plan.definition(), whose, owned.run, to, &next.clear).await.map_err(|error| {
        let message = format!("the workspace of execution {} is gone ({error}), so its steps cannot be kept; roll it back, then retry it whole", owned.execution);
        Error::refused("CAR0426", message)
    })
}

fn non_empty<T>(found: Vec<T>) -> Result<Vec<T>, Error> {
    if found.is_empty() {
        return Err(Error::refused(
            "CAR0423",
            "nothing there can be retried: no execution that is meant has failed, or was cancelled or rolled back",
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
