//! The order in which those who wait are served: higher priority first, then processes by turns, then order of arrival.
//!
//! Only the order; no waiting and no waking happens here. Whoever serves holds the lock around it.

use carril_model::id::ProcessId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Whom a waiter waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claimant {
    pub(crate) process: ProcessId,
    pub(crate) priority: i8,
}

/// Those who wait, each with something to be served with.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// Highest priority first; no level is empty.
    levels: BTreeMap<Reverse<i8>, Level<T>>,
    arrivals: u64,
    waiting: u32,
}

/// One priority.
#[derive(Debug)]
struct Level<T> {
    /// Processes with somebody waiting, each once; the first is served next and then goes to the end.
    turns: VecDeque<ProcessId>,
    waiting: HashMap<ProcessId, BTreeMap<u64, T>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            levels: BTreeMap::new(),
            arrivals: 0,
            waiting: 0,
        }
    }
}

impl<T> Queue<T> {
    /// How many wait.
    pub(crate) const fn len(&self) -> u32 {
        self.waiting
    }

    /// Joins; the number is what it leaves with.
    pub(crate) fn join(&mut self, who: Claimant, with: T) -> u64 {
        self.arrivals += 1;
        self.waiting += 1;
        let level = self
            .levels
            .entry(Reverse(who.priority))
            .or_insert_with(|| Level {
                turns: VecDeque::new(),
                waiting: HashMap::new(),
            });
        let of_process = level.waiting.entry(who.process).or_default();
        if of_process.is_empty() {
            level.turns.push_back(who.process);
        }
        of_process.insert(self.arrivals, with);
        self.arrivals
    }

    /// Leaves without being served; `None` for one who was served, or left.
    pub(crate) fn leave(&mut self, who: Claimant, number: u64) -> Option<T> {
        let level = self.levels.get_mut(&Reverse(who.priority))?;
        let of_process = level.waiting.get_mut(&who.process)?;
        let with = of_process.remove(&number);
        self.waiting -= u32::from(with.is_some());
        if of_process.is_empty() {
            level.waiting.remove(&who.process);
            level.turns.retain(|process| *process != who.process);
            if level.turns.is_empty() {
                self.levels.remove(&Reverse(who.priority));
            }
        }
        with
    }

    /// Whose turn it is.
    pub(crate) fn next(&mut self) -> Option<T> {
        let mut first = self.levels.first_entry()?;
        self.waiting -= 1;
        let level = first.get_mut();
        let process = level.turns.pop_front().expect("no level is empty");
        let of_process = level
            .waiting
            .get_mut(&process)
            .expect("every turn is of somebody who waits");
        let (_, with) = of_process
            .pop_first()
            .expect("nobody is kept without waiters");
        if of_process.is_empty() {
            level.waiting.remove(&process);
        } else {
            level.turns.push_back(process);
        }
        if level.turns.is_empty() {
            first.remove();
        }
        Some(with)
    }
}

#[cfg(test)]
mod tests;
