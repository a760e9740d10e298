//! What happens, for whoever watches: one ring of the last events, from which every client reads at its own pace.
//!
//! ```text
//!  engine ──broadcast──► feed ─┐
//!                              ├──► ring ◄── client (its own place in it, no queue)
//!  store ──────look──► watch ──┘
//! ```
//!
//! A client has no queue here, only a place in the ring: one that is slow falls behind by itself, is told how much it missed, and
//! slows nobody down. Positions outlive a connection, so that who comes back goes on where it was, but not the server. Events are
//! never the truth: that is the store, and who missed some reads it again.

mod feed;
mod position;
mod ring;
mod stream;

pub(crate) use feed::{feed, watch};
pub(crate) use stream::events;

use carril::model::contract::Tally;
use carril::model::state::ProcessState;
use carril::shape::EventShape;
use position::Position;
use ring::Ring;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch as bell;

/// Processes of which it is remembered how they were last told.
const TOLD_MAX: usize = 2_000;

/// Something that happened, as it is written.
#[derive(Debug)]
pub(crate) struct Line {
    /// The event's name.
    pub(crate) event: &'static str,
    /// The process that it is about, if it is about one.
    pub(crate) process: Option<i64>,
    /// JSON.
    pub(crate) text: String,
}

/// The ring, and who watches it.
pub(crate) struct Live {
    epoch: u64,
    ring: Mutex<Ring>,
    /// The number of the newest line.
    moved: bell::Sender<u64>,
    /// How many streams there are.
    streams: bell::Sender<usize>,
    told: Mutex<BTreeMap<i64, (ProcessState, Tally)>>,
}

impl Live {
    /// An empty one. `epoch` tells its positions from those of a server before it.
    pub(crate) fn new(epoch: u64, kept: usize) -> Self {
        Self {
            epoch,
            ring: Mutex::new(Ring::new(kept)),
            moved: bell::Sender::new(0),
            streams: bell::Sender::new(0),
            told: Mutex::default(),
        }
    }

    /// Adds a line.
    pub(crate) fn push(&self, line: Line) {
        let newest = self.ring().push(line);
        self.moved.send_replace(newest);
    }

    /// Adds an event.
    pub(crate) fn event(&self, event: &EventShape<'_>, name: &'static str, process: Option<i64>) {
        self.push(Line {
            event: name,
            process,
            // Our shapes have texts for keys, so they always become JSON.
            text: serde_json::to_string(event).unwrap_or_default(),
        });
    }

    /// Remembers how a process was told last; whether that is news.
    fn is_news(&self, process: i64, state: ProcessState, tally: Tally) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = told.insert(process, (state, tally));
        if told.len() > TOLD_MAX {
            told.pop_first();
        }
        before != Some((state, tally))
    }

    /// How many streams there are.
    pub(crate) fn streams(&self) -> usize {
        *self.streams.borrow()
    }

    /// Where the ring is now.
    fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            number: *self.moved.borrow(),
        }
    }

    /// A place among the streams, unless there are as many as there may be.
    fn join(self: &Arc<Self>, max: usize) -> Option<Watching> {
        let joined = self.streams.send_if_modified(|streams| {
            let has_room = *streams < max;
            *streams += usize::from(has_room);
            has_room
        });
        joined.then(|| Watching {
            live: Arc::clone(self),
        })
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's place, until it is dropped.
struct Watching {
    live: Arc<Live>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.live.streams.send_modify(|streams| *streams -= 1);
    }
}
