//! Running again: the next run of settled executions, all or none, with the process going on from there.

use super::{Harness, step_end};
use carril_model::account::CauseKind;
use carril_model::contract::{Change, Claimed, Fault, ProcessChange, ProcessRow, Rerun, StepEnd};
use carril_model::id::{ExecutionId, ProcessId, Run, StepId};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use serde_json::json;

fn again(execution: ExecutionId, segment: u32) -> Rerun {
    Rerun {
        execution,
        expected: Run(1),
        segment,
        carried: Vec::new(),
    }
}

fn rerun(harness: &Harness, process: ProcessId, reruns: &[Rerun]) -> ProcessRow {
    let row = harness
        .wait(harness.store().rerun(process, reruns, harness.now()))
        .expect("they run again");
    assert_eq!(row, harness.recount(process));
    row
}

fn refused(harness: &Harness, process: ProcessId, reruns: &[Rerun]) -> String {
    let before = (harness.process(process), harness.executions(process));
    match harness.wait(harness.store().rerun(process, reruns, harness.now())) {
        Err(Fault::Conflict(text)) => {
            assert_eq!(
                (harness.process(process), harness.executions(process)),
                before,
                "nothing was done"
            );
            text
        }
        other => panic!("a conflict was expected, not {other:?}"),
    }
}

/// A process of `many` whose executions have all ended in `state`, itself settled.
fn settled(harness: &Harness, many: usize, state: ExecutionState) -> (ProcessId, Vec<Claimed>) {
    let (process, claimed) = harness.running(many);
    harness.settle(&claimed, state);
    let state = ProcessState::CompletedWithErrors;
    harness.change(ProcessChange::Settle {
        process,
        state,
        reason: Some("old".to_owned()),
        at: harness.now(),
    });
    (process, claimed)
}

/// The process runs again, its numbers go back, and the next run is claimed like any other.
pub fn a_failed_execution_runs_again(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 3, ExecutionState::Failed);
    let row = rerun(harness, process, &[again(claimed[1].owned.execution, 0)]);
    assert_eq!(
        (row.state, row.open, row.tally.failed),
        (ProcessState::Running, 1, 2)
    );
    assert_eq!((row.ended_at, row.reason), (None, None));
    harness.refuse(
        claimed[1].owned,
        Change::Cause {
            account: claimed[1].account.clone(),
        },
    );
    let next = harness.claim(process, 10);
    assert_eq!(next.len(), 1);
    assert_eq!(
        (next[0].owned.execution, next[0].owned.run),
        (claimed[1].owned.execution, Run(2))
    );
    assert!(
        next[0].owned.token > claimed[1].owned.token && next[0].fresh && next[0].steps.is_empty()
    );
    harness.settle(&next, ExecutionState::Succeeded);
    let row = harness.recount(process);
    assert_eq!((row.tally.succeeded, row.tally.failed), (1, 2));
}

/// Outcomes that are taken over are there for the next run, others are not.
pub fn carried_steps_come_along(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    let owned = claimed[0].owned;
    let now = harness.now();
    for (attempt, state) in [(1, StepState::Failed), (2, StepState::Succeeded)] {
        let output = (attempt == 2).then(|| json!({"rows": 3}));
        let log = Some("printed".to_owned());
        let end = StepEnd {
            attempt,
            failures: 1,
            state,
            output,
            log,
            ..step_end(0, now, now)
        };
        harness.accept(owned, Change::StepEnded(Box::new(end)));
    }
    harness.accept(
        owned,
        Change::StepEnded(Box::new(StepEnd {
            state: StepState::Failed,
            ..step_end(1, now, now)
        })),
    );
    harness.settle(&claimed, ExecutionState::Failed);
    let carried = vec![StepId(0)];
    rerun(
        harness,
        process,
        &[Rerun {
            carried,
            ..again(owned.execution, 0)
        }],
    );
    let next = harness.claim(process, 1).remove(0);
    assert!(next.fresh, "no step of this run can have been tried");
    let steps: Vec<_> = next
        .steps
        .iter()
        .map(|step| (step.step, step.attempt, step.state, step.output.clone()))
        .collect();
    assert_eq!(
        steps,
        [(StepId(0), 2, StepState::Succeeded, Some(json!({"rows": 3})))]
    );
}

