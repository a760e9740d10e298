//! The last events, numbered from 1 without gaps. Pure: who reads says where it is, and is told what it missed.

use super::Line;
use std::collections::VecDeque;
use std::sync::Arc;

/// At most so many lines.
#[derive(Debug)]
pub(super) struct Ring {
    kept: VecDeque<Arc<Line>>,
    /// The number of the newest line that was ever added.
    newest: u64,
    max: usize,
}

/// What a reader gets.
#[derive(Debug)]
pub(super) struct Read {
    /// Lines that it can never read any more.
    pub(super) missed: u64,
    /// The next lines.
    pub(super) lines: Vec<Arc<Line>>,
    /// Where it is now: the number of the last of these lines.
    pub(super) at: u64,
}

impl Ring {
    pub(super) fn new(max: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            newest: 0,
            max: max.max(1),
        }
    }

    /// Adds a line and gives its number.
    pub(super) fn push(&mut self, line: Line) -> u64 {
        if self.kept.len() == self.max {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::new(line));
        self.newest += 1;
        self.newest
    }

    /// At most `max` lines after the one with number `seen`. Who claims to have seen more than there was has seen all.
    pub(super) fn after(&self, seen: u64, max: usize) -> Read {
        let forgotten = self.newest - self.kept.len() as u64;
        let from = seen.max(forgotten).min(self.newest);
        let skipped = usize::try_from(from - forgotten).unwrap_or(usize::MAX);
        let lines: Vec<Arc<Line>> = (self.kept.iter().skip(skipped).take(max).cloned()).collect();
        Read {
            missed: forgotten.saturating_sub(seen),
            at: from + lines.len() as u64,
            lines,
        }
    }
}

#[cfg(test)]
mod tests;
