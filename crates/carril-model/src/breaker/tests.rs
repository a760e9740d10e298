//! The breaker against the rules as its users read them, told again in the plainest way, over random histories.

use super::{Breaker, BreakerRow, BreakerState, BreakerWish, Pass, Response};
use crate::contract::{ErrorClass, StepDone, StepError};
use crate::definition::BreakerPolicy;
use crate::time::Timestamp;
use proptest::prelude::*;
use std::time::Duration;

const COOLDOWN: Duration = Duration::from_secs(30);

fn policy(failures: u32, successes: u32) -> BreakerPolicy {
    BreakerPolicy {
        failures,
        cooldown: COOLDOWN,
        successes,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

/// One use from beginning to end.
fn used(breaker: &mut Breaker, response: Response, now: Timestamp) -> bool {
    let pass = breaker.begin(now).expect("it lets uses through");
    breaker.ended(pass, response, now)
}

fn opened() -> Breaker {
    let mut breaker = Breaker::new("api", policy(2, 2), at(0));
    used(&mut breaker, Response::Failed, at(1));
    used(&mut breaker, Response::Failed, at(2));
    assert_eq!(breaker.row().state, BreakerState::Open);
    breaker
}

#[test]
fn only_failures_in_a_row_open_it() {
    let mut breaker = Breaker::new("api", policy(2, 1), at(0));
    assert!(used(&mut breaker, Response::Failed, at(1)));
    assert!(used(&mut breaker, Response::Answered, at(2)));
    assert!(used(&mut breaker, Response::Failed, at(3)));
    assert_eq!(breaker.row().state, BreakerState::Closed);
    assert!(used(&mut breaker, Response::Failed, at(4)));
    assert_eq!(breaker.row().state, BreakerState::Open);
    assert_eq!(breaker.row().until, Some(at(34)));
    assert_eq!(
        breaker.row().reason.as_deref(),
        Some("2 uses in a row failed")
    );
}

#[test]
fn an_answer_of_a_breaker_that_counted_nothing_is_no_change_to_keep() {
    let mut breaker = Breaker::new("api", policy(2, 1), at(0));
    assert!(!used(&mut breaker, Response::Answered, at(1)));
    assert_eq!(breaker.row().change, 0);
}

#[test]
fn it_is_tried_after_the_cool_down_by_one_at_a_time_and_closes_after_enough() {
    let mut breaker = opened();
    assert_eq!(
        breaker.begin(at(31)).map_err(|refused| refused.until),
        Err(Some(at(32)))
    );
    let first = breaker.begin(at(32)).expect("the cool-down is over");
    assert_eq!(breaker.row().state, BreakerState::HalfOpen);
    assert!(breaker.begin(at(33)).is_err(), "one at a time");
    assert!(breaker.ended(first, Response::Answered, at(34)));
    assert_eq!(breaker.row().state, BreakerState::HalfOpen);
    assert!(used(&mut breaker, Response::Answered, at(35)));
    assert_eq!(breaker.row().state, BreakerState::Closed);
}

#[test]
fn a_failed_try_opens_it_again_with_its_counters_reset() {
    let mut breaker = opened();
    used(&mut breaker, Response::Answered, at(40));
    assert_eq!(breaker.row().successes, 1);
    used(&mut breaker, Response::Failed, at(41));
    let row = breaker.row();
    assert_eq!(
        (row.state, row.failures, row.successes, row.until),
        (BreakerState::Open, 0, 0, Some(at(71)))
    );
    used(&mut breaker, Response::Answered, at(71));
    assert_eq!(
        breaker.row().state,
        BreakerState::HalfOpen,
        "two are needed"
    );
}

#[test]
fn results_of_uses_that_began_before_it_opened_count_nothing_then_or_later() {
    let mut breaker = Breaker::new("api", policy(2, 1), at(0));
    let late: Vec<Pass> = (0..3).map(|_| breaker.begin(at(0)).unwrap()).collect();
    used(&mut breaker, Response::Failed, at(1));
    used(&mut breaker, Response::Failed, at(2));
    let opened = breaker.row().clone();
    assert!(!breaker.ended(late[0], Response::Answered, at(3)));
    assert_eq!(*breaker.row(), opened, "while it is open");
    let probe = breaker.begin(at(40)).unwrap();
    assert!(!breaker.ended(late[1], Response::Failed, at(41)));
    assert_eq!(breaker.row().state, BreakerState::HalfOpen);
    assert!(breaker.begin(at(41)).is_err(), "the probe is still out");
    breaker.ended(probe, Response::Answered, at(42));
    assert!(!breaker.ended(late[2], Response::Failed, at(43)));
    assert_eq!(breaker.row().failures, 0, "after it closed");
}

#[test]
fn a_try_that_was_not_made_lets_the_next_one_through() {
    let mut breaker = opened();
    let probe = breaker.begin(at(40)).unwrap();
    breaker.given_up(probe);
    let probe = breaker.begin(at(40)).unwrap();
    assert!(!breaker.ended(probe, Response::Unknown, at(41)), "a cancel");
    assert!(breaker.begin(at(41)).is_ok());
}

#[test]
fn what_is_forced_stays_until_told_otherwise() {
    let mut breaker = opened();
    assert!(breaker.force(BreakerWish::Open, Some("maintenance"), at(5)));
    assert!(breaker.begin(at(9_999)).is_err(), "no cool-down ends it");
    assert!(breaker.force(BreakerWish::Close, None, at(10_000)));
    for second in 10_000..10_010 {
        assert!(!used(&mut breaker, Response::Failed, at(second)));
    }
    assert_eq!(breaker.row().state, BreakerState::Closed);
    assert!(breaker.force(BreakerWish::Auto, None, at(10_011)));
    used(&mut breaker, Response::Failed, at(10_012));
    used(&mut breaker, Response::Failed, at(10_013));
    assert_eq!(breaker.row().state, BreakerState::Open);
    assert!(
        !breaker.force(BreakerWish::Auto, None, at(10_014)),
        "it is by itself already, and stays open"
    );
}

#[test]
fn a_refusal_is_an_answer_and_a_cancel_says_nothing() {
    let of = |class| Response::of(&Err(StepError::new("CAR0000", class, "no")));
    assert_eq!(Response::of(&Ok(StepDone::default())), Response::Answered);
    assert_eq!(of(ErrorClass::Permanent), Response::Answered);
    assert_eq!(of(ErrorClass::Transient), Response::Failed);
    assert_eq!(of(ErrorClass::Timeout), Response::Failed);
    assert_eq!(of(ErrorClass::Cancelled), Response::Unknown);
    assert_eq!(of(ErrorClass::Fenced), Response::Unknown);
}

#[test]
fn states_have_names_that_read_back() {
    for state in BreakerState::ALL {
        assert_eq!(BreakerState::from_name(state.name()), Some(state));
    }
}

/// The rules told again: a list of what happened in the present state, and nothing else.
#[derive(Debug, Default)]
struct Rules {
    state: BreakerState,
    forced: bool,
    until: i64,
    results: Vec<bool>,
    began: usize,
    probing: Option<usize>,
}

impl Rules {
    fn enter(&mut self, state: BreakerState, next: usize) {
        self.state = state;
        self.results.clear();
        self.began = next;
        self.probing = None;
    }

    fn lets_through(&self, now: i64) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open => !self.forced && self.until <= now,
            BreakerState::HalfOpen => self.probing.is_none(),
        }
    }

    fn ended(
        &mut self,
        policy: BreakerPolicy,
        use_number: usize,
        response: Response,
        now: i64,
        next: usize,
    ) {
        if use_number < self.began || self.state == BreakerState::Open {
            return;
        }
        if self.probing == Some(use_number) {
            self.probing = None;
        }
        if self.forced || response == Response::Unknown {
            return;
        }
        self.results.push(response == Response::Answered);
        let in_a_row = |wanted: bool| {
            let last = self.results.iter().rev();
            u32::try_from(last.take_while(|good| **good == wanted).count()).unwrap()
        };
        let failed = match self.state {
            BreakerState::HalfOpen => in_a_row(false) > 0,
            _ => in_a_row(false) >= policy.failures,
        };
        if failed {
            self.until = now + 30;
            self.enter(BreakerState::Open, next);
        } else if self.state == BreakerState::HalfOpen && in_a_row(true) >= policy.successes {
            self.enter(BreakerState::Closed, next);
        }
    }
}

