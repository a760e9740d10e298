//! How long lanes run on without a sign of life, and how often a store that is away is tried.

use super::{AGAIN_MAX, Lease, Tries, backoff};
use carril_model::time::Timestamp;
use std::time::Duration;

#[test]
fn lanes_stop_at_two_thirds_of_the_lease() {
    let second = |seconds: i64| Timestamp(seconds * 1_000_000);
    let mut lease = Lease::new(Duration::from_secs(15), second(100));
    assert_eq!(lease.beat(), Duration::from_secs(1));
    assert_eq!(lease.left(second(100)), Duration::from_secs(10));
    assert_eq!(lease.left(second(109)), Duration::from_secs(1));
    assert_eq!(lease.left(second(110)), Duration::ZERO);
    lease.renewed(second(108));
    // What began earlier and was told later takes nothing back.
    lease.renewed(second(104));
    assert_eq!(lease.left(second(110)), Duration::from_secs(8));
    assert!(!lease.is_silent(second(108)) && lease.is_silent(second(109)));
    let short = Lease::new(Duration::from_secs(1), second(0));
    assert_eq!(short.beat(), Duration::from_millis(200));
}

#[test]
fn tries_come_further_and_further_apart_up_to_a_second() {
    let waits: Vec<u128> = (1..=7).map(|tries| backoff(tries).as_millis()).collect();
    assert_eq!(waits, [50, 100, 200, 400, 800, 1_000, 1_000]);
    assert_eq!(backoff(u32::MAX), AGAIN_MAX);
}

/// A server that starts refuses many times in a second. Were each of them to make the next try longer, one that meets silence would take
/// minutes.
#[test]
fn only_silence_makes_the_next_try_longer() {
    let seconds = |all, silences| Tries { all, silences }.limit().as_secs();
    assert_eq!(seconds(0, 0), 10);
    assert_eq!(seconds(1_000, 0), 10);
    assert_eq!(seconds(1_001, 1), 20);
    assert_eq!(seconds(1_001, 5), 320);
    assert_eq!(seconds(1_001, 1_000), 320);
}