/// Somebody else retried it meanwhile: the second is told so.
pub fn a_rerun_of_another_run_is_refused(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 2, ExecutionState::Failed);
    let first = again(claimed[0].owned.execution, 0);
    rerun(harness, process, std::slice::from_ref(&first));
    let next = harness.claim(process, 1);
    harness.settle(&next, ExecutionState::Failed);
    assert!(refused(harness, process, &[first]).contains(&claimed[0].owned.execution.to_string()));
    let (other, _) = settled(harness, 1, ExecutionState::Failed);
    refused(harness, other, &[again(claimed[1].owned.execution, 0)]);
}

/// All or none: one that still runs refuses its whole company.
pub fn a_rerun_of_a_live_execution_is_refused_and_nothing_is_done(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    harness.settle(&claimed[..1], ExecutionState::Failed);
    let both = [
        again(claimed[0].owned.execution, 0),
        again(claimed[1].owned.execution, 0),
    ];
    assert!(refused(harness, process, &both).contains(&claimed[1].owned.execution.to_string()));
    let twice = [both[0].clone(), both[0].clone()];
    refused(harness, process, &twice);
    refused(harness, process, &[]);
    refused(harness, process, &[again(ExecutionId(1 << 40), 0)]);
}

/// A process of three segments that has done everything.
fn finished(harness: &Harness) -> (ProcessId, Vec<Claimed>) {
    let mut spec = harness.spec_in_segments(2);
    spec.open = 2;
    let (process, claimed) = harness.launch(&spec);
    for one in &claimed {
        harness.park(one, 2);
    }
    for from in 0..2 {
        harness.change(ProcessChange::Advance {
            process,
            from,
            to: from + 1,
            at: harness.now(),
        });
        let now = harness.claim(process, 10);
        harness.settle(&now, ExecutionState::Failed);
    }
    harness.change(ProcessChange::Settle {
        process,
        state: ProcessState::Failed,
        reason: None,
        at: harness.now(),
    });
    (process, claimed)
}

/// The process goes on from the earliest; the others wait at their barrier.
pub fn reruns_of_later_segments_wait(harness: &mut Harness) {
    let (process, claimed) = finished(harness);
    let own = harness.process(process).own.expect("it has one");
    let reruns = [
        again(claimed[0].owned.execution, 0),
        again(own, 1),
        again(claimed[1].owned.execution, 2),
    ];
    let row = rerun(harness, process, &reruns);
    assert_eq!(
        (row.segment, row.open, row.own_state),
        (0, 1, Some(ExecutionState::Waiting))
    );
    let first = harness.claim(process, 10);
    assert_eq!(first.len(), 1);
    harness.settle(&first, ExecutionState::Succeeded);
    harness.change(ProcessChange::Advance {
        process,
        from: 0,
        to: 1,
        at: harness.now(),
    });
    let second = harness.claim(process, 10);
    assert_eq!(second[0].owned.execution, own);
    harness.settle(&second, ExecutionState::Succeeded);
    assert_eq!(
        harness
            .change(ProcessChange::Advance {
                process,
                from: 1,
                to: 2,
                at: harness.now()
            })
            .0
            .open,
        1
    );
    assert_eq!(
        harness.claim(process, 10)[0].owned.execution,
        claimed[1].owned.execution
    );
    harness.recount(process);
}

/// While others of the segment still run, a failed one may join them again.
pub fn a_running_process_takes_reruns_of_its_segment(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    harness.settle(&claimed[..1], ExecutionState::Failed);
    let row = rerun(harness, process, &[again(claimed[0].owned.execution, 0)]);
    assert_eq!((row.open, row.tally.failed, row.segment), (2, 0, 0));
    assert_eq!(harness.claim(process, 10).len(), 1);
}

