//! When a window begins, when it ends, and what becomes of a proposal; the decision itself is the model's.

use super::{Adapting, Lanes};
use crate::adapt::{Ended, Meter};
use carril_model::contract::{ErrorClass, StepDone, StepError};
use carril_model::id::StepId;
use carril_model::lanes::{LanesChange, LanesReason};
use carril_model::time::Timestamp;

fn at(millis: i64) -> Timestamp {
    Timestamp(millis * 1_000)
}

fn lanes(wanted: u32, active: u32) -> Lanes {
    Lanes {
        wanted,
        active,
        used: active,
    }
}

/// So many attempts that ended well after 10 ms.
fn work(meter: &Meter, attempts: u32) {
    for _ in 0..attempts {
        meter.ended(&Ended {
            step: StepId(0),
            result: &Ok(StepDone::default()),
            micros: 10_000,
            lock_micros: 0,
        });
    }
}

/// Looks four times a second for a second with every lane in use, after which enough was seen.
fn a_window(adapting: &mut Adapting, meter: &Meter, wanted: u32, from: i64) -> Option<LanesChange> {
    assert_eq!(adapting.look(meter, lanes(wanted, wanted), at(from)), None);
    work(meter, 100);
    (1..=4).find_map(|look| adapting.look(meter, lanes(wanted, wanted), at(from + look * 250)))
}

#[test]
fn a_full_window_leads_to_a_proposal_and_its_answer_to_the_next_window() {
    let meter = Meter::new(Vec::new());
    let mut adapting = Adapting::new(10, 100, at(0));
    let change = a_window(&mut adapting, &meter, 10, 0).expect("more are tried");
    assert_eq!((change.from, change.to), (10, 15));
    assert_eq!(change.reason, LanesReason::Quiet);
    work(&meter, 100);
    let later = adapting.look(&meter, lanes(10, 10), at(2_000));
    assert_eq!(later, None, "nothing is proposed before the answer");
    assert_eq!(adapting.moved(&meter, 15, at(2_100)), Some(change));
    assert_eq!(
        meter.seen().attempts,
        0,
        "what was seen before says nothing"
    );
}

#[test]
fn a_window_waits_until_lanes_are_as_they_are_to_be() {
    let meter = Meter::new(Vec::new());
    let mut adapting = Adapting::new(10, 100, at(0));
    adapting.look(&meter, lanes(10, 12), at(5_000));
    assert_eq!(adapting.since, None, "two are still to end");
    adapting.look(&meter, lanes(10, 10), at(5_250));
    assert_eq!(adapting.since, Some(at(5_250)));
    let mut adapting = Adapting::new(10, 100, at(0));
    adapting.look(&meter, lanes(10, 3), at(250));
    assert_eq!(adapting.since, None, "seven are still to begin");
    adapting.look(&meter, lanes(10, 3), at(1_250));
    assert_eq!(
        adapting.since,
        Some(at(1_250)),
        "there are no seven to begin"
    );
}

#[test]
fn somebody_elses_change_ends_the_window() {
    let meter = Meter::new(Vec::new());
    let mut adapting = Adapting::new(10, 100, at(0));
    a_window(&mut adapting, &meter, 10, 0).expect("more are tried");
    assert_eq!(adapting.moved(&meter, 8, at(1_500)), None);
    assert_eq!(adapting.controller.lanes(), 8);
    assert_eq!(
        a_window(&mut adapting, &meter, 8, 2_000),
        None,
        "it holds still"
    );
}

#[test]
fn a_proposal_without_an_answer_was_refused() {
    let meter = Meter::new(Vec::new());
    let mut adapting = Adapting::new(10, 100, at(0));
    a_window(&mut adapting, &meter, 10, 0).expect("more are tried");
    assert_eq!(adapting.look(&meter, lanes(10, 10), at(12_000)), None);
    assert_eq!(adapting.controller.lanes(), 10, "as the store has it");
    assert!(adapting.proposed.is_none());
}

#[test]
fn what_was_stopped_says_nothing_and_what_was_in_the_way_is_counted() {
    let meter = Meter::new(Vec::new());
    let end = |class, native: Option<&str>| {
        let error = StepError {
            native: native.map(str::to_owned),
            ..StepError::new("CAR0501", class, "it failed")
        };
        meter.ended(&Ended {
            step: StepId(0),
            result: &Err(error),
            micros: 500,
            lock_micros: 700,
        });
    };
    end(ErrorClass::Cancelled, None);
    end(ErrorClass::Fenced, None);
    assert_eq!(meter.seen().attempts, 0);
    end(ErrorClass::Transient, Some("40P01"));
    end(ErrorClass::Permanent, Some("23505"));
    let seen = meter.seen();
    assert_eq!((seen.attempts, seen.conflicts), (2, 1));
    assert_eq!((seen.busy_micros, seen.lock_micros), (1_000, 1_000));
    assert!(seen.steps.is_empty(), "nothing was done");
}