#[derive(Debug, Clone)]
enum Event {
    Begin,
    End(usize, Response),
    GiveUp(usize),
    Pause(i64),
    Force(BreakerWish),
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let response = prop_oneof![
        3 => Just(Response::Failed),
        2 => Just(Response::Answered),
        1 => Just(Response::Unknown),
    ];
    let wish = prop_oneof![
        Just(BreakerWish::Open),
        Just(BreakerWish::Close),
        Just(BreakerWish::Auto)
    ];
    let event = prop_oneof![
        8 => Just(Event::Begin),
        8 => (0_usize..8, response).prop_map(|(at, response)| Event::End(at, response)),
        1 => (0_usize..8).prop_map(Event::GiveUp),
        4 => (0_i64..40).prop_map(Event::Pause),
        1 => wish.prop_map(Event::Force),
        1 => Just(Event::Restart),
    ];
    prop::collection::vec(event, 1..120)
}

proptest! {
    #[test]
    fn it_does_what_the_rules_say(events in events(), failures in 1_u32..5, successes in 1_u32..4) {
        let policy = policy(failures, successes);
        let mut breaker = Breaker::new("api", policy, at(0));
        let mut rules = Rules::default();
        let mut flying: Vec<(usize, Pass)> = Vec::new();
        let (mut now, mut next) = (0, 0);
        let mut kept: BreakerRow = breaker.row().clone();
        for event in events {
            match event {
                Event::Begin => {
                    let begun = breaker.begin(at(now));
                    prop_assert_eq!(begun.is_ok(), rules.lets_through(now));
                    if let Ok(pass) = begun {
                        if rules.state == BreakerState::Open {
                            rules.enter(BreakerState::HalfOpen, next);
                        }
                        if rules.state == BreakerState::HalfOpen {
                            rules.probing = Some(next);
                        }
                        flying.push((next, pass));
                        next += 1;
                    }
                }
                Event::End(which, response) if !flying.is_empty() => {
                    let (number, pass) = flying.remove(which % flying.len());
                    let before = breaker.row().clone();
                    let changed = breaker.ended(pass, response, at(now));
                    prop_assert_eq!(changed, before != *breaker.row());
                    prop_assert!(!changed || before.state != BreakerState::Open, "nothing counts while it is open");
                    rules.ended(policy, number, response, now, next);
                }
                Event::GiveUp(which) if !flying.is_empty() => {
                    let (number, pass) = flying.remove(which % flying.len());
                    breaker.given_up(pass);
                    if rules.probing == Some(number) {
                        rules.probing = None;
                    }
                }
                Event::End(..) | Event::GiveUp(_) => {}
                Event::Pause(seconds) => now += seconds,
                Event::Force(wish) => {
                    if breaker.force(wish, None, at(now)) {
                        rules.forced = wish != BreakerWish::Auto;
                        rules.until = i64::MAX;
                        rules.enter(breaker.row().state, next);
                    }
                }
                // kill -9: uses die, the row stays.
                Event::Restart => {
                    breaker = Breaker::resume(policy, breaker.row().clone());
                    flying.clear();
                    rules.probing = None;
                }
            }
            let row = breaker.row();
            prop_assert_eq!(row.state, rules.state);
            prop_assert_eq!(row.forced, rules.forced);
            prop_assert!(row.change > kept.change || *row == kept, "every change is numbered");
            kept = row.clone();
        }
    }
}

