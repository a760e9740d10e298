//! Pause and resume: a paused process begins nothing more until it is resumed.
//!
//! Lanes finish the steps that run and hand their executions back, with no attempt spent; the time until then and after it is
//! told by the account. A pause is the store's: it outlives the engine, and whoever enters finds the process as it is.

use crate::engine::Engine;
use crate::error::Error;
use carril_model::contract::{ProcessChange, ProcessRow};
use carril_model::id::ProcessId;
use carril_model::state::ProcessState;
use std::sync::atomic::Ordering;

impl Engine {
    /// Pauses a process. Returns when that is durable; steps that run may take until they end.
    ///
    /// # Errors
    /// `CAR0430` when it is not running: it has settled, is being cancelled or is still being launched. Pausing a paused process
    /// is no error.
    pub async fn pause(&self, process: ProcessId) -> Result<(), Error> {
        let change = ProcessChange::Pause {
            process,
            at: self.core.clock.now(),
        };
        let refused = |row: &ProcessRow| {
            let why = if row.cancelling.is_some() {
                "being cancelled".to_owned()
            } else {
                row.state.to_string()
            };
            let wrong = row.cancelling.is_some() || row.state != ProcessState::Running;
            let message = format!("process {process} is {why}, so it cannot be paused");
            wrong.then(|| Error::refused("CAR0430", message))
        };
        self.change_until(process, change, ProcessState::Paused, refused)
            .await
    }

    /// Goes on with a paused process. Returns when that is durable.
    ///
    /// # Errors
    /// `CAR0431` when it is not paused. Resuming a process that runs is no error.
    pub async fn resume(&self, process: ProcessId) -> Result<(), Error> {
        let change = ProcessChange::Resume {
            process,
            at: self.core.clock.now(),
        };
        let refused = |row: &ProcessRow| {
            let message = format!(
                "process {process} is {}, so there is nothing to resume",
                row.state
            );
            (row.state != ProcessState::Paused).then(|| Error::refused("CAR0431", message))
        };
        self.change_until(process, change, ProcessState::Running, refused)
            .await
    }

    /// Asks for a change and waits until the process is as wanted.
    async fn change_until(
        &self,
        process: ProcessId,
        change: ProcessChange,
        wanted: ProcessState,
        refused: impl Fn(&ProcessRow) -> Option<Error>,
    ) -> Result<(), Error> {
        let mut moved = self.core.board.watch();
        let mut asked = None;
        loop {
            self.core.check_alive()?;
            let row = self.core.store.process(process).await?;
            if row.state == wanted && row.cancelling.is_none() {
                return Ok(());
            }
            if let Some(error) = refused(&row) {
                return Err(error);
            }
            // What was asked before the engine came back to its store may never have come there.
            let returns = self.core.returns.load(Ordering::SeqCst);
            if asked.replace(returns) != Some(returns) {
                self.core.journal.process(change.clone());
            }
            if moved.changed().await.is_err() {
                return Err(Error::Stopped("it was shut down".to_owned()));
            }
        }
    }
}
