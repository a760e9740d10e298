//! What running attempts tell of locks until their lane hears it.
//!
//! An attempt tells while its lane may be at work on something else, such as waiting for the journal. So news are kept here, in
//! order and at most [`NEWS_MAX`]; with more the oldest go, and the last of each attempt always counts.

use carril_model::contract::LockSink;
use carril_model::id::StepId;
use carril_model::lock::LockNews;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Most news that are kept for a lane. One that is not held up hears each at once; a wait told anew replaces what was told of it.
const NEWS_MAX: usize = 32;

/// News of one attempt.
#[derive(Debug, PartialEq)]
pub(super) struct News {
    pub(super) step: StepId,
    pub(super) attempt: u32,
    pub(super) what: LockNews,
}

/// What was told and not heard yet.
#[derive(Debug, Default)]
pub(super) struct Ear {
    news: Mutex<VecDeque<News>>,
    rung: Notify,
}

struct Mouth {
    ear: Arc<Ear>,
    step: StepId,
    attempt: u32,
}

impl Ear {
    /// How one attempt tells.
    pub(super) fn sink(self: &Arc<Self>, step: StepId, attempt: u32) -> Arc<dyn LockSink> {
        Arc::new(Mouth {
            ear: Arc::clone(self),
            step,
            attempt,
        })
    }

    /// Resolves when something was told since it last did.
    pub(super) async fn rung(&self) {
        self.rung.notified().await;
    }

    /// Takes what was told, in order.
    pub(super) fn take(&self) -> VecDeque<News> {
        std::mem::take(&mut *self.lock())
    }

    fn tell(&self, news: News) {
        let mut all = self.lock();
        if let Some(last) = all.back_mut()
            && is_replaced(last, &news)
        {
            *last = news;
        } else {
            if all.len() >= NEWS_MAX {
                all.pop_front();
            }
            all.push_back(news);
        }
        drop(all);
        self.rung.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<News>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the later news say all that the earlier do: more of the same wait.
fn is_replaced(before: &News, after: &News) -> bool {
    if (before.step, before.attempt) != (after.step, after.attempt) {
        return false;
    }
    match (&before.what, &after.what) {
        (LockNews::Waits(before), LockNews::Waits(after)) => {
            before.is_same_wait(after) && before.since == after.since
        }
        _ => false,
    }
}

impl LockSink for Mouth {
    fn tell(&self, news: LockNews) {
        self.ear.tell(News {
            step: self.step,
            attempt: self.attempt,
            what: news,
        });
    }
}

impl fmt::Debug for Mouth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mouth")
            .field("step", &self.step)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
