//! Lane keys of launches that are not open yet.
//!
//! A launch of many chunks would put entries all over the list of lane keys with every chunk, and write most of its pages
//! each time. Nobody needs these entries before the launch opens, as long as nobody else has the key. So keys that only one
//! execution has are kept here, and put in many at a time, in the list's order. As soon as a second execution has the key, both
//! are listed at once. Losing all of it is harmless: who loses it enters anew, and removes launches that were not finished.

use super::super::fault::OrFault;
use super::super::session::write;
use super::sweep::Entry;
use carril_model::contract::Fault;
use carril_model::id::ProcessId;
use rusqlite::Connection;
use std::collections::HashMap;

/// How many are kept before they are put in: some 3 MB.
const KEPT_MAX: usize = 65_536;

/// How many one transaction puts in: a few milliseconds.
const SLICE: usize = 4_096;

/// Of each lane key that one execution alone has, who that is, and of which process.
#[derive(Debug, Default)]
pub(crate) struct Coming {
    of_key: HashMap<i64, (i64, ProcessId)>,
}

impl Coming {
    /// The execution that is to be listed under a key and is not yet.
    pub(crate) fn get(&self, lane_hash: i64) -> Option<i64> {
        self.of_key.get(&lane_hash).map(|(execution, _)| *execution)
    }

    /// Keeps the entries of a chunk that is durable.
    pub(crate) fn keep(&mut self, process: ProcessId, chunk: Vec<Entry>) {
        let chunk = chunk.into_iter();
        self.of_key
            .extend(chunk.map(|(lane_hash, execution)| (lane_hash, (execution, process))));
    }

    /// Whether it is time to put in what is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.of_key.len() >= KEPT_MAX
    }

    /// Lets go of a launch that is removed.
    pub(crate) fn forget(&mut self, process: ProcessId) {
        self.of_key.retain(|_, (_, whose)| *whose != process);
    }

    /// Puts in everything, a slice a transaction. What a fault leaves is put in by the next call.
    pub(crate) fn list(&mut self, connection: &mut Connection) -> Result<(), Fault> {
        let mut entries: Vec<Entry> = self
            .of_key
            .iter()
            .map(|(lane_hash, (execution, _))| (*lane_hash, *execution))
            .collect();
        entries.sort_unstable();
        for slice in entries.chunks(SLICE) {
            write(connection, |transaction| enter(transaction, slice))?;
            for (lane_hash, _) in slice {
                self.of_key.remove(lane_hash);
            }
        }
        // A launch is over before long, and its memory with it.
        self.of_key = HashMap::new();
        Ok(())
    }
}

/// Lists entries, given in the list's order; one that is listed already stays so.
pub(crate) fn enter(connection: &Connection, entries: &[Entry]) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(sql!("lane_enter")).or_fault()?;
    for (lane_hash, execution) in entries {
        statement.execute([lane_hash, execution]).or_fault()?;
    }
    Ok(())
}
