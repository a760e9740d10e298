//! Rolling back: the token is raised first, the effects go, history keeps that it happened, and it can run again.

use super::{Harness, end_of};
use carril_model::contract::{
    Change, Claimed, Fault, Owned, ProcessChange, Record, Rerun, TableRows, Verdict,
};
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::state::{ExecutionState, ProcessState};

fn begin(harness: &Harness, claimed: &[Claimed]) -> Vec<Owned> {
    let ids: Vec<ExecutionId> = claimed.iter().map(|one| one.owned.execution).collect();
    harness
        .wait(harness.store().begin_rollback(&ids, harness.now()))
        .expect("it begins")
}

fn finish(harness: &Harness, owned: &[Owned]) {
    let rows = vec![TableRows {
        table: "t".to_owned(),
        inserted: 0,
        updated: 0,
        deleted: 4,
    }];
    for owned in owned {
        harness.accept(
            *owned,
            Change::RolledBack {
                at: harness.now(),
                rows: rows.clone(),
            },
        );
    }
}

fn settled(harness: &Harness, many: usize) -> (ProcessId, Vec<Claimed>) {
    let (process, claimed) = harness.running(many);
    harness.settle(&claimed, ExecutionState::Succeeded);
    harness.change(ProcessChange::Settle {
        process,
        state: ProcessState::Succeeded,
        reason: None,
        at: harness.now(),
    });
    (process, claimed)
}

/// From the moment it begins, who held the claim is refused (P7).
pub fn a_late_writer_is_refused_from_the_first_moment(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    let owned = begin(harness, &claimed);
    assert_eq!(owned.len(), 1);
    assert!(owned[0].token > claimed[0].owned.token);
    assert_eq!(
        harness.records(vec![end_of(
            &claimed[0],
            ExecutionState::Succeeded,
            harness.now()
        )]),
        [Verdict::Lost]
    );
    harness.refuse(
        claimed[0].owned,
        Change::RolledBack {
            at: harness.now(),
            rows: Vec::new(),
        },
    );
    finish(harness, &owned);
    harness.refuse(
        owned[0],
        Change::RolledBack {
            at: harness.now(),
            rows: Vec::new(),
        },
    );
    harness.recount(process);
}

/// From how it had ended to rolled back, nothing else.
pub fn rolling_back_moves_the_tally(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 3);
    let owned = begin(harness, &claimed[..1]);
    let row = harness.recount(process);
    assert_eq!(
        (row.tally.succeeded, row.tally.rolled_back),
        (3, 0),
        "not before it is done"
    );
    finish(harness, &owned);
    let row = harness.recount(process);
    assert_eq!((row.tally.succeeded, row.tally.rolled_back), (2, 1));
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(
        harness.state_of(claimed[0].owned.execution),
        ExecutionState::RolledBack
    );
}

/// Whatever it is doing: pending, running or waiting.
pub fn a_live_execution_is_cancelled_first(harness: &mut Harness) {
    let mut spec = harness.spec_in_segments(3);
    spec.open = 2;
    let (process, claimed) = harness.launch(&spec);
    harness.park(&claimed[0], 2);
    let ids: Vec<ExecutionId> = harness
        .executions(process)
        .iter()
        .filter(|(owned, _, _)| !owned.per_process)
        .map(|(owned, _, _)| owned.execution)
        .collect();
    let owned = harness
        .wait(harness.store().begin_rollback(&ids, harness.now()))
        .expect("it begins");
    let row = harness.recount(process);
    assert_eq!((row.tally.cancelled, row.open), (3, 0));
    assert!(harness.claim(process, 10).is_empty());
    finish(harness, &owned);
    assert_eq!(harness.recount(process).tally.rolled_back, 3);
}

/// What was rolled back is run again like what failed.
pub fn a_rolled_back_execution_runs_again(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 1);
    let owned = begin(harness, &claimed);
    finish(harness, &owned);
    let rerun = Rerun {
        execution: claimed[0].owned.execution,
        expected: Run(1),
        segment: 0,
        carried: Vec::new(),
    };
    let row = harness
        .wait(harness.store().rerun(process, &[rerun], harness.now()))
        .expect("it runs again");
    assert_eq!(
        (row.tally.rolled_back, row.open, row.state),
        (0, 1, ProcessState::Running)
    );
    let again = harness.claim(process, 1);
    assert!(again[0].owned.token > owned[0].token && again[0].owned.run == Run(2));
    harness.settle(&again, ExecutionState::Succeeded);
    assert_eq!(harness.recount(process).tally.succeeded, 1);
}

/// A settled process becomes rolled back when all of it is, and not before.
pub fn a_process_that_is_undone_is_rolled_back(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 2);
    let undo = || ProcessChange::Settle {
        process,
        state: ProcessState::RolledBack,
        reason: None,
        at: harness.now(),
    };
    let owned = begin(harness, &claimed);
    finish(harness, &owned[..1]);
    let row = harness.change(undo()).0;
    assert_eq!(row.state, ProcessState::Succeeded);
    finish(harness, &owned[1..]);
    let undone = harness.change(undo()).0;
    assert_eq!(
        (undone.state, undone.ended_at),
        (ProcessState::RolledBack, row.ended_at)
    );
}

/// There is nothing left to remove.
pub fn what_is_rolled_back_is_not_rolled_back_again(harness: &mut Harness) {
    let (_, claimed) = settled(harness, 1);
    let owned = begin(harness, &claimed);
    let again = begin(harness, &claimed);
    assert!(
        again[0].token > owned[0].token,
        "one that is under way is taken over"
    );
    let stale = Record {
        owned: owned[0],
        change: Change::RolledBack {
            at: harness.now(),
            rows: Vec::new(),
        },
    };
    assert_eq!(harness.records(vec![stale]), [Verdict::Lost]);
    finish(harness, &again);
    assert_eq!(begin(harness, &claimed), []);
    let nobody = harness.wait(
        harness
            .store()
            .begin_rollback(&[ExecutionId(1 << 40)], harness.now()),
    );
    assert!(matches!(nobody, Err(Fault::Conflict(_))));
}

/// It must be done first.
pub fn a_rerun_while_rolling_back_is_refused(harness: &mut Harness) {
    let (process, claimed) = settled(harness, 1);
    begin(harness, &claimed);
    let rerun = Rerun {
        execution: claimed[0].owned.execution,
        expected: Run(1),
        segment: 0,
        carried: Vec::new(),
    };
    let answer = harness.wait(harness.store().rerun(process, &[rerun], harness.now()));
    assert!(matches!(answer, Err(Fault::Conflict(_))));
    harness.recount(process);
}
