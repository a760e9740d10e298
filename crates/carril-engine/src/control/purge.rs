//! Purging: a settled process goes whole, with what it published, its workspaces and its history.
//!
//! First it is rolled back, then forgotten, both in the pieces in which they are done alone. Killed in between, a rollback is
//! finished by the next engine, and what is half forgotten is forgotten whole by its first prune; a process that stands rolled
//! back in between is purged by asking again.

use crate::control::Held;
use crate::engine::Engine;
use crate::error::Error;
use carril_model::contract::{Fault, ProcessRow, Selection, TableRows};
use carril_model::id::ProcessId;
use carril_model::state::{ExecutionState, ProcessState};

/// What a purge removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    /// Executions that were rolled back for it; those that had been before are not counted.
    pub executions: u64,
    /// Rows removed from targets, per table.
    pub rows: Vec<TableRows>,
}

impl Engine {
    /// Removes a settled process and everything under it: the rows that its executions published, their workspaces, and all that
    /// the store knows of it. Nobody can show, retry or count it afterwards.
    ///
    /// # Errors
    /// `CAR0440` while it is not settled: cancel it first; `CAR0441` when it was set going again meanwhile, `CAR0442` when another
    /// waits for it. A target that cannot be reached is an error, and the process stays. After an error on the way, what was
    /// removed stays removed, and asking again goes on.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop it.
    pub async fn purge(&self, process: ProcessId) -> Result<Purged, Error> {
        self.core.check_alive()?;
        let engine = self.clone();
        let whole = async move { engine.purge_whole(process).await };
        self.core.to_its_end(whole).await
    }

    /// Whether a process can be purged as it is.
    ///
    /// # Errors
    /// As [`Engine::purge`].
    pub(crate) async fn check_purge(&self, process: ProcessId) -> Result<(), Error> {
        let row = self.core.store.process(process).await?;
        if is_half_forgotten(&row) {
            return Ok(());
        }
        refuse_unsettled(&row)?;
        if self.is_imported(&row).await? {
            return Ok(());
        }
        self.ready_process(&row).await.map(|_| ())
    }

    async fn is_imported(&self, row: &ProcessRow) -> Result<bool, Error> {
        let definition = self.core.store.definition(&row.version).await?;
        Ok(definition.is_imported())
    }

    /// Purges, and logs what became of it: whoever wished it looks at the store.
    pub(crate) async fn purge_and_tell(&self, process: ProcessId) {
        match self.purge(process).await {
            Ok(purged) => {
                tracing::info!(
                    process = process.0,
                    executions = purged.executions,
                    "a process was purged"
                );
            }
            Err(error) => {
                tracing::error!(process = process.0, %error, "a process could not be purged; asking again goes on");
            }
        }
    }

    async fn purge_whole(&self, process: ProcessId) -> Result<Purged, Error> {
        let row = self.core.store.process(process).await?;
        let mut purged = Purged::default();
        if !is_half_forgotten(&row) {
            refuse_unsettled(&row)?;
            let selection = Selection::Process(process);
            let meant = self.meant(&selection).await?;
            let stands = |one: &super::Meant| one.state != ExecutionState::RolledBack;
            let stand = meant
                .get(&process)
                .is_some_and(|all| all.iter().any(stands));
            // What another program did left nothing on a target of ours.
            if stand && !self.is_imported(&row).await? {
                let report = self.roll_back_whole(&selection, &mut Held::new()).await?;
                purged.executions = report.executions;
                purged.rows = report.rows;
            }
            fail::fail_point!("engine::purge::rolled_back");
            let row = self.core.store.process(process).await?;
            if !row.state.is_settled() {
                let message = format!(
                    "process {process} is {} again since its rows were removed; wait for its end or cancel it, then purge it again",
                    row.state
                );
                return Err(Error::refused("CAR0441", message));
            }
            self.discard_workspaces(&row).await?;
        }
        match self.forget(process).await {
            Err(Error::Store(Fault::Conflict(reason))) => {
                let message =
                    format!("{reason}; its rows are removed, and asking again removes the rest");
                Err(Error::refused("CAR0442", message))
            }
            forgotten => forgotten.map(|()| purged),
        }
    }
}

/// Hidden by a purge or prune that did not come to its end.
const fn is_half_forgotten(row: &ProcessRow) -> bool {
    matches!(row.state, ProcessState::Launching) && row.ended_at.is_some()
}

fn refuse_unsettled(row: &ProcessRow) -> Result<(), Error> {
    if row.state.is_settled() {
        return Ok(());
    }
    let id = row.id;
    let message = format!(
        "process {id} is {}, so it cannot be purged yet; wait for its end, or cancel it first: carril cancel {id}",
        row.state
    );
    Err(Error::refused("CAR0440", message))
}
