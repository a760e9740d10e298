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
        && let Some(reason) = abort_when.and_then(|policy| too_many_failed(&row.tally, *policy))
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

fn too_many_failed(tally: &Tally, policy: AbortWhen) -> Option<String> {
    let settled = tally.succeeded + tally.failed + tally.skipped;
    let too_many = settled >= policy.after.max(1)
        && tally.failed * 1_000 > settled * u64::from(policy.failed_permille);
    // With nothing left to stop, the process ends as its lanes say.
    (too_many && tally.settled() < tally.total).then(|| {
        format!(
            "{} of {settled} settled lanes failed, more than abort_when allows",
            tally.failed
        )
    })
}

#[cfg(test)]
mod tests;
