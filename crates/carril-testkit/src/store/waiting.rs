//! Executions parked in the middle of their segment: what wakes them, and signals, kept until a step takes them.

use super::{Harness, step_end};
use carril_model::account::{Cause, CauseKind};
use carril_model::contract::{
    Change, Claim, Claimed, Delivery, Group, NewSignal, ProcessChange, Record, Report,
    SIGNALS_UNREAD_MAX, Until, Verdict,
};
use carril_model::id::{ExecutionId, ProcessId, StepId};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

fn park(harness: &Harness, claimed: &Claimed, at: Option<Timestamp>, keys: &[&str]) -> Report {
    let mut account = claimed.account.clone();
    account.switch(Cause::plain(CauseKind::Timer), harness.now());
    let keys = keys.iter().map(ToString::to_string).collect();
    let until = Until::Woken { at, keys };
    harness.accept(claimed.owned, Change::Parked { until, account })
}

fn in_micros(harness: &Harness, micros: i64) -> Option<Timestamp> {
    Some(Timestamp(harness.now().0 + micros))
}

/// Wakes who is due, and claims as many.
fn wake(harness: &Harness, process: ProcessId, wakes: u32) -> Report {
    let group = Group {
        wakes,
        claims: vec![Claim { process, max: 10 }],
        at: harness.now(),
        ..Group::default()
    };
    let report = harness.wait(harness.store().commit(Arc::new(group)));
    report.expect("the commit succeeds")
}

fn new_signal(harness: &Harness, key: &str, data: Value) -> NewSignal {
    NewSignal {
        key: key.to_owned(),
        data,
        sent_by: "ana".to_owned(),
        idempotency_key: None,
        answers: None,
        at: harness.now(),
    }
}

fn send(harness: &Harness, to: ExecutionId, signal: &NewSignal) -> (Delivery, Vec<ProcessId>) {
    let sent = harness.wait(harness.store().signal(&[to], signal));
    let mut sent = sent.expect("the verb succeeds");
    let (id, delivery) = sent.deliveries.pop().expect("it is told");
    assert_eq!(id, to);
    (delivery, sent.woken)
}

fn waiting(harness: &Harness, process: ProcessId) -> u64 {
    let row = harness.recount(process);
    row.waiting
}

/// In order of time and bounded; the account is charged for the wait and then for the queue.
pub fn whoever_is_due_is_woken_and_nobody_else(harness: &mut Harness) {
    let (process, claimed) = harness.running(3);
    for (one, micros) in claimed.iter().zip([200, 100, 5_000]) {
        park(harness, one, in_micros(harness, micros), &[]);
    }
    assert_eq!(waiting(harness, process), 3);
    let report = wake(harness, process, 10);
    assert_eq!((report.due, report.claimed.len()), (0, 0));
    assert_eq!(report.next_due, in_micros(harness, 100));
    harness.tick(1_000);
    let report = wake(harness, process, 1);
    assert_eq!(report.due, 1, "not more than were asked for");
    assert_eq!(report.woken, [process]);
    let first = &report.claimed[0];
    assert_eq!(first.owned.execution, claimed[1].owned.execution);
    assert!(first.owned.token.0 > claimed[1].owned.token.0);
    assert!(!first.fresh);
    assert_eq!(first.account.spent(CauseKind::Timer), 1_000);
    let report = wake(harness, process, 10);
    assert_eq!(report.due, 1);
    assert_eq!(waiting(harness, process), 1);
    assert_eq!(
        harness.process(process).open,
        3,
        "they are still to be done"
    );
}

/// Under its key only; the claim brings it.
pub fn a_signal_wakes_whoever_waits_for_it(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    park(harness, &claimed[0], None, &["signal:a"]);
    park(harness, &claimed[1], None, &["signal:b"]);
    let signal = new_signal(harness, "signal:b", json!({ "n": 1 }));
    let (delivery, woken) = send(harness, claimed[0].owned.execution, &signal);
    assert_eq!((delivery, woken), (Delivery::Delivered, Vec::new()));
    let (delivery, woken) = send(harness, claimed[1].owned.execution, &signal);
    assert_eq!((delivery, woken), (Delivery::Delivered, vec![process]));
    let again = harness.claim(process, 5);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].owned.execution, claimed[1].owned.execution);
    let got = &again[0].signals[0];
    assert_eq!((got.number, got.key.as_str()), (1, "signal:b"));
    assert_eq!((&got.data, got.sent_by.as_str()), (&signal.data, "ana"));
    assert_eq!((got.sent_at, got.run), (signal.at, again[0].owned.run));
    assert_eq!(waiting(harness, process), 1);
}

