//! The order in which limits are passed, and what is in hand at each wait.

use super::{Admission, Admitted, Needs, Next};
use crate::limits::pace::tests::Told;
use crate::limits::{Claimant, Limits};
use carril_model::account::CauseKind;
use carril_model::breaker::{BreakerState, BreakerWish, Response};
use carril_model::contract::{Clock, ErrorClass};
use carril_model::definition::{BreakerPolicy, OnOpen, Rate, RateUnit};
use carril_model::id::ProcessId;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const WHO: Claimant = Claimant {
    process: ProcessId(1),
    priority: 0,
};

struct Rig {
    clock: Arc<Told>,
    limits: Limits,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(Told::default());
        let limits = Limits::new(Arc::clone(&clock) as Arc<dyn Clock>, Vec::new(), None);
        Self { clock, limits }
    }

    /// A step that needs these slots, and these rates and breakers.
    fn needs(&self, slots: &[&str], rated: &[&str], guarded: &[&str]) -> Needs {
        let policy = BreakerPolicy {
            failures: 1,
            cooldown: Duration::from_secs(30),
            successes: 1,
        };
        Needs {
            slots: slots.iter().map(|name| self.limits.slot(name, 1)).collect(),
            paces: rated
                .iter()
                .map(|name| {
                    let rate = Rate::new(1, RateUnit::Second);
                    (Arc::from(*name), self.limits.pace(name, rate))
                })
                .collect(),
            guards: guarded
                .iter()
                .map(|name| self.limits.guard(name, policy))
                .collect(),
            on_open: OnOpen::Wait,
            lent: None,
        }
    }
}

type Wait = Pin<Box<dyn Future<Output = Admission> + Send>>;

fn begins(next: Next) -> Admitted {
    match next {
        Next::Begin(admitted) => admitted,
        Next::Wait(cause, _) => panic!("it waits for {cause}"),
        Next::Refuse(error) | Next::Late(error) => panic!("it is refused: {}", error.message),
    }
}

fn waits(next: Next, kind: CauseKind, about: &str) -> Wait {
    match next {
        Next::Wait(cause, wait) => {
            assert_eq!((cause.kind, cause.about.as_deref()), (kind, Some(about)));
            wait
        }
        Next::Begin(_) => panic!("it begins"),
        Next::Refuse(error) | Next::Late(error) => panic!("it is refused: {}", error.message),
    }
}

fn start(needs: &Needs) -> Next {
    needs.advance(Admission::default(), WHO).0
}

fn is_over(wait: &mut Wait) -> Option<Admission> {
    match wait.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(in_hand) => Some(in_hand),
        Poll::Pending => None,
    }
}

#[test]
fn who_waits_for_a_rate_holds_no_slot() {
    let rig = Rig::new();
    let both = rig.needs(&["disk"], &["api"], &[]);
    drop(begins(start(&both)).ended());
    let wait = waits(start(&both), CauseKind::Rate, "api");
    let disk_only = rig.needs(&["disk"], &[], &[]);
    drop(begins(start(&disk_only)).ended());
    drop(wait);
}

#[tokio::test(start_paused = true)]
async fn a_rate_counts_a_use_as_it_begins_however_long_a_slot_was_waited_for() {
    let rig = Rig::new();
    let both = rig.needs(&["disk"], &["api"], &[]);
    let disk = rig.needs(&["disk"], &[], &[]);
    let held = begins(start(&disk));
    let mut first = waits(start(&both), CauseKind::Slot, "disk");
    assert!(is_over(&mut first).is_none());
    // In the meantime the rate would have let many through.
    rig.clock.pass(Duration::from_secs(60));
    drop(held.ended());
    let in_hand = is_over(&mut first).expect("the slot is free");
    drop(begins(both.advance(in_hand, WHO).0).ended());
    // The next one comes at once, and waits a whole second from there.
    let wait = waits(start(&both), CauseKind::Rate, "api");
    rig.clock.pass(Duration::from_secs(1));
    drop(begins(both.advance(wait.await, WHO).0).ended());
}

#[test]
fn those_behind_wait_for_the_turn_in_order() {
    let rig = Rig::new();
    let api = rig.needs(&[], &["api"], &[]);
    drop(begins(start(&api)).ended());
    let first = waits(start(&api), CauseKind::Rate, "api");
    let mut second = waits(start(&api), CauseKind::Rate, "api");
    rig.clock.pass(Duration::from_secs(5));
    drop(waits(start(&api), CauseKind::Rate, "api"));
    assert!(is_over(&mut second).is_none(), "the first has the turn");
    drop(first);
    let in_hand = is_over(&mut second).expect("who gave up left the turn");
    drop(begins(api.advance(in_hand, WHO).0).ended());
}

