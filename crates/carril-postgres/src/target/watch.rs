//! Which sessions are at work for which step, and what each is seen to wait for.
//!
//! Every attempt enters its session here while it has one, so that a process of the server can be told as an execution's; what
//! [`sampler`] sees of locks is told to the attempt's own sink. This module owns the register and knows what was told before; it
//! asks the server nothing, and whatever goes wrong with looking, no step hears of it.
//!
//! ```text
//! attempt ──enter, begins, returned──▶ [ register ] ◀──due, seen── sampler ──asks──▶ server
//!    sink ◀──waits for…, goes on────────────┘
//! ```

mod chain;
mod deadlock;
mod look;
mod sampler;

use super::lock;
use super::pool::{POOLED, Pool};
use carril_model::contract::{Clock, LockSink, StepCall, StepError};
use carril_model::id::ExecutionId;
use carril_model::lock::{Blocker, LOCK_SEEN_MICROS, LockNews, LockWait, Session};
use carril_model::time::Timestamp;
use look::{Sight, Wait};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How often a session at work is looked at that was not seen to wait: five times a second.
const AGAIN_MICROS: i64 = 200_000;
/// How often one is looked at that waits: nearly twenty times a second. While its wait is too short to be told it is looked at each time.
const WAITS_AGAIN_MICROS: i64 = 45_000;
/// How often a wait that goes on is told again, so that what is kept of it is never much older.
const TOLD_AGAIN_MICROS: i64 = 1_000_000;
/// How many sessions are remembered that have ended their work, for deadlocks that are told afterwards.
const PAST_MAX: usize = 256;
/// How many strangers' sessions are remembered from the last look that saw any.
const SEEN_MAX: usize = 256;
/// How long the server lets a wait last before it looks for a deadlock, unless it says otherwise: a second.
const DEADLOCK_MICROS: i64 = 1_000_000;

/// The register of one target.
pub(crate) struct Watch {
    target: String,
    clock: Arc<dyn Clock>,
    /// Whether anybody looks.
    looks: bool,
    state: Mutex<State>,
    /// Rung when there is somebody to look at, and when the target is dropped.
    wake: Arc<Notify>,
}

#[derive(Default)]
struct State {
    at_work: HashMap<i32, AtWork>,
    past: VecDeque<(i32, Who)>,
    seen: HashMap<i32, Session>,
    entered: u64,
    deadlock_micros: Option<i64>,
    sampler: Option<JoinHandle<()>>,
}

/// A step of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Who {
    execution: ExecutionId,
    /// `stage/step`.
    step: String,
}

/// A session at work.
struct AtWork {
    number: u64,
    who: Who,
    sink: Option<Arc<dyn LockSink>>,
    /// Tables that its statement writes, by its words.
    tables: Vec<String>,
    /// Since when it does what it does now.
    busy_since: Timestamp,
    looked: Option<Timestamp>,
    /// Whether the last look saw it wait, however short.
    waits: bool,
    told: Option<Told>,
}

struct Told {
    wait: LockWait,
    at: Timestamp,
}

/// An attempt's session in the register, until it is dropped.
pub(crate) struct Watched {
    watch: Arc<Watch>,
    pid: i32,
    number: u64,
}

impl Watch {
    /// A register with nobody in it; with `looks` somebody looks at the server's locks while anybody is.
    pub(crate) fn new(target: &str, clock: Arc<dyn Clock>, looks: bool) -> Arc<Self> {
        Arc::new(Self {
            target: target.to_owned(),
            clock,
            looks,
            state: Mutex::default(),
            wake: Arc::default(),
        })
    }

    /// Enters the session that works for an attempt.
    pub(crate) fn enter(self: &Arc<Self>, pool: &Arc<Pool>, call: &StepCall, pid: i32) -> Watched {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        state.entered += 1;
        let number = state.entered;
        let was_empty = state.at_work.is_empty();
        state.at_work.insert(
            pid,
            AtWork {
                number,
                who: Who {
                    execution: call.execution(),
                    step: call.plan.planned(call.step).path.clone(),
                },
                sink: call.locks.clone(),
                tables: Vec::new(),
                busy_since: now,
                looked: None,
                waits: false,
                told: None,
            },
        );
        if self.looks {
            // A runtime that is gone has taken the task with it.
            if state.sampler.as_ref().is_none_or(JoinHandle::is_finished) {
                let looking = sampler::run(Arc::downgrade(self), Arc::clone(pool));
                state.sampler = Some(crate::driver::look_on(looking));
            }
            if was_empty {
                self.wake.notify_one();
            }
        }
        drop(state);
        Watched {
            watch: Arc::clone(self),
            pid,
            number,
        }
    }

