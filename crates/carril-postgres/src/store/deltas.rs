//! What a transaction does to the numbers of processes, summed up, so that each is written once (P3).

use super::session::Tx;
use carril_model::contract::Fault;
use carril_model::state::ExecutionState;
use std::collections::BTreeMap;

/// How many numbers a process has: open, succeeded, failed, skipped, cancelled, rolled back, waiting.
const NUMBERS: usize = 7;
const OPEN: usize = 0;
const WAITING: usize = 6;

/// The processes that a transaction touches, in the order in which it first did.
#[derive(Debug, Default)]
pub(crate) struct Deltas {
    touched: Vec<i64>,
    moves: BTreeMap<i64, [i64; NUMBERS]>,
    woken: Vec<i64>,
}

impl Deltas {
    /// Notes that a process is to be reported, whether or not its numbers move.
    pub(crate) fn touch(&mut self, process: i64) {
        if !self.touched.contains(&process) {
            self.touched.push(process);
        }
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

    /// Every process that was touched.
    pub(crate) fn touched(&self) -> &[i64] {
        &self.touched
    }

    /// One execution more, or less, is open in the process's segment.
    pub(crate) fn open(&mut self, process: i64, by: i64) {
        self.by(process, OPEN, by);
    }

    /// One execution more, or less, is parked in the middle of the process's segment.
    pub(crate) fn waiting(&mut self, process: i64, by: i64) {
        self.by(process, WAITING, by);
    }

    /// An execution that the tallies count settled in `state`, or left it (`by` = -1).
    pub(crate) fn settled(&mut self, process: i64, state: ExecutionState, by: i64) {
        let number = match state {
            ExecutionState::Succeeded => 1,
            ExecutionState::Failed => 2,
            ExecutionState::Skipped => 3,
            ExecutionState::Cancelled => 4,
            ExecutionState::RolledBack => 5,
            ExecutionState::Pending | ExecutionState::Running | ExecutionState::Waiting => return,
        };
        self.by(process, number, by);
    }

    /// Takes the sums and starts anew with the same processes.
    pub(crate) fn take(&mut self) -> Moves {
        Moves(std::mem::take(&mut self.moves))
    }

    fn by(&mut self, process: i64, number: usize, by: i64) {
        self.touch(process);
        self.moves.entry(process).or_default()[number] += by;
    }
}

/// By how much the numbers of processes move, in order of process.
pub(crate) struct Moves(BTreeMap<i64, [i64; NUMBERS]>);

impl Moves {
    /// Writes them.
    pub(crate) async fn write(self, tx: &Tx<'_>) -> Result<(), Fault> {
        let moves: Vec<_> = self
            .0
            .into_iter()
            .filter(|(_, by)| *by != [0; NUMBERS])
            .collect();
        if moves.is_empty() {
            return Ok(());
        }
        let processes: Vec<i64> = moves.iter().map(|(process, _)| *process).collect();
        let column = |at: usize| -> Vec<i64> { moves.iter().map(|(_, by)| by[at]).collect() };
        let columns: [Vec<i64>; NUMBERS] = std::array::from_fn(column);
        let [
            open,
            succeeded,
            failed,
            skipped,
            cancelled,
            rolled_back,
            waiting,
        ] = &columns;
        tx.exactly(
            processes.len(),
            sql!("process_tally"),
            &[
                &tx.node.0,
                &processes,
                open,
                succeeded,
                failed,
                skipped,
                cancelled,
                rolled_back,
                waiting,
            ],
        )
        .await
    }
}
