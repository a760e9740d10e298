//! What a crash, or a busy moment, may have left behind: workspaces that should be gone, rollbacks half done.
//!
//! Background work that takes no input: it looks at what is there, compares with what should be, acts, and can run twice.

use crate::control::{Held, Pruned, Retention};
use crate::coordinator::Notice;
use crate::engine::Engine;
use crate::error::Error;
use crate::process_run::ProcessRun;
use crate::shared::Core;
use crate::task::Kind;
use carril_model::contract::{Older, Owned, Selection, TargetError, Whose};
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::state::ExecutionState;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Executions looked at in one go while sweeping.
const SWEEP_CHUNK: usize = 500;
/// How long an engine waits before it looks again for what is old.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);

/// Removes the workspaces that a process should not leave behind, then has it settled.
///
/// In this order, so that a crash in between leaves the process unsettled and the next engine sweeps again. How it settles
/// is decided after that: it may have moved on meanwhile.
pub(crate) async fn sweep_and_tell(core: Arc<Core>, run: Arc<ProcessRun>) {
    if let Err(error) = sweep(&core, &run).await {
        tracing::warn!(process = run.id.0, %error, "some workspaces could not be removed; `carril prune` or the next run will");
    }
    fail::fail_point!("engine::process::before_settle");
    core.notify(Notice::Swept(run.id)).await;
}

async fn sweep(core: &Core, run: &ProcessRun) -> Result<(), String> {
    let Some(target) = &run.workspace else {
        return Ok(());
    };
    let found = target
        .workspaces(run.id)
        .await
        .map_err(|error: TargetError| error.to_string())?;
    for chunk in found.chunks(SWEEP_CHUNK) {
        let _alone = core.workspaces.lock().await;
        let selection = Selection::Executions(chunk.to_vec());
        let max = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let states = core
            .store
            .select(&selection, None, max)
            .await
            .map_err(|fault| fault.to_string())?;
        for (owned, state, _) in states {
            if should_go(run, state) {
                let whose = Whose {
                    process: owned.process,
                    execution: owned.execution,
                };
                target
                    .discard_workspace(run.plan.definition(), whose)
                    .await
                    .map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(())
}

fn should_go(run: &ProcessRun, state: ExecutionState) -> bool {
    match state {
        ExecutionState::RolledBack => true,
        ExecutionState::Succeeded | ExecutionState::Skipped => !run.keeps_workspace(true),
        ExecutionState::Failed | ExecutionState::Cancelled => !run.keeps_workspace(false),
        ExecutionState::Pending | ExecutionState::Running | ExecutionState::Waiting => false,
    }
}

impl Engine {
    /// Removes what is older than it is to be kept, now and from time to time.
    pub(crate) async fn keep_pruned(self, retention: Retention) {
        loop {
            self.prune_and_tell(retention.older(self.core.clock.now()))
                .await;
            tokio::time::sleep(PRUNE_EVERY).await;
        }
    }

    /// Removes what is old, and logs what became of it.
    pub(crate) async fn prune_and_tell(&self, older: Older) {
        match self.prune(older).await {
            Ok(pruned) => {
                let Pruned {
                    processes,
                    workspaces,
                    kept,
                } = pruned;
                if processes + workspaces > 0 {
                    tracing::info!(processes, workspaces, "removed what was old");
                }
                for (process, reason) in kept {
                    tracing::warn!(process = process.0, %reason, "the process is old and could not be removed");
                }
            }
            Err(Error::Stopped(_)) => {}
            Err(error) => {
                tracing::warn!(%error, "not all that is old could be removed; it is tried again");
            }
        }
    }

    /// Goes on with rollbacks that a former engine had begun.
    pub(crate) fn finish_rollbacks(&self, begun: Vec<Owned>) {
        let engine = self.clone();
        // Before anybody adopts them: a stage of the process itself must not begin to read what is about to go.
        let processes: BTreeSet<ProcessId> = begun.iter().map(|owned| owned.process).collect();
        let held: Held = processes
            .into_iter()
            .map(|process| (process, self.core.undoing.hold(process)))
            .collect();
        self.core.tasks.spawn(Kind::Work, async move {
            let executions: Vec<ExecutionId> = begun.iter().map(|owned| owned.execution).collect();
            tracing::info!(
                executions = executions.len(),
                "going on with rollbacks that were under way"
            );
            engine
                .finish_rollback(&Selection::Executions(executions), held)
                .await;
        });
    }
}