    /// Sessions that are to be looked at now; none where nobody is due. `None` when nobody is at work at all.
    fn due(&self, now: Timestamp) -> Option<Vec<i32>> {
        let state = lock(&self.state);
        if state.at_work.is_empty() {
            return None;
        }
        let old = |work: &&AtWork| now.micros_since(work.busy_since) >= LOCK_SEEN_MICROS;
        let is_due = state
            .at_work
            .values()
            .filter(old)
            .any(|work| work.is_due(now));
        if !is_due {
            return Some(Vec::new());
        }
        let pids = state.at_work.iter().filter(|(_, work)| old(work));
        Some(pids.map(|(pid, _)| *pid).collect())
    }

    /// Takes what a look at these sessions, begun at `asked`, has seen: who waits, for what; the others go on. Whoever has come to
    /// something else meanwhile is left alone: what was seen is over for that one.
    fn saw(&self, (looked_at, asked): (&[i32], Timestamp), waiting: &[i32], sight: &Sight) {
        let now = self.now();
        let mut state = lock(&self.state);
        if !sight.sessions.is_empty() {
            if state.seen.len() > SEEN_MAX {
                state.seen.clear();
            }
            let seen = sight.sessions.iter();
            state
                .seen
                .extend(seen.map(|(pid, seen)| (*pid, seen.session.clone())));
        }
        let mut told = Vec::new();
        for pid in looked_at {
            let wait = sight.waits.get(pid);
            let found = wait.and_then(|wait| self.lock_wait(&state, *pid, wait, sight, now));
            let work = state.at_work.get_mut(pid);
            let Some(work) = work.filter(|work| work.busy_since <= asked) else {
                continue;
            };
            work.looked = Some(now);
            work.waits = waiting.contains(pid);
            if !work.waits {
                told.extend(work.goes_on(now));
            } else if let Some(found) = found {
                told.extend(work.is_seen(found, now));
            }
        }
        drop(state);
        for (sink, news) in told {
            sink.tell(news);
        }
    }

