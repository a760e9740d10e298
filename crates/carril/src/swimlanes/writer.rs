//! The trace event format: one JSON object with a list of events, each written as it comes.
//!
//! Times are microseconds since 1970, as the store has them, so that traces of several processes
//! can be laid over each other. Track numbers stay below 2^32, which viewers want.

use super::slices::Slice;
use serde_json::{Value, json};

/// Tracks beside a lane's own, for what overlaps in it, are numbered from here.
const BESIDE: i64 = 2_000_000_000;

/// Writes one process.
#[derive(Debug)]
pub(super) struct Writer {
    out: Vec<u8>,
    process: i64,
    beside: i64,
    arrows: i64,
    is_first: bool,
}

impl Writer {
    pub(super) fn new(process: i64) -> Self {
        Self {
            out: b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[".to_vec(),
            process,
            beside: BESIDE,
            arrows: 0,
            is_first: true,
        }
    }

    /// What was written since this was asked last.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Names the process.
    pub(super) fn process(&mut self, name: &str) {
        self.event(&json!({"ph": "M", "name": "process_name", "args": {"name": name}}));
    }

    /// Names a lane's own track and gives its number.
    pub(super) fn main(&mut self, number: i64, name: &str) -> i64 {
        self.track(number, number * 100, name);
        number
    }

    /// Makes one more track for the lane that was named last.
    pub(super) fn beside(&mut self, name: &str) -> i64 {
        self.beside += 1;
        self.track(self.beside, self.beside, name);
        self.beside
    }

    fn track(&mut self, number: i64, order: i64, name: &str) {
        self.event(
            &json!({"ph": "M", "tid": number, "name": "thread_name", "args": {"name": name}}),
        );
        self.event(&json!({"ph": "M", "tid": number, "name": "thread_sort_index", "args": {"sort_index": order}}));
    }

    /// Something that took time.
    pub(super) fn slice(&mut self, track: i64, slice: &Slice) {
        self.event(&json!({
            "ph": "X", "tid": track, "name": slice.name, "cat": slice.kind, "ts": slice.began, "dur": slice.micros, "args": slice.told,
        }));
    }

    /// From a wait to the end of the use that it waited for: track and time of each.
    pub(super) fn arrow(&mut self, from: (i64, i64), to: (i64, i64)) {
        self.arrows += 1;
        let id = self.arrows;
        self.event(&json!({"ph": "s", "id": id, "tid": from.0, "ts": from.1, "name": "waits for", "cat": "wait"}));
        self.event(&json!({"ph": "f", "bp": "e", "id": id, "tid": to.0, "ts": to.1, "name": "waits for", "cat": "wait"}));
    }

    /// How many lanes were at work from a time on.
    pub(super) fn count(&mut self, at: i64, lanes: i64) {
        self.event(
            &json!({"ph": "C", "name": "lanes at work", "ts": at, "args": {"lanes": lanes}}),
        );
    }

    /// The end of the file.
    pub(super) fn end(&mut self) {
        self.out.extend_from_slice(b"\n]}\n");
    }

    fn event(&mut self, event: &Value) {
        let mut event = event.clone();
        event["pid"] = json!(self.process);
        let gap: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.is_first = false;
        self.out.extend_from_slice(gap);
        self.out.extend_from_slice(event.to_string().as_bytes());
    }
}
