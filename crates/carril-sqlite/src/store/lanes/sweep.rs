//! Settled executions that lane keys still list.
//!
//! Their entries lie all over the list. Taking each out as it settles would write a page for each, so they are collected,
//! put in the list's order, and taken out neighbour by neighbour, a slice with every commit: what a settled execution costs
//! does not grow with the list, and no commit becomes long. Losing what was collected is harmless: the engine that enters
//! after one that died sweeps everything.

use super::super::fault::OrFault;
use carril_model::contract::Fault;
use rusqlite::Connection;

/// How many are collected, in 2 MB, before they are taken out: of a list of a million, each page is then written once for some ten
/// entries.
const SWEEP_AT: usize = 131_072;

/// How many a commit takes out at least, while there are some to take: about a millisecond.
const SLICE: usize = 512;

/// A lane key and an execution that it lists.
pub(crate) type Entry = (i64, i64);

/// What one engine has seen settle since it entered, and has not yet taken out.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    settled: Vec<Entry>,
    /// How many of `settled` are new since the last slice.
    added: usize,
    /// In the list's order, the first at the end.
    due: Vec<Entry>,
}

impl Sweep {
    /// Remembers an execution that has settled.
    pub(crate) fn add(&mut self, lane_hash: i64, execution: i64) {
        self.settled.push((lane_hash, execution));
        self.added += 1;
    }

    /// Takes the next slice out, if many are collected. What is taken out in a transaction that is then rolled back
    /// stays listed until the engine after one that died enters.
    pub(crate) fn run(&mut self, connection: &Connection) -> Result<(), Fault> {
        if self.due.is_empty() {
            if self.settled.len() < SWEEP_AT {
                self.added = 0;
                return Ok(());
            }
            self.due = in_order(std::mem::take(&mut self.settled));
        }
        // Twice as many as settled meanwhile, so that the slices always catch up.
        let slice = SLICE
            .max(2 * std::mem::take(&mut self.added))
            .min(self.due.len());
        let rest = self.due.len() - slice;
        take_out(connection, self.due.drain(rest..).rev())?;
        if self.due.is_empty() {
            self.due = Vec::new();
        }
        Ok(())
    }

    /// Takes out everything that is collected.
    pub(crate) fn finish(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut all = std::mem::take(&mut self.settled);
        all.append(&mut self.due);
        take_out(connection, in_order(all).into_iter().rev())
    }
}

fn in_order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_unstable_by(|a, b| b.cmp(a));
    entries
}

/// Takes entries out whose executions are settled or gone.
pub(super) fn take_out(
    connection: &Connection,
    entries: impl Iterator<Item = Entry>,
) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(sql!("lane_sweep")).or_fault()?;
    for (lane_hash, execution) in entries {
        statement.execute([lane_hash, execution]).or_fault()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
