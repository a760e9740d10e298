//! After a crash, a stop or a takeover: nothing is lost, nothing is believed that is not stored (P2).

use super::{Harness, end_of, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Change, Claim, Fault, Group, NodeInfo, ProcessChange};
use carril_model::id::StepId;
use carril_model::state::{ExecutionState, ProcessState, StepState};
use std::sync::Arc;

/// Only what ran is taken back, and its token grows with the next claim.
pub fn what_a_dead_node_ran_is_pending_again(harness: &mut Harness) {
    let mut spec = harness.spec_in_segments(4);
    spec.open = 3;
    let (process, claimed) = harness.launch(&spec);
    harness.park(&claimed[0], 2);
    harness.settle(&claimed[1..2], ExecutionState::Succeeded);
    let entered = harness.crash();
    assert_eq!(entered.reclaimed, 1);
    let row = harness.recount(process);
    assert_eq!(entered.unsettled, std::slice::from_ref(&row));
    assert_eq!((row.open, row.tally.succeeded), (2, 1));
    let again = harness.claim(process, 10);
    assert_eq!(
        again.iter().map(|one| one.fresh).collect::<Vec<_>>(),
        [false, true]
    );
    assert!(again[0].owned.token > claimed[2].owned.token);
    harness.refuse(
        claimed[2].owned,
        Change::Cause {
            account: claimed[2].account.clone(),
        },
    );
    assert_eq!(harness.crash().reclaimed, 2, "and as often as need be");
}

/// From the last sign of life until the next claim (P10).
pub fn downtime_is_charged_to_recovering(harness: &mut Harness) {
    let launched = harness.now();
    let (process, _) = harness.running(1);
    harness.tick(3_000_000);
    let beat = harness.wait(harness.store().beat(harness.now()));
    assert_eq!(beat, Ok(Vec::new()), "it is alive, and nobody else is dead");
    harness.tick(60_000_000);
    harness.crash();
    harness.tick(500);
    let again = harness.claim(process, 1).remove(0);
    assert_eq!(again.account.spent(CauseKind::Running), 3_000_000);
    assert_eq!(again.account.spent(CauseKind::Recovering), 60_000_500);
    assert_eq!(
        again.account.total_micros(harness.now()),
        harness.now().micros_since(launched)
    );
}

/// The attempt that was under way spent nothing, and ended when its node was last seen.
pub fn attempts_under_way_were_interrupted(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    let owned = claimed[0].owned;
    let now = harness.now();
    harness.accept(owned, Change::StepEnded(Box::new(step_end(0, now, now))));
    harness.accept(
        owned,
        Change::StepBegan {
            step: StepId(1),
            attempt: 1,
            at: now,
        },
    );
    harness.crash();
    let steps = harness.claim(process, 1).remove(0).steps;
    let states: Vec<_> = steps
        .iter()
        .map(|step| (step.step, step.failures, step.state))
        .collect();
    assert_eq!(
        states,
        [
            (StepId(0), 0, StepState::Succeeded),
            (StepId(1), 0, StepState::Interrupted)
        ]
    );
}

/// What was never whole is gone, with its key and its place in line.
pub fn unfinished_launches_are_removed(harness: &mut Harness) {
    let mut spec = harness.spec(3);
    spec.launch.idempotency_key = Some("again".to_owned());
    harness
        .wait(harness.store().launch(&spec.launch, &spec.entities, None))
        .expect("it begins");
    let entered = harness.crash();
    assert_eq!((entered.launches_removed, entered.unsettled.len()), (1, 0));
    spec.open = 3;
    assert_eq!(harness.launch(&spec).1.len(), 3);
}

/// A rollback that had begun is told to whoever comes next, which finishes it.
pub fn unfinished_rollbacks_are_told(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    let owned = harness
        .wait(
            harness
                .store()
                .begin_rollback(&[claimed[0].owned.execution], harness.now()),
        )
        .expect("it begins");
    let entered = harness.crash();
    assert_eq!(entered.rolling_back, owned);
    harness.accept(
        owned[0],
        Change::RolledBack {
            at: harness.now(),
            rows: Vec::new(),
        },
    );
    assert_eq!(harness.crash().rolling_back, []);
    assert_eq!(harness.recount(process).tally.rolled_back, 1);
}

/// Once another engine has entered, the former one neither claims nor launches nor says that it is alive (P4).
pub fn a_former_engine_writes_nothing_more(harness: &mut Harness) {
    let (process, _) = harness.launch(&harness.spec(2));
    harness.reopen();
    let now = harness.now();
    assert_eq!(
        harness.wait(harness.store().beat(now)),
        Err(Fault::LostLease),
        "who has not entered is nobody"
    );
    let group = Arc::new(Group {
        claims: vec![Claim { process, max: 1 }],
        at: now,
        ..Group::default()
    });
    assert_eq!(
        harness
            .wait(harness.store().commit(Arc::clone(&group)))
            .map(|_| ()),
        Err(Fault::LostLease)
    );
    assert!(matches!(
        harness.try_launch(&harness.spec(1)),
        Err(Fault::LostLease)
    ));
    let node = NodeInfo {
        host: "here".to_owned(),
        pid: 1,
        command: "next".to_owned(),
        lanes: None,
    };
    harness
        .wait(harness.store().enter(&node, now))
        .expect("entering succeeds");
    assert_eq!(
        harness
            .wait(harness.store().commit(group))
            .expect("the commit succeeds")
            .claimed
            .len(),
        1
    );
    harness.wait(harness.store().leave(now)).expect("it leaves");
    assert_eq!(
        harness.wait(harness.store().beat(now)),
        Err(Fault::LostLease),
        "who has left is nobody"
    );
}

/// A clean stop leaves nothing to recover: no time is charged to `recovering`.
pub fn leaving_hands_back(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    harness.settle(&claimed[..1], ExecutionState::Succeeded);
    harness.tick(10);
    harness
        .wait(harness.store().leave(harness.now()))
        .expect("it leaves");
    harness.tick(90);
    let entered = harness.crash();
    assert_eq!((entered.reclaimed, entered.unsettled.len()), (0, 1));
    let again = harness.claim(process, 10).remove(0);
    assert_eq!(
        (
            again.account.spent(CauseKind::Recovering),
            again.account.spent(CauseKind::Queued)
        ),
        (0, 90)
    );
    assert_eq!(again.account.cause(), &Cause::plain(CauseKind::Running));
}

/// All of them, and none that has settled.
pub fn unsettled_processes_are_told(harness: &mut Harness) {
    let (first, one) = harness.running(1);
    let (second, _) = harness.launch(&harness.spec(1));
    let at = harness.now();
    let record = end_of(&one[0], ExecutionState::Succeeded, at);
    let settle = ProcessChange::Settle {
        process: first,
        state: ProcessState::Succeeded,
        reason: None,
        at,
    };
    harness
        .try_commit(vec![record], vec![settle], Vec::new())
        .expect("the commit succeeds");
    let ids: Vec<_> = harness.crash().unsettled.iter().map(|row| row.id).collect();
    assert_eq!(ids, [second]);
}
