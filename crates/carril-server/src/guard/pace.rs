//! How fast one caller may ask: the generic cell rate algorithm, one number a caller. Who is faster waits; others are not touched.

use std::collections::HashMap;

/// Callers that are remembered. Where there are more, those that are within their rate are forgotten, which costs them nothing.
const CALLERS_MAX: usize = 10_000;
/// So many seconds' worth may come at once.
const BURST_SECONDS: i64 = 4;

/// When each caller's next request would be on time.
#[derive(Debug)]
pub(crate) struct Pace {
    gap_micros: i64,
    due: HashMap<String, i64>,
}

impl Pace {
    /// So many requests a second, at least 1.
    pub(crate) fn new(requests_per_second: u32) -> Self {
        Self {
            gap_micros: 1_000_000 / i64::from(requests_per_second.clamp(1, 1_000_000)),
            due: HashMap::new(),
        }
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// Microseconds until there is one; nothing was taken.
    pub(crate) fn take(&mut self, caller: &str, now: i64) -> Result<(), i64> {
        if self.due.len() >= CALLERS_MAX && !self.due.contains_key(caller) {
            self.due.retain(|_, due| *due > now);
            if self.due.len() >= CALLERS_MAX {
                return Err(self.gap_micros);
            }
        }
        let due = self.due.get(caller).copied().unwrap_or(now).max(now);
        let early = due - now;
        let allowed = BURST_SECONDS * 1_000_000 - self.gap_micros;
        if early > allowed {
            return Err(early - allowed);
        }
        self.due.insert(caller.to_owned(), due + self.gap_micros);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
