//! A rate on a clock that is told: so many per unit, a burst at first, and a wait that is right.

use super::Pace;
use carril_model::contract::Clock;
use carril_model::definition::{Rate, RateUnit};
use carril_model::time::Timestamp;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) AtomicI64);

impl Told {
    pub(crate) fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap();
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Told {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000 + self.0.load(Ordering::SeqCst))
    }
}

fn pace(rate: Rate) -> (Pace, Arc<Told>) {
    let clock = Arc::new(Told::default());
    (Pace::new(rate, Arc::clone(&clock) as Arc<dyn Clock>), clock)
}

fn shared(rate: Rate) -> (Pace, Arc<Told>) {
    let clock = Arc::new(Told::default());
    let bell = Arc::default();
    let pace = Pace::shared(rate, Arc::clone(&clock) as Arc<dyn Clock>, bell);
    (pace, clock)
}

/// Begins a use, or tells how long that takes as the share is.
fn begin(pace: &Pace) -> Result<(), Option<Duration>> {
    pace.begin().map_err(|due| pace.left(due))
}

const fn millis(millis: u64) -> Result<(), Option<Duration>> {
    Err(Some(Duration::from_millis(millis)))
}

fn begun(pace: &Pace) -> usize {
    (0..99).take_while(|_| pace.begin().is_ok()).count()
}

#[test]
fn uses_are_spaced_and_the_wait_is_told() {
    let (pace, clock) = pace(Rate::new(10, RateUnit::Second));
    assert_eq!(begin(&pace), Ok(()));
    assert_eq!(begin(&pace), millis(100));
    clock.pass(Duration::from_millis(60));
    assert_eq!(begin(&pace), millis(40));
    clock.pass(Duration::from_millis(40));
    assert_eq!(begin(&pace), Ok(()));
}

#[test]
fn a_burst_may_begin_at_once_and_comes_back_with_time() {
    let (pace, clock) = pace(Rate::new(60, RateUnit::Minute).burst(3));
    assert_eq!(begun(&pace), 3);
    clock.pass(Duration::from_secs(2));
    assert_eq!(begun(&pace), 2);
    clock.pass(Duration::from_secs(3_600));
    assert_eq!(begun(&pace), 3, "more than a burst is never saved up");
}

#[test]
fn hours_are_hours_and_a_new_rate_holds_from_then_on() {
    let (pace, clock) = pace(Rate::new(1, RateUnit::Hour));
    assert_eq!(begin(&pace), Ok(()));
    clock.pass(Duration::from_secs(3_599));
    assert_eq!(begin(&pace), millis(1_000));
    pace.set(Rate::new(1, RateUnit::Second));
    assert_eq!(begin(&pace), Ok(()));
}

#[test]
fn nothing_begins_without_a_share_and_half_a_share_is_half_as_fast() {
    let (pace, clock) = shared(Rate::new(10, RateUnit::Second));
    assert_eq!(begin(&pace), Err(None));
    clock.pass(Duration::from_secs(60));
    assert_eq!(begin(&pace), Err(None));
    pace.set_share(500);
    assert_eq!(begin(&pace), Ok(()));
    assert_eq!(begin(&pace), millis(200));
    clock.pass(Duration::from_millis(100));
    // Half of the wait is over, whatever the share becomes.
    pace.set_share(1_000);
    assert_eq!(begin(&pace), millis(50));
    pace.set_share(0);
    clock.pass(Duration::from_secs(60));
    assert_eq!(begin(&pace), Err(None));
    pace.set_share(100);
    assert_eq!(begin(&pace), millis(500));
}

#[test]
fn a_burst_is_shared_and_never_given_twice() {
    let (pace, clock) = shared(Rate::new(10, RateUnit::Second).burst(10));
    pace.set_share(1_000);
    assert_eq!(begun(&pace), 1, "who has just come has saved nothing up");
    clock.pass(Duration::from_secs(60));
    pace.set_share(500);
    assert_eq!(begun(&pace), 1, "what was saved up is nobody's");
    clock.pass(Duration::from_secs(60));
    assert_eq!(begun(&pace), 5);
    for _ in 0..50 {
        pace.set_share(1_000);
        pace.set_share(0);
        pace.set_share(500);
    }
    assert_eq!(begun(&pace), 0, "moving a share lets nobody begin");
}

#[test]
fn what_an_engine_uses_is_what_it_wants_and_all_of_it_while_somebody_waits() {
    let (pace, clock) = shared(Rate::new(10, RateUnit::Second));
    pace.set_share(1_000);
    for _ in 0..10 {
        clock.pass(Duration::from_millis(200));
        assert_eq!(begin(&pace), Ok(()));
    }
    assert_eq!(pace.wants(), 750, "half of the rate, and half of that more");
    let who = crate::limits::Claimant {
        process: carril_model::id::ProcessId(1),
        priority: 0,
    };
    let turn = pace.turn.enter(who).expect("it is free");
    assert_eq!(pace.wants(), 1_000);
    drop(turn);
    clock.pass(Duration::from_secs(5));
    assert_eq!(pace.wants(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Engines share a rate, and shares move as they like as long as they do not sum up to more: over any time no more begin than the
    /// rate and its burst, and one for each engine.
    #[test]
    fn shares_that_move_never_let_more_begin_than_the_rate(
        burst in 1_u32..8,
        moves in prop::collection::vec((prop::collection::vec(0_u32..=1_000, 3), 1_u64..60), 1..30),
    ) {
        let clock = Arc::new(Told::default());
        let rate = Rate::new(50, RateUnit::Second).burst(burst);
        let paces: Vec<Pace> = (0..3)
            .map(|_| Pace::shared(rate, Arc::clone(&clock) as Arc<dyn Clock>, Arc::default()))
            .collect();
        let (mut uses, mut passed) = (0_u64, 0_u64);
        for (shares, time) in moves {
            let sum: u32 = shares.iter().sum::<u32>().max(1_000);
            // First all lend less, then those that may lend more.
            for pace in &paces {
                pace.set_share(0);
            }
            for (pace, share) in paces.iter().zip(&shares) {
                pace.set_share(share * 1_000 / sum);
            }
            for _ in 0..time {
                clock.pass(Duration::from_millis(4));
                uses += paces.iter().map(|pace| begun(pace) as u64).sum::<u64>();
            }
            passed += 4 * time;
            let most = passed / 20 + u64::from(burst) + 3;
            prop_assert!(uses <= most, "{uses} uses in {passed} ms, at most {most}");
        }
    }
}
