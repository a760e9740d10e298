//! When it is said that all wait, and in which words.

use super::words;
use carril::model::account::CauseKind;
use carril::model::time::Timestamp;
use std::collections::BTreeMap;

const NOW: Timestamp = Timestamp(1_000_000);

#[test]
fn says_who_waits_for_what_and_until_when() {
    let causes = BTreeMap::from([
        (CauseKind::Timer, 1_200),
        (CauseKind::Signal, 2),
        (CauseKind::Approval, 1),
        (CauseKind::Key, 3),
        (CauseKind::Barrier, 1),
    ]);
    let due = Some(Timestamp(NOW.0 + 90 * 60_000_000));
    assert_eq!(
        words(&causes, due, NOW).as_deref(),
        Some(
            "all that are left wait: 3 behind others of their lane key, 1,200 for a time, 2 for a signal, 1 for an answer; \
             the first is due in 1 h 30 min; Ctrl-C leaves them waiting, and the same command goes on with them"
        )
    );
}

#[test]
fn says_nothing_of_a_time_where_none_wakes_anybody() {
    let causes = BTreeMap::from([(CauseKind::Approval, 1)]);
    let told = words(&causes, None, NOW).expect("all wait");
    assert!(!told.contains("due"), "{told}");
}

#[test]
fn says_nothing_while_somebody_is_at_work_or_soon_will_be() {
    let working = BTreeMap::from([(CauseKind::Signal, 2), (CauseKind::Running, 1)]);
    assert_eq!(words(&working, None, NOW), None);
    let queued = BTreeMap::from([(CauseKind::Signal, 2), (CauseKind::Queued, 1)]);
    assert_eq!(words(&queued, None, NOW), None);
    let soon = BTreeMap::from([(CauseKind::Timer, 2)]);
    assert_eq!(words(&soon, Some(Timestamp(NOW.0 + 2_000_000)), NOW), None);
    let only_stages = BTreeMap::from([(CauseKind::Barrier, 2)]);
    assert_eq!(words(&only_stages, None, NOW), None, "nobody is parked");
}
