//! What a process does next, seen from its row alone.
//!
//! The store keeps the numbers, in the transactions that move them; this decides what they mean. It is asked after every
//! commit that moved a process, and once for every unsettled process when an engine enters; asking twice is harmless,
//! because the change it asks for is only made while the process still is as it was seen.

use crate::contract::{ProcessChange, ProcessRow, Tally};
use crate::definition::AbortWhen;
use crate::state::{ExecutionState, ProcessState};
use crate::time::Timestamp;

/// The change that a process needs now, if any.
#[must_use]
pub fn next(
    row: &ProcessRow,
    segments: u32,
    abort_when: Option<&AbortWhen>,
    at: Timestamp,
) -> Option<ProcessChange> {
    if row.state.is_settled() {
        return undone(row).then(|| settle(row, ProcessState::RolledBack, None, at));
    }
    // A paused process can still be stopped or undone, and then settles.
    let goes_on = match row.state {
        ProcessState::Running => true,
        ProcessState::Paused => row.cancelling.is_some() || undone(row),
        _ => false,
    };
    if !goes_on {
        return None;
    }
    if row.cancelling.is_none()
        && !row.reopened
        && let Some(reason) = abort_when.and_then(|policy| too_many_failed(row, *policy))
    {
        return Some(ProcessChange::Cancel {
            process: row.id,
            state: ProcessState::Failed,
            reason,
            at,
        });
    }
    if row.open > 0 {
        return None;
    }
    if let Some(state) = row.cancelling {
        return Some(settle(row, state, row.reason.clone(), at));
    }
    if row.own_state == Some(ExecutionState::Failed) {
        return Some(after_failed_stage(row, at));
    }
    if row.segment + 1 < segments && !undone(row) {
        return Some(ProcessChange::Advance {
            process: row.id,
            from: row.segment,
            to: row.segment + 1,
            at,
        });
    }
    Some(settle(row, outcome(&row.tally), None, at))
}

/// What a process whose lanes have all settled is.
#[must_use]
pub const fn outcome(tally: &Tally) -> ProcessState {
    if tally.total > 0 && tally.rolled_back == tally.total {
        ProcessState::RolledBack
    } else if tally.failed > 0 || tally.cancelled > 0 {
        ProcessState::CompletedWithErrors
    } else {
        ProcessState::Succeeded
    }
}

fn undone(row: &ProcessRow) -> bool {
    row.state != ProcessState::RolledBack
        && row.tally.total > 0
        && row.tally.rolled_back == row.tally.total
        && row
            .own_state
            .is_none_or(|own| own == ExecutionState::RolledBack)
}

fn after_failed_stage(row: &ProcessRow, at: Timestamp) -> ProcessChange {
    let reason = "a stage of the process itself failed".to_owned();
    if row.tally.settled() < row.tally.total {
        return ProcessChange::Cancel {
            process: row.id,
            state: ProcessState::Failed,
            reason,
            at,
        };
    }
    settle(row, ProcessState::Failed, Some(reason), at)
}

const fn settle(
    row: &ProcessRow,
    state: ProcessState,
    reason: Option<String>,
    at: Timestamp,
) -> ProcessChange {
    ProcessChange::Settle {
        process: row.id,
        state,
        reason,
        at,
    }
}

fn too_many_failed(row: &ProcessRow, policy: AbortWhen) -> Option<String> {
    let (failed, done) = (row.tally.failed, lanes_done(row));
    // With nothing left to stop, the process ends as its lanes say.
    let is_left = row.tally.settled() < row.tally.total;
    (is_left && policy.is_broken(done, failed)).then(|| {
        format!("{failed} of {done} lanes that are done so far failed, more than abort_when allows ({policy})")
    })
}

/// Lanes by which a process can be judged: those that succeeded, failed or were skipped, and those that have come to a barrier, be
/// it that they wait there or that they are past it. Without these, the few that fail before a barrier would be all that has settled.
#[must_use]
pub const fn lanes_done(row: &ProcessRow) -> u64 {
    let tally = &row.tally;
    let through = tally.succeeded + tally.failed + tally.skipped;
    if !matches!(row.state, ProcessState::Running | ProcessState::Paused) {
        return through;
    }
    let unsettled = tally.total.saturating_sub(tally.settled());
    // Segments of the process and of its lanes take turns.
    let (is_own, own_is_here) = match row.own_segment {
        Some(own) => (own % 2 == row.segment % 2, own == row.segment),
        None => (false, false),
    };
    let own_is_open = own_is_here
        && match row.own_state {
            Some(state) => !state.is_settled(),
            None => false,
        };
    // Lanes have begun in the second at the latest.
    match row.segment {
        // They all wait for the process's own execution, also once it has failed there, or is through.
        0 if is_own => through,
        0 | 1 => {
            let open = row.open.saturating_sub(own_is_open as u64);
            through + unsettled.saturating_sub(open)
        }
        _ => through + unsettled,
    }
}

/// Why `abort_when` is stopping a process, or has stopped it, if that is what did: a failed stage of its own does so as well.
#[must_use]
pub fn aborted(row: &ProcessRow) -> Option<&str> {
    let fails = row.cancelling == Some(ProcessState::Failed) || row.state == ProcessState::Failed;
    let by_lanes = fails && row.own_state != Some(ExecutionState::Failed);
    row.reason.as_deref().filter(|_| by_lanes)
}

#[cfg(test)]
mod tests;
