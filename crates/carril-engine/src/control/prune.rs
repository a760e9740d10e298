//! Pruning: forgets settled processes that are old, and removes old workspaces that were kept for somebody to look at.
//!
//! What was published stays on its target: it belongs to whoever published it. It can be asked twice, goes on where a crash
//! left it, and does its work in small pieces between which everybody else gets their turn.

use crate::engine::Engine;
use crate::error::Error;
use carril_model::contract::{Fault, Older, ProcessRow, Selection, Whose};
use carril_model::id::ProcessId;
use carril_model::state::ProcessState;
use carril_model::time::Timestamp;
use std::time::Duration;

/// Executions forgotten in one transaction of the store.
const PIECE: u32 = 1_000;
/// Processes looked at in one go.
const PAGE: u32 = 100;

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Processes forgotten.
    pub processes: u64,
    /// Executions whose workspaces were removed.
    pub workspaces: u64,
    /// Processes that are old and had to stay, with the reason.
    pub kept: Vec<(ProcessId, String)>,
}

/// How long things are kept once a process has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// What the store knows of it; `None` for ever.
    pub history: Option<Duration>,
    /// Workspaces that were kept; `None` for ever.
    pub workspaces: Option<Duration>,
}

impl Retention {
    /// What is older than that at a time.
    #[must_use]
    pub fn older(self, now: Timestamp) -> Older {
        let before = |kept: Duration| {
            let micros = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
            Timestamp(now.0.saturating_sub(micros))
        };
        Older {
            history: self.history.map(before),
            workspaces: self.workspaces.map(before),
        }
    }
}

impl Engine {
    /// Forgets processes and removes workspaces that are older than wanted. A process whose target cannot be reached stays, with
    /// the reason, as long as it may have a workspace there; so does one that is being rolled back or that another waits for.
    ///
    /// # Errors
    /// As [`Error`]; what was removed before stays removed. [`Error::Stopped`] when the engine ends first.
    ///
    /// # Cancel safety
    /// Dropping the future stops it between two pieces; asking again goes on.
    pub async fn prune(&self, older: Older) -> Result<Pruned, Error> {
        let mut pruned = Pruned::default();
        // What a crash left half forgotten goes, also where nothing is ever old.
        let before = older
            .history
            .max(older.workspaces)
            .unwrap_or(Timestamp(i64::MIN));
        let mut above = None;
        loop {
            self.core.check_alive()?;
            let page = self.core.store.ended(before, above, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(pruned);
            };
            above = Some(last.id);
            for row in page {
                if self.core.tasks.stop.is_cancelled() {
                    return Err(Error::Stopped("it was shut down".to_owned()));
                }
                self.prune_process(&row, older, &mut pruned).await?;
            }
        }
    }

    async fn prune_process(
        &self,
        row: &ProcessRow,
        older: Older,
        pruned: &mut Pruned,
    ) -> Result<(), Error> {
        let is_older = |than: Option<Timestamp>| than.is_some_and(|than| row.ended_at < Some(than));
        // Hidden by a call that did not come to its end.
        let is_begun = row.state == ProcessState::Launching;
        let forget = is_begun || is_older(older.history) && self.is_old(row, older).await?;
        if !is_begun && (forget || is_older(older.workspaces)) {
            match self.discard_workspaces(row).await {
                Ok(removed) => pruned.workspaces += removed,
                Err(Error::Store(fault)) => return Err(Error::Store(fault)),
                Err(error) => {
                    pruned.kept.push((row.id, error.to_string()));
                    return Ok(());
                }
            }
        }
        if forget {
            match self.forget(row.id).await {
                Ok(()) => pruned.processes += 1,
                Err(Error::Store(Fault::Conflict(reason))) => pruned.kept.push((row.id, reason)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the store, too, takes a process for older than history is kept: what was imported is as old as its import.
    async fn is_old(&self, row: &ProcessRow, older: Older) -> Result<bool, Error> {
        let Some(before) = older.history else {
            return Ok(false);
        };
        let above = Some(ProcessId(row.id.0 - 1));
        let found = self.core.store.ended(before, above, 1).await?;
        Ok(found.first().is_some_and(|first| first.id == row.id))
    }

    pub(super) async fn forget(&self, process: ProcessId) -> Result<(), Error> {
        loop {
            self.core.check_alive()?;
            if self.core.store.forget(process, PIECE).await?.whole {
                return Ok(());
            }
        }
    }

    /// Removes every workspace that a settled process has left.
    pub(super) async fn discard_workspaces(&self, row: &ProcessRow) -> Result<u64, Error> {
        let definition = self.core.store.definition(&row.version).await?;
        let Some(workspace) = &definition.workspace else {
            return Ok(0);
        };
        let Some(url) = row.targets.get(&workspace.target) else {
            return Ok(0);
        };
        let named = |error| Error::Target {
            name: workspace.target.clone(),
            error,
        };
        let opened = self.core.targets.open(&workspace.target, url).await;
        let target = opened.map_err(named)?;
        let found = target.workspaces(row.id).await.map_err(named)?;
        let mut removed = 0;
        for execution in found {
            let _alone = self.core.workspaces.lock().await;
            let selection = Selection::Executions(vec![execution]);
            let states = self.core.store.select(&selection, None, 1).await?;
            // Somebody may have run it again meanwhile.
            if states.iter().any(|(_, state, _)| !state.is_settled()) {
                continue;
            }
            let whose = Whose {
                process: row.id,
                execution,
            };
            let discarded = target.discard_workspace(&definition, whose).await;
            discarded.map_err(named)?;
            removed += 1;
        }
        Ok(removed)
    }
}
