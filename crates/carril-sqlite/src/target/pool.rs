//! The database threads of one target: one for the shared file's writer, and a bounded number that lanes take turns on.
//!
//! A [`Seat`] is a thread with its connection. A lane keeps its seat between its steps, so that its file need not be opened
//! again; when all seats are taken, the lane that has been idle longest gives its up, and when none is idle, callers wait in
//! order. All work of one lane goes to one seat, so it is done one piece after the other, in the order it came.

use super::guard::Guard;
use super::lane::LaneKey;
use super::lock;
use super::stop::Stop;
use crate::driver::{Gone, Worker};
use rusqlite::Connection;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much work may be queued on one thread; more waits outside, in order.
const WORK_WAITING_MAX: usize = 32;

/// A thread with its connection, and what is known about it.
pub(crate) struct Seat {
    worker: Worker,
    guard: Arc<Guard>,
    /// What the connection is open for; the in-memory one that a thread begins with is for nothing.
    open_for: Mutex<Option<OpenFor>>,
    /// Work panicked on the connection, so nobody knows what it left attached.
    suspect: AtomicBool,
}

/// What a seat's connection is open for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenFor {
    /// The shared file.
    Shared,
    /// One lane's file.
    Lane(LaneKey),
}

impl Seat {
    /// A thread whose connection is not opened yet.
    pub(crate) fn start(name: &str) -> std::io::Result<Arc<Self>> {
        let nothing = nothing().map_err(std::io::Error::other)?;
        let worker = Worker::start(name, nothing, WORK_WAITING_MAX)?;
        Ok(Arc::new(Self {
            worker,
            guard: Arc::default(),
            open_for: Mutex::default(),
            suspect: AtomicBool::new(false),
        }))
    }

    /// Has work done on the seat's thread.
    ///
    /// # Cancel safety
    /// As [`Worker::call`].
    pub(crate) fn call<T, F>(
        self: &Arc<Self>,
        work: F,
    ) -> impl Future<Output = Result<T, Gone>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session<'_>) -> T + Send + 'static,
    {
        let seat = Arc::clone(self);
        self.worker.call(move |connection| {
            let _suspect = SuspectOnPanic(&seat);
            work(&mut Session {
                connection,
                seat: &seat,
            })
        })
    }
}

/// Has the connection opened anew after a panic.
struct SuspectOnPanic<'a>(&'a Seat);

impl Drop for SuspectOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.suspect.store(true, Ordering::Relaxed);
        }
    }
}

/// A seat whose thread is started when it is first needed.
pub(crate) struct LazySeat {
    name: &'static str,
    seat: Mutex<Option<Arc<Seat>>>,
}

impl LazySeat {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            seat: Mutex::default(),
        }
    }

    /// The seat.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn get(&self) -> std::io::Result<Arc<Seat>> {
        let mut seat = lock(&self.seat);
        match &*seat {
            Some(seat) => Ok(Arc::clone(seat)),
            None => Ok(Arc::clone(seat.insert(Seat::start(self.name)?))),
        }
    }
}

/// A seat's connection in the hands of the work on its thread.
pub(crate) struct Session<'a> {
    connection: &'a mut Connection,
    seat: &'a Seat,
}

impl Session<'_> {
    /// The connection, opened by `open` if it is not open for this yet.
    pub(crate) fn open<E>(
        &mut self,
        what: OpenFor,
        open: impl FnOnce(&Arc<Guard>) -> Result<Connection, E>,
    ) -> Result<(&mut Connection, &Arc<Guard>), E> {
        let suspect = self.seat.suspect.swap(false, Ordering::Relaxed);
        if suspect || *lock(&self.seat.open_for) != Some(what) {
            self.close();
            *self.connection = open(&self.seat.guard)?;
            *lock(&self.seat.open_for) = Some(what);
        }
        Ok((self.connection, &self.seat.guard))
    }

    /// Closes the connection; the next work opens its own.
    pub(crate) fn close(&mut self) {
        if lock(&self.seat.open_for).take().is_some()
            && let Ok(nothing) = nothing()
        {
            *self.connection = nothing;
        }
    }

    /// Does work that can be stopped by `stop`; if it was stopped before it began, it is not begun.
    pub(crate) fn stoppable<T>(
        &mut self,
        stop: &Arc<Stop>,
        work: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, super::stop::Why> {
        stop.check()?;
        let _ended = Ended(stop);
        Ok(work(self))
    }
}

/// Marks the work ended, also when it panics.
struct Ended<'a>(&'a Stop);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn nothing() -> rusqlite::Result<Connection> {
    Connection::open_in_memory()
}