/// A process does not go back while it runs.
pub fn a_running_process_past_the_segment_refuses(harness: &mut Harness) {
    let mut spec = harness.spec_in_segments(2);
    spec.open = 2;
    let (process, claimed) = harness.launch(&spec);
    harness.settle(&claimed[..1], ExecutionState::Failed);
    harness.park(&claimed[1], 2);
    harness.change(ProcessChange::Advance {
        process,
        from: 0,
        to: 1,
        at: harness.now(),
    });
    refused(harness, process, &[again(claimed[0].owned.execution, 0)]);
    let later = rerun(harness, process, &[again(claimed[0].owned.execution, 2)]);
    assert_eq!((later.segment, later.open), (1, 1));
}

/// Cancelling is over once the process has settled.
pub fn a_cancelled_process_runs_again(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    let reason = "no".to_owned();
    harness.change(ProcessChange::Cancel {
        process,
        state: ProcessState::Cancelled,
        reason,
        at: harness.now(),
    });
    harness.settle(&claimed, ExecutionState::Cancelled);
    let reruns = [again(claimed[0].owned.execution, 0)];
    refused(harness, process, &reruns);
    harness.change(ProcessChange::Settle {
        process,
        state: ProcessState::Cancelled,
        reason: None,
        at: harness.now(),
    });
    let row = rerun(harness, process, &reruns);
    assert_eq!(
        (row.state, row.cancelling, row.tally.cancelled),
        (ProcessState::Running, None, 0)
    );
    assert!(!harness.claim(process, 1)[0].cancelling);
}

/// The life of a run begins with it.
pub fn a_new_run_opens_a_new_account(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 1, ExecutionState::Failed);
    harness.tick(5_000);
    rerun(harness, process, &[again(claimed[0].owned.execution, 0)]);
    harness.tick(12);
    let next = harness.claim(process, 1).remove(0);
    assert_eq!(next.account.total_micros(harness.now()), 12);
    assert_eq!(next.account.spent(CauseKind::Queued), 12);
}

/// A key is never shared, whoever is older.
pub fn a_rerun_stands_behind_a_younger_one_of_its_key(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 1, ExecutionState::Failed);
    let (younger, running) = harness.running(1);
    rerun(harness, process, &[again(claimed[0].owned.execution, 0)]);
    assert!(
        harness.claim(process, 10).is_empty(),
        "a younger execution of the same key runs"
    );
    let report = harness.settle(&running, ExecutionState::Succeeded);
    assert_eq!(report.woken, [process]);
    assert_eq!(harness.claim(process, 10).len(), 1);
    harness.recount(younger);
}

/// A process that waited for another, has begun, and does not wait again when that one does: each could have the lane keys that
/// the other needs, and neither would go on.
pub fn who_has_waited_does_not_wait_again(harness: &mut Harness) {
    let (first, claimed) = harness.running(1);
    let mut spec = harness.spec(2);
    spec.launch.overlap = carril_model::definition::Overlap::Queue;
    let (second, none) = harness.launch(&spec);
    assert!(none.is_empty(), "it must wait");
    harness.settle(&claimed, ExecutionState::Failed);
    harness.change(ProcessChange::Settle {
        process: first,
        state: ProcessState::CompletedWithErrors,
        reason: None,
        at: harness.now(),
    });
    assert_eq!(harness.claim(second, 1).len(), 1);
    let row = rerun(harness, first, &[again(claimed[0].owned.execution, 0)]);
    assert_eq!(row.state, ProcessState::Running);
    assert_eq!(harness.claim(second, 1).len(), 1, "it goes on");
    // Who is launched while the first runs again does wait for somebody: for the newest, as ever.
    let (third, none) = harness.launch(&spec);
    assert_eq!(
        (none.len(), harness.process(third).after),
        (0, Some(second))
    );
}
