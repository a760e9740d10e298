//! Which executions used the same resource at the same time: one pass over uses in order of time.
//!
//! Cost follows how many uses overlap, not how many there are; only the longest overlaps are kept, so memory is bounded by
//! what was asked for and by how many lanes there were.

use crate::contract::OverlapRow;
use crate::id::ExecutionId;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One use of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The resource.
    pub resource: String,
    /// Who used it.
    pub execution: ExecutionId,
    /// Its entity.
    pub entity: Option<String>,
    /// From.
    pub began: Timestamp,
    /// Until.
    pub ended: Timestamp,
}

/// How long an overlap is, then when it was and whose, then its place among those found.
type Ranked = (i64, Reverse<(Timestamp, ExecutionId, ExecutionId)>, usize);

/// The pass: takes uses ordered by resource, then by beginning.
pub struct Sweep {
    max: usize,
    resource: String,
    under_way: Vec<Use>,
    /// Shortest on top, so that it goes first when there are too many. Ties are kept in order of time.
    longest: BinaryHeap<Reverse<Ranked>>,
    found: Vec<Option<OverlapRow>>,
}

impl Sweep {
    /// Keeps the `max` longest.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self {
            max,
            resource: String::new(),
            under_way: Vec::new(),
            longest: BinaryHeap::new(),
            found: Vec::new(),
        }
    }

    /// Takes the next use.
    pub fn take(&mut self, next: Use) {
        if next.resource != self.resource {
            self.under_way.clear();
            self.resource.clone_from(&next.resource);
        }
        self.under_way.retain(|earlier| earlier.ended > next.began);
        // With many lanes there are far more pairs than are asked for: one that is too short is not even written down.
        let mut under_way = std::mem::take(&mut self.under_way);
        for earlier in under_way
            .iter()
            .filter(|earlier| earlier.execution != next.execution)
        {
            if earlier.ended.min(next.ended).micros_since(next.began) >= self.enough() {
                self.keep(overlap(earlier, &next));
            }
        }
        under_way.push(next);
        self.under_way = under_way;
    }

    /// How long an overlap must be at least to be among the longest.
    fn enough(&self) -> i64 {
        match self.longest.peek() {
            Some(Reverse((micros, _, _))) if self.longest.len() == self.max => *micros,
            _ => i64::MIN,
        }
    }

    fn keep(&mut self, pair: OverlapRow) {
        let key = (pair.micros, Reverse((pair.from, pair.first, pair.second)));
        if self.longest.len() == self.max {
            match self.longest.peek() {
                Some(Reverse((micros, order, _))) if (*micros, *order) < key => {}
                _ => return,
            }
            let Some(Reverse((_, _, place))) = self.longest.pop() else {
                return;
            };
            self.found[place] = Some(pair);
            self.longest.push(Reverse((key.0, key.1, place)));
        } else {
            self.longest.push(Reverse((key.0, key.1, self.found.len())));
            self.found.push(Some(pair));
        }
    }

    /// What was found, longest first.
    #[must_use]
    pub fn longest(mut self) -> Vec<OverlapRow> {
        let order: Vec<usize> = self
            .longest
            .into_sorted_vec()
            .into_iter()
            .map(|Reverse((_, _, place))| place)
            .collect();
        order
            .into_iter()
            .filter_map(|place| self.found[place].take())
            .collect()
    }
}

fn overlap(earlier: &Use, later: &Use) -> OverlapRow {
    let until = earlier.ended.min(later.ended);
    OverlapRow {
        resource: later.resource.clone(),
        first: earlier.execution,
        first_entity: earlier.entity.clone(),
        second: later.execution,
        second_entity: later.entity.clone(),
        from: later.began,
        micros: until.micros_since(later.began),
    }
}

#[cfg(test)]
mod tests;
