//! Pausing: nothing more is claimed, everybody who waits is charged for it, and all else goes on.

use super::Harness;
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{
    Change, Claimed, ProcessChange, ProcessRow, Report, Rerun, TableRows,
};
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::process;
use carril_model::state::{ExecutionState, ProcessState};

fn pause(harness: &Harness, process: ProcessId) -> ProcessRow {
    let at = harness.now();
    harness.change(ProcessChange::Pause { process, at }).0
}

fn resume(harness: &Harness, process: ProcessId) -> (ProcessRow, Report) {
    let at = harness.now();
    harness.change(ProcessChange::Resume { process, at })
}

fn release(harness: &Harness, claimed: &Claimed) {
    let mut account = claimed.account.clone();
    account.switch(Cause::plain(CauseKind::Queued), harness.now());
    harness.accept(claimed.owned, Change::Released { account });
}

/// Microseconds that a claimed execution was charged with a cause.
fn charged(claimed: &Claimed, kind: CauseKind) -> i64 {
    claimed.account.spent(kind)
}

/// Claims yield nothing; after the resume they do, and the time in between is the pause's.
pub fn a_paused_process_is_not_claimed_and_is_charged_for_it(harness: &mut Harness) {
    let (process, _) = harness.launch(&harness.spec(2));
    harness.tick(10);
    assert_eq!(pause(harness, process).state, ProcessState::Paused);
    assert!(harness.claim(process, 5).is_empty());
    harness.tick(100);
    let (row, report) = resume(harness, process);
    assert_eq!(row.state, ProcessState::Running);
    assert_eq!(report.woken, [process], "somebody must look for lanes");
    harness.tick(1_000);
    let claimed = harness.claim(process, 5);
    assert_eq!(claimed.len(), 2);
    for one in &claimed {
        assert_eq!(charged(one, CauseKind::Paused), 100);
        assert_eq!(charged(one, CauseKind::Queued), 1_010);
    }
}

/// Lanes that hand back what they have wait for the resume, too.
pub fn what_runs_is_handed_back_as_paused(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    pause(harness, process);
    harness.tick(5);
    release(harness, &claimed[0]);
    harness.tick(50);
    // The other one finishes what it has: nothing forbids it.
    harness.settle(&claimed[1..], ExecutionState::Succeeded);
    resume(harness, process);
    let again = harness.claim(process, 5);
    assert_eq!(again.len(), 1);
    assert_eq!(charged(&again[0], CauseKind::Paused), 50);
    harness.recount(process);
}

/// What its row asks for is nothing, until it goes on.
pub fn a_paused_process_neither_advances_nor_settles_by_itself(harness: &mut Harness) {
    let mut spec = harness.spec_in_segments(1);
    spec.open = 1;
    let (process, claimed) = harness.launch(&spec);
    pause(harness, process);
    harness.park(&claimed[0], 2);
    let next = |harness: &Harness| process::next(&harness.process(process), 3, None, harness.now());
    assert_eq!(next(harness), None);
    resume(harness, process);
    assert!(matches!(
        next(harness),
        Some(ProcessChange::Advance { to: 1, .. })
    ));
}

/// That it is over was decided before somebody paused it: it waits for the resume, and settles then.
pub fn a_settle_that_comes_after_the_pause_waits_for_the_resume(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    harness.settle(&claimed, ExecutionState::Succeeded);
    let next = |harness: &Harness| process::next(&harness.process(process), 1, None, harness.now());
    let settle = next(harness).expect("nothing is left of it");
    pause(harness, process);
    assert_eq!(harness.change(settle).0.state, ProcessState::Paused);
    resume(harness, process);
    let settle = next(harness).expect("nothing is left of it");
    assert_eq!(harness.change(settle).0.state, ProcessState::Succeeded);
}

/// Somebody may want it gone instead.
pub fn a_paused_process_can_be_cancelled_and_undone(harness: &mut Harness) {
    let (process, _) = harness.launch(&harness.spec(2));
    pause(harness, process);
    harness.change(ProcessChange::Cancel {
        process,
        state: ProcessState::Cancelled,
        reason: "enough".to_owned(),
        at: harness.now(),
    });
    let next = process::next(&harness.process(process), 1, None, harness.now());
    let settle = next.expect("nothing is left of it");
    assert_eq!(harness.change(settle).0.state, ProcessState::Cancelled);

    let (other, claimed) = harness.running(1);
    pause(harness, other);
    let ids: Vec<ExecutionId> = claimed.iter().map(|one| one.owned.execution).collect();
    let begun = harness.wait(harness.store().begin_rollback(&ids, harness.now()));
    for owned in begun.expect("it begins") {
        let (at, rows) = (harness.now(), Vec::<TableRows>::new());
        harness.accept(owned, Change::RolledBack { at, rows });
    }
    let next = process::next(&harness.process(other), 1, None, harness.now());
    let settle = next.expect("nothing is left of it");
    assert_eq!(harness.change(settle).0.state, ProcessState::RolledBack);
}

/// Asked twice, or of what has settled or is being cancelled, it changes nothing.
pub fn pausing_what_does_not_run_is_no_change(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    assert_eq!(resume(harness, process).0.state, ProcessState::Running);
    pause(harness, process);
    assert_eq!(pause(harness, process).state, ProcessState::Paused);
    resume(harness, process);
    harness.change(ProcessChange::Cancel {
        process,
        state: ProcessState::Cancelled,
        reason: "enough".to_owned(),
        at: harness.now(),
    });
    assert_eq!(pause(harness, process).state, ProcessState::Running);
    harness.settle(&claimed, ExecutionState::Cancelled);
    let next = process::next(&harness.process(process), 1, None, harness.now());
    harness.change(next.expect("nothing is left of it"));
    assert_eq!(pause(harness, process).state, ProcessState::Cancelled);
    assert_eq!(resume(harness, process).0.state, ProcessState::Cancelled);
}

/// The next engine finds it paused, and what ran waits for the resume.
pub fn a_pause_outlives_the_engine(harness: &mut Harness) {
    let (process, _) = harness.running(1);
    pause(harness, process);
    let entered = harness.crash();
    assert_eq!(entered.unsettled[0].state, ProcessState::Paused);
    assert!(harness.claim(process, 5).is_empty());
    harness.tick(30);
    resume(harness, process);
    let claimed = harness.claim(process, 5);
    assert_eq!(charged(&claimed[0], CauseKind::Paused), 30);
}

/// A run that begins while its process is paused waits for the resume, and not for a lane.
pub fn what_runs_again_meanwhile_is_paused_too(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    harness.settle(&claimed[..1], ExecutionState::Failed);
    pause(harness, process);
    let rerun = Rerun {
        execution: claimed[0].owned.execution,
        expected: claimed[0].owned.run,
        segment: 0,
        carried: Vec::new(),
    };
    let again = harness.wait(harness.store().rerun(process, &[rerun], harness.now()));
    assert_eq!(again.expect("it runs again").state, ProcessState::Paused);
    harness.tick(40);
    resume(harness, process);
    let claimed = harness.claim(process, 5);
    assert_eq!(charged(&claimed[0], CauseKind::Paused), 40);
    assert_eq!(charged(&claimed[0], CauseKind::Queued), 0);
}
