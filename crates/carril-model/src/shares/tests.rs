//! Lanes are dealt by priority, then by turns; none is lost, none is given twice.

use super::{Hungry, deal, of_node, yields};
use crate::id::ProcessId;
use proptest::prelude::*;
use std::collections::BTreeMap;

const fn hungry(process: i64, priority: i8, wants: u32, served: u64) -> Hungry {
    Hungry {
        process: ProcessId(process),
        priority,
        wants,
        served,
    }
}

#[test]
fn the_higher_priority_takes_what_it_wants_first() {
    let dealt = deal(vec![hungry(1, 0, 10, 0), hungry(2, 5, 3, 9)], 4);
    assert_eq!(dealt, [(ProcessId(2), 3), (ProcessId(1), 1)]);
}

#[test]
fn equals_take_turns_and_whoever_waited_longest_begins() {
    let dealt = deal(vec![hungry(1, 0, 10, 7), hungry(2, 0, 10, 3)], 3);
    assert_eq!(dealt, [(ProcessId(2), 2), (ProcessId(1), 1)]);
}

#[test]
fn lanes_are_passed_on_to_equals_and_betters_only() {
    let waiting = [hungry(2, 0, 1, 0)];
    assert!(yields(&waiting, ProcessId(1), 0));
    assert!(yields(&waiting, ProcessId(1), -1));
    assert!(!yields(&waiting, ProcessId(1), 1));
    assert!(
        !yields(&waiting, ProcessId(2), 0),
        "to itself it passes nothing"
    );
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nobody_of_lower_priority_comes_first(
        wants in prop::collection::vec((-2_i8..3, 0_u32..20, 0_u64..5), 0..8),
        free in 0_u32..60,
    ) {
        let all: Vec<Hungry> = wants.iter().zip(1..).map(|(&(priority, wants, served), id)| hungry(id, priority, wants, served)).collect();
        let dealt: BTreeMap<ProcessId, u32> = deal(all.clone(), free).into_iter().collect();
        let given = |of: &Hungry| dealt.get(&of.process).copied().unwrap_or(0);
        let total: u32 = all.iter().map(given).sum();
        let wanted: u32 = all.iter().map(|hungry| hungry.wants).sum();
        prop_assert_eq!(total, free.min(wanted));
        for one in &all {
            prop_assert!(given(one) <= one.wants);
            for other in &all {
                if one.priority > other.priority && given(other) > 0 {
                    prop_assert_eq!(given(one), one.wants);
                }
                if one.priority == other.priority && given(one) < one.wants {
                    prop_assert!(given(other) <= given(one) + 1, "equals are served alike");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn shares_of_engines_sum_up_and_differ_by_one_at_most(lanes in 0_u32..500, among in 1_u32..40) {
        let shares: Vec<u32> = (0..among).map(|place| of_node(lanes, place, among)).collect();
        prop_assert_eq!(shares.iter().sum::<u32>(), lanes);
        prop_assert!(shares[0] - shares[shares.len() - 1] <= 1);
        prop_assert!(shares.is_sorted_by(|one, next| one >= next));
    }
}
