//! Segments: a barrier opens when the last lane has arrived, once; a process settles when nothing is left.

use super::{Harness, end_of};
use carril_model::account::CauseKind;
use carril_model::contract::{Claimed, ProcessChange, ProcessRow};
use carril_model::id::ProcessId;
use carril_model::state::{ExecutionState, ProcessState};

fn advance(harness: &Harness, process: ProcessId, from: u32) -> ProcessRow {
    harness
        .change(ProcessChange::Advance {
            process,
            from,
            to: from + 1,
            at: harness.now(),
        })
        .0
}

fn settle(harness: &Harness, process: ProcessId, state: ProcessState) -> ProcessRow {
    harness
        .change(ProcessChange::Settle {
            process,
            state,
            reason: None,
            at: harness.now(),
        })
        .0
}

fn launched(harness: &Harness, many: usize) -> (ProcessId, Vec<Claimed>) {
    let mut spec = harness.spec_in_segments(many);
    spec.open = 100;
    let (process, claimed) = harness.launch(&spec);
    assert_eq!(claimed.len(), many, "the process's own execution waits");
    (process, claimed)
}

/// `open` counts down with every lane that is done with the segment.
pub fn parked_lanes_wait_for_the_last_one(harness: &mut Harness) {
    let (process, claimed) = launched(harness, 3);
    for (at, one) in claimed.iter().enumerate() {
        assert_eq!(harness.recount(process).open, 3 - at as u64);
        harness.park(one, 2);
        assert_eq!(
            harness.state_of(one.owned.execution),
            ExecutionState::Waiting
        );
        harness.refuse(
            one.owned,
            carril_model::contract::Change::Cause {
                account: one.account.clone(),
            },
        );
    }
    let row = harness.recount(process);
    assert_eq!((row.open, row.segment, row.tally.settled()), (0, 0, 0));
    assert!(harness.claim(process, 10).is_empty());
}

/// Everybody of the next segment is pending, and the time until then was the barrier's.
pub fn advancing_opens_the_next_segment_once(harness: &mut Harness) {
    let (process, claimed) = launched(harness, 2);
    let parked_at = harness.tick(100);
    for one in &claimed {
        harness.park(one, 2);
    }
    harness.tick(50);
    let (row, report) = harness.change(ProcessChange::Advance {
        process,
        from: 0,
        to: 1,
        at: harness.now(),
    });
    assert_eq!(
        (row.segment, row.open, report.woken.as_slice()),
        (1, 1, &[process][..])
    );
    assert_eq!(
        advance(harness, process, 0).segment,
        1,
        "a second time is no change"
    );
    let own = harness.claim(process, 10);
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].segment, 1);
    harness.settle(&own, ExecutionState::Succeeded);
    harness.tick(25);
    assert_eq!(advance(harness, process, 1).open, 2);
    harness.tick(5);
    let again = harness.claim(process, 10);
    assert_eq!(again.len(), 2);
    for one in again {
        assert!(!one.fresh && one.segment == 2);
        assert_eq!(
            one.account.spent(CauseKind::Barrier),
            harness.now().micros_since(parked_at) - 5
        );
        assert_eq!(one.account.spent(CauseKind::Queued), 5);
    }
    harness.recount(process);
}

/// While somebody is left in the segment, it stays.
pub fn advancing_too_early_is_no_change(harness: &mut Harness) {
    let (process, claimed) = launched(harness, 2);
    harness.park(&claimed[0], 2);
    let row = advance(harness, process, 0);
    assert_eq!((row.segment, row.open), (0, 1));
    assert_eq!(
        harness.state_of(claimed[0].owned.execution),
        ExecutionState::Waiting
    );
    harness.recount(process);
}

/// Lanes that ended early are simply not there any more.
pub fn a_failed_lane_does_not_hold_the_barrier(harness: &mut Harness) {
    let (process, claimed) = launched(harness, 3);
    harness.settle(&claimed[..2], ExecutionState::Failed);
    harness.park(&claimed[2], 2);
    assert_eq!(advance(harness, process, 0).open, 1);
    let own = harness.claim(process, 10);
    harness.settle(&own, ExecutionState::Succeeded);
    assert_eq!(advance(harness, process, 1).open, 1);
    let last = harness.claim(process, 10);
    assert_eq!(last[0].owned.execution, claimed[2].owned.execution);
    harness.settle(&last, ExecutionState::Succeeded);
    let row = harness.recount(process);
    assert_eq!((row.open, row.tally.failed, row.tally.succeeded), (0, 2, 1));
}