/// What another engine kept counts here from then on, if it is newer; uses that began in another state count nothing any more.
#[test]
fn a_newer_row_of_another_engine_is_taken_over() {
    let elsewhere = opened();
    let mut breaker = Breaker::new("api", policy(2, 2), at(0));
    let under_way = breaker.begin(at(1)).expect("it is closed");
    breaker.take_over(elsewhere.row().clone());
    assert_eq!(breaker.row(), elsewhere.row());
    assert!(breaker.check(at(3)).is_err());
    assert!(!breaker.holds(under_way));
    assert!(
        !breaker.ended(under_way, Response::Failed, at(3)),
        "it began while it was closed"
    );
    let mut older = elsewhere.row().clone();
    older.change -= 1;
    older.state = BreakerState::Closed;
    breaker.take_over(older);
    assert_eq!(
        breaker.row().state,
        BreakerState::Open,
        "what is older changes nothing"
    );
    // Failures that another engine counted in the same state count together with those here.
    let mut counted = Breaker::new("api", policy(3, 1), at(0));
    let mine = counted.begin(at(1)).expect("it is closed");
    let mut row = counted.row().clone();
    row.change += 5;
    row.failures = 2;
    counted.take_over(row);
    assert!(counted.holds(mine));
    assert!(counted.ended(mine, Response::Failed, at(2)));
    assert_eq!(counted.row().state, BreakerState::Open);
}

#[test]
fn what_another_engine_counts_meanwhile_takes_no_change_of_state_back() {
    let opens = || {
        let mut breaker = Breaker::new("api", policy(1, 1), at(0));
        let pass = breaker.begin(at(1)).expect("it is closed");
        assert!(breaker.ended(pass, Response::Failed, at(1)));
        breaker
    };
    let mut counts = Breaker::new("api", policy(5, 1), at(0));
    for round in 0..100 {
        let pass = counts.begin(at(round)).expect("it is closed");
        let response = match round % 2 {
            0 => Response::Failed,
            _ => Response::Answered,
        };
        assert!(counts.ended(pass, response, at(round)));
    }
    let mut opened = opens();
    opened.take_over(counts.row().clone());
    assert_eq!(opened.row().state, BreakerState::Open);
    counts.take_over(opened.row().clone());
    assert_eq!(counts.row().state, BreakerState::Open);
    // What a person says goes before what a breaker decides by itself in the same moment.
    let mut held = Breaker::new("api", policy(1, 1), at(0));
    assert!(held.force(BreakerWish::Close, None, at(1)));
    let mut by_itself = opens();
    held.take_over(by_itself.row().clone());
    assert!(held.row().forced);
    by_itself.take_over(held.row().clone());
    assert_eq!(
        (by_itself.row().state, by_itself.row().forced),
        (BreakerState::Closed, true)
    );
}
