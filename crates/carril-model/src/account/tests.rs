//! The account's one promise, over any sequence of switches: nothing of the lifetime is lost or counted twice.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn sums_and_the_open_stretch_are_the_lifetime(steps in prop::collection::vec((0usize..CauseKind::ALL.len(), -50i64..1_000), 0..60)) {
        let mut account = TimeAccount::open(Cause::plain(CauseKind::Queued), Timestamp(10));
        let mut now = 10;
        let mut latest = 10;
        for (kind, advance) in steps {
            now += advance;
            latest = latest.max(now);
            let before = account.total_micros(Timestamp(latest));
            account.switch(Cause::plain(CauseKind::ALL[kind]), Timestamp(now));
            prop_assert_eq!(account.total_micros(Timestamp(latest)), before);
            prop_assert_eq!(account.total_micros(Timestamp(latest)), latest - 10);
        }
    }
}

#[test]
fn every_cause_has_a_name_of_its_own() {
    for kind in CauseKind::ALL {
        assert_eq!(CauseKind::from_name(kind.name()), Some(*kind));
    }
}
