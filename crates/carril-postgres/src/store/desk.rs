//! What a transaction has read and changes: executions, and all that follows from them, written back many at a time.
//!
//! A verb reads the executions it is about, changes them in memory by the same rules, one after the other, and the desk writes
//! what came of it with a statement per kind of thing. So a group of a thousand records costs as many statements as one of
//! ten, and rows are always written in order of their keys, which keeps two transactions from waiting for each other.

use super::deltas::Deltas;
use super::hot::{self, Hot};
use super::rows::{close, owned_text, sums_json};
use super::session::Tx;
use carril_model::contract::Fault;
use carril_model::id::ProcessId;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;
use futures_util::future::{try_join, try_join5};
use std::collections::{BTreeMap, HashMap};

/// Executions that are read at once when a whole process is gone through.
pub(crate) const CHUNK: i64 = 1_000;

/// Attempts of a run that are over at a time: execution, run, time.
type Over = (i64, i64, i64);

/// What a transaction has on its desk.
#[derive(Default)]
pub(crate) struct Desk {
    rows: BTreeMap<i64, Hot>,
    /// The numbers of processes.
    pub(crate) deltas: Deltas,
    /// Lane keys whose head may have changed, and when.
    pub(crate) freed: BTreeMap<i64, Timestamp>,
    places: HashMap<i64, (u32, bool)>,
    /// By how many this transaction changed the executions that run, per process.
    running: HashMap<i64, i64>,
    interrupted: Vec<Over>,
    cancelled: Vec<Over>,
    wake_keys: Vec<(i64, String)>,
    wakes_gone: Vec<i64>,
    runs: Vec<RunOver>,
}

/// A run that is left behind or was rolled back: its last row, the state it is kept with, and what was removed.
struct RunOver {
    hot: Hot,
    state: ExecutionState,
    rolled_back_at: Option<i64>,
    removed: Option<String>,
}

impl Desk {
    /// Reads executions that are not here yet.
    pub(crate) async fn load(
        &mut self,
        tx: &Tx<'_>,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<(), Fault> {
        let mut missing: Vec<i64> = ids
            .into_iter()
            .filter(|id| !self.rows.contains_key(id))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let found = hot::all(tx, sql!("execution_hot"), &[&missing]).await?;
        self.adopt(found);
        Ok(())
    }

    /// Takes rows as they were read just now; those that are changed and not written stay as they are.
    pub(crate) fn adopt(&mut self, read: Vec<Hot>) -> Vec<i64> {
        let mut ids = Vec::with_capacity(read.len());
        for hot in read {
            ids.push(hot.id);
            if !self.rows.get(&hot.id).is_some_and(Hot::is_changed) {
                self.rows.insert(hot.id, hot);
            }
        }
        ids
    }

    /// An execution that is here.
    pub(crate) fn get(&self, id: i64) -> Option<&Hot> {
        self.rows.get(&id)
    }

    /// An execution that is here, to be changed: it is written with the next flush.
    pub(crate) fn change(&mut self, id: i64) -> Option<&mut Hot> {
        let hot = self.rows.get_mut(&id)?;
        hot.change();
        Some(hot)
    }

    /// Segment of a process, and whether it is paused.
    pub(crate) async fn place(&mut self, tx: &Tx<'_>, process: i64) -> Result<(u32, bool), Fault> {
        if let Some(place) = self.places.get(&process) {
            return Ok(*place);
        }
        let place = hot::place(tx, process).await?;
        self.places.insert(process, place);
        Ok(place)
    }

    /// How many lanes of a process this transaction has set free so far.
    pub(crate) fn freed_lanes(&self, process: i64) -> u32 {
        let by = self.running.get(&process).copied().unwrap_or(0);
        u32::try_from(by.saturating_neg()).unwrap_or(0)
    }

    /// Forgets what was read of processes, because this transaction has changed one.
    pub(crate) fn forget_places(&mut self) {
        self.places.clear();
    }

