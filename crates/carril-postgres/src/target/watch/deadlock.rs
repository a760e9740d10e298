//! Attempts that fail by a lock: who held it when the wait was given up, and who was on the other side of a deadlock, in which two wait
//! for each other: the server fails one of them, and names both by their processes.
//!
//! The register and the last look know whose these are. What the failed side waited for, and behind whom, becomes a record like
//! any other wait for a lock.

use super::{DEADLOCK_MICROS, State, Watched, stranger};
use crate::target::lock;
use carril_model::contract::StepError;
use carril_model::lock::{Blocker, LockNews, LockWait};
use carril_model::time::Timestamp;
use tokio_postgres::error::SqlState;

/// What the server's words say of the side that failed.
#[derive(Debug, PartialEq, Eq)]
struct Circle {
    /// The process that blocked it.
    by: i32,
    mode: Option<String>,
    kind: Option<String>,
    table: Option<String>,
}

/// An error as it is told: with who held the lock, or was on the other side of a deadlock.
pub(super) fn told(watched: &Watched, mut error: StepError) -> StepError {
    let watch = &watched.watch;
    let now = watch.now();
    let mut state = lock(&watch.state);
    if error.native.as_deref() == Some(SqlState::LOCK_NOT_AVAILABLE.code()) {
        let work = state.at_work.get(&watched.pid);
        if let Some(told) = work.and_then(|work| work.told.as_ref()) {
            add(&mut error, "it was held by", &told.wait.blocker);
        }
        return error;
    }
    if error.native.as_deref() != Some(SqlState::T_R_DEADLOCK_DETECTED.code()) {
        return error;
    }
    let Some(circle) = circle(&error.message, watched.pid, |pid| state.knows(pid)) else {
        return error;
    };
    let blocker = state.partner(circle.by);
    add(&mut error, "on the other side was", &blocker);
    let longest = state.deadlock_micros.unwrap_or(DEADLOCK_MICROS);
    let Some(work) = state.at_work.get_mut(&watched.pid) else {
        return error;
    };
    let told = work.told.take().map(|told| told.wait);
    // The server looks for a circle when one has waited so long, and fails that one.
    let since = Timestamp(now.0 - longest).max(work.busy_since);
    let wait = LockWait {
        target: watch.target.clone(),
        table: circle
            .table
            .or_else(|| told.as_ref()?.table.clone())
            .or_else(|| work.tables.first().cloned()),
        kind: circle
            .kind
            .or_else(|| told.as_ref().map(|told| told.kind.clone()))
            .unwrap_or_else(|| "transactionid".to_owned()),
        mode: circle
            .mode
            .or_else(|| told.as_ref().map(|told| told.mode.clone()))
            .unwrap_or_default(),
        pid: watched.pid,
        since: told.map_or(since, |told| told.since),
        blocker,
        through: Vec::new(),
        deadlock: true,
    };
    let sink = work.sink.clone();
    drop(state);
    if let Some(sink) = sink {
        sink.tell(LockNews::Waits(Box::new(wait)));
        sink.tell(LockNews::Over { at: now });
    }
    error
}

/// Says who in the error's own words, which stay as long as those of any error.
fn add(error: &mut StepError, how: &str, blocker: &Blocker) {
    let text = format!("{}; {how} {blocker}", error.message);
    error.message = StepError::new(&error.code, error.class, text).message;
}

impl State {
    fn knows(&self, pid: i32) -> bool {
        let is_past = || self.past.iter().any(|(past, _)| *past == pid);
        self.at_work.contains_key(&pid) || self.seen.contains_key(&pid) || is_past()
    }

    /// Who had a process of the server a moment ago.
    fn partner(&self, pid: i32) -> Blocker {
        if let Some(work) = self.at_work.get(&pid) {
            return work.who.blocker(pid);
        }
        let mut past = self.past.iter().rev();
        if let Some((_, who)) = past.find(|(past, _)| *past == pid) {
            return who.blocker(pid);
        }
        stranger(pid, self.seen.get(&pid))
    }
}

/// Reads the server's words, `Process 7 waits for ShareLock on transaction 5; blocked by process 8.` and `… in relation "a"`. Where
/// they are in another language, the other side is a number among them that is known to be a process.
fn circle(message: &str, own: i32, knows: impl Fn(i32) -> bool) -> Option<Circle> {
    let start = format!("Process {own} waits for ");
    let table = between(message, "in relation \"", "\"").map(str::to_owned);
    let Some(at) = message.find(&start) else {
        let numbers = message.split(|letter: char| !letter.is_ascii_digit());
        let mut pids = numbers.filter_map(|number| number.parse().ok());
        let by = pids.find(|pid| *pid != own && knows(*pid))?;
        return Some(Circle {
            by,
            mode: None,
            kind: None,
            table,
        });
    };
    let line = &message[at + start.len()..];
    let mode = line.split(' ').next().map(str::to_owned);
    let kind = between(line, " on ", " ").map(|what| match what {
        "transaction" => "transactionid".to_owned(),
        what => what.to_owned(),
    });
    let by = line.split("blocked by process ").nth(1)?;
    let digits: String = by.chars().take_while(char::is_ascii_digit).collect();
    Some(Circle {
        by: digits.parse().ok()?,
        mode,
        kind,
        table,
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let from = text.find(before)? + before.len();
    let length = text[from..].find(after)?;
    Some(&text[from..from + length])
}

#[cfg(test)]
mod tests;