/// Whoever takes it says so; nobody takes it twice.
pub fn a_signal_that_comes_first_is_kept_and_taken_once(harness: &mut Harness) {
    let (process, _) = harness.launch(&harness.spec(1));
    let id = harness.executions(process)[0].0.execution;
    let signal = new_signal(harness, "signal:a", Value::Null);
    assert_eq!(send(harness, id, &signal).0, Delivery::Delivered);
    let claimed = harness.claim(process, 1);
    assert_eq!(claimed[0].signals.len(), 1, "before it ever ran");
    let owned = claimed[0].owned;
    let taken = || Change::SignalTaken {
        signal: 1,
        step: StepId(0),
    };
    harness.accept(owned, taken());
    harness.refuse(owned, taken());
    park(harness, &claimed[0], None, &["signal:a"]);
    assert_eq!(harness.state_of(id), ExecutionState::Waiting);
    assert_eq!(send(harness, id, &signal).1, [process]);
    let again = harness.claim(process, 1);
    let numbers: Vec<u32> = again[0].signals.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [2]);
}

/// A signal that came between claim and parking wakes at once.
pub fn what_came_on_the_way_to_parking_is_not_missed(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    let signal = new_signal(harness, "signal:a", Value::Null);
    for one in &claimed {
        assert_eq!(send(harness, one.owned.execution, &signal).1, []);
    }
    let report = park(harness, &claimed[0], None, &["signal:x", "signal:a"]);
    assert_eq!(report.woken, [process]);
    assert_eq!(
        harness.state_of(claimed[0].owned.execution),
        ExecutionState::Pending
    );
    let report = park(harness, &claimed[1], None, &["signal:b"]);
    assert_eq!(report.woken, []);
    assert_eq!(
        harness.state_of(claimed[1].owned.execution),
        ExecutionState::Waiting
    );
    assert_eq!(waiting(harness, process), 1);
    assert_eq!(harness.claim(process, 5).len(), 1);
}

/// It must wait just now, and is answered once.
pub fn an_answer_wants_a_step_that_asks(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    let owned = claimed[0].owned;
    let mut word = new_signal(harness, "approval:s/a", json!({ "approved": true }));
    word.answers = Some(StepId(0));
    assert_eq!(
        send(harness, owned.execution, &word).0,
        Delivery::NotAwaited
    );
    let waits = Change::StepWaits {
        step: StepId(0),
        attempt: 1,
        began: harness.now(),
        until: in_micros(harness, 50),
        question: Some("may it?".to_owned()),
    };
    harness.accept(owned, waits);
    park(harness, &claimed[0], None, &["approval:s/a"]);
    let rows = harness.wait(harness.store().steps(owned.execution));
    let row = rows.expect("they read back").remove(0);
    assert_eq!((row.state, row.attempt), (StepState::Waiting, 1));
    assert_eq!((row.began, row.ended), (harness.now(), None));
    assert_eq!(row.retry_at, in_micros(harness, 50));
    assert_eq!(send(harness, owned.execution, &word).0, Delivery::Delivered);
    assert_eq!(
        send(harness, owned.execution, &word).0,
        Delivery::NotAwaited
    );
    let again = harness.claim(process, 1);
    assert_eq!(again[0].signals.len(), 1);
    assert_eq!(again[0].steps[0].state, StepState::Waiting);
}

/// Nobody fills a store with what no step takes; and a settled execution takes nothing.
pub fn signals_are_bounded_and_come_once_per_key(harness: &mut Harness) {
    let (_, claimed) = harness.running(2);
    let id = claimed[0].owned.execution;
    let once = NewSignal {
        idempotency_key: Some("k".to_owned()),
        ..new_signal(harness, "signal:a", Value::Null)
    };
    assert_eq!(send(harness, id, &once).0, Delivery::Delivered);
    assert_eq!(send(harness, id, &once).0, Delivery::Repeated);
    let other = claimed[1].owned.execution;
    assert_eq!(
        send(harness, other, &once).0,
        Delivery::Delivered,
        "a key is one execution's"
    );
    let signal = new_signal(harness, "signal:a", Value::Null);
    for _ in 1..SIGNALS_UNREAD_MAX {
        assert_eq!(send(harness, id, &signal).0, Delivery::Delivered);
    }
    assert_eq!(send(harness, id, &signal).0, Delivery::Full);
    harness.settle(&claimed[..1], ExecutionState::Succeeded);
    let settled = Delivery::Settled(ExecutionState::Succeeded);
    assert_eq!(send(harness, id, &signal).0, settled);
    assert_eq!(
        send(harness, id, &once).0,
        Delivery::Repeated,
        "it was delivered"
    );
    assert_eq!(
        send(harness, ExecutionId(999_999), &signal).0,
        Delivery::Unknown
    );
}

