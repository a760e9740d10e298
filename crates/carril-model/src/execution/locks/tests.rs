//! Waits for locks are charged from when they began, each to its own blocker, and the account still adds up.

use super::super::tests::{error, execution, plan, stage, step};
use super::*;
use crate::contract::{ErrorClass, StepDone};
use crate::definition::Scope;
use crate::lock::{Blocker, Session};
use proptest::prelude::*;

const A: StepId = StepId(0);
const B: StepId = StepId(1);

fn lock(table: &str, pid: i32, since: i64) -> LockNews {
    LockNews::Waits(Box::new(LockWait {
        target: "funds".to_owned(),
        table: Some(table.to_owned()),
        kind: "transactionid".to_owned(),
        mode: "ShareLock".to_owned(),
        pid: 1,
        since: Timestamp(since),
        blocker: Blocker::Session(Box::new(Session {
            pid,
            ..Session::default()
        })),
        through: Vec::new(),
        deadlock: false,
    }))
}

fn over(at: i64) -> LockNews {
    LockNews::Over { at: Timestamp(at) }
}

/// Table, beginning and end of the waits among these changes.
fn waits(changes: &[Change]) -> Vec<(String, i64, i64)> {
    let waits = changes.iter().filter_map(|change| match change {
        Change::Waited {
            cause,
            from,
            until,
            lock: Some(_),
            ..
        } => Some((cause.about.clone().unwrap_or_default(), from.0, until.0)),
        _ => None,
    });
    waits.collect()
}

fn known(table: &str, from: i64, until: i64) -> (String, i64, i64) {
    (table.to_owned(), from, until)
}

/// A machine whose first step runs since 100, or both where they are parallel.
fn running(parallel: bool) -> Execution {
    let plan = plan(vec![stage(
        "s",
        Scope::Entity,
        parallel,
        vec![step("a"), step("b")],
    )]);
    let mut machine = execution(&plan);
    machine.start(Timestamp(0));
    machine.begin(A, Timestamp(100)).unwrap();
    if parallel {
        machine.begin(B, Timestamp(100)).unwrap();
    }
    machine
}

#[test]
fn a_lock_is_charged_from_when_the_wait_began_to_when_it_was_over() {
    let mut machine = running(false);
    let begun = machine.lock_news(A, 1, lock("positions", 7, 300), Timestamp(380));
    assert_eq!(waits(&begun), [known("positions", 300, 380)]);
    assert_eq!(
        machine.account().cause(),
        &Cause::about(CauseKind::Lock, "positions")
    );
    assert_eq!(machine.account().since(), Timestamp(300));
    let ended = machine.lock_news(A, 1, over(900), Timestamp(910));
    assert_eq!(waits(&ended), [known("positions", 300, 900)]);
    assert_eq!(machine.account().spent(CauseKind::Lock), 600);
    assert_eq!(machine.account().spent(CauseKind::Running), 200);
    assert_eq!(machine.account().cause().kind, CauseKind::Running);
}

#[test]
fn the_same_wait_told_again_keeps_its_beginning() {
    let mut machine = running(false);
    machine.lock_news(A, 1, lock("positions", 7, 300), Timestamp(380));
    let again = machine.lock_news(A, 1, lock("positions", 7, 600), Timestamp(700));
    assert_eq!(waits(&again), [known("positions", 300, 700)]);
    assert_eq!(machine.account().since(), Timestamp(300));
}

#[test]
fn another_blocker_begins_another_wait() {
    let mut machine = running(false);
    machine.lock_news(A, 1, lock("positions", 7, 300), Timestamp(380));
    let next = machine.lock_news(A, 1, lock("positions", 8, 500), Timestamp(520));
    assert_eq!(
        waits(&next),
        [known("positions", 300, 500), known("positions", 500, 520)]
    );
    assert_eq!(
        machine.account().since(),
        Timestamp(300),
        "the cause is the same"
    );
}

