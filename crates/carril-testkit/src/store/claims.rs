//! Claiming: in order, bounded, once, with a token that nobody had before.

use super::{Harness, end_of, entity, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{Change, Claim, Record, Verdict};
use carril_model::id::{Run, StepId, Token};
use carril_model::state::{ExecutionState, StepState};
use std::collections::BTreeSet;

/// By id, no more than asked for, nobody left out.
pub fn claims_come_in_order_and_are_bounded(harness: &mut Harness) {
    let (process, first) = {
        let mut spec = harness.spec(10);
        spec.open = 3;
        harness.launch(&spec)
    };
    let second = harness.claim(process, 4);
    let third = harness.claim(process, 100);
    assert_eq!((first.len(), second.len(), third.len()), (3, 4, 3));
    let ids: Vec<_> = [first, second, third]
        .concat()
        .iter()
        .map(|one| one.owned.execution)
        .collect();
    assert!(
        ids.windows(2).all(|pair| pair[0] < pair[1]),
        "in order of id: {ids:?}"
    );
    assert!(harness.claim(process, 0).is_empty());
}

/// Entity, attributes, run and account are those of the launch; the token is new.
pub fn a_claim_carries_the_entity_and_a_new_token(harness: &mut Harness) {
    let (process, _) = harness.launch(&harness.spec(2));
    harness.tick(250);
    let claimed = harness.claim(process, 1).remove(0);
    assert_eq!(claimed.entity_key, Some(entity(0).entity_key));
    assert_eq!(claimed.attributes, entity(0).attributes);
    assert_eq!(
        (claimed.owned.process, claimed.owned.run, claimed.segment),
        (process, Run(1), 0)
    );
    assert!(!claimed.owned.per_process && !claimed.cancelling && claimed.steps.is_empty());
    assert!(claimed.owned.token > Token(0));
    assert_eq!(claimed.account.spent(CauseKind::Queued), 250);
    assert_eq!(claimed.account.cause(), &Cause::plain(CauseKind::Running));
}

/// What is claimed is nobody else's, in one group or many.
pub fn nothing_is_claimed_twice(harness: &mut Harness) {
    let (process, _) = harness.launch(&harness.spec(20));
    let claims = vec![Claim { process, max: 5 }, Claim { process, max: 5 }];
    let report = harness
        .try_commit(Vec::new(), Vec::new(), claims)
        .expect("the commit succeeds");
    let mut seen: BTreeSet<_> = report
        .claimed
        .iter()
        .map(|one| one.owned.execution)
        .collect();
    assert_eq!(seen.len(), 10);
    seen.extend(
        harness
            .claim(process, 20)
            .iter()
            .map(|one| one.owned.execution),
    );
    assert_eq!(seen.len(), 20);
    assert!(harness.claim(process, 20).is_empty());
}

/// One group settles an execution and claims what that made ready.
pub fn a_claim_rides_with_the_records_that_free_its_lane(harness: &mut Harness) {
    let mut spec = harness.spec(2);
    spec.entities[1].lane_hash = spec.entities[0].lane_hash;
    spec.open = 2;
    let (process, first) = harness.launch(&spec);
    assert_eq!(first.len(), 1, "the second is behind the first");
    let record = end_of(&first[0], ExecutionState::Succeeded, harness.now());
    let report = harness
        .try_commit(vec![record], Vec::new(), vec![Claim { process, max: 1 }])
        .expect("the commit succeeds");
    assert_eq!(report.verdicts, [Verdict::Done]);
    assert_eq!(report.claimed.len(), 1);
    assert_eq!(report.woken, [process]);
}

/// `fresh` promises that no step can have been tried.
pub fn a_first_claim_is_fresh_and_a_second_is_not(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    assert!(claimed[0].fresh);
    harness.accept(
        claimed[0].owned,
        Change::Released {
            account: claimed[0].account.clone(),
        },
    );
    let again = harness.claim(process, 1).remove(0);
    assert!(!again.fresh);
    assert!(again.owned.token > claimed[0].owned.token);
}

/// Handing back costs no attempt: what ran was interrupted, what was done stays done.
pub fn a_released_execution_is_claimed_again_without_its_attempt_counted(harness: &mut Harness) {
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
    let mut account = claimed[0].account.clone();
    account.switch(Cause::plain(CauseKind::Queued), harness.tick(10));
    let released = Record {
        owned,
        change: Change::Released { account },
    };
    assert_eq!(harness.records(vec![released]), [Verdict::Done]);
    assert_eq!(harness.state_of(owned.execution), ExecutionState::Pending);
    let again = harness.claim(process, 1).remove(0);
    let states: Vec<_> = again
        .steps
        .iter()
        .map(|step| (step.step, step.attempt, step.failures, step.state))
        .collect();
    assert_eq!(
        states,
        [
            (StepId(0), 1, 0, StepState::Succeeded),
            (StepId(1), 1, 0, StepState::Interrupted)
        ]
    );
    assert_eq!(again.owned.run, owned.run);
}
