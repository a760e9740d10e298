//! From one who waits to the one at the root: pure, from what one look has seen.

use std::collections::{BTreeMap, HashSet, VecDeque};

/// Who waits for whom, by process ids. Only those who wait are keys.
pub(super) type Edges = BTreeMap<i32, Vec<i32>>;

/// The way from one who waits to the root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// Waits for nobody; in a circle, the next one of it.
    pub(super) root: i32,
    /// Those between, nearest first.
    pub(super) through: Vec<i32>,
}

/// The nearest that waits for nobody; of several equally near the one that has worked longest, by `age`. In a circle, which the
/// database will break, it is whoever is waited for first. `None` for one who does not wait.
pub(super) fn way(edges: &Edges, waiter: i32, age: impl Fn(i32) -> i64) -> Option<Way> {
    let direct = edges.get(&waiter)?;
    let mut seen = HashSet::from([waiter]);
    let mut near: VecDeque<Vec<i32>> = VecDeque::new();
    let mut roots: Vec<Vec<i32>> = Vec::new();
    reach(&mut near, &mut seen, &[], direct);
    while let Some(path) = near.pop_front() {
        if roots.first().is_some_and(|root| root.len() < path.len()) {
            break;
        }
        let last = *path.last()?;
        match edges.get(&last) {
            Some(blockers) if !blockers.is_empty() => reach(&mut near, &mut seen, &path, blockers),
            _ => roots.push(path),
        }
    }
    let root = roots
        .into_iter()
        .max_by_key(|path| path.last().map(|pid| age(*pid)));
    match root {
        Some(mut through) => {
            let root = through.pop()?;
            Some(Way { root, through })
        }
        None => direct.iter().find(|pid| **pid != waiter).map(|pid| Way {
            root: *pid,
            through: Vec::new(),
        }),
    }
}

fn reach(near: &mut VecDeque<Vec<i32>>, seen: &mut HashSet<i32>, path: &[i32], blockers: &[i32]) {
    for blocker in blockers {
        if seen.insert(*blocker) {
            let mut path = path.to_vec();
            path.push(*blocker);
            near.push_back(path);
        }
    }
}

#[cfg(test)]
mod tests;
