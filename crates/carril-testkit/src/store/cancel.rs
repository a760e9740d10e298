//! Cancelling: what does not run settles at once, what runs is marked, nothing is counted twice.

use super::{Harness, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Change, Fault, ProcessChange};
use carril_model::id::{ExecutionId, ID_LIMIT, ProcessId};
use carril_model::state::{ExecutionState, ProcessState};

fn cancel(harness: &Harness, process: ProcessId) -> carril_model::contract::ProcessRow {
    let reason = "operator said so".to_owned();
    harness
        .change(ProcessChange::Cancel {
            process,
            state: ProcessState::Failed,
            reason,
            at: harness.now(),
        })
        .0
}

/// Pending, parked and the process's own execution settle; running ones stay until they have stopped.
pub fn cancelling_a_process_settles_what_does_not_run(harness: &mut Harness) {
    let mut spec = harness.spec_in_segments(5);
    spec.open = 3;
    let (process, claimed) = harness.launch(&spec);
    harness.park(&claimed[0], 2);
    let row = cancel(harness, process);
    assert_eq!(
        (row.state, row.cancelling, row.open),
        (ProcessState::Running, Some(ProcessState::Failed), 2)
    );
    assert_eq!(
        (row.tally.cancelled, row.own_state),
        (3, Some(ExecutionState::Cancelled))
    );
    assert_eq!(row.reason.as_deref(), Some("operator said so"));
    harness.recount(process);
    assert!(harness.claim(process, 10).is_empty());
    let now = harness.now();
    harness.accept(
        claimed[1].owned,
        Change::StepEnded(Box::new(step_end(0, now, now))),
    );
    harness.settle(&claimed[1..], ExecutionState::Cancelled);
    let row = harness.recount(process);
    assert_eq!((row.open, row.tally.cancelled), (0, 5));
    let settle = ProcessChange::Settle {
        process,
        state: ProcessState::Failed,
        reason: None,
        at: harness.now(),
    };
    let row = harness.change(settle).0;
    assert_eq!(
        (row.state, row.cancelling, row.reason.as_deref()),
        (ProcessState::Failed, None, Some("operator said so"))
    );
}

/// A crash does not forget that somebody wanted it to stop.
pub fn a_cancelled_running_execution_says_so_when_claimed_again(harness: &mut Harness) {
    let (process, _) = harness.running(1);
    cancel(harness, process);
    harness.crash();
    let row = harness.recount(process);
    assert_eq!((row.cancelling, row.open), (Some(ProcessState::Failed), 1));
    let again = harness.claim(process, 1);
    assert!(again[0].cancelling);
    harness.settle(&again, ExecutionState::Cancelled);
    harness.recount(process);
}

/// Somebody saw that all lanes had ended, and before he could say so the process was cancelled: whoever cancelled it was told
/// that it is, so that is what it becomes.
pub fn what_was_decided_before_a_cancel_is_refused_after_it(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    harness.settle(&claimed, ExecutionState::Succeeded);
    cancel(harness, process);
    let settle = |state| ProcessChange::Settle {
        process,
        state,
        reason: None,
        at: harness.now(),
    };
    let (row, _) = harness.change(settle(ProcessState::Succeeded));
    assert_eq!(
        (row.state, row.cancelling),
        (ProcessState::Running, Some(ProcessState::Failed))
    );
    let (row, _) = harness.change(settle(ProcessState::Failed));
    assert_eq!(row.state, ProcessState::Failed);
}

/// All had succeeded when it was decided, and before that was written one of them was to run again and was cancelled.
pub fn a_process_with_a_cancelled_lane_has_not_succeeded(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    harness.settle(&claimed[..1], ExecutionState::Succeeded);
    harness.settle(&claimed[1..], ExecutionState::Cancelled);
    let settle = |state| ProcessChange::Settle {
        process,
        state,
        reason: None,
        at: harness.now(),
    };
    let (row, _) = harness.change(settle(ProcessState::Succeeded));
    assert_eq!(row.state, ProcessState::Running);
    let (row, _) = harness.change(settle(ProcessState::CompletedWithErrors));
    assert_eq!(row.state, ProcessState::CompletedWithErrors);
}

/// The first word stands.
pub fn cancelling_twice_is_no_change(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    let first = cancel(harness, process);
    let again = ProcessChange::Cancel {
        process,
        state: ProcessState::Cancelled,
        reason: "no".to_owned(),
        at: harness.now(),
    };
    assert_eq!(harness.change(again).0, first);
    harness.settle(&claimed, ExecutionState::Cancelled);
    let settle = ProcessChange::Settle {
        process,
        state: ProcessState::Failed,
        reason: None,
        at: harness.now(),
    };
    let settled = harness.change(settle).0;
    assert_eq!(
        cancel(harness, process),
        settled,
        "a settled process is not cancelled"
    );
}

/// Of single executions the running ones come back for the engine to stop, the settled ones stay as they are.
pub fn single_executions_are_cancelled(harness: &mut Harness) {
    let mut spec = harness.spec(4);
    spec.open = 2;
    let (process, claimed) = harness.launch(&spec);
    harness.settle(&claimed[..1], ExecutionState::Succeeded);
    let all: Vec<ExecutionId> = harness
        .executions(process)
        .iter()
        .map(|(owned, _, _)| owned.execution)
        .collect();
    let named = [all[0], all[1], all[2]];
    let (running, processes) = harness
        .wait(harness.store().cancel(&named, "no", harness.now()))
        .expect("they are cancelled");
    assert_eq!(running, [claimed[1].owned]);
    let row = harness.recount(process);
    assert_eq!(processes, std::slice::from_ref(&row));
    assert_eq!(
        (row.tally.cancelled, row.tally.succeeded, row.open),
        (1, 1, 2)
    );
    assert_eq!(
        harness.claim(process, 10).len(),
        1,
        "the fourth was not meant"
    );
}

/// An execution that reaches its barrier while it is being cancelled does not stay there for ever.
pub fn parking_while_cancelled_settles(harness: &mut Harness) {
    let mut spec = harness.spec_in_segments(1);
    spec.open = 1;
    let (process, claimed) = harness.launch(&spec);
    cancel(harness, process);
    let mut account = claimed[0].account.clone();
    account.switch(Cause::plain(CauseKind::Barrier), harness.now());
    harness.accept(
        claimed[0].owned,
        Change::Parked {
            until: carril_model::contract::Until::Segment(2),
            account,
        },
    );
    assert_eq!(
        harness.state_of(claimed[0].owned.execution),
        ExecutionState::Cancelled
    );
    let row = harness.recount(process);
    assert_eq!((row.open, row.tally.cancelled), (0, 1));
}

/// An id that is nobody's is a conflict that names it, and nothing is done.
pub fn nobody_to_cancel_is_named(harness: &mut Harness) {
    let (process, _) = harness.launch(&harness.spec(1));
    let there = harness.executions(process)[0].0.execution;
    let nobody = ExecutionId(ID_LIMIT - 1);
    match harness.wait(
        harness
            .store()
            .cancel(&[there, nobody], "no", harness.now()),
    ) {
        Err(Fault::Conflict(text)) => assert!(text.contains(&nobody.to_string()), "{text}"),
        other => panic!("a conflict was expected, not {other:?}"),
    }
    assert_eq!(harness.recount(process).tally.cancelled, 0);
}
