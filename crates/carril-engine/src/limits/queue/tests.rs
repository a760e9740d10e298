//! The order against the rules told plainly, over random histories of joining, leaving and serving.

use super::{Claimant, Queue};
use carril_model::id::ProcessId;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const fn who(process: i64, priority: i8) -> Claimant {
    Claimant {
        process: ProcessId(process),
        priority,
    }
}

fn served<T>(queue: &mut Queue<T>) -> Vec<T> {
    std::iter::from_fn(|| queue.next()).collect()
}

#[test]
fn higher_priority_comes_first_then_processes_take_turns_then_arrival() {
    let mut queue = Queue::default();
    for (process, priority, name) in [
        (1, 0, "1a"),
        (1, 0, "1b"),
        (1, 0, "1c"),
        (2, 0, "2a"),
        (3, 5, "3a"),
        (2, 0, "2b"),
    ] {
        queue.join(who(process, priority), name);
    }
    assert_eq!(served(&mut queue), ["3a", "1a", "2a", "1b", "2b", "1c"]);
}

#[test]
fn who_left_is_not_served_and_leaves_once() {
    let mut queue = Queue::default();
    let first = queue.join(who(1, 0), "first");
    queue.join(who(2, 0), "second");
    assert_eq!(queue.leave(who(1, 0), first), Some("first"));
    assert_eq!(queue.leave(who(1, 0), first), None);
    assert_eq!(served(&mut queue), ["second"]);
}

#[derive(Debug, Clone)]
enum Event {
    Join(i64, i8),
    Leave(usize),
    Serve,
}

proptest! {
    /// Nobody is lost or served twice; nobody of lower priority comes first; of one process the first to arrive comes first;
    /// and between two services of one process every equal that waited all the while had a turn.
    #[test]
    fn it_serves_in_order(events in prop::collection::vec(prop_oneof![
        3 => (1_i64..5, -1_i8..2).prop_map(|(process, priority)| Event::Join(process, priority)),
        1 => (0_usize..20).prop_map(Event::Leave),
        2 => Just(Event::Serve),
    ], 1..200)) {
        let mut queue = Queue::default();
        let mut waiting: BTreeMap<u64, Claimant> = BTreeMap::new();
        // By process and priority: who was served since, while it waited.
        let mut passed: BTreeMap<(i64, i8), Vec<i64>> = BTreeMap::new();
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::Join(process, priority) => {
                    let claimant = who(*process, *priority);
                    if !waiting.values().any(|known| *known == claimant) {
                        passed.insert((*process, *priority), Vec::new());
                    }
                    let number = queue.join(claimant, at as u64);
                    prop_assert!(waiting.keys().all(|known| *known < number));
                    waiting.insert(number, claimant);
                }
                Event::Leave(which) if !waiting.is_empty() => {
                    let (number, claimant) = waiting.iter().nth(which % waiting.len()).map(|(number, claimant)| (*number, *claimant)).unwrap();
                    prop_assert!(queue.leave(claimant, number).is_some());
                    waiting.remove(&number);
                }
                Event::Leave(_) => {}
                Event::Serve => {
                    let Some(_) = queue.next() else {
                        prop_assert!(waiting.is_empty());
                        continue;
                    };
                    let highest = waiting.values().map(|claimant| claimant.priority).max().unwrap();
                    // Which process it was is told by who of them is gone: its first of this priority.
                    let candidates: Vec<(u64, Claimant)> = waiting.iter().map(|(number, claimant)| (*number, *claimant)).filter(|(_, claimant)| claimant.priority == highest).collect();
                    let gone = candidates.iter().find(|(number, claimant)| {
                        let first = candidates.iter().find(|(_, other)| other.process == claimant.process).unwrap().0 == *number;
                        first && queue_lacks(&queue, *claimant, *number)
                    });
                    let (number, claimant) = gone.copied().expect("somebody of the highest priority was served, first of its process");
                    waiting.remove(&number);
                    let me = claimant.process.0;
                    let others: BTreeSet<i64> = candidates.iter().map(|(_, other)| other.process.0).filter(|other| *other != me).collect();
                    for other in others {
                        let seen = passed.entry((other, highest)).or_default();
                        prop_assert!(!seen.contains(&me), "{me} had two turns while {other} waited");
                        seen.push(me);
                    }
                    passed.insert((me, highest), Vec::new());
                }
            }
        }
    }
}

/// Whether this one is no longer in the queue.
fn queue_lacks(queue: &Queue<u64>, who: Claimant, number: u64) -> bool {
    let level = queue.levels.get(&std::cmp::Reverse(who.priority));
    !level.is_some_and(|level| {
        let of_process = level.waiting.get(&who.process);
        of_process.is_some_and(|of_process| of_process.contains_key(&number))
    })
}
