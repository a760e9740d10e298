//! A limited number of permits, given out in the order of [`Queue`].
//!
//! A semaphore whose waiters have priorities and take turns; those of the runtime serve by arrival alone. Nothing here is
//! durable: a permit belongs to a running step, and dies with it.

use super::queue::{Claimant, Queue};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// The permits of one limit.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<Inside>);

/// Permits are free only while nobody waits.
#[derive(Debug)]
struct Inside {
    permits: u32,
    free: u32,
    queue: Queue<oneshot::Sender<Permit>>,
}

/// One permit; goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Option<Arc<Gate>>);

impl Gate {
    pub(crate) fn new(permits: u32) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inside {
            permits,
            free: permits,
            queue: Queue::default(),
        })))
    }

    /// Gives out up to so many from now on, if that is more than before.
    pub(crate) fn widen(self: &Arc<Self>, permits: u32) {
        let more = {
            let mut inside = self.lock();
            let more = permits.saturating_sub(inside.permits);
            inside.permits += more;
            more
        };
        for _ in 0..more {
            self.give_back();
        }
    }

    /// A permit at once, or a place in the queue.
    pub(crate) fn enter(self: &Arc<Self>, who: Claimant) -> Result<Permit, Waiting> {
        let mut inside = self.lock();
        if inside.free > 0 {
            inside.free -= 1;
            return Ok(Permit(Some(Arc::clone(self))));
        }
        let (grant, granted) = oneshot::channel();
        let number = inside.queue.join(who, grant);
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
        inside.free = inside.free.checked_sub(1)?;
        Some(Permit(Some(Arc::clone(self))))
    }

    /// Hands a permit to whose turn it is.
    fn give_back(self: &Arc<Self>) {
        let mut permit = Permit(Some(Arc::clone(self)));
        loop {
            let next = {
                let mut inside = self.lock();
                let next = inside.queue.next();
                if next.is_none() {
                    inside.free += 1;
                }
                next
            };
            let Some(next) = next else {
                // It is free; nothing goes back a second time.
                permit.0 = None;
                return;
            };
            // Outside the lock: what is not taken comes back here, and what is dropped with its receiver gives itself back.
            match next.send(permit) {
                Ok(()) => return,
                Err(refused) => permit = refused,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
