//! A limited number of permits, given out in the order of [`Queue`].
//!
//! A semaphore whose waiters have priorities and take turns; those of the runtime serve by arrival alone. Nothing here is
//! durable: a permit belongs to a running step, and dies with it.

use super::queue::{Claimant, Queue};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{Notify, oneshot};

/// The permits of one limit.
#[derive(Debug)]
pub(crate) struct Gate {
    // Held for moments only; never across an await.
    inside: Mutex<Inside>,
    /// Rung when somebody waits, and when one of too many comes back: whoever sees to it how many there may be looks then.
    bell: Option<Arc<Notify>>,
}

/// Nobody waits while fewer are out than there may be.
#[derive(Debug)]
struct Inside {
    permits: u32,
    /// Held, or granted and not yet taken; more than `permits` while some are to go when they come back.
    out: u32,
    queue: Queue<oneshot::Sender<Permit>>,
}

/// One permit; goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Option<Arc<Gate>>);

impl Gate {
    pub(crate) fn new(permits: u32) -> Arc<Self> {
        Self::made(permits, None)
    }

    /// One of which somebody else says how many there may be: none yet.
    pub(crate) fn shared(bell: Arc<Notify>) -> Arc<Self> {
        Self::made(0, Some(bell))
    }

    fn made(permits: u32, bell: Option<Arc<Notify>>) -> Arc<Self> {
        Arc::new(Self {
            inside: Mutex::new(Inside {
                permits,
                out: 0,
                queue: Queue::default(),
            }),
            bell,
        })
    }

    /// Gives out up to so many from now on, if that is more than before.
    pub(crate) fn widen(self: &Arc<Self>, permits: u32) {
        let before = self.lock().permits;
        if permits > before {
            self.set(permits);
        }
    }

    /// Gives out up to so many from now on. Those that are out stay out; of too many, none that comes back is given out again.
    pub(crate) fn set(self: &Arc<Self>, permits: u32) {
        let mut granted = Vec::new();
        {
            let mut inside = self.lock();
            inside.permits = permits;
            while inside.out < permits
                && let Some(next) = inside.queue.next()
            {
                inside.out += 1;
                granted.push(next);
            }
        }
        for next in granted {
            // What is not taken comes back by being dropped.
            let _ = next.send(Permit(Some(Arc::clone(self))));
        }
    }

    /// The same, if that is less than before; answers how many are out all the same.
    pub(crate) fn narrow(&self, permits: u32) -> u32 {
        let mut inside = self.lock();
        inside.permits = inside.permits.min(permits);
        inside.out
    }

    /// How many are out, and how many are waited for.
    pub(crate) fn demand(&self) -> (u32, u32) {
        let inside = self.lock();
        (inside.out, inside.queue.len())
    }

    /// A permit at once, or a place in the queue.
    pub(crate) fn enter(self: &Arc<Self>, who: Claimant) -> Result<Permit, Waiting> {
        let (number, granted) = {
            let mut inside = self.lock();
            if inside.out < inside.permits {
                inside.out += 1;
                return Ok(Permit(Some(Arc::clone(self))));
            }
            let (grant, granted) = oneshot::channel();
            (inside.queue.join(who, grant), granted)
        };
        self.ring();
        Err(Waiting {
            gate: Arc::clone(self),
            who,
            number,
            granted,
        })
    }

    /// A permit, if one is free.
    pub(crate) fn try_enter(self: &Arc<Self>) -> Option<Permit> {
        let mut inside = self.lock();
        if inside.out >= inside.permits {
            return None;
        }
        inside.out += 1;
        Some(Permit(Some(Arc::clone(self))))
    }

    /// Hands a permit to whose turn it is.
    fn give_back(self: &Arc<Self>) {
        let mut permit = Permit(Some(Arc::clone(self)));
        loop {
            let (next, is_too_many) = {
                let mut inside = self.lock();
                let is_too_many = inside.out > inside.permits;
                let next = if is_too_many {
                    None
                } else {
                    inside.queue.next()
                };
                if next.is_none() {
                    inside.out -= 1;
                }
                (next, is_too_many)
            };
            let Some(next) = next else {
                // It is free, or gone; nothing goes back a second time.
                permit.0 = None;
                if is_too_many {
                    self.ring();
                }
                return;
            };
            // Outside the lock: what is not taken comes back here, and what is dropped with its receiver gives itself back.
            match next.send(permit) {
                Ok(()) => return,
                Err(refused) => permit = refused,
            }
        }
    }

    fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = self.0.take() {
            gate.give_back();
        }
    }
}

/// A place in the queue, from when it was made.
///
/// # Cancel safety
/// Dropping it leaves the queue, and gives back a permit that was granted and not yet taken.
#[derive(Debug)]
pub(crate) struct Waiting {
    gate: Arc<Gate>,
    who: Claimant,
    number: u64,
    granted: oneshot::Receiver<Permit>,
}

impl Future for Waiting {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        Pin::new(&mut self.granted).poll(context).map(|granted| {
            granted.expect("a place in the queue is kept until it is granted or left")
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let left = self.gate.lock().queue.leave(self.who, self.number);
        drop(left);
    }
}

#[cfg(test)]
mod tests;