    /// Attempts under way of this run were interrupted.
    pub(crate) fn interrupt(&mut self, hot: &Hot, at: Timestamp) {
        self.interrupted.push((hot.id, i64::from(hot.run.0), at.0));
    }

    /// Something wakes a parked execution besides time.
    pub(crate) fn wake_key(&mut self, id: i64, key: &str) {
        self.wake_keys.push((id, owned_text(key)));
    }

    /// Nothing wakes an execution any more.
    pub(crate) fn wake_no_more(&mut self, id: i64) {
        self.wake_keys.retain(|(whose, _)| *whose != id);
        self.wakes_gone.push(id);
    }

    /// Keeps how an execution's run ended, before the next one begins or after it was rolled back. A run that is kept already stays
    /// as it is.
    pub(crate) fn keep_run(
        &mut self,
        hot: &Hot,
        rolled_back_at: Option<Timestamp>,
        removed: Option<String>,
    ) {
        self.runs.push(RunOver {
            hot: hot.clone(),
            state: hot.state,
            rolled_back_at: rolled_back_at.map(|at| at.0),
            removed,
        });
    }

    /// Settles an unsettled execution from outside its claim, with all that follows for tallies and attempts. Its lane key is
    /// among those that are freed.
    pub(crate) async fn end(
        &mut self,
        tx: &Tx<'_>,
        id: i64,
        state: ExecutionState,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let Some(process) = self.rows.get(&id).map(|hot| hot.process) else {
            return Ok(());
        };
        let (segment, _) = self.place(tx, process).await?;
        let Some(hot) = self.change(id) else {
            return Ok(());
        };
        // Whoever decided it may have done so before the last thing that was written of it.
        let at = at.max(hot.account.since());
        close(&mut hot.account, at);
        let before = hot.clone();
        hot.state = state;
        hot.cancelling = false;
        hot.parked = false;
        hot.wake_at = None;
        hot.ended_at = Some(at);
        hot.error = error.map(str::to_owned);
        // Whatever state it was in, it may have attempts or waits of its own: it was woken, or handed back.
        self.cancelled.push((id, i64::from(before.run.0), at.0));
        if before.segment == segment {
            self.deltas.open(process, -1);
        }
        if before.parked {
            if before.state == ExecutionState::Waiting {
                self.deltas.waiting(process, -1);
            }
            self.wake_no_more(id);
        }
        self.deltas.touch(process);
        if !before.per_process {
            self.deltas.settled(process, state, 1);
        }
        if let Some(lane_hash) = before.lane_hash {
            self.freed.insert(lane_hash, at);
        }
        Ok(())
    }

    /// Writes everything that has changed, one statement right behind the other: they are about different rows.
    pub(crate) async fn flush(&mut self, tx: &Tx<'_>) -> Result<(), Fault> {
        let moves = self.deltas.take();
        let runs_over = std::mem::take(&mut self.runs);
        let (interrupted, cancelled) = (
            std::mem::take(&mut self.interrupted),
            std::mem::take(&mut self.cancelled),
        );
        let (gone, keys) = (
            std::mem::take(&mut self.wakes_gone),
            std::mem::take(&mut self.wake_keys),
        );
        let changed: Vec<&Hot> = self.rows.values().filter(|hot| hot.is_changed()).collect();
        try_join5(
            hot::write(tx, &changed),
            moves.write(tx),
            runs(tx, runs_over),
            wakes(tx, gone, keys),
            try_join(
                over(tx, sql!("steps_interrupt"), interrupted),
                over(tx, sql!("steps_cancel"), cancelled),
            ),
        )
        .await?;
        for hot in self.rows.values_mut().filter(|hot| hot.is_changed()) {
            *self.running.entry(hot.process).or_default() += hot.now_running();
            hot.written();
        }
        Ok(())
    }

