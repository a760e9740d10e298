//! The clock goes ahead with the wall clock and never back.

use super::{AHEAD_MICROS, SystemClock};
use carril_model::contract::Clock as _;
use std::time::Duration;

const DAY_MICROS: i64 = 86_400_000_000;

#[test]
fn a_wall_clock_that_jumped_is_caught_up_with_once() {
    let clock = SystemClock::new();
    let sibling = clock.clone();
    let wall = clock.now().0 + DAY_MICROS;
    let ahead = clock.catch_up_with(wall);
    assert!(ahead <= Duration::from_micros(DAY_MICROS.unsigned_abs()));
    assert!(clock.now().0 >= wall);
    assert!(sibling.now().0 >= wall, "clones are one clock");
    assert_eq!(clock.catch_up_with(wall), Duration::ZERO, "it is there");
}

#[test]
fn a_wall_clock_that_was_set_back_or_a_little_ahead_changes_nothing() {
    let clock = SystemClock::new();
    let before = clock.now();
    assert_eq!(clock.catch_up_with(before.0 - DAY_MICROS), Duration::ZERO);
    assert_eq!(
        clock.catch_up_with(before.0 + AHEAD_MICROS - 1),
        Duration::ZERO
    );
    let after = clock.now();
    assert!(after >= before);
    assert!(
        after.micros_since(before) < AHEAD_MICROS,
        "nothing was added"
    );
}

#[test]
fn it_never_goes_back_after_a_jump_was_taken_back() {
    let clock = SystemClock::new();
    let wall = clock.now().0;
    clock.catch_up_with(wall + DAY_MICROS);
    let there = clock.now();
    clock.catch_up_with(wall);
    assert!(clock.now() >= there);
}
