//! How far it is, now and then.

use super::{EVERY_MICROS, Lines};
use carril::model::contract::Tally;
use carril::model::time::Timestamp;

#[test]
fn says_how_far_it_is_when_time_has_passed_and_it_moved() {
    let mut lines = Lines::default();
    lines.tally(&Tally {
        total: 50,
        ..Tally::default()
    });
    assert_eq!(lines.glance(0, Timestamp(0)), None);
    lines.tally(&Tally {
        total: 50,
        succeeded: 12,
        ..Tally::default()
    });
    assert_eq!(
        lines.glance(0, Timestamp(EVERY_MICROS - 1)),
        None,
        "too early"
    );
    assert_eq!(
        lines.glance(0, Timestamp(EVERY_MICROS)).as_deref(),
        Some("12 of 50 done after 5 s")
    );
    assert_eq!(
        lines.glance(0, Timestamp(3 * EVERY_MICROS)),
        None,
        "nothing moved"
    );
    lines.tally(&Tally {
        total: 50,
        succeeded: 12,
        failed: 1,
        ..Tally::default()
    });
    assert_eq!(
        lines.glance(7, Timestamp(4 * EVERY_MICROS)).as_deref(),
        Some("13 of 50 done, 1 failed, 7 waiting after 20 s")
    );
}