#[test]
fn the_end_of_the_attempt_is_the_end_of_the_wait() {
    let mut machine = running(false);
    machine.lock_news(A, 1, lock("positions", 7, 300), Timestamp(380));
    let failed = Err(error(ErrorClass::Transient));
    let ended = machine.ended(A, failed, Timestamp(800), 1).unwrap();
    assert_eq!(waits(&ended.changes), [known("positions", 300, 800)]);
    assert_eq!(machine.account().spent(CauseKind::Lock), 500);
    assert_eq!(machine.account().cause().kind, CauseKind::Backoff);
}

#[test]
fn while_another_step_runs_the_execution_runs_and_the_wait_is_recorded_all_the_same() {
    let mut machine = running(true);
    let begun = machine.lock_news(B, 1, lock("prices", 7, 200), Timestamp(260));
    assert_eq!(waits(&begun), [known("prices", 200, 260)]);
    assert_eq!(machine.account().cause().kind, CauseKind::Running);
    machine
        .ended(A, Ok(StepDone::default()), Timestamp(500), 1)
        .unwrap();
    assert_eq!(
        machine.account().cause(),
        &Cause::about(CauseKind::Lock, "prices")
    );
    assert_eq!(machine.account().since(), Timestamp(500));
}

#[test]
fn what_was_decided_meanwhile_is_not_charged_anew() {
    let mut machine = running(true);
    machine
        .ended(A, Ok(StepDone::default()), Timestamp(500), 1)
        .unwrap();
    // Seen at 520 that it waits since 200, but until 500 the other one ran.
    machine.lock_news(B, 1, lock("prices", 7, 200), Timestamp(520));
    assert_eq!(machine.account().since(), Timestamp(500));
    assert_eq!(machine.account().spent(CauseKind::Running), 400);
}

#[test]
fn news_of_another_attempt_change_nothing() {
    let mut machine = running(false);
    assert!(
        machine
            .lock_news(A, 2, lock("positions", 7, 300), Timestamp(380))
            .is_empty()
    );
    assert!(
        machine
            .lock_news(B, 1, lock("positions", 7, 300), Timestamp(380))
            .is_empty()
    );
    assert!(
        machine
            .lock_news(A, 1, over(300), Timestamp(380))
            .is_empty()
    );
    assert_eq!(machine.account().cause().kind, CauseKind::Running);
}

#[test]
fn a_wait_does_not_begin_before_its_attempt() {
    let mut machine = running(false);
    let begun = machine.lock_news(A, 1, lock("positions", 7, -50), Timestamp(380));
    assert_eq!(waits(&begun), [known("positions", 100, 380)]);
}

proptest! {
    #[test]
    fn whatever_is_told_the_account_adds_up_and_waits_lie_in_order(
        told in prop::collection::vec((0u16..2, 0i32..3, -100i64..100, 0i64..60), 0..40), parallel: bool,
    ) {
        let mut machine = running(parallel);
        let mut now = 100;
        let mut changes = Vec::new();
        for (step, what, shift, pass) in told {
            now += pass;
            let news = match what {
                0 => over(now + shift),
                pid => lock("positions", pid, now + shift),
            };
            changes.extend(machine.lock_news(StepId(step), 1, news, Timestamp(now)));
            prop_assert_eq!(machine.account().total_micros(Timestamp(now)), now);
        }
        for step in [A, B] {
            now += 5;
            if let Ok(ended) = machine.ended(step, Ok(StepDone::default()), Timestamp(now), 1) {
                changes.extend(ended.changes);
            }
        }
        prop_assert_eq!(machine.account().total_micros(Timestamp(now)), now);
        let mut last = std::collections::BTreeMap::new();
        for change in &changes {
            if let Change::Waited { step, from, until, .. } = change {
                let before = last.insert(*step, (*from, *until));
                prop_assert!(from <= until && *from >= Timestamp(100));
                if let Some((from_before, until_before)) = before {
                    prop_assert!(*from >= from_before, "{from_before:?} to {until_before:?}, then from {from:?}");
                }
            }
        }
    }
}
