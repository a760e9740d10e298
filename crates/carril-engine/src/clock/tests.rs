//! The clock goes ahead with the wall clock, or with that of a store, and never back.

use super::{AHEAD_MICROS, Course, GIVES_BACK, SystemClock};
use carril_model::contract::Clock as _;
use carril_model::time::Timestamp;
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

/// A clock that has begun to go by another at this time of its own.
const fn followed(at: i64) -> Course {
    Course {
        from: 0,
        at,
        owes: 0,
        follows: true,
    }
}

#[test]
fn the_first_reading_sets_it_ahead_or_back() {
    for wrong in [DAY_MICROS, -DAY_MICROS] {
        let right = SystemClock::new();
        let clock = SystemClock::wrong_by(wrong);
        let off = clock.now().0 - right.now().0;
        assert!((off - wrong).abs() < AHEAD_MICROS);
        let asked = clock.mark().expect("it goes by others");
        let behind = clock.follow(asked, right.now());
        assert!((behind + wrong).abs() < AHEAD_MICROS, "{behind}");
        assert!((clock.now().0 - right.now().0).abs() < AHEAD_MICROS);
        assert_eq!(clock.catch_up(), Duration::ZERO, "its machine is wrong");
        assert!((clock.now().0 - right.now().0).abs() < AHEAD_MICROS);
    }
}

#[test]
fn it_is_off_by_half_the_round_trip_at_most_from_the_first() {
    let course = Course {
        follows: false,
        ..followed(5_000)
    };
    // Asked at 5,000 and answered at 5,400, which may have been 9,000 at any time in between.
    let (course, behind) = course.following(0, 400, 9_000);
    assert_eq!((behind, course.time(400)), (3_800, 9_200));
}

#[test]
fn what_a_round_trip_does_not_prove_changes_nothing() {
    for told in [1_000, 1_200, 1_400] {
        let (course, behind) = followed(1_000).following(0, 400, told);
        assert_eq!((behind, course.time(400)), (0, 1_400), "{told}");
    }
}

#[test]
fn behind_it_goes_ahead_at_once_and_ahead_it_goes_slower() {
    let (course, behind) = followed(1_000).following(0, 400, 1_900);
    assert_eq!((behind, course.time(400)), (500, 1_900));

    let (course, behind) = followed(10_000).following(0, 400, 9_000);
    assert_eq!((behind, course.time(400)), (-1_000, 10_400));
    let in_step = 400 + 1_000 * GIVES_BACK;
    assert_eq!(course.time(400 + 160), 10_400 + 150);
    assert_eq!(course.time(in_step), 9_400 + 1_000 * GIVES_BACK);
    assert_eq!(
        course.time(in_step + 7),
        course.time(in_step) + 7,
        "then it goes as others do"
    );
}

/// Whatever it is told, and however late: a later look is never at an earlier time, and what it owes it gives back.
#[test]
fn no_reading_ever_takes_it_back() {
    let mut seed = 7_u64;
    let mut random = |below: i64| {
        seed = carril_model::retry::mix(seed);
        i64::try_from(seed % below.unsigned_abs()).expect("it is below")
    };
    for _ in 0..200 {
        let (mut course, _) = followed(0).following(0, 0, random(DAY_MICROS));
        let (mut count, mut last) = (0, course.time(0));
        for _ in 0..100 {
            let asked = count;
            count += random(2_000_000);
            assert!(course.time(count) >= last);
            last = course.time(count);
            let told = last + random(4_000_000) - 2_000_000;
            course = course.following(asked, count, told).0;
            assert!(course.time(count) >= last);
            last = course.time(count);
        }
    }
}

#[test]
fn a_reading_that_began_before_it_was_set_is_not_counted_twice() {
    let clock = SystemClock::new();
    let asked = clock.mark().expect("it goes by others");
    let there = clock.now().0 + DAY_MICROS;
    clock.catch_up_with(there);
    // Asked before it was set: the reading is compared with what it says now.
    let behind = clock.follow(asked, Timestamp(there));
    assert!(behind.abs() < AHEAD_MICROS, "{behind}");
}
