//! Cancel, pause, signal, retry, roll back, prune, purge, set a baseline: what people ask of processes that exist.
//!
//! Each verb can be asked twice and can die half-way: what was done stays done, and asking again goes on from there.

mod baseline;
mod breaker;
mod import;
mod pause;
mod prune;
mod purge;
mod retry;
mod rollback;
mod signal;

pub use prune::{Pruned, Retention};
pub use purge::Purged;
pub use retry::RetryPreview;
pub(crate) use rollback::Held;
pub use rollback::RollbackReport;
pub use signal::{Sending, Word};

use crate::coordinator::Notice;
use crate::engine::Engine;
use crate::error::Error;
use crate::process_run::Ready;
use crate::shared::plan_of;
use carril_model::contract::{Fault, Owned, ProcessChange, ProcessRow, Selection};
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::state::{ExecutionState, ProcessState};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Executions read or written in one go.
const PAGE: u32 = 1_000;

/// An execution somebody means, as it was when it was looked up.
#[derive(Debug, Clone, Copy)]
struct Meant {
    owned: Owned,
    state: ExecutionState,
    segment: u32,
}

impl Engine {
    /// Stops a process, or single executions: nothing new begins, running steps are asked to stop, and it settles as cancelled.
    /// Returns when that is durable; the running steps may take until [`crate::Engine::wait`] returns.
    ///
    /// # Errors
    /// `CAR0422` when nothing of it is unsettled; else as [`Error`].
    pub async fn cancel(&self, selection: Selection, reason: &str) -> Result<(), Error> {
        self.core.check_alive()?;
        match selection {
            Selection::Process(process) | Selection::Unsuccessful(process) => {
                self.cancel_process(process, reason).await
            }
            Selection::Executions(executions) => {
                let (engine, reason) = (self.clone(), reason.to_owned());
                let whole = async move { engine.cancel_executions(&executions, &reason).await };
                self.core.to_its_end(whole).await
            }
        }
    }

    async fn cancel_process(&self, process: ProcessId, reason: &str) -> Result<(), Error> {
        let row = self.core.store.process(process).await?;
        if row.state.is_settled() {
            return Err(Error::refused(
                "CAR0422",
                format!(
                    "process {process} is {} already, so there is nothing to cancel",
                    row.state
                ),
            ));
        }
        let mut moved = self.core.board.watch();
        let mut asked = None;
        // The journal tells the coordinator; here it is only waited for, so that the answer is durable.
        loop {
            self.core.check_alive()?;
            let row = self.core.store.process(process).await?;
            if row.cancelling.is_some() || row.state.is_settled() {
                return Ok(());
            }
            // A launch under way cannot be cancelled before there is something to cancel.
            // What was asked before the engine came back to its store may never have come there.
            let returns = self.core.returns.load(Ordering::SeqCst);
            if row.state != ProcessState::Launching && asked.replace(returns) != Some(returns) {
                self.core.journal.process(ProcessChange::Cancel {
                    process,
                    state: ProcessState::Cancelled,
                    reason: reason.to_owned(),
                    at: self.core.clock.now(),
                });
            }
            if moved.changed().await.is_err() {
                return Err(Error::Stopped("it was shut down".to_owned()));
            }
        }
    }

    /// Cancels a process because `by` replaces it; one that has settled meanwhile, or was never finished, needs no more.
    pub(crate) async fn replace(&self, replaced: ProcessId, by: ProcessId) -> Result<(), Error> {
        let reason = format!("replaced by process {by}");
        match self.cancel_process(replaced, &reason).await {
            Err(Error::Refused { .. } | Error::Store(Fault::Conflict(_))) => Ok(()),
            other => other,
        }
    }

    async fn cancel_executions(
        &self,
        executions: &[ExecutionId],
        reason: &str,
    ) -> Result<(), Error> {
        let (running, processes) = self
            .core
            .store
            .cancel(executions, reason, self.core.clock.now())
            .await?;
        if running.is_empty() && processes.is_empty() {
            return Err(Error::refused(
                "CAR0422",
                "every execution named is settled already, so there is nothing to cancel",
            ));
        }
        self.core.lanes.revoke(&running);
        let moved = processes.iter().map(|row| row.id).collect();
        self.core.notify(Notice::Moved(moved)).await;
        Ok(())
    }

    /// The processes that a selection is about.
    ///
    /// # Errors
    /// As [`Error`].
    pub async fn processes_of(&self, selection: &Selection) -> Result<Vec<ProcessId>, Error> {
        match selection {
            Selection::Process(process) | Selection::Unsuccessful(process) => Ok(vec![*process]),
            Selection::Executions(_) => Ok(self.meant(selection).await?.into_keys().collect()),
        }
    }

    /// Everything that a selection means, by process.
    async fn meant(&self, selection: &Selection) -> Result<BTreeMap<ProcessId, Vec<Meant>>, Error> {
        let mut by_process: BTreeMap<ProcessId, Vec<Meant>> = BTreeMap::new();
        let mut above = None;
        loop {
            let page = self.core.store.select(selection, above, PAGE).await?;
            let Some((last, _, _)) = page.last() else {
                break;
            };
            above = Some(last.execution);
            for (owned, state, segment) in &page {
                by_process.entry(owned.process).or_default().push(Meant {
                    owned: *owned,
                    state: *state,
                    segment: *segment,
                });
            }
        }
        Ok(by_process)
    }

    /// The process's own execution as it is now, if it has one.
    async fn own_execution(&self, row: &ProcessRow) -> Result<Option<Meant>, Error> {
        let Some(own) = row.own else { return Ok(None) };
        let found = self
            .core
            .store
            .select(&Selection::Executions(vec![own]), None, 1)
            .await?;
        Ok(found.first().map(|(owned, state, segment)| Meant {
            owned: *owned,
            state: *state,
            segment: *segment,
        }))
    }

    async fn ready_process(&self, row: &ProcessRow) -> Result<Ready, Error> {
        let definition = self.core.store.definition(&row.version).await?;
        import::refuse_imported(&definition, row)?;
        self.core
            .ready(plan_of(definition, row), &row.targets)
            .await
    }

    /// Has the coordinator look at a process again, as one of this engine's.
    async fn look_again(&self, ready: Ready, row: ProcessRow) {
        // Without an answer its lanes stay as many as they are.
        let lanes_auto = self.core.lanes_auto(&ready.plan, row.id).await;
        let lanes_auto = lanes_auto.unwrap_or_default();
        let run = ready.into_run(row.id, row.priority, row.params.clone(), lanes_auto);
        let run = Arc::new(run);
        self.core
            .notify(Notice::Adopt {
                run,
                row: Box::new(row),
                claimed: Vec::new(),
            })
            .await;
    }
}