/// Until when it waited is no longer told once it has ended, with something to say or with nothing.
pub fn a_wait_that_is_over_has_no_time_left(harness: &mut Harness) {
    let (_, claimed) = harness.running(2);
    let until = in_micros(harness, 5_000);
    let retry_at = |harness: &Harness, one: &Claimed| {
        let rows = harness.wait(harness.store().steps(one.owned.execution));
        rows.expect("they read back").remove(0).retry_at
    };
    for (one, output) in claimed.iter().zip([None, Some(json!({ "value": 1 }))]) {
        let began = harness.now();
        let waits = Change::StepWaits {
            step: StepId(0),
            attempt: 1,
            began,
            until,
            question: None,
        };
        harness.accept(one.owned, waits);
        assert_eq!(retry_at(harness, one), until);
        let mut end = step_end(0, began, harness.now());
        end.output = output;
        harness.accept(one.owned, Change::StepEnded(Box::new(end)));
        assert_eq!(retry_at(harness, one), None);
    }
}

/// Until it has a lane again: who comes later with the same key waits behind it.
pub fn who_waits_keeps_its_lane_key(harness: &mut Harness) {
    let mut spec = harness.spec(3);
    for entity in &mut spec.entities {
        entity.lane_hash = 77;
    }
    let (process, _) = harness.launch(&spec);
    let claimed = harness.claim(process, 5);
    assert_eq!(claimed.len(), 1);
    park(harness, &claimed[0], in_micros(harness, 10), &[]);
    assert!(harness.claim(process, 5).is_empty(), "the key is taken");
    // Something about the key changes from outside: still nobody else is its head.
    let last = harness.executions(process)[2].0.execution;
    let unwanted = [last];
    let cancelled = harness
        .store()
        .cancel(&unwanted, "not wanted", harness.now());
    harness.wait(cancelled).expect("it is cancelled");
    assert!(harness.claim(process, 5).is_empty());
    harness.tick(20);
    let report = wake(harness, process, 5);
    assert_eq!(report.claimed.len(), 1);
    assert_eq!(
        report.claimed[0].owned.execution,
        claimed[0].owned.execution
    );
    harness.settle(&report.claimed, ExecutionState::Succeeded);
    assert_eq!(
        harness.claim(process, 5).len(),
        1,
        "now it is the next one's turn"
    );
}

/// Not by time, and not by a signal; nor is one that is rolled back.
pub fn who_is_cancelled_while_it_waits_is_never_woken(harness: &mut Harness) {
    let (process, claimed) = harness.running(3);
    for one in &claimed {
        park(harness, one, in_micros(harness, 10), &["signal:a"]);
    }
    let ids: Vec<ExecutionId> = claimed.iter().map(|one| one.owned.execution).collect();
    let cancelled = harness
        .store()
        .cancel(&ids[..1], "not wanted", harness.now());
    let (running, _) = harness.wait(cancelled).expect("it is cancelled");
    assert!(running.is_empty(), "it settles at once");
    let begun = harness.store().begin_rollback(&ids[1..2], harness.now());
    harness.wait(begun).expect("it begins");
    assert_eq!(waiting(harness, process), 1);
    harness.change(ProcessChange::Cancel {
        process,
        state: ProcessState::Cancelled,
        reason: "enough".to_owned(),
        at: harness.now(),
    });
    assert_eq!(waiting(harness, process), 0);
    harness.tick(1_000);
    let report = wake(harness, process, 10);
    assert_eq!((report.due, report.next_due), (0, None));
    let signal = new_signal(harness, "signal:a", Value::Null);
    for id in ids {
        let delivery = send(harness, id, &signal).0;
        assert!(matches!(delivery, Delivery::Settled(_)), "{delivery:?}");
    }
    harness.recount(process);
}

/// The next engine finds them as they were, and late writers are refused.
pub fn waits_outlive_the_engine(harness: &mut Harness) {
    let (process, claimed) = harness.running(2);
    park(harness, &claimed[0], in_micros(harness, 100), &["signal:a"]);
    let entered = harness.crash();
    assert_eq!(entered.reclaimed, 1, "who waited was in nobody's hands");
    assert_eq!(waiting(harness, process), 1);
    harness.tick(200);
    let report = wake(harness, process, 5);
    assert_eq!((report.due, report.claimed.len()), (1, 2));
    let mut account = claimed[0].account.clone();
    account.switch(Cause::plain(CauseKind::Timer), harness.now());
    let until = Until::Woken {
        at: None,
        keys: Vec::new(),
    };
    let late = Record {
        owned: claimed[0].owned,
        change: Change::Parked { until, account },
    };
    assert_eq!(harness.records(vec![late]), [Verdict::Lost]);
}

/// It is ready, and charged for the pause until that is over.
pub fn a_paused_process_is_woken_into_its_pause(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    park(harness, &claimed[0], in_micros(harness, 100), &[]);
    let at = harness.now();
    harness.change(ProcessChange::Pause { process, at });
    harness.tick(100);
    assert_eq!(wake(harness, process, 5).due, 1);
    harness.tick(30);
    let at = harness.now();
    harness.change(ProcessChange::Resume { process, at });
    let again = harness.claim(process, 1);
    assert_eq!(again[0].account.spent(CauseKind::Timer), 100);
    assert_eq!(again[0].account.spent(CauseKind::Paused), 30);
}
