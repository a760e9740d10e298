//! A table of cases, and the one property that matters: a process with nothing left always has a next change or is settled.

use super::*;
use crate::definition::Version;
use crate::id::ProcessId;
use proptest::prelude::*;
use serde_json::Map;

fn row(segment: u32, open: u64, tally: Tally) -> ProcessRow {
    ProcessRow {
        id: ProcessId(7),
        pipeline: "p".to_owned(),
        version: Version("0".repeat(32)),
        params: Map::new(),
        state: ProcessState::Running,
        reason: None,
        cancelling: None,
        reopened: false,
        segment,
        open,
        waiting: 0,
        lanes: 50,
        after: None,
        own: None,
        own_state: None,
        own_segment: None,
        tally,
        targets: std::collections::BTreeMap::new(),
        folder: None,
        priority: 0,
        launched_by: "test".to_owned(),
        launched_at: Timestamp(0),
        ended_at: None,
    }
}

fn settled_as(change: Option<&ProcessChange>) -> Option<ProcessState> {
    match change {
        Some(ProcessChange::Settle { state, .. }) => Some(*state),
        _ => None,
    }
}

#[test]
fn open_lanes_are_waited_for_and_then_the_next_segment_opens() {
    let tally = Tally {
        total: 3,
        succeeded: 1,
        ..Tally::default()
    };
    assert_eq!(next(&row(0, 2, tally), 2, None, Timestamp(5)), None);
    let change = next(&row(0, 0, tally), 2, None, Timestamp(5));
    assert_eq!(
        change,
        Some(ProcessChange::Advance {
            process: ProcessId(7),
            from: 0,
            to: 1,
            at: Timestamp(5)
        })
    );
}

#[test]
fn the_tally_is_the_outcome() {
    let cases = [
        (
            Tally {
                total: 2,
                succeeded: 2,
                ..Tally::default()
            },
            ProcessState::Succeeded,
        ),
        (
            Tally {
                total: 2,
                succeeded: 1,
                skipped: 1,
                ..Tally::default()
            },
            ProcessState::Succeeded,
        ),
        (
            Tally {
                total: 2,
                failed: 2,
                ..Tally::default()
            },
            ProcessState::CompletedWithErrors,
        ),
        (
            Tally {
                total: 2,
                succeeded: 1,
                cancelled: 1,
                ..Tally::default()
            },
            ProcessState::CompletedWithErrors,
        ),
        (
            Tally {
                total: 2,
                rolled_back: 2,
                ..Tally::default()
            },
            ProcessState::RolledBack,
        ),
        (
            Tally {
                total: 2,
                succeeded: 1,
                rolled_back: 1,
                ..Tally::default()
            },
            ProcessState::Succeeded,
        ),
    ];
    for (tally, expected) in cases {
        assert_eq!(
            settled_as(next(&row(0, 0, tally), 1, None, Timestamp(5)).as_ref()),
            Some(expected),
            "{tally:?}"
        );
    }
}

#[test]
fn too_many_failures_abort_only_after_the_minimum_sample_and_while_something_is_left() {
    let policy = AbortWhen {
        failed_permille: 500,
        after: 10,
    };
    let tally = |failed, succeeded, total| Tally {
        total,
        failed,
        succeeded,
        ..Tally::default()
    };
    let aborts = |tally: Tally| {
        matches!(
            next(
                &row(0, tally.total - tally.settled(), tally),
                1,
                Some(&policy),
                Timestamp(5)
            ),
            Some(ProcessChange::Cancel {
                state: ProcessState::Failed,
                ..
            })
        )
    };
    assert!(!aborts(tally(9, 0, 100)));
    assert!(aborts(tally(9, 1, 100)));
    assert!(!aborts(tally(5, 5, 100)));
    assert!(aborts(tally(6, 4, 100)));
    assert!(!aborts(tally(60, 40, 100)));
    // What is run again after it had settled is wanted, whatever had failed before.
    let mut again = row(0, 90, tally(9, 1, 100));
    again.reopened = true;
    assert_eq!(next(&again, 1, Some(&policy), Timestamp(5)), None);
}

