//! What is lent is never more than what was settled, and nothing once the lease may be over.

use super::Lent;
use crate::limits::pace::tests::Told;
use crate::limits::{Admission, Claimant, Limits, Needs, Next};
use carril_model::account::CauseKind;
use carril_model::contract::{Allotted, Clock, Lender as _, LimitKey, LimitKind};
use carril_model::definition::{OnOpen, Rate, RateUnit};
use carril_model::id::ProcessId;
use std::sync::Arc;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(15);
const WHO: Claimant = Claimant {
    process: ProcessId(1),
    priority: 0,
};

struct Rig {
    clock: Arc<Told>,
    lent: Arc<Lent>,
    limits: Limits,
}

impl Rig {
    fn new() -> Self {
        let clock = Arc::new(Told::default());
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let lent = Arc::new(Lent::new(Arc::clone(&shared), LEASE));
        let limits = Limits::new(shared, Vec::new(), Some(Arc::clone(&lent)));
        Self {
            clock,
            lent,
            limits,
        }
    }

    /// A step that needs a slot of the desk, of which there are so many.
    fn at_the_desk(&self, slots: u32) -> Needs {
        Needs {
            slots: vec![self.limits.slot("desk", slots)],
            on_open: OnOpen::Wait,
            lent: Some(Arc::clone(&self.lent)),
            ..Needs::default()
        }
    }

    fn settle(&self, granted: u32, lends: u32) {
        let allotted = self.lent.needs().into_iter().map(|need| Allotted {
            key: need.key,
            total: need.total,
            wants: need.wants,
            granted,
            lends,
        });
        self.lent
            .settled(self.lent.generation(), allotted.collect());
    }
}

fn desk(kind: LimitKind) -> LimitKey {
    LimitKey {
        resource: "desk".to_owned(),
        kind,
    }
}

fn start(needs: &Needs) -> Next {
    needs.advance(Admission::default(), WHO).0
}

fn begins(needs: &Needs) -> bool {
    matches!(start(needs), Next::Begin(_))
}

#[test]
fn nothing_is_lent_before_it_is_settled_and_what_is_new_is_news() {
    let rig = Rig::new();
    assert!(!rig.lent.has_news(), "it shares nothing yet");
    let needs = rig.at_the_desk(2);
    assert!(rig.lent.has_news());
    let Next::Wait(cause, wait) = start(&needs) else {
        panic!("there is nothing to begin with");
    };
    assert_eq!(cause.to_string(), "slot(desk)");
    assert_eq!(rig.lent.needs()[0].wants, 1);
    rig.settle(2, 2);
    assert!(!rig.lent.has_news());
    assert_eq!(rig.lent.needs()[0].wants, 1, "it was granted at once");
    drop(wait);
    assert_eq!(rig.lent.needs()[0].wants, 0);
    // Another pipeline says that there are more.
    rig.at_the_desk(3);
    assert!(rig.lent.has_news());
    rig.settle(3, 3);
    assert!(!rig.lent.has_news());
}

#[test]
fn an_engine_that_has_all_never_has_news_however_many_wait() {
    let rig = Rig::new();
    let needs = rig.at_the_desk(1);
    rig.settle(1, 1);
    let held = start(&needs);
    let waiting: Vec<Next> = (0..5).map(|_| start(&needs)).collect();
    assert!(!rig.lent.has_news(), "there is nothing to be had");
    drop((held, waiting));
    assert!(!rig.lent.has_news());
}

#[test]
fn who_goes_short_says_so_once_and_what_is_to_go_back_is_news_when_it_comes() {
    let rig = Rig::new();
    let needs = rig.at_the_desk(4);
    rig.settle(2, 2);
    let mut held: Vec<Next> = (0..2).map(|_| start(&needs)).collect();
    assert!(!rig.lent.has_news());
    let waiting = start(&needs);
    assert!(rig.lent.has_news(), "it wants three and has two");
    rig.settle(2, 2);
    assert!(!rig.lent.has_news(), "that was told");
    drop(waiting);
    assert!(rig.lent.has_news(), "it goes short no more");
    rig.settle(2, 2);
    // Another is to have one of them.
    assert_eq!(rig.lent.keep(&desk(LimitKind::Slot), 1), 2);
    rig.settle(2, 1);
    assert!(!rig.lent.has_news());
    held.pop();
    assert!(rig.lent.has_news(), "one has come back");
    assert!(!begins(&needs), "and is lent to nobody");
}

#[tokio::test]
async fn nothing_begins_once_another_may_have_it() {
    let rig = Rig::new();
    let needs = rig.at_the_desk(1);
    rig.settle(1, 1);
    assert!(begins(&needs));
    rig.clock.pass(LEASE * 2 / 3);
    let Next::Wait(cause, wait) = start(&needs) else {
        panic!("the lease may soon be over");
    };
    assert_eq!(cause.kind, CauseKind::Slot);
    rig.lent.renew(rig.clock.now());
    let in_hand = wait.await;
    assert!(matches!(needs.advance(in_hand, WHO).0, Next::Begin(_)));
}

#[test]
fn what_was_lost_is_not_lent_by_what_was_settled_before() {
    let rig = Rig::new();
    let needs = rig.at_the_desk(1);
    rig.settle(1, 1);
    let before = rig.lent.generation();
    rig.lent.lose();
    assert!(!rig.lent.holds());
    let late = Allotted {
        key: desk(LimitKind::Slot),
        total: 1,
        wants: 1,
        granted: 1,
        lends: 1,
    };
    rig.lent.settled(before, vec![late]);
    rig.lent.renew(rig.clock.now());
    assert!(rig.lent.holds());
    assert!(!begins(&needs), "it is another's");
    assert!(rig.lent.has_news());
    rig.settle(1, 1);
    assert!(begins(&needs));
}

#[test]
fn a_rate_goes_as_fast_as_its_share() {
    let rig = Rig::new();
    let pace = rig.limits.pace("desk", Rate::new(10, RateUnit::Second));
    let needs = Needs {
        paces: vec![(Arc::from("desk"), pace)],
        on_open: OnOpen::Wait,
        lent: Some(Arc::clone(&rig.lent)),
        ..Needs::default()
    };
    let Next::Wait(cause, wait) = start(&needs) else {
        panic!("nothing of the rate is here");
    };
    assert_eq!(cause.to_string(), "rate(desk)");
    assert_eq!(rig.lent.needs()[0].wants, 1_000, "somebody waits");
    drop(wait);
    rig.settle(500, 500);
    let mut begun = 0;
    for _ in 0..1_000 {
        rig.clock.pass(Duration::from_millis(1));
        begun += u32::from(begins(&needs));
    }
    assert!((5..=6).contains(&begun), "{begun}");
    assert_eq!(rig.lent.keep(&desk(LimitKind::Rate), 0), 0);
    rig.clock.pass(Duration::from_secs(5));
    rig.lent.renew(rig.clock.now());
    assert!(!begins(&needs));
}

#[test]
fn what_ends_here_wants_no_more_than_is_in_use() {
    let rig = Rig::new();
    let needs = rig.at_the_desk(4);
    rig.settle(1, 1);
    let held = start(&needs);
    let waiting = start(&needs);
    assert_eq!(rig.lent.needs()[0].wants, 2);
    rig.lent.close();
    assert_eq!(rig.lent.needs()[0].wants, 1);
    assert!(rig.lent.is_in_use());
    drop((held, waiting));
    assert!(!rig.lent.is_in_use());
}
