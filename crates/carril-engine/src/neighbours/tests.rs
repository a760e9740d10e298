//! How long a process waits that could not be taken up.

use super::*;

#[test]
fn what_could_not_be_opened_is_tried_again_soon_and_then_less_often() {
    let waits: Vec<Duration> = [0, 1, 2, 5, 6, u32::MAX].into_iter().map(backoff).collect();
    let wanted = [500, 1_000, 2_000, 16_000, 30_000, 30_000];
    assert_eq!(waits, wanted.map(Duration::from_millis));
}
