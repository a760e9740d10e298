//! What databases and the clock did to the attempts of a process, counted by kind: the figures of its report.
//!
//! The store groups failed attempts by their code and the target's own code; what such a pair means is decided here, for
//! every kind of target. Codes of different databases do not overlap: SQLSTATE has five characters, SQL Server's numbers
//! four digits, SQLite's are read only with the code that its busy locks have.

/// Failed attempts with the same code and native code, and how many there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedAttempts {
    /// `CARnnnn`.
    pub code: String,
    /// The target's own code, where it has one.
    pub native: Option<String>,
    /// Attempts that ended with it.
    pub attempts: u64,
    /// Those of them after which the step was tried again.
    pub retried: u64,
}

/// What kind of trouble an attempt had with its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// It and another transaction waited for each other, and it was the victim.
    Deadlock,
    /// It waited too long for a lock.
    LockTimeout,
    /// It could not be put in an order with other transactions.
    Serialisation,
    /// It was stopped because its time was over.
    Timeout,
    /// It went on in a transaction that could no longer be committed.
    Uncommittable,
}

impl Trouble {
    /// The trouble behind a code and a target's own code, if it is one that is counted.
    #[must_use]
    pub fn of(code: &str, native: Option<&str>) -> Option<Self> {
        // SQLite's primary code is the lowest byte: 5 is busy, 6 locked.
        const BUSY_OR_LOCKED: [u32; 2] = [5, 6];
        let by_native = match native.unwrap_or_default() {
            "40P01" | "1205" => Some(Self::Deadlock),
            "55P03" | "1222" => Some(Self::LockTimeout),
            "40001" | "3960" => Some(Self::Serialisation),
            "25P02" | "3998" | "3930" => Some(Self::Uncommittable),
            number if code == "CAR0502" => number
                .parse::<u32>()
                .ok()
                .filter(|number| BUSY_OR_LOCKED.contains(&(number & 0xff)))
                .map(|_| Self::LockTimeout),
            _ => None,
        };
        by_native.or_else(|| Self::of_code(code))
    }

    /// Where the target said no code of its own.
    fn of_code(code: &str) -> Option<Self> {
        (code == "CAR0503").then_some(Self::Timeout)
    }
}

/// The figures of one process, over all attempts of all its runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Attempts that were the victim of a deadlock.
    pub deadlocks: u64,
    /// Attempts that waited too long for a lock.
    pub lock_timeouts: u64,
    /// Row locks that became a lock of the whole table. SQLite and PostgreSQL have none, so that it is 0 there.
    pub escalations: u64,
    /// Attempts that could not be put in an order with other transactions.
    pub serialisation_failures: u64,
    /// Attempts that were stopped because their time was over.
    pub timeouts: u64,
    /// Attempts that went on in a transaction that could no longer be committed.
    pub uncommittable: u64,
    /// Failed attempts, for whatever reason, after which the step was tried again.
    pub retries: u64,
}

impl Figures {
    /// Sums them up.
    #[must_use]
    pub fn of(failed: &[FailedAttempts]) -> Self {
        let mut figures = Self::default();
        for group in failed {
            figures.retries += group.retried;
            let trouble = Trouble::of(&group.code, group.native.as_deref());
            let count = match trouble {
                Some(Trouble::Deadlock) => &mut figures.deadlocks,
                Some(Trouble::LockTimeout) => &mut figures.lock_timeouts,
                Some(Trouble::Serialisation) => &mut figures.serialisation_failures,
                Some(Trouble::Timeout) => &mut figures.timeouts,
                Some(Trouble::Uncommittable) => &mut figures.uncommittable,
                None => continue,
            };
            *count += group.attempts;
        }
        figures
    }

    /// Whether there was none of it.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;
