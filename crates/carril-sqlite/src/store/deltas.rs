//! What a group does to the numbers of its processes, summed up, so that each process is written once (P3).

use super::fault::damaged;
use super::session::execute;
use carril_model::contract::Fault;
use carril_model::state::ExecutionState;
use rusqlite::{Connection, params};

/// By how much the numbers of one process move.
#[derive(Debug, Default, Clone, Copy)]
struct Delta {
    open: i64,
    succeeded: i64,
    failed: i64,
    skipped: i64,
    cancelled: i64,
    rolled_back: i64,
    waiting: i64,
}

/// The processes that a transaction touches, in the order in which it first did.
#[derive(Debug, Default)]
pub(crate) struct Deltas {
    processes: Vec<(i64, Delta)>,
    woken: Vec<i64>,
}

impl Deltas {
    /// Notes that a process is to be reported, whether or not its numbers move.
    pub(crate) fn touch(&mut self, process: i64) {
        self.of(process);
    }

    /// An execution of the process may be claimed that could not before.
    pub(crate) fn wake(&mut self, process: i64) {
        if !self.woken.contains(&process) {
            self.woken.push(process);
        }
    }

    /// Every process that was woken.
    pub(crate) fn woken(&self) -> &[i64] {
        &self.woken
    }

    /// One execution more, or less, is open in the process's segment.
    pub(crate) fn open(&mut self, process: i64, by: i64) {
        self.of(process).open += by;
    }

    /// One execution more, or less, is parked in the middle of the process's segment.
    pub(crate) fn waiting(&mut self, process: i64, by: i64) {
        self.of(process).waiting += by;
    }

    /// An execution that the tallies count settled in `state`, or left it (`by` = -1).
    pub(crate) fn settled(&mut self, process: i64, state: ExecutionState, by: i64) {
        let delta = self.of(process);
        match state {
            ExecutionState::Succeeded => delta.succeeded += by,
            ExecutionState::Failed => delta.failed += by,
            ExecutionState::Skipped => delta.skipped += by,
            ExecutionState::Cancelled => delta.cancelled += by,
            ExecutionState::RolledBack => delta.rolled_back += by,
            ExecutionState::Pending | ExecutionState::Running | ExecutionState::Waiting => {}
        }
    }

    /// Every process that was touched.
    pub(crate) fn touched(&self) -> impl Iterator<Item = i64> {
        self.processes.iter().map(|(process, _)| *process)
    }

    /// Writes the sums and starts anew with the same processes.
    pub(crate) fn write(&mut self, connection: &Connection) -> Result<(), Fault> {
        for (process, delta) in &mut self.processes {
            let process = *process;
            let Delta {
                open,
                succeeded,
                failed,
                skipped,
                cancelled,
                rolled_back,
                waiting,
            } = std::mem::take(delta);
            let moves = [
                open,
                succeeded,
                failed,
                skipped,
                cancelled,
                rolled_back,
                waiting,
            ];
            if moves == [0; 7] {
                continue;
            }
            let values = params![
                process,
                open,
                succeeded,
                failed,
                skipped,
                cancelled,
                rolled_back,
                waiting
            ];
            let written = execute(connection, sql!("process_tally"), values)?;
            if written != 1 {
                return Err(damaged(format!(
                    "process {process} has executions and no row"
                )));
            }
        }
        Ok(())
    }

    fn of(&mut self, process: i64) -> &mut Delta {
        let at = self
            .processes
            .iter()
            .position(|(id, _)| *id == process)
            .unwrap_or_else(|| {
                self.processes.push((process, Delta::default()));
                self.processes.len() - 1
            });
        &mut self.processes[at].1
    }
}