#[test]
fn who_waits_for_a_breaker_holds_nothing() {
    let rig = Rig::new();
    let all = rig.needs(&["disk"], &["api"], &["api"]);
    let leaves = begins(start(&all)).ended();
    let rows = Admitted::tell(leaves, Response::Failed);
    assert_eq!(rows[0].state, BreakerState::Open);
    rig.clock.pass(Duration::from_secs(10));
    let wait = waits(start(&all), CauseKind::Breaker, "api");
    let rest = rig.needs(&["disk"], &["api"], &[]);
    drop(begins(start(&rest)).ended());
    drop(wait);
}

#[test]
fn one_that_opens_while_a_slot_is_waited_for_takes_everything_back() {
    let rig = Rig::new();
    let both = rig.needs(&["disk"], &[], &["api"]);
    let held = begins(start(&both));
    let mut wait = waits(start(&both), CauseKind::Slot, "disk");
    rig.limits.force("api", BreakerWish::Open, None);
    drop(held.ended());
    let in_hand = is_over(&mut wait).expect("the slot is free");
    let wait = waits(both.advance(in_hand, WHO).0, CauseKind::Breaker, "api");
    let disk = rig.needs(&["disk"], &[], &[]);
    drop(begins(start(&disk)).ended());
    drop(wait);
}

#[test]
fn a_step_that_does_not_wait_is_refused_while_it_is_open() {
    let rig = Rig::new();
    let mut api = rig.needs(&[], &[], &["api"]);
    api.on_open = OnOpen::Fail;
    rig.limits.force("api", BreakerWish::Open, None);
    let Next::Refuse(error) = start(&api) else {
        panic!("it is not refused");
    };
    assert_eq!(error.code, "CAR0540");
    rig.limits.force("api", BreakerWish::Auto, None);
    drop(begins(start(&api)).ended());
}

#[tokio::test(start_paused = true)]
async fn after_the_cool_down_one_at_a_time_goes_through_in_order() {
    let rig = Rig::new();
    let api = rig.needs(&[], &[], &["api"]);
    let leaves = begins(start(&api)).ended();
    Admitted::tell(leaves, Response::Failed);
    let mut first = waits(start(&api), CauseKind::Breaker, "api");
    let mut second = waits(start(&api), CauseKind::Breaker, "api");
    assert!(is_over(&mut first).is_none());
    assert!(is_over(&mut second).is_none());
    rig.clock.pass(Duration::from_secs(30));
    let mut in_hand = first.await;
    let moved = in_hand.take_moved();
    assert_eq!(moved[0].state, BreakerState::HalfOpen);
    let probe = begins(api.advance(in_hand, WHO).0);
    assert!(is_over(&mut second).is_none(), "one at a time");
    let rows = Admitted::tell(probe.ended(), Response::Answered);
    assert_eq!(rows[0].state, BreakerState::Closed);
    let in_hand = is_over(&mut second).expect("it is closed");
    drop(begins(api.advance(in_hand, WHO).0).ended());
}

#[tokio::test(start_paused = true)]
async fn a_connection_comes_last_and_is_waited_for_so_long() {
    let rig = Rig::new();
    let pool = || {
        let mut needs = rig.needs(&["disk"], &[], &[]);
        let pool = CauseKind::Pool;
        let connection = rig.limits.own(pool, "pool warehouse", "warehouse", 1);
        needs.slots.push(connection);
        needs
    };
    let mut only = pool();
    only.slots.remove(0);
    let held = begins(start(&only));
    let both = pool();
    let wait = waits(start(&both), CauseKind::Pool, "warehouse");
    drop(waits(
        start(&rig.needs(&["disk"], &[], &[])),
        CauseKind::Slot,
        "disk",
    ));
    // Nobody gives one back: paused time passes at once.
    let before = tokio::time::Instant::now();
    let in_hand = wait.await;
    assert_eq!(before.elapsed(), super::POOL_WAIT_MAX);
    let Next::Late(error) = both.advance(in_hand, WHO).0 else {
        panic!("it goes on");
    };
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0541", ErrorClass::Transient)
    );
    // What it had in hand went back, and who waits in time begins.
    drop(begins(start(&rig.needs(&["disk"], &[], &[]))).ended());
    let wait = waits(start(&both), CauseKind::Pool, "warehouse");
    drop(held.ended());
    drop(begins(both.advance(wait.await, WHO).0).ended());
}
