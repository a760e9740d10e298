//! Forgetting: what is old goes piece by piece, is seen by nobody meanwhile, and leaves everything else as it was.

use super::{Harness, Spec};
use carril_model::contract::{Fault, Launched, ProcessChange, Rerun};
use carril_model::definition::Overlap;
use carril_model::id::{ExecutionId, ProcessId};
use carril_model::process;
use carril_model::state::ExecutionState;
use carril_model::time::Timestamp;

/// A process that has settled, with as many executions.
fn settled(harness: &mut Harness, many: usize) -> (ProcessId, Vec<ExecutionId>) {
    let (process, claimed) = harness.running(many);
    harness.settle(&claimed, ExecutionState::Succeeded);
    end(harness, process);
    harness.tick(1);
    let executions = claimed.iter().map(|one| one.owned.execution).collect();
    (process, executions)
}

fn end(harness: &Harness, process: ProcessId) {
    harness.change(ProcessChange::Settle {
        process,
        state: process::outcome(&harness.process(process).tally),
        reason: None,
        at: harness.now(),
    });
}

fn ended(harness: &Harness, before: Timestamp) -> Vec<ProcessId> {
    let rows = harness.wait(harness.store().ended(before, None, 100));
    rows.expect("it can be asked")
        .iter()
        .map(|row| row.id)
        .collect()
}

/// Forgets it piece by piece, and answers how many executions each piece had.
fn forgotten(harness: &Harness, process: ProcessId, max: u32) -> Vec<u64> {
    let mut pieces = Vec::new();
    loop {
        let piece = harness.wait(harness.store().forget(process, max));
        let piece = piece.expect("it is settled");
        if piece.whole {
            return pieces;
        }
        pieces.push(piece.executions);
    }
}

/// Only what ended before the time is old, oldest first, page by page.
pub fn what_ended_before_a_time_is_told(harness: &mut Harness) {
    let (first, _) = settled(harness, 1);
    let (second, _) = settled(harness, 1);
    let (running, claimed) = harness.running(1);
    let later = harness.now();
    assert_eq!(ended(harness, later), [first, second]);
    let since = harness.process(second).ended_at.expect("it has ended");
    assert_eq!(
        ended(harness, since),
        [first],
        "the time itself is not before"
    );
    let page = harness.wait(harness.store().ended(later, Some(first), 5));
    assert_eq!(page.expect("it can be asked")[0].id, second);
    harness.settle(&claimed, ExecutionState::Failed);
    end(harness, running);
    let now = harness.tick(1);
    assert_eq!(ended(harness, now).len(), 3);
}

/// Piece by piece it goes, and nothing else.
pub fn a_process_is_forgotten_in_pieces_and_nothing_else_is(harness: &mut Harness) {
    let (old, executions) = settled(harness, 5);
    let (other, kept) = settled(harness, 5);
    assert_eq!(forgotten(harness, old, 2), [2, 2, 1]);
    assert!(matches!(
        harness.wait(harness.store().process(old)),
        Err(Fault::Conflict(_))
    ));
    for execution in executions {
        let steps = harness.wait(harness.store().steps(execution));
        assert!(matches!(steps, Err(Fault::Conflict(_))), "{steps:?}");
    }
    assert_eq!(harness.executions(other).len(), kept.len());
    harness.recount(other);
    assert_eq!(ended(harness, harness.now()), [other]);
}

/// Once it is begun, nobody sees it, nothing waits for it, and nothing of it can be run again; the rest goes after a crash too.
pub fn a_half_forgotten_process_is_seen_by_nobody(harness: &mut Harness) {
    let mut spec: Spec = harness.spec(3);
    spec.launch.idempotency_key = Some("once".to_owned());
    spec.launch.overlap = Overlap::Skip;
    spec.open = 3;
    let (old, claimed) = harness.launch(&spec);
    harness.settle(&claimed, ExecutionState::Failed);
    end(harness, old);
    harness.tick(1);
    let piece = harness.wait(harness.store().forget(old, 1));
    assert_eq!(piece.expect("it is settled").executions, 1);
    let last = claimed.last().expect("there are three").owned;
    let rerun = Rerun {
        execution: last.execution,
        expected: last.run,
        segment: 0,
        carried: Vec::new(),
    };
    let reran = harness.wait(harness.store().rerun(old, &[rerun], harness.now()));
    assert!(matches!(reran, Err(Fault::Conflict(_))), "{reran:?}");
    let entered = harness.crash();
    assert_eq!((entered.unsettled.len(), entered.launches_removed), (0, 0));
    match harness.try_launch(&spec) {
        Ok(Launched::New { process, claimed }) => {
            assert!(process > old, "its key and its place are free");
            harness.settle(&claimed, ExecutionState::Succeeded);
            end(harness, process);
        }
        other => panic!("{other:?}"),
    }
    assert!(
        ended(harness, harness.now()).contains(&old),
        "it is still to go"
    );
    assert_eq!(
        ended(harness, Timestamp(0)),
        [old],
        "however young it is: nobody can wish for it any more"
    );
    assert_eq!(forgotten(harness, old, 10), [2]);
    assert!(!ended(harness, harness.now()).contains(&old));
}

/// What still matters to somebody stays whole.
pub fn what_is_not_over_is_not_forgotten(harness: &mut Harness) {
    let refused = |harness: &Harness, process| {
        let forgotten = harness.wait(harness.store().forget(process, 10));
        assert!(
            matches!(forgotten, Err(Fault::Conflict(_))),
            "{forgotten:?}"
        );
    };
    let (running, claimed) = harness.running(2);
    refused(harness, running);
    harness.settle(&claimed, ExecutionState::Succeeded);
    end(harness, running);
    let undone = [claimed[0].owned.execution];
    let begun = harness.store().begin_rollback(&undone, harness.now());
    harness.wait(begun).expect("it begins");
    refused(harness, running);
    refused(harness, ProcessId(9_999));
    assert_eq!(harness.executions(running).len(), 2);
}