    /// Goes through a process's executions that `query` gives, chunk by chunk, so that memory does not grow with the process:
    /// what `each` has changed of a chunk is written before the next is read.
    ///
    /// `query` takes process, the id above which to go on, the last id and the chunk's size, then `more`. What `each` changes may
    /// take rows out of the query, never bring new ones in below the last id seen.
    pub(crate) async fn for_each(
        &mut self,
        tx: &Tx<'_>,
        query: &'static str,
        process: ProcessId,
        more: Option<i64>,
        mut each: impl AsyncFnMut(&mut Self, i64) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.flush(tx).await?;
        let Some((first, last)) = hot::range(tx, process).await? else {
            return Ok(());
        };
        let mut above = first - 1;
        loop {
            let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
                vec![&process.0, &above, &last, &CHUNK];
            if let Some(more) = &more {
                values.push(more);
            }
            let chunk = hot::all(tx, query, &values).await?;
            let ids = self.adopt(chunk);
            let Some(latest) = ids.last() else {
                return Ok(());
            };
            above = *latest;
            for id in ids {
                each(self, id).await?;
            }
            self.flush(tx).await?;
            self.rows.clear();
        }
    }
}

/// Ends attempts, in order of execution.
async fn over(tx: &Tx<'_>, query: &'static str, mut ended: Vec<Over>) -> Result<(), Fault> {
    if ended.is_empty() {
        return Ok(());
    }
    ended.sort_unstable();
    let ids: Vec<i64> = ended.iter().map(|(id, _, _)| *id).collect();
    let runs: Vec<i64> = ended.iter().map(|(_, run, _)| *run).collect();
    let times: Vec<i64> = ended.iter().map(|(_, _, at)| *at).collect();
    tx.execute(query, &[&ids, &runs, &times]).await?;
    Ok(())
}

/// Removes the keys of executions, and keeps those of others.
async fn wakes(tx: &Tx<'_>, mut gone: Vec<i64>, mut keys: Vec<(i64, String)>) -> Result<(), Fault> {
    if !gone.is_empty() {
        gone.sort_unstable();
        tx.execute(sql!("wake_key_remove"), &[&gone]).await?;
    }
    if !keys.is_empty() {
        keys.sort_unstable();
        let (ids, keys): (Vec<i64>, Vec<String>) = keys.into_iter().unzip();
        tx.execute(sql!("wake_key_insert"), &[&ids, &keys]).await?;
    }
    Ok(())
}

/// Keeps runs, in order of execution.
async fn runs(tx: &Tx<'_>, mut over: Vec<RunOver>) -> Result<(), Fault> {
    if over.is_empty() {
        return Ok(());
    }
    over.sort_by_key(|run| (run.hot.id, run.hot.run));
    over.dedup_by_key(|run| (run.hot.id, run.hot.run));
    let number = |of: fn(&RunOver) -> i64| -> Vec<i64> { over.iter().map(of).collect() };
    let maybe =
        |of: fn(&RunOver) -> Option<i64>| -> Vec<Option<i64>> { over.iter().map(of).collect() };
    let text = |of: fn(&RunOver) -> Option<String>| -> Vec<Option<String>> {
        over.iter().map(of).collect()
    };
    tx.execute(
        sql!("run_history_write"),
        &[
            &number(|run| run.hot.id),
            &number(|run| i64::from(run.hot.run.0)),
            &number(|run| run.state.code()),
            &number(|run| i64::from(run.hot.warnings)),
            &maybe(|run| run.hot.started_at.map(|at| at.0)),
            &maybe(|run| run.hot.ended_at.map(|at| at.0)),
            &maybe(|run| run.hot.failed_step),
            &text(|run| run.hot.error.clone()),
            &text(|run| sums_json(&run.hot.account)),
            &maybe(|run| run.rolled_back_at),
            &text(|run| run.removed.clone()),
        ],
    )
    .await?;
    Ok(())
}
