//! What the server says while a step runs (`RAISE NOTICE`, warnings), as the attempt's log.
//!
//! A connection's task hears it, in order with the answers, and gives it to the connection's [`Ear`], which drops it unless an attempt
//! listens. What is kept is bounded as a command's output is: the beginning and the end. Nobody waits for anybody: taking a notice is a copy of its
//! text.
//!
//! ```text
//! server ──notice──▶ task of the connection ──▶ Ear (by the server's process) ◀── Listening, while an attempt runs
//! ```

use carril_model::contract::{StepDone, StepError};
use carril_model::printed::Log;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio_postgres::error::DbError;

/// Takes what one connection is told.
#[derive(Debug, Default)]
pub(crate) struct Ear(Mutex<Option<Heard>>);

/// What one attempt was told so far. Its own: the connection may be another's before it is read.
type Heard = Arc<Mutex<Log>>;

impl Ear {
    /// Takes a notice, if an attempt listens.
    pub(crate) fn take(&self, notice: &DbError) {
        if let Some(heard) = self.lock().as_ref() {
            let more = [("detail", notice.detail()), ("hint", notice.hint())];
            let (severity, code) = (notice.severity(), notice.code().code());
            push(heard, &line(severity, code, notice.message(), more));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Heard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push(heard: &Heard, line: &str) {
    let mut log = heard.lock().unwrap_or_else(PoisonError::into_inner);
    log.push(line.as_bytes());
}

/// Longest text of one notice that is kept, in bytes; the server may send megabytes.
const TEXT_MAX: usize = 8 * 1024;

/// `NOTICE 00000: what it says`, and what else it says in lines of its own below.
fn line(severity: &str, code: &str, message: &str, more: [(&str, Option<&str>); 2]) -> String {
    let mut line = format!("{severity} {code}: {}\n", cut(message));
    for (name, text) in more {
        if let Some(text) = text {
            line.push_str(&format!("  {name}: {}\n", cut(text)));
        }
    }
    line
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_MAX)]
}

/// The ears of a target's connections, by the server's process.
#[derive(Debug, Default)]
pub(crate) struct Ears(Mutex<HashMap<i32, Weak<Ear>>>);

impl Ears {
    /// A connection is there, whose task keeps its ear.
    pub(crate) fn enter(&self, pid: i32, ear: &Arc<Ear>) {
        let mut ears = self.lock();
        // Connections end without a word to anybody.
        ears.retain(|_, known| known.strong_count() > 0);
        ears.insert(pid, Arc::downgrade(ear));
    }

    /// Listens to the connection whose server process this is, until what this gives is dropped. Where nobody knows it nothing is heard.
    pub(crate) fn listen(&self, pid: i32) -> Listening {
        let ear = self.lock().get(&pid).and_then(Weak::upgrade);
        let listening = Listening {
            ear,
            heard: Heard::default(),
        };
        if let Some(ear) = &listening.ear {
            *ear.lock() = Some(Arc::clone(&listening.heard));
        }
        listening
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Weak<Ear>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt that listens to its connection.
#[derive(Debug)]
pub(crate) struct Listening {
    ear: Option<Arc<Ear>>,
    heard: Heard,
}

impl Listening {
    /// Ends listening, and puts what was heard into the attempt's outcome.
    pub(crate) fn told(self, outcome: Result<StepDone, StepError>) -> Result<StepDone, StepError> {
        let log = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *heard).finish()
        };
        match outcome {
            Ok(done) => Ok(StepDone { log, ..done }),
            Err(error) => Err(StepError { log, ..error }),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(ear) = &self.ear {
            let mut listener = ear.lock();
            if listener
                .as_ref()
                .is_some_and(|heard| Arc::ptr_eq(heard, &self.heard))
            {
                *listener = None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
