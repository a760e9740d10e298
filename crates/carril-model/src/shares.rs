//! Who gets the free lanes of an engine whose lanes are limited: higher priority first, then processes by turns.
//!
//! A pure decision; who is hungry and what is free is the coordinator's to know.

use crate::id::ProcessId;
use std::cmp::Reverse;

/// A process that could use lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hungry {
    /// Who.
    pub process: ProcessId,
    /// Of two the one with the higher number comes first.
    pub priority: i8,
    /// Lanes that it may still have by its own number.
    pub wants: u32,
    /// When it was last given one: the number of that deal, 0 for never.
    pub served: u64,
}

/// Deals `free` lanes. Within a priority they are dealt one at a time, beginning with whoever was served longest ago.
#[must_use]
pub fn deal(mut hungry: Vec<Hungry>, mut free: u32) -> Vec<(ProcessId, u32)> {
    hungry.sort_by_key(|hungry| (Reverse(hungry.priority), hungry.served, hungry.process));
    let mut dealt: Vec<(ProcessId, u32)> = Vec::new();
    for level in hungry.chunk_by(|first, second| first.priority == second.priority) {
        let mut given = vec![0_u32; level.len()];
        while free > 0 {
            let before = free;
            for (given, hungry) in given.iter_mut().zip(level) {
                if free > 0 && *given < hungry.wants {
                    *given += 1;
                    free -= 1;
                }
            }
            if free == before {
                break;
            }
        }
        let given = level.iter().zip(given).filter(|(_, given)| *given > 0);
        dealt.extend(given.map(|(hungry, given)| (hungry.process, given)));
    }
    dealt
}

/// Whether a process passes its lanes on instead of keeping them: somebody else of at least its priority wants one.
#[must_use]
pub fn yields(hungry: &[Hungry], process: ProcessId, priority: i8) -> bool {
    hungry
        .iter()
        .any(|other| other.process != process && other.priority >= priority)
}

/// Of the lanes of a process those that are an engine's, where `among` engines work on it and `place` of them come before this one.
/// The shares of all of them sum up to the lanes.
#[must_use]
pub const fn of_node(lanes: u32, place: u32, among: u32) -> u32 {
    if among == 0 {
        return lanes;
    }
    let rest = lanes % among;
    lanes / among + if place < rest { 1 } else { 0 }
}

#[cfg(test)]
mod tests;