/// The lanes' seats.
pub(crate) struct Pool {
    name: String,
    permits: Arc<Semaphore>,
    seats: Mutex<Seats>,
    max: usize,
}

#[derive(Default)]
struct Seats {
    started: usize,
    free: Vec<Arc<Seat>>,
    taken: HashMap<LaneKey, Taken>,
    /// Counts uses, for telling which lane has been idle longest.
    uses: u64,
}

struct Taken {
    seat: Arc<Seat>,
    users: usize,
    last_use: u64,
}

/// A lane's seat while somebody uses it. Goes with the work to the thread, so that a seat whose work is still running is
/// never taken for idle, whatever became of whoever waited for it.
pub(crate) struct LaneSeat {
    pool: Arc<Pool>,
    lane: LaneKey,
    pub(crate) seat: Arc<Seat>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// At most `max` threads and connections, at least one.
    pub(crate) fn new(name: &str, max: usize) -> Arc<Self> {
        let max = max.max(1);
        Arc::new(Self {
            name: name.to_owned(),
            permits: Arc::new(Semaphore::new(max)),
            seats: Mutex::default(),
            max,
        })
    }

    /// The lane's seat; waits in order while all are in use.
    ///
    /// # Errors
    /// When the system gives no thread.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the order, nothing else.
    pub(crate) async fn seat(self: &Arc<Self>, lane: LaneKey) -> std::io::Result<LaneSeat> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("the pool never closes its semaphore");
        let seat = self.take(lane)?;
        Ok(LaneSeat {
            pool: Arc::clone(self),
            lane,
            seat,
            _permit: permit,
        })
    }

    fn take(&self, lane: LaneKey) -> std::io::Result<Arc<Seat>> {
        let mut seats = lock(&self.seats);
        seats.uses += 1;
        let last_use = seats.uses;
        if let Some(taken) = seats.taken.get_mut(&lane) {
            taken.users += 1;
            taken.last_use = last_use;
            return Ok(Arc::clone(&taken.seat));
        }
        let seat = match seats.free.pop() {
            Some(seat) => seat,
            None if seats.started < self.max => {
                let seat = Seat::start(&format!("{}-{}", self.name, seats.started))?;
                seats.started += 1;
                seat
            }
            None => seats.give_up_idle(),
        };
        seats.taken.insert(
            lane,
            Taken {
                seat: Arc::clone(&seat),
                users: 1,
                last_use,
            },
        );
        Ok(seat)
    }

    fn give_back(&self, lane: LaneKey) {
        if let Some(taken) = lock(&self.seats).taken.get_mut(&lane) {
            taken.users -= 1;
        }
    }

    /// Closes the connections of these lanes, after what is running on them; their seats are free then.
    pub(crate) async fn close(
        self: &Arc<Self>,
        which: impl Fn(&LaneKey) -> bool,
    ) -> Result<(), Gone> {
        let lanes: Vec<(LaneKey, Arc<Seat>)> = {
            let seats = lock(&self.seats);
            seats
                .taken
                .iter()
                .filter(|(lane, _)| which(lane))
                .map(|(lane, taken)| (*lane, Arc::clone(&taken.seat)))
                .collect()
        };
        for (lane, seat) in lanes {
            seat.call(move |session| {
                let open_for = *lock(&session.seat.open_for);
                if open_for == Some(OpenFor::Lane(lane)) {
                    session.close();
                }
            })
            .await?;
            lock(&self.seats).free_if_idle(lane, &seat);
        }
        Ok(())
    }
}

impl Seats {
    /// The seat of the lane that has been idle longest. There is one: every user holds a permit, and there are no more
    /// permits than seats.
    fn give_up_idle(&mut self) -> Arc<Seat> {
        let idle = self
            .taken
            .iter()
            .filter(|(_, taken)| taken.users == 0)
            .min_by_key(|(_, taken)| taken.last_use);
        let lane = *idle.expect("fewer callers than seats use one").0;
        self.taken
            .remove(&lane)
            .expect("the lane was just found")
            .seat
    }

    fn free_if_idle(&mut self, lane: LaneKey, seat: &Arc<Seat>) {
        let idle = self
            .taken
            .get(&lane)
            .is_some_and(|taken| taken.users == 0 && Arc::ptr_eq(&taken.seat, seat));
        if idle && let Some(taken) = self.taken.remove(&lane) {
            self.free.push(taken.seat);
        }
    }
}

impl Drop for LaneSeat {
    fn drop(&mut self) {
        self.pool.give_back(self.lane);
    }
}