/// What succeeds before a barrier waits there and settles later; what fails settles at once.
#[test]
fn lanes_that_wait_at_a_barrier_are_done_so_far() {
    let tally = Tally {
        total: 100,
        failed: 20,
        ..Tally::default()
    };
    let aborts = |row: &ProcessRow| next(row, 3, Some(&AbortWhen::DEFAULT), Timestamp(5)).is_some();
    let mut early = row(0, 61, tally);
    early.own_state = Some(ExecutionState::Waiting);
    assert_eq!((lanes_done(&early), aborts(&early)), (39, true));
    early.open = 60;
    assert_eq!((lanes_done(&early), aborts(&early)), (40, false));
    // In a segment of the process itself, its own execution is what is open.
    let mut own = row(1, 1, tally);
    own.own_state = Some(ExecutionState::Waiting);
    own.own_segment = Some(1);
    assert_eq!((lanes_done(&own), aborts(&own)), (100, false));
    // Before their first segment lanes have done nothing, after it all that are left have come to a barrier.
    own.segment = 0;
    own.own_segment = Some(0);
    assert_eq!(lanes_done(&own), 20);
    own.own_segment = Some(2);
    own.open = 0;
    assert_eq!(
        lanes_done(&own),
        20,
        "its own stage is through, and the process has not gone on yet"
    );
    own.own_segment = Some(0);
    own.own_state = Some(ExecutionState::Cancelled);
    own.open = 0;
    assert_eq!(
        lanes_done(&own),
        20,
        "its own stage has failed, and nothing follows yet"
    );
    own.segment = 1;
    assert_eq!(lanes_done(&own), 100);
    let mut past = row(2, 80, tally);
    past.own_state = Some(ExecutionState::Succeeded);
    assert_eq!((lanes_done(&past), aborts(&past)), (100, false));
    past.segment = 1;
    assert_eq!((lanes_done(&past), aborts(&past)), (20, true));
    own.state = ProcessState::Failed;
    assert_eq!(lanes_done(&own), 20);
}

#[test]
fn the_reason_of_an_abort_names_its_numbers_and_is_told_apart() {
    let tally = Tally {
        total: 100,
        failed: 13,
        succeeded: 9,
        cancelled: 5,
        ..Tally::default()
    };
    let mut aborted_row = row(0, 73, tally);
    let change = next(&aborted_row, 1, Some(&AbortWhen::DEFAULT), Timestamp(5));
    let Some(ProcessChange::Cancel { state, reason, .. }) = change else {
        panic!("it goes on: {change:?}");
    };
    let expected = "13 of 22 lanes that are done so far failed, more than abort_when allows (50 % of at least 20)";
    assert_eq!(reason, expected);
    assert_eq!(aborted(&aborted_row), None);
    aborted_row.cancelling = Some(state);
    aborted_row.reason = Some(reason);
    assert_eq!(aborted(&aborted_row), Some(expected));
    // Settling takes the cancel off; by then it has been stopped.
    aborted_row.cancelling = None;
    aborted_row.state = ProcessState::Failed;
    assert_eq!(aborted(&aborted_row), Some(expected));
    aborted_row.state = ProcessState::Running;
    aborted_row.cancelling = Some(state);
    aborted_row.own_state = Some(ExecutionState::Failed);
    assert_eq!(aborted(&aborted_row), None, "a failed stage did it");
    aborted_row.own_state = None;
    aborted_row.cancelling = Some(ProcessState::Cancelled);
    assert_eq!(aborted(&aborted_row), None, "somebody did it");
    let eighth = AbortWhen {
        failed_permille: 125,
        after: 0,
    };
    assert_eq!(eighth.to_string(), "12.5 % of at least 1");
}

#[test]
fn a_failed_process_stage_fails_the_process_and_frees_the_lanes_that_wait() {
    let mut failed = row(
        1,
        0,
        Tally {
            total: 2,
            failed: 1,
            ..Tally::default()
        },
    );
    failed.own_state = Some(ExecutionState::Failed);
    assert!(matches!(
        next(&failed, 3, None, Timestamp(5)),
        Some(ProcessChange::Cancel {
            state: ProcessState::Failed,
            ..
        })
    ));
    failed.tally.succeeded = 1;
    assert_eq!(
        settled_as(next(&failed, 3, None, Timestamp(5)).as_ref()),
        Some(ProcessState::Failed)
    );
}

#[test]
fn a_settled_process_stays_unless_everything_was_rolled_back() {
    let mut done = row(
        0,
        0,
        Tally {
            total: 2,
            succeeded: 1,
            rolled_back: 1,
            ..Tally::default()
        },
    );
    done.state = ProcessState::Succeeded;
    assert_eq!(next(&done, 1, None, Timestamp(5)), None);
    done.tally = Tally {
        total: 2,
        rolled_back: 2,
        ..Tally::default()
    };
    assert_eq!(
        settled_as(next(&done, 1, None, Timestamp(5)).as_ref()),
        Some(ProcessState::RolledBack)
    );
    done.own_state = Some(ExecutionState::Succeeded);
    assert_eq!(next(&done, 1, None, Timestamp(5)), None);
}

proptest! {
    #[test]
    fn nothing_left_always_moves_on(segment in 0u32..4, counts in prop::array::uniform5(0u64..20), own in 0usize..9, cancelling: bool) {
        let [succeeded, failed, skipped, cancelled, rolled_back] = counts;
        let total = succeeded + failed + skipped + cancelled + rolled_back;
        let mut row = row(segment, 0, Tally { total, succeeded, failed, skipped, cancelled, rolled_back });
        row.own_state = ExecutionState::ALL.get(own).copied();
        row.cancelling = cancelling.then_some(ProcessState::Cancelled);
        let policy = AbortWhen { failed_permille: 500, after: 1 };
        prop_assert!(next(&row, 4, Some(&policy), Timestamp(1)).is_some());
    }
}
