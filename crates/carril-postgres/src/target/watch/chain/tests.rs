//! The root is named, not the middle.

use super::*;
use proptest::prelude::*;

fn edges(all: &[(i32, &[i32])]) -> Edges {
    let all = all
        .iter()
        .map(|(waiter, blockers)| (*waiter, blockers.to_vec()));
    all.collect()
}

fn found(edges: &Edges, waiter: i32) -> Option<(i32, Vec<i32>)> {
    way(edges, waiter, i64::from).map(|way| (way.root, way.through))
}

#[test]
fn a_chain_leads_to_its_end() {
    let chain = edges(&[(1, &[2]), (2, &[3]), (3, &[4])]);
    assert_eq!(found(&chain, 1), Some((4, vec![2, 3])));
    assert_eq!(found(&chain, 3), Some((4, vec![])));
    assert_eq!(found(&chain, 4), None);
}

#[test]
fn a_queue_on_one_row_leads_to_the_holder_whatever_the_order_of_those_in_it() {
    // The first waits for the holder's transaction, all others for the first and for each other.
    let queue = edges(&[(1, &[9]), (2, &[1]), (3, &[2, 1]), (4, &[3, 2, 1])]);
    assert_eq!(found(&queue, 4), Some((9, vec![1])));
}

#[test]
fn of_several_holders_the_one_that_has_worked_longest_is_named() {
    let shared = edges(&[(1, &[5, 7, 6])]);
    assert_eq!(found(&shared, 1), Some((7, vec![])));
}

#[test]
fn in_a_circle_the_other_side_is_named() {
    let circle = edges(&[(1, &[2]), (2, &[1])]);
    assert_eq!(found(&circle, 1), Some((2, vec![])));
    // Who waits for a circle without being in it.
    let before = edges(&[(3, &[1]), (1, &[2]), (2, &[1])]);
    assert_eq!(found(&before, 3), Some((1, vec![])));
}

#[test]
fn a_prepared_transaction_is_a_root() {
    assert_eq!(found(&edges(&[(1, &[0])]), 1), Some((0, vec![])));
}

proptest! {
    #[test]
    fn whoever_is_named_is_reached_and_waits_for_nobody_unless_all_do(
        pairs in prop::collection::vec((1i32..8, 1i32..8), 0..20), waiter in 1i32..8,
    ) {
        let mut all = Edges::new();
        for (waiter, blocker) in pairs {
            all.entry(waiter).or_default().push(blocker);
        }
        let Some(way) = way(&all, waiter, i64::from) else { return Ok(()) };
        let mut at = waiter;
        for next in way.through.iter().chain(std::iter::once(&way.root)) {
            prop_assert!(all[&at].contains(next), "{at} does not wait for {next}");
            at = *next;
        }
        let mut reached = std::collections::BTreeSet::from([waiter]);
        let mut open = vec![waiter];
        while let Some(at) = open.pop() {
            for next in all.get(&at).into_iter().flatten() {
                if reached.insert(*next) { open.push(*next) }
            }
        }
        let is_root = |pid: &i32| !all.contains_key(pid);
        prop_assert_eq!(is_root(&way.root), reached.iter().any(is_root));
    }
}