/// Settling takes the state, the time and the reason.
pub fn a_process_settles_when_all_has(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    harness.settle(&claimed, ExecutionState::Failed);
    harness.tick(9);
    let change = ProcessChange::Settle {
        process,
        state: ProcessState::CompletedWithErrors,
        reason: Some("why".to_owned()),
        at: harness.now(),
    };
    let row = harness.change(change).0;
    assert_eq!(
        (row.state, row.ended_at, row.reason.as_deref()),
        (
            ProcessState::CompletedWithErrors,
            Some(harness.now()),
            Some("why")
        )
    );
    harness.tick(9);
    assert_eq!(
        settle(harness, process, ProcessState::Cancelled),
        row,
        "a settled process stays as it is"
    );
}

/// What was decided before the last commit may no longer be true: a process settles only as its executions say.
pub fn a_process_settles_only_as_its_executions_say(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    harness.settle(&claimed, ExecutionState::Succeeded);
    for state in [
        ProcessState::Failed,
        ProcessState::CompletedWithErrors,
        ProcessState::Cancelled,
    ] {
        let row = settle(harness, process, state);
        assert_eq!(
            row.state,
            ProcessState::Running,
            "nothing failed: not {state}"
        );
    }
    let (failed, claimed) = harness.running(1);
    harness.settle(&claimed, ExecutionState::Failed);
    for state in [
        ProcessState::Failed,
        ProcessState::Succeeded,
        ProcessState::Cancelled,
    ] {
        let row = settle(harness, failed, state);
        assert_eq!(
            row.state,
            ProcessState::Running,
            "a lane failed, no stage: not {state}"
        );
    }
    let (own_failed, claimed) = launched(harness, 1);
    harness.park(&claimed[0], 2);
    advance(harness, own_failed, 0);
    let own = harness.claim(own_failed, 10);
    harness.settle(&own, ExecutionState::Failed);
    harness.change(ProcessChange::Cancel {
        process: own_failed,
        state: ProcessState::Failed,
        reason: "its stage failed".to_owned(),
        at: harness.now(),
    });
    let row = settle(harness, own_failed, ProcessState::Failed);
    assert_eq!(row.state, ProcessState::Failed);
}

/// An unsettled lane, or the process's own execution, keeps it running.
pub fn a_process_does_not_settle_early(harness: &mut Harness) {
    let (process, claimed) = launched(harness, 2);
    assert_eq!(
        settle(harness, process, ProcessState::Succeeded).state,
        ProcessState::Running
    );
    harness.settle(&claimed, ExecutionState::Succeeded);
    assert_eq!(
        settle(harness, process, ProcessState::Succeeded).state,
        ProcessState::Running,
        "its own execution is unsettled"
    );
    advance(harness, process, 0);
    let own = harness.claim(process, 1);
    harness.settle(&own, ExecutionState::Skipped);
    assert_eq!(
        settle(harness, process, ProcessState::Succeeded).state,
        ProcessState::Succeeded
    );
    assert!(harness.claim(process, 10).is_empty());
}

/// The follower is told with the commit that settled the first.
pub fn who_waits_for_a_process_is_woken_when_it_settles(harness: &mut Harness) {
    let (first, claimed) = harness.running(1);
    let mut spec = harness.spec(1);
    spec.launch.overlap = carril_model::definition::Overlap::Queue;
    let (second, _) = harness.launch(&spec);
    let report = harness
        .try_commit(
            vec![end_of(
                &claimed[0],
                ExecutionState::Succeeded,
                harness.now(),
            )],
            vec![ProcessChange::Settle {
                process: first,
                state: ProcessState::Succeeded,
                reason: None,
                at: harness.now(),
            }],
            vec![carril_model::contract::Claim {
                process: second,
                max: 1,
            }],
        )
        .expect("the commit succeeds");
    assert_eq!(report.woken, [second]);
    assert_eq!(
        report.claimed.len(),
        1,
        "the claim sees what the change did"
    );
}

/// With a process stage first, entities wait at the barrier and the process's own execution runs.
pub fn entities_of_a_later_segment_wait_from_the_start(harness: &mut Harness) {
    let mut spec = harness.spec(3);
    spec.launch.process_segment = Some(0);
    spec.launch.entity_segment = Some(1);
    spec.launch.segments = 2;
    spec.open = 10;
    let (process, claimed) = harness.launch(&spec);
    assert_eq!(claimed.len(), 1);
    assert!(claimed[0].owned.per_process);
    assert_eq!(harness.recount(process).open, 1);
    harness.tick(40);
    harness.settle(&claimed, ExecutionState::Succeeded);
    assert_eq!(advance(harness, process, 0).open, 3);
    let entities = harness.claim(process, 10);
    assert_eq!(entities.len(), 3);
    assert!(
        entities
            .iter()
            .all(|one| one.fresh && one.account.spent(CauseKind::Barrier) == 40)
    );
}
