//! A rate on a clock that is told: so many per unit, a burst at first, and a wait that is right.

use super::Pace;
use carril_model::contract::Clock;
use carril_model::definition::{Rate, RateUnit};
use carril_model::time::Timestamp;
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

#[test]
fn uses_are_spaced_and_the_wait_is_told() {
    let (pace, clock) = pace(Rate::new(10, RateUnit::Second));
    assert_eq!(pace.begin(), Ok(()));
    assert_eq!(pace.begin(), Err(Duration::from_millis(100)));
    clock.pass(Duration::from_millis(60));
    assert_eq!(pace.begin(), Err(Duration::from_millis(40)));
    clock.pass(Duration::from_millis(40));
    assert_eq!(pace.begin(), Ok(()));
}

#[test]
fn a_burst_may_begin_at_once_and_comes_back_with_time() {
    let (pace, clock) = pace(Rate::new(60, RateUnit::Minute).burst(3));
    let begun = |pace: &Pace| (0..9).filter(|_| pace.begin().is_ok()).count();
    assert_eq!(begun(&pace), 3);
    clock.pass(Duration::from_secs(2));
    assert_eq!(begun(&pace), 2);
    clock.pass(Duration::from_secs(3_600));
    assert_eq!(begun(&pace), 3, "more than a burst is never saved up");
}

#[test]
fn hours_are_hours_and_a_new_rate_holds_from_then_on() {
    let (pace, clock) = pace(Rate::new(1, RateUnit::Hour));
    assert_eq!(pace.begin(), Ok(()));
    clock.pass(Duration::from_secs(3_599));
    assert_eq!(pace.begin(), Err(Duration::from_secs(1)));
    pace.set(Rate::new(1, RateUnit::Second));
    assert_eq!(pace.begin(), Ok(()));
}
