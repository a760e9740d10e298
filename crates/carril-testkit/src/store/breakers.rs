//! Breakers: kept with the group that moves them, the newest row whichever comes first, for the next engine too.

use super::{Harness, step_end};
use carril_model::breaker::{BreakerRow, BreakerState};
use carril_model::contract::{Change, Group, Record, Verdict};
use carril_model::time::Timestamp;
use std::sync::Arc;

fn row(resource: &str, change: u64, state: BreakerState, since: Timestamp) -> BreakerRow {
    BreakerRow {
        resource: resource.to_owned(),
        change,
        state,
        failures: 2,
        successes: 1,
        since,
        until: (state == BreakerState::Open).then_some(Timestamp(since.0 + 30)),
        forced: state == BreakerState::HalfOpen,
        reason: Some(format!("it became {state}")),
    }
}

fn commit(harness: &Harness, records: Vec<Record>, breakers: Vec<BreakerRow>) -> Vec<Verdict> {
    let group = Group {
        records,
        breakers,
        at: harness.now(),
        ..Group::default()
    };
    let report = harness.wait(harness.store().commit(Arc::new(group)));
    report.expect("the commit succeeds").verdicts
}

fn kept(harness: &Harness) -> Vec<BreakerRow> {
    let breakers = harness.wait(harness.store().breakers());
    breakers.expect("they can be read")
}

/// Every field comes back, in order of resource.
pub fn breakers_read_back_as_they_were_left(harness: &mut Harness) {
    assert_eq!(kept(harness), []);
    let now = harness.now();
    let bank = row("bank", 1, BreakerState::HalfOpen, now);
    let api = row("api", 7, BreakerState::Open, now);
    let mut plain = row("mail", 2, BreakerState::Closed, now);
    plain.reason = None;
    let all = vec![bank.clone(), plain.clone(), api.clone()];
    commit(harness, Vec::new(), all);
    assert_eq!(kept(harness), [api, bank, plain]);
}

/// Lanes hand theirs in as they come to it: what counts fewer changes is older, and changes nothing.
pub fn an_older_row_of_a_breaker_does_not_replace_a_newer_one(harness: &mut Harness) {
    let now = harness.now();
    let newer = row("api", 5, BreakerState::Open, now);
    commit(harness, Vec::new(), vec![newer.clone()]);
    harness.tick(1);
    // First, while nothing else is known of that moment.
    let same = row("api", 5, BreakerState::Closed, now);
    commit(harness, Vec::new(), vec![same]);
    let older = row("api", 4, BreakerState::Closed, now);
    commit(harness, Vec::new(), vec![older]);
    assert_eq!(kept(harness), [newer]);
    let newest = row("api", 6, BreakerState::HalfOpen, harness.now());
    commit(harness, Vec::new(), vec![newest.clone()]);
    assert_eq!(kept(harness), [newest]);
}

/// The attempt and the breaker that it moved are there together when the engine dies right after it.
pub fn a_breaker_is_durable_with_the_attempt_that_moved_it(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    let now = harness.now();
    let ended = Change::StepEnded(Box::new(step_end(0, now, now)));
    let record = Record {
        owned: claimed[0].owned,
        change: ended,
    };
    let open = row("api", 1, BreakerState::Open, now);
    assert_eq!(
        commit(harness, vec![record], vec![open.clone()]),
        [Verdict::Done]
    );
    harness.crash();
    assert_eq!(kept(harness), [open]);
    let again = harness.claim(process, 1);
    assert_eq!(again[0].steps.len(), 1, "the attempt is there, too");
}

/// A breaker is nobody's: that an attempt came too late does not undo what is known of the resource.
pub fn a_breaker_is_kept_whatever_becomes_of_the_records_beside_it(harness: &mut Harness) {
    let (process, claimed) = harness.running(1);
    harness.crash();
    harness.claim(process, 1);
    let now = harness.now();
    let record = Record {
        owned: claimed[0].owned,
        change: Change::StepEnded(Box::new(step_end(0, now, now))),
    };
    let open = row("api", 1, BreakerState::Open, now);
    assert_eq!(
        commit(harness, vec![record], vec![open.clone()]),
        [Verdict::Lost]
    );
    assert_eq!(kept(harness), [open]);
}

/// A process has the priority that its launch gave it, also for its next engine.
pub fn the_priority_of_a_process_is_told_to_its_next_engine(harness: &mut Harness) {
    let mut spec = harness.spec(1);
    spec.launch.priority = -42;
    let (process, _) = harness.launch(&spec);
    assert_eq!(harness.process(process).priority, -42);
    let entered = harness.crash();
    assert_eq!(entered.unsettled[0].priority, -42);
}