    /// What is told of one who waits; `None` while it is too short, or where the look saw only half of it.
    fn lock_wait(
        &self,
        state: &State,
        pid: i32,
        wait: &Wait,
        sight: &Sight,
        now: Timestamp,
    ) -> Option<LockWait> {
        if wait.waited_micros? < LOCK_SEEN_MICROS {
            return None;
        }
        let way = chain::way(&sight.edges(), pid, |pid| sight.age(pid))?;
        let blocker = |pid: i32| state.blocker(pid, sight);
        let words = state.at_work.get(&pid).map_or(&[][..], |work| &work.tables);
        Some(LockWait {
            target: self.target.clone(),
            table: wait.table(words),
            kind: wait.kind.clone(),
            mode: wait.mode.clone(),
            pid,
            since: Timestamp(now.0 - wait.waited_micros?),
            blocker: blocker(way.root),
            through: way
                .through
                .into_iter()
                .take(carril_model::lock::THROUGH_MAX)
                .map(blocker)
                .collect(),
            deadlock: false,
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

impl State {
    /// Who has a process of the server: ours by the register, else by what it calls itself, else a stranger.
    fn blocker(&self, pid: i32, sight: &Sight) -> Blocker {
        if pid == 0 {
            return Blocker::Prepared;
        }
        if let Some(work) = self.at_work.get(&pid) {
            return work.who.blocker(pid);
        }
        let session = sight.sessions.get(&pid).map(|seen| &seen.session);
        // One that had ended its work when it was asked who it is: what it held is what its last attempt did.
        let is_at_rest =
            session.is_some_and(|session| session.application.as_deref() == Some(POOLED));
        let mut past = self.past.iter().rev().filter(|_| is_at_rest);
        if let Some((_, who)) = past.find(|(past, _)| *past == pid) {
            return who.blocker(pid);
        }
        stranger(pid, session.or_else(|| self.seen.get(&pid)))
    }
}

impl Who {
    fn blocker(&self, pid: i32) -> Blocker {
        Blocker::Execution {
            execution: self.execution,
            step: self.step.clone(),
            pid,
        }
    }
}

/// One that is not in the register: another engine's execution where it is called so, else a session.
fn stranger(pid: i32, session: Option<&Session>) -> Blocker {
    let named = session.and_then(|session| session.application.as_deref());
    match named.and_then(super::name::execution_of) {
        Some((execution, step)) => Blocker::Execution {
            execution,
            step,
            pid,
        },
        None => Blocker::Session(Box::new(session.cloned().unwrap_or(Session {
            pid,
            ..Session::default()
        }))),
    }
}

impl AtWork {
    fn is_due(&self, now: Timestamp) -> bool {
        match self.looked {
            Some(looked) if self.told.is_some() => now.micros_since(looked) >= WAITS_AGAIN_MICROS,
            _ if self.waits || self.told.is_some() => true,
            Some(looked) if looked > self.busy_since => now.micros_since(looked) >= AGAIN_MICROS,
            _ => true,
        }
    }

    /// It waits for no lock any more.
    fn goes_on(&mut self, at: Timestamp) -> Option<(Arc<dyn LockSink>, LockNews)> {
        self.waits = false;
        self.told.take()?;
        Some((self.sink.clone()?, LockNews::Over { at }))
    }

    fn is_seen(
        &mut self,
        mut wait: LockWait,
        now: Timestamp,
    ) -> Option<(Arc<dyn LockSink>, LockNews)> {
        if let Some(told) = &self.told {
            if told.wait.is_same_wait(&wait) {
                // The server may begin to count anew within it: from the queue for a row to its holder.
                wait.since = told.wait.since;
                let is_old = now.micros_since(told.at) >= TOLD_AGAIN_MICROS;
                if !is_old && told.wait.looks_like(&wait) {
                    return None;
                }
            } else if wait.since <= told.wait.since {
                // Another holds it up now, in what is one wait for the server: since when is known to a look.
                wait.since = now;
            }
        }
        self.told = Some(Told {
            wait: wait.clone(),
            at: now,
        });
        Some((self.sink.clone()?, LockNews::Waits(Box::new(wait))))
    }
}

impl Watched {
    /// A statement is about to be sent, which writes these tables by its words.
    pub(crate) fn begins(&self, tables: Vec<String>) {
        let now = self.watch.now();
        self.with(|work| {
            work.tables = tables;
            work.busy_since = now;
            None
        });
    }

    /// A statement has come back, so that no lock is waited for.
    pub(crate) fn returned(&self) {
        let now = self.watch.now();
        self.with(|work| {
            work.busy_since = now;
            work.goes_on(now)
        });
    }

    /// An error as it is told: of a deadlock, with who was on the other side. That is recorded as what was waited for, too.
    pub(crate) fn failed(&self, error: StepError) -> StepError {
        deadlock::told(self, error)
    }

    fn with(&self, change: impl FnOnce(&mut AtWork) -> Option<(Arc<dyn LockSink>, LockNews)>) {
        let mut state = lock(&self.watch.state);
        let work = state.at_work.get_mut(&self.pid);
        // The next one may have the connection, and its place, before this one has left.
        let news = work
            .filter(|work| work.number == self.number)
            .and_then(change);
        drop(state);
        if let Some((sink, news)) = news {
            sink.tell(news);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.returned();
        let mut state = lock(&self.watch.state);
        if state
            .at_work
            .get(&self.pid)
            .is_some_and(|work| work.number == self.number)
            && let Some(work) = state.at_work.remove(&self.pid)
        {
            if state.past.len() >= PAST_MAX {
                state.past.pop_front();
            }
            state.past.push_back((self.pid, work.who));
        }
    }
}

/// Sessions by process id.
type Sessions = BTreeMap<i32, look::Seen>;

#[cfg(test)]
mod tests;
