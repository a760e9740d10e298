//! Named limits: who may use what at once.
//!
//! A slot is a permit of a fair semaphore: waiters are served in order of arrival. Steps take all their slots in one global
//! order (by name), so no two can wait for each other. Nothing here is durable: a slot belongs to a running step, and dies with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// One limit that a step must pass.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// As causes name it.
    pub(crate) name: Arc<str>,
    pub(crate) semaphore: Arc<Semaphore>,
}

/// All limits of one engine, by name.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    // Held only for the look-up; never across an await.
    by_key: Mutex<HashMap<String, (Slot, u32)>>,
}

impl Slots {
    /// The limit with this key, made with `count` slots if it is new. A pipeline that asks for more than another did widens it.
    pub(crate) fn get(&self, key: &str, name: &str, count: u32) -> Slot {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let (slot, known) = by_key.entry(key.to_owned()).or_insert_with(|| {
            (
                Slot {
                    name: Arc::from(name),
                    semaphore: Arc::new(Semaphore::new(count as usize)),
                },
                count,
            )
        });
        if count > *known {
            slot.semaphore.add_permits((count - *known) as usize);
            *known = count;
        }
        slot.clone()
    }
}
